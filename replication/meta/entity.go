package meta

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gregor-log/gregor/base"
)

// BrokerEpoch numbers the registrations of a broker: each new incarnation gets a higher one than any before it, so a
// request that carries an older one comes from the past (KIP-631). As in Kafka it is the offset of the registration.
type BrokerEpoch int64

// LeaderRecoveryState says whether a partition's leader came out of an unclean election and is still recovering.
type LeaderRecoveryState int8

// The states that Kafka knows (KIP-704).
const (
	Recovered  LeaderRecoveryState = 0
	Recovering LeaderRecoveryState = 1
)

// The directory ids with a meaning of their own (KIP-858). Ids whose first 15 bytes are zero and whose last is below
// 100 are reserved.
var (
	DirectoryMigrating  = base.UUID{}
	DirectoryUnassigned = base.UUID{15: 1}
	DirectoryLost       = base.UUID{15: 2}
)

// Topic is a topic as of one image. It is shared between images and must not be changed.
type Topic struct {
	Name string
	ID   base.UUID
	// Partitions are indexed by partition id.
	//
	// Invariant: Partitions[i].ID == i, and no entry is nil.
	Partitions []*Partition
}

// Internal reports whether the topic belongs to the brokers themselves, which goes by its name as in Kafka.
func (t *Topic) Internal() bool { return IsInternal(t.Name) }

// IsInternal reports whether name is that of a topic which belongs to the brokers themselves.
func IsInternal(name string) bool {
	return name == "__consumer_offsets" || name == "__transaction_state" || name == "__share_group_state"
}

// Partition is one partition as of one image. It is shared between images and must not be changed.
type Partition struct {
	ID int32
	// Replicas are the brokers that hold the partition, the preferred leader first.
	//
	// Invariant: not empty, no broker twice.
	Replicas []base.NodeID
	// ISR are the replicas that hold every committed record.
	//
	// Invariant: each is in Replicas, none twice; empty only without a leader.
	ISR []base.NodeID
	// Adding and Removing are the parts of Replicas that a reassignment under way adds and removes.
	Adding, Removing []base.NodeID
	// ELR are the replicas outside the ISR that are still known to hold every committed record (KIP-966).
	ELR, LastKnownELR []base.NodeID
	// Directories are the log directory ids of Replicas, in the same order; empty when not told.
	Directories []base.UUID
	// Leader is the leading broker or base.NoNode.
	//
	// Invariant: base.NoNode or a member of ISR.
	Leader base.NodeID
	// LeaderEpoch rises with each change of leader, PartitionEpoch with each change of anything.
	//
	// Invariant: within one topic id neither goes backwards.
	LeaderEpoch    base.LeaderEpoch
	PartitionEpoch int32
	// LeaderRecoveryState is Recovering from an unclean election until the leader has settled.
	LeaderRecoveryState LeaderRecoveryState
}

// Endpoint is one listener of a broker. SecurityProtocol is Kafka's number: 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT,
// 3 SASL_SSL.
type Endpoint struct {
	Name             string
	Host             string
	Port             uint16
	SecurityProtocol int16
}

// FeatureRange says which levels of a feature a node supports, both ends included.
type FeatureRange struct {
	Name     string
	Min, Max int16
}

// FeatureLevel is a feature finalized for the cluster.
type FeatureLevel struct {
	Name  string
	Level int16
}

// Broker is a registration as of one image. It is shared between images and must not be changed.
type Broker struct {
	ID            base.NodeID
	Epoch         BrokerEpoch
	IncarnationID base.UUID
	Endpoints     []Endpoint
	// Features are sorted by name.
	Features []FeatureRange
	// Rack is empty where none is set.
	Rack string
	// Fenced brokers lead nothing and are in no ISR for long: they are registered but not heard of.
	Fenced               bool
	InControlledShutdown bool
	LogDirs              []base.UUID
	// CordonedLogDirs take no new partitions (KIP-1066).
	CordonedLogDirs []base.UUID
}

// Active reports whether the broker may lead and be in sync: neither fenced nor leaving.
func (b *Broker) Active() bool { return !b.Fenced && !b.InControlledShutdown }

// placeable reports whether new replicas may be put on the broker: not all of its directories are cordoned.
func (b *Broker) placeable() bool {
	for _, dir := range b.LogDirs {
		if !slices.Contains(b.CordonedLogDirs, dir) {
			return true
		}
	}
	return len(b.LogDirs) == 0
}

// defaultDirectory is what is written for a new replica on the broker: its only directory, or that the broker is yet to
// choose.
func (b *Broker) defaultDirectory() base.UUID {
	switch len(b.LogDirs) {
	case 0:
		return DirectoryMigrating
	case 1:
		return b.LogDirs[0]
	}
	return DirectoryUnassigned
}

// ResourceType is the kind of thing that a config belongs to, with the numbers of Kafka's ConfigResource.
type ResourceType int8

// The resource types that metadata holds configs for.
const (
	ResourceTopic         ResourceType = 2
	ResourceBroker        ResourceType = 4
	ResourceBrokerLogger  ResourceType = 8
	ResourceClientMetrics ResourceType = 16
	ResourceGroup         ResourceType = 32
)

// ConfigResource names what a config belongs to. For ResourceBroker the name is the node id in decimal, or empty for
// the default of all brokers.
type ConfigResource struct {
	Type ResourceType
	Name string
}

// compareResources orders resources by type, then by name.
func compareResources(a, b ConfigResource) int {
	if c := cmp.Compare(a.Type, b.Type); c != 0 {
		return c
	}
	return strings.Compare(a.Name, b.Name)
}

// ConfigEntry is one config of a resource.
type ConfigEntry struct {
	Name  string
	Value string
}

// Position is a place in the metadata log: the offset of a record and the epoch of the writer that put it there.
type Position struct {
	Offset base.Offset
	Epoch  base.LeaderEpoch
}
