//go:build unix && !aix

package vfs

import (
	"runtime"
	"sync/atomic"
	"time"
)

// Stalls notices system calls that wait for the disk, of one kind and on one file or connection, and lets other
// goroutines' network be polled before those that follow. While one of the runtime's threads is in a call and all
// others are idle, none of them may be waiting for the network: what arrives is then found by the runtime's monitor
// alone, 10 ms later or more, as a P is not taken from a call while another one is idle. To yield wakes an idle thread,
// which finds nothing to run and goes to wait for the network. That costs some microseconds, so calls that the page
// cache answers, which are nearly all, do not yield. The zero value is ready, and used by any number of goroutines.
type Stalls struct {
	left atomic.Int32 // calls that yield
}

const (
	// stalled is how long a call takes that waited for a disk rather than for memory.
	stalled = time.Millisecond
	// stalledCalls is how many calls yield after one that stalled: more than lie between two readaheads.
	stalledCalls = 256
)

// Before is called before a system call that may wait for the disk. It returns what After wants.
func (s *Stalls) Before() time.Time {
	if s.left.Load() > 0 {
		s.left.Add(-1)
		letOthersPoll()
	}
	return time.Now()
}

// After is called when the system call has returned.
func (s *Stalls) After(begin time.Time) {
	if time.Since(begin) >= stalled {
		s.left.Store(stalledCalls)
	}
}

// letOthersPoll gives the network to another thread of the runtime, as Stalls says.
func letOthersPoll() { runtime.Gosched() }
