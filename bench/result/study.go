package result

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// Study is what a study found: panels of figures, and what a reader must know of them.
type Study struct {
	Name string `json:"study"`
	What string `json:"what"`
	// Rounds is how often each figure was to be taken.
	Rounds int      `json:"rounds"`
	Panels []*Panel `json:"panels"`
	// Notes say in sentences what the figures do not say.
	Notes []string `json:"notes,omitempty"`
	// StealPercent is what the machine's host kept from it meanwhile.
	StealPercent float64 `json:"steal_percent"`
	// Failure says why the study is not whole.
	Failure string `json:"failure,omitempty"`
}

// Panel is figures of one unit that compare with each other: bars in groups, or lines over X.
type Panel struct {
	Title string `json:"title"`
	// Unit is that of the figures, as it stands in keys.
	Unit string `json:"unit"`
	// X is what the lines go over, with its unit; "" for bars.
	X string `json:"x,omitempty"`
	// Log asks for a logarithmic axis of bars; lines have two of them.
	Log    bool     `json:"logarithmic,omitempty"`
	Note   string   `json:"note,omitempty"`
	Points []*Point `json:"points"`
	// Slopes are those of the lines, fitted to the logarithms.
	Slopes []Slope `json:"slopes,omitempty"`
}

// Point is what was measured of one thing, a sample in each round.
type Point struct {
	// Group is what the point belongs to, Series what it is of: bars of one group stand together, points of one series
	// are one line.
	Group  string  `json:"group"`
	Series string  `json:"series"`
	X      float64 `json:"x,omitempty"`
	// Samples are in the panel's unit.
	Samples []float64 `json:"samples"`
	// Published says that the figure is not this run's but somebody's publication.
	Published bool `json:"published,omitempty"`
	// Failure says why there are no samples.
	Failure string `json:"failure,omitempty"`
}

// Failures returns what could not be measured, each with its reason.
func (s *Study) Failures() []string {
	var all []string
	if s.Failure != "" {
		all = append(all, s.Failure)
	}
	for _, p := range s.Panels {
		for _, x := range p.Points {
			if x.Failure != "" {
				all = append(all, fmt.Sprintf("%s, %s: %s", x.Group, x.Series, x.Failure))
			}
		}
	}
	return all
}

// Interval returns the median of the samples and its interval.
func (p *Point) Interval() Interval { return IntervalOf(p.Samples) }

// Slope is the slope of a line.
type Slope struct {
	Series string `json:"series"`
	Fit
}

// At returns the point of a group and a series, made and appended if it is not there.
func (p *Panel) At(group, series string) *Point {
	for _, point := range p.Points {
		if point.Group == group && point.Series == series {
			return point
		}
	}
	point := &Point{Group: group, Series: series}
	p.Points = append(p.Points, point)
	return point
}

// Add notes a sample.
func (p *Panel) Add(group, series string, figure float64) {
	point := p.At(group, series)
	point.Samples = append(point.Samples, figure)
}

// FitSlopes fits a slope to each series of lines, over the logarithms of all its samples.
func (p *Panel) FitSlopes() error {
	p.Slopes = nil
	for _, series := range p.Series() {
		var x, y []float64
		for _, point := range p.Points {
			for _, s := range point.Samples {
				if point.Series == series {
					x, y = append(x, math.Log(point.X)), append(y, math.Log(s))
				}
			}
		}
		fit, err := FitLine(x, y)
		if err != nil {
			return fmt.Errorf("%s of %s: %w", p.Title, series, err)
		}
		p.Slopes = append(p.Slopes, Slope{series, fit})
	}
	return nil
}

// Series returns the names of the series in the order in which they come.
func (p *Panel) Series() []string {
	return distinct(p.Points, func(x *Point) string { return x.Series })
}

// Groups returns the names of the groups in the order in which they come.
func (p *Panel) Groups() []string {
	return distinct(p.Points, func(x *Point) string { return x.Group })
}

func distinct(points []*Point, of func(*Point) string) []string {
	var names []string
	seen := map[string]bool{}
	for _, p := range points {
		if name := of(p); !seen[name] {
			seen[name], names = true, append(names, name)
		}
	}
	return names
}

// check finds figures that cannot be.
func (s *Study) check() error {
	for _, p := range s.Panels {
		for _, x := range p.Points {
			if len(x.Samples) == 0 && x.Failure == "" && s.Failure == "" {
				return fmt.Errorf("%w: study %s: got no sample of %s, %s in %q", ErrDirectory, s.Name, x.Group,
					x.Series, p.Title)
			}
			for _, v := range x.Samples {
				if !(v > 0) || math.IsInf(v, 0) {
					return fmt.Errorf("%w: study %s: got %v for %s, %s in %q", ErrDirectory, s.Name, v, x.Group,
						x.Series, p.Title)
				}
			}
		}
	}
	return nil
}

// benchmarks writes every sample that was taken as a line of Go's benchmark format.
func (s *Study) benchmarks(out io.Writer) error {
	for _, p := range s.Panels {
		unit := strings.ReplaceAll(UnitText(p.Unit), " ", "-")
		for _, x := range p.Points {
			if x.Published {
				continue
			}
			for _, v := range x.Samples {
				if _, err := fmt.Fprintf(out, "BenchmarkStudy%s/panel=%s/of=%s/by=%s 1 %g %s\n", camel(s.Name),
					word(p.Title), word(x.Group), word(x.Series), v, unit); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// word makes a name one word, as the names of benchmarks must be.
func word(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.':
			return r
		}
		return '_'
	}, name)
}
