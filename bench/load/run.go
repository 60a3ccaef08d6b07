//go:build linux

package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/gregor-log/gregor/bench/limit"
)

// worker drives one connection until its meter is over.
type worker interface {
	run(c *net.TCPConn, m *meter) error
}

// drive opens a connection for each worker and runs all of them over one window.
func drive(ctx context.Context, address string, w Window, workers []worker) (Result, error) {
	conns := make([]*net.TCPConn, 0, len(workers))
	defer func() {
		for _, c := range conns {
			_ = c.Close() // everything that counts was answered
		}
	}()
	for range workers {
		c, err := limit.Dial(ctx, address)
		if err != nil {
			return Result{}, err
		}
		conns = append(conns, c)
	}
	start := time.Now()
	window := newSpan(start, w)
	meters := make([]*meter, len(workers))
	errs := make([]error, len(workers))
	var group sync.WaitGroup
	for i, work := range workers {
		meters[i] = newMeter(window)
		if err := conns[i].SetDeadline(start.Add(w.last())); err != nil {
			return Result{}, err
		}
		stop := context.AfterFunc(ctx, func() { _ = conns[i].Close() }) // ends a wait
		defer stop()
		group.Go(func() { errs[i] = work.run(conns[i], meters[i]) })
	}
	observe(ctx, window, w.During)
	group.Wait()
	err := errors.Join(errs...)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("%w: %w", ErrStalled, err)
	}
	return merge(meters, window), err
}

// observe calls a window's hook at its beginning and its end, unless ctx ends before.
func observe(ctx context.Context, s *span, during func() (end func())) {
	if during == nil || !until(ctx, s.from, nil) || !until(ctx, s.to, s.begun) {
		return
	}
	end := during()
	until(ctx, s.to, s.ended)
	end()
}

// until waits for an instant or for early, which may be nil, to be closed. It reports false if ctx ends before.
func until(ctx context.Context, at time.Time, early <-chan struct{}) bool {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-early:
	case <-timer.C:
	case <-ctx.Done():
		return false
	}
	return true
}
