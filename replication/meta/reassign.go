package meta

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gregor-log/gregor/base"
)

// CheckReassignment returns why a partition cannot be given other replicas (AlterPartitionReassignments, KIP-455), or
// nil if it has these replicas already: there is nobody yet who would copy it to others. A nil target takes a
// reassignment back. Errors: UNKNOWN_TOPIC_OR_PARTITION, NO_REASSIGNMENT_IN_PROGRESS with no message (as in Kafka),
// INVALID_REPLICA_ASSIGNMENT.
func CheckReassignment(m *Image, topic string, partition int32, target []base.NodeID) *Error {
	t := m.Topic(topic)
	if t == nil {
		return refuse(kerr.UnknownTopicOrPartition, "Unable to find a topic named %s.", topic)
	}
	if partition < 0 || int(partition) >= len(t.Partitions) {
		return refuse(kerr.UnknownTopicOrPartition, "Unable to find partition %s:%d.", topic, partition)
	}
	if target == nil {
		return refuse(kerr.NoReassignmentInProgress, "")
	}
	if refused := checkAssignment(m, target, 0); refused != nil {
		return refused
	}
	if have := t.Partitions[partition].Replicas; !slices.Equal(have, target) {
		return refuse(kerr.InvalidReplicaAssignment,
			"Partition %s:%d has the replicas %v and cannot be moved to %v.", topic, partition, have, target)
	}
	return nil
}
