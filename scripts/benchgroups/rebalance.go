//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	consumers  = 10
	partitions = 900
	// settleTime bounds how long a group may take to be stable.
	settleTime = 30 * time.Second
)

// startStudy measures how long new consumers take to share a topic. They have the settings that clients come with.
func (b *bench) startStudy() *study {
	const session, heartbeat = 45 * time.Second, 3 * time.Second
	return &study{
		name: "rebalance-start", limit: 20 * time.Minute, seconds: 3,
		rows: []*row{{
			name: "rebalance-start", unit: "ms", aim: aim{ratio: 0.33},
			what: fmt.Sprintf("%d consumers (franz-go, cooperative-sticky, heartbeats every %v) from their start "+
				"until their assignments cover %d partitions once, at group.initial.rebalance.delay.ms=0", consumers,
				heartbeat, partitions),
		}},
		open: func(ctx context.Context, h *host) (subject, error) {
			x, err := openRebalance(ctx, h, session, heartbeat)
			return starts{x}, err
		},
	}
}

// killStudy measures how long consumers take to share what one had that was cut off. Whatever the broker does, they
// learn of it with their next heartbeat; so these are frequent.
func (b *bench) killStudy() *study {
	const session = 3 * time.Second
	return &study{
		name: "rebalance-kill", limit: 20 * time.Minute, seconds: 6,
		rows: []*row{{
			name: "rebalance-kill", unit: "ms", aim: aim{ratio: 0.33},
			what: fmt.Sprintf("one of %d consumers (as above, but with heartbeats every %v) is cut off: "+
				"from the end of its session, %v after its last answered heartbeat was sent, until the "+
				"others cover the partitions", consumers, b.heartbeat, session),
		}},
		open: func(ctx context.Context, h *host) (subject, error) {
			x, err := openRebalance(ctx, h, session, b.heartbeat)
			return kills{x}, err
		},
	}
}

// rebalance forms a new group for each sample.
type rebalance struct {
	host               *host
	session, heartbeat time.Duration
	groups             int
}

// starts and kills are what is measured of a group.
type (
	starts struct{ *rebalance }
	kills  struct{ *rebalance }
)

var (
	_ subject = starts{}
	_ subject = kills{}
)

func openRebalance(ctx context.Context, h *host, session, heartbeat time.Duration) (*rebalance, error) {
	r, err := h.start(ctx)
	if err != nil {
		return nil, err
	}
	c, err := dial(ctx, r.address)
	if err != nil {
		return nil, err
	}
	defer c.close()
	if err := c.createTopics(partitions, topicName); err != nil {
		return nil, err
	}
	return &rebalance{host: h, session: session, heartbeat: heartbeat}, c.awaitLeaders(ctx, topicName, partitions)
}

// warm forms groups, without the wait for a session's end.
func (x *rebalance) warm(ctx context.Context, d time.Duration) error {
	for end := time.Now().Add(d); time.Now().Before(end); {
		c, _, err := x.form(ctx)
		c.close()
		if err != nil {
			return err
		}
	}
	return nil
}

// form starts a new group's consumers and returns how long they took to be stable.
func (x *rebalance) form(ctx context.Context) (*crowd, time.Duration, error) {
	x.groups++
	c := &crowd{owners: make(map[int32]int), changed: make(chan struct{}, 1)}
	group := fmt.Sprintf("group-%d", x.groups)
	for range consumers {
		one := &consumer{crowd: c, owned: make(map[int32]bool)}
		c.all = append(c.all, one)
	}
	c.started = time.Now()
	var starting sync.WaitGroup
	errs := make([]error, len(c.all))
	for i, one := range c.all {
		starting.Go(func() { errs[i] = one.start(x, group) })
	}
	starting.Wait()
	if err := errors.Join(errs...); err != nil {
		return c, 0, err
	}
	at, err := c.stable(ctx, consumers)
	return c, at.Sub(c.started), err
}

func (x starts) sample(ctx context.Context) (s sample, err error) {
	used, err := x.used()
	if err != nil {
		return s, err
	}
	c, took, err := x.form(ctx)
	defer c.close()
	if err != nil {
		return s, err
	}
	s.figures = []float64{ms(took)}
	joined, synced := c.asked()
	s.facts = []fact{
		{"generations", c.generation()},
		{"before_last_join_ms", ms(joined.Sub(c.started))}, {"joins_to_syncs_ms", ms(synced.Sub(joined))},
	}
	return s, x.add(&s, used)
}

// usage is the processor time used so far by the consumers and the broker, in seconds.
type usage struct{ client, broker float64 }

func (x *rebalance) used() (usage, error) {
	broker, err := cpuOf(x.host.now.pid)
	return usage{cpuOfClient(), broker}, err
}

// add tells the processor time since then.
func (x *rebalance) add(s *sample, since usage) error {
	now, err := x.used()
	s.facts = append(s.facts, fact{"client_cpu_ms", 1e3 * (now.client - since.client)},
		fact{"cpu_ms", 1e3 * (now.broker - since.broker)})
	return err
}

func (x kills) sample(ctx context.Context) (s sample, err error) {
	c, _, err := x.form(ctx)
	defer c.close()
	if err != nil {
		return s, err
	}
	before := c.generation()
	over := c.all[consumers/2].cut().Add(x.session)
	at, err := c.stable(ctx, consumers-1)
	if err != nil {
		return s, err
	}
	joined, synced := c.asked()
	s.figures = []float64{ms(at.Sub(over))}
	s.facts = []fact{
		{"generations", c.generation() - before}, {"before_last_join_ms", ms(joined.Sub(over))},
		{"joins_to_syncs_ms", ms(synced.Sub(joined))},
	}
	return s, nil
}

