// Package tidy holds the repository's own rules and the test that enforces them.
//
// A rule reads the whole repository and returns what breaks it. Each rule is one file of this package and has one file
// of the same name in testdata: small made-up repositories, some that keep the rule and some that break it, so that a
// rule which has stopped finding anything is itself found. There are no exceptions that a source file could claim for
// itself: no opt-out comment, no list of forgiven files. A rule that is wrong is changed here, for everyone.
//
//	places    every folder that holds Go code is one that the house has
//	arrows    top-level folders import downwards only
//	ranks     inside a folder, packages import only those ranked before them
//	imports   which modules outside the standard library base, replication and core may name
//	bans      no goroutines, channels, clocks, chance, files or sockets below the broker's real driver
//	order     no map's iteration order can reach an output there
//	size      functions of at most 70 lines, lines of at most 120 columns
//	comments  a package comment for every package, a doc comment for every exported name
//	tests     no test is skipped, none sleeps
//	marks     nothing is left marked as still to do
//	text      the text speaks of gregor alone, and names no path of one machine and no package registry
//	links     links and file names in Markdown lead somewhere
//
// Two more rules need the go command rather than the sources: how many modules the broker links (see Linked), and that
// the simulated half of the house builds for js/wasm (make wasm).
package tidy

import (
	"cmp"
	"fmt"
	"go/token"
	"slices"
)

// Finding is one place that breaks a rule.
type Finding struct {
	// Path is the file or folder, slash-separated and relative to the repository's root.
	Path string
	// Line counts from 1; 0 stands for the whole file or folder.
	Line int
	// Text says what was found and, where that is not plain, what is wanted instead.
	Text string
}

// String returns "path:line: text", as compilers print it, and leaves out a line of 0.
func (f Finding) String() string {
	if f.Line == 0 {
		return fmt.Sprintf("%s: %s", f.Path, f.Text)
	}
	return fmt.Sprintf("%s:%d: %s", f.Path, f.Line, f.Text)
}

// Rule is one of the repository's rules.
type Rule struct {
	// Name is also the name of the rule's fixtures, testdata/NAME.txt.
	Name string
	// Check returns every place that breaks the rule, in no particular order.
	Check func(*Repo) []Finding
}

// Rules returns all rules that are decided by reading the sources.
func Rules() []Rule {
	return []Rule{
		{"parse", checkParse},
		{"places", checkPlaces},
		{"arrows", checkArrows},
		{"ranks", checkRanks},
		{"imports", checkImports},
		{"bans", checkBans},
		{"order", checkOrder},
		{"size", checkSize},
		{"comments", checkComments},
		{"tests", checkTests},
		{"marks", checkMarks},
		{"text", checkText},
		{"links", checkLinks},
	}
}

// Run returns what breaks the rule, ordered by path, line and text, each finding once.
func (r Rule) Run(repo *Repo) []Finding {
	found := r.Check(repo)
	slices.SortFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Text, b.Text))
	})
	return slices.Compact(found)
}

// findings collects what one rule finds.
type findings struct {
	repo *Repo
	list []Finding
}

// at adds a finding at a position of a Go file.
func (f *findings) at(file *File, pos token.Pos, format string, args ...any) {
	f.line(file.Path, f.repo.Fset.Position(pos).Line, format, args...)
}

// line adds a finding at a line of any file.
func (f *findings) line(path string, line int, format string, args ...any) {
	f.list = append(f.list, Finding{Path: path, Line: line, Text: fmt.Sprintf(format, args...)})
}
