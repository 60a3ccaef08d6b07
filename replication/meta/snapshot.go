package meta

import "iter"

// Records yields the records of a snapshot: applied to NewImage they make an equal image, up to its Position, which the
// snapshot's file tells. The order is Kafka's: features with metadata.version first, brokers, topics with their
// partitions, configs, producer ids.
func (m *Image) Records() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		_ = m.yieldFeatures(yield) && m.yieldBrokers(yield) && m.yieldTopics(yield) && m.yieldConfigs(yield) &&
			m.yieldProducerIDs(yield)
	}
}

func (m *Image) yieldFeatures(yield func(Record) bool) bool {
	if level := m.Feature(metadataVersion); level > 0 && !yield(&FeatureLevelRecord{metadataVersion, level}) {
		return false
	}
	for f := range m.Features() {
		if f.Name != metadataVersion && !yield(&FeatureLevelRecord{f.Name, f.Level}) {
			return false
		}
	}
	return true
}

func (m *Image) yieldBrokers(yield func(Record) bool) bool {
	for b := range m.Brokers() {
		rec := &RegisterBrokerRecord{
			BrokerID: b.ID, IncarnationID: b.IncarnationID, BrokerEpoch: b.Epoch, Endpoints: b.Endpoints,
			Features: b.Features, Fenced: b.Fenced, InControlledShutdown: b.InControlledShutdown,
			LogDirs: b.LogDirs, CordonedLogDirs: b.CordonedLogDirs,
		}
		if b.Rack != "" {
			rec.Rack = &b.Rack
		}
		if !yield(rec) {
			return false
		}
	}
	return true
}

func (m *Image) yieldTopics(yield func(Record) bool) bool {
	for t := range m.Topics() {
		if !yield(&TopicRecord{Name: t.Name, ID: t.ID}) {
			return false
		}
		for _, p := range t.Partitions {
			if !yield(p.record(t)) {
				return false
			}
		}
	}
	return true
}

func (p *Partition) record(t *Topic) *PartitionRecord {
	return &PartitionRecord{
		Partition: p.ID, TopicID: t.ID, Replicas: p.Replicas, ISR: p.ISR, Removing: p.Removing, Adding: p.Adding,
		Leader: p.Leader, LeaderRecoveryState: p.LeaderRecoveryState, LeaderEpoch: p.LeaderEpoch,
		PartitionEpoch: p.PartitionEpoch, Directories: p.Directories, ELR: p.ELR, LastKnownELR: p.LastKnownELR,
	}
}

func (m *Image) yieldConfigs(yield func(Record) bool) bool {
	for resource, entries := range m.configs.all() {
		for _, entry := range entries {
			if !yield(&ConfigRecord{Resource: resource, Name: entry.Name, Value: &entry.Value}) {
				return false
			}
		}
	}
	return true
}

// yieldProducerIDs names no broker: whose the last block was does not matter any more.
func (m *Image) yieldProducerIDs(yield func(Record) bool) bool {
	return m.nextProducerID == 0 ||
		yield(&ProducerIDsRecord{BrokerID: -1, BrokerEpoch: -1, NextProducerID: m.nextProducerID})
}
