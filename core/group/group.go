package group

import (
	"container/list"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gregor-log/gregor/base"
)

// consumerType is the protocol type whose subscriptions the coordinator can read.
const consumerType = "consumer"

// noTime stands for a time that a record does not tell.
const noTime int64 = -1

// group is one classic group.
type group struct {
	name string
	// state is where the group stands, previous where it stood before, and since when it came there (wall clock, or
	// noTime).
	state, previous State
	since           int64
	generation      int32
	// protocolType is what the members call their protocols, "" if there never was a member. protocol is what the
	// generation voted for, nil if it has no members.
	protocolType string
	protocol     *string
	// leader is a member's id.
	// Invariant: it is "" exactly if there are no members.
	leader string
	// members are in the order in which they joined; byID and static find them by member and by instance id.
	members []*member
	byID    map[string]*member
	static  map[string]*member
	// pending are the member ids that were given out, to be joined with (KIP-394), and pendingOrder the same, oldest
	// first; both are nil until there is one.
	pending      map[string]*pendingMember
	pendingOrder *list.List
	// votes counts the members that know each protocol.
	votes map[string]int
	// awaiting counts the members that wait for the answer of a JoinGroup, unsynced those that have not synced with
	// this generation.
	awaiting, unsynced int
	// assigning says that the generation's assignment is on its way to the log, or there.
	assigning bool
	// topics are those that the members of the generation read, if topicsKnown.
	topics      topicSet
	topicsKnown bool
	// join ends the gathering of members. While the group gathers its first ones, it ends later, by remainingMs at
	// most, as long as grown says that another came: the last one at grownAt, with at most grownGap between two.
	join        timer
	remainingMs int64
	grown       bool
	grownAt     base.Mono
	grownGap    time.Duration
	// sync ends the wait for members that have not synced.
	sync timer

	// offsets are what the group has committed.
	offsets offsets
	// logged is the value of the group's newest record in the log, nil if there is none. visible says that the log has
	// a record of the group, be it an offset.
	logged  []byte
	visible bool
	// unsettled counts the group's writes without outcome.
	unsettled int
	// deletions are the requests that wait for a Dead group to be gone.
	deletions []*deletion
}

// joinDeadline and syncDeadline are groups as owners of their two timers.
type (
	joinDeadline group
	syncDeadline group
)

var (
	_ expirer = (*joinDeadline)(nil)
	_ expirer = (*syncDeadline)(nil)
)

// idle reports that nothing is to be known of the group: no members, present or to come, and no offsets.
func (g *group) idle() bool {
	return g.state == Empty && len(g.pending) == 0 && len(g.offsets.topics) == 0
}

// become moves the group to another state.
func (c *Coordinator) become(g *group, s State) {
	c.stats.Groups[g.state]--
	c.stats.Groups[s]++
	g.previous, g.state, g.since = g.state, s, c.now.Wall
}

// validate says whether a request's member is one, and not one that another with the same instance id has replaced.
func (g *group) validate(id string, instance *string) int16 {
	if instance != nil {
		m := g.static[*instance]
		if m == nil {
			return kerr.UnknownMemberID.Code
		}
		if m.id != id {
			return kerr.FencedInstanceID.Code
		}
	}
	if g.byID[id] == nil {
		return kerr.UnknownMemberID.Code
	}
	return noCode
}

// allJoined reports that nobody has to be waited for before the next generation.
func (g *group) allJoined() bool {
	return g.awaiting == len(g.members) && len(g.pending) == 0
}

// supports reports that a member with these protocols could be part of the group.
func (g *group) supports(protocolType string, protocols []protocol) bool {
	if g.state == Empty {
		return protocolType != "" && len(protocols) > 0
	}
	return protocolType == g.protocolType && slices.ContainsFunc(protocols, func(p protocol) bool {
		return g.votes[p.name] == len(g.members)
	})
}

