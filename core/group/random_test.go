package group

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// actor is a scripted member: it does what clients do, and sometimes what they should not.
type actor struct {
	group, instance, id string
	version             int16
	generation          int32
	// fresh says that it has joined and not synced yet.
	fresh   bool
	members []string
	topic   string
	// ticket is what it waits for, 0 if nothing.
	ticket int
}

// crowd is a population of actors around one coordinator.
type crowd struct {
	*world
	rng    *rand.Rand
	actors []*actor
	// twin are the offsets that were committed.
	twin map[string]int64
	// generations are the newest of each group since it was last removed.
	generations map[string]int32
	// stable counts the generations that were assigned.
	stable int
}

// TestRandomMembers drives a crowd with chance and holds the machine to its invariants after every input: one leader,
// generations that only grow, members told apart, every ticket answered at most once and in the end, offsets as a map
// that is written in the order of the log has them, snapshots that load as they were.
func TestRandomMembers(t *testing.T) {
	assigned := 0
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			c := newCrowd(t, seed)
			for range 800 {
				c.step()
			}
			c.calm()
			assigned += c.stable
		})
	}
	if assigned < 200 {
		t.Errorf("got %d generations that were assigned: these runs say little", assigned)
	}
}

func newCrowd(t *testing.T, seed uint64) *crowd {
	rng := rand.New(rand.NewPCG(seed, 7))
	c := &crowd{
		world: newWorld(t), rng: rng, twin: make(map[string]int64), generations: make(map[string]int32),
	}
	c.rand = rng.Uint64
	c.cfg.InitialDelayMs = int32(rng.IntN(3) * 500)
	c.cfg.RetentionMs = 60_000
	if rng.IntN(3) == 0 {
		c.cfg.MaxSize = 3
	}
	c.cfg.MaxBatchBytes = []int32{0, 1 << 20, 500}[rng.IntN(3)]
	c.held = rng.IntN(2) == 0
	for i := range 6 {
		a := &actor{group: fmt.Sprint("g", i%2), version: int16(rng.IntN(10)), topic: fmt.Sprint("t", rng.IntN(3))}
		if rng.IntN(3) == 0 {
			a.instance = fmt.Sprint("i", i)
			a.version = max(a.version, 5)
		}
		c.actors = append(c.actors, a)
	}
	return c
}

func (c *crowd) step() {
	c.t.Helper()
	a := c.actors[c.rng.IntN(len(c.actors))]
	switch n := c.rng.IntN(100); {
	case n < 65:
		c.act(a)
	case n < 73:
		c.after(time.Duration(c.rng.IntN(3000)) * time.Millisecond)
	case n < 85:
		if len(c.waiting) > 0 {
			c.settle([]int16{0, 0, 0, 0, 0, 19}[c.rng.IntN(6)])
		}
	case n < 88:
		*a = actor{group: a.group, instance: a.instance, version: a.version, topic: a.topic} // it dies, and comes back
	case n < 90:
		c.ask(deleting(a.group, "none"))
	case n < 91:
		c.ask(deletingOffsets(a.group, a.topic, 0, 1))
	case n < 92:
		c.expire()
	case n < 93:
		topic := Topic{Name: a.topic, ID: c.topicID()}
		c.input(func() { c.c.TopicsDeleted(c.now, []Topic{topic}, &c.out) })
	case n < 96:
		a.generation += int32(c.rng.IntN(3)) - 1 // a zombie of another generation
	default:
		c.snapshots()
	}
	c.observe()
}

// topicID is the id of one of the topics that have had a name, or none.
func (c *crowd) topicID() [16]byte {
	return [16]byte{byte(c.rng.IntN(3))}
}

// act has an actor do the next thing.
func (c *crowd) act(a *actor) {
	c.t.Helper()
	if a.ticket != 0 {
		if c.answers[a.ticket] == nil && c.rng.IntN(20) > 0 {
			return
		}
		c.hear(a)
		return
	}
	switch n := c.rng.IntN(10); {
	case a.generation == 0 || n == 0:
		r := joining(a.version, a.group, a.id)
		r.Protocols[0].Metadata = subscription(a.topic)
		r.SessionTimeoutMillis, r.RebalanceTimeoutMillis = 4000, int32(1000+c.rng.IntN(4000))
		if a.instance != "" {
			r.InstanceID = &a.instance
		}
		a.ticket = c.ask(r)
	case n < 2 || a.fresh && n < 9:
		a.fresh = false
		var given []string
		for _, m := range a.members {
			given = append(given, m, m)
		}
		a.ticket = c.ask(syncing(a.group, a.id, a.generation, given...))
	case n < 6:
		a.ticket = c.ask(beating(a.group, a.id, a.generation))
	case n < 9:
		partition, offset := int32(c.rng.IntN(2)), c.rng.Int64N(1000)
		r := committing(a.group, a.id, a.generation, offset)
		r.Topics[0].Topic, r.Topics[0].Partitions[0].Partition = a.topic, partition
		r.Topics[0].TopicID = c.topicID()
		a.ticket = c.ask(r)
	default:
		a.ticket = c.ask(leaving(3, a.group, a.id))
	}
}

