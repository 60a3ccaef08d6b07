// Package chronicle keeps the history of a run on real machines, as package history wants it: many goroutines write to
// it, on one monotonic clock.
package chronicle

import (
	"os"
	"sync"
	"time"

	"github.com/gregor-log/gregor/consistency/history"
)

// Clock counts from the beginning of a run. All instants of the run's histories are on it.
type Clock struct{ began time.Time }

// NewClock returns a clock that begins now.
func NewClock() Clock { return Clock{time.Now()} }

// Now returns the time since the run began.
func (c Clock) Now() time.Duration { return time.Since(c.began) }

// Chronicle writes one history.
type Chronicle struct {
	Clock
	file *os.File

	mu struct {
		sync.Mutex
		w   *history.Writer
		err error
	}
}

// New begins a history in a file.
func New(clock Clock, name string, header history.Header) (*Chronicle, error) {
	file, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	c := &Chronicle{Clock: clock, file: file}
	c.mu.w = history.NewWriter(file, header)
	return c, nil
}

// Op writes an operation, which may be reused afterwards. The first error sticks until Close.
func (c *Chronicle) Op(op *history.Op) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.err == nil {
		c.mu.err = c.mu.w.Op(op)
	}
}

// Event writes that something happened; its time is on this clock.
func (c *Chronicle) Event(e history.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.err == nil {
		c.mu.err = c.mu.w.Event(e)
	}
}

// Close ends the history.
func (c *Chronicle) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, err := range []error{c.mu.w.Flush(), c.file.Close()} {
		if c.mu.err == nil {
			c.mu.err = err
		}
	}
	return c.mu.err
}
