package commitlog

import (
	"bytes"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// A segment that is sealed while a job runs has indexes that the job does not sync: the recovery point stays before it,
// and another job is wanted, until one has. Else a loss of power could leave zeros for indexes that nobody makes anew.
func TestRecoveryPointWaitsForIndexes(t *testing.T) {
	fs := newFS(t)
	o := testOptions(fs)
	o.Config.SegmentBytes = 200
	l := open(t, o)
	add := func() {
		t.Helper()
		_, err := l.Append(set{size: 60}.build(t), 0, start)
		must(t, err)
	}
	add()
	first, _ := l.BeginSync()
	must(t, first.Run())
	add()
	add()
	if l.SegmentCount() < 2 {
		t.Fatalf("got %d segments, expected the first to be full", l.SegmentCount())
	}
	_, err := l.EndSync(first)
	must(t, err)
	if got, want := l.Synced(), base.Offset(0); got != want {
		t.Errorf("recovery point: got %d, expected %d while the indexes of segment 0 are not durable", got, want)
	}
	if !l.SyncWanted() {
		t.Error("no further sync is wanted")
	}
	second, _ := l.BeginSync()
	if got, want := l.Synced(), base.Offset(0); got != want {
		t.Errorf("recovery point: got %d, expected %d while the indexes are being synced", got, want)
	}
	must(t, second.Run())
	_, err = l.EndSync(second)
	must(t, err)
	if got, want := l.Synced(), l.End(); got != want || l.SyncWanted() {
		t.Errorf("recovery point: got %d, expected %d, and no further sync", got, want)
	}
}

// A segment that is sealed after the recovery point has reached its end has indexes that are not durable, and nothing
// tells so: recovery makes them anew.
func TestIndexesOfASegmentThatEndsAtTheRecoveryPoint(t *testing.T) {
	fs := newFS(t)
	o := testOptions(fs)
	o.Config.SegmentBytes, o.Config.IndexIntervalBytes = 20_000, 1
	l := open(t, o)
	add := func(i int64) {
		t.Helper()
		_, err := l.Append(set{size: 60, times: []int64{start + i}}.build(t), 0, start)
		must(t, err)
	}
	i := int64(0)
	for ; l.active().Size() < 19_900; i++ {
		add(i)
	}
	j, _ := l.BeginSync()
	must(t, j.Run())
	_, err := l.EndSync(j)
	must(t, err)
	o.RecoveryPoint = l.Synced()
	add(0)
	if l.SegmentCount() != 2 {
		t.Fatalf("got %d segments, expected 2", l.SegmentCount())
	}
	// Of the indexes the first sectors survive, a whole number of entries.
	fs.PowerLoss(func(c vfs.Change) bool { return c.IsName() || c.Kind == vfs.ChangeBytes && c.Sector < 3 })
	fs.Restart()
	l = open(t, o)
	got, ok, err := l.LargestTimestamp()
	must(t, err)
	if want := start + i - 1; !ok || got.Timestamp != want || got.Offset != base.Offset(i-1) {
		t.Errorf("largest timestamp: got %+v, %v, expected %d at offset %d", got, ok, want, i-1)
	}
}

// Indexes that were written and not synced survive the end of a process, and recovery finds them right. They must be
// durable before the recovery point passes them all the same: nobody makes them anew after a loss of power then.
func TestRecoveryPointWaitsForIndexesThatRecoveryFound(t *testing.T) {
	fs := newFS(t)
	o := testOptions(fs)
	o.Config.SegmentBytes, o.Config.IndexIntervalBytes = 200, 1
	l := open(t, o)
	for range 4 {
		_, err := l.Append(set{size: 60}.build(t), 0, start)
		must(t, err)
	}
	name := o.Dir + "/" + segment.Name(0, segment.TimeIndexSuffix)
	want, err := vfs.ReadFile(fs, name)
	if err != nil || len(want) == 0 || l.SegmentCount() < 2 {
		t.Fatalf("got a time index of %d bytes and %d segments, %v, expected more", len(want), l.SegmentCount(), err)
	}
	fs.Kill()
	l = open(t, o)
	if l.Synced() != l.End() {
		t.Fatalf("recovery point: got %d, expected %d", l.Synced(), l.End())
	}
	fs.PowerLoss(func(vfs.Change) bool { return false })
	fs.Restart()
	if got, err := vfs.ReadFile(fs, name); err != nil || !bytes.Equal(got, want) {
		t.Errorf("time index below the recovery point: got % x, %v, expected % x", got, err, want)
	}
}
