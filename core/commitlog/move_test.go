package commitlog

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gregor-log/gregor/core/vfs"
)

// Where moves bring the log of logDir to.
const (
	otherDir  = "/e/t-0"
	futureDir = "/e/t-0.1-future"
)

// movable makes a log of several segments on a disk with a second log directory.
func movable(t testing.TB) (*vfs.Mem, *vfs.Faults, *Log) {
	t.Helper()
	fs := newFS(t)
	must(t, vfs.MkdirSync(fs, path.Dir(otherDir)))
	faults := vfs.NewFaults(fs, nil)
	o := testOptions(faults)
	o.Config.SegmentBytes = 500
	l := open(t, o)
	add(t, l, 20)
	return fs, faults, l
}

// moveAway moves a log to otherDir and gives its old directory another name.
func moveAway(t testing.TB, fs vfs.FS, l *Log) {
	t.Helper()
	m, err := l.BeginMove(futureDir)
	must(t, err)
	must(t, fs.SyncDir(path.Dir(futureDir)))
	left, err := m.Finish(otherDir, func() {}, func() error {
		return errors.Join(fs.Rename(logDir, logDir+".1-delete"), fs.SyncDir(path.Dir(logDir)))
	})
	must(t, errors.Join(left, err))
}

// TestSyncBesideMove ends a move before each call that a sync makes. The sync has not failed then, and what it calls
// durable survives.
func TestSyncBesideMove(t *testing.T) {
	calls := 1
	for at := 0; at < calls; at++ {
		fs, faults, l := movable(t)
		j, ok := l.BeginSync()
		if !ok {
			t.Fatal("no sync can begin")
		}
		n := 0
		faults.SetHook(func(op vfs.Op) vfs.Decision {
			if n++; n-1 == at {
				faults.SetHook(nil)
				moveAway(t, faults, l)
			}
			return vfs.Decision{}
		})
		if err := j.Run(); err != nil {
			t.Errorf("move before call %d of the sync: %v", at, err)
		}
		faults.SetHook(nil)
		calls = max(calls, n+1)
		if n <= at {
			break // the sync was over
		}
		point, err := l.EndSync(j)
		must(t, err)
		if point != 20 {
			t.Errorf("move before call %d of the sync: got recovery point %d, expected 20", at, point)
		}
		l.Abandon()
		fs.PowerLoss(vfs.LoseAll)
		fs.Restart()
		o := testOptions(fs)
		o.Dir = otherDir
		again := open(t, o)
		dense(t, readFrom(t, again, 0), 0, 20)
		must(t, again.Close())
	}
	if calls < 15 {
		t.Errorf("got %d calls, expected those of every segment, index and name", calls)
	}
}

// TestMovesBesideSyncs moves a log to and fro while one goroutine appends, one reads and one syncs.
func TestMovesBesideSyncs(t *testing.T) {
	_, faults, l := movable(t)
	var over atomic.Bool
	var all sync.WaitGroup
	all.Go(func() {
		for range 200 {
			if _, err := l.Append(numbered(t, l.End(), 1), 0, start); err != nil {
				t.Errorf("append: %v", err)
				return
			}
		}
	})
	all.Go(func() {
		for !over.Load() && !t.Failed() {
			r, err := l.Read(l.Start(), 1000, l.End(), true)
			if err != nil {
				t.Errorf("read: %v", err)
				continue
			}
			r.Span.Release()
		}
	})
	all.Go(func() {
		for !over.Load() && !t.Failed() {
			j, ok := l.BeginSync()
			if !ok {
				t.Error("no sync can begin")
				continue
			}
			err := j.Run()
			if _, ended := l.EndSync(j); err != nil || ended != nil {
				t.Errorf("sync: %v, %v", err, ended)
			}
		}
	})
	for i := range 10 {
		from := l.Dir()
		to := logDir
		if from == logDir {
			to = otherDir
		}
		m, err := l.BeginMove(to + "-future")
		if err != nil {
			t.Error(err)
			break
		}
		left, err := m.Finish(to, func() {}, func() error {
			return faults.Rename(from, fmt.Sprintf("%s.%d-delete", from, i))
		})
		if left != nil || err != nil {
			t.Errorf("move %d: %v, %v", i, left, err)
			break
		}
	}
	over.Store(true)
	all.Wait()
	dense(t, readFrom(t, l, 0), 0, 220)
	must(t, l.Close())
}

