package group

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
)

// OffsetCommit, versions 2-10. Versions 2 to 4 may say how long the offset is to be kept; version 10 names topics by
// id, which the caller has resolved: a topic's name counts, and its id, if it is there, is written along.

// missingGroupVersion is the version from which a commit to a group that there is not is told so (KIP-848).
const missingGroupVersion = 9

// Commit serves an OffsetCommit. The answer comes when the offsets are written, and only then are they fetched. The
// caller has looked whether the partitions exist. Of a partition that is named twice the last offset counts; both are
// written (as in Kafka). A commit that no batch can hold is refused before anything is made of it: a group's long name
// is in every record, and the request has it once.
func (c *Coordinator) Commit(now base.Instant, req *kmsg.OffsetCommitRequest, t Ticket, out *Effects) {
	c.begin(now, out)
	g, code := c.committing(req)
	if code != noCode {
		c.reply(t, commitError(req, code))
		return
	}
	if most := int(c.options.Config().MaxBatchBytes); most > 0 && c.leastBytes(req) > most {
		c.reply(t, commitError(req, clientCode(kerr.MessageTooLarge.Code)))
		return
	}
	w := c.prepareCommit(g, req)
	if len(w.changes) == 0 {
		c.reply(t, w.response)
		return
	}
	if g == nil {
		g = c.create(req.Group)
	}
	records := make([]Record, len(w.changes))
	room := make([]byte, 0, w.room)
	next := 0
	for i := range req.Topics {
		topic := &req.Topics[i]
		for j := range topic.Partitions {
			if w.response.Topics[i].Partitions[j].ErrorCode != noCode {
				continue
			}
			x := &w.changes[next]
			x.group = g
			x.entry = g.offsets.make(topic.Topic).make(topic.Partitions[j].Partition)
			x.entry.writes++
			x.entry.newest = x.to.topicID
			records[next], room = offsetRecord(room, g.name, topic.Topic, x.entry.partition, &x.to)
			next++
		}
	}
	w.request, w.ticket = req, t
	g.unsettled++
	c.write(w, records...)
}

// committing returns the group that a commit is to, nil for one that is to be created, or why there must be none. A
// member's commit begins its session anew.
func (c *Coordinator) committing(req *kmsg.OffsetCommitRequest) (*group, int16) {
	g := c.groups[req.Group]
	switch {
	case len(req.Group) > mostString:
		return nil, kerr.InvalidGroupID.Code
	case g == nil && req.Generation < 0:
		return nil, noCode
	case g == nil && req.Version >= missingGroupVersion:
		return nil, kerr.GroupIDNotFound.Code
	case g == nil:
		return nil, kerr.IllegalGeneration.Code
	case g.state == Dead:
		return nil, kerr.CoordinatorNotAvailable.Code
	case g.state == Empty && req.Generation < 0:
		return g, noCode
	case req.Generation < 0 && req.MemberID == "" && req.InstanceID == nil:
		return nil, kerr.UnknownMemberID.Code
	}
	if code := g.validate(req.MemberID, req.InstanceID); code != noCode {
		return nil, code
	}
	switch {
	case req.Generation != g.generation:
		return nil, kerr.IllegalGeneration.Code
	case g.state == CompletingRebalance:
		return nil, kerr.RebalanceInProgress.Code
	}
	c.renew(g.byID[req.MemberID])
	return g, noCode
}

// leastBytes returns how many bytes the batch of a commit has at least: 61 before its records; of each record 7
// beside key and value, 10 of the key and 24 of the value beside their strings.
func (c *Coordinator) leastBytes(req *kmsg.OffsetCommitRequest) int {
	const header, around = 61, 7 + 10 + 24
	sum, most := header, int(c.options.Config().MaxMetadataBytes)
	for i := range req.Topics {
		topic := &req.Topics[i]
		for j := range topic.Partitions {
			if metadata := stringOf(topic.Partitions[j].Metadata); !tooLong(metadata, most) {
				sum += around + len(req.Group) + len(topic.Topic) + len(metadata)
			}
		}
	}
	return sum
}

// tooLong reports that a text is longer than may be committed with an offset.
func tooLong(metadata string, most int) bool {
	return len(metadata) > mostString || utf16Len(metadata) > most
}

// prepareCommit makes the answer to a commit, and the offsets of those partitions for which it tells no error.
func (c *Coordinator) prepareCommit(g *group, req *kmsg.OffsetCommitRequest) *commitWrite {
	const around = 96 // bytes of a record besides its strings, at most
	w := &commitWrite{group: g, response: kmsg.NewPtrOffsetCommitResponse()}
	w.response.Topics = make([]kmsg.OffsetCommitResponseTopic, len(req.Topics))
	most, expires := int(c.options.Config().MaxMetadataBytes), expiry(c.now, req.RetentionTimeMillis)
	count := 0
	for i := range req.Topics {
		count += len(req.Topics[i].Partitions)
	}
	w.changes = make([]change, 0, count)
	for i := range req.Topics {
		topic, res := &req.Topics[i], &w.response.Topics[i]
		res.Topic, res.TopicID = topic.Topic, topic.TopicID
		res.Partitions = make([]kmsg.OffsetCommitResponseTopicPartition, len(topic.Partitions))
		for j := range topic.Partitions {
			p, metadata := &topic.Partitions[j], stringOf(topic.Partitions[j].Metadata)
			res.Partitions[j].Partition = p.Partition
			if tooLong(metadata, most) {
				res.Partitions[j].ErrorCode = kerr.OffsetMetadataTooLarge.Code
				continue
			}
			w.room += around + len(req.Group) + len(topic.Topic) + len(metadata)
			w.changes = append(w.changes, change{to: offset{
				offset: p.Offset, leaderEpoch: p.LeaderEpoch, metadata: metadata,
				committed: c.now.Wall, expires: expires, topicID: topic.TopicID,
			}})
		}
	}
	return w
}

// commitWrite is the write of a commit.
type commitWrite struct {
	group    *group
	request  *kmsg.OffsetCommitRequest
	response *kmsg.OffsetCommitResponse
	ticket   Ticket
	changes  []change
	room     int
}

var _ outcome = (*commitWrite)(nil)

func (w *commitWrite) written(c *Coordinator, code int16) {
	g := w.changes[0].group
	g.unsettled--
	c.settle(w.changes, code)
	if code != noCode {
		c.reply(w.ticket, commitError(w.request, code))
		c.forgetUnused(g)
		return
	}
	c.reply(w.ticket, w.response)
}

// commitError answers a commit with one error for all partitions.
func commitError(req *kmsg.OffsetCommitRequest, code int16) *kmsg.OffsetCommitResponse {
	res := kmsg.NewPtrOffsetCommitResponse()
	res.Topics = slices.Grow(res.Topics, len(req.Topics))
	for i := range req.Topics {
		topic := kmsg.NewOffsetCommitResponseTopic()
		topic.Topic, topic.TopicID = req.Topics[i].Topic, req.Topics[i].TopicID
		for j := range req.Topics[i].Partitions {
			p := kmsg.NewOffsetCommitResponseTopicPartition()
			p.Partition, p.ErrorCode = req.Topics[i].Partitions[j].Partition, code
			topic.Partitions = append(topic.Partitions, p)
		}
		res.Topics = append(res.Topics, topic)
	}
	return res
}
