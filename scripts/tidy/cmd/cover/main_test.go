package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/scripts/tidy"
)

func profile(lines ...string) string {
	text := "mode: set\n"
	for _, line := range lines {
		text += tidy.Module + "/" + line + "\n"
	}
	return text
}

func TestReport(t *testing.T) {
	input := profile(
		"core/a/a.go:1.1,2.2 6 0", "core/a/a.go:3.1,4.2 2 1", "core/b/b.go:1.1,2.2 2 0",
		"base/c.go:1.1,2.2 90 0", "core/a/a.go:1.1,2.2 6 1", "core/a/a.go:3.1,4.2 2 0",
	)
	blocks, err := read(strings.NewReader(input))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		below string
		least float64
		want  string
		fails bool
	}{
		{"core/", 80, " 100.0% of      8 statements  core/a\n   0.0% of      2 statements  core/b\n" +
			"  80.0% of     10 statements  in all, at least 80.0% are wanted\n", false},
		{"core/b", 0, "   0.0% of      2 statements  core/b\n" +
			"   0.0% of      2 statements  in all, at least 0.0% are wanted\n", false},
		{"core/a", 100.1, " 100.0% of      8 statements  core/a\n" +
			" 100.0% of      8 statements  in all, at least 100.1% are wanted\n", true},
		{"nowhere/", 0, "", true},
	} {
		var out strings.Builder
		err := report(blocks, test.below, test.least, &out)
		if out.String() != test.want || (err != nil) != test.fails {
			t.Errorf("below %q, at least %v: got %q, %v", test.below, test.least, out.String(), err)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for _, input := range []string{"no profile\n", profile("core/a/a.go:1.1,2.2 1"), profile("core/a/a.go:1 x 1")} {
		if blocks, err := read(strings.NewReader(input)); !errors.Is(err, errProfile) {
			t.Errorf("%q: got %v, %v, expected errProfile", input, blocks, err)
		}
	}
}
