package segment

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/vfs"
)

// The index files of a sealed segment are damaged in every way that a disk knows. The log is whole, so every answer
// must be right all the same: what an index says is held against the log before it is believed.
func TestDamagedIndexesAreFoundOut(t *testing.T) {
	cfg := Config{IndexBytes: 1 << 20, IndexIntervalBytes: 300}
	fs := newFS(t)
	w := &twin{base: 1 << 33}
	s := create(t, fs, w.base, cfg, NewResidents(1))
	// No two records have the same timestamp, so that no entry can be mistaken for another.
	for i := range 40 {
		records := []record{{w.next() + base.Offset(i%3), int64(1000 + i*10 - 30*(i%4))}}
		records = append(records, record{records[0].offset + 1, records[0].timestamp - 1})
		b := build(t, records, records[0].offset+1, make([]byte, 30))
		w.add(b, records)
		must(t, s.Append(b))
	}
	must(t, s.Seal())
	s.Close()
	good := make(map[string][]byte)
	for _, suffix := range []string{IndexSuffix, TimeIndexSuffix} {
		content, err := vfs.ReadFile(fs, s.path(suffix))
		must(t, err)
		good[suffix] = content
	}
	for _, suffix := range []string{IndexSuffix, TimeIndexSuffix} {
		for what, damaged := range damages(good[suffix]) {
			fs := fs.Clone()
			writeLog(t, fs, Name(w.base, suffix), damaged)
			s := Open(fs, testDir, w.base, w.size, cfg, NewResidents(1))
			if !t.Run(suffix+" "+what, func(t *testing.T) { w.checkDamaged(t, s, suffix) }) {
				return
			}
		}
	}
}

// damages returns copies of an index with each kind of damage.
func damages(content []byte) map[string][]byte {
	found := map[string][]byte{
		"emptied":         {},
		"one byte short":  content[:len(content)-1],
		"one byte longer": append(content[:len(content):len(content)], 7),
		"zeros behind it": append(content[:len(content):len(content)], make([]byte, 1200)...),
		"garbage behind":  append(content[:len(content):len(content)], []byte("0123456789abcdef01234567")...),
		"ends in zeros":   append(content[:len(content)/24*12:len(content)/24*12], make([]byte, len(content)/24*12)...),
	}
	for i := range content {
		for bit := range 8 {
			flipped := append([]byte(nil), content...)
			flipped[i] ^= 1 << bit
			found[fmt.Sprintf("byte %d bit %d", i, bit)] = flipped
		}
	}
	return found
}

// checkDamaged asks a segment with a damaged index for every offset and every timestamp. Of a damaged time index only
// the last entry is not held against the log by lookups: see CheckLargest.
func (w *twin) checkDamaged(t *testing.T, s *Segment, suffix string) {
	t.Helper()
	for _, e := range w.entries {
		for o := e.first; o <= e.last; o++ {
			want, _ := w.locate(o)
			if got, ok, err := s.Locate(o); err != nil || !ok || got != want {
				t.Fatalf("locate %d: got %+v, %v, %v, expected %+v", o, got, ok, err, want)
			}
		}
	}
	if got, ok, err := s.LastPlace(); err != nil || !ok || got.Last != w.next()-1 {
		t.Fatalf("last place: got %+v, %v, %v, expected %d", got, ok, err, w.next()-1)
	}
	for _, e := range w.entries {
		for _, r := range e.records {
			want, wantOK := w.locateTime(r.timestamp, w.base)
			got, ok, err := s.LocateTime(r.timestamp, w.base)
			if err != nil || ok != wantOK || got != want {
				t.Fatalf("at or after %d: got %+v, %v, %v, expected %+v", r.timestamp, got, ok, err, want)
			}
		}
	}
	must(t, s.CheckLargest())
	ts, o, err := s.LargestTimestamp()
	if wantTS, wantO := w.largest(); err != nil || ts != wantTS || o != wantO {
		t.Fatalf("largest timestamp: got %d at %d, %v, expected %d at %d", ts, o, err, wantTS, wantO)
	}
}

// An index that lies about a damaged log does not hide the damage.
func TestDamagedLogBehindGoodIndexes(t *testing.T) {
	cfg := Config{IndexBytes: 1 << 20, IndexIntervalBytes: 300}
	r := rand.New(rand.NewPCG(9, 9))
	fs := newFS(t)
	w := &twin{base: 5}
	s := create(t, fs, w.base, cfg, NewResidents(1))
	for range 60 {
		must(t, s.Append(w.grow(t, r)))
	}
	must(t, s.Seal())
	s.Close()
	for i, e := range w.entries {
		fs := fs.Clone()
		must(t, fs.Corrupt(s.path(LogSuffix), e.pos+16, []byte{0x40}))
		s := Open(fs, testDir, w.base, w.size, cfg, NewResidents(1))
		if _, _, err := s.Locate(e.last); err == nil {
			t.Errorf("batch %d with a wrong magic was found", i)
		}
		var seen base.Offset
		for _, before := range w.entries[:i] {
			if _, ok, err := s.Locate(before.last); ok && err == nil {
				seen = before.last
			}
		}
		if i > 0 && seen != w.entries[i-1].last {
			t.Errorf("batch %d with a wrong magic: those before are found up to %d, expected %d", i, seen,
				w.entries[i-1].last)
		}
	}
}
