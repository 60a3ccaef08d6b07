package segment

import (
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/vfs"
)

// reads are all that can be asked of a sealed segment.
var reads = map[string]func(*Segment) error{
	"locate":           func(s *Segment) error { _, _, err := s.Locate(s.base + 9); return err },
	"locate time":      func(s *Segment) error { _, _, err := s.LocateTime(1010, s.base); return err },
	"largest":          func(s *Segment) error { _, _, err := s.LargestTimestamp(); return err },
	"record of it":     func(s *Segment) error { _, _, err := s.LocateLargest(); return err },
	"last place":       func(s *Segment) error { _, _, err := s.LastPlace(); return err },
	"first timestamp":  func(s *Segment) error { _, err := s.FirstTimestamp(); return err },
	"bytes":            func(s *Segment) error { _, err := s.ReadAt(make([]byte, 10), 0); return err },
	"format":           func(s *Segment) error { return s.CheckFormat() },
	"sync":             func(s *Segment) error { return s.Sync() },
	"sync indexes":     func(s *Segment) error { return s.SyncIndexes() },
	"time of change":   func(s *Segment) error { _, err := s.ModTime(); return err },
	"appending":        func(s *Segment) error { return s.Reopen() },
	"check of largest": func(s *Segment) error { return s.CheckLargest() },
	"headers": func(s *Segment) error {
		return s.Headers(s.base+9, func(Place, batch.Batch) error { return nil })
	},
	"span": func(s *Segment) error {
		span, err := s.Span(0, s.Size())
		if err == nil {
			span.Release()
		}
		return err
	},
	"audit": func(s *Segment) error {
		_, problems := s.Audit(0, func(batch.Batch, int64) {})
		return errors.Join(problems...)
	},
	"settling": func(s *Segment) error {
		if _, err := s.Recover(func(batch.Batch, int64) error { return nil }); err != nil {
			return err
		}
		return s.Settle()
	},
}

// sealedOne is a disk with one sealed segment, and the segment's twin.
func sealedOne(t *testing.T, batches int, cfg Config) (*vfs.Mem, *twin) {
	t.Helper()
	fs, w := newFS(t), &twin{base: 1 << 20}
	s := create(t, fs, w.base, cfg, NewResidents(1))
	r := rand.New(rand.NewPCG(5, 5))
	for range batches {
		must(t, s.Append(w.grow(t, r)))
	}
	must(t, s.Seal())
	s.Close()
	return fs, w
}

// Whatever is asked of a segment while its disk fails at any call is answered by the disk's error, never by a wrong
// answer, and all is well again afterwards.
func TestReadsUnderErrors(t *testing.T) {
	cfg := Config{IndexBytes: 1 << 20, IndexIntervalBytes: 300}
	disk, w := sealedOne(t, 40, cfg)
	r := rand.New(rand.NewPCG(7, 7))
	for _, name := range slices.Sorted(maps.Keys(reads)) {
		for k := 1; ; k++ {
			var failed vfs.Op
			fs := vfs.NewFaults(disk, func(op vfs.Op) vfs.Decision {
				if op.Seq != k {
					return vfs.Decision{}
				}
				failed = op
				return vfs.Decision{Err: vfs.ErrIO}
			})
			s := Open(fs, testDir, w.base, w.size, cfg, NewResidents(1))
			err := reads[name](s)
			if fs.Calls() < k {
				must(t, err)
				s.Close()
				break
			}
			// What an index does not tell, the log does.
			harmless := failed.Kind == vfs.OpClose || strings.HasSuffix(failed.Name, "index")
			if err == nil && !harmless || err != nil && !errors.Is(err, vfs.ErrIO) {
				t.Errorf("%s: %v of %s, call %d, failed: got %v", name, failed.Kind, failed.Name, k, err)
			}
			fs.SetHook(nil)
			if name != "settling" { // that is never tried again
				w.check(t, s, r)
			}
			s.Close()
		}
	}
}

// Missing indexes are made anew from the log; where they cannot be written, the answers are right all the same.
func TestMissingIndexesUnderErrors(t *testing.T) {
	cfg := Config{IndexBytes: 1 << 20, IndexIntervalBytes: 300}
	disk, w := sealedOne(t, 40, cfg)
	content, err := vfs.ReadFile(disk, testDir+"/"+Name(w.base, LogSuffix))
	must(t, err)
	r := rand.New(rand.NewPCG(8, 8))
	for k := 1; ; k++ {
		mem := newFS(t)
		writeLog(t, mem, Name(w.base, LogSuffix), content)
		fs := vfs.NewFaults(mem, vfs.FailAt(k, vfs.ErrIO))
		s := Open(fs, testDir, w.base, w.size, cfg, NewResidents(1))
		if _, _, err := s.Locate(w.base + 9); err != nil && !errors.Is(err, vfs.ErrIO) {
			t.Errorf("call %d failed: got %v", k, err)
		}
		done := fs.Calls() < k
		fs.SetHook(nil)
		w.check(t, s, r)
		s.Close()
		if done {
			return
		}
	}
}

