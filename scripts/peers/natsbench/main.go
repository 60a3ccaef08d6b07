//go:build linux

// Command natsbench does the same work on NATS with JetStream and on gregor, in turn in each round, and prints what
// came of it as a table:
//
//	go run ./scripts/peers/natsbench               ten rounds
//	go run ./scripts/peers/natsbench -count 1 -window 1s
//
// It builds both servers and starts them with empty folders on one disk. NATS does not speak Kafka's protocol, so the
// rows of gregor bench cannot be measured on it; the notes below the table say what cannot be compared.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/scripts/internal/node"
)

// notes say what the figures cannot.
const notes = `
What is not the same: NATS acknowledges every message by itself, and its client sends messages, not batches; the server
writes several at a time where it can. franz-go makes a batch of what waits while others are in flight, and gregor
acknowledges, checks and syncs a batch as one. So the rates compare what an application gets with as many messages
unacknowledged, not what the servers do for each. Neither client lingers. "Page cache" is the default of both: NATS
syncs every two minutes, gregor leaves that to the kernel. "Each on the disk" is sync_interval always beside
flush.messages=1. The consumers are NATS' ordered one and franz-go's without a group; neither commits.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "natsbench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	of := sizes{}
	count := flag.Int("count", 10, "rounds of each line")
	flag.DurationVar(&of.window, "window", 3*time.Second, "how long a sample is")
	flag.IntVar(&of.message, "message-bytes", 1000, "size of a message, at least 8")
	flag.IntVar(&of.inFlight, "in-flight", 256, "messages that are not acknowledged yet, at most")
	flag.IntVar(&of.filled, "filled", 200_000, "messages that are there to consume")
	flag.IntVar(&of.rate, "rate", 1000, "messages a second of the open loop")
	parent := flag.String("dir", os.TempDir(), "folder on the disk to measure; what is made there is removed again")
	flag.Parse()
	if *count < 1 || of.message < 8 || of.inFlight < 1 || of.filled < 1 || of.rate < 1 || of.window <= 0 {
		return fmt.Errorf("%w: got %+v in %d rounds", errSizes, of, *count)
	}
	dir, err := os.MkdirTemp(*parent, "natsbench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	stores, end, err := start(ctx, dir)
	defer func() { err = errors.Join(err, end()) }()
	if err != nil {
		return err
	}
	return compare(ctx, stores, *count, of, os.Stdout)
}

var errSizes = errors.New("expected sizes above 0, and messages of 8 bytes or more")

// start builds and starts gregor and both servers of NATS.
func start(ctx context.Context, dir string) ([]store, func() error, error) {
	var started []*peer.Instance
	end := func() error {
		var err error
		for _, i := range started {
			err = errors.Join(err, i.End())
		}
		return err
	}
	gregor, nats := filepath.Join(dir, "gregor"), filepath.Join(dir, "nats")
	if err := node.Build(ctx, gregor); err != nil {
		return nil, end, err
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", nats, "github.com/gregor-log/gregor/scripts/peers/nats")
	if text, err := build.CombinedOutput(); err != nil {
		return nil, end, fmt.Errorf("build nats: %w\n%s", err, text)
	}
	for _, p := range []peer.Peer{
		{Name: "gregor", Command: func(dir, address string) ([]string, error) {
			file := filepath.Join(dir, "server.properties")
			text := fmt.Sprintf("listeners=PLAINTEXT://%s\nlog.dirs=%s\n", address, filepath.Join(dir, "log"))
			return []string{gregor, "broker", "-c", file}, os.WriteFile(file, []byte(text), 0o644)
		}},
		{Name: "nats", Command: func(dir, address string) ([]string, error) {
			return []string{nats, "-address", address, "-dir", filepath.Join(dir, "store")}, nil
		}},
		{Name: "nats-sync", Command: func(dir, address string) ([]string, error) {
			return []string{nats, "-address", address, "-dir", filepath.Join(dir, "store"), "-sync"}, nil
		}},
	} {
		i, err := p.Start(ctx, dir)
		if err != nil {
			return nil, end, err
		}
		started = append(started, i)
	}
	return []store{
		&topics{address: started[0].Address}, &streams{lazy: started[1].Address, synced: started[2].Address},
	}, end, nil
}

// compare does all work on all stores, in turn in each round, and prints the medians.
func compare(ctx context.Context, stores []store, count int, of sizes, out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprint(table, "WORK\tUNIT")
	for _, s := range stores {
		fmt.Fprint(table, "\t", strings.ToUpper(s.name()))
	}
	fmt.Fprintln(table, "\tRATIO")
	for _, w := range works() {
		rounds := make([][][]float64, len(stores))
		for turn := range count {
			for k := range stores {
				i := (turn + k) % len(stores) // who begins moves on
				figures, err := w.run(ctx, stores[i], of)
				if err != nil {
					return fmt.Errorf("%s on %s: %w", w.name, stores[i].name(), err)
				}
				rounds[i] = append(rounds[i], figures)
			}
		}
		fmt.Fprintln(table, w.line(rounds))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d rounds, %d bytes a message, %d in flight, %d a second in the open loop, whose first\n"+
		"quarter is left out; medians.\n%s",
		count, of.message, of.inFlight, of.rate, notes)
	return nil
}

// line is a line of the table; its ratio is the first store's to the second's.
func (w work) line(rounds [][][]float64) string {
	cells := []string{w.name, w.unit}
	var all [][]float64
	for _, r := range rounds {
		all = append(all, medians(r))
		cells = append(cells, numbers(all[len(all)-1]))
	}
	var ratios []float64
	for i := range all[0] {
		ratios = append(ratios, all[0][i]/all[1][i])
	}
	return strings.Join(append(cells, numbers(ratios)), "\t")
}

func numbers(values []float64) string {
	var words []string
	for _, v := range values {
		words = append(words, result.Number(v))
	}
	return strings.Join(words, " ")
}
