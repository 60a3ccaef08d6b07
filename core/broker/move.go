package broker

import (
	"fmt"
	"path"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/commitlog"
)

// Moving a replica to another log directory of this broker goes on beside everything else: tasks copy the log, round by
// round, and when little is left one of them changes over (see commitlog.Move). What the disks hold at each point, and
// what the next start makes of it, with A the old and B the new directory:
//
//	A/t-0  B/t-0.<id>-future          the copy is thrown away and the move begun anew
//	A/t-0  B/t-0 with the mark        the move was over: A/t-0 is deleted
//	       B/t-0 with the mark        the mark goes
//	A/t-0  B/t-0 without the mark     not a move: nobody can say which one counts, and the partition is offline
//
// The checkpoints of B know the partition before its directory there has the name, those of A forget it before its
// directory there loses it.

// moves are the moves that are yet to begin.
type moves struct {
	timer timer
	mu    struct {
		sync.Mutex
		// wanted has the directories for partitions that do not exist yet.
		wanted map[base.TopicPartition]*logDir
		// again are the moves that the last stop interrupted.
		again []interruptedMove
	}
}

type interruptedMove struct {
	tp base.TopicPartition
	to *logDir
}

var _ expirer = (*moves)(nil)

// mostWanted bounds how many partitions that do not exist are remembered.
const mostWanted = 10_000

// remember notes where a partition that does not exist yet is to be made.
func (m *moves) remember(tp base.TopicPartition, to *logDir) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mu.wanted == nil {
		m.mu.wanted = make(map[base.TopicPartition]*logDir)
	}
	if _, ok := m.mu.wanted[tp]; ok || len(m.mu.wanted) < mostWanted {
		m.mu.wanted[tp] = to
	}
}

// take returns where a new partition is wanted, and forgets it; nil for no wish.
func (m *moves) take(tp base.TopicPartition) *logDir {
	m.mu.Lock()
	defer m.mu.Unlock()
	to := m.mu.wanted[tp]
	delete(m.mu.wanted, tp)
	return to
}

// resume has the moves that the last stop interrupted begun anew, as soon as the broker runs.
func (m *moves) resume(b *Broker, now base.Instant, again []interruptedMove) {
	if len(again) == 0 {
		return
	}
	m.mu.again = again
	b.timers.set(&m.timer, now.Mono.Add(1), m)
}

func (m *moves) expire(b *Broker, now base.Instant, out *Effects) {
	m.mu.Lock()
	again := m.mu.again
	m.mu.again = nil
	m.mu.Unlock()
	for _, x := range again {
		if p := b.topics.partition(x.tp.Topic, x.tp.Partition); p != nil && p.offline() == nil {
			p.moveTo(b, now, x.to, out)
		}
	}
}

// replicaMove is a move of a partition that is under way.
type replicaMove struct {
	p  *partition
	to *logDir
	// cancelled says that the partition is wanted elsewhere by now, or not at all.
	cancelled atomic.Bool

	mu struct {
		sync.Mutex
		copy *commitlog.Move // nil until it has begun
	}
}

// copied returns how many bytes are copied, and up to which offset.
func (m *replicaMove) copied() (int64, base.Offset) {
	m.mu.Lock()
	begun := m.mu.copy
	m.mu.Unlock()
	if begun == nil {
		return 0, m.p.log.Start()
	}
	return begun.Copied()
}

// moving returns the move that is under way, or nil.
func (p *partition) moving() *replicaMove {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mu.move
}

// cancelMove ends the move that is under way, unless it is over before it notices.
func (p *partition) cancelMove() {
	if m := p.moving(); m != nil {
		m.cancelled.Store(true)
	}
}

// moveTo wants the partition in a directory: a move is begun, or goes on, or ends, as the case may be.
func (p *partition) moveTo(b *Broker, now base.Instant, to *logDir, out *Effects) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.gone {
		return
	}
	if m := p.mu.move; m != nil {
		if m.to == to && !m.cancelled.Load() {
			return
		}
		m.cancelled.Store(true)
		p.mu.move = nil
	}
	if p.place.Load() == to {
		return
	}
	name, _ := commitlog.FutureName(p.tp, b.uuid())
	p.mu.move = &replicaMove{p: p, to: to}
	out.task(&moveTask{b: b, move: p.mu.move, future: path.Join(to.Path(), name), wall: now.Wall})
	b.storage.Info("moving partition", "partition", p.tp.String(), "from", p.place.Load().Path(), "to", to.Path())
}

// Sizes of a move's rounds, in bytes: how much one task copies, and how little may be left when the log changes over.
const (
	moveRound = 64 << 20
	moveRest  = 4 << 20
)

