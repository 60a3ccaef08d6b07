package checker

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/gregor-log/gregor/consistency/history"
	"github.com/gregor-log/gregor/consistency/model"
)

// names are the findings' names in the order of the package comment.
var names = []string{
	LostAck, LostWrite, InconsistentOffsets, AbortedRead, GarbageRead, ReadBeyondCommitted, ReorderedAcks,
	NonmonotonicSend, Duplicate, TornAppend, OffsetGap, NonmonotonicRead, StaleEnd, NotLinearizable, LostCommit,
	StaleOffset, GarbageOffset, AlteredOffset, AbortedOffset,
}

// Text renders the report for people, in lines that end with a newline.
func (r *Report) Text() string {
	var b strings.Builder
	c, p := &r.Counts, &r.Porcupine
	fmt.Fprintf(&b, "verdict     %s\n", r.Verdict)
	fmt.Fprintf(&b, "class       %s, %d losses allowed by it\n", r.Class, c.Cuts)
	fmt.Fprintf(&b, "history     %d operations on %d partitions, %d events\n", c.Operations, c.Partitions, c.Events)
	fmt.Fprintf(&b, "appends     %d ok, %d failed, %d unknown; %d records acknowledged\n", c.AppendsOK,
		c.AppendsFailed, c.AppendsUnknown, c.AckedRecords)
	fmt.Fprintf(&b, "reads       %d fetches of %d records, %d ends\n", c.Fetches, c.ReadRecords, c.Ends)
	fmt.Fprintf(&b, "porcupine   %d windows: %d legal, %d illegal, %d undecided; %d inversions\n", p.Windows, p.Legal,
		p.Illegal, p.Undecided, p.Inversions)
	r.writeCommits(&b)
	for _, row := range []struct {
		count int
		text  string
	}{
		{c.LostAllowed, "acknowledged records gone in a loss that the class allows"},
		{c.StaleFetches, fmt.Sprintf("fetches lagged behind, by %d records at most", c.StaleRecordsMax)},
		{c.DuplicatesAllowed, "second copies from producers that are not idempotent"},
		{c.Compacted, "acknowledged records missing from compacted topics"},
		{c.Trimmed, "acknowledged records below the log's start"},
		{p.Skipped, "partitions without a dense log, where Porcupine has no opinion"},
	} {
		if row.count > 0 {
			fmt.Fprintf(&b, "note        %d %s\n", row.count, row.text)
		}
	}
	for _, reason := range r.Reasons {
		fmt.Fprintf(&b, "open        %s\n", reason)
	}
	for _, reason := range r.Disagreements {
		fmt.Fprintf(&b, "harness     %s\n", reason)
	}
	r.writeFindings(&b)
	return b.String()
}

// writeCommits writes what was committed, if anything was.
func (r *Report) writeCommits(b *strings.Builder) {
	c, o := &r.Counts, &r.Offsets
	if c.CommitsOK+c.CommitsFailed+c.CommitsUnknown+c.OffsetReads == 0 {
		return
	}
	fmt.Fprintf(b, "commits     %d ok, %d failed, %d unknown; %d reads of committed offsets\n", c.CommitsOK,
		c.CommitsFailed, c.CommitsUnknown, c.OffsetReads)
	fmt.Fprintf(b, "porcupine   %d windows of committed offsets: %d legal, %d illegal, %d undecided\n", o.Windows,
		o.Legal, o.Illegal, o.Undecided)
}

// Place says where a finding is, for people.
func (f *Finding) Place() string {
	place := fmt.Sprintf("%s-%d", f.Topic, f.Partition)
	if f.Group != "" {
		return "group " + f.Group + ", " + place
	}
	return place
}

func (r *Report) writeFindings(b *strings.Builder) {
	for _, name := range names {
		if r.FindingCounts[name] == 0 {
			continue
		}
		fmt.Fprintf(b, "found       %s: %d\n", name, r.FindingCounts[name])
		for i := range r.Findings {
			f := &r.Findings[i]
			if f.Name != name {
				continue
			}
			fmt.Fprintf(b, "  %s: %s\n", f.Place(), f.Detail)
			for _, op := range f.Ops {
				fmt.Fprintf(b, "    line %d: %s\n", op.Line, op.Text)
			}
		}
	}
}

// WriteHTML writes Porcupine's page: the first windows that it rejects or that have operations of a finding, or the
// first of all if there are none, with the faults and the findings of that time beside them.
func (r *Report) WriteHTML(w io.Writer) error {
	bad := slices.ContainsFunc(r.windows, func(p picture) bool { return p.bad })
	var shown []model.Window
	from, to := int64(math.MaxInt64), int64(0)
	for _, p := range r.windows {
		if bad && !p.bad {
			continue
		}
		shown = append(shown, p.window)
		for i := range p.window.Ops {
			op := &p.window.Ops[i]
			from, to = min(from, op.Call), max(to, op.Call)
			if op.Return != model.Never {
				to = max(to, op.Return)
			}
		}
	}
	return model.WriteHTML(w, shown, r.notes(from, to), 0)
}

// notes returns the events and findings of an interval.
func (r *Report) notes(from, to int64) []model.Note {
	var list []model.Note
	for _, e := range r.h.Events {
		if e.Time < from || e.Time > to {
			continue
		}
		row := "world"
		if e.Node >= 0 {
			row = fmt.Sprintf("node %d", e.Node)
		}
		list = append(list, model.Note{
			Row: row, From: e.Time, To: -1, Text: strings.ReplaceAll(e.Name, "_", " "), Detail: e.Detail,
			Bad: e.Name == history.EventKill || e.Name == history.EventPowerLoss,
		})
	}
	const most = 200
	list = list[:min(len(list), most)]
	for i := range r.Findings {
		f := &r.Findings[i]
		for n, entry := range f.entries {
			if e := &r.h.Entries[entry]; e.End >= from && e.Start <= to {
				list = append(list, model.Note{
					Row: "findings", From: e.Start, To: e.End, Text: f.Name, Bad: true,
					Detail: fmt.Sprintf("%s\nline %d: %s", f.Detail, f.Ops[n].Line, f.Ops[n].Text),
				})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b model.Note) int { return cmp.Compare(a.From, b.From) })
	return list
}
