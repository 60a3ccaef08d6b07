//go:build linux

package main

import (
	"context"
	"fmt"
	"math"
	"os"

	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/result"
)

// sample is one measurement of one side.
type sample struct {
	figure float64
	load   load.Result
	// cpu is what the server's process used over the window, in seconds.
	cpu float64
	// counters are what the broker counted over the window, if it was asked.
	counters counters
}

// comparison is a row whose figures come in pairs.
type comparison struct {
	row         result.Row
	gregor, raw func(context.Context) (sample, error)
}

// largestDrift is how much two raw figures may differ around a figure of gregor's.
const largestDrift = 0.10

// compare takes samples in turn until there are enough pairs; see the package comment.
func (b *bench) compare(ctx context.Context, c comparison) (*result.Row, error) {
	row, cpu := c.row, result.ReadCPU()
	// The first one finds cold caches and memory that the machine has never used.
	if _, err := c.raw(ctx); err != nil {
		return nil, fmt.Errorf("%s: raw loop: %w", row.Name, err)
	}
	before, err := c.raw(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: raw loop: %w", row.Name, err)
	}
	var gregor, raw []sample
	for tries := 0; len(row.Pairs) < b.pairs && tries < 3*b.pairs; tries++ {
		g, err := c.gregor(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: gregor: %w", row.Name, err)
		}
		after, err := c.raw(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: raw loop: %w", row.Name, err)
		}
		limit := (before.figure + after.figure) / 2
		fmt.Fprintf(os.Stderr, "    %10.1f of %10.1f %s: %.3f\n", g.figure, limit, row.Unit, g.figure/limit)
		if math.Abs(after.figure-before.figure) > largestDrift*limit {
			row.Dropped++
		} else {
			row.Pairs = append(row.Pairs, result.Pair{Gregor: g.figure, Raw: limit})
			gregor, raw = append(gregor, g), append(raw, after)
		}
		before = after
	}
	if len(row.Pairs) < b.pairs {
		row.Note = fmt.Sprintf("noisy machine: only %d of %d pairs had a steady raw loop", len(row.Pairs),
			len(row.Pairs)+row.Dropped)
	}
	row.Reached, _, _ = row.Ratio()
	addLoad(&row.Facts, "gregor", gregor)
	addLoad(&row.Facts, "raw", raw)
	row.Facts.Add("steal_percent", result.ReadCPU().StealSince(cpu))
	return &row, nil
}

// addLoad adds the medians of what the load generator and the kernel saw of one side.
func addLoad(facts *result.Fields, side string, samples []sample) {
	var rate, cpu, p50, p99 []float64
	for _, s := range samples {
		if s.load.Requests == 0 {
			return
		}
		rate = append(rate, s.load.RequestsPerSecond())
		cpu = append(cpu, s.cpu*1e6/float64(s.load.Requests))
		p50 = append(p50, float64(s.load.Latency.ValueAtQuantile(50))/1e3)
		p99 = append(p99, float64(s.load.Latency.ValueAtQuantile(99))/1e3)
	}
	facts.Add(side+"_requests_per_s", result.Median(rate))
	facts.Add(side+"_cpu_us_per_request", result.Median(cpu))
	facts.Add(side+"_closed_loop_p50_us", result.Median(p50))
	facts.Add(side+"_closed_loop_p99_us", result.Median(p99))
}
