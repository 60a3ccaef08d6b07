//go:build linux

package matrix

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"time"

	"github.com/gregor-log/gregor/bench/load"
)

// The lines with which the client's process tells when its window begins and ends; its result follows.
const (
	windowBegins = "begin"
	windowEnds   = "end"
)

// Tell runs a client in the process that a row has started for it, and writes for that row when its window begins, when
// it ends and what came of it.
func Tell(out io.Writer, w *load.Window, run func() (load.Result, error)) error {
	w.During = func() func() {
		fmt.Fprintln(out, windowBegins)
		return func() { fmt.Fprintln(out, windowEnds) }
	}
	r, err := run()
	if err != nil {
		return err
	}
	line, err := r.Encode()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\n", line)
	return err
}

// ErrClient reports a client's process that failed.
var ErrClient = fmt.Errorf("%w: stock client", load.ErrAnswer)

// franz has the client with franz-go work over the window.
func (s *stocked) franz(ctx context.Context, over load.Window) (load.Result, error) {
	what := "produce"
	more := []string{"--record-bytes", strconv.Itoa(s.work.record)}
	if s.work.fetches {
		what, more = "fetch", []string{"--records", strconv.FormatInt(s.records, 10)}
	}
	line := append(append([]string(nil), s.work.tools.Client...), what, "--address", s.address,
		"--topic", s.topic.name, "--warm", over.Warm.String(), "--for", over.For.String())
	cmd := exec.CommandContext(ctx, line[0], append(line[1:], more...)...)
	var diagnostics bytes.Buffer
	cmd.Stderr = &diagnostics
	out, err := cmd.StdoutPipe()
	if err != nil {
		return load.Result{}, err
	}
	if err := cmd.Start(); err != nil {
		return load.Result{}, err
	}
	last := follow(bufio.NewScanner(out), over.During)
	if err := cmd.Wait(); err != nil {
		return load.Result{}, fmt.Errorf("%w: %w: %s", ErrClient, err, bytes.TrimSpace(diagnostics.Bytes()))
	}
	return load.DecodeResult(last)
}

// follow reads what the client tells, has the window's hook called at both its ends, and returns the last line.
func follow(lines *bufio.Scanner, during func() func()) (last []byte) {
	const longest = 1 << 20 // the latencies of a run
	lines.Buffer(nil, longest)
	var end func()
	for lines.Scan() {
		switch line := lines.Text(); {
		case line == windowBegins && during != nil:
			end = during()
		case line == windowEnds && end != nil:
			end()
		default:
			last = []byte(line)
		}
	}
	return last
}

// run runs a tool from its start to its end with the window's hook around it, and returns what it printed and the
// processor time that it used.
func (s *stocked) run(ctx context.Context, during func() func(), tool string, arguments ...string) (string,
	time.Duration, error) {
	t := s.work.tools
	line := append([]string{"-cp", t.Libs + "/*", "org.apache.kafka.tools." + tool, "--bootstrap-server", s.address,
		"--topic", s.topic.name}, arguments...)
	cmd := exec.CommandContext(ctx, t.java(), line...)
	var diagnostics bytes.Buffer
	cmd.Stderr = &diagnostics
	end := func() {}
	if during != nil {
		end = during()
	}
	out, err := cmd.Output()
	end()
	if err != nil {
		return "", 0, fmt.Errorf("%w: %s: %w: %s%s", ErrClient, tool, err, out, diagnostics.Bytes())
	}
	return string(out), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}
