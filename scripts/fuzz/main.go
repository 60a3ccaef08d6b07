// Command fuzz runs every fuzz target of the packages that are named, each for a time, a few at once, and ends with
// what failed: the target, the end of what it printed, and the input, so that the last lines of a log are enough to get
// the failure again.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	budget  time.Duration
	jobs    int
	workers int
}

func main() {
	var o options
	flag.DurationVar(&o.budget, "for", time.Minute, "how long each target runs")
	flag.IntVar(&o.jobs, "jobs", 2, "how many targets run at once")
	flag.IntVar(&o.workers, "workers", 1, "processes a target")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		os.Exit(1)
	}
}

// target is a fuzz target of a package.
type target struct{ pkg, name string }

// run fuzzes all targets of the packages and returns an error if one failed.
func run(ctx context.Context, o options, packages []string) error {
	targets, err := list(ctx, packages)
	if err != nil {
		return err
	}
	if len(targets) == 0 {
		return fmt.Errorf("no fuzz target in %q", packages)
	}
	results := o.all(ctx, targets)
	failed := 0
	for _, r := range results {
		if r.err != nil {
			failed++
			r.report(os.Stdout)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d targets failed", failed, len(targets))
	}
	return ctx.Err()
}

// list returns the fuzz targets of the packages.
func list(ctx context.Context, packages []string) ([]target, error) {
	var targets []target
	for _, pkg := range packages {
		out, err := exec.CommandContext(ctx, "go", "test", "-list", "^Fuzz", pkg).CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("targets of %s: %w\n%s", pkg, err, out)
		}
		for name := range strings.FieldsSeq(string(out)) {
			if strings.HasPrefix(name, "Fuzz") {
				targets = append(targets, target{pkg, name})
			}
		}
	}
	return targets, nil
}

// all runs the targets, jobs at a time, in their order.
func (o options) all(ctx context.Context, targets []target) []result {
	results := make([]result, len(targets))
	slots := make(chan struct{}, max(o.jobs, 1))
	var running sync.WaitGroup
	for i, t := range targets {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			results[i] = o.one(ctx, t)
			fmt.Println(results[i].summary())
		})
	}
	running.Wait()
	return results
}

// one fuzzes a target. Minimizing is kept short: the input counts, not its beauty.
func (o options) one(ctx context.Context, t target) result {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-fuzz", "^"+t.name+"$", "-fuzztime", o.budget.String(),
		"-fuzzminimizetime", "2s", "-parallel", strconv.Itoa(o.workers), t.pkg)
	out, err := cmd.CombinedOutput()
	return result{target: t, err: err, output: string(out)}
}
