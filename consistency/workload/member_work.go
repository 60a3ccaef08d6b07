package workload

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/netsim/clock"
	"github.com/gregor-log/gregor/netsim/world"
)

// work is what a member does that has its partitions.
func (m *member) work() {
	if !m.calm && m.now() >= m.troubleAt {
		m.troubleAt = m.now().Add(clock.Exponential(m.rand, m.plan.Trouble))
		if m.trouble() {
			return
		}
	}
	if m.quits {
		m.quit()
		return
	}
	if m.now() >= m.beatAt && m.beating == nil {
		m.beat()
	}
	if m.now() >= m.commitAt && m.commitDue() {
		m.commit()
	}
	m.wantOffsets()
	m.fetch()
}

// beat sends a heartbeat.
func (m *member) beat() {
	m.beating = m.request(world.AskHeartbeat)
	m.beatAt = m.now().Add(m.plan.Beat)
	m.sendBeat(m.beating)
}

func (m *member) sendBeat(r *world.GroupRequest) {
	req := kmsg.NewPtrHeartbeatRequest()
	m.versions.set(req)
	req.Group, req.MemberID, req.Generation = r.Group, r.Member, r.Generation
	if m.plan.Instance != "" {
		req.InstanceID = &m.plan.Instance
	}
	m.askGroup(req, r, requestTimeout)
}

// beaten takes the answer to a heartbeat.
func (m *member) beaten(r *world.GroupRequest, res *kmsg.HeartbeatResponse) {
	if res.ErrorCode == 0 {
		m.run.book.Good(r)
	}
	m.refused(r, res.ErrorCode)
	if m.beating == r {
		m.beating = nil
	}
	if r.Member == m.id && r.Generation == m.generation {
		m.again(res.ErrorCode)
	}
}

// commitDue reports whether there is something to commit, and nothing being committed.
func (m *member) commitDue() bool {
	if m.committing != nil || m.generation < 0 {
		return false
	}
	for _, h := range m.holdings {
		if h.known && h.position != h.committed {
			return true
		}
	}
	return false
}

// commit commits how far the member has come.
func (m *member) commit() {
	m.commitAt = m.now().Add(clock.Exponential(m.rand, m.plan.Commit))
	r := m.request(world.AskCommit)
	m.committing = r
	for _, h := range m.holdings {
		if h.known && h.position != h.committed {
			r.Commits = append(r.Commits, m.newCommit(r.Group, h.partition, h.position))
		}
	}
	m.askGroup(m.commitRequest(r), r, requestTimeout)
}

// newCommit makes a commit with a text of its own.
func (s *session) newCommit(group string, p *world.Partition, at base.Offset) *world.Commit {
	s.commits++
	return &world.Commit{
		Group: group, Partition: p.TopicPartition, Offset: int64(at), Epoch: s.run.leaderEpoch(p),
		Metadata: fmt.Sprintf("%s.%d", s.client.Name(), s.commits),
	}
}

// hasCommitted takes the answer to an OffsetCommit.
func (m *member) hasCommitted(req *world.Request, r *world.GroupRequest, res *kmsg.OffsetCommitResponse) {
	code := m.committed(req, r, res)
	if m.committing == r {
		m.committing = nil
	}
	if r.Member != m.id || r.Generation != m.generation {
		return // a zombie's
	}
	if code == 0 {
		for _, c := range r.Commits {
			if h := holdingOf(m.holdings, c.Partition); h != nil {
				h.committed = base.Offset(c.Offset)
			}
		}
	}
	if m.phase == phaseAssigned {
		m.again(code)
	}
}

// wantOffsets asks for what the group has committed of partitions that are new to the member.
func (m *member) wantOffsets() {
	r := m.request(world.AskOffsets)
	for _, h := range m.holdings {
		if !h.known && !h.asked && !h.reset {
			h.asked = true
			r.Fetches = append(r.Fetches, world.OffsetAsked{Partition: h.partition.TopicPartition})
		}
	}
	if len(r.Fetches) > 0 {
		m.askGroup(m.fetchRequest(r, false), r, requestTimeout)
		return
	}
	for _, h := range m.holdings {
		if h.reset && !m.asking {
			m.asking = true
			m.ask(listOffsets(&m.session, h.partition, earliest), int64(h.partition.Index))
			return
		}
	}
}

