package commitlog

import (
	"fmt"
	"slices"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/segment"
)

// recover reads what must be read and returns the log's end. next is the offset that the producer state stands at.
func (ld *loader) recover(next base.Offset) (base.Offset, error) {
	if len(ld.segments) == 0 {
		return ld.begin()
	}
	if err := ld.replayHeaders(next); err != nil {
		return 0, err
	}
	end := base.NoOffset
	for i := ld.from; i < len(ld.segments); i++ {
		s := ld.segments[i]
		if s.BaseOffset() > next || i > ld.from {
			if err := ld.l.writeSnapshot(s.BaseOffset()); err != nil {
				return 0, err
			}
		}
		segmentEnd, damage, err := ld.recoverSegment(s, next)
		if err != nil {
			return 0, err
		}
		if damage == nil {
			damage = ld.gapAfter(i, segmentEnd)
		}
		end = segmentEnd
		if damage == nil {
			continue
		}
		if err := ld.judge(i, damage); err != nil {
			return 0, err
		}
		if err := ld.cut(i, damage); err != nil {
			return 0, err
		}
		break
	}
	if end == base.NoOffset {
		return ld.cleanEnd()
	}
	return end, ld.sealAllButLast()
}

// begin makes the first segment of a directory that has none, at the log's checkpointed start.
func (ld *loader) begin() (base.Offset, error) {
	o := ld.o
	start := max(o.LogStart, o.RecoveryPoint)
	if o.RecoveryPoint > 0 && !o.AcceptLoss {
		return 0, fmt.Errorf("%w: got no segments, expected a log synced up to offset %d", ErrCorruptLog, o.RecoveryPoint)
	}
	s, err := segment.Create(o.FS, o.Dir, start, o.Config.segment(), o.Residents)
	if err != nil {
		return 0, err
	}
	ld.segments, ld.from, ld.changed = []*segment.Segment{s}, 0, true
	ld.l.write.activeLoaded = true
	return start, nil
}

// recoverSegment reads one segment whole and returns the offset after its last valid batch.
func (ld *loader) recoverSegment(s *segment.Segment, next base.Offset) (base.Offset, *segment.Damage, error) {
	end := s.BaseOffset()
	damage, err := s.Recover(func(b batch.Batch, _ int64) error {
		end = b.NextOffset()
		ld.epochs.assign(b.LeaderEpoch(), b.BaseOffset())
		if b.BaseOffset() >= next {
			ld.l.write.producers.update(b)
		}
		return nil
	})
	ld.report.Recovered++
	ld.report.RecoveredBytes += s.Size()
	return end, damage, err
}

// gapAfter reports a segment that ends before the next one begins: its file lost its end. Compaction leaves such gaps
// too, but only below the recovery point.
func (ld *loader) gapAfter(i int, end base.Offset) *segment.Damage {
	if i+1 == len(ld.segments) || ld.segments[i+1].BaseOffset() <= end || end < ld.o.RecoveryPoint {
		return nil
	}
	return &segment.Damage{
		Position: ld.segments[i].Size(), Next: end, LaterAt: -1,
		Cause: fmt.Errorf("%w: the segment ends, the next one begins at offset %d", batch.ErrShort,
			ld.segments[i+1].BaseOffset()),
	}
}

// judge decides whether damage in segment i may be cut off.
func (ld *loader) judge(i int, d *segment.Damage) error {
	if ld.o.AcceptLoss {
		return nil
	}
	if d.Next < ld.o.RecoveryPoint {
		return fmt.Errorf("%w: segment %d: %s; offsets below %d were synced", ErrCorruptLog,
			ld.segments[i].BaseOffset(), d, ld.o.RecoveryPoint)
	}
	if !d.Torn(ld.followed(i)) {
		return fmt.Errorf("%w: segment %d: %s", ErrCorruptLog, ld.segments[i].BaseOffset(), d)
	}
	return nil
}

// followed reports that a segment after i holds anything.
func (ld *loader) followed(i int) bool {
	return slices.ContainsFunc(ld.segments[i+1:], func(s *segment.Segment) bool { return s.Size() > 0 })
}

// cut ends the log before the damage: the rest of the segment and all later ones go.
func (ld *loader) cut(i int, d *segment.Damage) error {
	if err := ld.segments[i].TruncateTo(d.Position, d.Next); err != nil {
		return err
	}
	for _, s := range ld.segments[i+1:] {
		if err := s.Remove(); err != nil {
			return err
		}
	}
	ld.report.Cut, ld.report.Dropped = d, len(ld.segments)-i-1
	ld.segments = ld.segments[:i+1]
	ld.changed = true
	return nil
}

// sealAllButLast writes the rebuilt indexes of the segments that are not appended to.
func (ld *loader) sealAllButLast() error {
	for i := ld.from; i < len(ld.segments)-1; i++ {
		if err := ld.segments[i].Seal(); err != nil {
			return err
		}
		ld.l.noteSealed(ld.segments[i])
	}
	ld.l.write.activeLoaded = true
	return nil
}

// replayHeaders brings the producer state and, where its file was no help, the epoch cache up to the segments that are
// read whole.
func (ld *loader) replayHeaders(next base.Offset) error {
	first := next
	if ld.epochsRebuilt {
		first = 0
	}
	for i, s := range ld.segments[:ld.from] {
		if i+1 < len(ld.segments) && ld.segments[i+1].BaseOffset() <= first {
			continue
		}
		if s.Size() == 0 || ld.o.Clean && !ld.epochsRebuilt && ld.endKnown(next) {
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

// endKnown reports that a clean stop left the log's end twice, as recovery point and as the newest snapshot's name, so
// that the log need not be looked into.
func (ld *loader) endKnown(snapshot base.Offset) bool {
	return ld.o.Trusted && snapshot == ld.o.RecoveryPoint &&
		snapshot >= ld.segments[len(ld.segments)-1].BaseOffset()
}

// cleanEnd returns the end of a log that was stopped cleanly.
func (ld *loader) cleanEnd() (base.Offset, error) {
	if n := len(ld.files.snapshots); n > 0 && ld.endKnown(ld.files.snapshots[n-1]) {
		return ld.o.RecoveryPoint, nil
	}
	last := ld.segments[len(ld.segments)-1]
	place, ok, err := last.LastPlace()
	if err != nil {
		return 0, err
	}
	if !ok {
		return last.BaseOffset(), nil
	}
	return place.Last + 1, nil
}
