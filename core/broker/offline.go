package broker

import "github.com/gregor-log/gregor/base"

// Offline returns the partitions that cannot be served because their directories failed, in the order of their topics
// and numbers. What is in those directories has not been recovered. The slice is the caller's.
func (b *Broker) Offline() []base.TopicPartition {
	var found []base.TopicPartition
	for _, p := range b.partitions() {
		if p.offline() != nil {
			found = append(found, p.tp)
		}
	}
	return found
}