// writes are the calls that change files, each with what must be done before it without errors.
var writes = map[string]struct{ before, do func(*Segment) error }{
	"sealing":          {nothing, func(s *Segment) error { return s.Seal() }},
	"flushing":         {nothing, func(s *Segment) error { return s.FlushIndexes() }},
	"cutting":          {nothing, func(s *Segment) error { return s.TruncateTo(0, s.base) }},
	"marking":          {func(s *Segment) error { return s.Seal() }, func(s *Segment) error { return s.MarkDeleted() }},
	"removing":         {func(s *Segment) error { return s.Seal() }, func(s *Segment) error { return s.Remove() }},
	"syncing":          {nothing, func(s *Segment) error { return s.Sync() }},
	"syncing indexes":  {func(s *Segment) error { return s.Seal() }, func(s *Segment) error { return s.SyncIndexes() }},
	"removing deleted": {func(s *Segment) error { return errors.Join(s.Seal(), s.MarkDeleted()) }, (*Segment).Remove},
}

func nothing(*Segment) error { return nil }

// A failed write, sync, renaming or removal is told; the next try, where one is made, brings it to its end.
func TestWritesUnderErrors(t *testing.T) {
	cfg := Config{IndexBytes: 1 << 20, IndexIntervalBytes: 100}
	for _, name := range slices.Sorted(maps.Keys(writes)) {
		for k := 1; ; k++ {
			w := &twin{base: 40}
			fs := vfs.NewFaults(newFS(t), nil)
			s := create(t, fs, w.base, cfg, NewResidents(1))
			r := rand.New(rand.NewPCG(2, 2))
			for range 10 {
				must(t, s.Append(w.grow(t, r)))
			}
			must(t, writes[name].before(s))
			before := fs.Calls()
			kind := vfs.OpList
			fs.SetHook(func(op vfs.Op) vfs.Decision {
				if op.Seq != before+k {
					return vfs.Decision{}
				}
				kind = op.Kind
				return vfs.Decision{Err: vfs.ErrNoSpace}
			})
			err := writes[name].do(s)
			if fs.Calls() < before+k {
				must(t, err)
				break
			}
			if !errors.Is(err, vfs.ErrNoSpace) && (err != nil || kind != vfs.OpClose) {
				t.Errorf("%s: %v, call %d, failed: got %v", name, kind, k, err)
			}
		}
	}
}

// A failed append leaves the segment as long as it was, with the same answers.
func TestFailedAppend(t *testing.T) {
	cfg := Config{IndexBytes: 1 << 20, IndexIntervalBytes: 100}
	for _, d := range []vfs.Decision{
		{Err: vfs.ErrIO}, {Err: vfs.ErrNoSpace, Partial: 30}, {Err: vfs.ErrIO, Apply: true},
	} {
		w := &twin{base: 40}
		fs := vfs.NewFaults(newFS(t), nil)
		s := create(t, fs, w.base, cfg, NewResidents(1))
		r := rand.New(rand.NewPCG(2, 2))
		for range 10 {
			must(t, s.Append(w.grow(t, r)))
		}
		fs.SetHook(func(op vfs.Op) vfs.Decision {
			if op.Kind == vfs.OpWrite {
				return d
			}
			return vfs.Decision{}
		})
		lost := *w
		if err := s.Append(lost.grow(t, r)); !errors.Is(err, d.Err) {
			t.Errorf("got %v, expected %v", err, d.Err)
		}
		w.check(t, s, r)
		fs.SetHook(nil)
		must(t, s.Append(w.grow(t, r)))
		w.check(t, s, r)
		must(t, s.Seal())
		if end, problems := s.Audit(w.base, func(batch.Batch, int64) {}); problems != nil || end != w.next() {
			t.Errorf("got end %d, %v, expected %d", end, problems, w.next())
		}
	}
}

// A file that cannot be made, or only be read, is no reason to fail later than at once, or at all.
func TestFilesThatCannotBeOpened(t *testing.T) {
	fs := vfs.NewFaults(newFS(t), vfs.FailAt(1, vfs.ErrNoSpace))
	if _, err := Create(fs, testDir, 0, Config{}, NewResidents(1)); !errors.Is(err, vfs.ErrNoSpace) {
		t.Errorf("got %v, expected %v", err, vfs.ErrNoSpace)
	}
	cfg := Config{IndexBytes: 1 << 20, IndexIntervalBytes: 300}
	disk, w := sealedOne(t, 20, cfg)
	readOnly := vfs.NewFaults(disk, func(op vfs.Op) vfs.Decision {
		if op.Kind == vfs.OpOpen && op.Mode != vfs.Read {
			return vfs.Decision{Err: vfs.ErrReadOnly}
		}
		return vfs.Decision{}
	})
	s := Open(readOnly, testDir, w.base, w.size, cfg, NewResidents(1))
	w.check(t, s, rand.New(rand.NewPCG(1, 1)))
	s.Close()
}

