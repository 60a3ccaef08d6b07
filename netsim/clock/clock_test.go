package clock_test

import (
	"math/big"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/netsim/clock"
)

// twin is a pair of clocks in exact fractions.
type twin struct {
	boot    int64
	monoPPM int64
	wall    *big.Rat // nanoseconds since the epoch at since
	since   int64
	wallPPM int64
}

func rate(ppm int64) *big.Rat { return big.NewRat(1_000_000+ppm, 1_000_000) }

func (c *twin) mono(at int64) *big.Rat {
	r := new(big.Rat).SetInt64(at - c.boot)
	return r.Mul(r, rate(c.monoPPM)).Add(r, big.NewRat(1, 1))
}

func (c *twin) wallAt(at int64) *big.Rat {
	r := new(big.Rat).SetInt64(at - c.since)
	return r.Mul(r, rate(c.wallPPM)).Add(r, c.wall)
}

func near(t *testing.T, what string, got int64, want *big.Rat, within int64) {
	t.Helper()
	diff := new(big.Rat).Sub(new(big.Rat).SetInt64(got), want)
	if diff.Abs(diff).Cmp(big.NewRat(within, 1)) > 0 {
		t.Fatalf("%s: got %d, expected about %s", what, got, want.FloatString(3))
	}
}

// A clock that is set and that drifts agrees with one that is computed in exact fractions, to the nanosecond and the
// roundings of each change.
func TestClockAgainstFractions(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		ppm := func(most int64) int64 { return rng.Int64N(2*most+1) - most }
		mono, wall, ahead := ppm(200), ppm(10_000), ppm(int64(time.Hour))
		c := clock.New(mono, wall, time.Duration(ahead))
		w := twin{monoPPM: mono, wallPPM: wall, wall: new(big.Rat).SetInt64(ahead)}
		at, changes := int64(0), int64(1)
		for range 50 {
			at += rng.Int64N(int64(time.Minute))
			switch rng.IntN(4) {
			case 0:
				by := ppm(int64(time.Hour))
				w.wall, w.since = w.wallAt(at), at
				w.wall.Add(w.wall, new(big.Rat).SetInt64(by))
				c.Set(clock.Time(at), time.Duration(by))
				changes++
			case 1:
				w.wall, w.since, w.wallPPM = w.wallAt(at), at, ppm(10_000)
				c.Drift(clock.Time(at), w.wallPPM)
				changes++
			case 2:
				w.boot = at
				c.Boot(clock.Time(at))
			}
			now := c.Now(clock.Time(at))
			near(t, "mono", int64(now.Mono), w.mono(at), 2)
			want := w.wallAt(at)
			near(t, "wall", (now.Wall-clock.Epoch)*int64(time.Millisecond), want, int64(time.Millisecond)+2*changes)
			want.Sub(want, new(big.Rat).SetInt64(at))
			near(t, "ahead", int64(c.Ahead(clock.Time(at))), want, 2*changes)
		}
	}
}

// When is the first instant at which a deadline has come, for every clock.
func TestWhenIsTheFirstInstant(t *testing.T) {
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 2))
		c := clock.New(rng.Int64N(2*clock.MostDrift+1)-clock.MostDrift, 0, 0)
		boot := clock.Time(rng.Int64N(1 << 40))
		c.Boot(boot)
		m := base.Mono(1 + rng.Int64N(1<<uint(1+rng.IntN(45))))
		at := c.When(m)
		if at < boot || c.Now(at).Mono < m {
			t.Fatalf("seed %d: at %d the clock shows %d, expected at least %d", seed, at, c.Now(at).Mono, m)
		}
		if at > boot && c.Now(at-1).Mono >= m {
			t.Fatalf("seed %d: the clock shows %d at %d already", seed, c.Now(at-1).Mono, at-1)
		}
	}
	var right clock.Clock
	for _, m := range []base.Mono{1<<63 - 1, 1<<63 - 2} {
		if got := right.When(m); got != clock.Never {
			t.Errorf("mono %d: got %d, expected never", m, got)
		}
	}
	if got := right.When(0); got != 0 {
		t.Errorf("mono 0: got %d, expected the boot", got)
	}
}

// Mono never stands still for long and never goes back, whatever happens to the wall clock.
func TestMonoNeverGoesBack(t *testing.T) {
	c := clock.New(-200, 0, 0)
	last := base.Mono(0)
	for at := clock.Time(0); at < 1_000_000; at += 997 {
		if at%2 == 0 {
			c.Set(at, -time.Hour)
		}
		now := c.Now(at).Mono
		if now <= last {
			t.Fatalf("at %d: mono %d after %d", at, now, last)
		}
		last = now
	}
}
