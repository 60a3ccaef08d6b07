package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/gregor-log/gregor/bench/limit"
	"github.com/gregor-log/gregor/bench/matrix"
	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/bench/study"
	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// newBenchListCommand makes gregor bench list.
func newBenchListCommand() *cobra.Command {
	var format *cli.Choice
	c := &cobra.Command{
		Use:   "list",
		Short: "List the rows that can be measured, and the studies",
		Args:  arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			var rows, studies []named
			for _, r := range matrix.Rows() {
				rows = append(rows, named{Name: r.Name, About: r.What})
			}
			for _, s := range study.Subjects() {
				studies = append(studies, named{Name: s.Name, About: s.What})
			}
			if format.String() == cli.JSON {
				return cli.WriteJSON(c, map[string]any{"rows": rows, "studies": studies})
			}
			if err := listNamed(c, "ROW", rows); err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout())
			return listNamed(c, "STUDY", studies)
		},
	}
	format = cli.AddFormat(c)
	return c
}

// listNamed writes a table of what can be measured, below a heading of its own.
func listNamed(c *cobra.Command, heading string, all []named) error {
	table := cli.NewTable(heading, "WHAT IS DONE")
	for _, n := range all {
		table.Add(n.Name, n.About)
	}
	return table.Write(c.OutOrStdout())
}

// run is gregor bench NAME.
func (f *benchRun) run(c *cobra.Command, names []string) error {
	if err := f.check(); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return harness(err)
	}
	tools := matrix.Tools{Client: []string{self, "bench", "client"}, Libs: cmp.Or(f.libs, os.Getenv("KAFKA_LIBS"))}
	rows, err := findRows(c, names, tools)
	if err != nil {
		return err
	}
	dir, r, err := newRun(c, "gregor bench", self, &f.out, f.dir)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	limits(c.Context(), r, dir, func(l *result.Limited) *float64 { return &l.Before })
	ended := f.measure(c, r, rows, f.options(self, dir, tools))
	if ended == nil {
		limits(c.Context(), r, dir, func(l *result.Limited) *float64 { return &l.After })
		ended = context.Cause(c.Context())
	}
	if ended != nil && len(r.Rows) == 0 {
		return ended
	}
	for i := range r.Limits {
		if ended != nil && r.Limits[i].Failure == "" {
			r.Limits[i].Failure = "the run was ended before it was measured again"
		}
	}
	if err := r.Write(f.out); err != nil {
		return harness(errors.Join(ended, err))
	}
	if ended != nil {
		cli.Notef(c, "gregor: %v; %d of %d rows are kept in %s", ended, len(r.Rows), len(rows), f.out)
		return ended
	}
	if err := f.print(c, r, f.out); err != nil {
		return err
	}
	if slices.ContainsFunc(r.Rows, func(m *result.Measurement) bool { return m.Failure != "" }) {
		return cli.Exit(cli.CodeHarness)
	}
	return nil
}

