package meta

import (
	"fmt"
	"math"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gregor-log/gregor/base"
)

// ProducerIDBlock is how many producer ids a broker is given at a time.
const ProducerIDBlock = 1000

// AllocateProducerIDs gives a broker the next block of producer ids (AllocateProducerIds, KIP-730).
type AllocateProducerIDs struct {
	BrokerID    base.NodeID
	BrokerEpoch BrokerEpoch
}

// Decide returns a ProducerIDsRecord; its Block is the broker's once it is committed. Errors: STALE_BROKER_EPOCH,
// and UNKNOWN_SERVER_ERROR when there are no more ids.
func (c AllocateProducerIDs) Decide(m *Image) ([]Record, *Error) {
	if err := checkBrokerEpoch(m, c.BrokerID, c.BrokerEpoch); err != nil {
		return nil, err
	}
	if m.NextProducerID() > math.MaxInt64-ProducerIDBlock {
		return nil, refuse(kerr.UnknownServerError,
			"Exhausted all producerIds as the next block's end producerId has exceeded the int64 type limit")
	}
	return []Record{&ProducerIDsRecord{
		BrokerID: c.BrokerID, BrokerEpoch: c.BrokerEpoch, NextProducerID: m.NextProducerID() + ProducerIDBlock,
	}}, nil
}

// Block returns the first of the ProducerIDBlock ids that the record hands out.
func (rec *ProducerIDsRecord) Block() base.ProducerID { return rec.NextProducerID - ProducerIDBlock }

// UpgradeType says in which direction UpdateFeature may move a level, with the numbers of UpdateFeatures.
type UpgradeType int8

// The upgrade types of KIP-584 and KIP-778.
const (
	Upgrade         UpgradeType = 1
	SafeDowngrade   UpgradeType = 2
	UnsafeDowngrade UpgradeType = 3
)

// UpdateFeature finalizes a feature at a level; level 0 removes it (UpdateFeatures, KIP-584).
type UpdateFeature struct {
	Name  string
	Level int16
	Type  UpgradeType
	// Controller is the id of the controller that decides, Supported what it supports.
	Controller base.NodeID
	Supported  []FeatureRange
}

// Decide returns a FeatureLevelRecord, or nothing if the level is the one there is. Error: INVALID_UPDATE_VERSION.
func (c UpdateFeature) Decide(m *Image) ([]Record, *Error) {
	current := m.Feature(c.Name)
	why := ""
	switch {
	case c.Type < Upgrade || c.Type > UnsafeDowngrade:
		why = "The controller does not support the given upgrade type."
	case c.Level < 0:
		why = "A feature version cannot be less than 0."
	case !c.supported(m, &why):
	case c.Level < current && c.Type == Upgrade:
		why = "Can't downgrade the version of this feature without setting the upgrade type to either safe or " +
			"unsafe downgrade."
	case c.Level > current && c.Type != Upgrade:
		why = "Can't downgrade to a newer version."
	case c.Level < current && c.Name == metadataVersion:
		return nil, c.refuseDowngrade(current)
	case c.Level == current:
		return nil, nil
	default:
		return []Record{&FeatureLevelRecord{Name: c.Name, Level: c.Level}}, nil
	}
	return nil, refuse(kerr.InvalidUpdateVersion, "Invalid update version %d for feature %s. %s", c.Level, c.Name, why)
}

// refuseDowngrade refuses to write the metadata in an older form: what the older form cannot say would be lost.
func (c UpdateFeature) refuseDowngrade(current int16) *Error {
	why := "Refusing to perform the requested downgrade because it might delete metadata information."
	if c.Type == UnsafeDowngrade {
		why = "Unsafe metadata downgrade is not supported in this version."
	}
	return refuse(kerr.InvalidUpdateVersion, "Unsupported metadata.version downgrade from %d to %d. %s",
		current, c.Level, why)
}

// supported reports whether the controller and all brokers support the level; if not, it says why.
func (c UpdateFeature) supported(m *Image, why *string) bool {
	known := slices.ContainsFunc(c.Supported, func(f FeatureRange) bool { return f.Name == c.Name })
	if c.Level == 0 && !known {
		*why = fmt.Sprintf("Feature %s not found.", c.Name)
		return false
	}
	if *why = lacking("Local controller", c.Controller, c.Supported, c.Name, c.Level); *why != "" {
		return false
	}
	for b := range m.Brokers() {
		if *why = lacking("Broker", b.ID, b.Features, c.Name, c.Level); *why != "" {
			return false
		}
	}
	return true
}

// lacking says how a node's ranges do not include level, or nothing if they do. Not to have a feature is to support it
// at level 0.
func lacking(kind string, id base.NodeID, ranges []FeatureRange, name string, level int16) string {
	for _, f := range ranges {
		if f.Name != name {
			continue
		}
		if level < f.Min || level > f.Max {
			return fmt.Sprintf("%s %d only supports versions %s", kind, id, f.versions())
		}
		return ""
	}
	if level == 0 {
		return ""
	}
	return fmt.Sprintf("%s %d does not support this feature.", kind, id)
}

// versions is the range as Kafka writes it: one number, or two with a dash.
func (f FeatureRange) versions() string {
	if f.Min == f.Max {
		return fmt.Sprintf("%d", f.Min)
	}
	return fmt.Sprintf("%d-%d", f.Min, f.Max)
}

// Bootstrap begins the metadata log of a new cluster with the levels of its features, metadata.version first, as the
// reader of any metadata log expects. It does nothing if there are records already.
type Bootstrap struct {
	Features []FeatureLevel
}

// Decide returns the FeatureLevelRecords. Error: INVALID_UPDATE_VERSION for a name or level that cannot be, or without
// metadata.version.
func (c Bootstrap) Decide(m *Image) ([]Record, *Error) {
	if m.Position().Offset != base.NoOffset {
		return nil, nil
	}
	var first, rest []Record
	for _, f := range c.Features {
		if f.Name == "" || len(f.Name) > maxStringBytes || f.Level < 0 {
			return nil, refuse(kerr.InvalidUpdateVersion, "Invalid update version %d for feature %q.", f.Level, f.Name)
		}
		rec := &FeatureLevelRecord{Name: f.Name, Level: f.Level}
		switch {
		case f.Name == metadataVersion:
			first = append(first, rec)
		case f.Level > 0:
			rest = append(rest, rec)
		}
	}
	if len(first) != 1 {
		return nil, refuse(kerr.InvalidUpdateVersion, "Got %d levels of %s, expected one.", len(first), metadataVersion)
	}
	return append(first, rest...), nil
}
