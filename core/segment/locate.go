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
// At the tail it reads nothing, for the offset behind a batch that was found lately one header (see bookmarks);
// elsewhere it goes by the sparse index and reads about index.interval.bytes.
func (s *Segment) Locate(offset base.Offset) (Place, bool, error) {
	s.mu.Lock()
	if e, ok := s.mu.tail.find(int64(offset - s.base)); ok {
		s.mu.Unlock()
		return Place{
			Position: int64(e.position), Size: int64(e.size),
			First: s.base + base.Offset(e.first), Last: s.base + base.Offset(e.last),
		}, true, nil
	}
	position, marked := s.mu.bookmarks.find(int64(offset - s.base))
	era, end := s.mu.bookmarks.era, s.mu.size
	s.mu.Unlock()
	var found Place
	var ok bool
	var err error
	if marked && position < end {
		found, ok, err = s.marked(position, end, offset)
	}
	if !ok && err == nil {
		err = s.search(func() error {
			found, ok = Place{}, false
			return s.scanIndexed(offset, func(p Place, _ batch.Batch) (bool, error) {
				if p.Last >= offset {
					found, ok = p, true
				}
				return !ok, nil
			})
		})
	}
	if !ok || err != nil {
		return Place{}, false, err
	}
	s.mark(found, era)
	return found, true, nil
}

// search makes a search that begins at an index entry. If it fails because the index of a sealed segment lies, or
// because the log is damaged, the indexes are made anew from the log, and if that can be done the search is made once
// more.
func (s *Segment) search(try func() error) error {
	err := try()
	if !errors.Is(err, ErrBadIndex) && !errors.Is(err, ErrCorrupt) {
		return err
	}
	s.mu.Lock()
	failed := !s.mu.sealed || s.rebuildLocked() != nil
	s.mu.Unlock()
	if failed {
		return err
	}
	return try()
}

// scanIndexed is scan from the last index entry at or before offset, which must name the batch that lies there.
func (s *Segment) scanIndexed(offset base.Offset, visit func(Place, batch.Batch) (bool, error)) error {
	s.mu.Lock()
	if err := s.loadLocked(); err != nil {
		s.mu.Unlock()
		return err
	}
	e, next := s.mu.indexes.offsets.lookup(offset, s.base)
	end := s.mu.size
	s.mu.Unlock()
	return s.scan(e.Position, end, next-e.Position, func(p Place, b batch.Batch) (bool, error) {
		if p.Position == e.Position && e.Position > 0 && p.Last != e.Offset {
			return false, fmt.Errorf("%w: %s: got offset %d for position %d, where the batch ends with %d", ErrBadIndex,
				s.name, e.Offset, e.Position, p.Last)
		}
		return visit(p, b)
	})
}

// scan visits the batches between two positions in order until visit returns false. It reads headers, not records: the
// batch that visit gets is its first HeaderSize bytes alone, valid during the call. large is about how many bytes the
// first batch has, 0 if that is not known.
func (s *Segment) scan(from, end, large int64, visit func(Place, batch.Batch) (more bool, err error)) error {
	s.mu.Lock()
	f, err := s.useLocked()
	s.mu.Unlock()
	if err != nil {
		return err
	}
	defer s.Unpin()
	return scanHeaders(f, s.name, from, end, large, visit)
}

// scanHeaders is scan over an open file. Where batches are so large that a read for several headers would get one, it
// reads one.
func scanHeaders(f vfs.File, name string, from, end, large int64,
	visit func(Place, batch.Batch) (more bool, err error)) error {
	bp := scanBuffers.Get().(*[]byte)
	defer scanBuffers.Put(bp)
	buf, start := (*bp)[:0], from
	for pos := from; pos < end; {
		if pos+batch.HeaderSize > start+int64(len(buf)) {
			n := min(int64(scanChunk), end-pos)
			if large >= scanChunk {
				n = min(batch.HeaderSize, n)
			}
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
		large = int64(size)
	}
	return nil
}

// Headers visits the batches from the one that holds offset on, in order, until visit returns an error. It reads
// headers alone: the batch that visit gets is its first HeaderSize bytes, valid during the call. Nothing is written,
// whatever state the index files are in.
func (s *Segment) Headers(offset base.Offset, visit func(Place, batch.Batch) error) error {
	from := func(p Place, b batch.Batch) (bool, error) {
		if p.Last < offset {
			return true, nil
		}
		return true, visit(p, b)
	}
	s.mu.Lock()
	usable, err := s.readIndexesLocked()
	s.mu.Unlock()
	if err != nil {
		return err
	}
	if usable {
		if err := s.scanIndexed(offset, from); !errors.Is(err, ErrBadIndex) {
			return err
		}
	}
	return s.scan(0, s.Size(), 0, from)
}

// Span returns n bytes of the log from pos as a part of a reply. The segment's file stays open until the span is
// released, deleted or not.
func (s *Segment) Span(pos, n int64) (wire.Span, error) {
	s.mu.Lock()
	f, err := s.useLocked()
	size := s.mu.size
	s.mu.Unlock()
	if err != nil {
		return wire.Span{}, err
	}
	if pos < 0 || n < 0 || pos+n > size {
		base.Fail("span [%d,+%d) of %s beyond %d", pos, n, s.name, size)
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
	s.mu.Unlock()
	var last Place
	err := s.search(func() error {
		last = Place{}
		return s.scanIndexed(1<<63-1, func(p Place, _ batch.Batch) (bool, error) {
			last = p
			return true, nil
		})
	})
	return last, last.Size > 0, err
}
