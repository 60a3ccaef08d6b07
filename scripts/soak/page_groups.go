package main

import (
	"fmt"
	"strings"

	"github.com/gregor-log/gregor/reports"
	"github.com/gregor-log/gregor/scripts/internal/ledger"
)

// groupVerdict is the answer of the ledger at the top of the page.
func (s *soak) groupVerdict() reports.Verdict {
	_, failed := s.crowd.book.Failures()
	sum := s.crowd.add()
	return reports.Verdict{Outcome: outcome(failed == 0), Name: "the ledger of the groups", Text: fmt.Sprintf(
		"records were seen %s times, %s of them again, and not committed before; %s", reports.Count(sum.Sightings),
		reports.Count(sum.Again), reports.Plural(failed, "failure"))}
}

// groupSection tells what the groups did.
func (s *soak) groupSection() (reports.Section, error) {
	c, sum := s.crowd, s.crowd.add()
	facts := reports.Facts{
		{Name: "Groups and members", Value: fmt.Sprintf("%s with %s", reports.Plural(len(c.plans), "group"),
			reports.Plural(members(c.plans), "member"))},
		{Name: "Timeouts", Value: fmt.Sprintf("session %v, rebalance %v; a member lives for about %v", c.session,
			c.rebalance, c.life)},
		{Name: "What became of members", Value: told(c.mu.fates)},
		{Name: "Partitions handed to members", Value: fmt.Sprintf("%s in %s", reports.Count(sum.Holdings),
			reports.Plural(sum.Generations, "generation"))},
		{Name: "Records seen", Value: fmt.Sprintf("%s: %s different ones a group, added up, and %s again",
			reports.Count(sum.Sightings), reports.Count(sum.Distinct), reports.Count(sum.Again))},
		{Name: "How the holding ended that saw them before", Value: sum.Why()},
		{Name: "Deleted by retention before a group saw them", Value: reports.Count(sum.Passed)},
		{Name: "Commits", Value: fmt.Sprintf("%s acknowledged, %s refused, %s never answered",
			reports.Count(sum.Commits), reports.Count(sum.Refused), reports.Count(sum.Unanswered))},
		{Name: "What clients ran into", Value: told(c.mu.troubles)},
		{Name: "All groups at the ends of the logs", Value: reports.Took(s.settled) + " after the troubles ended"},
	}
	chart, err := s.groupChart()
	if err != nil {
		return reports.Section{}, err
	}
	parts := []reports.Part{
		reports.Text("Every member tells a ledger what it was assigned and when, where it was told to begin, what it " +
			"saw, what it committed and what was answered. A record that a group sees twice must lie at or above the " +
			"offset that the group had committed when the member that saw it again was given the partition. A commit " +
			"that was acknowledged before must be what the next holder is told. At the end each group must have seen " +
			"all that is in the logs."),
		facts, chart,
		reports.Fold{Title: "Group by group", Parts: []reports.Part{groupTable(c)}},
	}
	if failures, n := c.book.Failures(); n > 0 {
		parts = append(parts, reports.Listing{Caption: "What the ledger says", Text: failureText(failures)})
	}
	return reports.Section{ID: "groups", Title: "The consumer groups", Parts: parts}, nil
}

// failureText writes the first failures.
func failureText(failures []ledger.Failure) string {
	const most = 20
	var b strings.Builder
	for _, f := range failures[:min(len(failures), most)] {
		b.WriteString(f.String() + "\n")
	}
	return b.String()
}

// groupTable is a table of all groups.
func groupTable(c *crowd) *reports.Table {
	t := &reports.Table{
		Caption: "Partitions handed out and generations count what members were told; commits are of one partition " +
			"each",
		Head: []string{"group", "members", "assignor", "topics", "generations", "handed out", "seen", "again",
			"deleted", "commits", "refused", "no answer"},
		Words: []int{2, 3},
	}
	for _, p := range c.plans {
		n, kind := c.book.Counts(p.name), p.balancer
		if p.static {
			kind += ", static"
		}
		t.Rows = append(t.Rows, reports.Row{Cells: []string{
			p.name, reports.Count(p.size), kind, strings.Join(p.topics, ", "), reports.Count(n.Generations),
			reports.Count(n.Holdings), reports.Count(n.Sightings), reports.Count(n.Again), reports.Count(n.Passed),
			reports.Count(n.Commits), reports.Count(n.Refused), reports.Count(n.Unanswered),
		}})
	}
	return t
}

// groupChart draws what all groups saw a second, and what of it again.
func (s *soak) groupChart() (reports.Part, error) {
	seen := reports.Series{Name: "seen a second"}
	again := reports.Series{Name: "of these again"}
	step := max(len(s.mu.samples)/100, 1)
	for i := step; i < len(s.mu.samples); i += step {
		from, to := &s.mu.samples[i-step], &s.mu.samples[i]
		x, took := to.at.Seconds(), (to.at - from.at).Seconds()
		seen.Points = append(seen.Points, reports.Point{X: x, Y: float64(to.seen-from.seen) / took})
		again.Points = append(again.Points, reports.Point{X: x, Y: float64(to.again-from.again) / took})
	}
	seen.Marks, seen.Bands = s.struck()
	lines := reports.Lines{
		Title: "Records seen by all groups", Alt: "Two lines over the seconds of the run, with the kills marked.",
		X: "seconds", Y: "records a second", Note: struckNote, Series: []reports.Series{seen, again},
	}
	return lines.Chart()
}

// struckNote explains what struck draws.
const struckNote = "A vertical line is a SIGKILL; tinted: no broker."

// struck returns when the broker was killed, and when there was none.
func (s *soak) struck() (marks []reports.Mark, bands []reports.Band) {
	for _, e := range s.mu.ends {
		if e.killed {
			marks = append(marks, reports.Mark{X: e.at.Seconds()})
		}
		bands = append(bands, reports.Band{From: e.at.Seconds(), To: e.ready.Seconds()})
	}
	return marks, bands
}
