package group

import (
	"math"

	"github.com/twmb/franz-go/pkg/kerr"
)

// A rebalance gathers the members for the next generation: each must join anew, and is told to by the answers to its
// heartbeats.

// retryMs is how soon, at the soonest, a group of which nobody has joined looks again.
const retryMs = 100

// rebalanceOrComplete begins a rebalance, or ends the one that is going on if nobody else is waited for. It returns the
// write that this takes, if it takes one.
func (c *Coordinator) rebalanceOrComplete(g *group, why cause) *groupWrite {
	switch g.state {
	case Empty, CompletingRebalance, Stable:
		return c.prepareRebalance(g, why)
	}
	return c.maybeCompleteJoin(g)
}

// maybeCompleteJoin ends the gathering of members if all are there. That of a group's first members ends by time alone.
func (c *Coordinator) maybeCompleteJoin(g *group) *groupWrite {
	if g.state != PreparingRebalance || g.previous == Empty || !g.allJoined() {
		return nil
	}
	return c.completeJoin(g)
}

// prepareRebalance begins to gather the members. Those that wait for an assignment are told to join anew.
func (c *Coordinator) prepareRebalance(g *group, why cause) *groupWrite {
	if g.state == CompletingRebalance {
		c.resetAssignments(g, kerr.RebalanceInProgress.Code)
	}
	c.stopSync(g)
	initial := g.state == Empty
	c.become(g, PreparingRebalance)
	c.event(RebalanceStarted, g, why)
	if !initial {
		if g.allJoined() {
			return c.completeJoin(g)
		}
		c.timers.set(&g.join, (*joinDeadline)(g), c.now.Mono.AddMillis(g.rebalanceMs()))
		return nil
	}
	g.grown, g.grownAt, g.grownGap = false, c.now.Mono, 0
	step, most := c.gathering(g)
	g.remainingMs = most
	if step <= 0 {
		return c.completeJoin(g)
	}
	c.gatherFor(g, step)
	return nil
}

// gatherFor has a new group wait for members for some time.
func (c *Coordinator) gatherFor(g *group, delayMs int64) {
	g.remainingMs = max(g.remainingMs-delayMs, 0)
	c.timers.set(&g.join, (*joinDeadline)(g), c.now.Mono.AddMillis(delayMs))
}

// mostGathers is how many times GatherMs a new group waits at most.
const mostGathers = 10

// gathering returns how long a new group waits for members, again as long as they come, and how long at most.
func (c *Coordinator) gathering(g *group) (step, most int64) {
	cfg := c.options.Config()
	if !c.gathers() {
		return int64(cfg.InitialDelayMs), g.rebalanceMs()
	}
	step = int64(cfg.GatherMs)
	return step, min(mostGathers*step, g.rebalanceMs())
}

const (
	// unevenness is how many times the longest time between two members a group waits for another.
	unevenness = 3
	// pendingMs is how soon a group looks again whether those have joined that were given an id.
	pendingMs = 5
)

// gathers reports whether new groups only gather members that come at almost the same time.
func (c *Coordinator) gathers() bool {
	cfg := c.options.Config()
	return cfg.GatherMs > cfg.InitialDelayMs
}

// waits reports whether a group waits longer for its first members: it has grown, or others were given an id to join
// with and are about to.
func (c *Coordinator) waits(g *group) bool {
	return g.previous == Empty && g.remainingMs > 0 && (g.grown || c.gathers() && len(g.pending) > 0)
}

// longer returns how long it waits: another step, as in Kafka, or where it only gathers those that come at almost the
// same time, until a step has passed since the last one came. A machine that is so slow that they come with some time
// between them is given more.
func (c *Coordinator) longer(g *group) int64 {
	step, _ := c.gathering(g)
	if c.gathers() {
		step = max(step, unevenness*g.grownGap.Milliseconds()) - c.now.Mono.Sub(g.grownAt).Milliseconds()
		if len(g.pending) > 0 {
			step = max(step, pendingMs)
		}
	}
	return min(max(step, 1), g.remainingMs)
}

// grow notes that another member has come while a new group gathers its first ones.
func (c *Coordinator) grow(g *group) {
	g.grownGap = max(g.grownGap, c.now.Mono.Sub(g.grownAt))
	g.grown, g.grownAt = true, c.now.Mono
}

// expire ends the gathering of members, or has a new group wait a little longer if it has grown meanwhile.
func (d *joinDeadline) expire(c *Coordinator) {
	g := (*group)(d)
	if g.state != PreparingRebalance {
		return
	}
	if c.waits(g) {
		g.grown = false
		c.gatherFor(g, c.longer(g))
		return
	}
	c.completeJoin(g)
}