// hear has an actor take its answer.
func (c *crowd) hear(a *actor) {
	c.t.Helper()
	res := c.answers[a.ticket]
	a.ticket = 0
	switch r := res.(type) {
	case *kmsg.JoinGroupResponse:
		switch r.ErrorCode {
		case 0:
			a.id, a.generation, a.fresh, a.members = r.MemberID, r.Generation, true, nil
			for _, m := range r.Members {
				a.members = append(a.members, m.MemberID)
			}
		case 79:
			a.id = r.MemberID
		case 25, 82, 81:
			a.id, a.generation = "", 0
		}
	case *kmsg.SyncGroupResponse:
		if r.ErrorCode == 0 && len(r.MemberAssignment) > 0 && a.instance == "" && string(r.MemberAssignment) != a.id {
			c.t.Fatalf("member %s got the assignment of %s", a.id, r.MemberAssignment)
		}
		c.heed(a, r.ErrorCode)
	case *kmsg.HeartbeatResponse:
		c.heed(a, r.ErrorCode)
	case *kmsg.LeaveGroupResponse:
		a.id, a.generation = "", 0
	}
}

func (c *crowd) heed(a *actor, code int16) {
	switch code {
	case 22, 25, 82:
		a.id, a.generation = "", 0
	case 27:
		a.generation = 0
	}
}

// observe holds what happened against what was known.
func (c *crowd) observe() {
	c.t.Helper()
	for _, e := range c.events {
		switch e.Kind {
		case Removed:
			delete(c.generations, e.Group)
		case GenerationFormed, Emptied:
			if e.Generation <= c.generations[e.Group] {
				c.t.Fatalf("group %s: got generation %d after %d", e.Group, e.Generation, c.generations[e.Group])
			}
			c.generations[e.Group] = e.Generation
		case Assigned:
			c.stable++
		}
	}
	c.events = c.events[:0]
	c.compare()
}

// compare holds committed offsets against a map that the records of the log are put into as they come.
func (c *crowd) compare() {
	c.t.Helper()
	for _, r := range c.log {
		var key kmsg.OffsetCommitKey
		if r.Key[1] != offsetKeyVersion || key.ReadFrom(r.Key) != nil {
			continue
		}
		name := fmt.Sprint(key.Group, " ", key.Topic, " ", key.Partition)
		var v kmsg.OffsetCommitValue
		if r.Value == nil {
			delete(c.twin, name)
		} else if err := v.ReadFrom(r.Value); err != nil {
			c.t.Fatal(err)
		} else {
			c.twin[name] = v.Offset
		}
	}
	c.log = c.log[:0]
	got := make(map[string]int64)
	for _, group := range []string{"g0", "g1"} {
		req := kmsg.NewOffsetFetchRequestGroup()
		req.Group = group
		for _, t := range c.c.Fetch(c.now, req, false).Topics {
			for _, p := range t.Partitions {
				got[fmt.Sprint(group, " ", t.Topic, " ", p.Partition)] = p.Offset
			}
		}
	}
	if !maps.Equal(got, c.twin) {
		c.t.Fatalf("got offsets %v, expected %v", got, c.twin)
	}
}

// snapshots says that a snapshot loads as what it was taken of.
func (c *crowd) snapshots() {
	c.t.Helper()
	before := snapshot(c.c)
	loaded := c.fresh()
	c.c.Snapshot(func(r Record) {
		if err := loaded.Load(r.Key, r.Value); err != nil {
			c.t.Fatal(err)
		}
	})
	if !bytes.Equal(snapshot(loaded), before) {
		c.t.Fatal("a snapshot loads as something else")
	}
	check(c.t, loaded)
}

// calm lets everybody go: all is answered, and nothing is left in memory once what was written has expired.
func (c *crowd) calm() {
	c.t.Helper()
	for c.held = false; len(c.waiting) > 0; {
		c.settle(0)
	}
	c.after(10 * time.Minute)
	for ticket := 1; ticket <= c.asked; ticket++ {
		if c.answers[ticket] == nil {
			c.t.Fatalf("ticket %d was never answered", ticket)
		}
	}
	c.expire()
	c.observe()
	if len(c.c.groups) != 0 || c.c.Stats() != (Stats{}) || c.c.Next() != 0 || len(snapshot(c.c)) != 0 {
		c.t.Fatalf("got %d groups, %+v, next %d: expected nothing to be left", len(c.c.groups), c.c.Stats(), c.c.Next())
	}
}

// TestTimers holds the heap to a list that is searched.
func TestTimers(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	c := newWorld(t).c
	var fired []int
	all := make([]*testTimer, 40)
	for i := range all {
		all[i] = &testTimer{fired: &fired, number: i}
	}
	for range 5000 {
		x := all[rng.IntN(len(all))]
		switch rng.IntN(4) {
		case 0, 1:
			c.timers.set(&x.timer, x, c.now.Mono.AddMillis(rng.Int64N(100)))
		case 2:
			c.timers.stop(&x.timer)
		default:
			c.now.Mono = c.now.Mono.AddMillis(rng.Int64N(20))
			var due []int
			for i, x := range all {
				if x.at != 0 && x.at <= c.now.Mono {
					due = append(due, i)
				}
			}
			fired = nil
			c.timers.fire(c, c.now.Mono)
			if slices.Sort(fired); !slices.Equal(fired, due) {
				t.Fatalf("got %v, expected %v", fired, due)
			}
		}
		earliest := c.timers.next()
		for _, x := range all {
			if x.at != 0 && (earliest == 0 || x.at < earliest) {
				t.Fatalf("got next %d, expected at most %d", earliest, x.at)
			}
		}
		check(t, c)
	}
}

// testTimer is a timer that tells when it fires.
type testTimer struct {
	timer
	fired  *[]int
	number int
}

func (x *testTimer) expire(*Coordinator) {
	*x.fired = append(*x.fired, x.number)
}
