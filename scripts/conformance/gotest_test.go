package main

import (
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// events are what test2json makes of a process that passed, failed, skipped and then hung.
const events = `{"Action":"start"}
{"Action":"run","Test":"TestA"}
{"Action":"run","Test":"TestA/one"}
{"Action":"output","Test":"TestA/one","Output":"hello\n"}
{"Action":"pass","Test":"TestA/one","Elapsed":0.5}
{"Action":"pass","Test":"TestA","Elapsed":1}
not json
{"Action":"run","Test":"TestB"}
{"Action":"run","Test":"TestB/one"}
{"Action":"run","Test":"TestB/two"}
{"Action":"pass","Test":"TestB/one"}
{"Action":"fail","Test":"TestB/two"}
{"Action":"fail","Test":"TestB"}
{"Action":"run","Test":"TestC"}
{"Action":"run","Test":"TestC/one"}
{"Action":"pass","Test":"TestC/one"}
{"Action":"output","Test":"TestC","Output":"panic\n"}
{"Action":"fail","Test":"TestC"}
{"Action":"run","Test":"TestD"}
{"Action":"skip","Test":"TestD"}
{"Action":"run","Test":"TestE"}
{"Action":"output","Output":"the end"}`

func TestCollect(t *testing.T) {
	var log strings.Builder
	all := collect(strings.NewReader(events), &log)
	if log.String() != "hello\npanic\nthe end" {
		t.Errorf("logged %q", log.String())
	}
	if o := all["TestA/one"]; o.text != "hello\n" || o.seconds != 0.5 {
		t.Errorf("got %+v", o)
	}
	if o := all["TestE"]; o == nil || o.verdict != "" {
		t.Errorf("got %+v, expected no verdict for what did not end", o)
	}
	spread(all)
	want := map[string]verdict{
		"TestA": passed, "TestA/one": passed, "TestB": failed, "TestB/one": passed, "TestB/two": failed,
		"TestC": failed, "TestC/one": failed, "TestD": skipped, "TestE": failed,
	}
	got := make(map[string]verdict)
	for name, o := range all {
		got[name] = o.verdict
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, expected %v", got, want)
	}
}

func TestMuchOutputIsBounded(t *testing.T) {
	line := `{"Action":"output","Test":"TestA","Output":"` + strings.Repeat("x", 1<<10) + `"}` + "\n"
	all := collect(strings.NewReader(strings.Repeat(line, 1000)), io.Discard)
	if got := len(all["TestA"].text); got > mostText+1<<10 {
		t.Errorf("kept %d bytes, expected at most about %d", got, mostText)
	}
}

func TestPatternsMatchExactly(t *testing.T) {
	if got := alternatives([]string{"TestA", "Test[]B"}); got != `^(TestA|Test\[\]B)$` {
		t.Errorf("got %s", got)
	}
	got := skipping([]string{"TestA/x+y", "TestB"})
	if got != `^TestA$/^x\+y$|^TestB$` {
		t.Errorf("got %s", got)
	}
	if skipping(nil) != "" {
		t.Error("nothing to skip is no pattern")
	}
	if one := regexp.MustCompile(exactly("a.b")); !one.MatchString("a.b") || one.MatchString("axb") {
		t.Error("an element matches itself alone")
	}
}

// Each case belongs to one run: that with the longest beginning.
func TestSharesOfRuns(t *testing.T) {
	s := &goSuite{runs: append(slices.Clone(segmentRuns), confluentRuns("classic")...)}
	cases := []string{
		"TestConn/a_b", "pre3.TestA", "sasl.TestSASL/PLAIN",
		"classic.TestIntegration/TestX", "classic.TestTransactional",
	}
	want := [][]string{{"TestConn/a_b"}, {"TestA"}, {"TestSASL/PLAIN"}, nil, nil, {"TestX"}, {"TestTransactional"}}
	for i := range s.runs {
		if got := s.share(&s.runs[i], cases); !slices.Equal(got, want[i]) {
			t.Errorf("run %d: got %q, expected %q", i, got, want[i])
		}
	}
	if got := s.runs[5].within([]string{"TestX"}); !slices.Equal(got, []string{"TestIntegration/TestX"}) {
		t.Errorf("got %q", got)
	}
	if got := units([]string{"A/1", "A/2", "B", "A/3"}); !slices.Equal(got, []string{"A", "B"}) {
		t.Errorf("got %q", got)
	}
}

// What a process that dies did not come to is run again alone; only the end of the whole run is an error.
func TestProcessesThatDie(t *testing.T) {
	dir := t.TempDir()
	script, runs := filepath.Join(dir, "test2json"), filepath.Join(dir, "runs")
	const says = `#!/bin/sh
echo "$@" >> "$RUNS"
echo '{"Action":"run","Test":"TestA"}'
echo '{"Action":"pass","Test":"TestA"}'
echo '{"Action":"run","Test":"TestB"}'
exit 2
`
	if err := os.WriteFile(script, []byte(says), 0o755); err != nil {
		t.Fatal(err)
	}
	g := &goTests{
		json2: script, binary: "binary", limit: time.Minute, each: time.Second, log: io.Discard,
		env: []string{"RUNS=" + runs},
	}
	all, err := g.run(t.Context(), []string{"TestA", "TestB"})
	if err != nil || all["TestA"].verdict != passed || all["TestB"].verdict != failed {
		t.Errorf("got %v and %v, expected TestA to pass and TestB to fail", all, err)
	}
	const want = "-t binary -test.v=test2json -test.timeout=1m0s -test.run ^(TestA|TestB)$\n" +
		"-t binary -test.v=test2json -test.timeout=1s -test.run ^(TestB)$\n"
	if got, err := os.ReadFile(runs); err != nil || string(got) != want {
		t.Errorf("got runs %q and %v, expected %q", got, err, want)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := g.run(ended, []string{"TestA"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, expected %v", err, context.Canceled)
	}
}
