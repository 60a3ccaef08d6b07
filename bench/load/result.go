//go:build linux

package load

import (
	"cmp"
	"errors"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Result is what a run measured, in its window.
type Result struct {
	// Requests, Records and Bytes count what was answered in the window; bytes are those of record batches.
	Requests, Records, Bytes int64
	// Elapsed is the length of the window.
	Elapsed time.Duration
	// All counts the requests that were answered in the whole run, the warm-up included.
	All int64
	// Checked counts the Fetch responses that were read whole and checked.
	Checked int64
	// Latency is in nanoseconds, from a request's send to its answer; see the package comment for what it cannot say.
	Latency *hdrhistogram.Histogram
}

// MBPerSecond returns the rate in units of 10^6 bytes.
func (r *Result) MBPerSecond() float64 {
	return float64(r.Bytes) / 1e6 / r.Elapsed.Seconds()
}

// RequestsPerSecond returns the rate of requests.
func (r *Result) RequestsPerSecond() float64 {
	return float64(r.Requests) / r.Elapsed.Seconds()
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
}

// last is how long a run takes at most.
func (w Window) last() time.Duration {
	const patience = 30 * time.Second
	return w.Warm + w.For + cmp.Or(w.Patience, patience)
}

// ErrStalled reports a server that left requests unanswered.
var ErrStalled = errors.New("server does not answer")

// meter counts for one connection.
type meter struct {
	from, to time.Time
	result   Result
}

const (
	shortest = 1000               // 1 microsecond
	longest  = int64(time.Minute) // in nanoseconds
	digits   = 3                  // significant ones
)

func newMeter(start time.Time, w Window) *meter {
	m := &meter{from: start.Add(w.Warm), to: start.Add(w.Warm + w.For)}
	m.result.Elapsed = w.For
	m.result.Latency = hdrhistogram.New(shortest, longest, digits)
	return m
}

// count notes an answer.
func (m *meter) count(sent, now time.Time, records, bytes int64) {
	m.result.All++
	if now.Before(m.from) || now.After(m.to) {
		return
	}
	m.result.Requests++
	m.result.Records += records
	m.result.Bytes += bytes
	// What is beyond the histogram's range counts as its end.
	_ = m.result.Latency.RecordValue(min(max(int64(now.Sub(sent)), shortest), longest))
}

// over reports that nothing more is to be sent.
func (m *meter) over(now time.Time) bool {
	return now.After(m.to)
}

// merge adds the results of several connections up.
func merge(meters []*meter, w Window) Result {
	sum := Result{Elapsed: w.For, Latency: hdrhistogram.New(shortest, longest, digits)}
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
