package meta

import (
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gregor-log/gregor/base"
)

// DeleteTopic deletes a topic with its configs, by name, or by ID where Name is empty (DeleteTopics).
type DeleteTopic struct {
	Name string
	ID   base.UUID
}

// Decide returns a RemoveTopicRecord. Errors: UNKNOWN_TOPIC_OR_PARTITION for a name, UNKNOWN_TOPIC_ID for an id.
func (c DeleteTopic) Decide(m *Image) ([]Record, *Error) {
	t, unknown := m.TopicByID(c.ID), kerr.UnknownTopicID
	if c.Name != "" {
		t, unknown = m.Topic(c.Name), kerr.UnknownTopicOrPartition
	}
	if t == nil {
		return nil, refuseWith(unknown)
	}
	return []Record{&RemoveTopicRecord{ID: t.ID}}, nil
}

// CreatePartitions adds partitions to a topic until there are Count.
type CreatePartitions struct {
	Name  string
	Count int32
	// Assignments are the replicas of the new partitions, nil where the controller places them.
	Assignments [][]base.NodeID
	// Seed decides the placement, together with the brokers; any number will do.
	Seed uint64
}

// Decide returns one PartitionRecord for each new partition, with as many replicas as partition 0 has. Errors:
// UNKNOWN_TOPIC_OR_PARTITION, INVALID_PARTITIONS, INVALID_REPLICA_ASSIGNMENT, INVALID_REPLICATION_FACTOR, and
// POLICY_VIOLATION for more than MaxPartitionsPerRequest (Kafka answers that with UNKNOWN_SERVER_ERROR).
func (c CreatePartitions) Decide(m *Image) ([]Record, *Error) {
	t := m.Topic(c.Name)
	if t == nil {
		return nil, refuseWith(kerr.UnknownTopicOrPartition)
	}
	have := len(t.Partitions)
	if int(c.Count) == have {
		return nil, refuse(kerr.InvalidPartitions, "Topic already has %d partition(s).", have)
	}
	if int(c.Count) < have {
		return nil, refuse(kerr.InvalidPartitions, "The topic %s currently has %d partition(s); %d would not be "+
			"an increase.", c.Name, have, c.Count)
	}
	placed, err := c.place(m, t)
	if err != nil {
		return nil, err
	}
	records := make([]Record, len(placed))
	for i, replicas := range placed {
		if records[i], err = newPartition(m, t.ID, int32(have+i), replicas); err != nil {
			return nil, err
		}
	}
	return records, nil
}

// place returns the replicas of the new partitions.
func (c CreatePartitions) place(m *Image, t *Topic) ([][]base.NodeID, *Error) {
	more := int(c.Count) - len(t.Partitions)
	if c.Assignments != nil && len(c.Assignments) != more {
		return nil, refuse(kerr.InvalidReplicaAssignment, "Attempted to add %d additional partition(s), but only %d "+
			"assignment(s) were specified.", more, len(c.Assignments))
	}
	if err := CheckPartitionsPerRequest(int64(more)); err != nil {
		return nil, err
	}
	if len(t.Partitions) == 0 {
		return nil, refuse(kerr.UnknownServerError, "Invalid state: topic %s appears to have no partitions.", c.Name)
	}
	factor := len(t.Partitions[0].Replicas)
	if c.Assignments == nil {
		return placeReplicas(m, more, factor, c.Seed)
	}
	placed := make([][]base.NodeID, more)
	for i, replicas := range c.Assignments {
		if err := checkAssignment(m, replicas, factor); err != nil {
			return nil, err
		}
		placed[i] = append([]base.NodeID(nil), replicas...)
	}
	return placed, nil
}
