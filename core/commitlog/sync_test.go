package commitlog

import (
	"errors"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/vfs"
)

// flush.messages holds back what is committable until a sync, from the first append that asks for it on.
func TestFlushMessages(t *testing.T) {
	o := testOptions(newFS(t))
	o.Config.FlushMessages, o.Config.FlushMs = 3, 500
	l := open(t, o)
	appendAt := func(wall int64, wants bool) {
		t.Helper()
		got, err := l.Append(set{}.build(t), 0, wall)
		must(t, err)
		if got.NeedsSync != wants || l.SyncWanted() != wants {
			t.Errorf("offset %d: got %t and %t, expected a wish for a sync: %t", got.Base, got.NeedsSync,
				l.SyncWanted(), wants)
		}
	}
	committable := func(want base.Offset) {
		t.Helper()
		if got := l.Committable(); got != want {
			t.Errorf("committable: got %d, expected %d", got, want)
		}
	}
	if _, ok := l.FlushDue(); ok || !l.Dirty() {
		t.Errorf("a new log: got due %t, dirty %t, expected its names to be unsynced", ok, l.Dirty())
	}
	appendAt(1000, false)
	appendAt(1100, false)
	committable(2)
	if due, ok := l.FlushDue(); !ok || due != 1500 {
		t.Errorf("got %d, %t, expected 1500: the oldest unsynced record counts", due, ok)
	}
	appendAt(1200, true)
	appendAt(1250, true)
	committable(2)
	j, ok := l.BeginSync()
	if !ok || j.Log() != l {
		t.Fatal("no sync began")
	}
	if _, ok := l.BeginSync(); ok {
		t.Error("a second sync began beside the first")
	}
	if _, ok := l.FlushDue(); ok {
		t.Error("flush.ms counts what is being synced")
	}
	appendAt(1300, true) // shares the next sync
	must(t, j.Run())
	point, err := l.EndSync(j)
	if err != nil || point != 4 {
		t.Errorf("got recovery point %d, %v, expected 4", point, err)
	}
	committable(4)
	if due, ok := l.FlushDue(); !ok || due != 1800 || !l.Dirty() {
		t.Errorf("got %d, %t, dirty %t, expected 1800", due, ok, l.Dirty())
	}
	if got := syncLog(t, l); got != 5 || l.Dirty() || l.SyncWanted() {
		t.Errorf("got recovery point %d, dirty %t, wanted %t", got, l.Dirty(), l.SyncWanted())
	}
	committable(5)
	appendAt(1400, false)
	for _, ms := range []int64{-1, never} {
		o.Config.FlushMs = ms
		l.SetConfig(o.Config)
		if _, ok := l.FlushDue(); ok {
			t.Errorf("flush.ms %d: a flush is due", ms)
		}
	}
}

// A sync that fails at any call takes the log offline for good: what it covers counts as lost, whatever a second try
// would say.
func TestFailedSyncs(t *testing.T) {
	for k := 1; ; k++ {
		disk := newFS(t)
		fs := vfs.NewFaults(disk, nil)
		o := testOptions(fs)
		o.Config.SegmentBytes, o.Config.FlushMessages = int32(2*len(numbered(t, 0, 1))), 1
		l := open(t, o)
		add(t, l, 5)
		before, hit := fs.Calls(), vfs.OpList
		fs.SetHook(func(op vfs.Op) vfs.Decision {
			if op.Seq != before+k {
				return vfs.Decision{}
			}
			hit = op.Kind
			return vfs.Decision{Err: vfs.ErrIO}
		})
		j, _ := l.BeginSync()
		err := j.Run()
		if fs.Calls() < before+k {
			if k < 8 {
				t.Errorf("got %d calls", k)
			}
			return
		}
		if err == nil {
			t.Fatalf("%v, call %d, failed and nobody noticed", hit, k)
		}
		if _, err := l.EndSync(j); !errors.Is(err, ErrOffline) || !errors.Is(err, vfs.ErrIO) {
			t.Errorf("call %d: got %v", k, err)
		}
		if l.Synced() != 0 || l.Committable() != 0 {
			t.Errorf("call %d: got recovery point %d, committable %d, expected 0", k, l.Synced(), l.Committable())
		}
		if _, ok := l.BeginSync(); ok || !errors.Is(addOne(t, l), ErrOffline) {
			t.Errorf("call %d: the log goes on", k)
		}
		l.Abandon()
	}
}

// A stop that fails at any call is no clean one, and a restart finds all that was appended.
func TestFailedCloses(t *testing.T) {
	for k := 1; ; k++ {
		disk := newFS(t)
		fs := vfs.NewFaults(disk, nil)
		o := testOptions(fs)
		l := open(t, o)
		_, err := l.Append(set{pid: 4, times: []int64{start, start}}.build(t), 3, start)
		must(t, err)
		before := fs.Calls()
		fs.SetHook(vfs.FailAt(before+k, vfs.ErrNoSpace))
		err = l.Close()
		if fs.Calls() < before+k {
			must(t, err)
			if k < 15 {
				t.Errorf("got %d calls", k)
			}
			return
		}
		if err != nil && !errors.Is(err, ErrOffline) {
			t.Errorf("call %d: got %v", k, err)
		}
		disk.Kill()
		o.FS = disk
		l = open(t, o)
		if l.End() != 2 || l.EpochAt(1) != 3 || len(l.Producers()) != 1 {
			t.Errorf("call %d: got end %d, epoch %d, producers %v", k, l.End(), l.EpochAt(1), l.Producers())
		}
		l.Abandon()
	}
}

// A log that cannot be made says why, and what is left of it is taken up or known to be worth nothing.
func TestFailedCreation(t *testing.T) {
	for _, s := range sabotage {
		for k := 1; ; k++ {
			disk := newFS(t)
			fs := vfs.NewFaults(disk, func(op vfs.Op) vfs.Decision {
				if op.Seq != k || op.Kind == vfs.OpList && s.how.Apply {
					return vfs.Decision{}
				}
				d := s.how
				d.Err = s.cause
				return d
			})
			l, _, err := Open(testOptions(fs))
			if fs.Calls() < k {
				if k < 8 {
					t.Errorf("got %d calls", k)
				}
				break
			}
			if k == 1 && s.how.Apply {
				continue // that the directory is missing is all that List has to say
			}
			if err == nil || !errors.Is(err, s.cause) || l != nil {
				t.Errorf("%s: call %d: got %v, expected %v", s.name, k, err, s.cause)
			}
			// What is there without a whole partition.metadata is nobody's; with it, it is a log.
			l, _, err = Open(testOptions(disk))
			if errors.Is(err, ErrNoMetadata) {
				continue
			}
			must(t, err)
			add(t, l, 1)
			must(t, l.Close())
		}
	}
}
