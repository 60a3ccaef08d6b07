//go:build !linux

package main

import (
	"errors"

	"github.com/spf13/cobra"
)

// errLinux says why there is no bench.
var errLinux = errors.New("gregor bench measures with what Linux alone has; verify and report work here as well")

func newBenchListCommand() *cobra.Command {
	return onlyLinux("list", "List the rows that can be measured, and the studies")
}

func newBenchLoopCommand() *cobra.Command {
	c := onlyLinux("loop", "Run a raw loop")
	c.Hidden = true
	return c
}

func newBenchClientCommand() *cobra.Command {
	c := onlyLinux("client", "Produce or consume with franz-go")
	c.Hidden = true
	return c
}

func onlyLinux(use, short string) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, RunE: func(*cobra.Command, []string) error { return harness(errLinux) },
	}
}

func (f *benchRun) run(*cobra.Command, []string) error { return harness(errLinux) }

func (f *benchStudy) run(*cobra.Command, []string) error { return harness(errLinux) }
