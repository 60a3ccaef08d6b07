package commitlog

import (
	"fmt"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/segment"
)

// Appended says where a batch went.
type Appended struct {
	// Base and Last are the offsets of the first and the last record.
	Base, Last base.Offset
	// End is the log end offset after the append.
	End base.Offset
	// Duplicate says that the batch had been appended before (Base and Last are those of the first time, Timestamp its
	// largest timestamp) and that nothing was written.
	Duplicate bool
	Timestamp int64
	// NeedsSync says that flush.messages asks for a sync before the append may be acknowledged.
	NeedsSync bool
	// Rolled says that a new segment was begun, so that the ones before want a sync in the background.
	Rolled bool
}

// Append appends one validated batch as the partition's leader: it checks the producer's sequence, patches base offset
// and leader epoch into b, and writes b with one WriteAt. wall is the time in Unix milliseconds. A write error takes
// the log offline.
func (l *Log) Append(b batch.Batch, epoch base.LeaderEpoch, wall int64) (Appended, error) {
	l.write.Lock()
	defer l.write.Unlock()
	cfg, end, err := l.beginWrite()
	if err != nil {
		return Appended{}, err
	}
	if len(b) > int(cfg.SegmentBytes) {
		return Appended{}, fmt.Errorf("%w: got %d bytes, expected at most %d", ErrTooLargeForSegment, len(b),
			cfg.SegmentBytes)
	}
	if prior, err := l.write.producers.check(b); err != nil {
		return Appended{}, err
	} else if prior != nil {
		return Appended{
			Base: prior.firstOffset(), Last: prior.lastOffset, End: end, Duplicate: true, Timestamp: prior.timestamp,
		}, nil
	}
	b.SetBaseOffset(end)
	b.SetLeaderEpoch(epoch)
	rolled, err := l.makeRoom(b, cfg, wall)
	if err != nil {
		return Appended{}, l.fail(err)
	}
	if err := l.active().Append(b); err != nil {
		return Appended{}, l.fail(err)
	}
	l.write.producers.update(b)
	return Appended{
		Base: end, Last: b.LastOffset(), End: b.NextOffset(), Timestamp: b.MaxTimestamp(), Rolled: rolled,
		NeedsSync: l.publish(b, epoch, wall),
	}, nil
}

// beginWrite makes the last segment ready to append to. The first time after a clean stop, where Open may not have read
// it, it makes sure that the segment holds what was appended before.
func (l *Log) beginWrite() (Config, base.Offset, error) {
	l.mu.Lock()
	cfg, end, err := l.mu.cfg, l.mu.end, l.unusableLocked()
	l.mu.Unlock()
	if err != nil {
		return cfg, end, err
	}
	if l.write.activeLoaded {
		return cfg, end, nil
	}
	last := l.active()
	reached, err := reach(last)
	if err == nil && reached != end {
		err = fmt.Errorf("%w: got a last segment that ends at offset %d, expected %d", ErrCorruptLog, reached, end)
	}
	if err == nil {
		err = last.Reopen()
	}
	if err != nil {
		return cfg, end, l.fail(err)
	}
	l.write.activeLoaded = true
	return cfg, end, nil
}

// reach returns the offset after the last batch that a segment holds, or its base offset where it holds none.
func reach(s *segment.Segment) (base.Offset, error) {
	place, ok, err := s.LastPlace()
	if err != nil || !ok {
		return s.BaseOffset(), err
	}
	return place.Last + 1, nil
}

// publish shows an appended batch to readers. It reports whether flush.messages wants a sync.
func (l *Log) publish(b batch.Batch, epoch base.LeaderEpoch, wall int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.end = b.NextOffset()
	l.mu.endPosition += int64(len(b))
	if l.mu.appendedAt == 0 {
		l.mu.appendedAt = wall
	}
	if l.mu.epochs.assign(epoch, b.BaseOffset()) {
		l.mu.epochsDirty = true
	}
	if int64(l.mu.end-l.mu.synced) < l.mu.cfg.FlushMessages {
		return false
	}
	if l.mu.flushTo <= l.mu.synced {
		l.mu.flushFrom = b.BaseOffset()
	}
	l.mu.flushTo = l.mu.end
	return true
}

