package main

import (
	"testing"
	"time"

	"github.com/gregor-log/gregor/bench/matrix"
	"github.com/gregor-log/gregor/bench/result"
)

// TestPace walks through a run of three rows: what is left follows from this run's own times.
func TestPace(t *testing.T) {
	p := newPace([]int{10, 20, 30})
	expect := func(when string, now time.Duration, done, total int, left time.Duration) {
		t.Helper()
		if got, all := p.samples(); got != done || all != total {
			t.Errorf("%s: got %d of %d samples, expected %d of %d", when, got, all, done, total)
		}
		if got, ok := p.left(now); got != left || ok != (done > 0) {
			t.Errorf("%s: got %v left, %v, expected %v", when, got, ok, left)
		}
	}
	expect("at first", 0, 0, 60, 0)
	p.done, p.total = 5, 10
	expect("in the first row", 5*time.Second, 5, 60, 55*time.Second)
	p.done, p.total = 10, 10
	p.next(10 * time.Second)
	expect("between rows", 10*time.Second, 10, 60, 50*time.Second)
	// 4 samples of 5 s, 16 more of those, and 30 of 30 s / 14.
	p.done, p.total = 4, 20
	expect("in a slow row", 30*time.Second, 14, 60, 80*time.Second+30*(30*time.Second/14))
	// It fails: the 16 samples that it did not take are not expected any more.
	p.next(30 * time.Second)
	expect("behind a row that failed", 30*time.Second, 14, 44, 30*(30*time.Second/14))
	p.done, p.total = 33, 33 // rounds were taken again
	expect("in the last row", time.Minute, 47, 47, 0)
	p.next(time.Minute)
	expect("at the end", time.Minute, 47, 47, 0)
}

// TestPaceInWords: the line that changes has the last sample and what is left, the one that stays the row's figures.
func TestPaceInWords(t *testing.T) {
	p := newPace([]int{10, 20})
	if got, want := p.title("fetch-4k", "", 0), "fetch-4k (1 of 2)"; got != want {
		t.Errorf("got %q, expected %q", got, want)
	}
	p.done = 2
	want := "fetch-4k (1 of 2), kafka 1,234 MB/s, 14 min 0 s left"
	if got := p.title("fetch-4k", "kafka 1,234 MB/s", time.Minute); got != want {
		t.Errorf("got %q, expected %q", got, want)
	}
	samples := func(figures ...float64) (all []result.Sample) {
		for _, f := range figures {
			all = append(all, result.Sample{Figure: f})
		}
		return all
	}
	m := &result.Measurement{Row: "fetch-4k", Unit: "mb_per_s", Sides: []*result.Side{
		{Name: result.Gregor, Samples: samples(100, 300, 200)}, {Name: "kafka", Samples: samples(50, 100, 50)},
		{Name: "absent", Missing: "needs a program"}, {Name: result.Limit, Samples: samples(200, 400, 400)},
		{Name: result.ClientAlone, Samples: samples(1000)},
	}}
	p.next(time.Minute)
	want = "fetch-4k (2 of 2): 12.5 s, 200 MB/s, 3 times kafka, 0.5 times limit"
	if got := p.line(m, 72500*time.Millisecond); got != want {
		t.Errorf("got %q, expected %q", got, want)
	}
	m.Sides, m.Failure = m.Sides[:1], "kafka: nobody answers\nand more"
	want = "fetch-4k (2 of 2): 12.5 s, 200 MB/s, not measured as it should be: kafka: nobody answers; and more"
	if got := p.line(m, 72500*time.Millisecond); got != want {
		t.Errorf("got %q, expected %q", got, want)
	}
}

// TestSamplesOfRows: how many samples a row takes is known before it begins.
func TestSamplesOfRows(t *testing.T) {
	o := (&benchRun{rounds: 3, peers: []string{"kafka=127.0.0.1:1"}}).options("gregor", "", matrix.Tools{})
	for name, want := range map[string]int{
		"produce-large":       3*2 + 3 + 3, // two samples of the limit before the first round, and the client alone
		"fetch-4k":            3*2 + 3 + 2,
		"stock-franz-produce": 3 * 2,
		"start":               3, // nobody says how to start the other side
	} {
		rows, err := matrix.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := rows[0].Samples(o); got != want {
			t.Errorf("%s: got %d samples, expected %d", name, got, want)
		}
	}
}
