package broker

import (
	"math"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/group"
)

// snapshotBatch is about how many bytes of records go into one batch of a snapshot.
const snapshotBatch = 256 << 10

// trimAfter is how many bytes are appended before a coordinator's log is written anew, unless a segment is shorter.
const trimAfter = 16 << 20

// offsetsTrim keeps a coordinator's log from growing without end. When trimAfter bytes were appended, or a segment is
// full, and twice what the last snapshot took, the coordinator writes all that it holds anew, waits until that is
// synced, and moves the log's start to there: what lies before is said again behind it. Segments before the start are
// deleted.
//
// A snapshot tells what is committed, so it must not come between a record and its commit: requests are held until no
// append is outstanding.
type offsetsTrim struct {
	// grown is how many bytes were appended, or loaded, since the last snapshot.
	grown int64
	// snapshot is the size of the last snapshot in bytes.
	snapshot int64
	// wanted says that requests are held until a snapshot can be written.
	wanted bool
	held   []func(now base.Instant, out *Effects)
	// syncing says that the snapshot from start to end waits to be synced.
	syncing    bool
	start, end base.Offset
}

// due reports that it is time for a snapshot.
func (s *shard) trimDue() bool {
	t := &s.trim
	return s.state == shardActive && !t.syncing &&
		t.grown >= max(min(int64(s.partition.config().SegmentBytes), trimAfter), 2*t.snapshot)
}

// tidy writes a snapshot if it is time and no append is outstanding, and lets go of what was held for it.
func (s *shard) tidy(b *Broker, now base.Instant, out *Effects) {
	t := &s.trim
	if !t.wanted {
		t.wanted = s.trimDue()
	}
	if !t.wanted || len(s.writes) > 0 {
		return
	}
	t.wanted = false
	if s.state == shardActive {
		s.snapshot(b, now, out)
	}
	held := t.held
	t.held = nil
	for _, f := range held {
		f(now, out)
		s.carryOut(b, now, out)
	}
}

// snapshot appends all that the machine holds.
func (s *shard) snapshot(b *Broker, now base.Instant, out *Effects) {
	t := &s.trim
	before := t.grown
	t.start = s.partition.log.End()
	var records []group.Record
	var failed error
	size := 0
	flush := func() {
		if len(records) > 0 && failed == nil {
			// What is written anew was in the log already: max.message.bytes does not matter.
			_, failed = s.append(b, now, records, math.MaxInt32, out)
		}
		records, size = records[:0], 0
	}
	s.machine.Snapshot(func(r group.Record) {
		if size > 0 && size+len(r.Key)+len(r.Value) > snapshotBatch {
			flush()
		}
		records = append(records, r)
		size += len(r.Key) + len(r.Value)
	})
	flush()
	t.snapshot, t.grown = t.grown-before, 0
	if failed != nil {
		b.grouping.Error("snapshot of groups is not written", "partition", s.partition.tp.String(),
			"cause", failed.Error())
		return
	}
	t.end, t.syncing = s.partition.log.End(), true
	s.partition.sync(out)
}

// synced looks whether a snapshot is synced, and moves the log's start to it if it is.
func (s *shard) synced(b *Broker, now base.Instant, out *Effects) {
	s.work(b, now, out, func(now base.Instant, out *Effects) {
		t, p := &s.trim, s.partition
		if !t.syncing || s.state != shardActive {
			return
		}
		if p.log.Synced() < t.end {
			p.sync(out)
			return
		}
		t.syncing = false
		if _, err := p.log.DeleteRecords(t.start, p.highWatermark()); err != nil {
			b.grouping.Error("log of groups is not trimmed", "partition", p.tp.String(), "cause", err.Error())
			return
		}
		b.grouping.Info("groups written anew", "partition", p.tp.String(), "bytes", t.snapshot, "start", int64(t.start))
		out.task(&trimTask{b: b, partitions: []*partition{p}, wall: now.Wall})
	})
}
