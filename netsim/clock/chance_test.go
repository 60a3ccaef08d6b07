package clock_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/gregor-log/gregor/core/env"
	"github.com/gregor-log/gregor/netsim/clock"
)

// fixed is a source of one number.
type fixed uint64

func (f fixed) Uint64() uint64 { return uint64(f) }

// The whole-number exponential agrees with the one of floating point to a part in ten thousand.
func TestExponentialAgainstFloat(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	const mean = 7 * time.Second
	for i := range 100_000 {
		u := rng.Uint64() >> rng.IntN(60)
		if i < 64 {
			u = 1<<i - 1
		}
		want := -math.Log((float64(u)+1)/(1<<64)) * float64(mean)
		got := float64(clock.Exponential(fixed(u), mean))
		if math.Abs(got-want) > 2+1e-4*float64(mean) {
			t.Fatalf("u %d: got %f, expected %f", u, got, want)
		}
	}
	for _, u := range []uint64{0, 1<<64 - 1} {
		if got := clock.Exponential(fixed(u), mean); got < 0 || got > 45*mean {
			t.Errorf("u %d: got %v", u, got)
		}
	}
	if got := clock.Exponential(fixed(5), 0); got != 0 {
		t.Errorf("mean 0: got %v", got)
	}
}

func TestExponentialMean(t *testing.T) {
	source := env.NewSeeded(1, "exponential")
	const n, mean = 200_000, time.Millisecond
	sum, above := time.Duration(0), 0
	for range n {
		d := clock.Exponential(source, mean)
		sum += d
		if d > 3*mean {
			above++
		}
	}
	if got := sum / n; got < mean*98/100 || got > mean*102/100 {
		t.Errorf("mean: got %v, expected %v", got, mean)
	}
	if want := math.Exp(-3) * n; math.Abs(float64(above)-want) > want/10 {
		t.Errorf("above three times the mean: got %d, expected %.0f", above, want)
	}
}

func TestLogUniform(t *testing.T) {
	source := env.NewSeeded(2, "loguniform")
	const lo, hi = 10, 10_000
	var decades [3]int
	for range 30_000 {
		n := clock.LogUniform(source, lo, hi)
		if n < lo || n > hi {
			t.Fatalf("got %d, expected %d to %d", n, lo, hi)
		}
		decades[min(int(math.Log10(float64(n)/lo)), 2)]++
	}
	for i, n := range decades {
		if n < 9_500 || n > 10_500 {
			t.Errorf("decade %d: got %d of 30000, expected a third", i, n)
		}
	}
	for _, c := range [][3]int64{{5, 5, 5}, {7, 3, 7}, {0, 1, 1}} {
		if got := clock.LogUniform(source, c[0], c[1]); got != c[2] {
			t.Errorf("from %d to %d: got %d, expected %d", c[0], c[1], got, c[2])
		}
	}
}

func TestBelowAndBetween(t *testing.T) {
	source := env.NewSeeded(3, "below")
	seen := make([]int, 7)
	for range 70_000 {
		seen[clock.Below(source, 7)]++
	}
	if least, most := slices.Min(seen), slices.Max(seen); least < 9_500 || most > 10_500 {
		t.Errorf("got %v, expected about 10000 each", seen)
	}
	for range 1000 {
		if n := clock.Between(source, -3, 3); n < -3 || n > 3 {
			t.Fatalf("got %d, expected -3 to 3", n)
		}
		if d := clock.Uniform(source, 5); d < 0 || d > 5 {
			t.Fatalf("got %v, expected at most 5ns", d)
		}
	}
	if clock.Below(source, 0) != 0 || clock.Below(source, -4) != 0 {
		t.Error("an empty range must give 0")
	}
	if clock.Chance(source, 0, 1000) || !clock.Chance(source, 1000, 1000) {
		t.Error("no chance and certainty must be what they are")
	}
}

func BenchmarkExponential(b *testing.B) {
	source := env.NewSeeded(1, "bench")
	for b.Loop() {
		clock.Exponential(source, time.Millisecond)
	}
}
