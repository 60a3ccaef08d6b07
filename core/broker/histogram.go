package broker

import (
	"sync/atomic"
	"time"
)

// Histogram counts values by size. Observe neither allocates nor locks, so that it may stand in the hot path; a reader
// may see a value's count before its sum.
type Histogram struct {
	bounds *[histogramBounds]int64
	counts [histogramBounds + 1]atomic.Uint64
	sum    atomic.Int64
}

// histogramBounds is how many bounds a histogram has.
const histogramBounds = 18

// Durations are the bounds of a histogram of times in nanoseconds: 50 µs to 30 s.
var Durations = [histogramBounds]int64{
	int64(50 * time.Microsecond), int64(100 * time.Microsecond), int64(250 * time.Microsecond),
	int64(500 * time.Microsecond), int64(time.Millisecond), int64(2500 * time.Microsecond),
	int64(5 * time.Millisecond), int64(10 * time.Millisecond), int64(25 * time.Millisecond),
	int64(50 * time.Millisecond), int64(100 * time.Millisecond), int64(250 * time.Millisecond),
	int64(500 * time.Millisecond), int64(time.Second), int64(2500 * time.Millisecond), int64(5 * time.Second),
	int64(10 * time.Second), int64(30 * time.Second),
}

// Numbers are the bounds of a histogram of how many there were of something: 1 to 131,072, each twice the one before.
var Numbers = [histogramBounds]int64{
	1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072,
}

// Init gives the histogram its bounds, Durations or Numbers, before its first use.
func (h *Histogram) Init(bounds *[histogramBounds]int64) {
	h.bounds = bounds
}

// Observe counts a value.
func (h *Histogram) Observe(value int64) {
	i := 0
	for i < histogramBounds && value > h.bounds[i] {
		i++
	}
	h.counts[i].Add(1)
	h.sum.Add(value)
}

// Distribution is what a histogram has counted.
type Distribution struct {
	// Bounds are the upper bounds, inclusive, and AtMost how many values were at most as large, bound by bound.
	Bounds []int64
	// AtMost belongs to Bounds.
	AtMost []uint64
	// Count is the number of all values, and Sum their sum.
	Count uint64
	// Sum belongs to Count.
	Sum int64
}

// Add adds what another histogram of the same bounds has counted.
func (d *Distribution) Add(other Distribution) {
	if d.Bounds == nil {
		*d = other
		return
	}
	for i, n := range other.AtMost {
		d.AtMost[i] += n
	}
	d.Count += other.Count
	d.Sum += other.Sum
}

// Read returns what was counted so far.
func (h *Histogram) Read() Distribution {
	d := Distribution{Bounds: h.bounds[:], AtMost: make([]uint64, histogramBounds), Sum: h.sum.Load()}
	for i := range h.counts {
		d.Count += h.counts[i].Load()
		if i < histogramBounds {
			d.AtMost[i] = d.Count
		}
	}
	return d
}
