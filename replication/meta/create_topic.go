package meta

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gregor-log/gregor/base"
)

// MaxPartitionsPerRequest is how many partitions one request may create, over all its topics, as in Kafka. Decide
// checks it for each topic; who splits a request into commands checks the sum with CheckPartitionsPerRequest.
const MaxPartitionsPerRequest = 10_000

// CheckPartitionsPerRequest refuses a request that creates too many partitions in all.
func CheckPartitionsPerRequest(partitions int64) *Error {
	if partitions > MaxPartitionsPerRequest {
		return refuse(kerr.PolicyViolation, "Excessively large number of partitions per request.")
	}
	return nil
}

// Defaults are the broker's num.partitions and default.replication.factor.
type Defaults struct {
	Partitions        int32
	ReplicationFactor int16
}

// Assignment says by hand which brokers hold a partition, the preferred leader first.
type Assignment struct {
	Partition int32
	Replicas  []base.NodeID
}

// CreateTopic creates a topic (CreateTopics, and automatic creation).
type CreateTopic struct {
	Name string
	// ID is drawn by the caller.
	ID base.UUID
	// Partitions and ReplicationFactor are -1 for the default, and must be -1 with Assignments.
	Partitions        int32
	ReplicationFactor int16
	// Assignments is empty where the controller places the replicas.
	Assignments []Assignment
	// Configs are valid, and no name is there twice.
	Configs  []ConfigEntry
	Defaults Defaults
	// Seed decides the placement, together with the brokers; any number will do.
	Seed uint64
}

// Decide returns a TopicRecord, the ConfigRecords and the PartitionRecords, in this order. Errors, in the order of the
// checks: POLICY_VIOLATION, INVALID_REQUEST, TOPIC_ALREADY_EXISTS, INVALID_TOPIC_EXCEPTION, those of the configs, and
// INVALID_REQUEST, INVALID_REPLICATION_FACTOR, INVALID_PARTITIONS, INVALID_REPLICA_ASSIGNMENT for the partitions.
func (c CreateTopic) Decide(m *Image) ([]Record, *Error) {
	if err := c.checkName(m); err != nil {
		return nil, err
	}
	records := []Record{&TopicRecord{Name: c.Name, ID: c.ID}}
	configs := slices.Clone(c.Configs)
	sortConfigs(configs)
	for _, entry := range configs {
		rec, err := setConfig(ConfigResource{ResourceTopic, c.Name}, entry)
		if err != nil {
			return nil, err
		}
		records = append(records, rec)
	}
	placed, err := c.place(m)
	if err != nil {
		return nil, err
	}
	for i, replicas := range placed {
		rec, err := newPartition(m, c.ID, int32(i), replicas)
		if err != nil {
			return nil, err
		}
		records = append(records, rec)
	}
	return records, nil
}

func (c CreateTopic) checkName(m *Image) *Error {
	if err := CheckPartitionsPerRequest(max(int64(c.Partitions), int64(len(c.Assignments)))); err != nil {
		return err
	}
	if c.Name == metadataTopic {
		return refuse(kerr.InvalidRequest, "Creation of internal topic %s is prohibited.", c.Name)
	}
	if m.Topic(c.Name) != nil {
		return refuse(kerr.TopicAlreadyExists, "Topic '%s' already exists.", c.Name)
	}
	if why := CheckTopicName(c.Name); why != "" {
		return refuse(kerr.InvalidTopicException, "%s", why)
	}
	if names, ok := m.similar.get(similarName(c.Name)); ok {
		return refuse(kerr.InvalidTopicException, "Topic '%s' collides with existing topic: %s", c.Name, names[0])
	}
	if reservedID(c.ID) || m.TopicByID(c.ID) != nil {
		return refuse(kerr.UnknownServerError, "Topic id %v is reserved or taken.", c.ID)
	}
	return nil
}

