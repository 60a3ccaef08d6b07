package result_test

import (
	"math"
	"testing"

	"github.com/gregor-log/gregor/bench/result"
)

// TestCompare calls a change what is one, and nothing else.
func TestCompare(t *testing.T) {
	run := func(gregor, kafka float64) *result.Run {
		m := &result.Measurement{Row: "fetch-4k", Unit: "mb_per_s", Sides: []*result.Side{
			{Name: result.Gregor}, {Name: "kafka"}, {Name: result.Limit},
		}}
		for i := range 10 {
			noise := float64(i) / 100
			m.Sides[0].Samples = append(m.Sides[0].Samples, result.Sample{Figure: gregor + noise})
			m.Sides[1].Samples = append(m.Sides[1].Samples, result.Sample{Figure: kafka + noise})
		}
		return &result.Run{Rows: []*result.Measurement{m, {Row: "gone", Unit: "us"}}}
	}
	before, after := run(100, 50), run(120, 50)
	after.Rows[1].Row = "new"
	got := result.Compare(before, after)
	if len(got) != 2 || got[0].Side != result.Gregor || got[1].Side != "kafka" {
		t.Fatalf("got %+v, expected a change of each broker", got)
	}
	if c := got[0]; !c.Certain || c.P > 0.001 || math.Abs(c.Delta()-0.2) > 0.001 || c.Rounds != [2]int{10, 10} {
		t.Errorf("got %+v", c)
	}
	if c := got[1]; c.Certain || c.P < 0.5 {
		t.Errorf("got %+v, expected no change", c)
	}
}
