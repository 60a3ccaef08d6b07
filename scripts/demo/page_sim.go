package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/gregor-log/gregor/reports"
)

func (d *demo) simSection() reports.Section {
	if len(d.found.seeds) == 0 {
		return reports.Section{ID: "sim", Title: "Simulated seeds", Parts: []reports.Part{listing(d.found.sim)}}
	}
	var events, acked int64
	var simulated, wall float64
	faults, verdicts := make(map[string]int), make(map[string]int)
	for _, s := range d.found.seeds {
		events, acked = events+s.Events, acked+s.AckedRecords
		simulated, wall = simulated+s.SimSeconds, wall+s.WallSeconds
		verdicts[s.Verdict]++
		for kind, n := range s.Faults {
			faults[kind] += n
		}
	}
	facts := reports.Facts{
		{Name: "Seeds", Value: d.seeds + ": " + counts(verdicts)},
		{Name: "Events", Value: reports.Count(events)},
		{Name: "Records acknowledged", Value: reports.Count(acked)},
		{Name: "Simulated time", Value: reports.Number(simulated) + " s, computed in " + reports.Number(wall) + " s"},
		{Name: "Faults that struck", Value: counts(faults)},
	}
	t := &reports.Table{
		Head: []string{"seed", "verdict", "events", "records acknowledged", "faults",
			"simulated s", "trace (SHA-256)"},
		Words: []int{1, 6},
	}
	for _, s := range d.found.seeds {
		struck := 0
		for _, n := range s.Faults {
			struck += n
		}
		t.Rows = append(t.Rows, reports.Row{Outcome: rowOutcome(s), Cells: []string{
			fmt.Sprint(s.Seed), s.Verdict, reports.Count(s.Events), reports.Count(s.AckedRecords),
			reports.Count(struck), reports.Number(s.SimSeconds), s.Trace[:min(len(s.Trace), 16)],
		}})
	}
	return reports.Section{ID: "sim", Title: "Simulated seeds", Parts: []reports.Part{
		reports.Text("The same broker code, driven by a simulated world in which links delay, cut and reset, disks " +
			"lose what was not synced, processes are killed and power fails, with every acknowledged record checked " +
			"as the world goes. A seed and a build give the same trace, always."),
		facts,
		reports.Fold{Title: "Seed by seed", Parts: []reports.Part{t}},
	}}
}

// rowOutcome colours the seeds that are not ok.
func rowOutcome(s simulated) reports.Outcome {
	switch s.Verdict {
	case "ok":
		return reports.Neutral
	case "inconclusive":
		return reports.Open
	}
	return reports.Bad
}

// counts writes counted words in the order of the words.
func counts(of map[string]int) string {
	text := ""
	for i, word := range slices.Sorted(maps.Keys(of)) {
		if i > 0 {
			text += ", "
		}
		text += reports.Count(of[word]) + " " + word
	}
	if text == "" {
		return "none"
	}
	return text
}
