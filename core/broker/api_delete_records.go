package broker

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/replication/meta"
)

// DeleteRecords (API key 21): versions 0-2 (KIP-107). It moves a log's start; offset -1 stands for the high watermark.
// Segments that lie wholly before the start go; no batch is split. Internal topics keep their records.

func (c *call) deleteRecords(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.DeleteRecordsRequest)
	res := kmsg.NewPtrDeleteRecordsResponse()
	trim := &trimTask{b: c.b, wall: c.now.Wall}
	for i := range req.Topics {
		t := kmsg.NewDeleteRecordsResponseTopic()
		t.Topic = req.Topics[i].Topic
		for _, asked := range req.Topics[i].Partitions {
			p := kmsg.NewDeleteRecordsResponseTopicPartition()
			p.Partition, p.LowWatermark = asked.Partition, notFound
			low, code := c.deleteBefore(t.Topic, asked.Partition, base.Offset(asked.Offset), trim)
			p.ErrorCode = code
			if code == noCode {
				p.LowWatermark = int64(low)
			}
			t.Partitions = append(t.Partitions, p)
		}
		if len(t.Partitions) > 0 {
			res.Topics = append(res.Topics, t)
		}
	}
	if len(trim.partitions) > 0 {
		c.out.task(trim)
	}
	return res
}

func (c *call) deleteBefore(topic string, index int32, offset base.Offset, trim *trimTask) (base.Offset, int16) {
	p := c.b.topics.partition(topic, index)
	if p == nil {
		return 0, unknownTopic
	}
	if meta.IsInternal(topic) {
		return 0, invalidTopic
	}
	if p.offline() != nil {
		return 0, kafkaStorageError
	}
	if !p.config().Delete {
		return 0, kerr.PolicyViolation.Code
	}
	high := p.highWatermark()
	if offset == -1 {
		offset = high
	}
	start, err := p.log.DeleteRecords(offset, high)
	if err != nil {
		return 0, codeOf(err)
	}
	trim.partitions = append(trim.partitions, p)
	return start, noCode
}
