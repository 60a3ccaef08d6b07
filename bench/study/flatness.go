//go:build linux

package study

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/vfs"
)

// flatLog is a sparse log of one size, open.
type flatLog struct {
	gigabytes int
	// segment is the one that lookups in one segment go to, another one in each sample.
	segment int
	dir     string
	log     *commitlog.Log
	batch   batch.Batch
}

// flatWorks are what is done with each log. Opening is a call of its own, as it takes far longer and less often.
var flatWorks = []struct {
	name string
	call func(*flatLog) error
}{
	{"append", (*flatLog).append},
	{"lookup by offset in one segment", func(l *flatLog) error {
		return LookUp(l.log, l.segment, rand.IntN(SparsePlaces))
	}},
	{"lookup by offset anywhere", func(l *flatLog) error {
		return LookUp(l.log, rand.IntN(l.gigabytes), rand.IntN(SparsePlaces))
	}},
	{"lookup by time anywhere", func(l *flatLog) error {
		return LookUpTime(l.log, rand.IntN(l.gigabytes), rand.IntN(SparsePlaces))
	}},
	{"open after a clean stop", nil},
}

// studyFlatness takes the time of calls to logs that differ in nothing but their size.
func studyFlatness(ctx context.Context, s *session) (err error) {
	p := s.panel(result.Panel{
		Title: "Time of a call by the size of the log", Unit: "us", X: "GB",
		Note: "Sealed segments of 1 GiB, sparse: what is looked up is there, and nothing else.",
	})
	opening := s.panel(result.Panel{
		Title: "Time to open a log after a clean stop, by its size", Unit: "us", X: "GB",
		Note: "Each segment's name and sizes are looked at; no .log is read.",
	})
	s.note("A lookup by time asks the segments in their order for their largest timestamps, until one may have it.")
	s.note("Lookups anywhere go to a random place of the log: a larger log has more places, and the processor's and " +
		"the kernel's caches hold a smaller part of them. Those in one segment find as much cached in each log.")
	s.note("An append is of 4 KB to the active segment, in durability class page-cache.")
	s.total = len(s.Gigabytes) * (1 + s.Rounds*len(flatWorks))
	var logs []*flatLog
	defer func() {
		for _, l := range logs {
			l.log.Abandon()
			err = errors.Join(err, os.RemoveAll(l.dir))
		}
	}()
	for _, gigabytes := range s.Gigabytes {
		l, err := newFlatLog(s.Dir, gigabytes)
		if l != nil {
			logs = append(logs, l)
		}
		if err != nil {
			return fmt.Errorf("sparse log of %d GB: %w", gigabytes, err)
		}
		if err := s.step(ctx); err != nil {
			return err
		}
	}
	for round := range s.Rounds {
		for _, w := range flatWorks {
			for turn := range logs {
				l := logs[(round+turn)%len(logs)]
				took, err := l.take(s.Each, w.call)
				if err != nil {
					return fmt.Errorf("%s, log of %d GB: %w", w.name, l.gigabytes, err)
				}
				drawn := p
				if w.call == nil {
					drawn = opening
				}
				point := drawn.At(fmt.Sprintf("%d GB", l.gigabytes), w.name)
				point.X = float64(l.gigabytes)
				point.Samples = append(point.Samples, took)
				if err := s.step(ctx); err != nil {
					return err
				}
			}
		}
	}
	return errors.Join(p.FitSlopes(), opening.FitSlopes())
}

// newFlatLog makes a log and opens it.
func newFlatLog(parent string, gigabytes int) (*flatLog, error) {
	l := &flatLog{gigabytes: gigabytes, dir: filepath.Join(parent, fmt.Sprintf("flat-%d", gigabytes))}
	if err := MakeSparse(vfs.NewOS(), l.dir, gigabytes); err != nil {
		return nil, errors.Join(err, os.RemoveAll(l.dir))
	}
	const appended, record = 4 << 10, 1000
	var err error
	if l.batch, err = sizedBatch(appended, record); err == nil {
		err = l.reopen()
	}
	for i := 0; i < gigabytes && err == nil; i++ { // reads the indexes
		err = errors.Join(LookUp(l.log, i, 0), LookUpTime(l.log, i, 0))
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(l.dir))
	}
	return l, nil
}

// reopen opens the log, as after a clean stop.
func (l *flatLog) reopen() error {
	log, _, err := commitlog.Open(SparseOptions(vfs.NewOS(), l.dir))
	if err == nil {
		l.log = log
	}
	return err
}

func (l *flatLog) append() error {
	_, err := l.log.Append(l.batch, 0, 0)
	return err
}

// take makes calls until the time is up, the first ones unmeasured as they fill caches, and returns the microseconds a
// call. Without a call the log is closed, and it is the opening that is measured, once.
func (l *flatLog) take(d time.Duration, call func(*flatLog) error) (float64, error) {
	if call == nil {
		if err := l.log.Close(); err != nil {
			return 0, err
		}
		start := time.Now()
		err := l.reopen()
		took := time.Since(start)
		for i := 0; i < l.gigabytes && err == nil; i++ {
			err = LookUpTime(l.log, i, 0)
		}
		return took.Seconds() * 1e6, err
	}
	const together, unmeasured = 32, 256
	l.segment = rand.IntN(l.gigabytes)
	for range unmeasured {
		if err := call(l); err != nil {
			return 0, err
		}
	}
	n, start := 0, time.Now()
	for {
		for range together {
			if err := call(l); err != nil {
				return 0, err
			}
		}
		n += together
		if took := time.Since(start); took >= d {
			return took.Seconds() * 1e6 / float64(n), nil
		}
	}
}