// completeJoin forms the next generation of those that have joined. The others are removed, but for static members,
// which may come back. It returns the write that tells that nobody is left, if so.
func (c *Coordinator) completeJoin(g *group) *groupWrite {
	c.timers.stop(&g.join)
	for _, m := range append([]*member(nil), g.members...) {
		if m.joining == nil && m.instance == nil {
			c.remove(m)
		}
	}
	if !g.electLeader() && len(g.members) > 0 {
		wait := max(g.rebalanceMs(), retryMs)
		c.timers.set(&g.join, (*joinDeadline)(g), c.now.Mono.AddMillis(wait))
		return nil
	}
	c.stopSync(g)
	if g.generation == math.MaxInt32 {
		g.generation = 0 // the next would be negative, which stands for no generation
	}
	g.generation++
	if len(g.members) == 0 {
		return c.emptied(g)
	}
	protocol := g.vote()
	g.protocol = &protocol
	g.readSubscriptions()
	g.assigning = false
	c.become(g, CompletingRebalance)
	c.event(GenerationFormed, g, cause{}, g.members...)
	for _, m := range g.members {
		if t := c.unpark(m); t != nil {
			c.reply(t, c.joined(m, false))
		}
		c.renew(m)
		m.fresh = false
		g.setUnsynced(m, true)
	}
	c.timers.set(&g.sync, (*syncDeadline)(g), c.now.Mono.AddMillis(g.rebalanceMs()))
	return nil
}

// electLeader makes the first member that has joined the leader if the present one has not. It reports whether there is
// a leader that has.
func (g *group) electLeader() bool {
	if m := g.byID[g.leader]; m == nil || m.joining != nil {
		return m != nil
	}
	for _, m := range g.members {
		if m.joining != nil {
			g.leader = m.id
			return true
		}
	}
	return false
}

// emptied notes that a group has no members any more.
func (c *Coordinator) emptied(g *group) *groupWrite {
	g.protocol = nil
	g.readSubscriptions()
	c.become(g, Empty)
	c.event(Emptied, g, cause{why: "no members left"})
	w := &groupWrite{group: g, value: g.value(nil)}
	c.writeGroup(w, w)
	return w
}

// resetAssignments takes back what was assigned and answers the SyncGroups that wait with an error.
func (c *Coordinator) resetAssignments(g *group, code int16) {
	for _, m := range g.members {
		m.assignment = []byte{}
		if c.refuseSync(m, code) {
			c.renew(m)
		}
	}
}

// stopSync ends the wait for members that have not synced.
func (c *Coordinator) stopSync(g *group) {
	c.timers.stop(&g.sync)
	for _, m := range g.members {
		g.setUnsynced(m, false)
	}
}

// expire removes the members that have not synced with the generation.
func (d *syncDeadline) expire(c *Coordinator) {
	g := (*group)(d)
	if g.unsynced == 0 || g.state != CompletingRebalance && g.state != Stable {
		return
	}
	lost := ""
	for _, m := range append([]*member(nil), g.members...) {
		if m.unsynced {
			lost = m.id
			c.remove(m)
		}
	}
	c.prepareRebalance(g, cause{why: "member never synced", member: lost})
}

// groupWrite is the write of a group's members. By itself it is that of a group that has none.
type groupWrite struct {
	group *group
	value []byte
	// ticket is of the request that waits for the write with its response, if one does.
	ticket Ticket
	// answer makes its response from 0 or an error.
	answer leaveAnswer
}

var _ outcome = (*groupWrite)(nil)

// writeGroup has the group's record written; o is told how that went.
func (c *Coordinator) writeGroup(w *groupWrite, o outcome) {
	w.group.unsettled++
	c.write(o, Record{Key: groupKey(w.group.name), Value: w.value})
}

// settle notes that the write is over.
func (w *groupWrite) settle(code int16) {
	w.group.unsettled--
	if code == noCode {
		w.group.logged, w.group.visible = w.value, true
	}
}

func (w *groupWrite) written(c *Coordinator, code int16) {
	w.settle(code)
	if w.ticket != nil {
		c.reply(w.ticket, w.answer.response(code))
	}
	c.forgetUnused(w.group)
}

// createdWrite is the write of a group that was created by a JoinGroup.
type createdWrite struct {
	groupWrite
	joining Ticket
}

// writeCreated has it written that there is a group. If that fails, the JoinGroup that created it is refused, if it
// still waits.
func (c *Coordinator) writeCreated(g *group, joining Ticket) {
	w := &createdWrite{groupWrite{group: g, value: createdValue(g.since)}, joining}
	c.writeGroup(&w.groupWrite, w)
}

func (w *createdWrite) written(c *Coordinator, code int16) {
	if code != noCode {
		for _, m := range w.group.members {
			if m.joining == w.joining {
				c.refuseJoin(m, code, "")
				break
			}
		}
	}
	w.groupWrite.written(c, code)
}
