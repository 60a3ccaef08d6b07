package commitlog

import (
	"fmt"
	"slices"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/segment"
)

// recover reads what must be read, judges what it finds and returns the log's end. next is the offset that the producer
// state stands at, limit the end of a log that was stopped cleanly. Nothing is written.
func (ld *loader) recover(next, limit base.Offset) (base.Offset, error) {
	if len(ld.segments) == 0 {
		// Offsets that were synced once are not given a second time.
		return ld.o.RecoveryPoint, ld.judgeEnd(0)
	}
	if err := ld.replayHeaders(next, limit); err != nil {
		return 0, err
	}
	if ld.from == len(ld.segments) {
		return limit, ld.judgeEnd(limit)
	}
	end := base.NoOffset
	for i := ld.from; i < len(ld.segments) && ld.cutAt < 0; i++ {
		s := ld.segments[i]
		if s.BaseOffset() > next || i > ld.from {
			ld.noteSnapshot(s.BaseOffset())
		}
		segmentEnd, damage, err := ld.recoverSegment(s, next)
		if err != nil {
			return 0, err
		}
		if damage == nil {
			damage = ld.misfit(i, segmentEnd)
		}
		end = segmentEnd
		if damage != nil {
			if err := ld.judge(i, damage); err != nil {
				return 0, err
			}
			ld.cutAt, ld.damage = i, damage
		} else if i+1 < len(ld.segments) {
			if err := s.Settle(); err != nil {
				return 0, err
			}
		}
	}
	return end, ld.judgeEnd(end)
}

// noteSnapshot keeps the producer state at the beginning of a segment, to be written. As in Kafka, two are enough:
// those of the last two segments.
func (ld *loader) noteSnapshot(at base.Offset) {
	ld.snapshots = append(ld.snapshots, pendingSnapshot{at: at, content: ld.l.write.producers.encode()})
	if len(ld.snapshots) > 2 {
		ld.snapshots = slices.Delete(ld.snapshots, 0, 1)
	}
}

// recoverSegment reads one segment whole and returns the offset after its last valid batch.
func (ld *loader) recoverSegment(s *segment.Segment, next base.Offset) (base.Offset, *segment.Damage, error) {
	end := s.BaseOffset()
	damage, err := s.Recover(func(b batch.Batch, _ int64) error {
		end = b.NextOffset()
		ld.epochsLearned = ld.epochs.assign(b.LeaderEpoch(), b.BaseOffset()) || ld.epochsLearned
		if b.BaseOffset() >= next {
			ld.l.write.producers.update(b)
		}
		return nil
	})
	ld.report.Recovered++
	ld.report.RecoveredBytes += s.Size()
	return end, damage, err
}

// misfit reports a segment that ends before the next one begins, so that its file lost its end, or after that. Only
// compaction leaves gaps.
func (ld *loader) misfit(i int, end base.Offset) *segment.Damage {
	if i+1 == len(ld.segments) {
		return nil
	}
	d := &segment.Damage{Position: ld.segments[i].Size(), Next: end, LaterAt: -1}
	switch next := ld.segments[i+1].BaseOffset(); {
	case next > end && !ld.o.Config.Compact:
		d.Cause = fmt.Errorf("%w: the segment ends, the next one begins at offset %d", batch.ErrShort, next)
	case next < end:
		d.Cause = fmt.Errorf("%w: the next segment begins at offset %d already", segment.ErrCorrupt, next)
	default:
		return nil
	}
	return d
}

// judge decides whether damage in segment i may be cut off.
func (ld *loader) judge(i int, d *segment.Damage) error {
	if ld.o.AcceptLoss {
		return nil
	}
	if max(d.Next, ld.o.LogStart) < ld.o.RecoveryPoint {
		return fmt.Errorf("%w: segment %d: %s; offsets below %d were synced", ErrCorruptLog,
			ld.segments[i].BaseOffset(), d, ld.o.RecoveryPoint)
	}
	if !d.Torn(ld.followed(i)) {
		return fmt.Errorf("%w: segment %d: %s", ErrCorruptLog, ld.segments[i].BaseOffset(), d)
	}
	return nil
}

// judgeEnd decides whether a log may end there: not if more was synced and not deleted since.
func (ld *loader) judgeEnd(end base.Offset) error {
	if point := ld.o.RecoveryPoint; max(end, ld.o.LogStart) < point && !ld.o.AcceptLoss {
		return fmt.Errorf("%w: got a log that ends at offset %d, expected one synced up to %d", ErrCorruptLog,
			end, point)
	}
	return nil
}

// followed reports that a segment after i holds anything.
func (ld *loader) followed(i int) bool {
	return slices.ContainsFunc(ld.segments[i+1:], func(s *segment.Segment) bool { return s.Size() > 0 })
}

// replayHeaders brings the producer state from next on and, where its file was no help, the epoch cache from the
// beginning on, up to the segments that are read whole, or to the log's end, which limit is then.
func (ld *loader) replayHeaders(next, limit base.Offset) error {
	first := next
	if ld.epochsRebuilt {
		first = 0
	}
	for i, s := range ld.segments[:ld.from] {
		if s.Size() == 0 || first >= limit || i+1 < len(ld.segments) && ld.segments[i+1].BaseOffset() <= first {
			continue
		}
		err := s.Headers(first, func(_ segment.Place, b batch.Batch) error {
			if ld.epochsRebuilt {
				ld.epochs.assign(b.LeaderEpoch(), b.BaseOffset())
			}
			if b.BaseOffset() >= next {
				ld.l.write.producers.update(b)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
