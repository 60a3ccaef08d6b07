package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/consistency/checker"
	"github.com/gregor-log/gregor/reports"
)

// writePage writes the page and returns its path.
func (s *soak) writePage() (string, error) {
	last := s.mu.samples[len(s.mu.samples)-1]
	page := reports.Page{
		Title: "gregor: a long load with kills",
		Lead: fmt.Sprintf("%s records acknowledged in %v, and read by %d members of %d consumer groups, while the "+
			"broker was ended %d times.", reports.Count(last.acked), s.length, members(s.crowd.plans),
			len(s.crowd.plans), len(s.mu.ends)),
		Foot: time.Now().UTC().Format("2006-01-02 15:04 UTC"),
	}
	for i, r := range s.reports {
		page.Verdicts = append(page.Verdicts, reports.Verdict{
			Outcome: outcome(r.Verdict == checker.OK), Name: "history of " + s.topics[i].name,
			Text: fmt.Sprintf("verdict %s on %s", r.Verdict, reports.Plural(r.Counts.Operations, "operation")),
		})
	}
	half := s.secondHalf()
	page.Verdicts = append(page.Verdicts, s.groupVerdict(),
		reports.Verdict{Outcome: outcome(half.grown() == ""), Name: "flat", Text: half.String()},
		reports.Verdict{Outcome: outcome(len(s.mu.failures) == 0), Name: "in all",
			Text: reports.Plural(len(s.mu.failures), "failure")})
	charts, err := s.charts()
	if err != nil {
		return "", err
	}
	groups, err := s.groupSection()
	if err != nil {
		return "", err
	}
	page.Sections = []reports.Section{
		{ID: "over", Title: "Over time", Parts: charts},
		groups,
		{ID: "ends", Title: "Ends and starts", Parts: []reports.Part{s.endTable()}},
		s.verdictSection(),
		s.machineSection(),
	}
	var out bytes.Buffer
	if err := page.Render(&out); err != nil {
		return "", err
	}
	name := filepath.Join(s.out, "index.html")
	return name, os.WriteFile(name, out.Bytes(), 0o644)
}

func outcome(holds bool) reports.Outcome {
	if holds {
		return reports.Good
	}
	return reports.Bad
}

// charts draw the samples.
func (s *soak) charts() ([]reports.Part, error) {
	var parts []reports.Part
	for _, c := range []struct {
		title, unit string
		of          func(sample) float64
	}{
		{"Resident memory of the broker", "MB", func(one sample) float64 { return float64(one.usage.Resident) / 1e6 }},
		{"Open files and connections of the broker", "files", func(one sample) float64 {
			return float64(one.usage.Files)
		}},
		{"Size of the log directory", "MB", func(one sample) float64 { return float64(one.logBytes) / 1e6 }},
		{"Members of groups", "members", func(one sample) float64 { return float64(one.members) }},
		{"Records acknowledged", "records", func(one sample) float64 { return float64(one.acked) }},
	} {
		series := reports.Series{Name: c.title}
		for _, one := range s.mu.samples {
			series.Points = append(series.Points, reports.Point{X: one.at.Seconds(), Y: c.of(one)})
		}
		series.Marks, series.Bands = s.struck()
		lines := reports.Lines{
			Title: c.title, Alt: "A line over the seconds of the run.", X: "seconds", Y: c.unit,
			Note: struckNote, Series: []reports.Series{series},
		}
		chart, err := lines.Chart()
		if err != nil {
			return nil, err
		}
		parts = append(parts, chart)
	}
	return parts, nil
}

func (s *soak) endTable() *reports.Table {
	t := &reports.Table{Head: []string{"how", "at (s)", "start took (ms)", "away (ms)"}}
	for _, e := range s.mu.ends {
		how := "SIGTERM"
		if e.killed {
			how = "SIGKILL"
		}
		t.Rows = append(t.Rows, reports.Row{Cells: []string{how, fmt.Sprintf("%.1f", e.at.Seconds()),
			fmt.Sprintf("%.0f", e.started.Seconds()*1000), fmt.Sprintf("%.0f", (e.ready-e.at).Seconds()*1000)}})
	}
	return t
}

func (s *soak) verdictSection() reports.Section {
	parts := []reports.Part{reports.Facts{
		{Name: "Topics made and deleted meanwhile", Value: reports.Count(s.churned)},
		{Name: "Changes of topic configurations", Value: reports.Count(s.altered)},
		{Name: "DeleteRecords", Value: reports.Count(s.deleted)},
	}}
	for i, r := range s.reports {
		parts = append(parts, reports.Listing{Caption: "history of " + s.topics[i].name, Text: r.Text()})
	}
	parts = append(parts, reports.Listing{Caption: "gregor log verify --deep", Text: s.logVerify})
	if len(s.mu.failures) > 0 {
		parts = append(parts, reports.Listing{Caption: "What failed", Text: strings.Join(s.mu.failures, "\n") + "\n"})
	}
	return reports.Section{ID: "verdicts", Title: "The verdicts", Parts: parts}
}

func (s *soak) machineSection() reports.Section {
	var facts reports.Facts
	for _, f := range result.Machine(s.out) {
		facts = append(facts, reports.Fact{Name: strings.ReplaceAll(f.Key, "_", " "), Value: fmt.Sprint(f.Value)})
	}
	return reports.Section{ID: "machine", Title: "The machine", Parts: []reports.Part{facts}}
}
