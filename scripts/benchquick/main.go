//go:build linux

// Command benchquick measures gregor beside the raw loops that bound it, in one run of a few minutes, prints a table
// and writes one JSON object:
//
//	go run ./scripts/benchquick                        every row, five pairs each
//	go run ./scripts/benchquick -rows 'fetch' -pairs 3
//	go run ./scripts/benchquick -profile out/profiles  one more run a row under the profiler
//	go run ./scripts/benchquick -broker 127.0.0.1:9092 another broker of Kafka's protocol instead of gregor
//
// gregor and the loops run as processes of their own, fresh ones with an empty directory for each sample of a produce
// row, and one load generator drives both with the same bytes. Samples alternate, raw, gregor, raw, gregor, ..., raw;
// a pair is a sample of gregor and the mean of the raw ones before and after it, and it is thrown away and taken again
// if those two differ by more than a tenth: then the machine was busy with something else. Figures of one run compare;
// those of different machines, or of one on different days, need not.
//
// A produce sample stays below the amount of dirty pages at which Linux begins to write back, so that it measures a
// broker and not a disk.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"time"

	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/scripts/internal/node"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if len(os.Args) > 1 && os.Args[1] == serveArg {
		err = serve(ctx, os.Args[2:])
	} else {
		err = run(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchquick:", err)
		os.Exit(1)
	}
}

// bench is one run.
type bench struct {
	dir     string // everything that is written goes here
	pairs   int
	rows    *regexp.Regexp
	gregor  string // path of the binary; "" for the broker of this program
	broker  string // address of another broker to measure
	profile string // folder for profiles
	report  result.Report
}

func run(ctx context.Context) error {
	b := &bench{report: result.Report{Command: "bench-quick", Version: "1"}}
	parent := flag.String("dir", os.TempDir(), "folder on the disk to measure; what is made there is removed again")
	rows := flag.String("rows", "", "run the rows whose names match this regular expression")
	out := flag.String("json", "out/bench-quick.json", "file for the JSON object")
	flag.IntVar(&b.pairs, "pairs", 5, "pairs a row")
	flag.StringVar(&b.gregor, "gregor", "", "gregor's binary, or "+ownServer+
		" for core/server in a process of this program (default: built from the checkout)")
	flag.StringVar(&b.broker, "broker", "", "address of a running broker to measure instead of gregor")
	flag.StringVar(&b.profile, "profile", "", "folder for CPU and allocation profiles of gregor, one more run a row")
	flag.Parse()
	var err error
	if b.rows, err = regexp.Compile(*rows); err != nil {
		return fmt.Errorf("-rows: %w", err)
	}
	if b.dir, err = os.MkdirTemp(*parent, "benchquick-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if err := b.build(ctx); err != nil {
		return err
	}
	start, cpu := time.Now(), result.ReadCPU()
	b.report.Machine = result.Machine(b.dir)
	b.report.Machine.Add("socket_congestion_control", congestionControl(ctx))
	b.report.Machine.Add("broker", b.subject())
	if err := b.measure(ctx); err != nil {
		return err
	}
	b.report.Machine.Add("steal_percent", result.ReadCPU().StealSince(cpu))
	b.report.Machine.Add("took_s", time.Since(start).Seconds())
	if err := b.report.WriteText(os.Stdout); err != nil {
		return err
	}
	return writeJSON(*out, &b.report)
}

func writeJSON(name string, report *result.Report) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	err = report.WriteJSON(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// ownServer is the value of -gregor for the broker of this program.
const ownServer = "self"

// build makes gregor's binary from the checkout, if none was given.
func (b *bench) build(ctx context.Context) error {
	switch {
	case b.gregor == ownServer:
		b.gregor = ""
		return nil
	case b.gregor != "" || b.broker != "":
		return nil
	}
	b.gregor = filepath.Join(b.dir, "gregor")
	return node.Build(ctx, b.gregor)
}

// subject says what is measured.
func (b *bench) subject() string {
	switch {
	case b.broker != "":
		return b.broker
	case b.gregor != "":
		return "gregor broker"
	}
	return "core/server in a process of benchquick"
}

// measure takes every row that was asked for.
func (b *bench) measure(ctx context.Context) error {
	for _, group := range []func(context.Context) error{
		b.produceRows, b.fetchRows, b.fsyncRow, b.flatRows, b.openRow, b.simulatorRow,
	} {
		if err := group(ctx); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// wanted reports whether a row was asked for, and says on stderr that it is under way.
func (b *bench) wanted(name string) bool {
	if !b.rows.MatchString(name) {
		return false
	}
	fmt.Fprintln(os.Stderr, "measuring", name)
	return true
}

func (b *bench) add(row *result.Row) {
	b.report.Rows = append(b.report.Rows, row)
}
