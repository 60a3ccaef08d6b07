package commitlog

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// doomed opens a log of ten records in five segments, of which two lie before its start, with a leader epoch that is
// not in its checkpoint.
func doomed(t *testing.T, fs vfs.FS) *Log {
	t.Helper()
	o := testOptions(fs)
	o.Config.SegmentBytes = int32(2 * len(numbered(t, 0, 1)))
	o.Config.FileDeleteDelayMs = 60_000
	o.Residents = segment.NewResidents(1)
	l := open(t, o)
	add(t, l, 10)
	_, err := l.DeleteRecords(4, l.End())
	must(t, err)
	l.StartCheckpoint()
	l.AssignEpoch(7)
	return l
}

// A log is not closed under a call that changes its directory: what the call does next would be done in the directory
// of whoever has the name by then.
func TestAbandonWaitsForChanges(t *testing.T) {
	tests := map[string]struct {
		at   func(vfs.Op) bool
		call func(*Log) error
	}{
		"append": {
			func(op vfs.Op) bool { return op.Kind == vfs.OpWrite && strings.HasSuffix(op.Name, segment.LogSuffix) },
			func(l *Log) error { return addOne(t, l) },
		},
		"roll": {
			func(op vfs.Op) bool { return strings.HasSuffix(op.Name, segment.SnapshotSuffix) },
			func(l *Log) error { return errors.Join(addOne(t, l), addOne(t, l)) },
		},
		"trim": {
			func(op vfs.Op) bool { return op.Kind == vfs.OpRename },
			func(l *Log) error { _, err := l.Trim(start); return err },
		},
		"purge": {
			func(op vfs.Op) bool { return op.Kind == vfs.OpRemove },
			func(l *Log) error { _, err := l.Trim(start - 60_000); return errors.Join(err, l.Purge(start)) },
		},
		"checkpoint": {
			func(op vfs.Op) bool { return op.Kind == vfs.OpWrite && strings.Contains(op.Name, EpochsFile) },
			(*Log).Checkpoint,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			faults := vfs.NewFaults(newFS(t), nil)
			l := doomed(t, faults)
			ended := make(chan struct{})
			met, early := false, false
			faults.SetHook(func(op vfs.Op) vfs.Decision {
				if met || !test.at(op) {
					return vfs.Decision{}
				}
				met = true
				go func() {
					defer close(ended)
					l.Abandon()
				}()
				for range 1000 {
					early = early || l.unusable() != nil
					runtime.Gosched()
				}
				return vfs.Decision{}
			})
			if err := test.call(l); err != nil && !errors.Is(err, errClosed) {
				t.Error(err)
			}
			if !met {
				t.Fatal("the call came to nothing")
			}
			<-ended
			if early {
				t.Error("the log was closed under the call")
			}
			if err := addOne(t, l); !errors.Is(err, ErrOffline) {
				t.Errorf("append to a closed log: got %v, expected ErrOffline", err)
			}
		})
	}
}

// A log that was deleted neither changes nor reads what another one keeps under its name since.
func TestDeletedLogLeavesSuccessorAlone(t *testing.T) {
	fs := newFS(t)
	old := doomed(t, fs)
	job, ok := old.BeginSync()
	if !ok {
		t.Fatal("no sync can begin")
	}
	late := view{segments: old.segments(), end: old.End(), endPosition: old.active().Size()}
	old.Abandon()
	must(t, fs.Rename(logDir, logDir+"-delete"))
	o := testOptions(fs)
	o.TopicID = base.UUID{7}
	l := open(t, o)
	add(t, l, 20)
	before := tree(t, fs, "/d")

	must(t, old.Checkpoint())
	if n, err := old.Trim(start); n != 0 || err != nil {
		t.Errorf("trim: got %d segments, %v", n, err)
	}
	if n, err := old.Expire(10, start); n != 0 || err != nil {
		t.Errorf("expire: got %d segments, %v", n, err)
	}
	must(t, old.Purge(never))
	if r, err := old.Read(4, 1000, 10, true); !errors.Is(err, ErrOffline) || r.Span.Length != 0 {
		t.Errorf("read: got %d bytes, %v, expected ErrOffline", r.Span.Length, err)
	}
	if _, _, err := old.OffsetForTime(0, 10); !errors.Is(err, ErrOffline) {
		t.Errorf("offset for a timestamp: got %v, expected ErrOffline", err)
	}
	if _, _, err := old.LargestTimestamp(); !errors.Is(err, ErrOffline) {
		t.Errorf("largest timestamp: got %v, expected ErrOffline", err)
	}
	// A read that had begun.
	for i, s := range late.segments {
		if r, ok, err := late.read(i, s.BaseOffset(), 1000, 10, true); !isNotExist(err) || r.Span.Length != 0 {
			t.Errorf("late read of segment %d: got %d bytes, %t, %v", i, r.Span.Length, ok, err)
		}
	}
	if err := old.readFailed(late.segments[4], vfs.ErrNotExist); !errors.Is(err, errClosed) || old.Failure() != nil {
		t.Errorf("late read: got %v and failure %v", err, old.Failure())
	}
	if err := job.Run(); err != nil && !isNotExist(err) {
		t.Errorf("late sync: %v", err)
	}
	same(t, before, tree(t, fs, "/d"))
	dense(t, readFrom(t, l, 0), 0, 20)
	must(t, l.Close())
}

// Deleted segments of a log that is deleted itself wait for nothing: their directory is removed whole.
func TestAbandonEndsPurge(t *testing.T) {
	open := 0
	l := doomed(t, &counted{FS: newFS(t), open: &open})
	held, err := l.Read(4, 1000, l.End(), true)
	must(t, err)
	_, err = l.DeleteRecords(6, l.End())
	must(t, err)
	l.StartCheckpoint()
	if n, err := l.Trim(start); n != 3 || err != nil {
		t.Fatalf("trim: got %d segments, %v", n, err)
	}
	if at, ok := l.PurgeDue(); !ok || at != start+60_000 {
		t.Fatalf("purge due: got %d, %t", at, ok)
	}
	l.Abandon()
	if at, ok := l.PurgeDue(); ok {
		t.Errorf("purge due in %d ms of a closed log", at-start)
	}
	held.Span.Release()
	if open != 0 {
		t.Errorf("got %d open files after the log was closed", open)
	}
}
