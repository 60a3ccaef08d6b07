package group

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
)

// Fetch serves one group of an OffsetFetch, by the names of its topics; nil topics are all. Where a topic's id is given
// too, offsets that were committed for another topic of that name are not told. A partition without a committed offset,
// and a group that there is not, is no error: the offset is -1. Offsets that are not written yet are not told. There
// are no offsets of open transactions here, so that stable ones are all.
func (c *Coordinator) Fetch(_ base.Instant, req kmsg.OffsetFetchRequestGroup, _ bool) kmsg.OffsetFetchResponseGroup {
	res := kmsg.NewOffsetFetchResponseGroup()
	res.Group = req.Group
	res.Topics = []kmsg.OffsetFetchResponseGroupTopic{}
	var held offsets
	if g := c.groups[req.Group]; g != nil {
		held = g.offsets
	}
	if req.Topics == nil {
		for _, t := range held.topics {
			topic := kmsg.NewOffsetFetchResponseGroupTopic()
			topic.Topic = t.name
			for _, e := range t.entries {
				if e.known {
					topic.Partitions = append(topic.Partitions, fetched(e.partition, e))
				}
			}
			if len(topic.Partitions) > 0 {
				res.Topics = append(res.Topics, topic)
			}
		}
		return res
	}
	for i := range req.Topics {
		asked := &req.Topics[i]
		topic := kmsg.NewOffsetFetchResponseGroupTopic()
		topic.Topic, topic.TopicID = asked.Topic, asked.TopicID
		topic.Partitions = make([]kmsg.OffsetFetchResponseGroupTopicPartition, 0, len(asked.Partitions))
		t := held.topic(asked.Topic)
		for _, p := range asked.Partitions {
			e := t.entry(p)
			if e != nil && (!e.known || otherTopic(e.offset.topicID, asked.TopicID)) {
				e = nil
			}
			topic.Partitions = append(topic.Partitions, fetched(p, e))
		}
		res.Topics = append(res.Topics, topic)
	}
	return res
}

// otherTopic reports that both ids are known and differ.
func otherTopic(a, b [16]byte) bool {
	return a != b && a != [16]byte{} && b != [16]byte{}
}

// fetched tells of an entry, or of none.
func fetched(partition int32, e *entry) kmsg.OffsetFetchResponseGroupTopicPartition {
	p := kmsg.NewOffsetFetchResponseGroupTopicPartition()
	p.Partition, p.Offset, p.LeaderEpoch, p.Metadata = partition, int64(base.NoOffset), int32(base.NoEpoch), new(string)
	if e != nil {
		p.Offset, p.LeaderEpoch = e.offset.offset, e.offset.leaderEpoch
		*p.Metadata = e.offset.metadata
	}
	return p
}
