package main

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

// result is what became of a target.
type result struct {
	target
	err    error
	output string // of go test, both streams
}

const (
	shownLines = 60      // of a failure's output, at its end
	shownInput = 4 << 10 // bytes of a failing input
)

// summary is the target with the last count that go test printed, in one line.
func (r result) summary() string {
	verdict := "ok"
	if r.err != nil {
		verdict = "FAILED"
	}
	count := ""
	for line := range strings.Lines(r.output) {
		if strings.HasPrefix(line, "fuzz: elapsed:") {
			count = strings.TrimSpace(line)
		}
	}
	return fmt.Sprintf("%-6s %s %s: %s", verdict, r.pkg, r.name, count)
}

// writtenTo finds the file that go test keeps a failing input in, named from the package's folder.
var writtenTo = regexp.MustCompile(`Failing input written to (\S+)`)

// report prints the end of a failure's output, and the input that failed.
func (r result) report(w io.Writer) {
	fmt.Fprintf(w, "\n== %s %s: %v\n", r.pkg, r.name, r.err)
	lines := strings.Split(strings.TrimSpace(r.output), "\n")
	var kept []string
	for _, line := range lines {
		if !strings.HasPrefix(line, "fuzz: elapsed:") {
			kept = append(kept, line)
		}
	}
	fmt.Fprintln(w, strings.Join(kept[max(0, len(kept)-shownLines):], "\n"))
	found := writtenTo.FindStringSubmatch(r.output)
	if found == nil {
		return
	}
	name := r.pkg + "/" + found[1]
	input, err := os.ReadFile(name)
	if err != nil {
		fmt.Fprintln(w, "the input:", err)
		return
	}
	fmt.Fprintf(w, "== %s\n%s\n", name, input[:min(len(input), shownInput)])
}