// place returns the replicas of each partition.
func (c CreateTopic) place(m *Image) ([][]base.NodeID, *Error) {
	if len(c.Assignments) > 0 {
		return c.placeByHand(m)
	}
	if c.ReplicationFactor < -1 || c.ReplicationFactor == 0 {
		return nil, refuse(kerr.InvalidReplicationFactor,
			"Replication factor must be larger than 0, or -1 to use the default value.")
	}
	if c.Partitions < -1 || c.Partitions == 0 {
		return nil, refuse(kerr.InvalidPartitions, "Number of partitions was set to an invalid non-positive value.")
	}
	partitions, factor := c.Partitions, c.ReplicationFactor
	if partitions == -1 {
		partitions = c.Defaults.Partitions
	}
	if factor == -1 {
		factor = c.Defaults.ReplicationFactor
	}
	if err := CheckPartitionsPerRequest(int64(partitions)); err != nil {
		return nil, err
	}
	if partitions <= 0 {
		return nil, refuse(kerr.InvalidPartitions, "Number of partitions was set to an invalid non-positive value.")
	}
	return placeReplicas(m, int(partitions), int(factor), c.Seed)
}

// placeByHand checks the assignments and returns them by partition.
func (c CreateTopic) placeByHand(m *Image) ([][]base.NodeID, *Error) {
	if c.ReplicationFactor != -1 {
		return nil, refuse(kerr.InvalidRequest,
			"A manual partition assignment was specified, but replication factor was not set to -1.")
	}
	if c.Partitions != -1 {
		return nil, refuse(kerr.InvalidRequest,
			"A manual partition assignment was specified, but numPartitions was not set to -1.")
	}
	placed := make([][]base.NodeID, len(c.Assignments))
	seen := make(map[int32]bool)
	factor := 0
	for _, a := range c.Assignments {
		if seen[a.Partition] {
			return nil, refuse(kerr.InvalidReplicaAssignment,
				"Found multiple manual partition assignments for partition %d", a.Partition)
		}
		seen[a.Partition] = true
		if err := checkAssignment(m, a.Replicas, factor); err != nil {
			return nil, err
		}
		factor = len(a.Replicas)
		if a.Partition >= 0 && int(a.Partition) < len(placed) {
			placed[a.Partition] = slices.Clone(a.Replicas)
		}
	}
	for _, replicas := range placed {
		if replicas == nil {
			return nil, refuse(kerr.InvalidReplicaAssignment,
				"partitions should be a consecutive 0-based integer sequence")
		}
	}
	return placed, nil
}

// reservedID reports whether Kafka keeps id for itself: none, and that of the metadata log.
func reservedID(id base.UUID) bool {
	return id == base.UUID{} || id == base.UUID{15: 1}
}

// newPartition returns the record of a partition that begins its life on replicas, led by the first active one. There
// is one among those that were placed; those given by hand may be the wrong ones.
func newPartition(m *Image, topic base.UUID, partition int32, replicas []base.NodeID) (*PartitionRecord, *Error) {
	rec := &PartitionRecord{Partition: partition, TopicID: topic, Replicas: replicas}
	for _, id := range replicas {
		b := m.Broker(id)
		rec.Directories = append(rec.Directories, b.defaultDirectory())
		if b.Active() {
			rec.ISR = append(rec.ISR, id)
		}
	}
	if len(rec.ISR) == 0 {
		return nil, refuse(kerr.InvalidReplicaAssignment, "All brokers specified in the manual partition assignment "+
			"for partition %d are fenced or in controlled shutdown.", partition)
	}
	rec.Leader = rec.ISR[0]
	return rec, nil
}

// checkAssignment checks one list of replicas given by hand: registered brokers, none twice, factor of them unless
// factor is 0.
func checkAssignment(m *Image, replicas []base.NodeID, factor int) *Error {
	if len(replicas) == 0 {
		return refuse(kerr.InvalidReplicaAssignment, "The manual partition assignment includes an empty replica list.")
	}
	ids := sorted(nil, replicas)
	for i, id := range ids {
		if m.Broker(id) == nil {
			return refuse(kerr.InvalidReplicaAssignment,
				"The manual partition assignment includes broker %d, but no such broker is registered.", id)
		}
		if i > 0 && ids[i-1] == id {
			return refuse(kerr.InvalidReplicaAssignment,
				"The manual partition assignment includes the broker %d more than once.", id)
		}
	}
	if factor != 0 && len(ids) != factor {
		return refuse(kerr.InvalidReplicaAssignment, "The manual partition assignment includes a partition with %d "+
			"replica(s), but this is not consistent with previous partitions, which have %d replica(s).",
			len(ids), factor)
	}
	return nil
}
