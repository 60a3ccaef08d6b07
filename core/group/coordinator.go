package group

import (
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
)

// Coordinator is the state of all groups of one partition of __consumer_offsets. Its inputs must come one at a time.
type Coordinator struct {
	options Options
	groups  map[string]*group
	timers  timers
	// unsettled are the writes whose outcome is not known, oldest first.
	unsettled queue
	// foreign holds the records whose keys are of versions not known here, by key.
	foreign map[string][]byte
	stats   Stats

	// now and out belong to the input being served.

	now base.Instant
	out *Effects
}

// outcome is what follows when it is known whether a write was written.
type outcome interface {
	// written is told 0 or the code that clients get.
	written(c *Coordinator, code int16)
}

// New makes a coordinator without groups.
func New(o Options) *Coordinator {
	base.Assert(o.Config != nil && o.Random != nil, "group: got options without Config or Random")
	return &Coordinator{options: o, groups: make(map[string]*group), foreign: make(map[string][]byte)}
}

// Written tells the outcome of the oldest write that was not told of yet: 0, or the Kafka error code with which it
// failed. The code of an append is turned into what clients of a coordinator are told.
func (c *Coordinator) Written(now base.Instant, code int16, out *Effects) {
	c.begin(now, out)
	c.unsettled.pop().written(c, clientCode(code))
}

// Unsettled returns how many writes have no outcome yet.
func (c *Coordinator) Unsettled() int {
	return c.unsettled.len()
}

// Expire does what is due at the deadlines that have come.
func (c *Coordinator) Expire(now base.Instant, out *Effects) {
	c.begin(now, out)
	c.timers.fire(c, now.Mono)
}

// Next returns when Expire is to be called next, or 0 if nothing is waited for. That may be somewhat before something
// is due.
func (c *Coordinator) Next() base.Mono {
	return c.timers.next()
}

// Stats counts what the coordinator holds.
func (c *Coordinator) Stats() Stats {
	return c.stats
}

func (c *Coordinator) begin(now base.Instant, out *Effects) {
	c.now, c.out = now, out
}

func (c *Coordinator) reply(t Ticket, res kmsg.Response) {
	c.out.Replies = append(c.out.Replies, Reply{Ticket: t, Response: res})
}

// write has records written, and o told how that went.
func (c *Coordinator) write(o outcome, records ...Record) {
	c.out.Writes = append(c.out.Writes, Write{Records: records})
	c.unsettled.push(o)
}

// names returns the names of all groups in order.
func (c *Coordinator) names() []string {
	return slices.Sorted(maps.Keys(c.groups))
}

// create makes a group.
func (c *Coordinator) create(name string) *group {
	g := &group{name: name, since: c.now.Wall}
	c.groups[name] = g
	c.stats.Groups[g.state]++
	return g
}

// forget drops a group from memory.
func (c *Coordinator) forget(g *group) {
	c.removeAllPending(g)
	c.stats.Groups[g.state]--
	delete(c.groups, g.name)
}

// forgetUnused drops a group of which nothing is written and nothing is known. One that had members stays until its
// tombstone is written, so that its generations go on.
func (c *Coordinator) forgetUnused(g *group) {
	if !g.visible && g.generation == 0 && g.unsettled == 0 && g.idle() && c.groups[g.name] == g {
		c.forget(g)
	}
}

// queue is a queue of outcomes that uses its room again.
type queue struct {
	items []outcome
	head  int
}

func (q *queue) len() int {
	return len(q.items) - q.head
}

func (q *queue) push(o outcome) {
	if q.head > 64 && q.head > len(q.items)/2 {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	q.items = append(q.items, o)
}

func (q *queue) pop() outcome {
	base.Assert(q.len() > 0, "group: got the outcome of a write, expected none since none is outstanding")
	o := q.items[q.head]
	q.items[q.head] = nil
	q.head++
	if q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
	return o
}
