package reports

import (
	"errors"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// ErrNoData reports a chart without anything to draw.
var ErrNoData = errors.New("reports: nothing to draw")

// Lines is a chart of figures over time or another quantity.
type Lines struct {
	Title, Alt, Note string
	// X and Y label the axes, with units.
	X, Y string
	// Last and Highest are where the axes end at least, so that charts beside each other can share their scales.
	Last, Highest float64
	// Log makes both axes logarithmic, from the power of ten below the least figure on.
	Log    bool
	Series []Series
}

// Series is one line. Its marks and bands have its colour.
type Series struct {
	Name   string
	Points []Point
	// Marks are where something happened, in the order of X.
	Marks []Mark
	// Bands are where it lasted, on the X axis.
	Bands []Band
	// Spreads are the intervals around points.
	Spreads []Spread
}

// Point is a figure.
type Point struct{ X, Y float64 }

// Mark is something that happened at X, with a word for it.
type Mark struct {
	X    float64
	Text string
}

// Band is a stretch of the X axis.
type Band struct{ From, To float64 }

// Chart draws the chart.
func (l *Lines) Chart() (*Chart, error) {
	highest, last := l.extent()
	if last <= 0 || highest <= 0 {
		return nil, ErrNoData
	}
	highest, last = math.Max(highest, l.Highest)*(1.08+0.08*float64(len(l.Series))), math.Max(last, l.Last)
	const height = 260
	return render(Chart{Title: l.Title, Alt: l.Alt, Note: l.Note}, height, func(t *theme, c draw.Canvas) error {
		names := make([]string, len(l.Series))
		for i := range l.Series {
			names[i] = l.Series[i].Name
		}
		rest := t.legend(c, names, func(box draw.Canvas, i int) {
			middle := (box.Min.Y + box.Max.Y) / 2
			box.StrokeLine2(t.line(i), box.Min.X, middle, box.Max.X, middle)
		})
		p := t.newPlot(l.X, l.Y)
		p.X.Tick.Marker, p.Y.Tick.Marker = shortTicks{}, shortTicks{}
		for i := range l.Series {
			p.Add(&strokes{theme: t, series: i, of: &l.Series[i]})
		}
		grid := plotter.NewGrid()
		grid.Vertical.Width = 0
		grid.Horizontal.Color = t.grid
		p.Add(grid)
		for i := range l.Series {
			line, err := plotter.NewLine(points(l.Series[i].Points))
			if err != nil {
				return err
			}
			line.LineStyle = t.line(i)
			p.Add(line, &spreads{draw.LineStyle{Color: t.color(i), Width: 1}, l.Series[i].Spreads})
		}
		// Adding a plotter sets the axes to its data; there is room above for the words of marks.
		p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, last, 0, highest
		if l.Log {
			l.logarithmic(p)
		}
		p.Draw(draw.Crop(rest, 0, -2*margin, margin, 0))
		return nil
	})
}

// logarithmic gives a plot logarithmic axes that hold all points and spreads.
func (l *Lines) logarithmic(p *plot.Plot) {
	var xs, ys []float64
	for _, s := range l.Series {
		for _, v := range s.Points {
			xs, ys = append(xs, v.X), append(ys, v.Y)
		}
		for _, v := range s.Spreads {
			ys = append(ys, v.Low, v.High)
		}
	}
	const room = 1.25 // so that nothing lies on the frame
	p.X.Min, p.X.Max = slices.Min(xs)/room, slices.Max(xs)*room
	p.Y.Min = math.Pow(10, math.Floor(math.Log10(slices.Min(ys))))
	p.Y.Max = math.Pow(10, math.Ceil(math.Log10(slices.Max(ys)*room)))
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = decades{}, decades{}
}

// extent returns the greatest Y and the greatest X.
func (l *Lines) extent() (highest, last float64) {
	for _, s := range l.Series {
		for _, p := range s.Points {
			highest, last = math.Max(highest, p.Y), math.Max(last, p.X)
		}
	}
	return highest, last
}

func (t *theme) line(series int) draw.LineStyle {
	return draw.LineStyle{Color: t.color(series), Width: 1.5, Dashes: dashes[series%len(dashes)]}
}

// points makes a series a plotter.XYer.
type points []Point

// Len implements plotter.XYer.
func (p points) Len() int { return len(p) }

// XY implements plotter.XYer.
func (p points) XY(i int) (x, y float64) { return p[i].X, p[i].Y }

// strokes draws the bands and marks of a series, behind the lines. The words of a series stand in a row of their own at
// the top, to the right of the mark if there is room, else to the left, and are left out if there is none either.
type strokes struct {
	theme  *theme
	series int
	of     *Series
}

// Plot implements plot.Plotter.
func (s *strokes) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	for _, b := range s.of.Bands {
		box := c
		box.Min.X, box.Max.X = x(b.From), max(x(b.To), x(b.From)+0.5)
		fill(box, s.theme.tint(s.series))
	}
	style := s.theme.style(s.theme.color(s.series), text.XLeft, text.YTop)
	line := s.theme.line(s.series)
	line.Width = 1
	taken, y := c.Min.X, c.Max.Y-vg.Length(s.series)*lineStep
	for i, m := range s.of.Marks {
		at, free := x(m.X), c.Max.X
		if i+1 < len(s.of.Marks) {
			free = x(s.of.Marks[i+1].X)
		}
		c.StrokeLine2(line, at, c.Min.Y, at, c.Max.Y)
		wide := style.Width(m.Text) + 3
		switch {
		case at+wide <= free && at >= taken:
			c.FillText(style, vg.Point{X: at + 3, Y: y}, m.Text)
			taken = at + wide
		case at-wide >= taken:
			c.FillText(style, vg.Point{X: at - wide, Y: y}, m.Text)
			taken = at
		}
	}
}

// Spread is the interval of the figure at X.
type Spread struct{ X, Low, High float64 }

// spreads draws the intervals of a series as thin upright lines.
type spreads struct {
	style draw.LineStyle
	of    []Spread
}

// Plot implements plot.Plotter.
func (s *spreads) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for _, v := range s.of {
		at, low, high := x(v.X), y(v.Low), y(v.High)
		c.StrokeLine2(s.style, at, low, at, high)
		c.StrokeLine2(s.style, at-2.5, low, at+2.5, low)
		c.StrokeLine2(s.style, at-2.5, high, at+2.5, high)
	}
}

// shortTicks are ticks at four to eight round figures, written short.
type shortTicks struct{}

// Ticks implements plot.Ticker.
func (shortTicks) Ticks(from, to float64) []plot.Tick {
	step := math.Pow(10, math.Floor(math.Log10(to-from)))
	for _, finer := range []float64{2, 2.5, 2} {
		if (to-from)/step >= 4 {
			break
		}
		step /= finer
	}
	var ticks []plot.Tick
	for i := math.Ceil(from / step); i*step <= to*(1+1e-9); i++ {
		ticks = append(ticks, plot.Tick{Value: i * step, Label: Short(i * step)})
	}
	return ticks
}
