package main

import (
	"os"
	"sync"
	"time"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/consistency/history"
)

// node is the broker's node id.
const node = base.NodeID(1)

// chronicle is the history of the run, as package history wants it. All instants of the demo are on its clock.
type chronicle struct {
	began time.Time
	file  *os.File

	mu struct {
		sync.Mutex
		w   *history.Writer
		ops int
		err error
	}
}

// newChronicle begins a history in a file. build says what runs.
func newChronicle(name, build string) (*chronicle, error) {
	file, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	c := &chronicle{began: time.Now(), file: file}
	c.mu.w = history.NewWriter(file, history.Header{
		Source: "real", Class: "page-cache", Nodes: []base.NodeID{node}, Build: build,
	})
	return c, nil
}

// now returns the time since the run began.
func (c *chronicle) now() time.Duration { return time.Since(c.began) }

// op writes an operation. The first error sticks until close.
func (c *chronicle) op(op *history.Op) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.err == nil {
		c.mu.err = c.mu.w.Op(op)
	}
	c.mu.ops++
}

// event writes that something happened to the broker.
func (c *chronicle) event(name string, at time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.err == nil {
		c.mu.err = c.mu.w.Event(history.Event{Time: int64(at), Node: node, Name: name})
	}
}

// close ends the history.
func (c *chronicle) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, err := range []error{c.mu.w.Flush(), c.file.Close()} {
		if c.mu.err == nil {
			c.mu.err = err
		}
	}
	return c.mu.err
}
