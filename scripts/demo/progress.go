package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress tells on stderr how far the demo is: a bar for what is under way on a terminal, and a line for each step
// that has ended.
type progress struct {
	out   io.Writer
	bars  bool
	began time.Time
	steps []stepTime
}

// stepTime is how long a step took.
type stepTime struct {
	name string
	took time.Duration
}

// newProgress shows bars if stderr is a terminal and neither asked nor told by the environment to be quiet.
func newProgress(quiet bool) *progress {
	bars := !quiet && os.Getenv("CI") == "" && term.IsTerminal(int(os.Stderr.Fd()))
	return &progress{out: os.Stderr, bars: bars, began: time.Now()}
}

// step is one step that is under way.
type step struct {
	of    *progress
	name  string
	began time.Time
	bar   *progressbar.ProgressBar
}

// begin begins a step. total is what set counts up to, or -1 if that is not known.
func (p *progress) begin(name string, total int64) *step {
	s := &step{of: p, name: name, began: time.Now()}
	switch {
	case !p.bars:
	case total < 0: // the module's spinner cannot be stopped
		fmt.Fprintf(p.out, "%s ...", name)
	default:
		s.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(p.out), progressbar.OptionSetDescription(name), progressbar.OptionSetWidth(30),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
			progressbar.OptionShowCount(), progressbar.OptionUseANSICodes(os.Getenv("NO_COLOR") == ""),
		)
	}
	return s
}

// set says how far the step is.
func (s *step) set(done int64) {
	if s.bar != nil {
		_ = s.bar.Set64(done) // a bar that cannot be drawn is no reason to stop
	}
}

// end ends the step with a line.
func (s *step) end(format string, args ...any) {
	switch {
	case s.bar != nil:
		_ = s.bar.Clear()
	case s.of.bars:
		fmt.Fprint(s.of.out, "\r\x1b[K")
	}
	took := time.Since(s.began)
	s.of.steps = append(s.of.steps, stepTime{s.name, took})
	fmt.Fprintf(s.of.out, "%6.1f s  %-18s %s\n", took.Seconds(), s.name, fmt.Sprintf(format, args...))
}
