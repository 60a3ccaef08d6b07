package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/scripts/internal/ledger"
)

// audience is the consumer groups that read the loaded topics. Instants are since they began.
type audience struct {
	book  *ledger.Ledger
	now   func() time.Duration
	crews []*crew
	// session is the session timeout of the consumers.
	session time.Duration
	// struck is when a consumer was killed, stable when others held all of its group's partitions.
	struck, stable time.Duration
	took           time.Duration

	mu struct {
		sync.Mutex
		err error
	}
}

// crew is a group: its name, the topic that it reads, and its consumers.
type crew struct {
	name string
	r    *reading
	// consumers are its processes, holders which of them has which partition.
	consumers []*consumer
	holders   map[base.TopicPartition]*consumer
	// kill says that one of its consumers is killed in the middle.
	kill bool
}

// consumer is a process.
type consumer struct {
	*ledger.Account
	of      *audience
	crew    *crew
	name    string
	cmd     *exec.Cmd
	stdin   io.Closer
	killed  bool
	heard   chan struct{}
	points  []sample
	records int64
}

// groupPatience bounds the reading of all groups.
const groupPatience = 90 * time.Second

// errBehind reports groups that did not get to the ends of their topics.
var errBehind = errors.New("the groups are not at the ends of their topics")

// groups has three groups read what was loaded: one of three consumers, of which one is killed in the middle, and a
// broadcast pair.
func (d *demo) groups(ctx context.Context, progress func(records int64)) error {
	began := d.book.Now()
	a := newAudience(func() time.Duration { return d.book.Now() - began }, groupSession, d.found.readings)
	d.found.audience = a
	return a.read(ctx, d.broker.Address, progress)
}

func newAudience(now func() time.Duration, session time.Duration, readings []*reading) *audience {
	return &audience{book: ledger.New(), now: now, session: session, crews: []*crew{
		{name: "three", r: readings[0], kill: true},
		{name: "broadcast-a", r: readings[1]},
		{name: "broadcast-b", r: readings[1]},
	}}
}

// read runs the groups.
func (a *audience) read(ctx context.Context, broker string, progress func(records int64)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, groupPatience, errBehind)
	defer cancel()
	defer a.end()
	for _, c := range a.crews {
		c.holders = make(map[base.TopicPartition]*consumer)
		for range map[bool]int{true: 3, false: 1}[c.kill] {
			if err := a.hire(ctx, broker, c); err != nil {
				return err
			}
		}
	}
	if err := a.follow(ctx, progress); err != nil {
		return err
	}
	a.took = a.now()
	for _, c := range a.crews {
		for tp, end := range c.ends() {
			a.book.Judge(c.name, tp, 0, end)
		}
	}
	return nil
}

// ends returns the ends of a crew's partitions.
func (c *crew) ends() map[base.TopicPartition]int64 {
	ends := make(map[base.TopicPartition]int64)
	for p, end := range c.r.ends {
		ends[base.TopicPartition{Topic: c.r.topic, Partition: p}] = end
	}
	return ends
}

// total returns the number of records of a crew's topic.
func (c *crew) total() int64 {
	sum := int64(0)
	for _, end := range c.r.ends {
		sum += end
	}
	return sum
}

// hire starts a consumer.
func (a *audience) hire(ctx context.Context, broker string, of *crew) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	c := &consumer{
		of: a, crew: of, name: fmt.Sprintf("%s-%d", of.name, len(of.consumers)+1), heard: make(chan struct{}),
		cmd: exec.CommandContext(ctx, self, consumerWord, broker, of.name, of.r.topic, a.session.String()),
	}
	c.Account = a.book.Open(of.name, c.name, a.now)
	c.cmd.Stderr = os.Stderr
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return err
	}
	if err := c.cmd.Start(); err != nil {
		return err
	}
	of.consumers = append(of.consumers, c)
	go func() {
		defer close(c.heard)
		c.listen(out)
	}()
	return nil
}

// listen passes on what a consumer tells until it ends. A last line that was cut is none.
func (c *consumer) listen(out io.Reader) {
	for in := bufio.NewReader(out); ; {
		line, err := in.ReadString('\n')
		if err == nil {
			err = retell(line[:len(line)-1], c)
			if err != nil {
				c.of.failed(err)
			}
		}
		if err != nil {
			return
		}
	}
}

func (a *audience) failed(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.mu.err == nil {
		a.mu.err = err
	}
}

// Assigned implements member.Teller: it notes who holds what.
func (c *consumer) Assigned(tp base.TopicPartition, generation int32) {
	c.Account.Assigned(tp, generation)
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.crew.holders[tp] = c
	if c.of.struck == 0 || c.of.stable > 0 || !c.crew.kill || len(c.crew.holders) < len(c.crew.r.ends) {
		return
	}
	for _, holder := range c.crew.holders {
		if holder.killed {
			return
		}
	}
	c.of.stable = c.of.now()
}

// Saw implements member.Teller: it counts.
func (c *consumer) Saw(tp base.TopicPartition, first, next, logStart int64) {
	c.Account.Saw(tp, first, next, logStart)
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.records += next - first
	now := c.of.now()
	if n := len(c.points); n == 0 || now-c.points[n-1].at >= sampleStep {
		c.points = append(c.points, sample{now, c.records})
	}
}

// follow waits until every group has committed the ends of its topic, and kills a consumer on the way.
func (a *audience) follow(ctx context.Context, progress func(records int64)) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %s", context.Cause(ctx), a.whereabouts())
		case <-tick.C:
		}
		seen, behind := int64(0), false
		for _, c := range a.crews {
			counts := a.book.Counts(c.name)
			seen += counts.Sightings
			if c.kill && counts.Distinct >= c.total()/2 && !a.hasStruck() {
				if err := a.strike(c); err != nil {
					return err
				}
			}
			for tp, end := range c.ends() {
				behind = behind || end > 0 && a.book.Position(c.name, tp) < end
			}
		}
		progress(seen)
		a.mu.Lock()
		stable, err := a.stable > 0, a.mu.err
		a.mu.Unlock()
		if err != nil || !behind && stable {
			return err
		}
	}
}

func (a *audience) hasStruck() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.struck > 0
}

// strike kills the consumer that saw most, and notes that what it held is nobody's.
func (a *audience) strike(of *crew) error {
	a.mu.Lock()
	victim := slices.MaxFunc(of.consumers, func(x, y *consumer) int { return int(x.records - y.records) })
	victim.killed = true
	a.struck = a.now()
	a.mu.Unlock()
	if err := victim.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("kill %s: %w", victim.name, err)
	}
	<-victim.heard // what it had told before is in the pipe
	_ = victim.cmd.Wait()
	for tp := range of.ends() {
		victim.Gone(tp, "killed")
	}
	return nil
}

// end has all consumers leave, and waits for them.
func (a *audience) end() {
	for _, c := range a.crews {
		for _, each := range c.consumers {
			_ = each.stdin.Close() // the consumer notices, or has ended
		}
	}
	for _, c := range a.crews {
		for _, each := range c.consumers {
			<-each.heard
			if err := each.cmd.Wait(); err != nil && !each.killed {
				a.failed(fmt.Errorf("consumer %s: %w", each.name, err))
			}
		}
	}
}

// whereabouts says how far every group is.
func (a *audience) whereabouts() string {
	text := ""
	for _, c := range a.crews {
		counts := a.book.Counts(c.name)
		text += fmt.Sprintf("%s saw %d of %d; ", c.name, counts.Distinct, c.total())
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return text + fmt.Sprintf("killed at %v, stable at %v", a.struck, a.stable)
}
