package workload

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/netsim/world"
)

// commitRequest builds an OffsetCommit in the client's version.
func (s *session) commitRequest(r *world.GroupRequest) *kmsg.OffsetCommitRequest {
	req := kmsg.NewPtrOffsetCommitRequest()
	s.versions.set(req)
	req.Group, req.MemberID, req.Generation = r.Group, r.Member, r.Generation
	if r.Instance != "" && req.Version >= 7 {
		req.InstanceID = &r.Instance
	}
	for _, c := range r.Commits {
		if req.Version < 6 {
			c.Epoch = -1
		}
		part := kmsg.NewOffsetCommitRequestTopicPartition()
		part.Partition, part.Offset, part.LeaderEpoch, part.Metadata = c.Partition.Partition, c.Offset, c.Epoch,
			&c.Metadata
		n := len(req.Topics)
		if n == 0 || req.Topics[n-1].Topic != c.Partition.Topic {
			t := kmsg.NewOffsetCommitRequestTopic()
			t.Topic, t.TopicID = c.Partition.Topic, s.run.idOf(c.Partition.Topic)
			req.Topics = append(req.Topics, t)
			n++
		}
		req.Topics[n-1].Partitions = append(req.Topics[n-1].Partitions, part)
	}
	return req
}

// idOf returns the id of a topic.
func (r *run) idOf(name string) base.UUID {
	for _, t := range r.topics {
		if t.Name == name {
			return t.ID
		}
	}
	return base.UUID{}
}

// nameOf returns the name that a topic of an answer has: it is told by name or by id.
func (r *run) nameOf(name string, id base.UUID) string {
	if name != "" {
		return name
	}
	for _, t := range r.topics {
		if t.ID == id {
			return t.Name
		}
	}
	return ""
}

// committed takes the answer to an OffsetCommit, and returns the worst code in it.
func (s *session) committed(req *world.Request, r *world.GroupRequest, res *kmsg.OffsetCommitResponse) int16 {
	worst, answered := int16(0), 0
	for i := range res.Topics {
		t := &res.Topics[i]
		for j := range t.Partitions {
			p := &t.Partitions[j]
			tp := base.TopicPartition{Topic: s.run.nameOf(t.Topic, t.TopicID), Partition: p.Partition}
			for _, c := range r.Commits {
				if c.Partition == tp {
					s.settleCommit(req, r, c, p.ErrorCode)
					answered++
				}
			}
			if p.ErrorCode != 0 {
				worst = p.ErrorCode
			}
		}
	}
	if answered != len(r.Commits) {
		s.run.w.Violate("wrong-answer", "%s: OffsetCommit version %d of %d partitions is answered for %d of them",
			s.client.Name(), req.Version, len(r.Commits), answered)
	}
	s.refused(r, worst)
	return worst
}

// fetchRequest builds an OffsetFetch in the client's version. all asks for everything that the group has, where the
// version knows how to.
func (s *session) fetchRequest(r *world.GroupRequest, all bool) *kmsg.OffsetFetchRequest {
	req := kmsg.NewPtrOffsetFetchRequest()
	s.versions.set(req)
	req.Group = r.Group
	group := kmsg.NewOffsetFetchRequestGroup()
	group.Group, group.MemberEpoch = r.Group, -1
	if all && req.Version >= 2 {
		req.Topics, group.Topics = nil, nil
		req.Groups = append(req.Groups, group)
		return req
	}
	for _, f := range r.Fetches {
		n := len(req.Topics)
		if n == 0 || req.Topics[n-1].Topic != f.Partition.Topic {
			t := kmsg.NewOffsetFetchRequestTopic()
			t.Topic = f.Partition.Topic
			req.Topics = append(req.Topics, t)
			u := kmsg.NewOffsetFetchRequestGroupTopic()
			u.Topic, u.TopicID = f.Partition.Topic, s.run.idOf(f.Partition.Topic)
			group.Topics = append(group.Topics, u)
			n++
		}
		req.Topics[n-1].Partitions = append(req.Topics[n-1].Partitions, f.Partition.Partition)
		group.Topics[n-1].Partitions = append(group.Topics[n-1].Partitions, f.Partition.Partition)
	}
	req.Groups = append(req.Groups, group)
	return req
}

// toldOffset is what an answer to OffsetFetch says of one partition.
type toldOffset struct {
	world.Offset
	code  int16
	found bool
}

// fetchedOffsets takes the answer to an OffsetFetch: what it says of each of the request's partitions, or false if it
// is an error. all says that a partition that is not in the answer has no offset.
func (s *session) fetchedOffsets(req *world.Request, r *world.GroupRequest, res *kmsg.OffsetFetchResponse,
	all, final bool,
) ([]toldOffset, bool) {
	told := make([]toldOffset, len(r.Fetches))
	code := res.ErrorCode
	take := func(topic string, partition int32, o toldOffset) {
		for i := range r.Fetches {
			if r.Fetches[i].Partition == (base.TopicPartition{Topic: topic, Partition: partition}) {
				told[i] = o
			}
		}
	}
	for i := range res.Topics {
		for j := range res.Topics[i].Partitions {
			p := &res.Topics[i].Partitions[j]
			take(res.Topics[i].Topic, p.Partition, tell(req, p.Offset, p.LeaderEpoch, p.Metadata, p.ErrorCode))
		}
	}
	for g := range res.Groups {
		code = max(code, res.Groups[g].ErrorCode)
		for i := range res.Groups[g].Topics {
			t := &res.Groups[g].Topics[i]
			for j := range t.Partitions {
				p := &t.Partitions[j]
				take(s.run.nameOf(t.Topic, t.TopicID), p.Partition, tell(req, p.Offset, p.LeaderEpoch, p.Metadata,
					p.ErrorCode))
			}
		}
	}
	if code != 0 {
		return nil, false
	}
	return told, s.judgeOffsets(req, r, told, all, final)
}

func tell(req *world.Request, offset int64, epoch int32, metadata *string, code int16) toldOffset {
	o := toldOffset{code: code, found: true}
	o.Offset = world.Offset{Offset: offset, Epoch: epoch}
	if req.Version < 5 {
		o.Epoch = world.NotTold
	}
	if metadata != nil {
		o.Metadata = *metadata
	}
	return o
}

// judgeOffsets has the ledger judge what was told. It reports false if a partition has an error.
func (s *session) judgeOffsets(req *world.Request, r *world.GroupRequest, told []toldOffset, all, final bool) bool {
	good := true
	for i := range told {
		o := &told[i]
		switch {
		case !o.found && all:
			o.Offset = world.Offset{Offset: world.NoOffset, Epoch: -1}
		case !o.found:
			s.run.w.Violate("wrong-answer", "%s: OffsetFetch version %d does not answer for %v of group %s",
				s.client.Name(), req.Version, r.Fetches[i].Partition, r.Group)
			return false
		case o.code != 0:
			if o.Offset.Offset != world.NoOffset {
				s.run.w.Violate("garbage-offset", "%s: OffsetFetch tells offset %d of %v of group %s with error %s",
					s.client.Name(), o.Offset.Offset, r.Fetches[i].Partition, r.Group,
					kerr.TypedErrorForCode(o.code).Message)
			}
			good = false
			continue
		}
		c := s.run.book.Told(r, &r.Fetches[i], o.Offset)
		s.run.record.committed(s, req, r, i, o, c, final)
	}
	return good
}
