package result

import (
	"fmt"
	"math"
	"slices"
)

// Pair is a sample of gregor and the figure of the limit beside it, in the row's unit.
type Pair struct {
	Gregor, Raw float64
}

// Row is one line of a result.
type Row struct {
	Name string
	// Settings say what was measured: durability, validation, connections and so on.
	Settings Fields
	// Unit is the unit of the pairs as it stands in keys, "mb_per_s" for one.
	Unit  string
	Pairs []Pair
	// Dropped counts the pairs that were thrown away since the limit itself had drifted.
	Dropped int
	// Target is what the row is to reach, and Reached the figure that it is held against.
	Target  Target
	Reached float64
	// Facts are the row's other figures.
	Facts Fields
	// Note says in words what a reader must know of the row.
	Note string
}

// Bound says how a figure is held against a target.
type Bound int

// The bounds of targets.
const (
	// NoBound marks a row without a target.
	NoBound Bound = iota
	// AtLeast asks for the value or more.
	AtLeast
	// AtMost asks for the value or less.
	AtMost
	// Near asks for 1, give or take the value.
	Near
)

// Target is what a row is to reach: the figure's name, and how much of it.
type Target struct {
	Figure string
	Bound  Bound
	Value  float64
}

// String returns the target as a short formula, "ratio >= 0.8"; "" where there is none.
func (t Target) String() string {
	switch t.Bound {
	case AtLeast:
		return fmt.Sprintf("%s >= %g", t.Figure, t.Value)
	case AtMost:
		return fmt.Sprintf("%s <= %g", t.Figure, t.Value)
	case Near:
		return fmt.Sprintf("%s = 1 +- %g", t.Figure, t.Value)
	}
	return ""
}

// Holds reports whether a figure reaches the target.
func (t Target) Holds(figure float64) bool {
	switch t.Bound {
	case AtLeast:
		return figure >= t.Value
	case AtMost:
		return figure <= t.Value
	case Near:
		return figure >= 1-t.Value && figure <= 1+t.Value
	}
	return true
}

// Verdict returns "pass" or "fail", "-" for a row without a target, and "no figure" for one that has a target and
// nothing to hold against it (Reached is not a number).
func (r *Row) Verdict() string {
	switch {
	case r.Target.Bound == NoBound:
		return "-"
	case math.IsNaN(r.Reached):
		return "no figure"
	case r.Target.Holds(r.Reached):
		return "pass"
	}
	return "fail"
}

// Ratio returns the median of the pairs' ratios, the least and the largest; NaN where there are no pairs.
func (r *Row) Ratio() (median, least, largest float64) {
	ratios := make([]float64, 0, len(r.Pairs))
	for _, p := range r.Pairs {
		ratios = append(ratios, p.Gregor/p.Raw)
	}
	if len(ratios) == 0 {
		return math.NaN(), math.NaN(), math.NaN()
	}
	return Median(ratios), slices.Min(ratios), slices.Max(ratios)
}

// Medians returns the medians of gregor's figures and of the limit's.
func (r *Row) Medians() (gregor, raw float64) {
	var g, l []float64
	for _, p := range r.Pairs {
		g, l = append(g, p.Gregor), append(l, p.Raw)
	}
	return Median(g), Median(l)
}

// Median returns the middle of the values, or the mean of the two in the middle; 0 of none.
func Median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// MarshalJSON writes the row as one flat object; see the package comment.
func (r *Row) MarshalJSON() ([]byte, error) {
	out := Fields{{Key: "row", Value: r.Name}}
	out = append(out, r.Settings...)
	if len(r.Pairs) > 0 {
		gregor, raw := r.Medians()
		median, least, largest := r.Ratio()
		out.Add("gregor_"+r.Unit, gregor)
		out.Add("raw_"+r.Unit, raw)
		out.Add("ratio", median)
		out.Add("ratio_min", least)
		out.Add("ratio_max", largest)
		out.Add("pairs", len(r.Pairs))
		out.Add("pairs_dropped", r.Dropped)
	}
	if r.Target.Bound != NoBound {
		out.Add("target", r.Target.String())
		out.Add("reached", r.Reached)
	}
	out.Add("verdict", r.Verdict())
	out = append(out, r.Facts...)
	if r.Note != "" {
		out.Add("note", r.Note)
	}
	return out.MarshalJSON()
}
