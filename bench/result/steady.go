package result

import (
	"fmt"
	"slices"
	"strings"
)

// largestSpread is how far from a ratio its 95% interval may reach, as a part of it, before the row says that it is
// noisy: another run may then find a ratio that is further away than that.
const largestSpread = 0.10

// fewestRounds is how many rounds an interval of 95% takes that supposes no distribution: with n, the least and the
// greatest hold the median but in one of 2^(n-1) cases.
const fewestRounds = 6

// Remarks are the measurement's notes, a sentence for each ratio that is noisy, of the row's figures and of those that
// it has aims for, and one where there are too few rounds to tell.
func (m *Measurement) Remarks() []string {
	all, rounds := slices.Clone(m.Notes), fewestRounds
	for _, s := range m.Sides {
		if s.IsRival() {
			all = append(all, m.spread("", s.Name)...)
			if _, ok := m.Ratio(s.Name); ok {
				rounds = len(s.Samples)
			}
		}
	}
	if rounds < fewestRounds {
		all = append(all, fmt.Sprintf("noisy: %d rounds are too few for an interval of 95 %%, which takes %d: another "+
			"run may find ratios beyond what was seen", rounds, fewestRounds))
	}
	for _, a := range m.Aims {
		if a.Of != "" && a.Against != "" {
			all = append(all, m.spread(a.Of, a.Against)...)
		}
	}
	return all
}

// spread says that a ratio is noisy, if it is.
func (m *Measurement) spread(figure, against string) []string {
	r, ok := m.RatioOf(figure, against)
	if !ok || r.Low >= (1-largestSpread)*r.Median && r.High <= (1+largestSpread)*r.Median {
		return nil
	}
	what := "ratio"
	if figure != "" {
		what = strings.ReplaceAll(figure, "_", " ")
	}
	return []string{fmt.Sprintf("noisy: gregor's %s to that of %s is %s: the interval reaches further than %.0f %% "+
		"from it, and another run may find it as far away", what, against, RatioText(r), 100*largestSpread)}
}
