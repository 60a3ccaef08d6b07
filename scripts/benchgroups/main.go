//go:build linux

// Command benchgroups measures what groups, topics and connections cost gregor beside Apache Kafka on the same machine,
// in one run, prints a table and writes one JSON object:
//
//	go run ./scripts/benchgroups                          every row, five pairs each
//	go run ./scripts/benchgroups -rows commits -pairs 3
//	go run ./scripts/benchgroups -profile out/profiles    one more sample of gregor a row, under the profiler
//
// Both brokers are processes with Kafka's default settings but for what concerns groups (no initial delay, short
// sessions allowed, one replica of the offsets), and the same client drives both. Kafka works before it is measured, so
// that its code is compiled. Samples alternate and so does who begins, gregor, Kafka, Kafka, gregor, ...: a pair is one
// sample of each. A row tells the medians of both, their ratio, the least and the largest ratio of a pair, and whether
// its aim is met; a missed aim is no error. Rows that make many files want a file system with a journal, or one from
// which no other run's files were deleted in the last minutes; see host.stop. A row that could not be measured says
// why, and the exit code is 4.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/scripts/internal/kafka"
	"github.com/gregor-log/gregor/scripts/internal/node"
)

// The exit codes besides 0.
const (
	exitUsage   = 2
	exitHarness = 4
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx)
	switch {
	case err == nil:
		return
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, "benchgroups:", err)
		os.Exit(exitUsage)
	default:
		fmt.Fprintln(os.Stderr, "benchgroups:", err)
		os.Exit(exitHarness)
	}
}

var (
	errUsage = errors.New("usage")
	// errRows reports rows that could not be measured.
	errRows = errors.New("not every row was measured")
)

// bench is one run.
type bench struct {
	dir           string // everything that is written goes here
	pairs         int
	warm          time.Duration
	wanted        *regexp.Regexp
	gregor, libs  string // the binary, and the folder of Kafka's jars
	profile, json string
	heartbeat     time.Duration
	rows          []*row
	machine       result.Fields
}

func run(ctx context.Context) error {
	b := new(bench)
	parent := flag.String("dir", os.TempDir(), "folder on the disk to measure; what is made there is removed again")
	rows := flag.String("rows", "", "run the rows whose names match this regular expression")
	flag.IntVar(&b.pairs, "pairs", 5, "pairs a row (rows with a fresh broker for each sample take at most three)")
	flag.DurationVar(&b.warm, "warm", 30*time.Second, "how long Kafka works before a row is measured")
	flag.DurationVar(&b.heartbeat, "heartbeat", 5*time.Millisecond,
		"heartbeat interval of the consumers of rebalance-kill")
	flag.StringVar(&b.gregor, "gregor", "", "gregor's binary (default: built from the checkout)")
	flag.StringVar(&b.libs, "kafka-libs", "", "folder of Kafka's jars (default $KAFKA_LIBS, or fetched by Maven)")
	flag.StringVar(&b.profile, "profile", "", "folder for CPU profiles of gregor, one more sample a row")
	flag.StringVar(&b.json, "json", "out/bench-groups.json", "file for the JSON object")
	flag.Parse()
	var err error
	if b.wanted, err = regexp.Compile(*rows); err != nil {
		return fmt.Errorf("%w: -rows: %w", errUsage, err)
	}
	if flag.NArg() > 0 || b.pairs < 1 {
		return fmt.Errorf("%w: got -pairs %d and %q, expected a pair at least and nothing else", errUsage, b.pairs,
			flag.Args())
	}
	if b.dir, err = os.MkdirTemp(*parent, "benchgroups-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if err := b.prepare(ctx); err != nil {
		return err
	}
	start, cpu := time.Now(), result.ReadCPU()
	b.machine = result.Machine(b.dir)
	b.machine.Add("kafka", kafka.Version)
	failed := b.measure(ctx)
	b.machine.Add("steal_percent", result.ReadCPU().StealSince(cpu))
	b.machine.Add("took_s", time.Since(start).Seconds())
	return errors.Join(b.print(os.Stdout), b.writeJSON(), failed)
}

// prepare has what both brokers are started from.
func (b *bench) prepare(ctx context.Context) error {
	var err error
	if b.libs, err = kafka.Libs(ctx, b.libs, "out"); err != nil {
		return err
	}
	if b.gregor == "" {
		b.gregor = filepath.Join(b.dir, "gregor")
		err = node.Build(ctx, b.gregor)
	}
	return err
}

// measure takes every row that was asked for. A row that fails keeps its reason, and the others go on.
func (b *bench) measure(ctx context.Context) error {
	var failed error
	for _, s := range b.studies() {
		chosen := false
		for _, r := range s.rows {
			chosen = chosen || b.wanted.MatchString(r.name)
		}
		if !chosen {
			continue
		}
		err := b.take(ctx, s)
		for _, r := range s.rows {
			if b.wanted.MatchString(r.name) {
				r.failure = err
				b.rows = append(b.rows, r)
			}
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "    %v\n", err)
			failed = errRows
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return failed
}
