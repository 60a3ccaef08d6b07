package broker

import (
	"errors"
	"time"

	"github.com/gregor-log/gregor/base"
)

// chore is work that comes round: it runs as a task, and again an interval after it has ended.
type chore struct {
	timer timer
	name  string
	every time.Duration
	work  func(b *Broker, wall int64) error
	// begin stands in for work where a step is enough, as all that takes long are tasks of its own.
	begin func(b *Broker, now base.Instant, out *Effects)
	// late says that the first round comes a whole interval after the start.
	late bool
}

var _ expirer = (*chore)(nil)

func (c *chore) expire(b *Broker, now base.Instant, out *Effects) {
	if c.begin != nil {
		c.begin(b, now, out)
		b.timers.set(&c.timer, now.Mono.Add(c.every), c)
		return
	}
	out.task(&choreTask{chore: c, wall: now.Wall, broker: b})
}

// choreTask is one round of a chore.
type choreTask struct {
	chore  *chore
	broker *Broker
	wall   int64
	err    error
}

var _ Task = (*choreTask)(nil)

// Run does the chore's work.
func (t *choreTask) Run() {
	t.err = t.chore.work(t.broker, t.wall)
}

// Urgent reports that nobody waits for a chore.
func (t *choreTask) Urgent() bool {
	return false
}

func (t *choreTask) done(b *Broker, now base.Instant, out *Effects) {
	if t.err != nil {
		b.storage.Error("chore failed", "chore", t.chore.name, "cause", t.err.Error())
	}
	b.timers.set(&t.chore.timer, now.Mono.Add(t.chore.every), t.chore)
	for _, p := range b.partitions() {
		p.takeUp(b, now, out)
	}
}

// takeUp sees to what a task left behind in a partition's log: segments to remove or to sync, or a failure that those
// who wait on the partition must be told of.
func (p *partition) takeUp(b *Broker, now base.Instant, out *Effects) {
	if p.offline() != nil {
		p.release(b, now, kafkaStorageError, out)
		return
	}
	b.purge.segments(b, now, p)
	if p.log.SyncWanted() {
		p.sync(out)
	}
}

// startChores sets the broker's recurring work going.
func (b *Broker) startChores(now base.Instant) {
	cfg := b.config()
	for _, c := range []struct {
		ms   int64
		made *chore
	}{
		{cfg.RetentionCheckMs, &chore{name: "retention", work: (*Broker).expireSegments}},
		{cfg.RecoveryPointMs, &chore{name: "recovery point checkpoint", work: checkpointing((*Broker).writeRecovery)}},
		{cfg.LogStartMs, &chore{name: "log start checkpoint", work: checkpointing((*Broker).writeStarts)}},
		{cfg.HighWatermarkMs, &chore{name: "high watermark checkpoint", work: checkpointing((*Broker).writeHighs)}},
		{cfg.FlushCheckMs, &chore{name: "flush", begin: (*Broker).flushDue}},
		{cfg.OffsetsCheckMs, &chore{name: "offset expiry", begin: (*Broker).expireOffsets, late: true}},
		{cfg.ProducerIDCheckMs, &chore{name: "producer expiry", work: (*Broker).expireProducers}},
	} {
		if c.ms <= 0 || c.ms > int64(24*365*time.Hour/time.Millisecond) {
			continue // never
		}
		made := c.made
		made.every = time.Duration(c.ms) * time.Millisecond
		b.chores = append(b.chores, made)
		first := made.every
		if !made.late {
			first = min(first, time.Duration(cfg.InitialTaskDelayMs)*time.Millisecond)
		}
		b.timers.set(&made.timer, now.Mono.Add(max(first, 1)), made)
	}
}

// checkpointing is a chore's work that does not look at the time.
func checkpointing(write func(*Broker) error) func(*Broker, int64) error {
	return func(b *Broker, _ int64) error { return write(b) }
}

// online returns the partitions that can be worked on.
func (b *Broker) online() []*partition {
	var found []*partition
	for _, p := range b.partitions() {
		if p.offline() == nil {
			found = append(found, p)
		}
	}
	return found
}

func (b *Broker) expireSegments(wall int64) error {
	var errs []error
	var due []*partition
	for _, p := range b.online() {
		n, err := p.log.Expire(p.highWatermark(), wall)
		if n > 0 {
			due = append(due, p)
		}
		errs = append(errs, err)
	}
	return errors.Join(append(errs, b.trim(due, wall))...)
}

// trim deletes the segments before the logs' starts, which are checkpointed first.
func (b *Broker) trim(partitions []*partition, wall int64) error {
	if len(partitions) == 0 {
		return nil
	}
	if err := b.writeStarts(); err != nil {
		return err
	}
	var errs []error
	for _, p := range partitions {
		n, err := p.log.Trim(wall)
		if n > 0 {
			b.storage.Info("segments deleted", "partition", p.tp.String(), "segments", n, "start", int64(p.log.Start()))
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// trimTask deletes the segments that DeleteRecords left behind.
type trimTask struct {
	b          *Broker
	partitions []*partition
	wall       int64
	err        error
}

var _ Task = (*trimTask)(nil)

// Run deletes the segments.
func (t *trimTask) Run() {
	t.err = t.b.trim(t.partitions, t.wall)
}

// Urgent reports that nobody waits for the deletion.
func (t *trimTask) Urgent() bool {
	return false
}

func (t *trimTask) done(b *Broker, now base.Instant, out *Effects) {
	if t.err != nil {
		b.storage.Error("segments cannot be deleted", "cause", t.err.Error())
	}
	for _, p := range t.partitions {
		p.takeUp(b, now, out)
	}
}

func (b *Broker) expireProducers(wall int64) error {
	for _, p := range b.online() {
		p.log.ExpireProducers(wall)
	}
	return nil
}

// flushDue asks for a sync of the logs that flush.ms wants synced.
func (b *Broker) flushDue(now base.Instant, out *Effects) {
	for _, p := range b.online() {
		if due, ok := p.log.FlushDue(); ok && due <= now.Wall {
			p.sync(out)
		}
	}
}
