package segment

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/vfs"
)

// fill appends batches of two records with a value of that size.
func fill(t *testing.T, s *Segment, w *twin, batches, size int) {
	t.Helper()
	for range batches {
		records := []record{{w.next(), 1000}, {w.next() + 1, 1001}}
		b := build(t, records, w.next()+1, bytes.Repeat([]byte{'v'}, size))
		w.add(b, records)
		must(t, s.Append(b))
	}
}

// checkPlace wants a segment to find an offset where its twin does.
func (w *twin) checkPlace(t *testing.T, s *Segment, o base.Offset) {
	t.Helper()
	got, ok, err := s.Locate(o)
	if want, wantOK := w.locate(o); err != nil || ok != wantOK || got != want {
		t.Errorf("locate %d: got %+v, %v, %v, expected %+v, %v", o, got, ok, err, want, wantOK)
	}
}

// checkBookmarks wants each bookmark to name a batch of its own, or the log's end.
func (w *twin) checkBookmarks(t *testing.T, s *Segment) {
	t.Helper()
	seen := make(map[uint32]bool)
	for _, b := range s.mu.bookmarks.ring {
		want := w.size
		if place, ok := w.locate(base.Offset(b.offset)); ok {
			want = place.Position
		}
		if int64(b.position) != want || seen[b.offset] {
			t.Errorf("got a bookmark %+v, expected one at %d", b, want)
		}
		seen[b.offset] = true
	}
}

// counted opens a sealed segment anew, on a disk that counts the bytes read in *read.
func counted(t *testing.T, w *twin, cfg Config, batches, size int) (s *Segment, read *int) {
	t.Helper()
	fs, read := vfs.NewFaults(newFS(t), nil), new(int)
	s = create(t, fs, 0, cfg, NewResidents(3))
	fill(t, s, w, batches, size)
	must(t, s.Seal())
	s.Close()
	s = Open(fs, testDir, 0, w.size, cfg, NewResidents(3))
	w.checkPlace(t, s, w.next()-1) // it reads the indexes
	fs.SetHook(func(op vfs.Op) vfs.Decision {
		if op.Kind == vfs.OpRead {
			*read += op.Len
		}
		return vfs.Decision{}
	})
	return s, read
}

// As many readers as there are bookmarks read on at places and speeds of their own, each with one header a batch.
func TestReadersGoOn(t *testing.T) {
	const batches, apart = 200, 7
	for _, size := range []int{100, 20 << 10} {
		w := &twin{}
		s, read := counted(t, w, Config{IndexBytes: 1 << 20, IndexIntervalBytes: 4 << 10}, batches, size)
		readers := make([]base.Offset, mostBookmarks)
		for i := range readers {
			readers[i] = base.Offset(2 * apart * i)
			w.checkPlace(t, s, readers[i])
		}
		for turn := range 120 {
			i := turn % mostBookmarks
			for range 1 + i/4 { // nobody catches up with another
				readers[i] += 2
				*read = 0
				if w.checkPlace(t, s, readers[i]); *read != batch.HeaderSize {
					t.Fatalf("reader %d at offset %d: got %d bytes read, expected a header of %d", i, readers[i], *read,
						batch.HeaderSize)
				}
			}
		}
	}
}

// One reader more than there are bookmarks is served as well, by the index.
func TestMoreReadersThanBookmarks(t *testing.T) {
	w := &twin{}
	s, _ := counted(t, w, Config{IndexBytes: 1 << 20, IndexIntervalBytes: 500}, 100, 100)
	for step := range 50 {
		for i := range mostBookmarks + 1 {
			w.checkPlace(t, s, base.Offset(2*(3*i+step)))
		}
	}
	if w.checkBookmarks(t, s); len(s.mu.bookmarks.ring) != mostBookmarks {
		t.Errorf("got %d bookmarks, expected %d", len(s.mu.bookmarks.ring), mostBookmarks)
	}
}

// Where a log was cut off and has grown again, other batches begin at the places of those that were there.
func TestBookmarksAreForgotten(t *testing.T) {
	s, w := create(t, newFS(t), 0, Config{IndexBytes: 1 << 20}, NewResidents(3)), &twin{}
	fill(t, s, w, 3, 100)
	must(t, s.Seal())
	must(t, s.Reopen()) // it knows its last batches no longer
	w.checkPlace(t, s, 2)
	if _, ok := s.mu.bookmarks.find(4); !ok {
		t.Fatal("got no bookmark behind the batch that was found")
	}
	w.size, w.entries = w.entries[1].pos, w.entries[:1]
	must(t, s.TruncateTo(w.size, w.next()))
	// The batch of offset 2 holds offset 4 too now, and where the batch of offset 4 began another one begins.
	records := []record{{2, 1000}, {9, 1001}}
	b := build(t, records, 9, bytes.Repeat([]byte{'v'}, 100))
	w.add(b, records)
	must(t, s.Append(b))
	fill(t, s, w, 1, 100)
	must(t, s.Seal())
	for o := range w.next() {
		w.checkPlace(t, s, o)
	}
}

