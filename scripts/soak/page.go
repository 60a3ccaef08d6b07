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

// What the second half of a run may take more than the first: a quarter, and some room for what varies anyway.
const (
	roomBytes = 32 << 20
	roomFiles = 16
)

// peaks are the most that the broker took in a stretch of the run.
type peaks struct {
	resident int64
	files    int
	logBytes int64
}

func peaksOf(samples []sample) peaks {
	var p peaks
	for _, one := range samples {
		p.resident, p.files = max(p.resident, one.usage.Resident), max(p.files, one.usage.Files)
		p.logBytes = max(p.logBytes, one.logBytes)
	}
	return p
}

// grown says what is not flat between two halves of a run, "" if all is.
func grown(first, second peaks) string {
	var found []string
	if limit := first.resident*5/4 + roomBytes; second.resident > limit {
		found = append(found, fmt.Sprintf("resident memory grew from %d to %d bytes", first.resident, second.resident))
	}
	if limit := first.files*5/4 + roomFiles; second.files > limit {
		found = append(found, fmt.Sprintf("open files grew from %d to %d", first.files, second.files))
	}
	return strings.Join(found, ", ")
}

// halves are the peaks of both halves of the load.
func (s *soak) halves() (first, second peaks) {
	middle := len(s.mu.samples) / 2
	return peaksOf(s.mu.samples[:middle]), peaksOf(s.mu.samples[middle:])
}

// flat fails the run if memory or files grew, or if there was nothing to look at.
func (s *soak) flat() {
	const least = 10
	if len(s.mu.samples) < least {
		s.fail("%d samples of the broker, expected at least %d", len(s.mu.samples), least)
		return
	}
	if text := grown(s.halves()); text != "" {
		s.fail("%s", text)
	}
	if len(s.mu.ends) == 0 {
		s.fail("the broker was never ended in %v", s.length)
	}
}

// writePage writes the page and returns its path.
func (s *soak) writePage() (string, error) {
	first, second := s.halves()
	last := s.mu.samples[len(s.mu.samples)-1]
	page := reports.Page{
		Title: "gregor: a long load with kills",
		Lead: fmt.Sprintf("%s records acknowledged in %v by %d producers while the broker was ended %d times.",
			reports.Count(last.acked), s.length, s.producers, len(s.mu.ends)),
		Foot: time.Now().UTC().Format("2006-01-02 15:04 UTC"),
	}
	for i, r := range s.reports {
		page.Verdicts = append(page.Verdicts, reports.Verdict{
			Outcome: outcome(r.Verdict == checker.OK), Name: "history of " + s.topics[i].name,
			Text: fmt.Sprintf("verdict %s on %s", r.Verdict, reports.Plural(r.Counts.Operations, "operation")),
		})
	}
	page.Verdicts = append(page.Verdicts,
		reports.Verdict{Outcome: outcome(grown(first, second) == ""), Name: "flat", Text: fmt.Sprintf(
			"at most %s and %d files in the first half, %s and %d in the second", reports.Bytes(first.resident),
			first.files, reports.Bytes(second.resident), second.files)},
		reports.Verdict{Outcome: outcome(len(s.mu.failures) == 0), Name: "in all",
			Text: reports.Plural(len(s.mu.failures), "failure")})
	charts, err := s.charts()
	if err != nil {
		return "", err
	}
	page.Sections = []reports.Section{
		{ID: "over", Title: "Over time", Parts: charts},
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
		{"Open files of the broker", "files", func(one sample) float64 { return float64(one.usage.Files) }},
		{"Size of the log directory", "MB", func(one sample) float64 { return float64(one.logBytes) / 1e6 }},
		{"Records acknowledged", "records", func(one sample) float64 { return float64(one.acked) }},
	} {
		series := reports.Series{Name: c.title}
		for _, one := range s.mu.samples {
			series.Points = append(series.Points, reports.Point{X: one.at.Seconds(), Y: c.of(one)})
		}
		for _, e := range s.mu.ends {
			series.Bands = append(series.Bands, reports.Band{From: e.at.Seconds(), To: e.ready.Seconds()})
		}
		lines := reports.Lines{
			Title: c.title, Alt: "A line over the seconds of the run.", X: "seconds", Y: c.unit,
			Note: "Tinted: no broker.", Series: []reports.Series{series},
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
		{Name: "Changes of retention.bytes", Value: reports.Count(s.altered)},
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
