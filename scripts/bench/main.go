//go:build linux

// Command bench measures gregor beside real Apache Kafka and beside raw loops, and ends with a page to look at:
//
//	go run ./scripts/bench                       every row, ten rounds each
//	go run ./scripts/bench -rows fetch-64k -count 3 -out out/bench
//	go run ./scripts/bench -tuned -kfake         beside a Kafka with settings for this machine and a broker in memory
//
// It builds gregor, starts Kafka with its default settings from jars that Maven fetches, keeps it under the load of
// several rows for half a minute, so that its code is compiled, then measures, and draws the results. Kafka runs on
// between its samples and is idle in those of the others; it deletes what a sample has written at once, as gregor's
// files are gone at once.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gregor-log/gregor/scripts/internal/kafka"
	"github.com/gregor-log/gregor/scripts/internal/node"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		var ended *exec.ExitError
		if errors.As(err, &ended) && ended.ExitCode() > 0 {
			os.Exit(ended.ExitCode())
		}
		os.Exit(1)
	}
}

// starter is what starts a Kafka of its own for the rows that need one; it reads KAFKA_LIBS.
const starter = "scripts/peers/kafka"

// bench is one run.
type bench struct {
	rows           []string
	dir, out, libs string
	reference      string // folder for a copy of the results, or none
	recovery       string // the size of the log that is recovered
	count          int
	warm           time.Duration // for which Kafka is under load before
	gregor         string        // the binary
	properties     string        // the file of what Kafka is given beside its defaults
	peers          []running
}

func run(ctx context.Context) (err error) {
	b := new(bench)
	rows := flag.String("rows", "suite", "rows to measure, as gregor bench list names them, with commas between")
	flag.StringVar(&b.recovery, "recovery-log", "2GiB", "size of the log that is recovered; 10GiB takes half an hour")
	flag.IntVar(&b.count, "count", 10, "rounds a row")
	flag.DurationVar(&b.warm, "warm", 30*time.Second, "for how long each Kafka is under load before; 0 is not")
	flag.StringVar(&b.out, "out", filepath.Join("out", "bench-"+time.Now().UTC().Format("20060102-150405")),
		"folder for the results")
	flag.StringVar(&b.libs, "kafka-libs", "", "folder of Kafka's jars (default $KAFKA_LIBS, or fetched by Maven)")
	tuned := flag.Bool("tuned", false, "measure a second Kafka too, with settings for this machine, as kafka-tuned")
	memory := flag.Bool("kfake", false, "measure franz-go's kfake too, which keeps everything in memory")
	flag.StringVar(&b.reference, "reference", "", "folder to keep a copy of the results in, in the place of what is "+
		"there")
	parent := flag.String("dir", os.TempDir(), "folder on the disk to measure; what is made there is removed again")
	flag.Parse()
	b.rows = strings.Split(*rows, ",")
	if b.dir, err = os.MkdirTemp(*parent, "bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	b.gregor = filepath.Join(b.dir, "gregor")
	if err := node.Build(ctx, b.gregor); err != nil {
		return err
	}
	if b.libs, err = kafka.Libs(ctx, b.libs, "out"); err != nil {
		return err
	}
	b.properties = filepath.Join(b.dir, "kafka.properties")
	if err := os.WriteFile(b.properties, []byte(kafka.Text(properties)), 0o644); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.end()) }()
	if err := b.start(ctx, *tuned, *memory); err != nil {
		return err
	}
	return b.measure(ctx)
}

// measure warms Kafka, measures and draws.
func (b *bench) measure(ctx context.Context) error {
	if b.warm > 0 {
		fmt.Fprintln(os.Stderr, "warming Kafka")
		if err := b.warmUp(ctx); err != nil {
			return err
		}
	}
	measured := b.call(ctx, append(b.bench(b.rows, b.out, b.count), "--profile")...)
	if measured != nil && !b.noisy(measured) {
		return measured
	}
	if err := b.call(ctx, "report", b.out); err != nil || b.reference == "" {
		return errors.Join(measured, err)
	}
	return errors.Join(measured, keep(b.out, b.reference))
}

// noisy reports that rows could not be measured as often as they should, but that there are results all the same.
func (b *bench) noisy(err error) bool {
	const codeHarness = 4
	var ended *exec.ExitError
	return errors.As(err, &ended) && ended.ExitCode() == codeHarness
}

// bench returns the arguments that measure into a folder.
func (b *bench) bench(rows []string, out string, rounds int) []string {
	arguments := []string{
		"--count", strconv.Itoa(rounds), "--dir", b.dir, "--out", out, "--kafka-libs", b.libs,
		"--peer-command", "kafka=" + starter, "--recovery-log", b.recovery,
	}
	for _, p := range b.peers {
		arguments = append(arguments, "--peer", p.name+"="+p.address)
	}
	return slices.Concat([]string{"bench"}, rows, arguments)
}

// call runs gregor.
func (b *bench) call(ctx context.Context, arguments ...string) error {
	c := exec.CommandContext(ctx, b.gregor, arguments...)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	// It ends its brokers and removes their files and topics, which takes a moment and which a second signal would cut
	// short: that of the terminal goes to us alone.
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel, c.WaitDelay = func() error { return c.Process.Signal(os.Interrupt) }, time.Minute
	c.Env = append(os.Environ(), "KAFKA_LIBS="+b.libs, "KAFKA_PROPERTIES="+b.properties)
	if err := c.Run(); err != nil {
		return fmt.Errorf("gregor %s: %w", arguments[0], err)
	}
	return nil
}
