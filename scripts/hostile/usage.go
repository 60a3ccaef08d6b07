//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gregor-log/gregor/scripts/internal/node"
)

// usage is what the broker took of the machine before, at most, and after.
type usage struct {
	before, peak, after node.Usage
}

// The broker may keep some files for topics that mutated requests created, and a goroutine or two for each client.
const (
	moreFiles      = 40
	mostGoroutines = 100
)

// errTooMuch reports a broker that took or kept more than it may.
var errTooMuch = errors.New("the broker takes too much")

func (u *usage) begin(pid int) (err error) {
	u.before, err = node.UsageOf(pid)
	return err
}

// watch notes the largest use, until ctx ends.
func (u *usage) watch(ctx context.Context, pid int) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now, err := node.UsageOf(pid)
		if err != nil {
			return fmt.Errorf("the broker is gone: %w", err)
		}
		u.peak.Resident = max(u.peak.Resident, now.Resident)
		u.peak.Files = max(u.peak.Files, now.Files)
	}
}

// settle waits until the files of closed connections are given back, ten seconds at most.
func (u *usage) settle(ctx context.Context, pid int) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range 200 {
		var err error
		if u.after, err = node.UsageOf(pid); err != nil {
			return fmt.Errorf("the broker is gone: %w", err)
		}
		if u.after.Files <= u.before.Files+moreFiles {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
	return nil
}

// goroutines ends the broker with SIGQUIT, upon which it writes what all goroutines do, and counts them.
func (r *round) goroutines() (int, error) {
	said, err := os.ReadFile(r.node.Log)
	if err != nil {
		return 0, err
	}
	before := len(said)
	if err := r.node.Quit(); err != nil {
		return 0, err
	}
	if said, err = os.ReadFile(r.node.Log); err != nil {
		return 0, err
	}
	return bytes.Count(said[before:], []byte("\ngoroutine ")), nil
}

// judge holds what the broker took against the bounds.
func (r *round) judge(goroutines int) error {
	u := &r.usage
	switch {
	case u.peak.Resident > r.maxRSS:
		return fmt.Errorf("%w: got %d bytes of memory, expected at most %d", errTooMuch, u.peak.Resident, r.maxRSS)
	case u.after.Files > u.before.Files+moreFiles:
		return fmt.Errorf("%w: got %d open files after %d before", errTooMuch, u.after.Files, u.before.Files)
	case goroutines == 0 || goroutines > mostGoroutines:
		return fmt.Errorf("%w: got %d goroutines, expected 1 to %d", errTooMuch, goroutines, mostGoroutines)
	}
	return nil
}

// restart starts the broker that SIGQUIT killed once more, and has a new consumer read everything again: what was
// stored while the frames came is whole, the records that the hostile frames brought included.
func (r *round) restart(ctx context.Context) error {
	if _, err := r.node.Start(); err != nil {
		return err
	}
	again, err := newGood(r.node.Address)
	if err != nil {
		return err
	}
	defer again.close()
	again.acked.Store(r.good.acked.Load())
	if err := again.catchUp(ctx); err != nil {
		return fmt.Errorf("after a kill: %w", err)
	}
	fmt.Printf("after SIGQUIT and a restart: %d records read again, 0 differences\n", again.read.Load())
	return r.node.Stop()
}

// tail returns the end of a file.
func tail(name string) []byte {
	content, err := os.ReadFile(name)
	if err != nil {
		return []byte(err.Error())
	}
	return content[max(0, len(content)-4000):]
}