// hasOffsets takes the answer to an OffsetFetch. Where nothing is committed the member begins with the log.
func (m *member) hasOffsets(req *world.Request, r *world.GroupRequest, res *kmsg.OffsetFetchResponse) {
	told, good := m.fetchedOffsets(req, r, res, false, false)
	for i := range r.Fetches {
		h := holdingOf(m.holdings, r.Fetches[i].Partition)
		if h == nil || !h.asked || h.known {
			continue
		}
		h.asked = false
		switch {
		case !good:
			m.later()
		case told[i].Offset.Offset == world.NoOffset:
			h.reset = true
		default:
			h.position, h.committed, h.known = base.Offset(told[i].Offset.Offset), base.Offset(told[i].Offset.Offset),
				true
		}
	}
}

// begins takes where a log begins.
func (m *member) begins(req *world.Request, res *kmsg.ListOffsetsResponse) {
	for _, h := range m.holdings {
		part := &res.Topics[0].Partitions[0]
		if int64(h.partition.Index) != req.Tag || part.ErrorCode != 0 || !h.reset {
			continue
		}
		m.ledger().StartTold(h.partition, base.Offset(part.Offset), req.Fence)
		h.position, h.known, h.reset = base.Offset(part.Offset), true, false
	}
}

// fetch asks for what is next in all partitions.
func (m *member) fetch() {
	if m.fetching {
		return
	}
	req := kmsg.NewPtrFetchRequest()
	m.versions.set(req)
	req.MinBytes, req.MaxBytes, req.MaxWaitMillis, req.SessionEpoch = 1, 256<<10, 0, -1
	most := int32(16 << 10)
	if m.calm {
		most = 64 << 10
	}
	m.fetched = m.fetched[:0]
	for _, h := range m.holdings {
		if !h.known {
			continue
		}
		h.floor = m.ledger().End(h.partition)
		m.fetched = append(m.fetched, h)
		part := kmsg.NewFetchRequestTopicPartition()
		part.Partition, part.FetchOffset, part.PartitionMaxBytes = h.partition.Partition, int64(h.position), most
		t := kmsg.NewFetchRequestTopic()
		t.Topic, t.TopicID = h.partition.TopicPartition.Topic, h.partition.Topic.ID
		if n := len(req.Topics); n > 0 && req.Topics[n-1].Topic == t.Topic {
			req.Topics[n-1].Partitions = append(req.Topics[n-1].Partitions, part)
			continue
		}
		t.Partitions = append(t.Partitions, part)
		req.Topics = append(req.Topics, t)
	}
	if len(m.fetched) > 0 {
		m.fetching = true
		m.ask(req, 0)
	}
}

// hasFetched takes the answer to a fetch.
func (m *member) hasFetched(req *world.Request, res *kmsg.FetchResponse) {
	for i := range res.Topics {
		for j := range res.Topics[i].Partitions {
			part := &res.Topics[i].Partitions[j]
			name := m.run.nameOf(res.Topics[i].Topic, res.Topics[i].TopicID)
			h := holdingOf(m.fetched, base.TopicPartition{Topic: name, Partition: part.Partition})
			switch {
			case h == nil:
				m.run.w.Violate("wrong-answer", "%s: a fetch response names partition %d of %q, which was not "+
					"asked for", m.client.Name(), part.Partition, name)
			case part.ErrorCode == kerr.OffsetOutOfRange.Code:
				if !m.ledger().OutOfRange(h.partition, h.position, h.floor, req.Fence) {
					m.run.w.Violate("out-of-range", "%s: offset %d of %v is out of range", m.client.Name(), h.position,
						h.partition)
				}
				h.known, h.reset = false, true
				m.run.skipped(m.group, h.partition)
			case part.ErrorCode == 0:
				m.processed(req, h, part)
			}
		}
	}
}

// processed takes what a fetch brought of one partition.
func (m *member) processed(req *world.Request, h *holding, part *kmsg.FetchResponseTopicPartition) {
	f := world.Fetched{
		Partition: h.partition, From: h.position, Floor: h.floor, High: base.Offset(part.HighWatermark),
		Start: base.Offset(part.LogStartOffset), Records: part.RecordBatches, Fence: req.Fence,
	}
	if req.Version < 5 {
		f.Start = 0
	}
	next, seen, corrupt := m.ledger().Fetched(&f, m.seen[:0])
	m.seen = seen
	m.run.record.fetch(&m.session, req, &f, seen, false)
	if !corrupt && next > h.position {
		m.run.eaten(m.group, h.partition, h.position, next)
		h.position = next
	}
}
