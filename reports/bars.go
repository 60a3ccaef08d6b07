package reports

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Bars is a chart of lying bars in groups, the first group on top. Each bar ends at a median, with a thin line over it
// from the least to the greatest of the runs, and its figure behind it.
type Bars struct {
	Title, Alt, Note string
	// X labels the axis, with its unit.
	X string
	// Log makes the axis logarithmic: bars begin at the power of ten below the least figure, and their lengths do not
	// compare, only their ends do.
	Log bool
	// Most is the greatest figure that is drawn to scale, 0 for all: a longer bar ends there, with an arrow before its
	// figure, so that the others can be told apart beside it.
	Most float64
	// Series are the names of the kinds of bar.
	Series []string
	Groups []Group
}

// Group is bars that compare with each other.
type Group struct {
	Name string
	Bars []Bar
}

// Bar is one figure and the spread of its runs. A figure that is not above 0 is not drawn.
type Bar struct {
	// Series is an index into Bars.Series.
	Series            int
	Median, Low, High float64
}

// Sizes of bars, in points.
const (
	barHeight = 13 * vg.Length(1)
	groupGap  = 8 * vg.Length(1)
)

// Chart draws the chart.
func (b *Bars) Chart() (*Chart, error) {
	least, greatest, rows := b.extent()
	if rows == 0 {
		return nil, ErrNoData
	}
	inner := vg.Length(rows)*barHeight + vg.Length(len(b.Groups))*(lineStep+groupGap)
	head := t0.legendHeight(b.Series)
	const foot = 3 * lineStep
	chart := Chart{Title: b.Title, Alt: b.Alt, Note: b.Note}
	return render(chart, inner+head+foot, func(t *theme, c draw.Canvas) error {
		rest := t.legend(c, b.Series, func(box draw.Canvas, i int) { fill(box, t.color(i)) })
		p := t.newPlot(b.X, "")
		p.HideY()
		p.X.Min, p.X.Max = 0, greatest*1.3
		p.X.Tick.Marker = shortTicks{}
		if b.Log {
			p.X.Min = math.Pow(10, math.Floor(math.Log10(least)))
			p.X.Max = greatest * math.Pow(greatest/p.X.Min, 0.22)
			p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, decades{}
		}
		from, to := p.X.Min, p.X.Max
		p.Y.Min, p.Y.Max = 0, 1
		grid := plotter.NewGrid()
		grid.Horizontal.Width = 0
		grid.Vertical.Color = t.grid
		p.Add(grid, &bars{theme: t, of: b})
		p.X.Min, p.X.Max = from, to
		p.Draw(draw.Crop(rest, 2*margin, -2*margin, 0, 0))
		return nil
	})
}

// t0 measures texts, which are as wide in every theme.
var t0 = &light

// legendHeight returns the height that a legend takes.
func (t *theme) legendHeight(names []string) vg.Length {
	style, rows, x := t.style(t.ink, text.XLeft, text.YCenter), 1, margin
	for _, name := range names {
		wide := 22 + style.Width(name)
		if x > margin && x+wide > width {
			rows, x = rows+1, margin
		}
		x += wide + 14
	}
	return vg.Length(rows)*lineStep + margin
}

// extent returns the least and the greatest figure and the number of bars.
func (b *Bars) extent() (least, greatest float64, rows int) {
	least = math.Inf(1)
	for _, g := range b.Groups {
		for _, bar := range g.Bars {
			if bar.Median <= 0 {
				continue
			}
			least = math.Min(least, math.Min(bar.Median, positive(bar.Low, bar.Median)))
			greatest = math.Max(greatest, math.Max(b.scaled(bar.Median), b.scaled(bar.High)))
			rows++
		}
	}
	return least, greatest, rows
}

// scaled returns v, or Most if that is less.
func (b *Bars) scaled(v float64) float64 {
	if b.Most > 0 {
		return math.Min(v, b.Most)
	}
	return v
}

// label is the figure behind a bar.
func (b *Bars) label(bar Bar) string {
	if b.scaled(bar.Median) < bar.Median {
		return "→ " + Short(bar.Median)
	}
	return Short(bar.Median)
}

// positive returns v, or otherwise if v is not above 0.
func positive(v, otherwise float64) float64 {
	if v > 0 {
		return v
	}
	return otherwise
}

// bars is the plotter of Bars.
type bars struct {
	theme *theme
	of    *Bars
}

// Plot implements plot.Plotter.
func (b *bars) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	name := b.theme.style(b.theme.ink, text.XLeft, text.YTop)
	figure := b.theme.style(b.theme.ink, text.XLeft, text.YCenter)
	spread := draw.LineStyle{Color: b.theme.ink, Width: 1}
	y := c.Max.Y
	for _, g := range b.of.Groups {
		c.FillText(name, vg.Point{X: c.Min.X + 2, Y: y}, g.Name)
		y -= lineStep
		for _, bar := range g.Bars {
			if bar.Median <= 0 {
				continue
			}
			box := c
			box.Min.Y, box.Max.Y = y-barHeight+1.5, y-0.5
			box.Min.X, box.Max.X = c.Min.X, x(b.of.scaled(bar.Median))
			fill(box, b.theme.color(bar.Series))
			middle, end := (box.Min.Y+box.Max.Y)/2, box.Max.X
			if bar.High > bar.Low && bar.Low > 0 && b.of.scaled(bar.Low) == bar.Low {
				low, high := max(x(bar.Low), c.Min.X), x(b.of.scaled(bar.High))
				c.StrokeLine2(spread, low, middle, high, middle)
				c.StrokeLine2(spread, low, middle-2.5, low, middle+2.5)
				c.StrokeLine2(spread, high, middle-2.5, high, middle+2.5)
				end = max(end, high)
			}
			c.FillText(figure, vg.Point{X: end + 4, Y: middle}, b.of.label(bar))
			y -= barHeight
		}
		y -= groupGap
	}
}

// decades are ticks at powers of ten, written short, and unwritten ones between.
type decades struct{}

// Ticks implements plot.Ticker.
func (decades) Ticks(from, to float64) []plot.Tick {
	var ticks []plot.Tick
	for at := math.Pow(10, math.Floor(math.Log10(from))); at <= to; at *= 10 {
		for times := 1.0; times < 10; times++ {
			v := at * times
			if v < from*0.999 || v > to {
				continue
			}
			tick := plot.Tick{Value: v}
			if times == 1 {
				tick.Label = Short(v)
			}
			ticks = append(ticks, tick)
		}
	}
	return ticks
}
