package segment

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/vfs"
	"github.com/gregor-log/gregor/core/wire"
)

// Place says where a batch lies in a segment.
type Place struct {
	// Position is where the batch begins in the .log, in bytes.
	Position int64
	// Size is the batch's whole size in bytes.
	Size int64
	// First and Last are the offsets of its first and last record.
	First, Last base.Offset
}

// scanChunk is how much of a log is read at once when headers are looked for, in bytes: the usual distance between two
// index entries and a header.
const scanChunk = 8 << 10

var scanBuffers = sync.Pool{New: func() any { b := make([]byte, scanChunk); return &b }}

// Locate finds the batch that holds offset, or the first one after it. It reports false if the segment ends before it.
// At the tail it reads nothing; elsewhere it goes by the sparse index and reads about index.interval.bytes.
func (s *Segment) Locate(offset base.Offset) (Place, bool, error) {
	s.mu.Lock()
	if e, ok := s.mu.tail.find(int64(offset - s.base)); ok {
		s.mu.Unlock()
		return Place{
			Position: int64(e.position), Size: int64(e.size),
			First: s.base + base.Offset(e.first), Last: s.base + base.Offset(e.last),
		}, true, nil
	}
	if err := s.loadLocked(); err != nil {
		s.mu.Unlock()
		return Place{}, false, err
	}
	from := s.mu.indexes.offsets.lookup(offset, s.base).Position
	end, sealed := s.mu.size, s.mu.sealed
	s.mu.Unlock()
	if sealed {
		s.residents.touch(s)
	}
	var found Place
	var ok bool
	err := s.scan(from, end, func(p Place, _ batch.Batch) (bool, error) {
		if p.Last >= offset {
			found, ok = p, true
		}
		return !ok, nil
	})
	return found, ok, err
}

// scan visits the batches between two positions in order until visit returns false. It reads headers, not records: the
// batch that visit gets is its first HeaderSize bytes alone, valid during the call.
func (s *Segment) scan(from, end int64, visit func(Place, batch.Batch) (more bool, err error)) error {
	s.mu.Lock()
	f, err := s.useLocked()
	s.mu.Unlock()
	if err != nil {
		return err
	}
	defer s.Unpin()
	return scanHeaders(f, s.name, from, end, visit)
}

// scanHeaders is scan over an open file.
func scanHeaders(f vfs.File, name string, from, end int64,
	visit func(Place, batch.Batch) (more bool, err error)) error {
	bp := scanBuffers.Get().(*[]byte)
	defer scanBuffers.Put(bp)
	buf, start := (*bp)[:0], from
	for pos := from; pos < end; {
		if pos+batch.HeaderSize > start+int64(len(buf)) {
			n := min(int64(scanChunk), end-pos)
			got, err := f.ReadAt((*bp)[:n], pos)
			if err != nil && !errors.Is(err, io.EOF) {
				return fmt.Errorf("read %s at %d: %w", name, pos, err)
			}
			buf, start = (*bp)[:got], pos
		}
		head := buf[pos-start:]
		size, err := batch.Size(head)
		if err == nil && int64(size) > end-pos {
			err = fmt.Errorf("%w: got %d bytes, expected %d", batch.ErrShort, end-pos, size)
		}
		if err != nil {
			return fmt.Errorf("%w: %s at %d: %w", ErrCorrupt, name, pos, err)
		}
		b := batch.Batch(head[:batch.HeaderSize])
		place := Place{Position: pos, Size: int64(size), First: b.BaseOffset(), Last: b.LastOffset()}
		if more, err := visit(place, b); err != nil || !more {
			return err
		}
		pos += int64(size)
	}
	return nil
}

// Headers visits the batches from the one that holds offset on, in order, until visit returns an error. It reads
// headers alone: the batch that visit gets is its first HeaderSize bytes, valid during the call.
func (s *Segment) Headers(offset base.Offset, visit func(Place, batch.Batch) error) error {
	s.mu.Lock()
	if err := s.loadLocked(); err != nil {
		s.mu.Unlock()
		return err
	}
	from := s.mu.indexes.offsets.lookup(offset, s.base).Position
	end := s.mu.size
	s.mu.Unlock()
	return s.scan(from, end, func(p Place, b batch.Batch) (bool, error) {
		if p.Last < offset {
			return true, nil
		}
		return true, visit(p, b)
	})
}

// Span returns n bytes of the log from pos as a part of a reply. The segment's file stays open until the span is
// released, deleted or not.
func (s *Segment) Span(pos, n int64) (wire.Span, error) {
	s.mu.Lock()
	f, err := s.useLocked()
	sealed := s.mu.sealed
	size := s.mu.size
	s.mu.Unlock()
	if err != nil {
		return wire.Span{}, err
	}
	base.Assert(pos >= 0 && n >= 0 && pos+n <= size, "span [%d,+%d) of %s beyond %d", pos, n, s.name, size)
	if sealed {
		s.residents.touch(s)
	}
	return wire.Span{File: f, Offset: pos, Length: n, Pin: s}, nil
}

// LastPlace returns the place of the segment's last batch. It reports false for an empty segment.
func (s *Segment) LastPlace() (Place, bool, error) {
	s.mu.Lock()
	if n := len(s.mu.tail.ring); n > 0 {
		e := s.mu.tail.at(n - 1)
		s.mu.Unlock()
		return Place{
			Position: int64(e.position), Size: int64(e.size),
			First: s.base + base.Offset(e.first), Last: s.base + base.Offset(e.last),
		}, true, nil
	}
	if err := s.loadLocked(); err != nil {
		s.mu.Unlock()
		return Place{}, false, err
	}
	from, end := s.mu.indexes.lastIndexed(s.base), s.mu.size
	s.mu.Unlock()
	var last Place
	err := s.scan(from, end, func(p Place, _ batch.Batch) (bool, error) {
		last = p
		return true, nil
	})
	return last, last.Size > 0, err
}
