//go:build linux

package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/bench/result"
)

func TestAims(t *testing.T) {
	for _, c := range []struct {
		aim           aim
		gregor, kafka float64
		want          bool
		text          string
	}{
		{aim{ratio: 0.33}, 33, 100, true, "ratio <= 0.33"},
		{aim{ratio: 0.33}, 34, 100, false, "ratio <= 0.33"},
		{aim{atMost: 24}, 24, 1, true, "<= 24"},
		{aim{atMost: 24}, 24.1, 100, false, "<= 24"},
		{aim{atLeast: 20_000, times: 5}, 20_000, 4000, true, ">= 20000 and ratio >= 5"},
		{aim{atLeast: 20_000, times: 5}, 19_000, 1000, false, ">= 20000 and ratio >= 5"},
		{aim{atLeast: 20_000, times: 5}, 49_000, 10_000, false, ">= 20000 and ratio >= 5"},
	} {
		if got := c.aim.met(c.gregor, c.kafka); got != c.want || c.aim.String() != c.text {
			t.Errorf("%s, %v beside %v: got %v, expected %v of %s", c.aim, c.gregor, c.kafka, got, c.want, c.text)
		}
	}
}

func TestTableHoldsMediansAndFailures(t *testing.T) {
	b := &bench{rows: []*row{
		{
			name: "one", unit: "ms", aim: aim{ratio: 0.33},
			pairs: []result.Pair{{Gregor: 1, Raw: 10}, {Gregor: 2, Raw: 8}, {Gregor: 40, Raw: 9}},
		},
		{name: "two", failure: errors.New("nobody answered")},
	}}
	b.rows[0].addFact("gregor_cpu", 5)
	b.rows[0].addFact("gregor_cpu", 7)
	var out strings.Builder
	if err := b.print(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"2 ms", "9 ms", "0.222 (0.100-4.444, 3)", "ratio <= 0.33", "yes", "gregor_cpu 6",
		"means 14.3 and 9, their ratio 1.59", "nobody answered",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, out.String())
		}
	}
}
