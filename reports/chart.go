package reports

import (
	"bytes"
	"fmt"
	"image/color"
	"regexp"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Chart is a drawn chart.
type Chart struct {
	// Title stands above it, Alt says in words what it shows to those who cannot see it, Note stands below.
	Title, Alt, Note string
	// Light and Dark are the same chart as SVG elements, for either background.
	Light, Dark []byte
}

// Kind implements Part.
func (*Chart) Kind() string { return "chart" }

// Sizes of all charts, in points.
const (
	width    = 400 * vg.Length(1)
	fontSize = 11 * vg.Length(1)
	lineStep = 1.35 * fontSize
	margin   = 4 * vg.Length(1)
)

// theme is the colours of a chart.
type theme struct {
	ink, soft, grid color.Color
	series          []color.Color
}

func rgb(hex uint32) color.Color {
	return color.NRGBA{R: uint8(hex >> 16), G: uint8(hex >> 8), B: uint8(hex), A: 255}
}

// The themes. The series are Okabe and Ito's blue, vermilion, green and purple; on dark, their lighter neighbours.
var (
	light = theme{
		ink: rgb(0x1b1f24), soft: rgb(0x57606a), grid: rgb(0xd3d8de),
		series: []color.Color{rgb(0x0072b2), rgb(0xd55e00), rgb(0x009e73), rgb(0xa65c85), rgb(0x767676)},
	}
	dark = theme{
		ink: rgb(0xe8eaed), soft: rgb(0xa5adb6), grid: rgb(0x424952),
		series: []color.Color{rgb(0x56b4e9), rgb(0xe69f00), rgb(0x2cc795), rgb(0xcc79a7), rgb(0xa8a8a8)},
	}
)

// dashes are the patterns of the lines of series, the first one whole.
var dashes = [][]vg.Length{nil, {6, 2}, {2, 2}, {8, 2, 2, 2}}

func (t *theme) color(series int) color.Color { return t.series[series%len(t.series)] }

// tint returns the colour of a series for surfaces, through which the grid and other tints show.
func (t *theme) tint(series int) color.Color {
	r, g, b, _ := t.color(series).RGBA()
	return color.NRGBA{R: uint8(r >> 8), G: uint8(g >> 8), B: uint8(b >> 8), A: 36}
}

// style returns the style of a text.
func (t *theme) style(c color.Color, x text.XAlignment, y text.YAlignment) text.Style {
	return text.Style{
		Color: c, Font: font.Font{Typeface: "Liberation", Variant: "Sans", Size: fontSize},
		XAlign: x, YAlign: y, Handler: plot.DefaultTextHandler,
	}
}

// newPlot returns an empty plot with these labels.
func (t *theme) newPlot(x, y string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	axes := []struct {
		axis  *plot.Axis
		label string
	}{{&p.X, x}, {&p.Y, y}}
	for _, a := range axes {
		a.axis.Label.Text = a.label
		turned := a.axis.Label.TextStyle.Rotation
		a.axis.Label.TextStyle = t.style(t.ink, text.XCenter, text.YBottom)
		a.axis.Label.TextStyle.Rotation = turned
		a.axis.Label.Padding = 3
		a.axis.Padding = 0
		a.axis.LineStyle.Color = t.soft
		a.axis.Tick.LineStyle.Color = t.soft
	}
	p.X.Tick.Label = t.style(t.soft, text.XCenter, text.YTop)
	p.Y.Tick.Label = t.style(t.soft, text.XRight, text.YCenter)
	return p
}

// legend draws the names of the series in rows at the top of a canvas, each with its key, and returns what is left
// below. The key of a series is drawn by key into a box of its own.
func (t *theme) legend(c draw.Canvas, names []string, key func(box draw.Canvas, series int)) draw.Canvas {
	const keyWidth, gap = 18, 14
	style := t.style(t.ink, text.XLeft, text.YCenter)
	x, y := c.Min.X+margin, c.Max.Y-lineStep/2
	for i, name := range names {
		wide := keyWidth + 4 + style.Width(name)
		if x > c.Min.X+margin && x+wide > c.Max.X {
			x, y = c.Min.X+margin, y-lineStep
		}
		key(draw.Crop(c, x-c.Min.X, x+keyWidth-c.Max.X, y-4-c.Min.Y, y+4-c.Max.Y), i)
		c.FillText(style, vg.Point{X: x + keyWidth + 4, Y: y}, name)
		x += wide + gap
	}
	return draw.Crop(c, 0, 0, 0, y-lineStep/2-margin-c.Max.Y)
}

// fill fills a canvas with a colour.
func fill(c draw.Canvas, with color.Color) {
	c.FillPolygon(with, []vg.Point{
		c.Min, {X: c.Max.X, Y: c.Min.Y}, c.Max, {X: c.Min.X, Y: c.Max.Y},
	})
}

// render draws a chart in both themes.
func render(chart Chart, height vg.Length, with func(*theme, draw.Canvas) error) (*Chart, error) {
	for _, each := range []struct {
		theme *theme
		into  *[]byte
	}{{&light, &chart.Light}, {&dark, &chart.Dark}} {
		svg := vgsvg.New(width, height)
		if err := with(each.theme, draw.New(svg)); err != nil {
			return nil, fmt.Errorf("chart %q: %w", chart.Title, err)
		}
		var out bytes.Buffer
		if _, err := svg.WriteTo(&out); err != nil {
			return nil, fmt.Errorf("chart %q: %w", chart.Title, err)
		}
		*each.into = embeddable(out.Bytes())
	}
	return &chart, nil
}

// What has to change in an SVG document to make it an element of a page.
var (
	prolog = regexp.MustCompile(`(?s)^.*?<svg width="[^"]*" height="[^"]*"`)
	family = regexp.MustCompile(`font-family:Liberation Sans;font-variant:[a-z]+;font-weight:normal;font-style:normal`)
)

// embeddable makes an SVG document an element that takes the width of where it stands. Liberation Sans has the widths
// of Arial and Helvetica, so any of them will do.
func embeddable(svg []byte) []byte {
	svg = prolog.ReplaceAll(svg, []byte(`<svg`))
	return family.ReplaceAll(svg, []byte(`font-family:'Liberation Sans',Arial,Helvetica,sans-serif`))
}