// moveTask is one round of a move.
type moveTask struct {
	b      *Broker
	move   *replicaMove
	future string
	wall   int64
	// old is the old directory, renamed, once the move is over.
	old  string
	over bool
	err  error
	// left says what could not be tidied up behind a move that is over.
	left error
}

var _ Task = (*moveTask)(nil)

// Run copies a part of the log, or the rest of it.
func (t *moveTask) Run() {
	m := t.move
	if m.cancelled.Load() {
		return
	}
	if t.err = t.begin(); t.err != nil {
		return
	}
	before, _ := m.mu.copy.Copied()
	all, err := m.mu.copy.Copy(moveRound)
	after, _ := m.mu.copy.Copied()
	if t.err = err; err != nil || !all || after-before > moveRest || m.cancelled.Load() {
		return
	}
	t.err = t.finish()
	t.over = t.err == nil
}

func (t *moveTask) begin() error {
	m := t.move
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mu.copy != nil {
		return nil
	}
	begun, err := m.p.log.BeginMove(t.future)
	if err != nil {
		return err
	}
	m.mu.copy = begun
	return t.b.fs.SyncDir(m.to.Path())
}

// finish changes over. The checkpoints are held all the while, so that none is written of a partition between two
// directories.
func (t *moveTask) finish() error {
	b, m := t.b, t.move
	b.checkpoints.Lock()
	defer b.checkpoints.Unlock()
	if err := m.to.note(m.p); err != nil {
		return err
	}
	final := path.Join(m.to.Path(), m.p.tp.String())
	return m.mu.copy.Finish(final, func() {
		from := m.p.place.Load()
		m.p.place.Store(m.to)
		from.add(-1)
		m.to.add(1)
		t.left = t.retire(from, final)
	})
}

// note writes the checkpoints of a directory that a partition is about to enter. What the copy holds is durable.
func (d *logDir) note(p *partition) error {
	for _, each := range []struct {
		name   string
		offset base.Offset
	}{{commitlog.LogStartFile, p.log.Start()}, {commitlog.RecoveryPointFile, p.log.Synced()}} {
		entries := slices.DeleteFunc(slices.Clone(d.file(each.name).entries), func(e commitlog.OffsetEntry) bool {
			return e.Partition == p.tp
		})
		entries = append(entries, commitlog.OffsetEntry{Partition: p.tp, Offset: each.offset})
		if err := d.write(each.name, entries); err != nil {
			return err
		}
	}
	return nil
}

// retire renames the directory that a partition has left, to be removed later, and takes away the mark of the move.
// Where it fails, the next start finishes it.
func (t *moveTask) retire(from *logDir, final string) error {
	b, tp := t.b, t.move.p.tp
	if err := b.forgetLocked(from, func(each base.TopicPartition) bool { return each == tp }); err != nil {
		return err
	}
	old := path.Join(from.Path(), commitlog.RetiredName(tp, b.uuid(), false))
	if err := b.fs.Rename(path.Join(from.Path(), tp.String()), old); err != nil {
		return fmt.Errorf("retire moved directory: %w", err)
	}
	t.old = old
	if err := b.fs.SyncDir(from.Path()); err != nil {
		return fmt.Errorf("retire moved directory: %w", err)
	}
	return commitlog.RemoveMoved(b.fs, final)
}

// Urgent reports that nobody waits for a move.
func (t *moveTask) Urgent() bool {
	return false
}

func (t *moveTask) done(b *Broker, now base.Instant, out *Effects) {
	m, p := t.move, t.move.p
	if t.old != "" {
		b.purge.directory(b, now, t.old, p.config().FileDeleteDelayMs)
	}
	if t.left != nil {
		b.storage.Error("moved partition's old directory is left", "partition", p.tp.String(), "cause", t.left.Error())
	}
	switch {
	case t.over:
		b.storage.Info("moved partition", "partition", p.tp.String(), "to", m.to.Path())
		p.endMove(m)
		p.takeUp(b, now, out)
		if p.offline() == nil {
			p.advance(b, now, out)
		}
		return
	case t.err == nil && !m.cancelled.Load():
		out.task(&moveTask{b: b, move: m, future: t.future, wall: now.Wall})
		return
	case t.err != nil && !p.deleted():
		b.storage.Error("partition cannot be moved", "partition", p.tp.String(), "to", m.to.Path(),
			"cause", t.err.Error())
	}
	p.endMove(m)
	b.purge.directory(b, now, t.future, 0)
}

// endMove forgets a move, unless it has given way to another.
func (p *partition) endMove(m *replicaMove) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.move == m {
		p.mu.move = nil
	}
}
