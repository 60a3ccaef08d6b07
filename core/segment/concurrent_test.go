package segment

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
)

// shared is a row of segments that one goroutine appends to, some read and one deletes.
type shared struct {
	segments []*Segment
	first    atomic.Int64 // the first that is not deleted
	last     atomic.Int64 // the one that is appended to
	end      atomic.Int64 // the offset after the last one appended
}

const (
	perSegment = 60 // offsets a segment
	rows       = 40 // segments in all
)

// One goroutine appends and seals, one deletes and removes, others read at any place, with room for two resident
// segments alone: whatever is found is whole, and is what was asked for.
func TestConcurrentReaders(t *testing.T) {
	fs := newFS(t)
	residents := NewResidents(2)
	cfg := Config{IndexBytes: 1 << 20, IndexIntervalBytes: 200}
	sh := &shared{segments: make([]*Segment, rows)}
	for i := range sh.segments {
		sh.segments[i] = create(t, fs, base.Offset(i*perSegment), cfg, residents)
	}
	var wg sync.WaitGroup
	wg.Go(func() { sh.write(t) })
	wg.Go(func() { sh.delete(t, residents) })
	for seed := range uint64(4) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, 7))
			for sh.end.Load() < rows*perSegment {
				sh.read(t, r)
			}
			for range 200 {
				sh.read(t, r)
			}
		})
	}
	wg.Wait()
}

func (sh *shared) write(t *testing.T) {
	for i, s := range sh.segments {
		sh.last.Store(int64(i))
		for o := s.BaseOffset(); o < s.BaseOffset()+perSegment; o += 2 {
			value := []byte(fmt.Sprintf("value of %d", o))
			if err := s.Append(build(t, []record{{o, int64(o)}, {o + 1, int64(o)}}, o+1, value)); err != nil {
				t.Error(err)
			}
			sh.end.Store(int64(o) + 2)
		}
		if err := errors.Join(s.Seal(), s.Sync(), s.SyncIndexes()); err != nil {
			t.Error(err)
		}
	}
}

func (sh *shared) delete(t *testing.T, residents *Residents) {
	for first := sh.first.Load(); first < rows/2; first = sh.first.Load() {
		if sh.last.Load() < first+3 {
			continue
		}
		s := sh.segments[first]
		sh.first.Add(1)
		if err := s.MarkDeleted(); err != nil {
			t.Error(err)
		}
		residents.Forget(s)
		if err := s.Remove(); err != nil {
			t.Error(err)
		}
	}
}

// read asks for one offset, in one of the ways there are.
func (sh *shared) read(t *testing.T, r *rand.Rand) {
	i, end := r.Int64N(sh.last.Load()+1), sh.end.Load()
	s := sh.segments[i]
	o := s.BaseOffset() + base.Offset(r.IntN(perSegment))
	if int64(o) >= end {
		return
	}
	var err error
	if r.IntN(3) == 0 {
		var got TimestampOffset
		if got, _, err = s.LocateTime(int64(o&^1), s.BaseOffset()); err == nil && got.Offset != o&^1 {
			t.Errorf("first at or after %d: got %+v", o&^1, got)
		}
	} else {
		err = sh.readBatch(t, s, o)
	}
	if err != nil && (!isNotExist(err) || sh.first.Load() <= i) {
		t.Errorf("offset %d: %v", o, err)
	}
}

func (sh *shared) readBatch(t *testing.T, s *Segment, o base.Offset) error {
	p, ok, err := s.Locate(o)
	if err != nil {
		return err
	}
	if !ok || p.First != o&^1 || p.Last != p.First+1 {
		return fmt.Errorf("got %+v, %v", p, ok)
	}
	span, err := s.Span(p.Position, p.Size)
	if err != nil {
		return err
	}
	defer span.Release()
	raw := make([]byte, span.Length)
	if _, err := span.File.ReadAt(raw, span.Offset); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read a span: %w", err)
	}
	b, rest, err := batch.Parse(raw)
	if err != nil || len(rest) > 0 || b.CheckCRC() != nil || b.BaseOffset() != o&^1 {
		t.Errorf("offset %d: the span is not its batch: %v", o, err)
	}
	return nil
}
