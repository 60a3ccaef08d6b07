package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/gregor-log/gregor/scripts/internal/markers"
)

// blockName is the name of the README's generated part.
const blockName = "conformance"

// odd matches what a file's name is better without.
var odd = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// keep writes what became of the cases that ran, and what the failed ones printed.
func (j *job) keep(outcomes []outcome, s *score) error {
	var all strings.Builder
	for i := range outcomes {
		o := &outcomes[i]
		fmt.Fprintf(&all, "%s\t%s\t%.2f\n", o.name, o.verdict, o.seconds)
	}
	errs := []error{os.WriteFile(filepath.Join(j.out, "cases.tsv"), []byte(all.String()), 0o644)}
	for i := range s.failures {
		o := &s.failures[i]
		name := odd.ReplaceAllString(o.name, "_")
		text := fmt.Sprintf("%s: %s\n\n%s", o.name, o.verdict, o.text)
		errs = append(errs, os.WriteFile(filepath.Join(j.out, "failed", name+".txt"), []byte(text), 0o644))
	}
	return errors.Join(errs...)
}

// print tells what a suite came to.
func (s *score) print(to io.Writer) {
	fmt.Fprintf(to, "%s: %d passed, %d failed, %.0f s\n", s.name, s.passed, s.failed, s.seconds)
	for _, o := range s.failures {
		fmt.Fprintf(to, "  %-7s %s\n", o.verdict, o.name)
	}
	for _, name := range s.early {
		fmt.Fprintf(to, "  listed as later, passed: %s\n", name)
	}
}

// table is a row a suite, in Markdown.
func table(scores []score) string {
	var b strings.Builder
	b.WriteString("| suite | version | baseline | later | passed | failed | seconds |\n|---|---|---|---|---|---|---|\n")
	for i := range scores {
		s := &scores[i]
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d | %d | %.0f |\n", s.title, s.version, s.baseline, s.later, s.passed,
			s.failed, s.seconds)
	}
	return b.String()
}

// blockText is what the README says before the table, pageText what the page begins with.
const (
	blockText = `The clients' own test suites, unmodified, each against a fresh node (` + "`make conformance`" + `).
The baseline is what Apache Kafka 4.3.1 passes; "later" are cases of what gregor does not have yet, one by one in
[later.txt](scripts/conformance/later.txt). A case that is skipped counts as failed.

`
	pageText = `# Conformance

Written by ` + "`make conformance`" + `, which runs the test suites of Kafka's clients as they stand, each against a
fresh node. The baseline of a suite is its leaf cases that Apache Kafka 4.3.1 passes in every run
([baseline](../scripts/conformance/baseline)). Cases of what gregor does not have yet are "later", one by one in
[later.txt](../scripts/conformance/later.txt); every other one must pass, and one that is skipped counts as failed.

`
)

// block is the README's part.
func block(scores []score) string { return blockText + table(scores) }

// report is the page; later counts each suite's later cases by their reason.
func report(scores []score, later map[string]map[string]int) string {
	var b strings.Builder
	b.WriteString(pageText)
	b.WriteString(table(scores))
	b.WriteString("\n## Later\n\n| suite |")
	for _, reason := range reasons {
		b.WriteString(" " + reason + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(reasons)) + "\n")
	for i := range scores {
		fmt.Fprintf(&b, "| %s |", scores[i].title)
		for _, reason := range reasons {
			fmt.Fprintf(&b, " %d |", later[scores[i].name][reason])
		}
		b.WriteString("\n")
	}
	b.WriteString("\n## Failed\n\n")
	for i := range scores {
		for _, o := range scores[i].failures {
			fmt.Fprintf(&b, "- %s: `%s` (%s)\n", scores[i].title, o.name, o.verdict)
		}
	}
	if verdictOf(scores) == nil {
		b.WriteString("None.\n")
	}
	return b.String()
}

// writePages writes the page and the README's part.
func (o *options) writePages(scores []score) error {
	later := make(map[string]map[string]int)
	for i := range scores {
		w, err := choose(scores[i].name, o.pattern, o.all)
		if err != nil {
			return err
		}
		counts := make(map[string]int)
		for _, reason := range slices.Sorted(maps.Values(w.later)) {
			counts[reason]++
		}
		later[scores[i].name] = counts
	}
	if err := os.WriteFile(o.report, []byte(report(scores, later)), 0o644); err != nil {
		return err
	}
	written, err := markers.Write(o.readme, blockName, block(scores))
	if err == nil && !written {
		begin, end := markers.Lines(blockName)
		err = fmt.Errorf("%s has no lines %s and %s", o.readme, begin, end)
	}
	return err
}
