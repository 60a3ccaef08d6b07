package broker

import (
	"errors"
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
// directory there loses it. As long as A/t-0 may be there, durably or not, the mark stays, and the partition does not
// move again.

// moves are the moves that are yet to begin.
type moves struct {
	timer timer
	mu    struct {
		sync.Mutex
		// wanted has the directories for partitions that do not exist yet.
		wanted map[base.TopicPartition]*logDir
		// again are the moves that the last stop interrupted.
		again []interruptedMove
		// retired are old directories that got another name and wait for a step to have them removed.
		retired []*movedFrom
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
	out.task(&moveTask{b: b, move: p.mu.move, future: path.Join(to.Path(), name)})
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
	// from is the directory that the log has left, once it has; over says that it lives in the new one for certain.
	from *movedFrom
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
}

func (t *moveTask) begin() error {
	b, m := t.b, t.move
	if m.mu.copy != nil { // only tasks set it, one at a time
		return nil
	}
	begun, err := t.beginCopy()
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.mu.copy = begun
	m.mu.Unlock()
	return b.fs.SyncDir(m.to.Path())
}

// beginCopy makes the copy's directory. What an earlier move has left to do comes first, which takes the checkpoints.
func (t *moveTask) beginCopy() (*commitlog.Move, error) {
	t.b.checkpoints.Lock()
	defer t.b.checkpoints.Unlock()
	return t.move.p.log.BeginMove(t.future)
}

// finish changes over. The checkpoints are held all the while, so that none is written of a partition between two
// directories.
func (t *moveTask) finish() error {
	b, m := t.b, t.move
	b.checkpoints.Lock()
	defer b.checkpoints.Unlock()
	if m.p.place.Load() == m.to { // an earlier move to there was over before it noticed that it was called off
		m.cancelled.Store(true)
	}
	if m.cancelled.Load() {
		return nil
	}
	if err := m.to.note(m.p); err != nil {
		return err
	}
	entered := func() {
		t.from = &movedFrom{b: b, p: m.p, dir: m.p.place.Swap(m.to)}
		t.from.dir.add(-1)
		m.to.add(1)
	}
	var err error
	t.left, err = m.mu.copy.Finish(path.Join(m.to.Path(), m.p.tp.String()), entered,
		func() error { return t.from.retire() })
	t.over = err == nil
	return err
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

// movedFrom is the log directory that a partition has left by a move.
type movedFrom struct {
	b   *Broker
	p   *partition
	dir *logDir
	// old is the partition's old directory there, once it is renamed, to be removed later.
	old string
	// gone says that the old name is gone for certain, and failure that a sync of it failed: nobody will know then
	// before the next start.
	gone    bool
	failure error
}

// retire takes the name from the directory that the partition has left, durably. It goes on from where it failed. The
// checkpoints are held.
func (f *movedFrom) retire() error {
	b, tp := f.b, f.p.tp
	if f.gone || f.failure != nil {
		return f.failure
	}
	if f.old == "" {
		if err := b.forgetLocked(f.dir, func(each base.TopicPartition) bool { return each == tp }); err != nil {
			return err
		}
		old := path.Join(f.dir.Path(), commitlog.RetiredName(tp, b.uuid(), false))
		if err := b.fs.Rename(path.Join(f.dir.Path(), tp.String()), old); err != nil {
			return fmt.Errorf("retire moved directory: %w", err)
		}
		f.old = old
	}
	if err := b.fs.SyncDir(f.dir.Path()); err != nil {
		f.failure = fmt.Errorf("retire moved directory: %w", err)
	}
	f.gone = f.failure == nil
	b.moves.retire(f)
	return f.failure
}

// retire notes a directory that nothing is done to any more but to remove it.
func (m *moves) retire(f *movedFrom) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.retired = append(m.mu.retired, f)
}

// takeRetired returns the directories to be removed, and forgets them.
func (m *moves) takeRetired() []*movedFrom {
	m.mu.Lock()
	defer m.mu.Unlock()
	retired := m.mu.retired
	m.mu.retired = nil
	return retired
}

// Urgent reports that nobody waits for a move.
func (t *moveTask) Urgent() bool {
	return false
}

func (t *moveTask) done(b *Broker, now base.Instant, out *Effects) {
	m, p := t.move, t.move.p
	for _, f := range b.moves.takeRetired() {
		b.purge.directory(b, now, f.old, f.p.config().FileDeleteDelayMs)
		if f.failure != nil { // as after any sync that failed there
			b.failDir(now, f.dir, f.failure, out)
		}
	}
	switch {
	case t.from != nil:
		t.entered(now, out)
		return
	case t.err == nil && !m.cancelled.Load():
		out.task(&moveTask{b: b, move: m, future: t.future})
		return
	case t.err != nil && !p.deleted():
		b.storage.Error("partition cannot be moved", "partition", p.tp.String(), "to", m.to.Path(),
			"cause", t.err.Error())
		if p.log.Failure() != nil {
			p.fail(b, now, t.err, out)
		}
	}
	p.endMove(m)
	b.purge.directory(b, now, t.future, 0)
}

// entered sees to a partition that has come to its new directory, or, where the last sync failed, may have.
func (t *moveTask) entered(now base.Instant, out *Effects) {
	b, m, p := t.b, t.move, t.move.p
	p.endMove(m)
	if t.left != nil {
		b.storage.Error("move is not tidied up", "partition", p.tp.String(), "from", t.from.dir.Path(),
			"cause", t.left.Error())
	}
	if t.over {
		b.storage.Info("moved partition", "partition", p.tp.String(), "to", m.to.Path())
	}
	if err := errors.Join(t.err, t.left); err != nil && !p.deleted() && p.log.Failure() != nil {
		p.fail(b, now, err, out)
		return
	}
	p.takeUp(b, now, out)
	if p.offline() == nil {
		p.advance(b, now, out)
	}
}

// endMove forgets a move, unless it has given way to another.
func (p *partition) endMove(m *replicaMove) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.move == m {
		p.mu.move = nil
	}
}
