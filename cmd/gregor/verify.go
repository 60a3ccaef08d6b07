package main

import (
	"fmt"
	"io"
	"os"
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
Judge a history of appends and reads (JSONL; - for stdin): did the broker keep what it acknowledged, and did every
reader see one and the same log? A sweep over offsets decides, and Porcupine is the second opinion.

The exit code is 0 for ok, 1 for a violation, 3 where nothing can be said, and 4 where there is no judgement: the file
is no history, or the two opinions contradict each other.
`

func newVerifyCommand() *cobra.Command {
	f := &verification{}
	c := &cobra.Command{
		Use:   "verify HISTORY",
		Short: "Judge a recorded history of appends and reads",
		Long:  strings.TrimSpace(verifyHelp),
		Args:  arguments(cobra.ExactArgs(1)),
		RunE:  func(c *cobra.Command, args []string) error { return f.run(c, args[0]) },
	}
	c.Flags().StringVar(&f.html, "html", "", "`file` to write Porcupine's page to")
	f.format = cli.AddFormat(c)
	f.progress = cli.AddProgress(c)
	return c
}

func (f *verification) run(c *cobra.Command, name string) error {
	in := io.NopCloser(c.InOrStdin())
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return harness(err)
		}
		in = file
	}
	defer in.Close()
	bar := f.progress.Start(c, "checking", 0)
	report, err := checker.Verify(in, checker.Options{Progress: func(done, total int) {
		bar.SetTotal(int64(total))
		bar.Set(int64(done))
	}})
	bar.End()
	if err != nil {
		return harness(fmt.Errorf("verify %s: %w", name, err))
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
