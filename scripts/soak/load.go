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

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/gregor-log/gregor/consistency/checker"
	"github.com/gregor-log/gregor/consistency/history"
	"github.com/gregor-log/gregor/scripts/internal/node"
)

// sample is what the broker took at an instant, and how far the clients were.
type sample struct {
	at       time.Duration
	usage    node.Usage
	logBytes int64
	acked    int64
	// seen and again are the sightings of all groups, and those of records that a group had seen before.
	seen, again int64
	members     int
}

// load runs the clients while the broker is ended again and again, and then reads everything back.
func (s *soak) load(ctx context.Context) error {
	loading, stop := context.WithTimeout(ctx, s.length)
	defer stop()
	producers, readers, err := s.makeClients()
	if err != nil {
		return err
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
	reading, leave := context.WithCancel(ctx)
	defer leave()
	s.crowd.start(reading)
	start("samples", func(ctx context.Context) error { return s.sample(ctx, producers) })
	// The ends go on in this goroutine, so that the last start is done before the load is over.
	err = s.endAgainAndAgain(loading)
	group.Wait()
	if err := errors.Join(err, context.Cause(ctx)); err != nil {
		return err
	}
	if err := s.settleGroups(ctx, leave); err != nil {
		return err
	}
	return s.settle(ctx, producers, readers)
}

// makeClients makes the producers, of which two are for the topics of groups, and the readers.
func (s *soak) makeClients() (producers []*producer, readers []*reader, err error) {
	const forGroups = 2
	for i := range s.producers + forGroups {
		topics, rate := s.topics[:2], float64(s.rate)/float64(s.producers)
		if i >= s.producers {
			topics, rate = s.topics[2:], float64(s.groupRate)/forGroups
		}
		p, err := s.newProducer(i, rate, topics...)
		if err != nil {
			return nil, nil, err
		}
		producers = append(producers, p)
	}
	for _, t := range s.topics {
		for range s.readers {
			r, err := s.newReader(t, len(producers)+len(readers), false)
			if err != nil {
				return nil, nil, err
			}
			readers = append(readers, r)
		}
	}
	return producers, readers, nil
}

// settleGroups lets every group come to rest, holds what it saw against the logs, and has all members leave.
func (s *soak) settleGroups(ctx context.Context, leave context.CancelFunc) error {
	client, err := s.client()
	if err != nil {
		return err
	}
	defer client.Close()
	admin, began := kadm.NewClient(client), s.clock.Now()
	s.say("load over; the groups settle")
	if err := s.crowd.settle(ctx, admin); err != nil {
		return err
	}
	s.settled = s.clock.Now() - began
	leave()
	s.crowd.done.Wait()
	if err := s.crowd.compare(ctx, admin); err != nil {
		return err
	}
	s.crowd.report()
	sum := s.crowd.add()
	s.say("%d groups settled within %.1f s: %d records seen, %d again (%s), %d deleted before", len(s.crowd.plans),
		s.settled.Seconds(), sum.Sightings, sum.Again, sum.Why(), sum.Passed)
	s.say("%d commits, %d refused, %d not answered, %d generations; members: %s; told: %s", sum.Commits, sum.Refused,
		sum.Unanswered, sum.Generations, told(s.crowd.mu.fates), told(s.crowd.mu.troubles))
	return nil
}

// endAgainAndAgain kills the broker every endEvery and starts it again, until ctx ends. After every third kill it is
// also stopped cleanly, half way to the next.
func (s *soak) endAgainAndAgain(ctx context.Context) error {
	tick := time.NewTicker(s.endEvery / 2)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if kill := n%2 == 0; kill || n%6 == 1 && n > 1 {
			if err := s.end(kill); err != nil {
				return err
			}
		}
	}
}

// end ends the broker and starts it again.
func (s *soak) end(kill bool) error {
	e := end{killed: kill}
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
	sum := s.crowd.add()
	s.say("%s, ready again after %.0f ms; %d members there, %d records seen, %d again, %d commits", name,
		(e.ready-e.at).Seconds()*1000, s.crowd.there(), sum.Sightings, sum.Again, sum.Commits)
	return nil
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
func (s *soak) sample(ctx context.Context, producers []*producer) error {
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
		sum := s.crowd.add()
		one.seen, one.again, one.members = sum.Sightings, sum.Again, s.crowd.there()
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

// sizeOf adds up the files below a directory. What is gone when it is looked at has no size.
func sizeOf(dir string) int64 {
	sum := int64(0)
	entries, _ := os.ReadDir(dir) // without those that it could not read
	for _, entry := range entries {
		if entry.IsDir() {
			sum += sizeOf(filepath.Join(dir, entry.Name()))
		} else if info, err := entry.Info(); err == nil {
			sum += info.Size()
		}
	}
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
		if err := s.readAll(ctx, t, len(producers)+len(readers)+i); err != nil {
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
