package broker

import (
	"errors"
	"sync"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/vfs"
)

// purge removes what was deleted some time ago: segments' files and partitions' directories. Both are renamed when they
// are deleted and stay for file.delete.delay.ms, as in Kafka.
type purge struct {
	timer timer
	mu    struct {
		sync.Mutex
		due []purgeEntry
	}
}

// purgeEntry is a directory to remove, or a partition with segments to remove.
type purgeEntry struct {
	at        base.Mono
	directory string
	partition *partition
}

var _ expirer = (*purge)(nil)

// directory has a directory removed after a delay in milliseconds.
func (g *purge) directory(b *Broker, now base.Instant, name string, delayMs int64) {
	g.add(b, purgeEntry{at: now.Mono.AddMillis(delayMs), directory: name})
}

// segments has a partition's deleted segments removed when they are due.
func (g *purge) segments(b *Broker, now base.Instant, p *partition) {
	if due, ok := p.log.PurgeDue(); ok {
		g.add(b, purgeEntry{at: now.Mono.AddMillis(due - now.Wall), partition: p})
	}
}

func (g *purge) add(b *Broker, e purgeEntry) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.mu.due {
		if e.partition != nil && g.mu.due[i].partition == e.partition {
			return
		}
	}
	g.mu.due = append(g.mu.due, e)
	g.armLocked(b)
}

// armLocked sets the timer to what is due first.
func (g *purge) armLocked(b *Broker) {
	if len(g.mu.due) == 0 {
		return
	}
	first := g.mu.due[0].at
	for _, e := range g.mu.due[1:] {
		first = min(first, e.at)
	}
	b.timers.set(&g.timer, first, g)
}

func (g *purge) expire(b *Broker, now base.Instant, out *Effects) {
	g.mu.Lock()
	task := &purgeTask{fs: b.fs, wall: now.Wall}
	keep := g.mu.due[:0]
	for _, e := range g.mu.due {
		if e.at <= now.Mono {
			task.entries = append(task.entries, e)
		} else {
			keep = append(keep, e)
		}
	}
	clear(g.mu.due[len(keep):])
	g.mu.due = keep
	g.armLocked(b)
	g.mu.Unlock()
	out.task(task)
}

// purgeTask removes files and directories.
type purgeTask struct {
	fs      vfs.FS
	wall    int64
	entries []purgeEntry
	err     error
}

var _ Task = (*purgeTask)(nil)

// Run removes what is due.
func (t *purgeTask) Run() {
	for _, e := range t.entries {
		if e.partition != nil {
			t.err = errors.Join(t.err, e.partition.log.Purge(t.wall))
		} else {
			t.err = errors.Join(t.err, vfs.RemoveAll(t.fs, e.directory))
		}
	}
}

// Urgent reports that nobody waits for a removal.
func (t *purgeTask) Urgent() bool {
	return false
}

func (t *purgeTask) done(b *Broker, now base.Instant, _ *Effects) {
	if t.err != nil {
		b.storage.Error("what was deleted cannot be removed", "cause", t.err.Error())
	}
	for _, e := range t.entries {
		if e.partition != nil && e.partition.offline() == nil {
			b.purge.segments(b, now, e.partition)
		}
	}
}
