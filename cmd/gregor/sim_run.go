package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
	"github.com/gregor-log/gregor/consistency/workload"
	"github.com/gregor-log/gregor/netsim/clock"
)

// seedRange is the seeds to run. With stdin they are read one by one, and first and last say nothing.
type seedRange struct {
	first, last uint64
	stdin       bool
}

// count returns how many seeds there are, 0 where nobody knows.
func (s seedRange) count() int64 {
	if s.stdin {
		return 0
	}
	return int64(s.last - s.first + 1)
}

// mostSeeds is how many seeds one command runs at most: more is a slip of the keyboard.
const mostSeeds = 1 << 32

// seedsToRun reads --seed and --seeds.
func (f *simRun) seedsToRun(c *cobra.Command) (seedRange, error) {
	flags := c.Flags()
	switch {
	case f.seeds == "":
		return seedRange{first: f.seed, last: f.seed}, nil
	case flags.Changed("seed") && flags.Changed("seeds"):
		return seedRange{}, cli.Usagef("got --seed and --seeds, expected one of them")
	case f.seeds == "-":
		return seedRange{stdin: true}, nil
	}
	low, high, ok := strings.Cut(f.seeds, "-")
	if !ok {
		high = low
	}
	first, err := strconv.ParseUint(low, 10, 64)
	last, err2 := strconv.ParseUint(high, 10, 64)
	if err != nil || err2 != nil || first > last || last-first >= mostSeeds {
		return seedRange{}, cli.Usagef("--seeds: got %q, expected first-last, such as 1-500, or -", f.seeds)
	}
	return seedRange{first: first, last: last}, nil
}

// worldGC is how much memory may grow between two collections of garbage, in percent: worlds are small and die young.
const worldGC = 400

// check refuses what can be refused before the first run.
func (f *simRun) check(seeds seedRange) error {
	if f.d < time.Second || f.d > 24*time.Hour {
		return cli.Usagef("--for: got %v, expected 1s to 24h", f.d)
	}
	if _, err := workload.NewPlan(0, f.scenario, f.d); err != nil {
		return cli.Usagef("--scenario: %w", err)
	}
	known := func(m workload.Mutation) bool { return m.Name == f.mutation }
	if f.mutation != "" && !slices.ContainsFunc(workload.Mutations(), known) {
		return cli.Usagef("--mutate: %w: got %q, expected one that gregor sim list names", workload.ErrMutation,
			f.mutation)
	}
	if f.trace && seeds.count() != 1 {
		return cli.Usagef("--trace is of one seed")
	}
	if f.jobs < 0 {
		return cli.Usagef("--jobs: got %d, expected 0 or more", f.jobs)
	}
	return nil
}

func (f *simRun) run(c *cobra.Command) error {
	seeds, err := f.seedsToRun(c)
	if err != nil {
		return err
	}
	if err := f.check(seeds); err != nil {
		return err
	}
	if f.history != "" {
		if err := os.MkdirAll(f.history, 0o755); err != nil {
			return harness(err)
		}
	}
	if os.Getenv("GOGC") == "" {
		defer debug.SetGCPercent(debug.SetGCPercent(worldGC))
	}
	jobs := f.jobs
	if jobs == 0 {
		jobs = runtime.GOMAXPROCS(0)
	}
	out := &simOutput{c: c, json: f.format.String() == cli.JSON, seeds: seeds}
	out.bar = f.progress.Start(c, "simulating", seeds.count())
	if seeds.stdin {
		err = f.fromStdin(c, out)
	} else if jobs = int(min(int64(jobs), seeds.count())); jobs == 1 {
		err = f.inThisProcess(c, seeds, out)
	} else {
		err = f.byWorkers(c, seeds, jobs, out)
	}
	out.bar.End()
	if err != nil {
		return err
	}
	return out.end()
}

// inThisProcess runs seeds one after the other.
func (f *simRun) inThisProcess(c *cobra.Command, seeds seedRange, out *simOutput) error {
	for seed := seeds.first; ; seed++ {
		if err := f.next(c, seed, out); err != nil || seed == seeds.last {
			return err
		}
	}
}

// fromStdin runs the seeds that stand in stdin, each as it is read.
func (f *simRun) fromStdin(c *cobra.Command, out *simOutput) error {
	lines := bufio.NewScanner(c.InOrStdin())
	for lines.Scan() {
		seed, err := strconv.ParseUint(strings.TrimSpace(lines.Text()), 10, 64)
		if err != nil {
			return cli.Usagef("stdin: got %q, expected a seed a line", lines.Text())
		}
		if err := f.next(c, seed, out); err != nil {
			return err
		}
	}
	return lines.Err()
}

func (f *simRun) next(c *cobra.Command, seed uint64, out *simOutput) error {
	if c.Context().Err() != nil {
		return context.Cause(c.Context())
	}
	res, err := f.simulate(c, seed)
	if err != nil {
		return harness(err)
	}
	return out.add(res)
}

// simulate runs one seed in this process.
func (f *simRun) simulate(c *cobra.Command, seed uint64) (*workload.Result, error) {
	fresh := func() (*workload.Plan, error) { return workload.NewPlan(seed, f.scenario, f.d) }
	o := workload.Options{Mutation: f.mutation}
	if f.trace {
		o.Log = traceTo(c.ErrOrStderr())
	}
	if f.history == "" {
		return f.timed(fresh, o)
	}
	file, err := os.Create(filepath.Join(f.history, fmt.Sprintf("seed-%06d.jsonl", seed)))
	if err != nil {
		return nil, err
	}
	o.History = file
	res, err := f.timed(fresh, o)
	if cerr := file.Close(); err == nil {
		err = cerr
	}
	return res, err
}

// timed runs one seed and takes the time.
func (f *simRun) timed(fresh func() (*workload.Plan, error), o workload.Options) (*workload.Result, error) {
	began := time.Now()
	var res *workload.Result
	var err error
	if f.twice {
		res, err = workload.RunTwice(fresh, o)
	} else {
		var plan *workload.Plan
		if plan, err = fresh(); err == nil {
			res, err = workload.Run(plan, o)
		}
	}
	if err != nil {
		return nil, err
	}
	res.WallSeconds = time.Since(began).Seconds()
	return res, nil
}

// traceTo returns where a run tells what happens, a line each.
func traceTo(w io.Writer) func(clock.Time, string, ...any) {
	return func(at clock.Time, format string, args ...any) {
		fmt.Fprintf(w, "%12.6f  %s\n", time.Duration(at).Seconds(), fmt.Sprintf(format, args...))
	}
}
