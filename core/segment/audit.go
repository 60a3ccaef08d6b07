package segment

import (
	"fmt"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
)

// Audit holds a sealed segment's files against each other, from the disk alone: every batch is whole and its offsets
// ascend from next on, every offset index entry names a batch by its position and last offset, and every time index
// entry a batch with the largest timestamp so far. visit is called for each batch in order. It returns the offset after
// the last batch and all that is wrong; it changes nothing.
func (s *Segment) Audit(next base.Offset, visit func(b batch.Batch, pos int64)) (base.Offset, []error) {
	a := audit{
		s: s, positions: make(map[int64]base.Offset), largest: make(map[base.Offset]int64), max: base.NoTimestamp,
	}
	next = max(next, s.base)
	a.walk(&next, visit)
	a.offsets()
	a.times()
	return next, a.problems
}

// audit is what is known of one segment.
type audit struct {
	s        *Segment
	problems []error
	// positions maps where each batch begins to its last offset; largest maps the last offset of each batch that has
	// the largest timestamp so far to that.
	positions map[int64]base.Offset
	largest   map[base.Offset]int64
	max       int64
}

func (a *audit) found(format string, args ...any) {
	a.problems = append(a.problems, fmt.Errorf("segment %s: "+format, append([]any{a.s.name}, args...)...))
}

// walk reads all batches.
func (a *audit) walk(next *base.Offset, visit func(b batch.Batch, pos int64)) {
	s := a.s
	s.mu.Lock()
	f, err := s.useLocked()
	size := s.mu.size
	s.mu.Unlock()
	if err != nil {
		a.found("%w", err)
		return
	}
	defer s.Unpin()
	w := window{file: f, size: size}
	for pos := int64(0); pos < size; {
		b, err := w.batchAt(pos, *next, s.base)
		if err != nil {
			a.found("batch at position %d: %w", pos, err)
			return
		}
		visit(b, pos)
		*next = b.NextOffset()
		a.max = max(a.max, b.MaxTimestamp())
		a.positions[pos] = b.LastOffset()
		if b.MaxTimestamp() == a.max {
			a.largest[b.LastOffset()] = a.max
		}
		pos += int64(len(b))
	}
}

func (a *audit) offsets() {
	s := a.s
	s.mu.Lock()
	defer s.mu.Unlock()
	raw, err := s.readFileLocked(IndexSuffix, largestIndex)
	if err == nil {
		raw, err = CheckOffsetIndex(raw, s.base, s.mu.size)
	}
	if err != nil {
		a.found("offset index: %w", err)
		return
	}
	x := offsetIndex(raw)
	for i := range x.len() {
		e := x.at(i, s.base)
		if last, ok := a.positions[e.Position]; !ok || last != e.Offset {
			a.found("%w: offset index entry %d: got offset %d at position %d, where the batch ends with %d",
				ErrBadIndex, i, e.Offset, e.Position, last)
		}
	}
}

func (a *audit) times() {
	s := a.s
	s.mu.Lock()
	defer s.mu.Unlock()
	x, err := s.readTimesLocked()
	if err != nil {
		a.found("time index: %w", err)
		return
	}
	for i := range x.len() {
		e := x.at(i, s.base)
		if ts, ok := a.largest[e.Offset]; !ok || ts != e.Timestamp {
			a.found("%w: time index entry %d: got timestamp %d at offset %d, expected %d", ErrBadIndex, i, e.Timestamp,
				e.Offset, ts)
		}
	}
	if a.max > x.last(s.base).Timestamp && a.max >= 0 && len(a.problems) == 0 {
		a.found("%w: time index ends with timestamp %d, expected %d", ErrBadIndex, x.last(s.base).Timestamp, a.max)
	}
}
