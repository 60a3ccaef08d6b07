package workload

import (
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/netsim/world"
)

// The protocols that members know: eager ones, which give everything up before a rebalance, and a cooperative one.
const (
	protocolRange      = "range"
	protocolRoundRobin = "roundrobin"
	protocolSticky     = "sticky"
)

// join asks to be a member of the next generation. An eager member commits and gives up what it has before that.
func (m *member) join() {
	if !m.group.Cooperative {
		if m.commitDue() {
			m.commit()
		}
		m.drop()
	}
	m.phase = phaseJoining
	req := kmsg.NewPtrJoinGroupRequest()
	m.versions.set(req)
	r := m.request(world.AskJoin)
	r.Session, r.Rebalance = m.plan.Session, m.plan.Rebalance
	if req.Version == 0 {
		r.Rebalance = r.Session
	}
	req.Group, req.MemberID, req.ProtocolType = m.group.Name, m.id, "consumer"
	req.SessionTimeoutMillis = int32(r.Session / time.Millisecond)
	req.RebalanceTimeoutMillis = int32(r.Rebalance / time.Millisecond)
	if m.plan.Instance != "" {
		req.InstanceID = &m.plan.Instance
	}
	for _, name := range m.protocols() {
		p := kmsg.NewJoinGroupRequestProtocol()
		p.Name, p.Metadata = name, m.metadata()
		req.Protocols = append(req.Protocols, p)
	}
	m.askGroup(req, r, r.Rebalance+requestTimeout)
}

// protocols are what the member can do, what it likes best first. All members of a group can do the same: the log keeps
// of each only the protocol that was chosen, so that after a restart nobody could join who cannot do that one.
func (m *member) protocols() []string {
	switch {
	case m.group.Cooperative:
		return []string{protocolSticky}
	case m.client.Index()%3 == 0:
		return []string{protocolRoundRobin, protocolRange}
	}
	return []string{protocolRange, protocolRoundRobin}
}

// metadata is what the member tells the leader: what it subscribes to, and what it has.
func (m *member) metadata() []byte {
	meta := kmsg.NewConsumerMemberMetadata()
	meta.Version = 1
	for _, t := range m.group.Topics {
		meta.Topics = append(meta.Topics, m.run.plan.Topics[t].Name)
	}
	for _, h := range m.holdings {
		o := kmsg.NewConsumerMemberMetadataOwnedPartition()
		o.Topic, o.Partitions = h.partition.TopicPartition.Topic, []int32{h.partition.Partition}
		meta.OwnedPartitions = append(meta.OwnedPartitions, o)
	}
	return meta.AppendTo(nil)
}

// joined takes the answer to a JoinGroup.
func (m *member) joined(r *world.GroupRequest, res *kmsg.JoinGroupResponse) {
	if m.phase == phaseJoining {
		m.phase = phaseOutside
	}
	switch {
	case res.ErrorCode == kerr.MemberIDRequired.Code:
		if res.MemberID == "" || r.Member != "" {
			m.run.w.Violate("wrong-answer", "%s: JoinGroup of member %q is told to need an id, and gets %q",
				m.client.Name(), r.Member, res.MemberID)
		}
		m.id = res.MemberID
		return
	case res.ErrorCode != 0:
		m.refused(r, res.ErrorCode)
		if !m.again(res.ErrorCode) {
			m.forget()
			m.later()
		}
		return
	}
	j := world.Joined{Generation: res.Generation, Member: res.MemberID, Leader: res.LeaderID}
	if res.Protocol != nil {
		j.Protocol = *res.Protocol
	}
	for i := range res.Members {
		j.Members = append(j.Members, res.Members[i].MemberID)
	}
	m.run.book.Joined(r, &j)
	if !m.knows(j.Protocol) || r.Member != "" && r.Member != res.MemberID {
		m.run.w.Violate("wrong-answer", "%s: JoinGroup of member %q with protocols %q gets id %q and protocol %q",
			m.client.Name(), r.Member, m.protocols(), res.MemberID, j.Protocol)
	}
	if m.phase != phaseOutside {
		return // it has gone away meanwhile
	}
	m.id, m.generation, m.protocol = res.MemberID, res.Generation, j.Protocol
	m.assignments = nil
	if res.LeaderID == res.MemberID && !res.SkipAssignment {
		m.assign(res)
	} else if len(res.Members) > 0 && !res.SkipAssignment {
		m.run.w.Violate("wrong-answer", "%s: %s is told %d members, and the leader is %s", m.client.Name(), m.id,
			len(res.Members), res.LeaderID)
	}
	m.phase = phaseJoined
}

