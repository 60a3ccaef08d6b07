package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gregor-log/gregor/cmd/gregor/internal/audit"
	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
	"github.com/gregor-log/gregor/core/vfs"
)

// logVerify is gregor log verify.
type logVerify struct {
	deep, repair, yes, dry bool
	format                 *cli.Choice
	progress               *cli.ProgressFlags
}

// logVerifyHelp is the command's help.
const logVerifyHelp = `
Check a log directory, or the directory of one partition, that no broker uses: the CRC of every batch, that offsets
are dense and ascend, that indexes agree with their logs, snapshots, leader epochs and checkpoints. After an unclean
stop it is checked as the broker's recovery would leave it. The exit code is 1 if anything is wrong.

--repair cuts damaged logs off at the first damage, says what is lost with it, and makes indexes and producer state
anew; it asks before, unless --yes is given. --repair --dry-run says what it would do.
`

func newLogVerifyCommand() *cobra.Command {
	f := &logVerify{}
	c := &cobra.Command{
		Use:     "verify PATH",
		Short:   "Check a log directory, or one partition's, that no broker uses",
		Long:    strings.TrimSpace(logVerifyHelp),
		Example: "  gregor log verify data\n  gregor log verify data --repair --dry-run",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE:    func(c *cobra.Command, args []string) error { return f.run(c, args[0]) },
	}
	c.Flags().BoolVar(&f.deep, "deep", false, "look into every batch, inflating compressed ones")
	c.Flags().BoolVar(&f.repair, "repair", false, "cut damaged logs off at the damage")
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "repair without asking")
	c.Flags().BoolVar(&f.dry, "dry-run", false, "with --repair: say what would be lost, and change nothing")
	f.format = cli.AddFormat(c)
	f.progress = cli.AddProgress(c)
	return c
}

// verified is what gregor log verify prints as JSON.
type verified struct {
	*audit.Report
	Repaired []audit.Repaired `json:"repaired,omitempty"`
	DryRun   bool             `json:"dry_run,omitempty"`
}

func (f *logVerify) run(c *cobra.Command, name string) error {
	if f.dry && !f.repair {
		return cli.Usagef("--dry-run goes with --repair: without that nothing is changed")
	}
	var bar *cli.Progress
	a, err := audit.Open(vfs.NewOS(), name, audit.Options{
		Deep: f.deep, Wall: time.Now().UnixMilli(),
		Begin:    func(n int64) { bar = f.progress.StartBytes(c, "verifying", n) },
		Progress: func(n int64) { bar.Add(n) },
	})
	if errors.Is(err, audit.ErrNoLogDir) {
		return cli.Usage(err)
	}
	if err != nil {
		return err
	}
	defer a.Close()
	found := verified{DryRun: f.dry}
	if found.Report, err = a.Check(); err != nil {
		return err
	}
	bar.End()
	if f.repair && found.Count > 0 {
		if err := f.mend(c, a, &found); err != nil {
			return err
		}
	}
	if err := f.print(c, found); err != nil {
		return err
	}
	if found.Count > 0 {
		return cli.Exit(cli.CodeFailed)
	}
	return nil
}

// mend repairs what was found, if the operator says so, and checks again.
func (f *logVerify) mend(c *cobra.Command, a *audit.Auditor, found *verified) error {
	if !f.dry && !f.yes {
		for _, p := range found.Partitions {
			writePartition(c.ErrOrStderr(), p)
		}
		if err := confirm(c, "Cut these logs off at the damage? What lies behind it is lost for good."); err != nil {
			return err
		}
	}
	var err error
	if found.Repaired, err = a.Repair(found.Report, f.dry); err != nil || f.dry {
		return err
	}
	found.Report, err = a.Check()
	return err
}

func (f *logVerify) print(c *cobra.Command, found verified) error {
	if f.format.String() == cli.JSON {
		return cli.WriteJSON(c, found)
	}
	out := c.OutOrStdout()
	verb := map[bool]string{true: "would repair", false: "repaired"}[f.dry]
	for _, r := range found.Repaired {
		switch {
		case r.Error != "":
			fmt.Fprintf(out, "not repaired %s: %s\n", r.Dir, r.Error)
		case r.Lost != "":
			fmt.Fprintf(out, "%s %s: %d bytes from offset %d on are lost: %s\n", verb, r.Dir, r.LostBytes, r.LostFrom,
				r.Lost)
		default:
			fmt.Fprintf(out, "%s %s: nothing is lost\n", verb, r.Dir)
		}
	}
	var size int64
	for _, p := range found.Partitions {
		writePartition(out, p)
		size += p.SizeBytes
	}
	for _, p := range found.Problems {
		fmt.Fprintf(out, "%s: %s: %s\n", found.Path, p.Kind, p.Text)
	}
	stop := map[bool]string{true: "a clean stop", false: "an unclean stop"}[found.Clean]
	_, err := fmt.Fprintf(out, "%d partitions, %s, after %s: %s\n", len(found.Partitions), cli.FormatSize(size), stop,
		countProblems(found.Count))
	return err
}

// writePartition prints what was found of one partition.
func writePartition(w io.Writer, p audit.Partition) {
	offsets := fmt.Sprintf("offsets %d..%d", p.Start, p.End-1)
	if p.Start == p.End {
		offsets = fmt.Sprintf("empty at offset %d", p.End)
	}
	fmt.Fprintf(w, "%s  %s, %d records in %d batches and %d segments, %s: %s\n", p.Dir, offsets, p.Records, p.Batches,
		p.Segments, cli.FormatSize(p.SizeBytes), countProblems(p.Count))
	for _, problem := range p.Problems {
		fmt.Fprintf(w, "    %s: %s\n", problem.Kind, problem.Text)
	}
	if more := p.Count - len(p.Problems); more > 0 {
		fmt.Fprintf(w, "    and %d more\n", more)
	}
	for _, note := range p.Notes {
		fmt.Fprintf(w, "    note: %s\n", note)
	}
}

func countProblems(n int) string {
	switch n {
	case 0:
		return "ok"
	case 1:
		return "1 problem"
	}
	return fmt.Sprintf("%d problems", n)
}
