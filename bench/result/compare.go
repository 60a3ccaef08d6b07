package result

import (
	"slices"

	"golang.org/x/perf/benchmath"
)

// Change is how the figures of one side of a row differ between two runs.
type Change struct {
	Row, Side, Unit string
	Before, After   Interval
	// P is the probability that figures which do not differ look as different as these (Mann and Whitney's U test), and
	// Certain whether it is small enough to call that a change.
	P       float64
	Certain bool
	// Rounds are how many figures either run has.
	Rounds [2]int
}

// Delta is the change of the median as a part of what it was.
func (c *Change) Delta() float64 { return c.After.Median/c.Before.Median - 1 }

// Compare returns the changes of all sides that both runs have figures of, in the order of the first. Figures of
// different machines, or of one on different days, differ for other reasons than the code: the limits tell.
func Compare(before, after *Run) []Change {
	var all []Change
	for _, m := range before.Rows {
		at := slices.IndexFunc(after.Rows, func(o *Measurement) bool { return o.Row == m.Row && o.Unit == m.Unit })
		if at < 0 {
			continue
		}
		for _, s := range m.Sides {
			o := after.Rows[at].Side(s.Name)
			if o == nil || len(s.Samples) == 0 || len(o.Samples) == 0 {
				continue
			}
			all = append(all, compare(m, s, o))
		}
	}
	return all
}

func compare(m *Measurement, before, after *Side) Change {
	sample := func(s *Side) *benchmath.Sample {
		return benchmath.NewSample(s.Figures(), &benchmath.DefaultThresholds)
	}
	test := benchmath.AssumeNothing.Compare(sample(before), sample(after))
	return Change{
		Row: m.Row, Side: before.Name, Unit: m.Unit,
		Before: IntervalOf(before.Figures()), After: IntervalOf(after.Figures()),
		P: test.P, Certain: test.P < test.Alpha, Rounds: [2]int{len(before.Samples), len(after.Samples)},
	}
}
