package segment

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/vfs"
)

// openFiles counts the .log files that are open.
type openFiles struct {
	mu   sync.Mutex
	open int
	most int
	// calls counts the calls to files by their suffix, openings and closings apart.
	calls map[string]int
}

func (c *openFiles) hook(op vfs.Op) vfs.Decision {
	c.mu.Lock()
	defer c.mu.Unlock()
	suffix := op.Name[strings.LastIndexByte(op.Name, '.'):]
	switch {
	case op.Kind == vfs.OpOpen && suffix == LogSuffix:
		c.open++
		c.most = max(c.most, c.open)
	case op.Kind == vfs.OpClose && suffix == LogSuffix:
		c.open--
	case op.Kind == vfs.OpRead || op.Kind == vfs.OpWrite:
		c.calls[suffix]++
	}
	return vfs.Decision{}
}

// sealedSegments makes n sealed segments, each with its twin, that nobody has open.
func sealedSegments(t testing.TB, n, batches int, cfg Config) (*openFiles, []*Segment, []*twin, *Residents) {
	t.Helper()
	r := rand.New(rand.NewPCG(5, 5))
	count := &openFiles{calls: make(map[string]int)}
	fs := vfs.NewFaults(newFS(t), nil)
	residents := NewResidents(3)
	var segments []*Segment
	var twins []*twin
	for i := range n {
		w := &twin{base: base.Offset(i) << 20}
		s := create(t, fs, w.base, cfg, residents)
		for range batches {
			must(t, s.Append(w.grow(t, r)))
		}
		must(t, s.Seal())
		s.Close()
		residents.Forget(s)
		segments = append(segments, Open(fs, testDir, w.base, w.size, cfg, residents))
		twins = append(twins, w)
	}
	fs.SetHook(count.hook)
	return count, segments, twins, residents
}

// However a sealed segment is read, no more files stay open than Residents allows.
func TestResidentsBoundOpenFiles(t *testing.T) {
	uses := map[string]func(*Segment, *twin) error{
		"locate":       func(s *Segment, w *twin) error { _, _, err := s.Locate(w.base + 9); return err },
		"locate time":  func(s *Segment, w *twin) error { _, _, err := s.LocateTime(1010, w.base); return err },
		"largest":      func(s *Segment, _ *twin) error { _, _, err := s.LocateLargest(); return err },
		"last place":   func(s *Segment, _ *twin) error { _, _, err := s.LastPlace(); return err },
		"first":        func(s *Segment, _ *twin) error { _, err := s.FirstTimestamp(); return err },
		"read":         func(s *Segment, _ *twin) error { _, err := s.ReadAt(make([]byte, 10), 0); return err },
		"sync":         func(s *Segment, _ *twin) error { return s.Sync() },
		"check format": func(s *Segment, _ *twin) error { return s.CheckFormat() },
		"headers": func(s *Segment, w *twin) error {
			return s.Headers(w.base+5, func(Place, batch.Batch) error { return nil })
		},
		"span": func(s *Segment, w *twin) error {
			span, err := s.Span(0, w.size)
			span.Release()
			return err
		},
		"audit": func(s *Segment, w *twin) error {
			s.Audit(w.base, func(batch.Batch, int64) {})
			return nil
		},
	}
	for name, use := range uses {
		t.Run(name, func(t *testing.T) {
			count, segments, twins, _ := sealedSegments(t, 20, 30, Config{IndexBytes: 1 << 20, IndexIntervalBytes: 100})
			for i, s := range segments {
				must(t, use(s, twins[i]))
			}
			if count.open > 3 || count.most > 4 {
				t.Errorf("got %d open files, at most %d at once, expected at most 3 and 4", count.open, count.most)
			}
		})
	}
}

// A span keeps its segment's file open while others are read, and lets it go afterwards.
func TestSpanPinsItsFile(t *testing.T) {
	count, segments, twins, _ := sealedSegments(t, 12, 10, Config{IndexBytes: 1 << 20, IndexIntervalBytes: 100})
	span, err := segments[0].Span(0, twins[0].size)
	must(t, err)
	for i, s := range segments[1:] {
		_, _, err := s.Locate(twins[i+1].base)
		must(t, err)
	}
	// Another use of the pinned segment must not make it forget that it is to be closed.
	_, err = segments[0].ReadAt(make([]byte, 1), 0)
	must(t, err)
	for i, s := range segments[1:] {
		_, _, err := s.Locate(twins[i+1].base)
		must(t, err)
	}
	got := make([]byte, span.Length)
	if _, err := span.File.ReadAt(got, span.Offset); err != nil {
		t.Fatal(err)
	}
	if string(got) != string(twins[0].bytes()) {
		t.Error("the span's bytes are not the log's")
	}
	if count.open != 4 {
		t.Errorf("got %d open files while a span pins one, expected 4", count.open)
	}
	span.Release()
	if count.open > 3 {
		t.Errorf("got %d open files after the span's release, expected at most 3", count.open)
	}
}

// Forgotten and removed segments leave nothing behind, and a span outlives the removal.
func TestRemoveUnderASpan(t *testing.T) {
	for _, mark := range []bool{false, true} {
		t.Run(fmt.Sprint("marked ", mark), func(t *testing.T) {
			count, segments, twins, residents := sealedSegments(t, 2, 10, Config{IndexBytes: 1 << 20})
			s, w := segments[0], twins[0]
			span, err := s.Span(0, w.size)
			must(t, err)
			if mark {
				must(t, s.MarkDeleted())
				s.Unload()
				if got, ok, err := s.Locate(w.base); !ok || err != nil || got.First != w.entries[0].first {
					t.Fatalf("locate in a deleted segment: got %+v, %v, %v", got, ok, err)
				}
			}
			residents.Forget(s)
			must(t, s.Remove())
			got := make([]byte, span.Length)
			if _, err := span.File.ReadAt(got, span.Offset); err != nil || string(got) != string(w.bytes()) {
				t.Errorf("the span of a removed segment: %v", err)
			}
			span.Release()
			if count.open != 0 {
				t.Errorf("got %d open files, expected none", count.open)
			}
			if _, _, err := s.Locate(w.base); !isNotExist(err) {
				t.Errorf("locate in a removed segment: got %v, expected that it does not exist", err)
			}
		})
	}
}

// A segment that is read again and again reads its index files once.
func TestResidentSegmentKeepsItsIndexes(t *testing.T) {
	count, segments, twins, _ := sealedSegments(t, 3, 200, Config{IndexBytes: 1 << 20, IndexIntervalBytes: 500})
	for range 50 {
		for i, s := range segments {
			_, _, err := s.Locate(twins[i].next() - 1)
			must(t, err)
		}
	}
	if count.calls[IndexSuffix] != 3 || count.calls[TimeIndexSuffix] != 3 {
		t.Errorf("got %v reads, expected one of each index", count.calls)
	}
	if count.calls[LogSuffix] > 2*150 {
		t.Errorf("got %d reads of logs in 150 lookups, expected about one each", count.calls[LogSuffix])
	}
}
