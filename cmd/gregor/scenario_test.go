package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// TestScenarios runs the commands of testdata/scenarios, each file against a broker of its own, and compares stdout,
// stderr and exit code. After "gregor" stands a command line, and on further lines its stdin. go test -rewrite writes
// the files anew.
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata/scenarios", func(t *testing.T, path string) {
		startBroker(t)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd != "gregor" {
				d.Fatalf(t, "unknown directive %s", d.Cmd)
			}
			line, in, _ := strings.Cut(d.Input, "\n")
			if in != "" {
				in += "\n"
			}
			return show(gregor(t, in, words(line)...))
		})
	})
}

// show writes how a command ended.
func show(r ending) string {
	var b strings.Builder
	b.WriteString(mask(r.out))
	for line := range strings.Lines(mask(r.errs)) {
		b.WriteString("stderr: " + line)
	}
	if r.code != 0 {
		fmt.Fprintf(&b, "exit code %d\n", r.code)
	}
	return b.String()
}
