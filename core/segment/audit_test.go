package segment

import (
	"errors"
	"slices"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/vfs"
)

// audited is a sealed segment, no two of whose records have the same timestamp.
func audited(t *testing.T) (*vfs.Mem, *twin, Config) {
	t.Helper()
	cfg := Config{IndexBytes: 1 << 20, IndexIntervalBytes: 100}
	fs := newFS(t)
	w := &twin{base: 1 << 33}
	s := create(t, fs, w.base, cfg, NewResidents(1))
	for i := range 8 {
		records := []record{{w.next() + base.Offset(i%2), int64(1000 + i*10 - 30*(i%3))}}
		b := build(t, records, records[0].offset, make([]byte, 30))
		w.add(b, records)
		must(t, s.Append(b))
	}
	must(t, s.Seal())
	s.Close()
	return fs, w, cfg
}

// Every bit of an index is held against the log by an audit, and every bit of the log against its CRCs and offsets.
func TestAuditSeesEveryBit(t *testing.T) {
	disk, w, cfg := audited(t)
	for _, suffix := range []string{LogSuffix, IndexSuffix, TimeIndexSuffix} {
		content, err := vfs.ReadFile(disk, testDir+"/"+Name(w.base, suffix))
		must(t, err)
		for i := range content {
			for bit := range 8 {
				fs := disk.Clone()
				mask := make([]byte, 1)
				mask[0] = 1 << bit
				must(t, fs.Corrupt(testDir+"/"+Name(w.base, suffix), int64(i), mask))
				s := Open(fs, testDir, w.base, w.size, cfg, NewResidents(1))
				_, problems := s.Audit(w.base, func(batch.Batch, int64) {})
				s.Close()
				if len(problems) > 0 || suffix == LogSuffix && w.mayDiffer(int64(i)) {
					continue
				}
				t.Fatalf("%s: bit %d of byte %d: nothing was found", suffix, bit, i)
			}
		}
	}
}

// mayDiffer says whether a byte of the log is not covered by any check: the leader epoch of a batch, and the base
// offset of the last one, after which nothing tells that it is too high.
func (w *twin) mayDiffer(pos int64) bool {
	return slices.ContainsFunc(w.entries, func(e entry) bool {
		at := pos - e.pos
		return at >= 12 && at < 16 || at >= 0 && at < 8 && e.last == w.next()-1
	})
}

// An audit finds indexes that are cut, longer or missing, and a time index that leaves out the largest timestamp.
func TestAuditOfIndexFiles(t *testing.T) {
	disk, w, cfg := audited(t)
	times, err := vfs.ReadFile(disk, testDir+"/"+Name(w.base, TimeIndexSuffix))
	must(t, err)
	for name, damage := range map[string]func(t *testing.T, fs vfs.FS){
		"offset index missing": func(t *testing.T, fs vfs.FS) {
			must(t, fs.Remove(testDir+"/"+Name(w.base, IndexSuffix)))
		},
		"offset index of another size": func(t *testing.T, fs vfs.FS) {
			writeLog(t, fs, Name(w.base, IndexSuffix), []byte("1234567"))
		},
		"time index missing": func(t *testing.T, fs vfs.FS) {
			must(t, fs.Remove(testDir+"/"+Name(w.base, TimeIndexSuffix)))
		},
		"time index emptied": func(t *testing.T, fs vfs.FS) { writeLog(t, fs, Name(w.base, TimeIndexSuffix), nil) },
		"last time entry missing": func(t *testing.T, fs vfs.FS) {
			writeLog(t, fs, Name(w.base, TimeIndexSuffix), times[:len(times)-timeEntrySize])
		},
		"log missing": func(t *testing.T, fs vfs.FS) { must(t, fs.Remove(testDir+"/"+Name(w.base, LogSuffix))) },
	} {
		fs := disk.Clone()
		damage(t, fs)
		s := Open(fs, testDir, w.base, w.size, cfg, NewResidents(1))
		if _, problems := s.Audit(w.base, func(batch.Batch, int64) {}); len(problems) == 0 {
			t.Errorf("%s: nothing was found", name)
		}
		s.Close()
	}
}

// Tools see the entries of index files as they are.
func TestEntriesForTools(t *testing.T) {
	disk, w, _ := audited(t)
	content, err := vfs.ReadFile(disk, testDir+"/"+Name(w.base, IndexSuffix))
	must(t, err)
	got, err := OffsetEntries(content, w.base)
	must(t, err)
	if len(got) != len(content)/offsetEntrySize {
		t.Fatalf("got %d entries of %d bytes", len(got), len(content))
	}
	for _, e := range got {
		if p, ok := w.locate(e.Offset); !ok || p.Position != e.Position || p.Last != e.Offset {
			t.Errorf("got %+v, expected a batch there", e)
		}
	}
	if got, err := OffsetEntries(append(make([]byte, 8), 1), 5); !errors.Is(err, ErrBadIndex) ||
		!slices.Equal(got, []OffsetEntry{{Offset: 5}}) {
		t.Errorf("got %v, %v", got, err)
	}
	if content, err = vfs.ReadFile(disk, testDir+"/"+Name(w.base, TimeIndexSuffix)); err != nil {
		t.Fatal(err)
	}
	times, err := TimeEntries(content, w.base)
	must(t, err)
	ts, o := w.largest()
	if last := times[len(times)-1]; last != (TimeEntry{ts, o}) {
		t.Errorf("got %+v at the end, expected %d at %d", last, ts, o)
	}
	if got, err := TimeEntries(make([]byte, 13), 5); !errors.Is(err, ErrBadIndex) ||
		!slices.Equal(got, []TimeEntry{{0, 5}}) {
		t.Errorf("got %v, %v", got, err)
	}
}
