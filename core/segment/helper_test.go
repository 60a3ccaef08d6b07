package segment

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"path"
	"slices"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/vfs"
)

const testDir = "/t-0"

// record is a record of a test's batch: where it stands and when it was made.
type record struct {
	offset    base.Offset
	timestamp int64
}

// entry is a batch as the dumb twin of a segment keeps it.
type entry struct {
	raw     batch.Batch
	first   base.Offset
	last    base.Offset
	pos     int64
	max     int64
	records []record
}

// twin is a segment made of a slice: it finds everything by looking at everything.
type twin struct {
	base    base.Offset
	entries []entry
	size    int64
}

// build makes a batch with the given records, whose offsets ascend; it may reach beyond the last one.
func build(t testing.TB, records []record, last base.Offset, value []byte) batch.Batch {
	t.Helper()
	var b batch.Builder
	o := batch.NewOptions()
	o.BaseOffset, o.LeaderEpoch = records[0].offset, 7
	b.Reset(o)
	for _, r := range records {
		rec := batch.Record{Timestamp: r.timestamp, Value: value}
		b.AppendRecord(int32(r.offset-records[0].offset), &rec)
	}
	b.SetLastOffsetDelta(int32(last - records[0].offset))
	built, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(built)
}

func (w *twin) add(b batch.Batch, records []record) {
	w.entries = append(w.entries, entry{
		raw: b, first: b.BaseOffset(), last: b.LastOffset(), pos: w.size, max: b.MaxTimestamp(), records: records,
	})
	w.size += int64(len(b))
}

// next is the offset after the last one.
func (w *twin) next() base.Offset {
	if len(w.entries) == 0 {
		return w.base
	}
	return w.entries[len(w.entries)-1].last + 1
}

// grow appends a random batch: gaps before it and inside it, timestamps in any order, equal or missing.
func (w *twin) grow(t testing.TB, r *rand.Rand) batch.Batch {
	o := w.next()
	if r.IntN(4) == 0 {
		o += base.Offset(r.IntN(50))
	}
	var records []record
	for range 1 + r.IntN(4) {
		ts := int64(1000 + len(w.entries)*3 + r.IntN(40) - 20)
		switch r.IntN(8) {
		case 0:
			ts = base.NoTimestamp
		case 1:
			ts = 1000
		}
		records = append(records, record{o, ts})
		o += 1 + base.Offset(r.IntN(3)*r.IntN(2))
	}
	b := build(t, records, o-1, bytes.Repeat([]byte{'v'}, r.IntN(120)))
	w.add(b, records)
	return b
}

func (w *twin) locate(o base.Offset) (Place, bool) {
	for _, e := range w.entries {
		if e.last >= o {
			return Place{Position: e.pos, Size: int64(len(e.raw)), First: e.first, Last: e.last}, true
		}
	}
	return Place{}, false
}

func (w *twin) locateTime(target int64, from base.Offset) (TimestampOffset, bool) {
	for _, e := range w.entries {
		for _, r := range e.records {
			if r.timestamp >= target && r.offset >= from {
				return TimestampOffset{Timestamp: r.timestamp, Offset: r.offset, Epoch: 7}, true
			}
		}
	}
	return TimestampOffset{}, false
}

// largest returns the largest timestamp and the last offset of the first batch that has it.
func (w *twin) largest() (int64, base.Offset) {
	ts, o := base.NoTimestamp, w.base
	for _, e := range w.entries {
		if e.max > ts {
			ts, o = e.max, e.last
		}
	}
	return ts, o
}

func (w *twin) bytes() []byte {
	var all []byte
	for _, e := range w.entries {
		all = append(all, e.raw...)
	}
	return all
}

// check compares everything that a segment can be asked with the twin.
func (w *twin) check(t *testing.T, s *Segment, r *rand.Rand) {
	t.Helper()
	w.checkPlaces(t, s, r)
	w.checkTimes(t, s, r)
	if got := s.Size(); got != w.size {
		t.Fatalf("size: got %d, expected %d", got, w.size)
	}
	if w.size == 0 {
		return
	}
	i := r.IntN(len(w.entries))
	span, err := s.Span(w.entries[i].pos, w.size-w.entries[i].pos)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, span.Length)
	if _, err := span.File.ReadAt(got, span.Offset); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	span.Release()
	if !bytes.Equal(got, w.bytes()[w.entries[i].pos:]) {
		t.Fatalf("the span from %d is not what was appended", w.entries[i].pos)
	}
}

