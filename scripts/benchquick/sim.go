//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"

	"github.com/gregor-log/gregor/bench/result"
)

const (
	simSeeds = "1-60"
	// simTarget is how many events a second one core does at least, with all checks on.
	simTarget = 300_000
)

// simulated is what one round of seeds came to.
type simulated struct {
	seeds                                int
	events, acked, simSeconds, wall, cpu float64
}

// simulatorRow measures the events that the simulator does in a second of one core, with all checks on: the same seeds
// in each round, one after the other, by the clock of the process's own time, which is the core's where nothing else
// runs. The first round is not counted.
func (b *bench) simulatorRow(ctx context.Context) error {
	const name = "simulator-events"
	if b.gregor == "" || !b.wanted(name) {
		return nil
	}
	var rates []float64
	var last simulated
	for round := range b.pairs + 1 {
		var err error
		if last, err = b.simulate(ctx); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		rate := last.events / last.cpu
		fmt.Fprintf(os.Stderr, "    %10.0f events a second\n", rate)
		if round > 0 {
			rates = append(rates, rate)
		}
	}
	b.add(&result.Row{
		Name: name, Reached: result.Median(rates),
		Settings: result.Fields{
			{Key: "seeds", Value: simSeeds}, {Key: "rounds", Value: len(rates)}, {Key: "cores", Value: 1},
			{Key: "checks", Value: "all"},
		},
		Target: result.Target{Figure: "events/s", Bound: result.AtLeast, Value: simTarget},
		Facts: result.Fields{
			{Key: "least_events_per_s", Value: slices.Min(rates)},
			{Key: "largest_events_per_s", Value: slices.Max(rates)},
			{Key: "events_per_wall_s", Value: last.events / last.wall},
			{Key: "events_per_seed", Value: last.events / float64(last.seeds)},
			{Key: "acked_records_per_seed", Value: last.acked / float64(last.seeds)},
			{Key: "simulated_over_wall", Value: last.simSeconds / last.wall},
		},
	})
	return nil
}

// errSeed reports a seed that is not ok.
var errSeed = errors.New("simulated seed is not ok")

// simulate runs the seeds once in a process of one processor.
func (b *bench) simulate(ctx context.Context) (simulated, error) {
	c := exec.CommandContext(ctx, b.gregor, "sim", "run", "--seeds", simSeeds, "--jobs", "1", "--format", "json")
	c.Env = append(os.Environ(), "GOMAXPROCS=1")
	var errs bytes.Buffer
	c.Stderr = &errs
	output, err := c.Output()
	if err != nil && len(output) == 0 {
		return simulated{}, fmt.Errorf("%w: %s", err, errs.String())
	}
	sum := simulated{cpu: (c.ProcessState.UserTime() + c.ProcessState.SystemTime()).Seconds()}
	for in := json.NewDecoder(bytes.NewReader(output)); ; {
		var one struct {
			Verdict, Repro string
			Events         float64
			Acked          float64 `json:"acked_records"`
			SimSeconds     float64 `json:"sim_seconds"`
			WallSeconds    float64 `json:"wall_seconds"`
		}
		if err := in.Decode(&one); errors.Is(err, io.EOF) {
			return sum, nil
		} else if err != nil {
			return sum, err
		}
		if one.Verdict != "ok" {
			return sum, fmt.Errorf("%w: got %s, expected ok: %s", errSeed, one.Verdict, one.Repro)
		}
		sum.seeds++
		sum.events, sum.acked = sum.events+one.Events, sum.acked+one.Acked
		sum.simSeconds, sum.wall = sum.simSeconds+one.SimSeconds, sum.wall+one.WallSeconds
	}
}