// No bookmark outlives what it was learned from, nor the memory that a segment is worth.
func TestWhatForgetsBookmarks(t *testing.T) {
	for name, change := range map[string]func(*Segment) error{
		"unload":   func(s *Segment) error { s.Unload(); return nil },
		"truncate": func(s *Segment) error { return s.TruncateTo(s.Size(), 6) },
		"rebuild":  func(s *Segment) error { return s.rebuildLocked() },
		"recover": func(s *Segment) error {
			_, err := s.Recover(func(batch.Batch, int64) error { return nil })
			return err
		},
	} {
		s, w := create(t, newFS(t), 0, Config{IndexBytes: 1 << 20}, NewResidents(3)), &twin{}
		fill(t, s, w, 3, 100)
		must(t, s.Seal())
		w.checkPlace(t, s, 2)
		if len(s.mu.bookmarks.ring) != 1 {
			t.Fatalf("got bookmarks %v, expected one", s.mu.bookmarks.ring)
		}
		must(t, change(s))
		if len(s.mu.bookmarks.ring) > 0 {
			t.Errorf("%s: got bookmarks %v, expected none", name, s.mu.bookmarks.ring)
		}
	}
}

// A search that was under way while the log was cut off marks nothing.
func TestFormerErasMarkNothing(t *testing.T) {
	s, w := create(t, newFS(t), 0, Config{IndexBytes: 1 << 20}, NewResidents(3)), &twin{}
	fill(t, s, w, 3, 100)
	era := s.mu.bookmarks.era
	found, _ := w.locate(2)
	must(t, s.TruncateTo(w.entries[1].pos, 2))
	s.mark(found, era)
	if len(s.mu.bookmarks.ring) > 0 {
		t.Errorf("got bookmarks %v, expected none", s.mu.bookmarks.ring)
	}
}

// A bookmark at which no batch of its offset begins leads nobody astray, be it that one of another begins there.
func TestBookmarksThatLie(t *testing.T) {
	w := &twin{}
	s, _ := counted(t, w, Config{IndexBytes: 1 << 20, IndexIntervalBytes: 500}, 20, 100)
	for _, position := range []int64{
		0, w.entries[3].pos, w.entries[3].pos + 5, w.entries[12].pos, w.size - 3, w.size, w.size + 1000,
	} {
		s.mu.bookmarks.forget()
		s.mu.bookmarks.add(bookmark{offset: 20, position: uint32(position)})
		w.checkPlace(t, s, 20)
	}
}

// Nobody who asks for an intact batch is led elsewhere by a damaged one that was found before: base offsets and, until
// somebody looks, offset deltas are not covered by a checksum.
func TestDamagedBatchesLeaveNoBookmarks(t *testing.T) {
	const baseOffset, lastDelta, damaged = 0, 23, 15
	for name, damage := range map[string]func(header []byte){
		"base offset beyond 32 bits": func(h []byte) { binary.BigEndian.PutUint64(h[baseOffset:], 1<<32+4) },
		"negative delta":             func(h []byte) { binary.BigEndian.PutUint32(h[lastDelta:], ^uint32(24)) },
	} {
		fs, w := newFS(t), &twin{}
		s := create(t, fs, 0, Config{IndexBytes: 1 << 20, IndexIntervalBytes: 500}, NewResidents(3))
		fill(t, s, w, 20, 100)
		must(t, s.Seal())
		w.checkPlace(t, s, 2*damaged-1) // it leaves a bookmark at the batch that is damaged then
		content := w.bytes()
		damage(content[w.entries[damaged].pos:])
		writeLog(t, fs, s.name+LogSuffix, content)
		if got, ok, err := s.Locate(2 * damaged); err != nil || !ok || got.Last < 2*damaged {
			t.Errorf("%s: got %+v, %v, %v, expected a batch that ends at %d or later", name, got, ok, err, 2*damaged)
		}
		w.checkBookmarks(t, s)
		for o := range base.Offset(2 * damaged) {
			w.checkPlace(t, s, o)
		}
	}
}

// A read that fails at a bookmark is an error, as it is elsewhere.
func TestBookmarksOnAFailingDisk(t *testing.T) {
	fs, w := vfs.NewFaults(newFS(t), nil), &twin{}
	s := create(t, fs, 0, Config{IndexBytes: 1 << 20, IndexIntervalBytes: 500}, NewResidents(3))
	fill(t, s, w, 20, 100)
	must(t, s.Seal())
	w.checkPlace(t, s, 10)
	reads := 0
	fs.SetHook(func(op vfs.Op) vfs.Decision {
		if op.Kind == vfs.OpRead {
			if reads++; reads == 1 {
				return vfs.Decision{Err: vfs.ErrIO}
			}
		}
		return vfs.Decision{}
	})
	if _, _, err := s.Locate(12); !errors.Is(err, vfs.ErrIO) || reads != 1 {
		t.Errorf("got %v after %d reads, expected the first one's error", err, reads)
	}
}

// Two readers in step share the bookmarks: neither needs the index.
func TestReadersInStep(t *testing.T) {
	w := &twin{}
	s, read := counted(t, w, Config{IndexBytes: 1 << 20, IndexIntervalBytes: 4 << 10}, 100, 20<<10)
	w.checkPlace(t, s, 0)
	for o := base.Offset(2); o < w.next(); o += 2 {
		w.checkBookmarks(t, s)
		for reader := range 2 {
			*read = 0
			if w.checkPlace(t, s, o); *read != batch.HeaderSize {
				t.Fatalf("reader %d at offset %d: got %d bytes read, expected a header of %d", reader, o, *read,
					batch.HeaderSize)
			}
		}
	}
}