// Committable returns the offset up to which this replica's records may count as written: the log's end, or where the
// first append begins that flush.messages wants synced and that is not yet.
func (l *Log) Committable() base.Offset {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.flushTo > l.mu.synced {
		return max(l.mu.flushFrom, l.mu.synced)
	}
	return l.mu.end
}

// SyncWanted reports that appends wait for a sync, or that a segment before the last one or its indexes are not durable
// yet.
func (l *Log) SyncWanted() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := l.mu.segments[len(l.mu.segments)-1]
	return l.mu.flushTo > l.mu.synced || l.mu.synced < last.BaseOffset() || len(l.mu.sealed) > 0
}

// makeRoom rolls to a new segment if the batch asks for one.
func (l *Log) makeRoom(b batch.Batch, cfg Config, wall int64) (bool, error) {
	due, err := l.rollDue(b, cfg, wall)
	if err != nil || !due {
		return false, err
	}
	return true, l.roll(b.BaseOffset(), cfg, wall)
}

// rollDue says whether b must begin a new segment: Kafka's LogSegment.shouldRoll.
func (l *Log) rollDue(b batch.Batch, cfg Config, wall int64) (bool, error) {
	s := l.active()
	size := s.Size()
	if size == 0 {
		return false, nil
	}
	if size > int64(cfg.SegmentBytes)-int64(len(b)) || s.IndexesFull() || b.LastOffset()-s.BaseOffset() > 1<<31-1 {
		return true, nil
	}
	first, err := s.FirstTimestamp()
	if err != nil {
		return false, err
	}
	age := wall - l.write.segmentSince
	if first >= 0 {
		age = b.MaxTimestamp() - first
	}
	return age > cfg.SegmentMs-l.rollJitter(cfg), nil
}

func (l *Log) rollJitter(cfg Config) int64 {
	if cfg.SegmentJitterMs <= 0 {
		return 0
	}
	return int64(l.jitter % uint64(min(cfg.SegmentJitterMs, cfg.SegmentMs)+1))
}

// roll seals the active segment and begins a new one at offset. The producer state as of that offset is written beside
// it, so that recovery need not read what lies before.
func (l *Log) roll(offset base.Offset, cfg Config, wall int64) error {
	old := l.active()
	if err := old.Seal(); err != nil {
		return err
	}
	if err := l.writeSnapshot(offset); err != nil {
		return err
	}
	next, err := segment.Create(l.fs, l.Dir(), offset, cfg.segment(), l.residents)
	if err != nil {
		return err
	}
	l.write.segmentSince = wall
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.segments = append(l.mu.segments[:len(l.mu.segments):len(l.mu.segments)], next)
	l.mu.sealed = append(l.mu.sealed, old)
	l.mu.endPosition = 0
	l.mu.namesDirty = true
	return nil
}

// AssignEpoch notes that a new leader epoch begins at the log's end, before any record of it is appended
// (KAFKA-7415).
func (l *Log) AssignEpoch(epoch base.LeaderEpoch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.epochs.assign(epoch, l.mu.end) {
		l.mu.epochsDirty = true
	}
}

// EndOffsetForEpoch answers OffsetForLeaderEpoch (KIP-101, KIP-279): the largest epoch at or below the one asked for,
// and where it ended. Where nothing is known, both are -1.
func (l *Log) EndOffsetForEpoch(epoch base.LeaderEpoch) (base.LeaderEpoch, base.Offset) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.epochs.endOffset(epoch, l.mu.end)
}

// EpochAt returns the leader epoch that offset belongs to, or base.NoEpoch.
func (l *Log) EpochAt(offset base.Offset) base.LeaderEpoch {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.epochs.at(offset)
}
