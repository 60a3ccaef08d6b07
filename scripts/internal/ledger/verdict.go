package ledger

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gregor-log/gregor/base"
)

// Position returns the highest offset of a partition that a group's members know to be committed, None if there is
// none.
func (l *Ledger) Position(name string, tp base.TopicPartition) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if best := l.laneLocked(name, tp).best; best != nil {
		return best.offset
	}
	return None
}

// Judge holds what a group saw of a partition against the log at the end of the run, from its start up to its end.
func (l *Ledger) Judge(name string, tp base.TopicPartition, start, end int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	in := l.laneLocked(name, tp)
	for _, gap := range in.seen.missing(span{start, end}) {
		l.failLocked("lost-record", in, gap.first, "%s never seen, of a log from %d to %d; %s",
			offsetsText(gap), start, end-1, l.ackedText(tp, gap))
	}
	if n := len(in.seen); n > 0 && in.seen[n-1].next > end {
		l.failLocked("phantom-record", in, in.seen[n-1].next-1, "seen, and the log ends at %d", end)
	}
	for _, gap := range in.seen.missing(span{0, start}) {
		in.of.counts.Passed += gap.next - gap.first
	}
}

// JudgeLog makes sure that a partition's log is as long as what was acknowledged.
func (l *Ledger) JudgeLog(tp base.TopicPartition, end int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	acked := l.logLocked(tp).acked
	if n := len(acked); n > 0 && acked[n-1].next > end {
		nobody := &lane{of: &group{name: "(none)"}, tp: tp}
		l.failLocked("lost-append", nobody, end, "the log ends at %d, and %d was acknowledged", end, acked[n-1].next-1)
	}
}

// Acked returns how many records of a partition were acknowledged.
func (l *Ledger) Acked(tp base.TopicPartition) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.logLocked(tp).acked.size()
}

// ackedText says how much of a gap was acknowledged.
func (l *Ledger) ackedText(tp base.TopicPartition, gap span) string {
	left := int64(0)
	for _, not := range l.logLocked(tp).acked.missing(gap) {
		left += not.next - not.first
	}
	if left = gap.next - gap.first - left; left == 1 {
		return "1 was acknowledged"
	}
	return fmt.Sprintf("%d were acknowledged", left)
}

// Counts returns what a group did so far.
func (l *Ledger) Counts(name string) Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.mu.groups[name]
	if g == nil {
		return Counts{}
	}
	c := g.counts
	c.Reasons, c.Generations = maps.Clone(c.Reasons), len(g.generations)
	for _, in := range g.lanes {
		c.Distinct += in.seen.size()
	}
	return c
}

// Add adds up counts.
func (c *Counts) Add(other Counts) {
	c.Holdings, c.Generations = c.Holdings+other.Holdings, c.Generations+other.Generations
	c.Sightings, c.Distinct = c.Sightings+other.Sightings, c.Distinct+other.Distinct
	c.Again, c.Passed = c.Again+other.Again, c.Passed+other.Passed
	c.Commits, c.Refused = c.Commits+other.Commits, c.Refused+other.Refused
	c.Unanswered += other.Unanswered
	if c.Reasons == nil {
		c.Reasons = make(map[string]int64)
	}
	for reason, n := range other.Reasons {
		c.Reasons[reason] += n
	}
}

// Why writes the reasons of duplicates, the most frequent first, "none" if there are none.
func (c *Counts) Why() string {
	reasons := slices.SortedFunc(maps.Keys(c.Reasons), func(a, b string) int {
		return cmp.Or(cmp.Compare(c.Reasons[b], c.Reasons[a]), cmp.Compare(a, b))
	})
	for i, reason := range reasons {
		reasons[i] = fmt.Sprintf("%d %s", c.Reasons[reason], reason)
	}
	if len(reasons) == 0 {
		return "none"
	}
	return strings.Join(reasons, "; ")
}

// Groups returns the names of all groups, in order.
func (l *Ledger) Groups() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.mu.groups))
}

// storyLocked tells who did what with an offset and with those beside it.
func (l *Ledger) storyLocked(in *lane, offset int64) string {
	var b strings.Builder
	for _, a := range l.logLocked(in.tp).appends {
		if a.first <= offset && offset < a.next {
			fmt.Fprintf(&b, "  offset %d: produced by %s, acknowledged by %s\n", offset, a.by, clock(a.at))
		}
	}
	for _, h := range in.held {
		if text := h.story(offset); text != "" {
			b.WriteString(text)
		}
	}
	before, after := in.around(offset)
	for _, c := range []*Commit{before, after} {
		if c != nil {
			fmt.Fprintf(&b, "  %s commits %d at %s: %s\n", c.by.member, c.offset, clock(c.sent), c.answer())
		}
	}
	return b.String()
}

// story tells what a holding had to do with an offset: it saw it or one beside it, or it began there.
func (h *Holding) story(offset int64) string {
	var saw []string
	for _, r := range h.runs {
		if r.first <= offset+1 && offset-1 < r.next {
			saw = append(saw, fmt.Sprintf("saw %s from %s to %s", offsetsText(r.span), clock(r.from), clock(r.to)))
		}
	}
	if len(saw) == 0 && h.began != offset && h.floor != offset && (h.how != "" || h.next > offset) {
		return ""
	}
	until := "and still does"
	if h.how != "" {
		until = "to " + clock(h.to) + " (" + h.how + ")"
	}
	if len(saw) == 0 {
		saw = []string{"saw nothing near it"}
	}
	began := "was not told where to begin"
	if h.began != unknown {
		began = "was told that " + committedText(h.began)
	}
	return fmt.Sprintf("  %s, generation %d, held it from %s %s; %s; %s\n", h.member, h.generation, clock(h.from),
		until, began, strings.Join(saw, ", "))
}

// around returns the last commit at or below an offset, and the first above it.
func (in *lane) around(offset int64) (before, after *Commit) {
	for _, c := range in.commits {
		switch {
		case c.offset <= offset && (before == nil || c.offset >= before.offset):
			before = c
		case c.offset > offset && (after == nil || c.offset < after.offset):
			after = c
		}
	}
	return before, after
}

func (c *Commit) answer() string {
	switch c.state {
	case acknowledged:
		return fmt.Sprintf("acknowledged at %s, generation %d", clock(c.told), c.generation)
	case refused:
		return "refused at " + clock(c.told)
	}
	return "not answered"
}

func committedText(offset int64) string {
	if offset == None {
		return "nothing is committed"
	}
	return fmt.Sprintf("%d is committed", offset)
}

func offsetsText(s span) string {
	if s.next == s.first+1 {
		return fmt.Sprintf("offset %d", s.first)
	}
	return fmt.Sprintf("offsets %d to %d", s.first, s.next-1)
}

// clock writes an instant.
func clock(at time.Duration) string { return fmt.Sprintf("%.3f s", at.Seconds()) }

// Story tells who did what with an offset of a partition in a group, a line each.
func (l *Ledger) Story(name string, tp base.TopicPartition, offset int64) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.storyLocked(l.laneLocked(name, tp), offset)
}
