package main

import (
	"embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// The baseline of a suite has the names of its leaf cases that Apache Kafka 4.3.1 passes in every run, one a line. A
// line that begins with # is a comment.
//
//go:embed baseline
var baselines embed.FS

// laterText lists the cases of what gregor does not have yet: suite, case and reason, with tabs between them.
//
//go:embed later.txt
var laterText string

// reasons are those that a case may be later for.
var reasons = []string{"transactions", "KIP-848", "share groups", "ACLs", "SASL", "quotas"}

// errCases reports a list of cases that does not hold together.
var errCases = errors.New("bad list of cases")

// lines returns the lines of a list that say something.
func lines(text string) []string {
	var found []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line != "" && !strings.HasPrefix(line, "#") {
			found = append(found, line)
		}
	}
	return found
}

// baselineOf returns the cases of a suite.
func baselineOf(suite string) ([]string, error) {
	text, err := baselines.ReadFile("baseline/" + suite + ".txt")
	if err != nil {
		return nil, err
	}
	cases := lines(string(text))
	if sorted := slices.Compact(slices.Sorted(slices.Values(cases))); len(sorted) != len(cases) {
		return nil, fmt.Errorf("%w: %s: got %d lines, expected each of %d cases once", errCases, suite, len(cases),
			len(sorted))
	}
	return cases, nil
}

// laterOf returns the cases of a suite that are listed as later, with their reasons. Each must be in its baseline.
func laterOf(suite string, baseline []string) (map[string]string, error) {
	later := make(map[string]string)
	for _, line := range lines(laterText) {
		fields := strings.Split(line, "\t")
		if len(fields) != 3 || !slices.Contains(reasons, fields[2]) {
			return nil, fmt.Errorf("%w: later.txt: got %q, expected a suite, a case and one of %q", errCases, line,
				reasons)
		}
		if fields[0] != suite {
			continue
		}
		name := fields[1]
		if _, twice := later[name]; twice || !slices.Contains(baseline, name) {
			return nil, fmt.Errorf("%w: later.txt: %s: got %q, expected cases of the baseline, once each", errCases,
				suite, name)
		}
		later[name] = fields[2]
	}
	return later, nil
}

// verdict is what became of a case.
type verdict string

// A case that did not come to an end has failed.
const (
	passed  verdict = "pass"
	failed  verdict = "fail"
	skipped verdict = "skip"
)

// outcome is what became of a case, and what it printed.
type outcome struct {
	name    string
	verdict verdict
	seconds float64
	text    string
}

// wanted are the cases of one run of a suite.
type wanted struct {
	suite string
	// cases are to be run, apart from those that are left out of them.
	cases, leftOut []string
	// later has the reason of each case that need not pass.
	later map[string]string
}

// choose takes the cases of a suite that match the pattern; those that are later only if all are asked for.
func choose(suite string, pattern *regexp.Regexp, all bool) (wanted, error) {
	baseline, err := baselineOf(suite)
	if err != nil {
		return wanted{}, err
	}
	w := wanted{suite: suite}
	if w.later, err = laterOf(suite, baseline); err != nil {
		return wanted{}, err
	}
	for _, name := range baseline {
		_, later := w.later[name]
		switch {
		case !pattern.MatchString(name) || later && !all:
			w.leftOut = append(w.leftOut, name)
		default:
			w.cases = append(w.cases, name)
		}
	}
	return w, nil
}

// score is what a suite's run came to.
type score struct {
	*suite
	baseline, later, passed, failed int
	// failures are the cases that should have passed, with what they printed; early are later ones that passed.
	failures []outcome
	early    []string
	seconds  float64
}

// judge holds the outcomes against the cases that were to be run: one that was skipped, or is not there, has failed.
func (w *wanted) judge(outcomes []outcome) score {
	s := score{baseline: len(w.cases) + len(w.leftOut), later: len(w.later)}
	for _, name := range w.cases {
		o := outcome{name: name, verdict: "missing"}
		if at := slices.IndexFunc(outcomes, func(o outcome) bool { return o.name == name }); at >= 0 {
			o = outcomes[at]
		}
		_, later := w.later[name]
		switch {
		case later && o.verdict == passed:
			s.early = append(s.early, name)
		case later:
		case o.verdict == passed:
			s.passed++
		default:
			s.failed++
			s.failures = append(s.failures, o)
		}
	}
	return s
}
