package main

import (
	"errors"
	"fmt"

	"github.com/gregor-log/gregor/reports"
)

// groupVerdict is whether every group saw every record.
func (d *demo) groupVerdict() reports.Verdict {
	a := d.found.audience
	_, failed := a.book.Failures()
	seen, again := int64(0), int64(0)
	for _, c := range a.crews {
		counts := a.book.Counts(c.name)
		seen, again = seen+counts.Distinct, again+counts.Again
	}
	return reports.Verdict{Outcome: outcome(failed == 0), Name: "consumer groups", Text: fmt.Sprintf(
		"%s saw every record, %s in all, %s of them again; %s", reports.Plural(len(a.crews), "group"),
		reports.Count(seen), reports.Count(again), reports.Plural(failed, "failure"))}
}

// groupSection tells what the groups did.
func (d *demo) groupSection() (reports.Section, error) {
	a := d.found.audience
	parts := []reports.Part{
		reports.Text(fmt.Sprintf("Three consumers in one group share one topic, each of them a process of its own, "+
			"and the one that had seen most is killed with SIGKILL when half of the topic is read. At the same time "+
			"two groups of one consumer each read the other topic: a broadcast, each sees everything. The consumers "+
			"are franz-go's with the cooperative sticky assignor, commit every %v, and tell of everything they do. A "+
			"record that a group sees again must not have been committed when the consumer that sees it again was "+
			"given its partition, and at the end every record must have been seen by every group.", commitEvery)),
	}
	chart, err := a.chart()
	switch {
	case err == nil:
		parts = append(parts, chart)
	case !errors.Is(err, reports.ErrNoData):
		return reports.Section{}, err
	}
	parts = append(parts, a.table(), reports.Facts{
		{Name: "Killed", Value: fmt.Sprintf("%s, %s after the groups began", a.victim(), reports.Took(a.struck))},
		{Name: "From the kill until others held all partitions", Value: fmt.Sprintf("%s, of which the session is %v",
			reports.Took(a.stable-a.struck), a.session)},
		{Name: "All groups at the ends", Value: reports.Took(a.took) + " after they began"},
	})
	if failures, n := a.book.Failures(); n > 0 {
		text := ""
		for _, f := range failures[:min(n, 10)] {
			text += f.String() + "\n"
		}
		parts = append(parts, reports.Listing{Caption: "What does not hold", Text: text})
	}
	return reports.Section{ID: "groups", Title: "Read by consumer groups", Parts: parts}, nil
}

// victim names the consumer that was killed.
func (a *audience) victim() string {
	for _, c := range a.crews {
		for _, each := range c.consumers {
			if each.killed {
				return each.name
			}
		}
	}
	return "nobody"
}

// table counts what each group did.
func (a *audience) table() *reports.Table {
	t := &reports.Table{
		Caption: "What the groups saw (commits are of one partition each; generations are those in which partitions " +
			"were handed out)",
		Head: []string{"group", "consumers", "topic", "records", "seen", "again", "why again", "generations",
			"handed out", "commits", "refused", "no answer"},
		Words: []int{2, 6},
	}
	for _, c := range a.crews {
		n := a.book.Counts(c.name)
		whole := n.Distinct == c.total()
		t.Rows = append(t.Rows, reports.Row{Outcome: outcome(whole), Cells: []string{
			c.name, reports.Count(len(c.consumers)), c.r.topic, reports.Count(c.total()), reports.Count(n.Distinct),
			reports.Count(n.Again), n.Why(), reports.Count(n.Generations), reports.Count(n.Holdings),
			reports.Count(n.Commits), reports.Count(n.Refused), reports.Count(n.Unanswered),
		}})
	}
	return t
}

// chart draws what each consumer of the group of three had seen over time.
func (a *audience) chart() (reports.Part, error) {
	var series []reports.Series
	for _, c := range a.crews {
		if !c.kill {
			continue
		}
		for _, each := range c.consumers {
			s := reports.Series{Name: each.name}
			for _, p := range each.points {
				s.Points = append(s.Points, reports.Point{X: p.at.Seconds(), Y: float64(p.lines)})
			}
			if each.killed {
				s.Marks = []reports.Mark{{X: a.struck.Seconds(), Text: "SIGKILL"}}
				s.Bands = []reports.Band{{From: a.struck.Seconds(), To: a.stable.Seconds()}}
				s.Name += " (killed)"
			} else if n := len(each.points); n > 0 {
				s.Points = append(s.Points, reports.Point{X: a.took.Seconds(), Y: float64(each.records)})
			}
			series = append(series, s)
		}
	}
	lines := reports.Lines{
		Title: "Records seen by each of the three",
		Alt: "Three rising lines. One ends when its consumer is killed; the others rise further when they are given " +
			"its partitions.",
		Note: "The vertical line is the SIGKILL; the tinted band lasts until the others hold all partitions.",
		X:    "seconds since the groups began", Y: "records seen", Series: series,
	}
	return lines.Chart()
}

// summary is the groups in a line for the terminal.
func (a *audience) summary() string {
	text, again, commits := "", int64(0), 0
	for _, c := range a.crews {
		n := a.book.Counts(c.name)
		text += fmt.Sprintf("%s %d of %d, ", c.name, n.Distinct, c.total())
		again, commits = again+n.Again, commits+n.Commits
	}
	return fmt.Sprintf("%s%d seen again, %d commits; stable %.2f s after the kill (session %v)", text, again, commits,
		(a.stable - a.struck).Seconds(), a.session)
}