// vote returns the protocol that most members prefer among those that all know, the first voted for if it is a draw.
func (g *group) vote() string {
	counts := make(map[string]int)
	var winner string
	for _, m := range g.members {
		choice := m.vote(func(name string) bool { return g.votes[name] == len(g.members) })
		counts[choice]++
	}
	for _, m := range g.members {
		choice := m.vote(func(name string) bool { return g.votes[name] == len(g.members) })
		if counts[choice] > counts[winner] {
			winner = choice
		}
	}
	return winner
}

// rebalanceMs is how long members have to join: as long as the slowest of them asked for.
func (g *group) rebalanceMs() int64 {
	most := int32(0)
	for _, m := range g.members {
		most = max(most, m.rebalanceMs)
	}
	return int64(most)
}

// add makes m a member.
func (c *Coordinator) add(g *group, m *member) {
	if g.byID == nil {
		g.byID, g.votes = make(map[string]*member), make(map[string]int)
	}
	if len(g.members) == 0 {
		g.leader = m.id
	}
	g.members = append(g.members, m)
	c.stats.Members++
	g.enter(m)
}

// enter puts m into what finds members.
func (g *group) enter(m *member) {
	base.Assert(g.byID[m.id] == nil, "group %q: member %q is there already", g.name, m.id)
	g.byID[m.id] = m
	if m.instance != nil {
		if g.static == nil {
			g.static = make(map[string]*member)
		}
		g.static[*m.instance] = m
	}
	g.count(m, 1)
}

// count counts a member's protocols in or out.
func (g *group) count(m *member, n int) {
	for _, p := range m.protocols {
		if g.votes[p.name] += n; g.votes[p.name] == 0 {
			delete(g.votes, p.name)
		}
	}
}

// remove takes m out of its group. What it waits for is answered with UNKNOWN_MEMBER_ID.
func (c *Coordinator) remove(m *member) {
	g := m.group
	c.refuseJoin(m, kerr.UnknownMemberID.Code, "")
	c.refuseSync(m, kerr.UnknownMemberID.Code)
	c.timers.stop(&m.session)
	g.setUnsynced(m, false)
	g.count(m, -1)
	delete(g.byID, m.id)
	if m.instance != nil {
		delete(g.static, *m.instance)
	}
	g.members = slices.DeleteFunc(g.members, func(x *member) bool { return x == m })
	c.stats.Members--
	if g.leader == m.id {
		g.leader = ""
		if len(g.members) > 0 {
			g.leader = g.members[0].id
		}
	}
}

// leastPending is how many member ids that nobody has joined with yet a group may have at least. A larger group may
// have as many as it has members: all may come back at once.
const leastPending = 1000

// addPending notes a member id that is given out, for so long. If there are too many, the oldest is forgotten: whoever
// comes with it is told UNKNOWN_MEMBER_ID, and asks for another.
func (c *Coordinator) addPending(g *group, id string, ms int64) {
	if g.pending == nil {
		g.pending, g.pendingOrder = make(map[string]*pendingMember), list.New()
	}
	if len(g.pending) >= max(leastPending, len(g.members)) {
		c.removePending(g.pendingOrder.Front().Value.(*pendingMember))
	}
	p := &pendingMember{group: g, id: id}
	p.place = g.pendingOrder.PushBack(p)
	g.pending[id] = p
	c.stats.Pending++
	c.timers.set(&p.session, p, c.now.Mono.AddMillis(ms))
}

// removePending forgets a member id that was given out.
func (c *Coordinator) removePending(p *pendingMember) {
	c.timers.stop(&p.session)
	p.group.pendingOrder.Remove(p.place)
	delete(p.group.pending, p.id)
	c.stats.Pending--
}

// removeAllPending forgets all member ids that were given out.
func (c *Coordinator) removeAllPending(g *group) {
	for len(g.pending) > 0 {
		c.removePending(g.pendingOrder.Front().Value.(*pendingMember))
	}
}

func (g *group) setUnsynced(m *member, unsynced bool) {
	switch {
	case unsynced && !m.unsynced:
		g.unsynced++
	case !unsynced && m.unsynced:
		g.unsynced--
	}
	m.unsynced = unsynced
}