func (w *twin) checkPlaces(t *testing.T, s *Segment, r *rand.Rand) {
	t.Helper()
	asked := []base.Offset{w.base, w.next() - 1, w.next(), w.next() + 100}
	for range 12 {
		asked = append(asked, w.base+base.Offset(r.Int64N(int64(w.next()-w.base)+3)))
	}
	for _, o := range asked {
		want, wantOK := w.locate(o)
		got, ok, err := s.Locate(o)
		if err != nil || ok != wantOK || got != want {
			t.Fatalf("locate %d: got %+v, %v, %v, expected %+v, %v", o, got, ok, err, want, wantOK)
		}
		var places []Place
		err = s.Headers(o, func(p Place, b batch.Batch) error {
			if b.BaseOffset() != p.First {
				t.Errorf("header of offset %d at the place of %d", b.BaseOffset(), p.First)
			}
			places = append(places, p)
			return nil
		})
		if err != nil || len(places) > 0 != wantOK || wantOK && places[0] != want {
			t.Fatalf("headers from %d: got %v, %v, expected %+v first", o, places, err, want)
		}
	}
	last, ok, err := s.LastPlace()
	if want, wantOK := w.locate(w.next() - 1); err != nil || ok != wantOK || last != want {
		t.Fatalf("last place: got %+v, %v, %v, expected %+v", last, ok, err, want)
	}
}

func (w *twin) checkTimes(t *testing.T, s *Segment, r *rand.Rand) {
	t.Helper()
	ts, o, err := s.LargestTimestamp()
	if wantTS, wantO := w.largest(); err != nil || ts != wantTS || o != wantO {
		t.Fatalf("largest timestamp: got %d at %d, %v, expected %d at %d", ts, o, err, wantTS, wantO)
	}
	first, err := s.FirstTimestamp()
	want := base.NoTimestamp
	if len(w.entries) > 0 {
		want = w.entries[0].max
	}
	if err != nil || first != want {
		t.Fatalf("first timestamp: got %d, %v, expected %d", first, err, want)
	}
	for range 12 {
		target := int64(r.IntN(1100+3*len(w.entries)) - 1)
		if r.IntN(3) > 0 {
			target = int64(900 + r.IntN(200+3*len(w.entries)))
		}
		from := w.base + base.Offset(r.Int64N(int64(w.next()-w.base)+2)*int64(r.IntN(2)))
		want, wantOK := w.locateTime(target, from)
		got, ok, err := s.LocateTime(target, from)
		if err != nil || ok != wantOK || got != want {
			t.Fatalf("first record from offset %d on at or after %d: got %+v, %v, %v, expected %+v, %v", from, target,
				got, ok, err, want, wantOK)
		}
	}
	got, ok, err := s.LocateLargest()
	wantRecord, wantOK := w.locateTime(ts, w.base)
	if err != nil || ok != wantOK || got != wantRecord {
		t.Fatalf("record with the largest timestamp %d: got %+v, %v, %v, expected %+v", ts, got, ok, err, wantRecord)
	}
}

// writeLog puts a file into the test directory.
func writeLog(t testing.TB, fs vfs.FS, name string, content []byte) {
	t.Helper()
	if err := fs.Mkdir(testDir); err != nil {
		t.Fatal(err)
	}
	f, err := fs.Open(path.Join(testDir, name), vfs.Truncate)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(content, 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func newFS(t testing.TB) *vfs.Mem {
	t.Helper()
	fs := vfs.NewMem(vfs.MemOptions{Crashable: true})
	if err := fs.Mkdir(testDir); err != nil {
		t.Fatal(err)
	}
	return fs
}

func create(t testing.TB, fs vfs.FS, b base.Offset, cfg Config, r *Residents) *Segment {
	t.Helper()
	s, err := Create(fs, testDir, b, cfg, r)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
