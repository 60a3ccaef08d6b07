// Command gregor is a Kafka wire-compatible broker with its tools: one static binary. "gregor dev" starts a broker with
// nothing to configure, "gregor broker -c server.properties" one with Kafka's own properties; the other commands
// produce and consume, manage topics, look into log directories offline and check what was recorded.
//
// Each file holds one command, made by a function newXCommand that the list in root.go names. What all commands keep to
// (streams, exit codes, JSON, environment variables) is in internal/cli. gregor is not affiliated with the Apache
// Software Foundation.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

func main() {
	ctx, stop := onSignal(context.Background())
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run runs one command and returns its exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	c, err := root.ExecuteContextC(ctx)
	var by *interrupted
	if err != nil && errors.As(context.Cause(ctx), &by) && cli.Code(err) == cli.CodeFailed &&
		!errors.Is(err, errUnclean) {
		return by.code()
	}
	if err != nil && !cli.Silent(err) {
		fmt.Fprintf(errs, "gregor: %v\n", err)
		if cli.Code(err) == cli.CodeUsage {
			fmt.Fprintf(errs, "Run '%s --help' for how it is used.\n", c.CommandPath())
		}
	}
	return cli.Code(err)
}

// interrupted is the cause of a context that a signal ended.
type interrupted struct{ signal os.Signal }

// Error names the signal.
func (i *interrupted) Error() string {
	return "interrupted: " + i.signal.String()
}

// code returns the exit code of a command that the signal ended: 130 for SIGINT, 143 for SIGTERM.
func (i *interrupted) code() int {
	number, _ := i.signal.(syscall.Signal)
	return cli.CodeSignal + int(number)
}

// onSignal returns a context that the first SIGINT or SIGTERM ends. A second one ends the process at once.
func onSignal(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		for s := range signals {
			by := &interrupted{s}
			if ctx.Err() != nil {
				os.Exit(by.code())
			}
			cancel(by)
		}
	}()
	return ctx, func() { signal.Stop(signals) }
}
