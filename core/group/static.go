package group

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Static members (KIP-345) are told by their instance id: one that comes back within its session, under a new member
// id, takes over what it had, without a rebalance as long as the group's protocol stays.

// skipVersion is the version of JoinGroup from which a leader that came back can be spared the assignment (KIP-814).
const skipVersion = 9

// replaceStatic gives a static member that came back its new member id. Whoever uses the old one is fenced.
func (c *Coordinator) replaceStatic(old *member, id string, r *joinRequest) *groupWrite {
	g, leader := old.group, old.group.leader
	was := *old
	m := c.rename(old, id)
	c.renew(m)
	c.update(m, r)
	c.park(m, r.ticket)
	why := cause{why: "static member joined again", member: id, reason: reasonOf(r.Reason)}
	c.event(MemberReplaced, g, why, m)
	switch {
	case g.state == CompletingRebalance:
		return c.prepareRebalance(g, why)
	case g.state != Stable:
		return c.maybeCompleteJoin(g)
	case g.vote() != *g.protocol:
		return c.prepareRebalance(g, why)
	}
	w := &replaceWrite{
		groupWrite: groupWrite{group: g}, generation: g.generation, version: r.Version,
		member: m, joining: r.ticket, leader: leader,
		oldID: was.id, protocols: was.protocols, rebalanceMs: was.rebalanceMs, sessionMs: was.sessionMs,
	}
	w.value = g.value(func(m *member) []byte { return m.assignment })
	c.writeGroup(&w.groupWrite, w)
	return &w.groupWrite
}

// rename replaces a static member by one with another id, in the same place. What the old one waits for is answered
// with FENCED_INSTANCE_ID.
func (c *Coordinator) rename(old *member, id string) *member {
	g := old.group
	c.refuseJoin(old, kerr.FencedInstanceID.Code, old.id)
	c.refuseSync(old, kerr.FencedInstanceID.Code)
	c.timers.stop(&old.session)
	m := *old
	m.id, m.session, m.fresh = id, timer{}, false
	g.count(old, -1)
	delete(g.byID, old.id)
	g.members[slices.Index(g.members, old)] = &m
	if g.leader == old.id {
		g.leader = id
	}
	g.enter(&m)
	return &m
}

// replaceWrite is the write of a static member's new id.
type replaceWrite struct {
	groupWrite
	generation int32
	// version is that of the JoinGroup.
	version int16
	member  *member
	joining Ticket
	// leader is who led before; the others are what the member was before.
	leader, oldID          string
	protocols              []protocol
	rebalanceMs, sessionMs int32
}

// written answers the member, unless a rebalance has begun, which will. If the new id was not written, the member gets
// its old one back.
func (w *replaceWrite) written(c *Coordinator, code int16) {
	w.settle(code)
	g, m := w.group, w.member
	if g.state != Stable || g.generation != w.generation || m.joining != w.joining {
		return
	}
	c.unpark(m)
	if code != noCode {
		res := w.response(m, w.leader)
		res.ErrorCode, res.MemberID = code, ""
		g.count(m, -1)
		m.protocols, m.rebalanceMs, m.sessionMs = w.protocols, w.rebalanceMs, w.sessionMs
		g.count(m, 1)
		c.renew(c.rename(m, w.oldID))
		c.reply(w.joining, res)
		return
	}
	c.renew(m)
	if w.version >= skipVersion {
		c.reply(w.joining, c.joined(m, m.leads()))
		return
	}
	// The member is named another leader than itself, so that it asks for its assignment and makes none.
	c.reply(w.joining, w.response(m, w.leader))
}

// response tells a member of the present generation that somebody else leads it.
func (w *replaceWrite) response(m *member, leader string) *kmsg.JoinGroupResponse {
	g := m.group
	res, protocolType := kmsg.NewPtrJoinGroupResponse(), g.protocolType
	res.MemberID, res.LeaderID, res.Generation = m.id, leader, g.generation
	res.ProtocolType, res.Protocol = &protocolType, g.protocol
	res.Members = []kmsg.JoinGroupResponseMember{}
	return res
}
