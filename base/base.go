// Package base is the vocabulary that every other package speaks: identifiers, offsets, epochs, instants, byte sizes
// and the assertion helper. It imports nothing of the project, holds no behaviour worth simulating, and every name in
// it is Kafka's own name for the thing.
package base

import "fmt"

// NodeID is a broker's node.id. The value NoNode stands for "no broker", as Kafka writes -1.
type NodeID int32

// NoNode is the node id that Kafka puts on the wire where there is no leader or controller.
const NoNode NodeID = -1

// Offset is a record's position in one partition, counted from 0. An offset that means "the end" is exclusive.
type Offset int64

// NoOffset is Kafka's "unknown offset" on the wire.
const NoOffset Offset = -1

// LeaderEpoch counts the leaders of one partition. It never goes backwards within a topic id (KIP-101, KIP-320).
type LeaderEpoch int32

// NoEpoch is Kafka's "unknown leader epoch" on the wire: a request that carries it wants no fencing.
const NoEpoch LeaderEpoch = -1

// ProducerID identifies an idempotent producer; NoProducerID marks a batch without one.
type ProducerID int64

// NoProducerID is the producer id of a batch that is not idempotent.
const NoProducerID ProducerID = -1

// ProducerEpoch fences older sessions of the same producer id.
type ProducerEpoch int16

// NoProducerEpoch is the producer epoch of a batch that is not idempotent.
const NoProducerEpoch ProducerEpoch = -1

// NoSequence is the base sequence of a batch without a producer id, and of control batches.
const NoSequence int32 = -1

// NoTimestamp is Kafka's "no timestamp", in milliseconds.
const NoTimestamp int64 = -1

// TopicPartition names one partition of one topic. It is comparable, so it can be a map key.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// String returns "topic-partition", which is also the name of the partition's directory.
func (tp TopicPartition) String() string {
	return fmt.Sprintf("%s-%d", tp.Topic, tp.Partition)
}

// Compare orders topic partitions by topic, then by partition, for output that must not depend on map order.
func (tp TopicPartition) Compare(other TopicPartition) int {
	switch {
	case tp.Topic < other.Topic:
		return -1
	case tp.Topic > other.Topic:
		return 1
	case tp.Partition < other.Partition:
		return -1
	case tp.Partition > other.Partition:
		return 1
	}
	return 0
}
