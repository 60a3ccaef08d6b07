package commitlog

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// compacted puts a finished segment that holds the batches of some offsets beside those that it is to replace.
func (w *tableLog) compacted(t *testing.T, fs *vfs.Mem, suffix string, offsets ...base.Offset) {
	t.Helper()
	scratch := newFS(t)
	s, err := segment.Create(scratch, "/d", offsets[0], w.options(fs, 0).Config.segment(), segment.NewResidents(1))
	must(t, err)
	for _, o := range offsets {
		name, pos := w.logOf(o)
		must(t, s.Append(read(t, fs, name)[pos:pos+w.batchSize]))
	}
	must(t, s.Seal())
	for _, kind := range []string{segment.LogSuffix, segment.IndexSuffix, segment.TimeIndexSuffix} {
		write(t, fs, file(offsets[0], kind)+suffix, read(t, scratch, "/d/"+segment.Name(offsets[0], kind)))
	}
	s.Close()
}

// compaction is a state in which a compaction was interrupted, and whether it counts.
type compaction struct {
	name    string
	prepare func(t *testing.T, fs *vfs.Mem)
	done    bool
}

// compactions are such states, of one that keeps some offsets of those before offset 12.
func compactions(w *tableLog, kept []base.Offset) []compaction {
	remove := func(t *testing.T, fs *vfs.Mem, at base.Offset) {
		for _, kind := range []string{segment.LogSuffix, segment.IndexSuffix, segment.TimeIndexSuffix} {
			must(t, fs.Remove(file(at, kind)))
		}
	}
	return []compaction{
		{"all there", func(t *testing.T, fs *vfs.Mem) { w.compacted(t, fs, segment.SwapSuffix, kept...) }, true},
		{"one replaced", func(t *testing.T, fs *vfs.Mem) {
			w.compacted(t, fs, segment.SwapSuffix, kept...)
			remove(t, fs, 0)
		}, true},
		{"all replaced", func(t *testing.T, fs *vfs.Mem) {
			w.compacted(t, fs, segment.SwapSuffix, kept...)
			remove(t, fs, 0)
			remove(t, fs, 4)
			remove(t, fs, 8)
		}, true},
		{"its index lost", func(t *testing.T, fs *vfs.Mem) {
			w.compacted(t, fs, segment.SwapSuffix, kept...)
			must(t, fs.Remove(file(0, segment.IndexSuffix)+segment.SwapSuffix))
		}, true},
		{"two segments", func(t *testing.T, fs *vfs.Mem) {
			w.compacted(t, fs, segment.SwapSuffix, kept[3:]...)
			w.compacted(t, fs, segment.SwapSuffix, kept[:3]...)
			remove(t, fs, 0)
			remove(t, fs, 4)
			remove(t, fs, 8)
		}, true},
		{"not finished", func(t *testing.T, fs *vfs.Mem) { w.compacted(t, fs, segment.CleanedSuffix, kept...) }, false},
		{"one of two finished", func(t *testing.T, fs *vfs.Mem) {
			w.compacted(t, fs, segment.SwapSuffix, kept[3:]...)
			w.compacted(t, fs, segment.CleanedSuffix, kept[:3]...)
		}, false},
		{"indexes alone", func(t *testing.T, fs *vfs.Mem) {
			w.compacted(t, fs, segment.SwapSuffix, kept...)
			must(t, fs.Remove(file(0, segment.LogSuffix)+segment.SwapSuffix))
		}, false},
	}
}

// A compaction that was interrupted while its segments took the place of others is brought to its end, however far it
// was, also when that is interrupted in turn; one that was not so far has never been.
func TestCompactionInterrupted(t *testing.T) {
	w := newTableLog(t)
	kept := []base.Offset{0, 3, 5, 10}
	var before, after []base.Offset
	for o := range base.Offset(tableEnd) {
		before = append(before, o)
	}
	after = append(append(after, kept...), before[12:]...)
	for _, c := range compactions(w, kept) {
		t.Run(c.name, func(t *testing.T) {
			disk := w.disk.Clone()
			c.prepare(t, disk)
			disk.SyncAll()
			want := before
			if c.done {
				want = after
			}
			for k := 1; w.openCutAt(t, disk.Clone(), k, want); k++ {
			}
		})
	}
}

// openCutAt cuts the opening of a log at one call of the disk, by loss of power, and opens it again. It reports whether
// there were so many calls.
func (w *tableLog) openCutAt(t *testing.T, disk *vfs.Mem, k int, want []base.Offset) bool {
	t.Helper()
	var at vfs.Op
	fs := vfs.NewFaults(disk, cutAt(k, &at))
	o := w.options(fs, tablePoint)
	o.Config.Compact = true
	if l, _, err := Open(o); err == nil {
		l.Abandon()
		if fs.Calls() < k {
			return false
		}
	}
	if onlyLooks(at) {
		return true
	}
	for i, choice := range []vfs.Choice{vfs.KeepAll, vfs.LoseAll, vfs.LoseFirst(1)} {
		o.FS = disk.CrashClone(choice)
		l, _, err := Open(o)
		if err != nil {
			t.Fatalf("cut at call %d, choice %d: %v", k, i, err)
		}
		if got := readFrom(t, l, 0); !slices.Equal(got, want) {
			t.Fatalf("cut at call %d, choice %d: got offsets %v, expected %v", k, i, got, want)
		}
		must(t, l.Close())
		checkNames(t, o.FS)
	}
	return true
}

// cutAt is vfs.CutAt that also tells the call.
func cutAt(k int, at *vfs.Op) vfs.Hook {
	cut := vfs.CutAt(k, 0)
	return func(op vfs.Op) vfs.Decision {
		if op.Seq == k {
			*at = op
		}
		return cut(op)
	}
}

// onlyLooks says that a call leaves the disk as it is, so that a cut there is one at the next call that does not.
func onlyLooks(op vfs.Op) bool {
	return !op.Kind.Changes() || op.Kind == vfs.OpOpen && op.Mode <= vfs.ReadWrite
}

// checkNames wants no file of a compaction to be left, and the others to agree.
func checkNames(t *testing.T, fs vfs.FS) {
	t.Helper()
	for name := range tree(t, fs, logDir) {
		for _, suffix := range []string{segment.SwapSuffix, segment.CleanedSuffix, segment.DeletedSuffix} {
			if strings.HasSuffix(name, suffix) {
				t.Errorf("%s was left", name)
			}
		}
	}
	audit(t, fs)
}

// A finished segment of a compaction whose end cannot be told keeps the log from opening, and nothing is touched.
func TestDamagedCompaction(t *testing.T) {
	w := newTableLog(t)
	fs := w.disk.Clone()
	w.compacted(t, fs, segment.SwapSuffix, 0, 3, 5)
	must(t, fs.Corrupt(file(0, segment.LogSuffix)+segment.SwapSuffix, w.batchSize+16, []byte{0x40}))
	must(t, fs.Remove(file(0, segment.IndexSuffix)+segment.SwapSuffix))
	before := tree(t, fs, "/")
	o := w.options(fs, tablePoint)
	o.Config.Compact = true
	if _, _, err := Open(o); !errors.Is(err, ErrCorruptLog) {
		t.Errorf("got %v, expected %v", err, ErrCorruptLog)
	}
	same(t, before, tree(t, fs, "/"))
}
