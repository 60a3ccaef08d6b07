package meta

import (
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gregor-log/gregor/base"
)

// maxPerBroker bounds the listeners, features and directories of one registration.
const maxPerBroker = 1000

// metadataVersion is the feature that every broker has a range for.
const metadataVersion = "metadata.version"

// RegisterBroker registers a broker process (BrokerRegistration, KIP-631). A process draws its IncarnationID when it
// starts, so a registration with another id than before says that the broker was down in between.
type RegisterBroker struct {
	ID            base.NodeID
	IncarnationID base.UUID
	Endpoints     []Endpoint
	Features      []FeatureRange
	// Rack is empty for none.
	Rack    string
	LogDirs []base.UUID
	// CleanShutdown says that the broker's last stop lost nothing: all its logs were closed and synced.
	CleanShutdown bool
	// Fenced registers a new incarnation as fenced, as Kafka does: it leads nothing until it has caught up. A broker
	// that is its own controller has nothing to catch up with.
	Fenced bool
	// SessionAlive says that the incarnation registered so far was heard of lately.
	SessionAlive bool
}

// Decide returns the RegisterBrokerRecord, after the PartitionChangeRecords that a new incarnation calls for. Where its
// logs may have lost their ends, or where it is fenced, it leaves the ISR of every partition that others are in, and
// an active one of these leads. Where no active one is left, it stays the leader but in a new leader epoch, so that
// whoever read what is now lost is told to truncate; fenced, it leaves the partition without a leader. Partitions
// without one that have it in their ISR it leads, unless fenced. The broker epoch is the offset of the batch. Errors:
// DUPLICATE_BROKER_REGISTRATION, INVALID_REGISTRATION, UNSUPPORTED_VERSION.
func (c RegisterBroker) Decide(m *Image) ([]Record, *Error) {
	old := m.Broker(c.ID)
	restart := old != nil && old.IncarnationID != c.IncarnationID
	if restart && c.SessionAlive && !old.Fenced {
		return nil, refuse(kerr.DuplicateBrokerRegistration, "Another broker is registered with that broker id. If "+
			"the broker was recently restarted this should self-resolve once the heartbeat manager expires the "+
			"broker's session.")
	}
	if err := c.check(m); err != nil {
		return nil, err
	}
	rec := &RegisterBrokerRecord{
		BrokerID: c.ID, IncarnationID: c.IncarnationID, BrokerEpoch: BrokerEpoch(m.Position().Offset + 1),
		Endpoints: slices.Clone(c.Endpoints), Features: slices.Clone(c.Features), Fenced: c.Fenced,
		LogDirs: slices.Clone(c.LogDirs),
	}
	if c.Rack != "" {
		rec.Rack = &c.Rack
	}
	if old == nil {
		return []Record{rec}, nil
	}
	rec.CordonedLogDirs = old.CordonedLogDirs
	if !restart {
		rec.BrokerEpoch, rec.Fenced, rec.InControlledShutdown = old.Epoch, old.Fenced, old.InControlledShutdown
		return []Record{rec}, nil
	}
	return append(c.settle(m), rec), nil
}

// settle returns the changes of all partitions that have the broker in their ISR.
func (c RegisterBroker) settle(m *Image) []Record {
	var records []Record
	for t := range m.Topics() {
		for _, p := range t.Partitions {
			if !slices.Contains(p.ISR, c.ID) {
				continue
			}
			if change := c.settlePartition(m, t, p); change != nil {
				records = append(records, change)
			}
		}
	}
	return records
}

// settlePartition returns the change of one partition that has the broker in its ISR, or nil if it stays as it is.
func (c RegisterBroker) settlePartition(m *Image, t *Topic, p *Partition) *PartitionChangeRecord {
	change := NewPartitionChange(t.ID, p.ID)
	rest := slices.DeleteFunc(slices.Clone(p.ISR), func(id base.NodeID) bool { return id == c.ID })
	heir := base.NoNode
	for _, id := range p.Replicas {
		if b := m.Broker(id); slices.Contains(rest, id) && b != nil && b.Active() {
			heir = id
			break
		}
	}
	switch {
	case p.Leader == base.NoNode && !c.Fenced:
		change.Leader = c.ID
	case p.Leader == base.NoNode || c.CleanShutdown && !c.Fenced:
		return nil
	case p.Leader != c.ID:
		change.ISR = rest
	case heir != base.NoNode:
		change.Leader, change.ISR = heir, rest
	case c.Fenced:
		change.Leader = base.NoNode
	default:
		change.Leader = c.ID
	}
	return change
}

