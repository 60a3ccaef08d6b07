package main

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
	"github.com/gregor-log/gregor/reports"
)

// benchHelp is the command's help.
const benchHelp = `
Measure gregor, in processes of its own with empty directories, beside the raw loop that bounds it and beside other
brokers of Kafka's protocol, which run already (--peer) or are started (--peer-command). All are measured in turn in
each round, with the same bytes from the same load generator; a round whose raw loop drifts by more than a tenth is
taken again. On brokers that run already only topics and groups are used, and deleted again, that this command created;
one that had no groups before keeps an empty __consumer_offsets.

Rows of stock clients have no raw loop. Those of Kafka's own clients need Java and Kafka's jars, and catch-up, which
drops the whole machine's page cache, needs root; suite leaves out what the machine lacks. A broker that refuses what a
row asks for is left out of that row.

Rows that start, kill or weigh a broker start all sides themselves. A program does that for other brokers: it is called
as "PROGRAM prepare DIR HOST:PORT" once, with an empty folder, to make that ready, which counts nowhere; then as
"PROGRAM run DIR HOST:PORT" to become the broker (a script ends in exec), which listens on the address, keeps all files
below DIR, and may be killed and run again there. A side without such a program is left out of these rows, and the row
says so. The program is used in all rows if there is no --peer of that name: then the broker is new and cold in each
sample of a produce row, and a JVM's figures are those of code that is not compiled yet.

On a terminal a line shows the last sample, how many are taken and about how long the rest takes; each row that has
ended leaves a line on stderr, on a terminal or not.

A folder keeps the run: run.json, the samples as benchstat reads them, latencies as HdrHistogram's plotter reads them,
results under the names of OpenMessaging's benchmark, profiles of gregor with --profile, and the sums of all files.
gregor report draws it, and gregor bench verify finds a folder that is not as it was written.

The exit code is 4 where a row could not be measured, or not as often as was asked for; a missed aim is no failure. A
run that is interrupted keeps the rows that it has measured.
`

func newBenchCommand() *cobra.Command {
	f := &benchRun{}
	c := &cobra.Command{
		Use:   "bench NAME...|suite",
		Short: "Measure brokers beside each other and beside raw loops",
		Long:  strings.TrimSpace(benchHelp),
		Example: "  gregor bench produce-large\n" +
			"  gregor bench suite --peer kafka=127.0.0.1:9092 --count 10 -o results\n  gregor report results",
		Args: arguments(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return f.run(c, args) },
	}
	flags := c.Flags()
	flags.StringArrayVar(&f.peers, "peer", nil, "another broker to measure, as `name=host:port`; repeatable")
	flags.StringArrayVar(&f.commands, "peer-command", nil,
		"how to start another broker, as `name=program`; repeatable")
	flags.IntVar(&f.rounds, "count", 10, "rounds of each row, fewer where a sample takes long")
	flags.StringVar(&f.dir, "dir", "", "`folder` on the disk to measure (default the system's for temporary files)")
	flags.StringVar(&f.recovery, "recovery-log", "10GiB", "`size` of the log that is recovered, at most a quarter of "+
		"the free disk and of the memory")
	flags.StringVar(&f.cold, "cold-log", "4GiB", "`size` of the log that each side reads from the disk, if there "+
		"is room for all of them twice")
	flags.StringVarP(&f.out, "out", "o", "", "`folder` for the results, which must be empty (default out/bench-TIME)")
	flags.BoolVar(&f.profile, "profile", false, "profile gregor's processor time in one more sample of each row")
	flags.StringVar(&f.libs, "kafka-libs", "",
		"`folder` of Kafka's jars, for the rows of its own clients (default $KAFKA_LIBS)")
	f.format = cli.AddFormat(c)
	f.progress = cli.AddProgress(c)
	c.AddCommand(newBenchListCommand(), newBenchVerifyCommand(), newBenchCompareCommand(), newBenchLoopCommand(),
		newBenchClientCommand(), newBenchStudyCommand())
	return c
}

// benchRun is gregor bench.
type benchRun struct {
	peers    []string
	commands []string
	rounds   int
	dir, out string
	profile  bool
	cold     string // as it was given
	coldSize int64
	recovery string // as it was given
	logSize  int64
	libs     string // of Kafka
	format   *cli.Choice
	progress *cli.ProgressFlags
}

