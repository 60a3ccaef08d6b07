package result_test

import (
	"testing"

	"github.com/gregor-log/gregor/bench/result"
)

// TestAims: an aim is about the ratio to another side, or about gregor's figure itself.
func TestAims(t *testing.T) {
	m := &result.Measurement{
		Unit: "ms", Sides: []*result.Side{
			{Name: result.Gregor, Samples: []result.Sample{{Figure: 30, P99: 7}, {Figure: 40, P99: 8}}},
			{Name: "kafka", Samples: []result.Sample{{Figure: 3000}, {Figure: 4000}}},
			{Name: "other", Missing: "needs a program"},
		},
	}
	for _, c := range []struct {
		aim                       result.Aim
		side, text, held, reached string
		distance                  float64
	}{
		{result.Aim{AtMost: 50}, result.Gregor, "<= 50 ms", "35 ms", "met", 50.0 / 35},
		{result.Aim{AtMost: 20}, result.Gregor, "<= 20 ms", "35 ms", "missed", 20.0 / 35},
		{result.Aim{AtLeast: 70}, result.Gregor, ">= 70 ms", "35 ms", "missed", 0.5},
		{result.Aim{Of: "p99", AtMost: 9}, result.Gregor, "p99 <= 9 us", "7.5 us", "met", 9 / 7.5},
		{result.Aim{Against: "kafka", AtMost: 0.02}, "kafka", "<= 0.02x kafka", "0.01 times kafka", "met", 2},
		{result.Aim{Against: "other", AtMost: 1}, "other", "<= 1x other", "", "not measured", 0},
	} {
		if c.aim.Side() != c.side || m.AimText(c.aim) != c.text || m.Reached(c.aim) != c.reached {
			t.Errorf("got %s, %s, %s, expected %+v", c.aim.Side(), m.AimText(c.aim), m.Reached(c.aim), c)
		}
		held, ok := m.Held(c.aim)
		if !ok {
			if c.held != "" {
				t.Errorf("%s: nothing is held against it", c.text)
			}
			continue
		}
		if text, _ := m.HeldText(c.aim); text != c.held || c.aim.Distance(held.Median) != c.distance {
			t.Errorf("got %s, distance %v, expected %+v", text, c.aim.Distance(held.Median), c)
		}
	}
	if _, ok := (&result.Measurement{}).Held(result.Aim{AtMost: 1}); ok {
		t.Error("something is held against an aim of what was not measured")
	}
}
