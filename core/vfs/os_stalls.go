//go:build unix

package vfs

import (
	"sync/atomic"
	"time"
)

// Stalls notices system calls that wait for the disk, of one kind and on one file or connection, and has the network
// polled during those that follow. While one of the runtime's threads is in a call and all others are idle, none of
// them may be waiting for the network: what arrives is then found by the runtime's monitor, which sleeps for up to 10
// ms and takes a P from a call, while another is idle, after 10 ms. A goroutine that is made ready wakes an idle
// thread, which ends up waiting for the network. That costs some microseconds, so it is done only after a call that
// took long. The first such call is not helped, nor are others when each P is in one. The zero value is ready, and used
// by any number of goroutines.
type Stalls struct {
	left atomic.Int32 // calls that have the network polled
}

const (
	// stalled is how long a call takes that is believed to have waited for the disk. Large ones that memory answers, or
	// any that waited for a processor, may take as long, and wake a thread for nothing.
	stalled = time.Millisecond
	// stalledCalls is how many calls have the network polled after one that stalled: more than lie between two that do
	// where a log is read in order (some 40 reads of 8,000 in row catch-up, on a disk that its host throttles).
	stalledCalls = 256
)

// Before is called before a system call that may wait for the disk. It returns what After wants.
func (s *Stalls) Before() time.Time {
	if s.left.Load() > 0 {
		s.left.Add(-1)
		pollMeanwhile()
	}
	return time.Now()
}

// After is called when the system call has returned.
func (s *Stalls) After(begin time.Time) {
	if time.Since(begin) >= stalled {
		s.left.Store(stalledCalls)
	}
}

// pollMeanwhile has a thread of the runtime wait for the network while the caller is in a system call. Tests count it.
var pollMeanwhile = wakeThread

// waking says that a goroutine of wakeThread has not run yet.
var waking atomic.Bool

// wakeThread makes a goroutine ready, which wakes an idle thread to run it. Unlike a yield it keeps the caller's place,
// who may hold locks. There is one at a time: where none can run, they would pile up.
func wakeThread() {
	if waking.CompareAndSwap(false, true) {
		go func() { waking.Store(false) }()
	}
}
