package result_test

import (
	"slices"
	"testing"

	"github.com/gregor-log/gregor/bench/result"
)

// TestRemarks: a row says that it is noisy where one of its ratios is not within a tenth or its rounds are few, and
// nothing else.
func TestRemarks(t *testing.T) {
	side := func(name string, p99 float64, figures ...float64) *result.Side {
		s := &result.Side{Name: name}
		for i, f := range figures {
			s.Samples = append(s.Samples, result.Sample{Figure: f, P99: p99 * float64(1+i)})
		}
		for len(s.Samples) < 6 {
			s.Samples = append(s.Samples, result.Sample{Figure: figures[0], P99: 2 * p99})
		}
		return s
	}
	steady := slices.Repeat([]result.Sample{{Figure: 50, P99: 4}}, 6)
	noisy := func(what, against, ratio string) string {
		return "noisy: gregor's " + what + " to that of " + against + " is " + ratio + ": the interval reaches " +
			"further than 10 % from it, and another run may find it as far away"
	}
	for _, c := range []struct {
		name string
		m    result.Measurement
		want []string
	}{
		{"few rounds", result.Measurement{Sides: []*result.Side{
			{Name: result.Gregor, Samples: steady[:5]}, {Name: "kafka", Samples: steady[:5]},
		}}, []string{
			"noisy: 5 rounds are too few for an interval of 95 %, which takes 6: another run may find ratios beyond " +
				"what was seen",
		}},
		{"steady", result.Measurement{Sides: []*result.Side{
			side(result.Gregor, 1, 100, 100, 109), side("kafka", 1, 100, 109, 100),
			side(result.ClientAlone, 1, 9, 90, 900),
		}, Aims: []result.Aim{{Against: "kafka", AtLeast: 1}}}, nil},
		{"above", result.Measurement{Notes: []string{"a note"}, Sides: []*result.Side{
			side(result.Gregor, 1, 100, 100, 111), side("kafka", 1, 100, 100, 100), side(result.Limit, 1, 99, 99, 110),
		}}, []string{"a note", noisy("ratio", "kafka", "1.00 (1.00–1.11)")}},
		{"below", result.Measurement{Sides: []*result.Side{
			side(result.Gregor, 1, 100, 100, 89), side("kafka", 1, 100, 100, 100),
		}}, []string{noisy("ratio", "kafka", "1.00 (0.89–1.00)")}},
		{"outliers of many rounds", result.Measurement{Sides: []*result.Side{
			side(result.Gregor, 1, 100, 100, 100, 100, 100, 100, 100, 100, 100, 300),
			side("kafka", 1, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100),
		}}, nil},
		{"of what an aim is about", result.Measurement{
			Aims: []result.Aim{{Against: "kafka", Of: "p99", AtMost: 1}, {Of: "p99", AtMost: 1}},
			Sides: []*result.Side{
				side(result.Gregor, 1, 100, 100, 100),
				{Name: "kafka", Samples: steady},
			},
		}, []string{noisy("p99", "kafka", "0.50 (0.25–0.75)")}},
		{"of what no aim is about", result.Measurement{Sides: []*result.Side{
			side(result.Gregor, 1, 100, 100, 100),
			{Name: "kafka", Samples: steady},
		}}, nil},
		{"not measured", result.Measurement{Sides: []*result.Side{
			side(result.Gregor, 1, 100), {Name: "kafka", Missing: "refused"},
		}}, nil},
	} {
		if got := c.m.Remarks(); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, expected %q", c.name, got, c.want)
		}
	}
}
