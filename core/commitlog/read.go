package commitlog

import (
	"errors"
	"fmt"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/wire"
)

// Range is what a read found.
type Range struct {
	// Span is the bytes, whole batches from the one that holds the asked offset on; the last one may be cut. The caller
	// releases it. Its Length is 0 where there is nothing to read.
	Span wire.Span
	// FirstBatch is the size in bytes of the first batch: a Span shorter than that holds none whole.
	FirstBatch int64
	// Available is how many bytes of this segment could have been read, had maxBytes allowed.
	Available int64
}

// Read finds up to maxBytes of the log from the batch that holds offset, none of it at or beyond upTo. With atLeastOne
// the first batch is returned whole even if it is larger (KIP-74). Offsets below the log's start or beyond its end are
// ErrOffsetOutOfRange; between upTo and the end there is nothing yet, and no error.
func (l *Log) Read(offset base.Offset, maxBytes int64, upTo base.Offset, atLeastOne bool) (Range, error) {
	l.mu.Lock()
	v := view{segments: l.mu.segments, start: l.mu.start, end: l.mu.end, endPosition: l.mu.endPosition}
	err := l.unusableLocked()
	l.mu.Unlock()
	if err != nil {
		return Range{}, err
	}
	if offset < v.start || offset > v.end {
		return Range{}, fmt.Errorf("%w: got %d, expected %d to %d", ErrOffsetOutOfRange, offset, v.start, v.end)
	}
	upTo = min(upTo, v.end)
	if offset >= upTo {
		return Range{}, nil
	}
	for i := floorSegment(v.segments, offset); i < len(v.segments); i++ {
		r, ok, err := v.read(i, offset, maxBytes, upTo, atLeastOne)
		if err != nil {
			return Range{}, l.readFailed(v.segments[i], err)
		}
		if ok {
			return r, nil
		}
	}
	return Range{}, l.checkReach(&v)
}

// checkReach tells a gap that compaction left, in which there is nothing to read, from a last segment that no longer
// holds the records before the log's end.
func (l *Log) checkReach(v *view) error {
	last := v.segments[len(v.segments)-1]
	reached, err := reach(last)
	if err == nil && reached < v.end {
		err = fmt.Errorf("%w: got a last segment that ends at offset %d, expected %d", ErrCorruptLog, reached, v.end)
	}
	if err != nil {
		return l.readFailed(last, err)
	}
	return nil
}

// view is what a reader sees of a log: an append that runs beside it is not in it.
type view struct {
	segments    []*segment.Segment
	start, end  base.Offset
	endPosition int64 // where the last segment's log ended when end was the log's end
}

// readFailed turns an error of a read from a segment into the log's failure, unless it is only that the log was closed
// or the segment deleted meanwhile, or that the records are as a client sent them.
func (l *Log) readFailed(s *segment.Segment, err error) error {
	if unusable := l.unusable(); unusable != nil {
		return unusable
	}
	if isNotExist(err) && l.deleted(s) {
		return fmt.Errorf("%w: its segment was deleted: %w", ErrOffsetOutOfRange, err)
	}
	if errors.Is(err, segment.ErrUnreadable) {
		return err
	}
	return l.fail(err)
}

// deleted reports that a segment is no longer one of the log's.
func (l *Log) deleted(s *segment.Segment) bool {
	return s.BaseOffset() < l.segments()[0].BaseOffset()
}

// floorSegment returns the index of the segment that would hold offset.
func floorSegment(segments []*segment.Segment, offset base.Offset) int {
	low, high := 0, len(segments)
	for low < high {
		if middle := (low + high) / 2; segments[middle].BaseOffset() > offset {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return max(low-1, 0)
}

// read reads from segment i. It reports false if the segment holds nothing at or after offset.
func (v *view) read(i int, offset base.Offset, maxBytes int64, upTo base.Offset, atLeastOne bool) (Range, bool, error) {
	s := v.segments[i]
	first, ok, err := s.Locate(offset)
	if err != nil || !ok || first.First >= upTo {
		return Range{}, false, err
	}
	limit, err := v.positionOf(i, upTo)
	if err != nil {
		return Range{}, false, err
	}
	available := limit - first.Position
	n := min(maxBytes, available)
	if atLeastOne {
		n = min(max(n, first.Size), available)
	}
	if n <= 0 {
		return Range{FirstBatch: first.Size, Available: max(available, 0)}, true, nil
	}
	span, err := s.Span(first.Position, n)
	if err != nil {
		return Range{}, false, err
	}
	return Range{Span: span, FirstBatch: first.Size, Available: available}, true, nil
}

// positionOf returns where in segment i the batches below upTo end.
func (v *view) positionOf(i int, upTo base.Offset) (int64, error) {
	s := v.segments[i]
	if i == len(v.segments)-1 {
		if upTo >= v.end {
			return v.endPosition, nil
		}
	} else if upTo >= v.segments[i+1].BaseOffset() {
		return s.Size(), nil
	}
	place, ok, err := s.Locate(upTo)
	if err != nil {
		return 0, err
	}
	if !ok {
		return s.Size(), nil
	}
	return place.Position, nil
}

// OffsetForTime answers ListOffsets for a timestamp: the first record at or after the log's start whose timestamp is at
// least target, below upTo. It reports false where there is none.
func (l *Log) OffsetForTime(target int64, upTo base.Offset) (segment.TimestampOffset, bool, error) {
	l.mu.Lock()
	segments, start, err := l.mu.segments, l.mu.start, l.unusableLocked()
	l.mu.Unlock()
	if err != nil {
		return segment.TimestampOffset{}, false, err
	}
	for _, s := range segments {
		found, ok, err := locateTime(s, target, start)
		switch {
		case err != nil && isNotExist(err) && l.deleted(s):
			continue
		case err != nil:
			return segment.TimestampOffset{}, false, l.readFailed(s, err)
		case ok:
			return found, found.Offset < upTo, nil
		}
	}
	return segment.TimestampOffset{}, false, nil
}

func locateTime(s *segment.Segment, target int64, start base.Offset) (segment.TimestampOffset, bool, error) {
	largest, _, err := s.LargestTimestamp()
	if err != nil || largest < target {
		return segment.TimestampOffset{}, false, err
	}
	return s.LocateTime(target, start)
}

// LargestTimestamp answers ListOffsets for the special timestamp -3 (KIP-734): the first record with the largest
// timestamp of the log, which is base.NoTimestamp where no record has one. It reports false for an empty log.
func (l *Log) LargestTimestamp() (segment.TimestampOffset, bool, error) {
	segments, err := l.segments(), l.unusable()
	if err != nil {
		return segment.TimestampOffset{}, false, err
	}
	best, largest := segments[0], base.NoTimestamp
	for _, s := range segments {
		ts, _, err := s.LargestTimestamp()
		if err != nil && isNotExist(err) && l.deleted(s) {
			continue
		}
		if err != nil {
			return segment.TimestampOffset{}, false, l.readFailed(s, err)
		}
		if ts > largest {
			best, largest = s, ts
		}
	}
	found, ok, err := best.LocateLargest()
	if err != nil {
		return segment.TimestampOffset{}, false, l.readFailed(best, err)
	}
	return found, ok, nil
}