// A segment of compaction has .swap names until FinishSwap, wherever that was interrupted before.
func TestFinishSwap(t *testing.T) {
	cfg := Config{IndexBytes: 1 << 20, IndexIntervalBytes: 300}
	for k := 1; ; k++ {
		disk, w := sealedOne(t, 20, cfg)
		for _, suffix := range []string{LogSuffix, IndexSuffix, TimeIndexSuffix} {
			name := testDir + "/" + Name(w.base, suffix)
			must(t, disk.Rename(name, name+SwapSuffix))
		}
		r := rand.New(rand.NewPCG(1, 1))
		fs := vfs.NewFaults(disk, nil)
		s := OpenSwap(fs, testDir, w.base, w.size, cfg, NewResidents(1))
		w.check(t, s, r)
		before := fs.Calls()
		fs.SetHook(vfs.FailAt(before+k, vfs.ErrIO))
		err := s.FinishSwap()
		done := fs.Calls() < before+k
		fs.SetHook(nil)
		if !done {
			if !errors.Is(err, vfs.ErrIO) {
				t.Errorf("call %d failed: got %v", k, err)
			}
			err = s.FinishSwap() // what is renamed already is no longer there to be renamed
		}
		must(t, err)
		w.check(t, s, r)
		s.Close()
		w.check(t, Open(disk, testDir, w.base, w.size, cfg, NewResidents(1)), r)
		if done {
			return
		}
	}
}

// A recovered segment whose files say what recovery made of the log is sealed without a write; else its indexes stay in
// memory until Seal writes them.
func TestSettle(t *testing.T) {
	cfg := Config{IndexBytes: 1 << 20, IndexIntervalBytes: 300}
	for name, damage := range map[string]func(t *testing.T, fs vfs.FS, b base.Offset){
		"": func(*testing.T, vfs.FS, base.Offset) {},
		"index missing": func(t *testing.T, fs vfs.FS, b base.Offset) {
			must(t, fs.Remove(testDir+"/"+Name(b, IndexSuffix)))
		},
		"time index missing": func(t *testing.T, fs vfs.FS, b base.Offset) {
			must(t, fs.Remove(testDir+"/"+Name(b, TimeIndexSuffix)))
		},
		"time index emptied": func(t *testing.T, fs vfs.FS, b base.Offset) {
			writeLog(t, fs, Name(b, TimeIndexSuffix), nil)
		},
	} {
		disk, w := sealedOne(t, 30, cfg)
		damage(t, disk, w.base)
		fs := vfs.NewFaults(disk, func(op vfs.Op) vfs.Decision {
			if op.Kind.Changes() && op.Kind != vfs.OpOpen {
				t.Errorf("%s: %v %s", name, op.Kind, op.Name)
			}
			return vfs.Decision{}
		})
		s := Open(fs, testDir, w.base, w.size, cfg, NewResidents(1))
		_, err := s.Recover(func(batch.Batch, int64) error { return nil })
		must(t, err)
		must(t, s.Settle())
		if s.Sealed() != (name == "") {
			t.Errorf("%s: got sealed %t", name, s.Sealed())
		}
		must(t, s.Settle()) // once more changes nothing
		fs.SetHook(nil)
		must(t, s.Seal())
		w.check(t, s, rand.New(rand.NewPCG(1, 1)))
		if _, problems := s.Audit(w.base, func(batch.Batch, int64) {}); problems != nil {
			t.Errorf("%s: %v", name, problems)
		}
		s.Close()
	}
}

// A segment without a record can be asked all that one with records can.
func TestEmptySegment(t *testing.T) {
	s := create(t, newFS(t), 7, Config{IndexBytes: 1 << 20}, NewResidents(1))
	w := &twin{base: 7}
	r := rand.New(rand.NewPCG(1, 1))
	w.check(t, s, r)
	if s.BaseOffset() != 7 || s.IndexesFull() {
		t.Errorf("got base offset %d, full %t", s.BaseOffset(), s.IndexesFull())
	}
	must(t, s.Seal())
	w.check(t, s, r)
	if end, problems := s.Audit(base.Offset(0), func(batch.Batch, int64) {}); end != 7 || problems != nil {
		t.Errorf("got end %d, %v", end, problems)
	}
}
