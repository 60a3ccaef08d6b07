package commitlog

import (
	"testing"

	"github.com/gregor-log/gregor/base"
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