// TestSyncOfLostNames takes files away under a sync without a move: that is a failure.
func TestSyncOfLostNames(t *testing.T) {
	fs, _, l := movable(t)
	j, ok := l.BeginSync()
	if !ok {
		t.Fatal("no sync can begin")
	}
	must(t, fs.Rename(logDir, logDir+".1-delete"))
	if err := j.Run(); !errors.Is(err, vfs.ErrNotExist) {
		t.Errorf("got %v, expected %v", err, vfs.ErrNotExist)
	}
	if _, err := l.EndSync(j); !errors.Is(err, ErrOffline) {
		t.Errorf("got %v, expected %v", err, ErrOffline)
	}
	l.Abandon()
}

// TestMoveIsNotSyncedTwice fails one sync of a copy: the copy is of no use from then on, and the log goes on.
func TestMoveIsNotSyncedTwice(t *testing.T) {
	_, faults, l := movable(t)
	m, err := l.BeginMove(futureDir)
	must(t, err)
	faults.SetHook(vfs.FailNth(func(op vfs.Op) bool {
		return op.Kind == vfs.OpSync && strings.HasPrefix(op.Name, futureDir)
	}, 1, vfs.ErrIO))
	for range 2 {
		if _, err := m.Copy(1 << 20); !errors.Is(err, vfs.ErrIO) {
			t.Errorf("copy: got %v, expected %v", err, vfs.ErrIO)
		}
	}
	entered := false
	_, err = m.Finish(otherDir, func() { entered = true }, func() error { return nil })
	if !errors.Is(err, vfs.ErrIO) || entered || l.Dir() != logDir {
		t.Errorf("got %v, entered %v, %s", err, entered, l.Dir())
	}
	must(t, m.Drop())
	add(t, l, 1)
	must(t, l.Close())
}

// TestMoveOfAnEndedLog begins a move of a log whose name may be another's by now: it touches nothing.
func TestMoveOfAnEndedLog(t *testing.T) {
	fs, _, l := movable(t)
	l.Abandon()
	write(t, fs, path.Join(logDir, MovedFile), nil)
	before := tree(t, fs, "/")
	if _, err := l.BeginMove(futureDir); !errors.Is(err, ErrOffline) {
		t.Errorf("got %v, expected %v", err, ErrOffline)
	}
	same(t, before, tree(t, fs, "/"))
}

// TestMovesOneAfterTheOther fails what a move leaves to be done: the log keeps its mark and does not move until that
// is done, and is not asked again after that.
func TestMovesOneAfterTheOther(t *testing.T) {
	fs, _, l := movable(t)
	m, err := l.BeginMove(futureDir)
	must(t, err)
	retired := 0
	left, err := m.Finish(otherDir, func() {}, func() error {
		if retired++; retired < 3 {
			return vfs.ErrIO
		}
		return nil
	})
	must(t, err)
	if !errors.Is(left, ErrMoveLeft) || !errors.Is(left, vfs.ErrIO) {
		t.Errorf("got %v, expected %v of %v", left, ErrMoveLeft, vfs.ErrIO)
	}
	add(t, l, 1)
	if _, err := l.BeginMove(futureDir); !errors.Is(err, ErrMoveLeft) {
		t.Errorf("got %v, expected %v", err, ErrMoveLeft)
	}
	if marked, err := WasMoved(fs, otherDir); !marked || err != nil {
		t.Errorf("got mark %v, %v", marked, err)
	}
	for range 2 {
		again, err := l.BeginMove(futureDir)
		must(t, err)
		must(t, again.Drop())
	}
	if marked, err := WasMoved(fs, otherDir); marked || err != nil || retired != 3 {
		t.Errorf("got mark %v, %v, asked %d times", marked, err, retired)
	}
	dense(t, readFrom(t, l, 0), 0, 21)
	must(t, l.Close())
}
