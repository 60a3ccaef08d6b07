package meta

// Delta says what one call of Apply changed, net: a topic that was created and removed again is not in it, while one
// that was removed and created again under another id is both in Deleted and in Created, since it is another topic
// whose data is not that of the first. Deletions are acted on first. Lists are in the order in which the records
// first named their subjects.
type Delta struct {
	// Deleted are topics as they were, Created as they are.
	Deleted, Created []*Topic
	Changed          []TopicChange
	// Brokers are those registered, changed (Before and After differ) or unregistered (After is nil).
	Brokers []BrokerChange
	// Configs are the resources with config records, even if these left their values as they were, and topics that lost
	// their configs with themselves.
	Configs []ConfigResource
	// Features are the names with feature records.
	Features []string
	// ProducerIDs says that a block of producer ids was handed out.
	ProducerIDs bool
}

// TopicChange is a topic that was there before and is there after, with records for its partitions.
type TopicChange struct {
	Before, After *Topic
	// Partitions are the ids of the partitions that differ, rising; those from len(Before.Partitions) on are new. A
	// partition epoch that rose by more than one tells that states between the two were skipped.
	Partitions []int32
}

// BrokerChange is a broker with records for its registration. Before is nil for a new one, After for one unregistered.
type BrokerChange struct {
	Before, After *Broker
}

// Empty reports whether nothing was touched.
func (d *Delta) Empty() bool {
	return len(d.Deleted) == 0 && len(d.Created) == 0 && len(d.Changed) == 0 && len(d.Brokers) == 0 &&
		len(d.Configs) == 0 && len(d.Features) == 0 && !d.ProducerIDs
}

// delta compares the touched parts of the image with what they were.
func (b *builder) delta() *Delta {
	d := &Delta{
		Configs: b.touchedConfigs, Features: b.touchedFeatures,
		ProducerIDs: b.image.nextProducerID != b.from.nextProducerID,
	}
	for _, id := range b.touchedTopics {
		before, after := b.from.TopicByID(id), b.image.TopicByID(id)
		if b.removed[id] {
			// Should the id have come back, it is another topic all the same: nothing of the old one may survive.
			d.addTopic(before, nil)
			before = nil
		}
		d.addTopic(before, after)
	}
	for _, id := range b.touchedBrokers {
		change := BrokerChange{b.from.Broker(id), b.image.Broker(id)}
		if change.Before != nil || change.After != nil {
			d.Brokers = append(d.Brokers, change)
		}
	}
	return d
}

func (d *Delta) addTopic(before, after *Topic) {
	switch {
	case before == nil && after == nil:
	case before == nil:
		d.Created = append(d.Created, after)
	case after == nil:
		d.Deleted = append(d.Deleted, before)
	default:
		d.Changed = append(d.Changed, TopicChange{before, after, changedPartitions(before, after)})
	}
}

// changedPartitions lists the partitions of after that are not those of before. Partitions are replaced, never changed,
// so comparing pointers is enough.
func changedPartitions(before, after *Topic) []int32 {
	var ids []int32
	for i, p := range after.Partitions {
		if i >= len(before.Partitions) || before.Partitions[i] != p {
			ids = append(ids, int32(i))
		}
	}
	return ids
}