// check verifies the registration itself.
func (c RegisterBroker) check(m *Image) *Error {
	switch {
	case c.ID < 0:
		return refuse(kerr.InvalidRegistration, "Broker id %d is negative", c.ID)
	case c.IncarnationID.IsZero():
		return refuse(kerr.InvalidRegistration, "No incarnation id specified in request")
	case len(c.LogDirs) == 0:
		return refuse(kerr.InvalidRegistration, "No directories specified in request")
	case max(len(c.LogDirs), len(c.Endpoints), len(c.Features)) > maxPerBroker:
		return refuse(kerr.InvalidRegistration, "Request has more than %d listeners, features or directories",
			maxPerBroker)
	}
	if err := c.checkStrings(); err != nil {
		return err
	}
	if err := c.checkDirectories(m); err != nil {
		return err
	}
	return c.checkFeatures(m)
}

// checkStrings verifies that every name can be written into a record, and that none is there twice.
func (c RegisterBroker) checkStrings() *Error {
	endpoints, features := make(map[string]bool), make(map[string]bool)
	for _, e := range c.Endpoints {
		if e.Name == "" || len(e.Name) > maxStringBytes || len(e.Host) > maxStringBytes || endpoints[e.Name] {
			return refuse(kerr.InvalidRegistration, "Invalid or duplicate listener %q", e.Name)
		}
		endpoints[e.Name] = true
	}
	for _, f := range c.Features {
		if f.Name == "" || len(f.Name) > maxStringBytes || features[f.Name] {
			return refuse(kerr.InvalidRegistration, "Invalid or duplicate feature %q", f.Name)
		}
		features[f.Name] = true
	}
	if len(c.Rack) > maxStringBytes {
		return refuse(kerr.InvalidRegistration, "A rack name of %d bytes is not allowed", len(c.Rack))
	}
	return nil
}

func (c RegisterBroker) checkDirectories(m *Image) *Error {
	seen := make(map[base.UUID]bool)
	for _, dir := range c.LogDirs {
		if reservedDirectory(dir) {
			return refuse(kerr.InvalidRegistration, "Reserved directory ID in request")
		}
		if seen[dir] {
			return refuse(kerr.InvalidRegistration, "Duplicate directory ID in request")
		}
		seen[dir] = true
	}
	for b := range m.Brokers() {
		for _, dir := range b.LogDirs {
			if b.ID != c.ID && seen[dir] {
				return refuse(kerr.InvalidRegistration, "Broker %d is already registered with directory %v", b.ID, dir)
			}
		}
	}
	return nil
}

// checkFeatures refuses a broker that does not support what the cluster has finalized.
func (c RegisterBroker) checkFeatures(m *Image) *Error {
	if !slices.ContainsFunc(c.Features, func(f FeatureRange) bool { return f.Name == metadataVersion }) {
		return refuse(kerr.InvalidRegistration, "Request features do not contain '%s'", metadataVersion)
	}
	for feature := range m.Features() {
		has := FeatureRange{Name: feature.Name}
		for _, f := range c.Features {
			if f.Name == feature.Name {
				has = f
			}
		}
		if feature.Level < has.Min || feature.Level > has.Max {
			return refuse(kerr.UnsupportedVersion, "Unable to register because the broker does not support finalized "+
				"version %d of %s. The broker wants a version between %d and %d, inclusive.",
				feature.Level, feature.Name, has.Min, has.Max)
		}
	}
	return nil
}

// reservedDirectory reports whether Kafka keeps id for a meaning of its own.
func reservedDirectory(id base.UUID) bool {
	return strings.Trim(string(id[:15]), "\x00") == "" && id[15] < 100
}

// checkBrokerEpoch refuses a request of a broker that is not registered under that epoch.
func checkBrokerEpoch(m *Image, id base.NodeID, epoch BrokerEpoch) *Error {
	b := m.Broker(id)
	if b == nil {
		return refuse(kerr.StaleBrokerEpoch, "No broker registration found for broker id %d", id)
	}
	if b.Epoch != epoch {
		return refuse(kerr.StaleBrokerEpoch, "Expected broker epoch %d, but got broker epoch %d", b.Epoch, epoch)
	}
	return nil
}
