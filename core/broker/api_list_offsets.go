package broker

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/segment"
)

// ListOffsets (API key 2): versions 1-11. A timestamp asks for the first record at or after it; negative ones are
// special, each from a version on. What is not found is offset -1 with no error. A partition that is named more than
// once is told so, once.

// The special timestamps, and the version from which each may be asked for.
const (
	latestTimestamp             = -1
	earliestTimestamp           = -2
	maxTimestamp                = -3 // KIP-734
	earliestLocalTimestamp      = -4 // KIP-405
	latestTieredTimestamp       = -5 // KIP-1005
	pendingUploadTimestamp      = -6 // KIP-1023
	notFound                    = -1
	maxTimestampSince           = 7
	earliestLocalSince          = 8
	latestTieredSince           = 9
	pendingUploadSince          = 11
	readCommitted          int8 = 1
)

func (c *call) listOffsets(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.ListOffsetsRequest)
	res := kmsg.NewPtrListOffsetsResponse()
	named := countPartitions(req.Topics)
	for i := range req.Topics {
		t := kmsg.NewListOffsetsResponseTopic()
		t.Topic = req.Topics[i].Topic
		for j := range req.Topics[i].Partitions {
			asked := &req.Topics[i].Partitions[j]
			p := kmsg.NewListOffsetsResponseTopicPartition()
			p.Partition, p.Timestamp, p.Offset, p.LeaderEpoch = asked.Partition, notFound, notFound, notFound
			tp := base.TopicPartition{Topic: t.Topic, Partition: asked.Partition}
			switch named[tp] {
			case 0:
				continue // told already
			case 1:
				c.listOffset(t.Topic, asked, &p)
			default:
				p.ErrorCode = kerr.InvalidRequest.Code
				named[tp] = 0
			}
			t.Partitions = append(t.Partitions, p)
		}
		if len(t.Partitions) > 0 {
			res.Topics = append(res.Topics, t)
		}
	}
	return res
}

// countPartitions returns how often a request names each of its partitions.
func countPartitions(topics []kmsg.ListOffsetsRequestTopic) map[base.TopicPartition]int {
	named := make(map[base.TopicPartition]int)
	for _, t := range topics {
		for _, p := range t.Partitions {
			named[base.TopicPartition{Topic: t.Topic, Partition: p.Partition}]++
		}
	}
	return named
}

// listOffset answers for one partition.
func (c *call) listOffset(topic string, asked *kmsg.ListOffsetsRequestTopicPartition,
	answer *kmsg.ListOffsetsResponseTopicPartition) {
	p := c.b.topics.partition(topic, asked.Partition)
	if p == nil {
		answer.ErrorCode = unknownTopic
		return
	}
	if p.offline() != nil {
		answer.ErrorCode = kafkaStorageError
		return
	}
	epoch, code := p.checkEpoch(base.LeaderEpoch(asked.CurrentLeaderEpoch))
	if code != noCode {
		answer.ErrorCode = code
		return
	}
	if !knownTimestamp(asked.Timestamp, c.header.Version) {
		answer.ErrorCode = kerr.UnsupportedVersion.Code
		return
	}
	found, err := p.offsetFor(asked.Timestamp, epoch)
	if err != nil {
		answer.ErrorCode = codeOf(err)
		return
	}
	answer.Timestamp, answer.Offset, answer.LeaderEpoch = found.Timestamp, int64(found.Offset), int32(found.Epoch)
}

// knownTimestamp reports whether a version may ask for a timestamp.
func knownTimestamp(ts int64, version int16) bool {
	switch ts {
	case latestTimestamp, earliestTimestamp:
		return true
	case maxTimestamp:
		return version >= maxTimestampSince
	case earliestLocalTimestamp:
		return version >= earliestLocalSince
	case latestTieredTimestamp:
		return version >= latestTieredSince
	case pendingUploadTimestamp:
		return version >= pendingUploadSince
	}
	return ts >= 0
}

// offsetFor finds the offset that a timestamp stands for. Nothing is kept on another tier, so that the earliest local
// offset is the earliest one, and there is no tiered one.
func (p *partition) offsetFor(ts int64, epoch base.LeaderEpoch) (segment.TimestampOffset, error) {
	high := p.highWatermark()
	answer := segment.TimestampOffset{Timestamp: notFound, Offset: base.NoOffset, Epoch: base.NoEpoch}
	var found segment.TimestampOffset
	var ok bool
	var err error
	switch ts {
	case latestTimestamp:
		answer.Offset, answer.Epoch = high, epoch
		return answer, nil
	case earliestTimestamp, earliestLocalTimestamp:
		answer.Offset = p.log.Start()
		answer.Epoch = p.log.EpochAt(answer.Offset)
		return answer, nil
	case latestTieredTimestamp, pendingUploadTimestamp:
		return answer, nil
	case maxTimestamp:
		found, ok, err = p.log.LargestTimestamp()
		ok = ok && found.Offset < high
	default:
		found, ok, err = p.log.OffsetForTime(ts, high)
	}
	if err != nil || !ok {
		return answer, err
	}
	return found, nil
}
