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
	err := s.loadTimesLocked()
	times, resident := s.mu.times, s.mu.sealed && s.mu.file != nil
	s.mu.Unlock()
	if resident {
		s.residents.touch(s)
	}
	if err != nil {
		return base.NoTimestamp, s.base, err
	}
	return times.Timestamp, times.Offset, nil
}

// FirstTimestamp returns the largest timestamp of the first batch, from which segment.ms counts, or base.NoTimestamp.
func (s *Segment) FirstTimestamp() (int64, error) {
	s.mu.Lock()
	known, ts, end := s.mu.firstTimeKnown, s.mu.firstTime, s.mu.size
	s.mu.Unlock()
	if known {
		return ts, nil
	}
	err := s.scan(0, end, 0, func(_ Place, b batch.Batch) (bool, error) {
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
	var found TimestampOffset
	var ok bool
	err := s.search(func() (err error) {
		s.mu.Lock()
		if err := s.loadLocked(); err != nil {
			s.mu.Unlock()
			return err
		}
		e := s.mu.indexes.times.lookup(target, s.base)
		s.mu.Unlock()
		unchecked := e.Timestamp != base.NoTimestamp && e.Offset >= from
		found, ok, err = s.firstRecord(max(e.Offset, from), func(p Place, b batch.Batch) (bool, error) {
			if unchecked && p.Last >= e.Offset {
				unchecked = false
				if err := e.check(s.name, p, b); err != nil {
					return false, err
				}
			}
			return b.MaxTimestamp() >= target && p.Last >= from, nil
		}, func(r *batch.Record) bool {
			return r.Timestamp >= target && r.Offset >= from
		})
		if err == nil && unchecked {
			err = e.beyond(s.name)
		}
		return err
	})
	return found, ok, err
}

// check holds a time index entry against the first batch that ends at or after its offset.
func (e timeEntry) check(name string, p Place, b batch.Batch) error {
	if p.Last == e.Offset && b.MaxTimestamp() == e.Timestamp {
		return nil
	}
	return fmt.Errorf("%w: %s: got timestamp %d for offset %d, where the batch ends with %d and has %d", ErrBadIndex,
		name, e.Timestamp, e.Offset, p.Last, b.MaxTimestamp())
}

// beyond says that no batch ends at or after the offset of a time index entry.
func (e timeEntry) beyond(name string) error {
	return fmt.Errorf("%w: %s: got timestamp %d for offset %d, beyond the log's end", ErrBadIndex, name, e.Timestamp,
		e.Offset)
}

// CheckLargest holds what LargestTimestamp says against the batch that it names, and makes the indexes of a sealed
// segment anew if they lie. It is for decisions that cannot be taken back.
func (s *Segment) CheckLargest() error {
	return s.search(func() error {
		ts, offset, err := s.LargestTimestamp()
		if err != nil || ts == base.NoTimestamp {
			return err
		}
		e, met := timeEntry{Timestamp: ts, Offset: offset}, false
		err = s.scanIndexed(offset, func(p Place, b batch.Batch) (bool, error) {
			if p.Last < offset {
				return true, nil
			}
			met = true
			return false, e.check(s.name, p, b)
		})
		if err == nil && !met {
			err = e.beyond(s.name)
		}
		return err
	})
}

// LocateLargest finds the first record that has the segment's largest timestamp (KIP-734), which is none at all where
// no record has one.
func (s *Segment) LocateLargest() (TimestampOffset, bool, error) {
	if err := s.CheckLargest(); err != nil {
		return TimestampOffset{}, false, err
	}
	ts, offset, err := s.LargestTimestamp()
	if err != nil {
		return TimestampOffset{}, false, err
	}
	return s.firstRecord(offset, func(_ Place, b batch.Batch) (bool, error) {
		return b.MaxTimestamp() == ts, nil
	}, func(r *batch.Record) bool {
		return r.Timestamp == ts
	})
}

// firstRecord looks for the first record that fits, in the batches from the one that holds offset on that might hold
// it.
func (s *Segment) firstRecord(offset base.Offset, may func(Place, batch.Batch) (bool, error),
	fits func(*batch.Record) bool) (TimestampOffset, bool, error) {
	var found TimestampOffset
	var ok bool
	err := s.scanIndexed(offset, func(p Place, head batch.Batch) (bool, error) {
		if worth, err := may(p, head); err != nil || !worth {
			return true, err
		}
		whole := make([]byte, p.Size)
		if n, err := s.ReadAt(whole, p.Position); err != nil && (!errors.Is(err, io.EOF) || n < len(whole)) {
			return false, fmt.Errorf("read %s at %d: %w", s.name, p.Position, err)
		}
		b, _, err := batch.Parse(whole)
		if err != nil {
			return false, fmt.Errorf("%w: %s at %d: %w", ErrCorrupt, s.name, p.Position, err)
		}
		found, ok, err = recordOf(b, fits)
		return !ok, err
	})
	return found, ok, err
}

// recordOf returns the first record of b that fits.
func recordOf(b batch.Batch, fits func(*batch.Record) bool) (TimestampOffset, bool, error) {
	records := b.Stamps(batch.DefaultMaxInflated)
	defer records.Close()
	for records.Next() {
		if r := records.Record(); fits(r) {
			return TimestampOffset{Timestamp: r.Timestamp, Offset: r.Offset, Epoch: b.LeaderEpoch()}, true, nil
		}
	}
	if err := records.Err(); err != nil {
		why := ErrUnreadable
		if b.CheckCRC() != nil {
			why = ErrCorrupt
		}
		return TimestampOffset{}, false, fmt.Errorf("%w: records of the batch at offset %d: %w", why,
			b.BaseOffset(), err)
	}
	return TimestampOffset{}, false, nil
}
