//go:build linux

package study_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gregor-log/gregor/bench/study"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/vfs"
)

// TestSparseLog looks up every place of a sparse log, and opens it without a read of a .log.
func TestSparseLog(t *testing.T) {
	const segments = 3
	var reads atomic.Int64
	fs := vfs.NewFaults(vfs.NewOS(), func(op vfs.Op) vfs.Decision {
		if op.Kind == vfs.OpRead && strings.HasSuffix(op.Name, ".log") {
			reads.Add(1)
		}
		return vfs.Decision{}
	})
	dir := t.TempDir()
	if err := study.MakeSparse(fs, dir+"/sparse-0", segments); err != nil {
		t.Fatal(err)
	}
	log, _, err := commitlog.Open(study.SparseOptions(fs, dir+"/sparse-0"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Abandon()
	if reads.Load() != 0 {
		t.Errorf("opening read .log files %d times", reads.Load())
	}
	if log.SegmentCount() != segments+1 || log.Size() != segments<<30 || log.End() != study.SparseOffset(segments, 0) {
		t.Errorf("got %d segments of %d bytes that end at %d", log.SegmentCount(), log.Size(), log.End())
	}
	for i := range segments {
		if err := lookAll(log, i); err != nil {
			t.Error(err)
		}
	}
	if reads.Load() == 0 {
		t.Error("lookups read nothing: the count of reads proves nothing")
	}
}

// lookAll looks up every place of a segment, by offset and by time.
func lookAll(l *commitlog.Log, segment int) error {
	var errs []error
	for place := range study.SparsePlaces {
		errs = append(errs, study.LookUp(l, segment, place), study.LookUpTime(l, segment, place))
	}
	return errors.Join(errs...)
}

// TestFlatness: each work has a slope over all samples.
func TestFlatness(t *testing.T) {
	o := small(t)
	found := run(t, "flatness", o)
	if len(found.Panels) != 2 || len(found.Panels[0].Slopes) != 4 || len(found.Panels[1].Slopes) != 1 {
		t.Fatalf("got panels %+v", found.Panels)
	}
	for _, s := range append(found.Panels[0].Slopes, found.Panels[1].Slopes...) {
		if s.Points != o.Rounds*len(o.Gigabytes) || s.Low > s.Slope || s.Slope > s.High {
			t.Errorf("got %+v", s)
		}
	}
}
