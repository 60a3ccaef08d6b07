package fuzz

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// How a mutated directory is opened, by bits of the first byte.
const (
	closedCleanly = 1 << iota
	pointKnown    // the recovery point is the one that was synced
	lossAccepted
)

// FuzzDirectory damages a few files of a good log and opens it. Either that is refused with a reason, and corruption
// leaves the files alone; or the log reads from its start to its end, batch by batch with right CRCs, begins with all
// batches before the first damaged one, takes appends, and is the same when it is opened again, after a kill and after
// a clean stop. What lies below a recovery point is not read while opening: damage there shows when it is read, or when
// a loss was accepted and the point is a lower one.
func FuzzDirectory(f *testing.F) {
	g, err := madeLog()
	must(f, err)
	for kind := range byte(9) {
		for _, file := range []byte{0, 3, 7, 12} {
			f.Add([]byte{kind % 8, kind, file, file + 3, 0, 70 + file*20, 1, 4, file})
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		defer watch()()
		if len(data) == 0 {
			return
		}
		bits, fs := data[0], g.killed.Clone()
		if bits&closedCleanly != 0 {
			fs = g.closed.Clone()
		}
		newMutator(t, fs).apply(data[1:])
		o := logOptions(fs)
		o.Clean, o.Trusted, o.AcceptLoss = bits&closedCleanly != 0, bits&closedCleanly != 0, bits&lossAccepted != 0
		switch {
		case o.Clean:
			o.RecoveryPoint = 2 * batches
		case bits&pointKnown != 0:
			o.RecoveryPoint = 2 * (batches/2 + 1)
		}
		before := tree(t, fs, logDir)
		l, _, err := commitlog.Open(o)
		if err != nil {
			if names := changed(before, tree(t, fs, logDir)); errors.Is(err, commitlog.ErrCorruptLog) && names != "" {
				t.Fatalf("%v, and the files were changed: %s", err, names)
			}
			return
		}
		all, err := readLog(t, l, l.Start())
		if err != nil {
			if o.RecoveryPoint == 0 {
				t.Fatalf("a log that was recovered whole does not read: %v", err)
			}
			l.Abandon()
			return
		}
		g.checkKept(t, before, clones(all))
		again(t, o, l, all)
	})
}

// changed names the files that two trees do not share, but for indexes, which are made anew where they are no use.
func changed(before, after map[string]string) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if now, ok := after[name]; !ok || now != before[name] {
			names = append(names, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if _, ok := before[name]; !ok {
			names = append(names, name)
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		name = strings.TrimSuffix(name, ".tmp") // which it is while it is being made
		return strings.HasSuffix(name, segment.IndexSuffix) || strings.HasSuffix(name, segment.TimeIndexSuffix)
	})
	return strings.Join(names, " ")
}

// checkKept holds the batches of an opened log against the good one's: those before the first that is not in its place
// any more are all there. A finished compaction may replace any of them.
func (g *goodLog) checkKept(t *testing.T, files map[string]string, all []batch.Batch) {
	t.Helper()
	for name := range files {
		if strings.HasSuffix(name, segment.SwapSuffix) {
			return
		}
	}
	for i, s := range g.batches {
		content := files[s.file]
		if i > 0 && s.position == 0 {
			before := g.batches[i-1]
			if len(files[before.file]) != before.position+len(before.raw) {
				return // the file before has something behind its last batch
			}
		}
		if len(content) < s.position+len(s.raw) || content[s.position:][:len(s.raw)] != string(s.raw) {
			return
		}
		if i >= len(all) || !bytes.Equal(all[i], s.raw) {
			t.Fatalf("batch %d of %d is whole and in place, but not among the log's %d", i, len(g.batches), len(all))
		}
	}
}

// again appends to an opened log and opens it once more, after a kill and after a clean stop.
func again(t *testing.T, o commitlog.Options, l *commitlog.Log, all []batch.Batch) {
	t.Helper()
	start, end := l.Start(), l.End()
	l.Abandon()
	whole := o.RecoveryPoint == 0
	// Whoever accepts a loss says so in the checkpoint.
	lower := o.AcceptLoss && !o.Clean && end < o.RecoveryPoint
	o.AcceptLoss, o.RecoveryPoint = false, min(o.RecoveryPoint, end)
	if lower && refused(t, o, all) {
		return
	}
	if !o.Clean {
		l = reopen(t, o, start, end, all)
		_, err := l.Append(sample(batch.None, 0, 2), 100, epoch)
		must(t, errors.Join(err, l.Close()))
		end += 2
		if whole {
			audit(t, o)
		}
		all, o.Clean, o.Trusted, o.RecoveryPoint = nil, true, true, end
	}
	reopen(t, o, start, end, all).Abandon()
}

// refused reports whether a log of which a part was given up is now refused: its recovery point is a lower one, so that
// earlier snapshots and segments are read, and what is damaged there shows. The files are left alone then, and to give
// up what follows the damage opens it.
func refused(t *testing.T, o commitlog.Options, all []batch.Batch) bool {
	t.Helper()
	o.FS = o.FS.(*vfs.Mem).Clone()
	before := tree(t, o.FS, logDir)
	l, _, err := commitlog.Open(o)
	if err == nil {
		l.Abandon()
		return false
	}
	if names := changed(before, tree(t, o.FS, logDir)); !errors.Is(err, commitlog.ErrCorruptLog) || names != "" {
		t.Fatalf("a lower recovery point: %v, and the files were changed: %q", err, names)
	}
	o.RecoveryPoint, o.AcceptLoss = 0, true
	l, _, err = commitlog.Open(o)
	must(t, err)
	defer l.Abandon()
	kept, err := readLog(t, l, l.Start())
	must(t, err)
	for i, b := range kept {
		if i >= len(all) || !bytes.Equal(b, all[i]) {
			t.Fatalf("of what was given up, batch %d came back", i)
		}
	}
	return true
}

// audit checks all files of a log that was recovered whole and closed. Producer snapshots other than the last are left
// as they were found, and a leader epoch checkpoint has no CRC: one with another number in it is believed.
func audit(t *testing.T, o commitlog.Options) {
	t.Helper()
	a, err := commitlog.AuditDir(o.FS, logDir, nil)
	must(t, err)
	for _, problem := range a.Problems {
		text := problem.Error()
		if !strings.Contains(text, segment.SnapshotSuffix) && !strings.Contains(text, "the checkpoint says") {
			t.Fatalf("after a clean stop: %v", problem)
		}
	}
}

// reopen opens a log that was opened before and must hold the same, unless all is nil. A log that was recovered whole
// has nothing more to cut; else damage below the recovery point may show now that the point is a lower one.
func reopen(t *testing.T, o commitlog.Options, start, end base.Offset, all []batch.Batch) *commitlog.Log {
	t.Helper()
	l, report, err := commitlog.Open(o)
	must(t, err)
	if l.Start() != start || l.End() != end || report.Cut != nil && o.RecoveryPoint == 0 {
		t.Fatalf("opened again: got %d to %d, cut: %v, expected %d to %d", l.Start(), l.End(), report.Cut, start, end)
	}
	found, err := readLog(t, l, start)
	must(t, err)
	for i := range all {
		if len(found) != len(all) || !bytes.Equal(found[i], all[i]) {
			t.Fatalf("opened again: got %d batches, expected %d, or batch %d changed", len(found), len(all), i)
		}
	}
	return l
}
