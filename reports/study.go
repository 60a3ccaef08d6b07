package reports

import (
	"errors"
	"fmt"

	"github.com/gregor-log/gregor/bench/result"
)

// Studies makes the page of a run of gregor bench study: a section for each.
func Studies(r *result.Run) (*Page, error) {
	p := &Page{
		Title: "What a log on disk costs, and why",
		Lead: "What was measured in one run, every figure in each round and all in turn. Lines over bars are " +
			"intervals that hold the median with 95% confidence.",
		Foot: fmt.Sprintf("gregor bench study, begun %s, binary %.12s.", r.Began, r.Binary),
	}
	p.caution(r)
	for _, s := range r.Studies {
		section, err := studySection(s)
		if err != nil {
			return nil, err
		}
		p.Sections = append(p.Sections, section)
	}
	p.Sections = append(p.Sections, benchMachine(r))
	return p, nil
}

// studySection is the section of one study.
func studySection(s *result.Study) (Section, error) {
	section := Section{ID: s.Name, Title: s.Name, Parts: []Part{Text(capital(s.What) + ".")}}
	for _, failure := range s.Failures() {
		section.Parts = append(section.Parts, Text("Not measured: "+failure+"."))
	}
	for _, p := range s.Panels {
		draw := drawBars
		if p.X != "" {
			draw = drawLines
		}
		chart, err := draw(p)
		switch {
		case errors.Is(err, ErrNoData):
			continue
		case err != nil:
			return section, err
		}
		section.Parts = append(section.Parts, chart)
		if len(p.Slopes) > 0 {
			section.Parts = append(section.Parts, slopeTable(p))
		}
		section.Parts = append(section.Parts, Fold{Title: "The figures", Parts: []Part{panelTable(p)}})
	}
	section.Parts = append(section.Parts, List(append(s.Notes,
		fmt.Sprintf("%d rounds; meanwhile the machine's host kept %.2f%% of its time from it.", s.Rounds,
			s.StealPercent))))
	return section, nil
}

// drawBars draws a panel of bars.
func drawBars(p *result.Panel) (*Chart, error) {
	b := Bars{
		Title: p.Title, X: studyUnit(p.Unit), Log: p.Log, Note: p.Note, Series: p.Series(),
		Alt: "bars of the figures that the table below has",
	}
	if b.Log {
		b.X += " (logarithmic)"
	}
	for _, name := range p.Groups() {
		g := Group{Name: name}
		for i, series := range b.Series {
			for _, x := range p.Points {
				if x.Group == name && x.Series == series && len(x.Samples) > 0 {
					v := x.Interval()
					g.Bars = append(g.Bars, Bar{Series: i, Median: v.Median, Low: v.Low, High: v.High})
				}
			}
		}
		if len(g.Bars) > 0 {
			b.Groups = append(b.Groups, g)
		}
	}
	if len(b.Series) == 1 {
		b.Series = nil // the title says what all bars are
	}
	return b.Chart()
}

// drawLines draws a panel of lines through the medians.
func drawLines(p *result.Panel) (*Chart, error) {
	l := Lines{
		Title: p.Title, X: p.X + " (logarithmic)", Y: studyUnit(p.Unit), Log: true, Note: p.Note,
		Alt: "lines through the medians that the table below has",
	}
	for _, name := range p.Series() {
		series := Series{Name: name}
		for _, x := range p.Points {
			if x.Series == name && len(x.Samples) > 0 {
				v := x.Interval()
				series.Points = append(series.Points, Point{x.X, v.Median})
				series.Spreads = append(series.Spreads, Spread{x.X, v.Low, v.High})
			}
		}
		if len(series.Points) > 0 {
			l.Series = append(l.Series, series)
		}
	}
	return l.Chart()
}

// slopeTable is what was fitted to the lines.
func slopeTable(p *result.Panel) *Table {
	t := &Table{
		Caption: "Slope of log(" + studyUnit(p.Unit) + ") over log(" + p.X + "), by least squares over all samples: " +
			"0 is flat, 1 in proportion",
		Head: []string{"of", "slope", "95% interval", "samples"},
	}
	for _, s := range p.Slopes {
		t.Rows = append(t.Rows, Row{Cells: []string{
			s.Series, fmt.Sprintf("%.4f", s.Slope), fmt.Sprintf("%.4f to %.4f", s.Low, s.High), fmt.Sprint(s.Points),
		}})
	}
	return t
}

// panelTable is the figures of a panel.
func panelTable(p *result.Panel) *Table {
	t := &Table{
		Caption: p.Title + ": medians in " + studyUnit(p.Unit) + ", with 95% intervals",
		Head:    []string{"of", "by", "median", "interval", "samples"}, Words: []int{1},
	}
	for _, x := range p.Points {
		v := x.Interval()
		row := Row{Cells: []string{
			x.Group, x.Series, result.Number(v.Median), result.Number(v.Low) + "–" + result.Number(v.High),
			fmt.Sprint(len(x.Samples)),
		}}
		switch {
		case x.Published:
			row.Cells[3], row.Cells[4] = "", "published"
		case len(x.Samples) == 0:
			row.Cells[2], row.Cells[3], row.Outcome = "not measured", "", Open
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// studyUnit is a unit as people read it.
func studyUnit(unit string) string {
	switch unit {
	case "us":
		return "µs"
	case "s_per_gb":
		return "processor seconds for 10⁹ bytes"
	case "ratio":
		return "times"
	}
	return result.UnitText(unit)
}
