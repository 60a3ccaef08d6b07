package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
)

// OffsetForLeaderEpoch (API key 23): versions 2-4. It tells where a leader epoch ended, so that a client or follower
// finds out where its log and the leader's part (KIP-101, KIP-279, KIP-320).

func (c *call) offsetForLeaderEpoch(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.OffsetForLeaderEpochRequest)
	res := kmsg.NewPtrOffsetForLeaderEpochResponse()
	for i := range req.Topics {
		t := kmsg.NewOffsetForLeaderEpochResponseTopic()
		t.Topic = req.Topics[i].Topic
		for _, asked := range req.Topics[i].Partitions {
			t.Partitions = append(t.Partitions, c.epochEnd(t.Topic, asked))
		}
		res.Topics = append(res.Topics, t)
	}
	return res
}

func (c *call) epochEnd(topic string,
	asked kmsg.OffsetForLeaderEpochRequestTopicPartition) kmsg.OffsetForLeaderEpochResponseTopicPartition {
	answer := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
	answer.Partition, answer.LeaderEpoch, answer.EndOffset = asked.Partition, notFound, notFound
	p := c.b.topics.partition(topic, asked.Partition)
	if p == nil {
		answer.ErrorCode = unknownTopic
		return answer
	}
	if p.offline() != nil {
		answer.ErrorCode = kafkaStorageError
		return answer
	}
	if _, code := p.checkEpoch(base.LeaderEpoch(asked.CurrentLeaderEpoch)); code != noCode {
		answer.ErrorCode = code
		return answer
	}
	epoch, end := p.log.EndOffsetForEpoch(base.LeaderEpoch(asked.LeaderEpoch))
	answer.LeaderEpoch, answer.EndOffset = int32(epoch), int64(end)
	return answer
}
