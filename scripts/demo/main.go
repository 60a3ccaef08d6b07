// Command demo takes real text through a real broker and back, in spite of kills, and shows on one page what it saw.
//
// It builds gregor, starts "gregor broker" on a fresh directory, and loads every .go file of the Go distribution's own
// source tree (or another folder's files, with --input) into two topics through franz-go: one record a line, once
// uncompressed and once with zstd, idempotent and acks=all, while the broker is killed with SIGKILL and started again.
// Then it reads everything back, rebuilds every file and compares its SHA-256, and has consumer groups read it too: one
// of three processes, of which one is killed in the middle, and a broadcast pair, with every record accounted for. It
// checks the broker's directory with "gregor log verify" and the run's history with "gregor verify", measures disk
// against memory, and runs simulated seeds. How a file becomes records and records a file again is said in lines.go.
//
// The page's path is the last line on stdout. The exit code is 0 if everything holds, 1 if anything does not (each on a
// line of its own on stderr), and 2 for a wrong command line.
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
	"strings"
	"syscall"
	"time"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/bench/study"
	"github.com/gregor-log/gregor/consistency/checker"
	"github.com/gregor-log/gregor/scripts/internal/chronicle"
	"github.com/gregor-log/gregor/scripts/internal/node"
)

// nodeID is the broker's node id.
const nodeID = base.NodeID(1)

// demo is one run.
type demo struct {
	options
	say    *progress
	bin    string
	input  *input
	broker *node.Node
	book   *chronicle.Chronicle
	found  findings
}

// options are the command line.
type options struct {
	// folder is the input, "" for the Go distribution's sources. out is where everything is written.
	folder, out string
	partitions  int
	kills       int
	seeds       string
	studyBytes  int64
	quiet, keep bool
}

// findings are what the run found.
type findings struct {
	loads     []*load
	readings  []*reading
	stored    []int64
	audience  *audience
	logVerify *printed
	verify    *printed
	report    *checker.Report
	figures   []study.Figure
	bench     *printed
	measured  *result.Run // nil if there is none to read
	sim       *printed
	seeds     []simulated
	failures  []failure
	shutdown  time.Duration
	version   string
	// loadAverage is that of the last minute before disk and memory were measured.
	loadAverage string
}

// failure is something that does not hold.
type failure struct{ where, text string }

// historyName is the name of the history in the output folder, pageName that of the page.
const (
	historyName = "history.jsonl"
	pageName    = "index.html"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == consumerWord {
		if err := consume(os.Stdin, os.Stdout, os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "consumer:", err)
			os.Exit(1)
		}
		return
	}
	d := &demo{}
	switch err := d.parse(os.Args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		return
	case errors.Is(err, errTold):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := d.run(ctx)
	stop()
	for _, f := range d.found.failures {
		fmt.Fprintf(os.Stderr, "FAILED   %s: %s\n", f.where, f.text)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
	}
	if err != nil || len(d.found.failures) > 0 {
		os.Exit(1)
	}
}

// errTold is a wrong command line of which everything has been said.
var errTold = errors.New("wrong command line")

// parse reads the command line.
func (d *demo) parse(args []string) error {
	f := flag.NewFlagSet("demo", flag.ContinueOnError)
	f.StringVar(&d.folder, "input", "", "`folder` of text to load instead of the Go distribution's .go files")
	f.StringVar(&d.out, "out", filepath.Join("bin", "demo"), "`folder` for the page, the history and the data")
	f.IntVar(&d.partitions, "partitions", 12, "partitions of each topic")
	f.IntVar(&d.kills, "kills", 2, "how often the broker is killed in each load")
	f.StringVar(&d.seeds, "seeds", "1-50", "seeds to simulate")
	f.Int64Var(&d.studyBytes, "study-bytes", 128<<20, "size of the files of disk against memory")
	f.BoolVar(&d.quiet, "no-progress", false, "show no progress bars, as with CI set or without a terminal")
	f.BoolVar(&d.keep, "keep", false, "keep the broker's data directory, which is removed if everything holds")
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		return err
	} else if err != nil {
		return errTold
	}
	if f.NArg() > 0 || d.partitions < 1 || d.partitions > 1000 || d.kills < 0 || d.kills > 100 {
		return fmt.Errorf("got arguments %q, %d partitions and %d kills, expected none, 1 to 1000 and 0 to 100",
			f.Args(), d.partitions, d.kills)
	}
	if info, err := os.Stat(d.folder); d.folder != "" && (err != nil || !info.IsDir()) {
		return fmt.Errorf("got input %q, expected a folder", d.folder)
	}
	return nil
}

// path returns the path of a file in the output folder.
func (d *demo) path(name string) string { return filepath.Join(d.out, name) }

// run does everything, in the order of the page.
func (d *demo) run(ctx context.Context) error {
	d.say = newProgress(d.quiet)
	if err := d.prepare(ctx); err != nil {
		return err
	}
	for _, part := range []func(context.Context) error{
		d.work, d.verifyLog, d.verifyHistory, d.study, d.bench, d.simulate, d.writePage,
	} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	if len(d.found.failures) > 0 || d.keep {
		fmt.Fprintf(os.Stderr, "the broker's directory stays: %s\n", d.broker.Data)
	} else if err := os.RemoveAll(filepath.Dir(d.broker.Data)); err != nil {
		return err
	}
	fmt.Println(d.path(pageName))
	return nil
}

// prepare builds gregor and looks at the input.
func (d *demo) prepare(ctx context.Context) error {
	out, err := filepath.Abs(d.out)
	if err != nil {
		return err
	}
	d.out, d.bin = out, filepath.Join(out, "gregor")
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	s := d.say.begin("build", -1)
	if err := node.Build(ctx, d.bin); err != nil {
		return err
	}
	version, err := d.tool(ctx, "version")
	if err != nil {
		return err
	}
	d.found.version = strings.Join(strings.Fields(firstLine(version.stdout)), " ")
	s.end("%s", d.found.version)
	return d.look(ctx)
}

// look scans the input.
func (d *demo) look(ctx context.Context) error {
	s := d.say.begin("look at the input", -1)
	root, goOnly := d.folder, d.folder == ""
	if goOnly {
		text, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
		if err != nil {
			return fmt.Errorf("go env GOROOT: %w", err)
		}
		root = filepath.Join(strings.TrimSpace(string(text)), "src")
	}
	// GOROOT may be a link, which a walk does not follow.
	root, err := filepath.EvalSymlinks(root)
	if err != nil {
		return err
	}
	if d.input, err = scan(ctx, root, d.out, goOnly, func(files int) { s.set(int64(files)) }); err != nil {
		return err
	}
	s.end("%d files, %d lines, %.1f MB", len(d.input.files), d.input.lines, float64(d.input.bytes)/1e6)
	return nil
}
