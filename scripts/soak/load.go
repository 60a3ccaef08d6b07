package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/gregor-log/gregor/consistency/checker"
	"github.com/gregor-log/gregor/consistency/history"
	"github.com/gregor-log/gregor/scripts/internal/node"
)

// sample is what the broker took at an instant, and how far the clients were.
type sample struct {
	at          time.Duration
	usage       node.Usage
	logBytes    int64
	acked, read int64
}

// load runs the clients while the broker is ended again and again, and then reads everything back.
func (s *soak) load(ctx context.Context) error {
	loading, stop := context.WithTimeout(ctx, s.length)
	defer stop()
	var producers []*producer
	var readers []*reader
	for i := range s.producers {
		p, err := s.newProducer(i)
		if err != nil {
			return err
		}
		producers = append(producers, p)
	}
	for i, t := range s.topics {
		for j := range s.readers {
			r, err := s.newReader(t, s.producers+i*s.readers+j, false)
			if err != nil {
				return err
			}
			readers = append(readers, r)
		}
	}
	var group sync.WaitGroup
	start := func(what string, work func(context.Context) error) {
		group.Go(func() {
			if err := work(loading); err != nil {
				s.cancel(fmt.Errorf("%s: %w", what, err))
			}
		})
	}
	for _, p := range producers {
		start("producer", p.run)
	}
	for _, r := range readers {
		start("reader", r.run)
	}
	start("administration", func(ctx context.Context) error { return s.churn(ctx, 500*time.Millisecond) })
	start("samples", func(ctx context.Context) error { return s.sample(ctx, producers, readers) })
	// The ends go on in this goroutine, so that the last start is done before the load is over.
	err := s.endAgainAndAgain(loading)
	group.Wait()
	if err := errors.Join(err, context.Cause(ctx)); err != nil {
		return err
	}
	return s.settle(ctx, producers, readers)
}

// endAgainAndAgain ends the broker and starts it again, until ctx ends.
func (s *soak) endAgainAndAgain(ctx context.Context) error {
	tick := time.NewTicker(s.endEvery)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		e := end{killed: n%3 != 2}
		s.between(true)
		e.at = s.clock.Now()
		stop, name := s.broker.Stop, "stop"
		if e.killed {
			stop, name = s.broker.Kill, history.EventKill
		}
		if err := stop(); err != nil {
			return err
		}
		s.event(name, e.at)
		var err error
		if e.started, err = s.broker.Start(); err != nil {
			return err
		}
		e.ready = s.clock.Now()
		s.event(history.EventRestart, e.ready)
		s.between(false)
		s.mu.Lock()
		s.mu.ends = append(s.mu.ends, e)
		s.mu.Unlock()
		s.say("%s, ready again after %.0f ms", name, (e.ready-e.at).Seconds()*1000)
	}
}

func (s *soak) event(name string, at time.Duration) {
	for _, t := range s.topics {
		t.book.Event(history.Event{Time: int64(at), Node: nodeID, Name: name})
	}
}

// between says whether the broker is between two processes.
func (s *soak) between(is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.starting = is
}

// sample notes what the broker takes, until ctx ends.
func (s *soak) sample(ctx context.Context, producers []*producer, readers []*reader) error {
	tick := time.NewTicker(max(s.length/600, 100*time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		one := sample{at: s.clock.Now(), logBytes: sizeOf(s.broker.Data)}
		for _, p := range producers {
			one.acked += p.acked.Load()
		}
		for _, r := range readers {
			one.read += r.read.Load()
		}
		s.mu.Lock()
		if !s.mu.starting {
			usage, err := node.UsageOf(s.broker.PID())
			if err == nil { // else it has ended by itself, which others notice
				one.usage = usage
				s.mu.samples = append(s.mu.samples, one)
			}
		}
		s.mu.Unlock()
	}
}

// sizeOf adds up the files of a directory; some may go while it is looked at.
func sizeOf(dir string) int64 {
	sum := int64(0)
	_ = filepath.WalkDir(dir, func(_ string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil //nolint:nilerr // it is gone
		}
		if info, err := entry.Info(); err == nil {
			sum += info.Size()
		}
		return nil
	})
	return sum
}

// settle reads everything back and closes the histories.
func (s *soak) settle(ctx context.Context, producers []*producer, readers []*reader) error {
	acked, lost, read := int64(0), int64(0), int64(0)
	for _, p := range producers {
		acked, lost = acked+p.acked.Load(), lost+p.lost.Load()
	}
	for _, r := range readers {
		read += r.read.Load()
	}
	s.say("load over: %d records acknowledged, %d of unknown fate, %d read; reading all again", acked, lost, read)
	if lost > 0 {
		s.fail("%d records were not acknowledged within %v", lost, patience)
	}
	for i, t := range s.topics {
		if err := s.readAll(ctx, t, s.producers+len(s.topics)*s.readers+i); err != nil {
			return err
		}
		if err := t.book.Close(); err != nil {
			return err
		}
	}
	return nil
}

// judge checks the directory and the histories.
func (s *soak) judge(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, s.bin, "log", "verify", "--deep", s.broker.Data).CombinedOutput()
	s.logVerify = string(out)
	if err != nil {
		s.fail("log verify: %v: %s", err, out)
	}
	for _, t := range s.topics {
		file, err := os.Open(t.file)
		if err != nil {
			return err
		}
		report, err := checker.Verify(file, checker.Options{})
		if err := errors.Join(err, file.Close()); err != nil {
			return fmt.Errorf("verify %s: %w", t.file, err)
		}
		s.reports = append(s.reports, report)
		s.say("%s: %s, %d operations, %d records acknowledged, %d read", t.name, report.Verdict,
			report.Counts.Operations, report.Counts.AckedRecords, report.Counts.ReadRecords)
		if report.Verdict != checker.OK {
			s.fail("history of %s: %s", t.name, report.Text())
		}
	}
	return nil
}
