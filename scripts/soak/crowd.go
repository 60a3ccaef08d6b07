package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/scripts/internal/chronicle"
	"github.com/gregor-log/gregor/scripts/internal/ledger"
	"github.com/gregor-log/gregor/scripts/internal/member"
)

// crowd is many consumer groups whose members come and go in every way that there is, and that tell a ledger of it.
type crowd struct {
	broker string
	clock  chronicle.Clock
	book   *ledger.Ledger
	plans  []plan
	// life is about how long a member lives. session and rebalance are the groups' timeouts.
	life, session, rebalance time.Duration
	sabotage                 string
	fail                     func(format string, args ...any)

	// quiet is set when members are to stay and to commit everything.
	quiet atomic.Bool
	done  sync.WaitGroup
	// logs are the bounds of the logs when every group had settled.
	logs map[base.TopicPartition]bounds

	mu struct {
		sync.Mutex
		// fates counts how members ended or what was done to them, troubles what their clients ran into.
		fates, troubles map[string]int
		alive           int
		spoilt          bool
	}
}

// plan is a group: how many members it has, and of which kind.
type plan struct {
	name     string
	size     int
	balancer string
	static   bool
	topics   []string
}

// sizes are the sizes of ten groups; they add up to four members a group. A group of one is a broadcast: each of them
// sees everything.
var sizes = []int{4, 1, 3, 8, 2, 6, 1, 5, 4, 6}

var balancers = []string{"range", "cooperative-sticky", "roundrobin", "sticky"}

func balancer(name string) kgo.GroupBalancer {
	switch name {
	case "range":
		return kgo.RangeBalancer()
	case "roundrobin":
		return kgo.RoundRobinBalancer()
	case "sticky":
		return kgo.StickyBalancer()
	}
	return kgo.CooperativeStickyBalancer()
}

// plans returns n groups. All read the first topic, every third one the others as well; every fifth has static members.
func plans(n int, topics ...string) []plan {
	var made []plan
	for i := range n {
		p := plan{
			name: fmt.Sprintf("group-%02d", i), size: sizes[i%len(sizes)], balancer: balancers[i%len(balancers)],
			static: i%5 == 3, topics: topics[:1],
		}
		if i%3 == 0 {
			p.topics = topics
		}
		made = append(made, p)
	}
	return made
}

// members returns how many members all groups have when all are there.
func members(plans []plan) int {
	n := 0
	for _, p := range plans {
		n += p.size
	}
	return n
}

// start starts all groups. They live until ctx ends, and then leave.
func (c *crowd) start(ctx context.Context) {
	c.mu.fates, c.mu.troubles = make(map[string]int), make(map[string]int)
	for i, p := range c.plans {
		for slot := range p.size {
			r := rand.New(rand.NewPCG(uint64(i), uint64(slot)))
			c.done.Go(func() { c.occupy(ctx, &p, slot, r) })
		}
	}
}

// occupy keeps a member in a slot of a group, one life after another, until ctx ends.
func (c *crowd) occupy(ctx context.Context, p *plan, slot int, r *rand.Rand) {
	for n := 0; ctx.Err() == nil; n++ {
		l := &life{
			crowd: c, plan: p, rand: r, name: fmt.Sprintf("%s-member-%d.%d", p.name, slot, n), slot: slot,
			network: newNetwork(c.dialing()),
		}
		if err := l.live(ctx); err != nil {
			c.fail("%s: %v", l.name, err)
			return
		}
		pause := time.Duration(r.Int64N(int64(c.life / 10)))
		if c.quiet.Load() {
			pause = 0
		}
		wait(ctx, pause)
	}
}

// wait waits for a time, or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// dialing returns how members connect.
func (c *crowd) dialing() dialing {
	if c.sabotage != sabotageCommit {
		return new(net.Dialer).DialContext
	}
	// Rare enough that the groups get on, and often enough that some lie matters: a later commit mends an earlier one.
	n := new(atomic.Int64)
	return liar(func() bool { return n.Add(1)%3 != 0 })
}

// skips says once that a record is to be left out.
func (c *crowd) skips(r *kgo.Record) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.spoilt || r.Offset < 3 {
		return false
	}
	c.mu.spoilt = true
	return true
}

// fate counts something that was done to a member.
func (c *crowd) fate(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.fates[what]++
}

// trouble counts what a client ran into. Errors of the protocol are counted apart for members that had been stopped.
func (c *crowd) trouble(err error, stopped bool) {
	text, _, _ := strings.Cut(err.Error(), ":")
	for err := err; err != nil; {
		inner, ok := err.(interface{ Unwrap() error })
		if !ok {
			text = err.Error()
			break
		}
		err = inner.Unwrap()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if code := new(kerr.Error); errors.As(err, &code) {
		text = code.Message
		if stopped {
			text += " (after a stop)"
		}
	}
	c.mu.troubles[text]++
}

// told returns what was counted, in order.
func told(of map[string]int) string {
	var words []string
	for _, word := range slices.Sorted(maps.Keys(of)) {
		words = append(words, fmt.Sprintf("%d %s", of[word], word))
	}
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, "; ")
}

// add adds up what all groups did.
func (c *crowd) add() ledger.Counts {
	var sum ledger.Counts
	for _, p := range c.plans {
		sum.Add(c.book.Counts(p.name))
	}
	return sum
}

// config is the configuration of a life.
func (l *life) config() member.Config {
	config := member.Config{
		Broker: l.crowd.broker, Group: l.plan.name, Topics: l.plan.topics, Balancer: balancer(l.plan.balancer),
		Session: l.crowd.session, Heartbeat: l.crowd.session / 4, Rebalance: l.crowd.rebalance,
		CommitRevoked: l.rand.IntN(3) > 0, Dial: l.network.connect, Check: l.check,
		Options: append(patient(),
			kgo.ClientID(l.name), kgo.FetchMinBytes(16<<10), kgo.FetchMaxWait(time.Second),
			kgo.KeepRetryableFetchErrors(),
		),
	}
	if l.plan.static {
		config.Instance = fmt.Sprintf("%s-slot-%d", l.plan.name, l.slot)
	}
	if l.crowd.sabotage == sabotageSkip {
		config.Skip = l.crowd.skips
	}
	return config
}
