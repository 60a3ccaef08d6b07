package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/group"
	"github.com/gregor-log/gregor/replication/meta"
)

// OffsetCommit (API key 8): versions 2-10. Version 10 names topics by id (KIP-848). Partitions that do not exist are
// refused here, one by one; the coordinator of the group decides about the others.

// partitionRef is one partition of a request: the position of its topic and its own within that.
type partitionRef struct{ topic, partition int }

func (c *call) offsetCommit(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.OffsetCommitRequest)
	res := kmsg.NewPtrOffsetCommitResponse()
	ask := *req
	ask.Topics = nil
	var asked []partitionRef
	image := c.b.Image()
	for i := range req.Topics {
		t := &req.Topics[i]
		told := kmsg.NewOffsetCommitResponseTopic()
		told.Topic, told.TopicID = t.Topic, t.TopicID
		found, missing := c.committedTopic(image, t)
		sub := kmsg.OffsetCommitRequestTopic{}
		for j := range t.Partitions {
			p := kmsg.NewOffsetCommitResponseTopicPartition()
			p.Partition = t.Partitions[j].Partition
			switch {
			case found == nil:
				p.ErrorCode = missing
			case p.Partition < 0 || int(p.Partition) >= len(found.Partitions):
				p.ErrorCode = unknownTopic
			default:
				sub.Topic, sub.TopicID = found.Name, found.ID
				sub.Partitions = append(sub.Partitions, t.Partitions[j])
				asked = append(asked, partitionRef{topic: i, partition: j})
			}
			told.Partitions = append(told.Partitions, p)
		}
		if len(sub.Partitions) > 0 {
			ask.Topics = append(ask.Topics, sub)
		}
		res.Topics = append(res.Topics, told)
	}
	if len(asked) == 0 {
		return res
	}
	b := c.b
	return c.askGroup(req.Group, c.commitCall(res, &asked),
		func(m *group.Coordinator, now base.Instant, t group.Ticket, out *group.Effects) {
			asked = dropGone(b.Image(), &ask, res, asked)
			if len(asked) == 0 {
				out.Replies = append(out.Replies, group.Reply{Ticket: t, Response: res})
				return
			}
			m.Commit(now, &ask, t, out)
		})
}

// dropGone takes the topics out of a commit that were deleted while it waited for its turn, and says so in the
// response. Deletions have their turn too: what is left is committed before the coordinator hears of a later one.
func dropGone(image *meta.Image, ask *kmsg.OffsetCommitRequest, res *kmsg.OffsetCommitResponse,
	asked []partitionRef) []partitionRef {
	topics, kept := ask.Topics, asked[:0]
	ask.Topics = ask.Topics[:0]
	for _, t := range topics {
		refs := asked[:len(t.Partitions)]
		asked = asked[len(t.Partitions):]
		if image.TopicByID(t.TopicID) != nil {
			ask.Topics, kept = append(ask.Topics, t), append(kept, refs...)
			continue
		}
		for _, at := range refs {
			res.Topics[at.topic].Partitions[at.partition].ErrorCode = unknownTopic
		}
	}
	return kept
}

// committedTopic finds a topic that offsets are committed for, or says how its absence is told.
func (c *call) committedTopic(image *meta.Image, t *kmsg.OffsetCommitRequestTopic) (*meta.Topic, int16) {
	if c.header.Version >= 10 {
		return image.TopicByID(t.TopicID), unknownTopicID
	}
	return image.Topic(t.Topic), unknownTopic
}

// commitCall returns what puts the coordinator's results for the partitions asked into the response.
func (c *call) commitCall(res *kmsg.OffsetCommitResponse, asked *[]partitionRef) *groupCall {
	reply := c.pending()
	set := func(i int, code int16) {
		at := (*asked)[i]
		res.Topics[at.topic].Partitions[at.partition].ErrorCode = code
	}
	return &groupCall{
		refuse: func(code int16) kmsg.Response {
			for i := range *asked {
				set(i, code)
			}
			return res
		},
		answer: func(got kmsg.Response, out *Effects) {
			if got != kmsg.Response(res) {
				i := 0
				for _, t := range got.(*kmsg.OffsetCommitResponse).Topics {
					for _, p := range t.Partitions {
						set(i, p.ErrorCode)
						i++
					}
				}
			}
			reply.reply(res, out)
		},
	}
}

// OffsetDelete (API key 47): version 0 (KIP-496).
func (c *call) offsetDelete(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.OffsetDeleteRequest)
	res := kmsg.NewPtrOffsetDeleteResponse()
	ask := *req
	ask.Topics = nil
	var asked []partitionRef
	image := c.b.Image()
	for i, t := range req.Topics {
		found := image.Topic(t.Topic)
		told, sub := kmsg.NewOffsetDeleteResponseTopic(), kmsg.NewOffsetDeleteRequestTopic()
		told.Topic, sub.Topic = t.Topic, t.Topic
		for j, p := range t.Partitions {
			result := kmsg.NewOffsetDeleteResponseTopicPartition()
			result.Partition = p.Partition
			if found != nil && p.Partition >= 0 && int(p.Partition) < len(found.Partitions) {
				sub.Partitions = append(sub.Partitions, p)
				asked = append(asked, partitionRef{topic: i, partition: j})
			} else {
				result.ErrorCode = unknownTopic
			}
			told.Partitions = append(told.Partitions, result)
		}
		res.Topics = append(res.Topics, told)
		if len(sub.Partitions) > 0 {
			ask.Topics = append(ask.Topics, sub)
		}
	}
	if len(asked) == 0 {
		return res
	}
	return c.askGroup(req.Group, c.offsetDeleteCall(res, asked),
		func(m *group.Coordinator, now base.Instant, t group.Ticket, out *group.Effects) {
			m.DeleteOffsets(now, &ask, t, out)
		})
}

// offsetDeleteCall returns what puts the coordinator's results for the partitions asked into the response. An error of
// the whole stands for all of it (as in Kafka).
func (c *call) offsetDeleteCall(res *kmsg.OffsetDeleteResponse, asked []partitionRef) *groupCall {
	reply := c.pending()
	return &groupCall{
		refuse: func(code int16) kmsg.Response {
			refused := kmsg.NewPtrOffsetDeleteResponse()
			refused.ErrorCode = code
			return refused
		},
		answer: func(got kmsg.Response, out *Effects) {
			d := got.(*kmsg.OffsetDeleteResponse)
			if d.ErrorCode != noCode {
				reply.reply(d, out)
				return
			}
			i := 0
			for _, t := range d.Topics {
				for _, p := range t.Partitions {
					res.Topics[asked[i].topic].Partitions[asked[i].partition].ErrorCode = p.ErrorCode
					i++
				}
			}
			reply.reply(res, out)
		},
	}
}