// findRows finds the rows of all names. What the machine has no tools for is left out of suite, and said; a row that
// was named is not.
func findRows(c *cobra.Command, names []string, tools matrix.Tools) ([]*matrix.Row, error) {
	var rows []*matrix.Row
	for _, name := range names {
		found, err := matrix.Find(name)
		if err != nil {
			return nil, cli.Usage(err)
		}
		for _, r := range found {
			if err := r.Lacks(tools); err != nil && len(found) > 1 {
				fmt.Fprintf(c.ErrOrStderr(), "%s is left out: %v\n", r.Name, err)
				continue
			}
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// newRun begins a run of this program: with a folder for what is written meanwhile, which the caller removes, and a
// default for the folder of the results.
func newRun(c *cobra.Command, command, self string, out *string, parent string) (dir string, r *result.Run,
	err error) {
	began := time.Now().UTC()
	if *out == "" {
		*out = filepath.Join("out", "bench-"+began.Format("20060102-150405"))
	}
	r = &result.Run{
		Command: command, Version: result.Version, Arguments: os.Args[1:], Began: began.Format(time.RFC3339),
	}
	if r.Binary, err = sumOf(self); err != nil {
		return "", nil, harness(err)
	}
	if dir, err = os.MkdirTemp(parent, "gregor-bench-"); err != nil {
		return "", nil, harness(err)
	}
	r.Machine, r.Cautions = result.Machine(dir).Map(), result.Cautions()
	for _, caution := range r.Cautions {
		cli.Notef(c, "gregor: %s", caution)
	}
	return dir, r, nil
}

// limits takes what the machine alone can do. A loop that cannot run here has its reason with it.
func limits(ctx context.Context, r *result.Run, dir string, figure func(*result.Limited) *float64) {
	const each = 300 * time.Millisecond
	for i, l := range limit.Loops() {
		if i == len(r.Limits) {
			r.Limits = append(r.Limits, result.Limited{Name: l.Name, What: l.What, Bounds: l.Bounds, Unit: l.Unit})
		}
		got, err := l.Run(ctx, dir, each)
		if err != nil {
			r.Limits[i].Failure = err.Error()
		}
		*figure(&r.Limits[i]) = got
	}
}

// measure takes all rows.
func (f *benchRun) measure(c *cobra.Command, r *result.Run, rows []*matrix.Row, o matrix.Options) error {
	var planned []int
	for _, row := range rows {
		planned = append(planned, row.Samples(o))
	}
	w := f.watch(c, planned)
	defer w.bar.End()
	o.Progress = w.step
	for _, row := range rows {
		w.begin(row.Name)
		m, err := matrix.Measure(c.Context(), row, o)
		if err != nil {
			return err // it was interrupted
		}
		w.ended(m)
		r.Rows = append(r.Rows, m)
	}
	return nil
}

// options names the sides: this program as a broker, the peers that were named, and this program as a raw loop.
func (f *benchRun) options(self, dir string, tools matrix.Tools) matrix.Options {
	o := matrix.Options{
		Dir: dir, Rounds: f.rounds, ColdBytes: f.coldSize, LogBytes: f.logSize, Tools: tools,
		Peers: append([]peer.Peer{gregorPeer(self, "")}, f.others()...),
	}
	if f.profile {
		o.Profiled = func(admin string) peer.Peer {
			return gregorPeer(self, fmt.Sprintf("gregor.admin.listener=%s\ngregor.admin.pprof=true\n", admin))
		}
	}
	o.Memory = peer.Peer{Name: result.Memory, Command: func(_, address string) ([]string, error) {
		_, port, err := net.SplitHostPort(address) // gregor dev listens on the loopback device too
		return []string{self, "dev", "--data", memoryData, "--port", port}, err
	}}
	o.Loop = loopOf(self)
	return o
}

// loopOf makes this program, in a process of its own, a raw loop.
func loopOf(self string) func(arguments func(dir string) ([]string, error)) peer.Peer {
	return func(arguments func(dir string) ([]string, error)) peer.Peer {
		return peer.Peer{Name: result.Limit, Command: func(dir, address string) ([]string, error) {
			more, err := arguments(dir)
			return append([]string{self, "bench", "loop", "--address", address}, more...), err
		}}
	}
}

// gregorPeer is this program as a broker, with properties besides those of its folder and its address.
func gregorPeer(self, properties string) peer.Peer {
	return peer.Peer{Name: result.Gregor, Command: func(dir, address string) ([]string, error) {
		file := filepath.Join(dir, "server.properties")
		text := fmt.Sprintf("listeners=PLAINTEXT://%s\nlog.dirs=%s\n%s", address, filepath.Join(dir, "log"),
			properties)
		return []string{self, "broker", "-c", file}, os.WriteFile(file, []byte(text), 0o644)
	}}
}

// others are the peers that were named, with the addresses and the programs of each.
func (f *benchRun) others() []peer.Peer {
	var all []peer.Peer
	for _, p := range f.peers {
		name, address, _ := strings.Cut(p, "=")
		all = append(all, peer.Peer{Name: name, Address: address})
	}
	for _, p := range f.commands {
		name, program, _ := strings.Cut(p, "=")
		started := peer.Program(name, program)
		at := slices.IndexFunc(all, func(p peer.Peer) bool { return p.Name == name })
		if at < 0 {
			all = append(all, started)
			continue
		}
		started.Address = all[at].Address
		all[at] = started
	}
	return all
}

func sumOf(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	return hex.EncodeToString(sum.Sum(nil)), err
}

// newBenchLoopCommand makes gregor bench loop, which gregor bench starts.
func newBenchLoopCommand() *cobra.Command {
	const fileBytes = 1 << 30 // segment.bytes, Kafka's default
	o := limit.Options{FileBytes: fileBytes}
	var address, built string
	c := &cobra.Command{
		Use:    "loop",
		Short:  "Run a raw loop: the work that no broker can leave out, and nothing else",
		Hidden: true,
		Args:   arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, cancel := context.WithCancel(c.Context())
			defer cancel()
			if o.Kind.Native() {
				return runNative(ctx, address, built, o)
			}
			s, err := limit.Serve(ctx, address, o)
			if err != nil {
				return harness(err)
			}
			<-ctx.Done()
			s.Wait()
			return nil
		},
	}
	flags := c.Flags()
	flags.StringVar(&address, "address", "127.0.0.1:0", "address to listen on")
	flags.StringVar((*string)(&o.Kind), "kind", "", "which loop")
	flags.StringVar(&o.Dir, "dir", "", "folder for files")
	flags.BoolVar(&o.Flush, "flush", false, "sync a file when it is left for the next")
	flags.IntVar(&o.Files, "files", 0, "files of a loop that syncs (default one)")
	flags.IntVar(&o.AckBytes, "ack-bytes", 0, "size of an answer (default that of a Produce response)")
	flags.StringVar(&built, "built", "", "folder for programs in C (default that for files)")
	flags.StringVar(&o.Source.Path, "source", "", "file to send from")
	flags.StringVar(&o.Source.Topic, "topic", "", "topic that responses name")
	flags.Int64Var(&o.Source.BatchBytes, "batch-bytes", 0, "size of each batch in the source")
	flags.Int64Var(&o.Source.BatchRecords, "batch-records", 0, "records of each batch in the source")
	flags.Int64Var(&o.Source.SpanBytes, "span-bytes", 0, "bytes to send a request")
	return c
}

// runNative turns this process into a loop in C.
func runNative(ctx context.Context, address, built string, o limit.Options) error {
	command, err := limit.NativeCommand(ctx, address, o, cmp.Or(built, o.Dir))
	if err != nil {
		return harness(err)
	}
	return harness(unix.Exec(command[0], command, os.Environ()))
}
