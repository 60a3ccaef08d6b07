package reports_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/reports"
)

func lines() *reports.Lines {
	return &reports.Lines{
		Title: "Over time", Alt: "two lines", Note: "a note", X: "seconds", Y: "lines a second",
		Series: []reports.Series{
			{
				Name: "first", Points: []reports.Point{{X: 0, Y: 0}, {X: 1, Y: 300_000}, {X: 2, Y: 250_000}},
				// There is no room for the word of the second mark.
				Marks: []reports.Mark{
					{X: 0.5, Text: "kill 1"}, {X: 0.51, Text: "kill 2"}, {X: 0.52, Text: "kill 3"},
					{X: 3, Text: "kill 4"},
				},
				Bands: []reports.Band{{From: 0.5, To: 0.7}},
			},
			{Name: "second", Points: []reports.Point{{X: 0, Y: 100_000}, {X: 3, Y: 400_000}}},
		},
	}
}

func bars(log bool) *reports.Bars {
	return &reports.Bars{
		Title: "Side by side", Alt: "bars", X: "MB/s", Log: log, Series: []string{"memory", "disk"},
		Groups: []reports.Group{
			{Name: "append", Bars: []reports.Bar{
				{Series: 0, Median: 2000, Low: 1500, High: 2500}, {Series: 1, Median: 40, Low: 30, High: 41},
			}},
			{Name: "read", Bars: []reports.Bar{{Series: 0, Median: 9000}, {Series: 1}}},
		},
	}
}

// texts returns the texts of an SVG element, and fails unless it is well-formed.
func texts(t *testing.T, svg []byte) string {
	t.Helper()
	var found []string
	in := xml.NewDecoder(bytes.NewReader(svg))
	for {
		token, err := in.Token()
		if errors.Is(err, io.EOF) {
			return strings.Join(found, "|")
		}
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := token.(xml.CharData); ok && len(bytes.TrimSpace(text)) > 0 {
			found = append(found, string(bytes.TrimSpace(text)))
		}
	}
}

func TestChartsShowWhatTheyAreGiven(t *testing.T) {
	for name, c := range map[string]struct {
		draw func() (*reports.Chart, error)
		want []string
		not  string
	}{
		"lines": {
			lines().Chart,
			[]string{"first", "second", "seconds", "lines a second", "kill 1", "kill 3", "kill 4", "400k"}, "kill 2",
		},
		"bars": {
			bars(false).Chart, []string{"memory", "disk", "append", "read", "MB/s", "2k", "9k", "40"}, "-",
		},
		"longer than the axis": {
			func() (*reports.Chart, error) {
				b := bars(false)
				b.Most = 2500
				return b.Chart()
			},
			[]string{"memory", "disk", "append", "read", "MB/s", "2k", "→ 9k", "40", "3k"}, "5k",
		},
		"logarithmic": {
			bars(true).Chart, []string{"memory", "disk", "append", "read", "MB/s", "100", "10k", "9k"}, "-",
		},
	} {
		chart, err := c.draw()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if bytes.Equal(chart.Light, chart.Dark) {
			t.Errorf("%s: light and dark are the same", name)
		}
		for _, svg := range [][]byte{chart.Light, chart.Dark} {
			got := "|" + texts(t, svg) + "|"
			for _, want := range c.want {
				if !strings.Contains(got, "|"+want+"|") {
					t.Errorf("%s: %q lacks %q", name, got, want)
				}
			}
			if strings.Contains(got, "|"+c.not+"|") {
				t.Errorf("%s: %q has %q", name, got, c.not)
			}
			if !bytes.HasPrefix(svg, []byte("<svg viewBox=")) || !bytes.Contains(svg, []byte("Arial")) {
				t.Errorf("%s: not an element that fits where it stands: %.80s", name, svg)
			}
		}
	}
}

func TestNothingToDraw(t *testing.T) {
	for name, draw := range map[string]func() (*reports.Chart, error){
		"lines": (&reports.Lines{Series: []reports.Series{{Name: "empty"}}}).Chart,
		"bars":  (&reports.Bars{Groups: []reports.Group{{Name: "empty", Bars: []reports.Bar{{}}}}}).Chart,
	} {
		if _, err := draw(); !errors.Is(err, reports.ErrNoData) {
			t.Errorf("%s: got %v, expected ErrNoData", name, err)
		}
	}
}
