package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// studyHelp is the help of gregor bench study.
const studyHelp = `
Study what a log on disk costs, and why:

  jacobs     values of four bytes a second from disk and memory, in order and at random, beside those of 2009
  stores     a log on the disk, on tmpfs and in memory: by durability, record size and partitions
  flatness   appends, lookups and opening of logs of 1 GB to 1 TB (sparse files), with the slope of time over size
  zero-copy  sendfile, read and write, and splice: processor time for a GB, and the rate
  loops      the raw loops in Go and in C, in turn with one client: what Go costs

Each figure is taken in every round, all of them in turn. The folder of the results is as gregor bench writes it:
gregor report draws it, and gregor bench verify finds one that is not as it was written. The exit code is 4 where
something could not be measured.
`

func newBenchStudyCommand() *cobra.Command {
	f := &benchStudy{}
	c := &cobra.Command{
		Use:     "study NAME...|all",
		Short:   "Study what a log on disk costs, and why",
		Long:    strings.TrimSpace(studyHelp),
		Example: "  gregor bench study stores flatness --count 5 -o results\n  gregor report results",
		Args:    arguments(cobra.MinimumNArgs(1)),
		RunE:    func(c *cobra.Command, args []string) error { return f.run(c, args) },
	}
	flags := c.Flags()
	flags.IntVar(&f.rounds, "count", 10, "rounds of each study")
	flags.StringVar(&f.dir, "dir", "", "`folder` on the disk to study (default the system's for temporary files)")
	flags.StringVarP(&f.out, "out", "o", "", "`folder` for the results, which must be empty (default out/bench-TIME)")
	f.format = cli.AddFormat(c)
	f.progress = cli.AddProgress(c)
	return c
}

// benchStudy is gregor bench study.
type benchStudy struct {
	rounds   int
	dir, out string
	format   *cli.Choice
	progress *cli.ProgressFlags
}

// print writes what was found.
func (f *benchStudy) print(c *cobra.Command, r *result.Run) error {
	if f.format.String() == cli.JSON {
		return cli.WriteJSON(c, map[string]any{
			"directory": f.out, "studies": r.Studies, "cautions": append([]string{}, r.Cautions...),
		})
	}
	out := c.OutOrStdout()
	for _, s := range r.Studies {
		fmt.Fprintf(out, "%s: %s\n", s.Name, s.What)
		for _, p := range s.Panels {
			fmt.Fprintf(out, "\n%s\n", p.Title)
			if err := panelTable(p).Write(out); err != nil {
				return err
			}
			for _, x := range p.Slopes {
				fmt.Fprintf(out, "slope of %s: %.4f (%.4f to %.4f)\n", x.Series, x.Slope, x.Low, x.High)
			}
		}
		for _, failure := range s.Failures() {
			fmt.Fprintf(out, "not measured: %s\n", failure)
		}
		fmt.Fprintln(out)
	}
	fmt.Fprintln(out, f.out)
	return nil
}

// panelTable is a panel's figures, a line each.
func panelTable(p *result.Panel) *cli.Table {
	table := cli.NewTable("OF", "BY", "MEDIAN", "95% INTERVAL", "SAMPLES")
	for _, x := range p.Points {
		if len(x.Samples) == 0 {
			continue
		}
		figure := x.Interval()
		spread, samples := result.Number(figure.Low)+"-"+result.Number(figure.High), fmt.Sprint(len(x.Samples))
		if x.Published {
			spread, samples = "-", "published"
		}
		table.Add(x.Group, x.Series, result.Number(figure.Median)+" "+result.UnitText(p.Unit), spread, samples)
	}
	return table
}
