package main

import "github.com/gregor-log/gregor/reports"

// benchSection shows what gregor bench measured: the ratios, and what it printed.
func (d *demo) benchSection() (reports.Section, error) {
	s := reports.Section{ID: "limits", Title: "Beside raw loops", Parts: []reports.Part{
		reports.Text("Loops that receive, checksum, write and answer, or send from a file, and do nothing else, " +
			"bound what any broker can do. gregor bench measures it beside them with the same bytes; gregor report " +
			"makes a page of its own from the folder bench, and make bench measures every row, beside a real Kafka " +
			"too."),
		reports.Listing{Caption: d.found.bench.command, Text: d.found.bench.stdout},
	}}
	if d.found.measured == nil {
		return s, nil
	}
	overview, err := reports.BenchOverview(d.found.measured.Rows)
	if err != nil {
		return s, err
	}
	s.Parts = append(s.Parts, overview.Parts...)
	jacobs, err := reports.BenchJacobs(d.found.measured.Limits)
	if jacobs != nil {
		s.Parts = append(s.Parts, jacobs.Parts...)
	}
	return s, err
}
