// Package clock is time in a simulated world: one line of instants that all nodes share and none of them sees, and for
// each node a pair of clocks that show it wrongly, as clocks do.
//
// # World and nodes
//
//	world   Time, nanoseconds since the world began; events are ordered by it
//	mono    nanoseconds since the node's process started, +1; too fast or too slow by a few parts in a million, but it
//	        never jumps and never goes back
//	wall    Unix milliseconds; too fast or too slow by up to a percent, and set forwards or backwards at any time
//
// Both are computed from the world's time with whole numbers, and each of the node's deadlines, which are points on its
// mono, can be turned back into the first instant of the world at which the node sees that it has come (Clock.When).
//
// # Chance
//
// The durations that a simulated world draws are here too: Exponential and its like take whole numbers from a source
// and give whole numbers, because what a floating-point unit rounds may differ between machines, and one seed must be
// one run on all of them.
package clock

import (
	"math/bits"
	"time"

	"github.com/gregor-log/gregor/base"
)

// Time is an instant of the world, in nanoseconds since it began.
type Time int64

// Never is later than every instant of a world.
const Never Time = 1<<63 - 1

// Epoch is the Unix time in milliseconds that wall clocks without error show when the world begins: 2026-01-01.
const Epoch int64 = 1_767_225_600_000

// Add returns the instant d later.
func (t Time) Add(d time.Duration) Time {
	return t + Time(d)
}

// Sub returns the duration from other to t.
func (t Time) Sub(other Time) time.Duration {
	return time.Duration(t - other)
}

// million is what drifts are counted in: parts of a million.
const million = 1_000_000

// MostDrift is the largest drift in parts per million, either way, that a Clock takes: 5%.
const MostDrift = 50_000

// Clock is the clocks of one node. The zero value is a node that booted with the world and whose clocks are right.
type Clock struct {
	// boot is when the node's process started; monoPPM how much faster than the world its mono runs.
	boot    Time
	monoPPM int64
	// Since the instant since, when it showed wall nanoseconds, the wall clock runs wallPPM faster than the world.
	since   Time
	wall    int64
	wallPPM int64
}

// New returns the clocks of a node that starts with the world. The drifts are in parts per million, at most MostDrift
// either way; ahead is how far the wall clock is ahead.
func New(monoPPM, wallPPM int64, ahead time.Duration) Clock {
	base.Assert(within(monoPPM) && within(wallPPM), "clock drift of %d and %d ppm", monoPPM, wallPPM)
	return Clock{monoPPM: monoPPM, wallPPM: wallPPM, wall: int64(ahead)}
}

func within(ppm int64) bool {
	return ppm >= -MostDrift && ppm <= MostDrift
}

// stretched returns d as a clock counts it that runs ppm too fast.
func stretched(d, ppm int64) int64 {
	return d + scaled(d, ppm)
}

// scaled returns d*ppm/million, rounded towards zero, without overflow on the way.
func scaled(d, ppm int64) int64 {
	return d/million*ppm + d%million*ppm/million
}

// Now returns what the node's clocks show at an instant, which is not before its boot.
func (c *Clock) Now(at Time) base.Instant {
	wall := c.wallAt(at)
	return base.Instant{Mono: c.mono(at), Wall: Epoch + floorDiv(wall, int64(time.Millisecond))}
}

func (c *Clock) mono(at Time) base.Mono {
	return base.Mono(1 + stretched(int64(at-c.boot), c.monoPPM))
}

// wallAt is what the wall clock shows in nanoseconds since Epoch.
func (c *Clock) wallAt(at Time) int64 {
	return c.wall + stretched(int64(at-c.since), c.wallPPM)
}

func floorDiv(n, d int64) int64 {
	q := n / d
	if n%d < 0 {
		q--
	}
	return q
}

// When returns the first instant at which the node's mono has reached m: Never if that is beyond the world's time.
func (c *Clock) When(m base.Mono) Time {
	if m <= 1 {
		return c.boot
	}
	d := int64(m) - 1
	if d >= int64(Never-c.boot)-scaled(int64(Never-c.boot), MostDrift+1) {
		return Never
	}
	hi, lo := bits.Mul64(uint64(d), million)
	guess, _ := bits.Div64(hi, lo, uint64(million+c.monoPPM))
	at := c.boot + Time(guess)
	for c.mono(at) >= m && at > c.boot {
		at--
	}
	for c.mono(at) < m {
		at++
	}
	return at
}

// Boot restarts the node's mono: its process starts at an instant.
func (c *Clock) Boot(at Time) {
	c.boot = at
}

// Set moves the wall clock by a duration, forwards or backwards, at an instant.
func (c *Clock) Set(at Time, by time.Duration) {
	c.wall, c.since = c.wallAt(at)+int64(by), at
}

// Drift changes how much too fast the wall clock runs from an instant on, in parts per million.
func (c *Clock) Drift(at Time, ppm int64) {
	base.Assert(within(ppm), "clock drift of %d ppm", ppm)
	c.wall, c.since, c.wallPPM = c.wallAt(at), at, ppm
}

// Ahead returns how far the wall clock is ahead of the world at an instant.
func (c *Clock) Ahead(at Time) time.Duration {
	return time.Duration(c.wallAt(at) - int64(at))
}