// check refuses what can be refused before anything is measured.
func (f *benchRun) check() error {
	if err := checkRounds(f.rounds); err != nil {
		return err
	}
	address := func(value string) bool { return strings.Contains(value, ":") }
	if err := checkNamed("--peer", "host:port", f.peers, address); err != nil {
		return err
	}
	if err := checkNamed("--peer-command", "program", f.commands, func(v string) bool { return v != "" }); err != nil {
		return err
	}
	var err error
	if f.coldSize, err = sizeOf("--cold-log", f.cold); err != nil {
		return err
	}
	f.logSize, err = sizeOf("--recovery-log", f.recovery)
	return err
}

// sizeOf reads the value of a flag that says how large a log is.
func sizeOf(flag, given string) (int64, error) {
	const least = 1 << 20
	size, err := cli.ParseSize(given)
	if err == nil && size < least {
		err = fmt.Errorf("got %s, expected 1MiB at least", given)
	}
	if err != nil {
		return 0, cli.Usagef("%s: %v", flag, err)
	}
	return size, nil
}

// checkNamed checks the values of a flag, name=value each: a name may be given once.
func checkNamed(flag, what string, given []string, valid func(string) bool) error {
	seen := map[string]bool{
		result.Gregor: true, result.Limit: true, result.ClientAlone: true, result.OnePartition: true,
		result.Memory: true, result.Tmpfs: true,
	}
	for _, p := range given {
		name, value, ok := strings.Cut(p, "=")
		if !ok || name == "" || !valid(value) {
			return cli.Usagef("%s: got %q, expected name=%s", flag, p, what)
		}
		if strings.ContainsAny(name, "/\\ ") || seen[name] {
			return cli.Usagef("%s: got the name %q, expected one word that no other side has", flag, name)
		}
		seen[name] = true
	}
	return nil
}

func checkRounds(rounds int) error {
	const most = 1000
	if rounds < 1 || rounds > most {
		return cli.Usagef("--count: got %d, expected 1 to %d", rounds, most)
	}
	return nil
}

// print writes what was measured.
func (f *benchRun) print(c *cobra.Command, r *result.Run, dir string) error {
	if f.format.String() == cli.JSON {
		return cli.WriteJSON(c, map[string]any{
			"directory": dir, "rows": r.Rows, "cautions": append([]string{}, r.Cautions...),
		})
	}
	table := cli.NewTable("ROW", "SIDE", "MEDIAN", "95% INTERVAL", "GREGOR'S RATIO TO IT", "SERVER'S CPU", "CLIENT'S",
		"AIM")
	for _, m := range r.Rows {
		for _, s := range m.Sides {
			switch {
			case len(s.Samples) > 0:
				table.Add(sideCells(m, s)...)
			case s.Missing != "":
				table.Add(m.Row, s.Name, s.Missing, "-", "", "-", "-", "")
			}
		}
	}
	if err := table.Write(c.OutOrStdout()); err != nil {
		return err
	}
	for _, m := range r.Rows {
		if m.Failure != "" {
			fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", m.Row, m.Failure)
		}
		for _, note := range m.Remarks() {
			fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", m.Row, note)
		}
		for _, s := range m.Sides {
			if s.Missing != "" {
				fmt.Fprintf(c.OutOrStdout(), "%s: without %s: %s\n", m.Row, s.Name, s.Missing)
			}
		}
	}
	fmt.Fprintf(c.OutOrStdout(), "\n%s\n", dir)
	return nil
}

// sideCells is a line of the table.
func sideCells(m *result.Measurement, s *result.Side) []any {
	figure := result.IntervalOf(s.Figures())
	server, client, unit := m.CPU(s)
	ratio, aims := "", []string{}
	if r, ok := m.Ratio(s.Name); ok && s.IsRival() {
		ratio = result.RatioText(r)
	}
	for _, a := range m.Aims {
		if a.Side() == s.Name {
			aims = append(aims, fmt.Sprintf("%s: %s", m.AimText(a), m.Reached(a)))
		}
	}
	return []any{
		m.Row, s.Name, result.Number(figure.Median) + " " + result.UnitText(m.Unit),
		result.Number(figure.Low) + "-" + result.Number(figure.High), ratio, known(server, unit), known(client, unit),
		strings.Join(aims, "; "),
	}
}

