package result

import (
	"cmp"
	"fmt"
)

// Aim is what gregor's figure is to reach: at least or at most so many times the other side's. Without another side, it
// is to be at least or at most so much itself, in the row's unit. Of names another figure of the samples than the row's
// own: "p50", "p99" or "p999" of the latencies.
type Aim struct {
	Against string  `json:"against"`
	Of      string  `json:"of,omitempty"`
	AtLeast float64 `json:"at_least,omitempty"`
	AtMost  float64 `json:"at_most,omitempty"`
}

// Holds reports whether what is held against the aim reaches it: see Held.
func (a Aim) Holds(figure float64) bool {
	return figure >= a.AtLeast && (a.AtMost == 0 || figure <= a.AtMost)
}

// Distance is 1 for what just reaches the aim, less the further it is from that, more beyond.
func (a Aim) Distance(figure float64) float64 {
	if a.AtMost > 0 {
		return a.AtMost / figure
	}
	return figure / a.AtLeast
}

// Side names the side in whose line an aim stands.
func (a Aim) Side() string { return cmp.Or(a.Against, Gregor) }

// Held returns what is held against an aim: the ratios to the other side, or gregor's figures where there is none;
// false if they were not measured.
func (m *Measurement) Held(a Aim) (Interval, bool) {
	if a.Against != "" {
		return m.RatioOf(a.Of, a.Against)
	}
	s := m.Side(Gregor)
	if s == nil || len(s.Samples) == 0 {
		return Interval{}, false
	}
	return IntervalOf(s.each(func(x Sample) float64 { return x.of(a.Of) })), true
}

// HeldText says in words what is held against an aim: "0.95 times limit", "12 ms"; false if it was not measured.
func (m *Measurement) HeldText(a Aim) (string, bool) {
	held, ok := m.Held(a)
	if a.Against == "" {
		return Number(held.Median) + " " + a.unit(m), ok
	}
	return fmt.Sprintf("%s times %s", Number(held.Median), a.Against), ok
}

// Reached says of an aim "met", "missed", or why that cannot be said.
func (m *Measurement) Reached(a Aim) string {
	held, ok := m.Held(a)
	switch {
	case !ok:
		return "not measured"
	case a.Holds(held.Median):
		return "met"
	}
	return "missed"
}

// AimText returns an aim as a formula: ">= 0.9x limit", "<= 50 ms".
func (m *Measurement) AimText(a Aim) string {
	what := ""
	if a.Of != "" {
		what = a.Of + " "
	}
	bound, value := ">=", a.AtLeast
	if a.AtMost > 0 {
		bound, value = "<=", a.AtMost
	}
	if a.Against == "" {
		return fmt.Sprintf("%s%s %g %s", what, bound, value, a.unit(m))
	}
	return fmt.Sprintf("%s%s %gx %s", what, bound, value, a.Against)
}

// unit is that of what an aim without another side is about: percentiles are microseconds whatever the row's unit.
func (a Aim) unit(m *Measurement) string {
	if a.Of != "" {
		return "us"
	}
	return UnitText(m.Unit)
}
