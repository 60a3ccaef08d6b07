package workload

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/netsim/clock"
	"github.com/gregor-log/gregor/netsim/world"
)

// ghost is a member that has crashed, as far as others know: its process hangs, and speaks again some time later, with
// the member id and the generation that it had.
type ghost struct {
	id         string
	generation int32
	at         clock.Time
	partition  *world.Partition
	offset     base.Offset
}

// trouble draws what goes wrong with a member. It reports whether the member can go on.
func (m *member) trouble() bool {
	switch clock.Below(m.rand, 8) {
	case 0, 1:
		m.leaveGroup()
		m.away(2 * m.plan.Session)
	case 2, 3:
		m.crash()
	case 4, 5, 6:
		m.frozenUntil = m.now().Add(clock.Uniform(m.rand, 5*m.plan.Session/2))
	default:
		m.phase = phaseOutside // a rebalance that nobody needs
		return false
	}
	return true
}

// crash ends the member's process. It comes back without a memory; half of all that crash are hanging somewhere still.
func (m *member) crash() {
	if len(m.holdings) > 0 && clock.Chance(m.rand, 1, 2) {
		h := m.holdings[clock.Below(m.rand, int64(len(m.holdings)))]
		m.ghost = ghost{
			id: m.id, generation: m.generation, partition: h.partition, offset: h.position,
			at: m.now().Add(clock.Uniform(m.rand, 3*m.plan.Session)),
		}
	}
	m.id, m.generation = "", -1
	m.away(3 * m.plan.Session)
	m.client.Disconnect(0)
}

// thaw lets a member go on that was frozen: it does not know how long that was, and says what it had to say.
func (m *member) thaw() {
	m.frozenUntil = 0
	if m.phase != phaseAssigned {
		return
	}
	if m.commitDue() {
		m.commit()
	}
	if m.beating == nil {
		m.beat()
	}
}

// haunt has the ghost speak, once its time has come.
func (m *member) haunt() {
	g := &m.ghost
	if g.id == "" || m.now() < g.at {
		return
	}
	id, generation := g.id, g.generation
	g.id = ""
	if id == m.id {
		return
	}
	r := m.request(world.AskCommit)
	r.Member, r.Generation = id, generation
	r.Commits = append(r.Commits, m.newCommit(r.Group, g.partition, g.offset))
	m.askGroup(m.commitRequest(r), r, requestTimeout)
	beat := m.request(world.AskHeartbeat)
	beat.Member, beat.Generation = id, generation
	m.sendBeat(beat)
}

// leaveGroup says goodbye.
func (m *member) leaveGroup() {
	if m.id == "" {
		return
	}
	r := m.request(world.AskLeave)
	req := kmsg.NewPtrLeaveGroupRequest()
	m.versions.set(req)
	req.Group, req.MemberID = m.group.Name, m.id
	who := kmsg.NewLeaveGroupRequestMember()
	who.MemberID = m.id
	if m.plan.Instance != "" {
		who.InstanceID = &m.plan.Instance
	}
	req.Members = append(req.Members, who)
	m.askGroup(req, r, requestTimeout)
	m.id, m.generation = "", -1
}

// hasLeft takes the answer to a LeaveGroup.
func (m *member) hasLeft(r *world.GroupRequest, res *kmsg.LeaveGroupResponse) {
	code := res.ErrorCode
	for i := range res.Members {
		code = max(code, res.Members[i].ErrorCode)
	}
	if code == 0 {
		m.run.book.Gone(r)
	}
}

// quiet ends all trouble: from now on the member stays, or goes for good.
func (m *member) quiet() {
	m.calm, m.quits = true, !m.plan.Stays
	m.frozenUntil, m.awayUntil = min(m.frozenUntil, m.now()), min(m.awayUntil, m.now())
	m.plan.Commit, m.plan.Pause = min(m.plan.Commit, 200*time.Millisecond), min(m.plan.Pause, 50*time.Millisecond)
	if m.quits && m.phase != phaseAssigned {
		m.quit()
	}
}

// quit has the member go for good, politely or not.
func (m *member) quit() {
	if m.connected() && m.id != "" && clock.Chance(m.rand, 1, 2) && !m.run.plan.Rude {
		m.leaveGroup()
	}
	m.was = ghost{id: m.id, generation: m.generation}
	m.forget()
	m.away(1)
}

// settled reports that the member has its partitions, has read them to their end and has committed that.
func (m *member) settled() bool {
	if m.quits {
		return m.phase == phaseAway
	}
	if m.phase != phaseAssigned {
		return false
	}
	for _, h := range m.holdings {
		if !h.known || h.position < m.ledger().End(h.partition) || h.committed != h.position {
			return false
		}
	}
	return true
}
