//go:build linux

package main

import (
	"context"
	"testing"

	"github.com/gregor-log/gregor/bench/result"
)

// figures returns a side whose samples have the given figures, the last one again and again.
func figures(values ...float64) func(context.Context) (sample, error) {
	next := 0
	return func(context.Context) (sample, error) {
		s := sample{figure: values[min(next, len(values)-1)]}
		next++
		return s, nil
	}
}

// TestPairsAgainstADriftingLimit keeps the pairs whose raw figures agree; the first raw sample is not counted at all.
func TestPairsAgainstADriftingLimit(t *testing.T) {
	for _, c := range []struct {
		name    string
		raw     []float64
		pairs   []result.Pair
		dropped int
		verdict string
	}{
		{"steady", []float64{1, 100}, []result.Pair{{Gregor: 90, Raw: 100}, {Gregor: 90, Raw: 100}}, 0, "pass"},
		{
			"one jump", []float64{1, 100, 120, 120}, []result.Pair{{Gregor: 90, Raw: 120}, {Gregor: 90, Raw: 120}}, 1,
			"fail",
		},
		{"between", []float64{1, 100, 108}, []result.Pair{{Gregor: 90, Raw: 104}, {Gregor: 90, Raw: 108}}, 0, "pass"},
		{"never", []float64{1, 100, 200, 400, 800, 1600, 3200, 6400}, nil, 6, "no figure"},
	} {
		b := &bench{pairs: 2}
		row, err := b.compare(t.Context(), comparison{
			row: result.Row{Name: c.name, Target: result.Target{Figure: "ratio", Bound: result.AtLeast, Value: 0.8}},
			raw: figures(c.raw...), gregor: figures(90),
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(row.Pairs) != len(c.pairs) || row.Dropped != c.dropped || row.Verdict() != c.verdict {
			t.Fatalf("%s: got %v, %d dropped, %s", c.name, row.Pairs, row.Dropped, row.Verdict())
		}
		for i := range c.pairs {
			if row.Pairs[i] != c.pairs[i] {
				t.Errorf("%s: pair %d: got %v, expected %v", c.name, i, row.Pairs[i], c.pairs[i])
			}
		}
	}
}
