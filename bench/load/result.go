//go:build linux

package load

import (
	"cmp"
	"errors"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Result is what a run measured, in its window.
type Result struct {
	// Requests, Records and Bytes count what was answered in the window; bytes are those of record batches.
	Requests, Records, Bytes int64
	// Elapsed is the length of the window, as it was.
	Elapsed time.Duration
	// All counts the requests that were answered in the whole run, the warm-up included.
	All int64
	// Checked counts the Fetch responses that were read whole and checked.
	Checked int64
	// Latency is in nanoseconds, from a request's send to its answer; see the package comment for what it cannot say.
	// Those that were sent in the window and answered after it are among them. It is nil where no latencies were taken.
	Latency *hdrhistogram.Histogram
	// LatencyRate is how many records a second the load had that the latencies are of, where it is another than the one
	// that is counted here; else 0.
	LatencyRate float64
	// Stated are the percentiles in microseconds that a client of another make says it had; nil of our own.
	Stated *Percentiles
	// StatedRate is the rate a second that such a client says it had.
	StatedRate float64
	// ClientCPU is what a client in a process of its own used, over the window if it knows of one; else 0.
	ClientCPU time.Duration
}

// Percentiles are latencies in microseconds.
type Percentiles struct {
	P50, P99, P999 float64
}

// MBPerSecond returns the rate in units of 10^6 bytes.
func (r *Result) MBPerSecond() float64 {
	return float64(r.Bytes) / 1e6 / r.Elapsed.Seconds()
}

// RequestsPerSecond returns the rate of requests.
func (r *Result) RequestsPerSecond() float64 {
	return float64(r.Requests) / r.Elapsed.Seconds()
}

// RecordsPerSecond returns the rate of records.
func (r *Result) RecordsPerSecond() float64 {
	return float64(r.Records) / r.Elapsed.Seconds()
}

// Window says when a run begins to count and when it ends.
type Window struct {
	// Warm is left out of the figures, For is what they are taken over.
	Warm, For time.Duration
	// During, if it is set, is called once between the two, and its result again at the end: to read counters of the
	// server over the same window.
	During func() (end func())
	// Patience is how long a run waits beyond its window for what is in flight, 30 s if it is 0.
	Patience time.Duration
	// MostBytes, if it is not 0, ends the window early, as soon as so many bytes were answered in it.
	MostBytes int64
	// SkipBytes, if it is not 0, lets the window begin only when so many bytes were answered, Warm apart; it ends no
	// later for that.
	SkipBytes int64
}

// last is how long a run takes at most.
func (w Window) last() time.Duration {
	const patience = 30 * time.Second
	return w.Warm + w.For + cmp.Or(w.Patience, patience)
}

// ErrStalled reports a server that left requests unanswered.
var ErrStalled = errors.New("server does not answer")

// span is the window of a run, which all its connections share.
type span struct {
	from, to time.Time
	// most, if it is not 0, ends the window as soon as so many bytes were answered in it.
	most  int64
	bytes atomic.Int64
	// ended is closed at that moment, which is early behind from; 0 is none.
	ended chan struct{}
	early atomic.Int64
	// skip, if it is not 0, is how many bytes are answered before the window begins, and skipped how many were.
	skip    int64
	skipped atomic.Int64
	// begun is closed at that moment, which is late behind from; 0 is none.
	begun chan struct{}
	late  atomic.Int64
}

func newSpan(start time.Time, w Window) *span {
	from := start.Add(w.Warm)
	s := &span{
		from: from, to: from.Add(w.For), most: w.MostBytes, skip: w.SkipBytes,
		ended: make(chan struct{}), begun: make(chan struct{}),
	}
	if s.skip <= 0 {
		close(s.begun)
	}
	return s
}

// open reports whether what was answered now is in the window, as far as bytes to skip go, and counts those.
func (s *span) open(now time.Time, n int64) bool {
	if s.skip <= 0 || s.late.Load() != 0 {
		return true
	}
	if s.skipped.Add(n) >= s.skip && s.late.CompareAndSwap(0, max(int64(now.Sub(s.from)), 1)) {
		close(s.begun)
	}
	return false
}

// end is when the window ends, or ended.
func (s *span) end() time.Time {
	if early := s.early.Load(); early != 0 {
		return s.from.Add(time.Duration(early))
	}
	return s.to
}

// elapsed is how long the window is.
func (s *span) elapsed() time.Duration {
	return max(s.end().Sub(s.from)-time.Duration(s.late.Load()), 0)
}

// add counts bytes that were answered in the window.
func (s *span) add(now time.Time, n int64) {
	if s.most <= 0 {
		return
	}
	if s.bytes.Add(n) >= s.most && s.early.CompareAndSwap(0, max(int64(now.Sub(s.from)), 1)) {
		close(s.ended)
	}
}

// meter counts for one connection.
type meter struct {
	*span
	result Result
}

const (
	shortest = 1000               // 1 microsecond
	longest  = int64(time.Minute) // in nanoseconds
	digits   = 3                  // significant ones
)

func newMeter(s *span) *meter {
	m := &meter{span: s}
	m.result.Latency = hdrhistogram.New(shortest, longest, digits)
	return m
}

// count notes an answer. What was sent in the window and answered after it is no part of the rate, but its latency
// counts: else the longest stall would be the one that nobody sees, as the window ends in it.
func (m *meter) count(sent, now time.Time, records, bytes int64) {
	m.result.All++
	end := m.end()
	if now.Before(m.from) || sent.After(end) || !m.open(now, bytes) {
		return
	}
	// What is beyond the histogram's range counts as its end.
	_ = m.result.Latency.RecordValue(min(max(int64(now.Sub(sent)), shortest), longest))
	if now.After(end) {
		return
	}
	m.result.Requests++
	m.result.Records += records
	m.result.Bytes += bytes
	m.add(now, bytes)
}

// over reports that nothing more is to be sent.
func (m *meter) over(now time.Time) bool {
	return now.After(m.end())
}

// merge adds the results of several connections up.
func merge(meters []*meter, s *span) Result {
	sum := Result{Elapsed: s.elapsed(), Latency: hdrhistogram.New(shortest, longest, digits)}
	for _, m := range meters {
		sum.Requests += m.result.Requests
		sum.Records += m.result.Records
		sum.Bytes += m.result.Bytes
		sum.All += m.result.All
		sum.Checked += m.result.Checked
		sum.Latency.Merge(m.result.Latency)
	}
	return sum
}
