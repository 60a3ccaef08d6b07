package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// goTests runs a compiled Go test binary and collects what became of its tests.
type goTests struct {
	// json2 is the program test2json, binary the tests.
	json2, binary string
	dir           string
	env           []string
	// parent is the test whose sub-tests the names are; "" for tests.
	parent string
	// skip is a pattern of tests to leave out; "" for none.
	skip string
	// limit is how long all may take in one process, each how long one may in a process of its own.
	limit, each time.Duration
	// log takes all output.
	log io.Writer
}

// mostAlone bounds how many tests without a verdict are run alone after a process that did not come to its end.
const mostAlone = 40

// testEvent is what test2json says of a test.
type testEvent struct {
	Action, Test, Output string
	Elapsed              float64
}

// run runs the tests of these names in one process; those that it leaves without a verdict, since one of them panicked
// or hung, once more alone. It returns what became of each test and sub-test.
func (g *goTests) run(ctx context.Context, names []string) (map[string]*outcome, error) {
	began := time.Now()
	all, err := g.process(ctx, names, g.limit)
	if err != nil {
		return nil, err
	}
	alone := 0
	for _, name := range names {
		if o := all[g.path(name)]; o != nil && o.verdict != "" {
			continue
		}
		if alone++; alone > mostAlone || time.Since(began) > 2*g.limit {
			break
		}
		again, err := g.process(ctx, []string{name}, g.each)
		if err != nil {
			return nil, err
		}
		for test, o := range again {
			all[test] = o
		}
	}
	spread(all)
	return all, nil
}

func (g *goTests) path(name string) string {
	if g.parent == "" {
		return name
	}
	return g.parent + "/" + name
}

// process runs tests in one process, for so long at most.
func (g *goTests) process(ctx context.Context, names []string, limit time.Duration) (map[string]*outcome, error) {
	const grace = 30 * time.Second // the tests themselves watch the limit
	limited, cancel := context.WithTimeout(ctx, limit+grace)
	defer cancel()
	pattern := alternatives(names)
	if g.parent != "" {
		pattern = exactly(g.parent) + "/" + pattern
	}
	args := []string{"-t", g.binary, "-test.v=test2json", "-test.timeout=" + limit.String(), "-test.run", pattern}
	if g.skip != "" {
		args = append(args, "-test.skip", g.skip)
	}
	cmd := exec.CommandContext(limited, g.json2, args...)
	cmd.Dir, cmd.Env, cmd.Stderr = g.dir, g.env, os.Stderr
	inGroup(cmd)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	found := collect(out, g.log)
	_ = cmd.Wait() // tests that fail end it with a code; what has no verdict is seen as such
	fmt.Fprintf(g.log, "--- %d tests ran, %v\n", len(names), cmd.ProcessState)
	return found, context.Cause(ctx)
}

// inGroup has a process and all that it starts end with its context.
func inGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
}

// collect reads the events of tests. A test that began and did not end has no verdict.
func collect(from io.Reader, log io.Writer) map[string]*outcome {
	found := make(map[string]*outcome)
	in := bufio.NewReader(from)
	for {
		line, err := in.ReadBytes('\n')
		var e testEvent
		if json.Unmarshal(line, &e) == nil {
			note(found, &e, log)
		}
		if err != nil {
			return found
		}
	}
}

// mostText bounds what is kept of a test's output.
const mostText = 256 << 10

func note(found map[string]*outcome, e *testEvent, log io.Writer) {
	if e.Action == "output" {
		_, _ = io.WriteString(log, e.Output) // what it printed is also kept with the test
	}
	if e.Test == "" {
		return
	}
	o := found[e.Test]
	if o == nil {
		o = &outcome{name: e.Test}
		found[e.Test] = o
	}
	switch e.Action {
	case "output":
		if len(o.text) < mostText {
			o.text += e.Output
		}
	case "pass", "fail", "skip":
		if o.verdict == "" {
			o.verdict, o.seconds = verdict(e.Action), e.Elapsed
		}
	}
}

// spread gives the tests that did not end their verdict, and fails all sub-tests of a test that failed though none of
// them did: what it found concerns them all.
func spread(all map[string]*outcome) {
	names := make([]string, 0, len(all))
	for name, o := range all {
		names = append(names, name)
		if o.verdict == "" {
			o.verdict = failed
			o.text += "(it did not end)\n"
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if all[name].verdict != failed {
			continue
		}
		below := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !strings.HasPrefix(n, name+"/") })
		if slices.ContainsFunc(below, func(n string) bool { return all[n].verdict == failed }) {
			continue
		}
		for _, n := range below {
			all[n].verdict = failed
			all[n].text += fmt.Sprintf("(it passed; %s, of which it is a part, failed)\n%s", name, all[name].text)
		}
	}
}

// exactly returns the pattern of one element of a test's name.
func exactly(element string) string { return "^" + regexp.QuoteMeta(element) + "$" }

// alternatives returns the pattern of several elements.
func alternatives(elements []string) string {
	quoted := make([]string, len(elements))
	for i, e := range elements {
		quoted[i] = regexp.QuoteMeta(e)
	}
	return "^(" + strings.Join(quoted, "|") + ")$"
}

// skipping returns the pattern that leaves out exactly the named tests and sub-tests.
func skipping(names []string) string {
	var patterns []string
	for _, name := range names {
		elements := strings.Split(name, "/")
		for i, e := range elements {
			elements[i] = exactly(e)
		}
		patterns = append(patterns, strings.Join(elements, "/"))
	}
	return strings.Join(patterns, "|")
}
