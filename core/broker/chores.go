package broker

import (
	"errors"
	"time"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/commitlog"
)

// chore is work that comes round: it runs as a task, and again an interval after it has ended.
type chore struct {
	timer timer
	name  string
	every time.Duration
	work  func(b *Broker, wall int64) error
}

var _ expirer = (*chore)(nil)

func (c *chore) expire(b *Broker, now base.Instant, out *Effects) {
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

func (t *choreTask) done(b *Broker, now base.Instant, _ *Effects) {
	if t.err != nil {
		b.log.Error("chore failed", "chore", t.chore.name, "cause", t.err.Error())
	}
	b.timers.set(&t.chore.timer, now.Mono.Add(t.chore.every), t.chore)
	for _, p := range b.online() {
		b.purge.segments(b, now, p)
	}
}

// startChores sets the broker's recurring work going.
func (b *Broker) startChores(now base.Instant) {
	cfg := b.config()
	for _, c := range []struct {
		name string
		ms   int64
		work func(b *Broker, wall int64) error
	}{
		{"retention", cfg.RetentionCheckMs, (*Broker).expireSegments},
		{"recovery point checkpoint", cfg.RecoveryPointMs, func(b *Broker, _ int64) error { return b.writeRecovery() }},
		{"log start checkpoint", cfg.LogStartMs, func(b *Broker, _ int64) error { return b.writeStarts() }},
		{"high watermark checkpoint", cfg.HighWatermarkMs, func(b *Broker, _ int64) error { return b.writeHighs() }},
		{"flush", cfg.FlushCheckMs, (*Broker).flushDue},
		{"producer expiry", cfg.ProducerIDCheckMs, (*Broker).expireProducers},
	} {
		if c.ms <= 0 || c.ms > int64(24*365*time.Hour/time.Millisecond) {
			continue // never
		}
		made := &chore{name: c.name, every: time.Duration(c.ms) * time.Millisecond, work: c.work}
		b.chores = append(b.chores, made)
		first := min(made.every, time.Duration(cfg.InitialTaskDelayMs)*time.Millisecond)
		b.timers.set(&made.timer, now.Mono.Add(max(first, 1)), made)
	}
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
			b.log.Info("segments deleted", "partition", p.tp.String(), "segments", n, "start", int64(p.log.Start()))
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

func (t *trimTask) done(b *Broker, now base.Instant, _ *Effects) {
	if t.err != nil {
		b.log.Error("segments cannot be deleted", "cause", t.err.Error())
	}
	for _, p := range t.partitions {
		b.purge.segments(b, now, p)
	}
}

func (b *Broker) expireProducers(wall int64) error {
	for _, p := range b.online() {
		p.log.ExpireProducers(wall)
	}
	return nil
}

// flushDue syncs the logs that flush.ms wants synced.
func (b *Broker) flushDue(wall int64) error {
	var errs []error
	for _, p := range b.online() {
		due, ok := p.log.FlushDue()
		if !ok || due > wall {
			continue
		}
		if job, ok := p.log.BeginSync(); ok {
			_ = job.Run() // EndSync returns its error
			_, err := p.log.EndSync(job)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// checkpoint writes one offset checkpoint in each log directory.
func (b *Broker) checkpoint(name string, offset func(*partition) (base.Offset, bool)) error {
	b.checkpoints.Lock()
	defer b.checkpoints.Unlock()
	var errs []error
	for i, d := range b.dirs {
		var entries []commitlog.OffsetEntry
		if i == 0 && name == commitlog.RecoveryPointFile {
			entries = append(entries, commitlog.OffsetEntry{
				Partition: MetadataPartition, Offset: b.controller.log.Synced(),
			})
		}
		for _, p := range b.partitions() {
			if p.dir != d || p.log == nil {
				continue
			}
			if o, ok := offset(p); ok {
				entries = append(entries, commitlog.OffsetEntry{Partition: p.tp, Offset: o})
			}
		}
		errs = append(errs, commitlog.WriteOffsets(b.fs, d.Path(), name, entries))
	}
	return errors.Join(errs...)
}

// writeRecovery checkpoints the recovery points, after the leader epochs that lie below them, and these after the logs'
// starts, as they are cut there.
func (b *Broker) writeRecovery() error {
	if err := b.writeStarts(); err != nil {
		return err
	}
	var errs []error
	points := make(map[*partition]base.Offset)
	metadata := b.controller.log
	for _, p := range b.online() {
		points[p] = p.log.Synced()
		errs = append(errs, p.log.Checkpoint())
	}
	errs = append(errs, metadata.Checkpoint())
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return b.checkpoint(commitlog.RecoveryPointFile, func(p *partition) (base.Offset, bool) {
		o, ok := points[p]
		return o, ok
	})
}

func (b *Broker) writeStarts() error {
	return b.checkpoint(commitlog.LogStartFile, func(p *partition) (base.Offset, bool) {
		return p.log.StartCheckpoint()
	})
}

func (b *Broker) writeHighs() error {
	return b.checkpoint(commitlog.HighWatermarkFile, func(p *partition) (base.Offset, bool) {
		return p.highWatermark(), true
	})
}
