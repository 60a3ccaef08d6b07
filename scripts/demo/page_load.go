package main

import (
	"fmt"

	"github.com/gregor-log/gregor/reports"
)

func (d *demo) loadSection() (reports.Section, error) {
	parts := []reports.Part{reports.Text(fmt.Sprintf("The producers are idempotent with acks=all and keep what is not "+
		"acknowledged until it is; topics have %d partitions. They compete with the broker for the machine's "+
		"processors, so these are not the broker's limits.", d.partitions))}
	var charts []*reports.Lines
	last, highest := 0.0, 0.0
	for _, l := range d.found.loads {
		c := loadChart(l)
		charts = append(charts, c)
		for _, p := range c.Series[0].Points {
			last, highest = max(last, p.X), max(highest, p.Y)
		}
	}
	for _, c := range charts {
		c.Last, c.Highest = last, highest
		drawn, err := c.Chart()
		switch {
		case err == nil:
			parts = append(parts, drawn)
		case d.input.lines >= manyLines:
			return reports.Section{}, err
		}
	}
	return reports.Section{ID: "load", Title: "Loaded, with kills",
		Parts: append(parts, d.loadTable(), d.killTable())}, nil
}

// loadChart is the speed of a load over time.
func loadChart(l *load) *reports.Lines {
	s := reports.Series{Name: "acknowledged, " + l.codecName}
	at, rate := l.rates()
	for i := range at {
		s.Points = append(s.Points, reports.Point{X: at[i].Seconds(), Y: rate[i]})
	}
	for _, k := range l.kills {
		s.Marks = append(s.Marks, reports.Mark{X: k.at.Seconds(), Text: "SIGKILL"})
		s.Bands = append(s.Bands, reports.Band{From: k.at.Seconds(), To: k.ready.Seconds()})
	}
	return &reports.Lines{
		Title: "Lines acknowledged a second, " + l.codecName,
		Alt: "A line over the seconds of the load. It falls to zero where the broker was killed and rises again when " +
			"it is back.",
		Note: "A vertical line is a SIGKILL; the tinted band after it lasts until the broker is ready again.",
		X:    "seconds since the load began", Y: "lines a second", Series: []reports.Series{s},
	}
}

func (d *demo) loadTable() *reports.Table {
	t := &reports.Table{
		Caption: "The loads (MB are of the lines alone; on disk with keys and headers, in batches)",
		Head:    []string{"topic", "codec", "records", "MB", "s", "lines/s", "MB/s", "MB on disk", "kills"},
		Words:   []int{1},
	}
	for i, l := range d.found.loads {
		lines, seconds, mb := l.lines.Load(), l.took.Seconds(), float64(l.bytes.Load())/1e6
		t.Rows = append(t.Rows, reports.Row{Cells: []string{
			l.topic, l.codecName, reports.Count(lines), reports.Number(mb), reports.Number(seconds),
			reports.Count(int64(float64(lines) / seconds)), reports.Number(mb / seconds),
			reports.Number(float64(d.found.stored[i]) / 1e6), reports.Count(len(l.kills)),
		}})
	}
	return t
}

func (d *demo) killTable() *reports.Table {
	t := &reports.Table{
		Caption: "The kills (times in ms unless said otherwise). A start includes the recovery of all logs",
		Head: []string{"topic", "killed at (s)", "lines acknowledged before", "broker's start until ready",
			"kill until ready", "longest silence for the producer"},
	}
	for _, l := range d.found.loads {
		for _, k := range l.kills {
			t.Rows = append(t.Rows, reports.Row{Cells: []string{
				l.topic, reports.Number(k.at.Seconds()), reports.Count(k.lines), reports.Number(float64(k.start) / 1e6),
				reports.Number(float64(k.ready-k.at) / 1e6), reports.Number(float64(k.silence) / 1e6),
			}})
		}
	}
	return t
}