func (x *rebalance) close() error { return nil }

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

// crowd is the consumers of a group.
type crowd struct {
	started time.Time
	all     []*consumer
	changed chan struct{}

	mu     sync.Mutex
	owners map[int32]int // by partition, how many consumers have it
	// since is when the last change came.
	since time.Time
}

// stable waits until so many consumers own every partition once, and returns the instant of the last change.
func (c *crowd) stable(ctx context.Context, of int) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	for {
		if at, done := c.covered(of); done {
			return at, nil
		}
		select {
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("the group is not stable: %w", ctx.Err())
		case <-c.changed:
		}
	}
}

// generation returns the group's as the first consumer knows it.
func (c *crowd) generation() float64 {
	_, n := c.all[0].client.GroupMetadata()
	return float64(n)
}

// asked returns when the last consumer sent its first JoinGroup since the one before was synced, and when the last
// SyncGroup was answered.
func (c *crowd) asked() (joined, synced time.Time) {
	later := func(a, b time.Time) time.Time {
		if a.After(b) {
			return a
		}
		return b
	}
	for _, one := range c.all {
		one.mu.Lock()
		if !one.dead {
			joined, synced = later(joined, one.joined), later(synced, one.synced)
		}
		one.mu.Unlock()
	}
	return joined, synced
}

func (c *crowd) covered(of int) (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	busy := 0
	for _, one := range c.all {
		if len(one.owned) > 0 {
			busy++
		}
	}
	if busy != of || len(c.owners) != partitions {
		return time.Time{}, false
	}
	for _, n := range c.owners {
		if n != 1 {
			return time.Time{}, false
		}
	}
	return c.since, true
}

// close ends the consumers that are left. They leave the group.
func (c *crowd) close() {
	var closing sync.WaitGroup
	for _, one := range c.all {
		if one.client != nil {
			closing.Go(one.client.Close)
		}
	}
	closing.Wait()
}

// consumer is one of them.
type consumer struct {
	crowd  *crowd
	client *kgo.Client
	owned  map[int32]bool // the crowd's lock guards it

	mu    sync.Mutex
	conns []net.Conn
	dead  bool
	heard time.Time // when the last request was sent that began the session anew, and was answered
	// joined is when the first JoinGroup since the last SyncGroup was sent, synced when the last SyncGroup was
	// answered.
	joined, synced time.Time
}

var errCut = errors.New("the consumer is cut off")

func (c *consumer) start(x *rebalance, group string) error {
	var err error
	c.client, err = kgo.NewClient(kgo.SeedBrokers(x.host.now.address), kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(topicName), kgo.SessionTimeout(x.session), kgo.HeartbeatInterval(x.heartbeat),
		kgo.DisableAutoCommit(),
		kgo.Dialer(c.dial), kgo.WithHooks(c),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { c.take(m[topicName]) }),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { c.give(m[topicName]) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { c.give(m[topicName]) }),
	)
	return err
}

func (c *consumer) take(partitions []int32) {
	c.crowd.mu.Lock()
	defer c.crowd.mu.Unlock()
	for _, p := range partitions {
		c.owned[p] = true
		c.crowd.owners[p]++
	}
	c.crowd.tell()
}

func (c *consumer) give(partitions []int32) {
	c.crowd.mu.Lock()
	defer c.crowd.mu.Unlock()
	for _, p := range partitions {
		if !c.owned[p] {
			continue
		}
		delete(c.owned, p)
		if c.crowd.owners[p]--; c.crowd.owners[p] == 0 {
			delete(c.crowd.owners, p)
		}
	}
	c.crowd.tell()
}

// tell notes a change. The lock is held.
func (c *crowd) tell() {
	c.since = time.Now()
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// dial connects, as long as the consumer is not cut off.
func (c *consumer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	tcp, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		_ = tcp.Close() // nothing was sent
		return nil, errCut
	}
	c.conns = append(c.conns, tcp)
	return tcp, nil
}

// OnBrokerE2E notes when what begins the session anew is sent, once it is answered; it implements kgo.HookBrokerE2E.
func (c *consumer) OnBrokerE2E(_ kgo.BrokerMetadata, key int16, e kgo.BrokerE2E) {
	switch kmsg.Key(key) {
	case kmsg.Heartbeat, kmsg.JoinGroup, kmsg.SyncGroup:
	default:
		return
	}
	if e.Err() != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.heard = now.Add(-e.DurationE2E())
	switch kmsg.Key(key) {
	case kmsg.JoinGroup:
		if !c.joined.After(c.synced) {
			c.joined = c.heard
		}
	case kmsg.SyncGroup:
		c.synced = now
	}
}

// cut ends the consumer's connections for good, as if its machine had gone, and returns when it was last heard. What it
// owned is nobody's from then on.
func (c *consumer) cut() time.Time {
	c.mu.Lock()
	c.dead = true
	for _, tcp := range c.conns {
		_ = tcp.Close() // whatever it had
	}
	heard := c.heard
	c.mu.Unlock()
	c.crowd.mu.Lock()
	var all []int32
	for p := range c.owned {
		all = append(all, p)
	}
	c.crowd.mu.Unlock()
	c.give(all)
	return heard
}