func (m *member) knows(protocol string) bool {
	for _, name := range m.protocols() {
		if name == protocol {
			return true
		}
	}
	return false
}

// sync asks for the member's partitions; the leader brings those of all.
func (m *member) sync() {
	m.phase = phaseSyncing
	req := kmsg.NewPtrSyncGroupRequest()
	m.versions.set(req)
	req.Group, req.MemberID, req.Generation = m.group.Name, m.id, m.generation
	if m.plan.Instance != "" {
		req.InstanceID = &m.plan.Instance
	}
	kind := "consumer"
	req.ProtocolType, req.Protocol = &kind, &m.protocol
	req.GroupAssignment = m.assignments
	m.askGroup(req, m.request(world.AskSync), m.plan.Rebalance+requestTimeout)
}

// synced takes the answer to a SyncGroup.
func (m *member) synced(r *world.GroupRequest, res *kmsg.SyncGroupResponse) {
	mine := m.phase == phaseSyncing && r.Generation == m.generation && r.Member == m.id
	if mine {
		m.phase = phaseJoined
	}
	if res.ErrorCode != 0 {
		m.refused(r, res.ErrorCode)
		if mine && !m.again(res.ErrorCode) {
			m.forget()
			m.phase = phaseOutside
		}
		return
	}
	a := readAssignment(res.MemberAssignment)
	m.run.book.Synced(r, a)
	if !mine || a == nil {
		return
	}
	m.phase = phaseAssigned
	m.beatAt = m.now().Add(m.plan.Beat)
	m.take(a.Partitions)
}

// take takes up the partitions that the member was given. A cooperative one that has more than that gives it up, and
// joins again so that others can have it.
func (m *member) take(given []base.TopicPartition) {
	old := m.holdings
	m.holdings = nil
	for _, tp := range given {
		h := holdingOf(old, tp)
		if h == nil || !m.group.Cooperative {
			h = &holding{partition: m.run.partition(tp), committed: base.NoOffset}
		}
		if h.partition == nil {
			m.run.w.Violate("wrong-assignment", "%s: gets %v, which there is not", m.client.Name(), tp)
			return
		}
		m.holdings = append(m.holdings, h)
	}
	for _, h := range old {
		if m.group.Cooperative && holdingOf(m.holdings, h.partition.TopicPartition) != h {
			m.phase = phaseOutside
		}
	}
}

func holdingOf(list []*holding, tp base.TopicPartition) *holding {
	for _, h := range list {
		if h.partition.TopicPartition == tp {
			return h
		}
	}
	return nil
}

// partition returns what the ledger knows of a partition.
func (r *run) partition(tp base.TopicPartition) *world.Partition {
	for _, t := range r.topics {
		if t.Name == tp.Topic && int(tp.Partition) < len(t.Partitions) {
			return t.Partitions[tp.Partition]
		}
	}
	return nil
}

// readAssignment reads what a leader of this workload has made, nil for anything else.
func readAssignment(text []byte) *world.Assignment {
	made := kmsg.NewConsumerMemberAssignment()
	if len(text) == 0 || made.ReadFrom(text) != nil {
		return nil
	}
	a := &world.Assignment{}
	words := strings.SplitN(string(made.UserData), " ", 3)
	if len(words) != 3 {
		return nil
	}
	a.Mark, a.Member = words[0], words[2]
	if _, err := fmt.Sscan(words[1], &a.Generation); err != nil {
		return nil
	}
	for _, t := range made.Topics {
		for _, p := range t.Partitions {
			a.Partitions = append(a.Partitions, base.TopicPartition{Topic: t.Topic, Partition: p})
		}
	}
	return a
}
