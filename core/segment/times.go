package segment

import (
	"errors"
	"fmt"
	"io"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
)

// TimestampOffset is a record's timestamp and offset, with the leader epoch of its batch.
type TimestampOffset struct {
	Timestamp int64
	Offset    base.Offset
	Epoch     base.LeaderEpoch
}

// LargestTimestamp returns the largest timestamp of the segment and the last offset of the batch that holds it. A
// segment without timestamps answers base.NoTimestamp.
func (s *Segment) LargestTimestamp() (int64, base.Offset, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.loadTimesLocked(); err != nil {
		return base.NoTimestamp, s.base, err
	}
	return s.mu.times.Timestamp, s.mu.times.Offset, nil
}

// FirstTimestamp returns the largest timestamp of the first batch, from which segment.ms counts, or base.NoTimestamp.
func (s *Segment) FirstTimestamp() (int64, error) {
	s.mu.Lock()
	known, ts, end := s.mu.firstTimeKnown, s.mu.firstTime, s.mu.size
	s.mu.Unlock()
	if known {
		return ts, nil
	}
	err := s.scan(0, end, func(_ Place, b batch.Batch) (bool, error) {
		ts = b.MaxTimestamp()
		return false, nil
	})
	if err != nil {
		return base.NoTimestamp, err
	}
	s.mu.Lock()
	s.mu.firstTime, s.mu.firstTimeKnown = ts, true
	s.mu.Unlock()
	return ts, nil
}

// ModTime returns when the .log was last changed, in Unix milliseconds: what retention goes by where no record has a
// timestamp.
func (s *Segment) ModTime() (int64, error) {
	s.mu.Lock()
	name := s.path(LogSuffix)
	s.mu.Unlock()
	e, err := s.fs.Stat(name)
	if err != nil {
		return 0, fmt.Errorf("stat segment: %w", err)
	}
	return e.ModTime, nil
}

// LocateTime finds the first record at or after offset from whose timestamp is at least target. It reports false if
// there is none in this segment.
func (s *Segment) LocateTime(target int64, from base.Offset) (TimestampOffset, bool, error) {
	s.mu.Lock()
	if err := s.loadLocked(); err != nil {
		s.mu.Unlock()
		return TimestampOffset{}, false, err
	}
	x := s.mu.indexes
	start := max(x.times.lookup(target, s.base).Offset, from)
	pos := x.offsets.lookup(start, s.base).Position
	end := s.mu.size
	s.mu.Unlock()
	return s.searchRecords(pos, end, func(b batch.Batch, p Place) bool {
		return b.MaxTimestamp() >= target && p.Last >= from
	}, func(r *batch.Record) bool {
		return r.Timestamp >= target && r.Offset >= from
	})
}

// LocateLargest finds the first record that has the segment's largest timestamp (KIP-734).
func (s *Segment) LocateLargest() (TimestampOffset, bool, error) {
	ts, offset, err := s.LargestTimestamp()
	if err != nil || ts == base.NoTimestamp {
		return TimestampOffset{}, false, err
	}
	s.mu.Lock()
	if err := s.loadLocked(); err != nil {
		s.mu.Unlock()
		return TimestampOffset{}, false, err
	}
	pos := s.mu.indexes.offsets.lookup(offset, s.base).Position
	end := s.mu.size
	s.mu.Unlock()
	return s.searchRecords(pos, end, func(b batch.Batch, _ Place) bool {
		return b.MaxTimestamp() == ts
	}, func(r *batch.Record) bool {
		return r.Timestamp == ts
	})
}

// searchRecords looks for the first record that fits, in the batches that might hold it.
func (s *Segment) searchRecords(pos, end int64, may func(batch.Batch, Place) bool,
	fits func(*batch.Record) bool) (TimestampOffset, bool, error) {
	var found TimestampOffset
	var ok bool
	err := s.scan(pos, end, func(p Place, head batch.Batch) (bool, error) {
		if !may(head, p) {
			return true, nil
		}
		whole := make([]byte, p.Size)
		if n, err := s.ReadAt(whole, p.Position); err != nil && (!errors.Is(err, io.EOF) || n < len(whole)) {
			return false, fmt.Errorf("read %s at %d: %w", s.name, p.Position, err)
		}
		b, _, err := batch.Parse(whole)
		if err != nil {
			return false, fmt.Errorf("%w: %s at %d: %w", ErrCorrupt, s.name, p.Position, err)
		}
		found, ok, err = firstRecord(b, fits)
		return !ok, err
	})
	return found, ok, err
}

// firstRecord returns the first record of b that fits.
func firstRecord(b batch.Batch, fits func(*batch.Record) bool) (TimestampOffset, bool, error) {
	records := b.Records(batch.DefaultMaxInflated)
	defer records.Close()
	for records.Next() {
		if r := records.Record(); fits(r) {
			return TimestampOffset{Timestamp: r.Timestamp, Offset: r.Offset, Epoch: b.LeaderEpoch()}, true, nil
		}
	}
	if err := records.Err(); err != nil {
		return TimestampOffset{}, false, fmt.Errorf("records of the batch at offset %d: %w", b.BaseOffset(), err)
	}
	return TimestampOffset{}, false, nil
}