// known writes a figure of processor time, or that it is not known.
func known(v float64, unit string) string {
	if math.IsNaN(v) {
		return "-"
	}
	return result.Number(v) + " " + unit
}

// newBenchVerifyCommand makes gregor bench verify.
func newBenchVerifyCommand() *cobra.Command {
	var format *cli.Choice
	c := &cobra.Command{
		Use:   "verify DIR",
		Short: "Check that a folder of results is as it was written, and agrees with itself",
		Args:  arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := result.ReadRun(args[0])
			if err != nil {
				return err
			}
			samples := 0
			for _, m := range r.Rows {
				for _, s := range m.Sides {
					samples += len(s.Samples)
				}
			}
			if format.String() == cli.JSON {
				return cli.WriteJSON(c, map[string]any{
					"ok": true, "rows": len(r.Rows), "samples": samples, "studies": len(r.Studies),
				})
			}
			if len(r.Studies) > 0 {
				fmt.Fprintf(c.OutOrStdout(), "ok: %d studies, begun %s\n", len(r.Studies), r.Began)
				return nil
			}
			fmt.Fprintf(c.OutOrStdout(), "ok: %d rows, %d samples, begun %s\n", len(r.Rows), samples, r.Began)
			return nil
		},
	}
	format = cli.AddFormat(c)
	return c
}

// newBenchCompareCommand makes gregor bench compare.
func newBenchCompareCommand() *cobra.Command {
	var format *cli.Choice
	c := &cobra.Command{
		Use:   "compare BEFORE AFTER",
		Short: "Tell what changed between the results in two folders",
		Args:  arguments(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, args []string) error {
			var runs [2]*result.Run
			for i, dir := range args {
				var err error
				if runs[i], err = result.ReadRun(dir); err != nil {
					return err
				}
			}
			return printChanges(c, result.Compare(runs[0], runs[1]), format)
		},
	}
	format = cli.AddFormat(c)
	return c
}

func printChanges(c *cobra.Command, changes []result.Change, format *cli.Choice) error {
	if format.String() == cli.JSON {
		var all []map[string]any
		for _, x := range changes {
			all = append(all, map[string]any{
				"row": x.Row, "side": x.Side, "before_" + x.Unit: x.Before.Median, "after_" + x.Unit: x.After.Median,
				"delta_percent": 100 * x.Delta(), "p": x.P, "certain": x.Certain,
			})
		}
		return cli.WriteJSON(c, map[string]any{"changes": all})
	}
	table := cli.NewTable("ROW", "SIDE", "BEFORE", "AFTER", "CHANGE")
	for _, x := range changes {
		change := "~"
		if x.Certain {
			change = fmt.Sprintf("%+.1f%%", 100*x.Delta())
		}
		unit := " " + result.UnitText(x.Unit)
		table.Add(x.Row, x.Side, result.Number(x.Before.Median)+unit, result.Number(x.After.Median)+unit,
			fmt.Sprintf("%s (p=%.3f n=%d+%d)", change, x.P, x.Rounds[0], x.Rounds[1]))
	}
	return table.Write(c.OutOrStdout())
}

// newReportCommand makes gregor report.
func newReportCommand() *cobra.Command {
	var file string
	var format *cli.Choice
	c := &cobra.Command{
		Use:     "report DIR",
		Short:   "Draw the results of gregor bench as one HTML page",
		Example: "  gregor bench suite -o results && gregor report results",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := result.ReadRun(args[0])
			if err != nil {
				return err
			}
			return writeReport(c, r, args[0], file, format)
		},
	}
	c.Flags().StringVarP(&file, "out", "o", "", "`file` of the page (default report.html in DIR; - for stdout)")
	format = cli.AddFormat(c)
	return c
}

func writeReport(c *cobra.Command, r *result.Run, dir, file string, format *cli.Choice) error {
	page, err := reports.Bench(r)
	if err != nil {
		return harness(err)
	}
	if file == "-" {
		return page.Render(c.OutOrStdout())
	}
	if file == "" {
		file = filepath.Join(dir, "report.html")
	}
	if err := writeFile(file, page.Render); err != nil {
		return err
	}
	if format.String() == cli.JSON {
		return cli.WriteJSON(c, map[string]any{"file": file})
	}
	fmt.Fprintln(c.OutOrStdout(), file)
	return nil
}
