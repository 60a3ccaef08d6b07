package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
	"github.com/gregor-log/gregor/consistency/checker"
)

// verification is gregor verify.
type verification struct {
	format   *cli.Choice
	html     string
	progress *cli.ProgressFlags
}

// verifyHelp is the command's help.
const verifyHelp = `
Judge histories of appends, reads and committed offsets (JSONL; - for stdin; of a folder all files that end in .jsonl):
did the broker keep what it acknowledged, and did every reader see one and the same log? A sweep over offsets decides,
and Porcupine is the second opinion. Of what groups have committed Porcupine decides.

The exit code is 0 for ok, 1 for a violation, 3 where nothing can be said, and 4 where there is no judgement: a file is
no history, or the two opinions contradict each other. Of several histories a violation counts most, then what has no
judgement.
`

func newVerifyCommand() *cobra.Command {
	f := &verification{}
	c := &cobra.Command{
		Use:   "verify HISTORY...",
		Short: "Judge recorded histories of appends and reads",
		Long:  strings.TrimSpace(verifyHelp),
		Example: "  gregor verify run.jsonl --html run.html\n" +
			"  gregor sim run --seeds 1-100 --history runs && gregor verify runs",
		Args: arguments(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return f.run(c, args) },
	}
	c.Flags().StringVar(&f.html, "html", "", "`file` to write Porcupine's page to; of one history")
	f.format = cli.AddFormat(c)
	f.progress = cli.AddProgress(c)
	return c
}

func (f *verification) run(c *cobra.Command, args []string) error {
	names, err := historiesIn(args)
	if err != nil {
		return harness(err)
	}
	if len(names) == 1 {
		return f.one(c, names[0])
	}
	if f.html != "" {
		return cli.Usagef("--html is of one history, got %d", len(names))
	}
	return f.many(c, names)
}

// historiesIn returns the histories that arguments name: files as they are, of folders what they hold.
func historiesIn(args []string) ([]string, error) {
	var names []string
	for _, arg := range args {
		if info, err := os.Stat(arg); arg == "-" || err != nil || !info.IsDir() {
			names = append(names, arg) // an error is told when it is opened
			continue
		}
		found, err := filepath.Glob(filepath.Join(arg, "*.jsonl"))
		if err == nil && len(found) == 0 {
			err = fmt.Errorf("%s: got no file that ends in .jsonl, expected histories", arg)
		}
		if err != nil {
			return nil, err
		}
		names = append(names, found...)
	}
	return names, nil
}

// one judges one history, and tells all about it.
func (f *verification) one(c *cobra.Command, name string) error {
	bar := f.progress.Start(c, "checking", 0)
	report, err := judge(c, name, func(done, total int) {
		bar.SetTotal(int64(total))
		bar.Set(int64(done))
	})
	bar.End()
	if err != nil {
		return harness(err)
	}
	if f.html != "" {
		if err := writeFile(f.html, report.WriteHTML); err != nil {
			return harness(err)
		}
	}
	if f.format.String() == cli.JSON {
		err = cli.WriteJSON(c, report)
	} else {
		_, err = io.WriteString(c.OutOrStdout(), report.Text())
	}
	if err != nil {
		return harness(err)
	}
	return cli.Exit(report.Verdict.ExitCode())
}

// judge reads and judges the history of a name, - being stdin.
func judge(c *cobra.Command, name string, progress func(done, total int)) (*checker.Report, error) {
	in := io.NopCloser(c.InOrStdin())
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		in = file
	}
	defer in.Close()
	report, err := checker.Verify(in, checker.Options{Progress: progress})
	if err != nil {
		return nil, fmt.Errorf("verify %s: %w", name, err)
	}
	return report, nil
}

// judged is one of many histories as JSON.
type judged struct {
	History string `json:"history"`
	*checker.Report
	Error string `json:"error,omitempty"`
}

// many judges histories one after the other, and tells of each what its verdict is.
func (f *verification) many(c *cobra.Command, names []string) error {
	verdicts := make(map[checker.Verdict]int)
	bar := f.progress.Start(c, "checking", int64(len(names)))
	for _, name := range names {
		if c.Context().Err() != nil {
			return context.Cause(c.Context())
		}
		one := judged{History: name}
		var err error
		if one.Report, err = judge(c, name, nil); err != nil {
			one.Report, one.Error = &checker.Report{Verdict: checker.HarnessFailed}, err.Error()
		}
		verdicts[one.Verdict]++
		if f.format.String() == cli.JSON {
			err = cli.WriteJSON(c, one)
		} else {
			_, err = io.WriteString(c.OutOrStdout(), one.text())
		}
		if err != nil {
			return harness(err)
		}
		bar.Add(1)
	}
	bar.End()
	if f.format.String() != cli.JSON {
		fmt.Fprintf(c.OutOrStdout(), "%d histories: %d ok, %d violations, %d inconclusive, %d without a judgement\n",
			len(names), verdicts[checker.OK], verdicts[checker.Violation], verdicts[checker.Inconclusive],
			verdicts[checker.HarnessFailed])
	}
	for _, worst := range []checker.Verdict{checker.Violation, checker.HarnessFailed, checker.Inconclusive} {
		if verdicts[worst] > 0 {
			return cli.Exit(worst.ExitCode())
		}
	}
	return nil
}

// text writes the verdict on one line, and below it what led to it.
func (j *judged) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", j.History, j.Verdict)
	for _, finding := range j.Findings {
		fmt.Fprintf(&b, "  %s: %s: %s\n", finding.Name, finding.Place(), finding.Detail)
	}
	for _, lines := range [][]string{j.Reasons, j.Disagreements} {
		for _, line := range lines {
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	if j.Error != "" {
		fmt.Fprintf(&b, "  %s\n", j.Error)
	}
	return b.String()
}

// harness gives an error the exit code that says that there is no judgement.
func harness(err error) error {
	return &cli.Error{Code: cli.CodeHarness, Err: err}
}

// writeFile has write fill a file.
func writeFile(name string, write func(io.Writer) error) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	err = write(file)
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}
