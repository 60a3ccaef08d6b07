package ledger

import (
	"time"

	"github.com/gregor-log/gregor/base"
)

// Appended says that a record was acknowledged.
func (l *Ledger) Appended(tp base.TopicPartition, offset int64, by string, at time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.logLocked(tp)
	g.acked.add(span{offset, offset + 1}, nil)
	if n := len(g.appends); n > 0 {
		last := &g.appends[n-1]
		if last.next == offset && last.by == by && at-last.from < time.Second {
			last.next, last.at = offset+1, at
			return
		}
	}
	g.appends = append(g.appends, appended{span{offset, offset + 1}, by, at, at})
}

// Assigned says that a member of a group was given a partition, before it asked where to begin. A generation of -1 is
// one that is not known.
func (l *Ledger) Assigned(name, member string, generation int32, tp base.TopicPartition, at time.Duration) *Holding {
	l.mu.Lock()
	defer l.mu.Unlock()
	in := l.laneLocked(name, tp)
	h := &Holding{
		lane: in, member: member, generation: generation, from: at, floor: None, began: unknown, next: unknown,
	}
	if in.best != nil {
		h.floor = in.best.offset
	}
	for _, other := range in.held {
		if other.how == "" && other.generation == generation && generation >= 0 {
			l.failLocked("owned-twice", in, max(other.next, 0), "%s is given it in generation %d, in which %s holds it",
				member, generation, other.member)
		}
	}
	in.held = append(in.held, h)
	g := in.of
	g.newest, g.generations[generation] = max(g.newest, generation), true
	g.counts.Holdings++
	return h
}

// Began says which offset the holder was told to begin at, None if nothing is committed. It may be told more than once
// before the holder sees something.
func (l *Ledger) Began(h *Holding, offset int64, at time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h.began = max(offset, None); h.began < h.floor {
		l.failLocked("lost-commit", h.lane, h.floor, "%s is told at %s that %s, and %d had been committed by %s when "+
			"the partition was assigned at %s", h.member, clock(at), committedText(h.began), h.floor,
			h.lane.best.by.member, clock(h.from))
		return
	}
	if h.began == None {
		return
	}
	for i := len(h.lane.commits) - 1; i >= 0; i-- {
		if c := h.lane.commits[i]; c.offset == h.began {
			h.lane.known(c)
			return
		}
	}
	l.failLocked("garbage-offset", h.lane, h.began, "%s is told at %s that %s, which nobody committed", h.member,
		clock(at), committedText(h.began))
}

// Saw says that the holder saw the records from first up to next, which is not among them. logStart is the start of the
// log as the answer with them told it.
func (l *Ledger) Saw(h *Holding, first, next, logStart int64, at time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	in, counts := h.lane, &h.lane.of.counts
	if h.how != "" {
		l.failLocked("not-held", in, first, "%s sees %d to %d at %s, and its holding had ended at %s (%s)", h.member,
			first, next-1, clock(at), clock(h.to), h.how)
	}
	switch expected := h.expected(first); {
	case first < expected && h.next != unknown:
		l.failLocked("record-again", in, first, "%s sees %d to %d at %s after it had seen %d", h.member, first, next-1,
			clock(at), expected-1)
	case first > max(expected, logStart):
		want := max(expected, logStart)
		l.failLocked("skipped-record", in, want, "%s sees %d at %s, expected %d (the log begins at %d)", h.member,
			first, clock(at), want, logStart)
	}
	if first < h.floor {
		l.failLocked("below-the-commit", in, first, "%s sees %d to %d at %s, and %d had been committed by %s when the "+
			"partition was assigned at %s", h.member, first, next-1, clock(at), h.floor, in.best.by.member,
			clock(h.from))
	}
	counts.Sightings += next - first
	in.seen.add(span{first, next}, func(again span) {
		counts.Again += again.next - again.first
		for offset := again.first; offset < again.next; offset++ {
			counts.Reasons[in.reason(h, offset)]++
		}
	})
	if n := len(h.runs); n > 0 && h.runs[n-1].next == first && at-h.runs[n-1].from < time.Second {
		h.runs[n-1].next, h.runs[n-1].to = next, at
	} else {
		h.runs = append(h.runs, seen{span{first, next}, at, at})
	}
	h.next = next
}

// expected returns the offset that a holder must see next; first is the one that it sees.
func (h *Holding) expected(first int64) int64 {
	switch {
	case h.next != unknown:
		return h.next
	case h.began == unknown:
		return first
	}
	return max(h.began, 0)
}

// reason returns how the last holding before h ended that saw an offset.
func (in *lane) reason(h *Holding, offset int64) string {
	for i := len(in.held) - 1; i >= 0; i-- {
		other := in.held[i]
		if other == h || !other.saw(offset) {
			continue
		}
		if other.how == "" {
			return "still held by another"
		}
		return other.how
	}
	return "seen by the same holder"
}

func (h *Holding) saw(offset int64) bool {
	for i := len(h.runs) - 1; i >= 0; i-- {
		if r := &h.runs[i]; r.first <= offset && offset < r.next {
			return true
		}
	}
	return false
}

// Committing says that the holder sends a commit: offset is the one that it would see next.
func (l *Ledger) Committing(h *Holding, offset int64, at time.Duration) *Commit {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &Commit{by: h, offset: offset, newest: h.lane.of.newest, generation: -1, sent: at, best: None}
	if h.lane.best != nil {
		c.best = h.lane.best.offset
	}
	h.lane.commits = append(h.lane.commits, c)
	h.lane.of.counts.Unanswered++
	return c
}

// Committed says that a commit was acknowledged. The generation is the one that it was sent with, -1 if that is not
// known.
func (l *Ledger) Committed(c *Commit, generation int32, at time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	in := c.by.lane
	c.state, c.generation, c.told = acknowledged, generation, at
	in.of.counts.Unanswered--
	in.of.counts.Commits++
	if generation >= 0 && generation < c.newest {
		l.failLocked("stale-commit", in, c.offset, "a commit of %s in generation %d was acknowledged at %s, and "+
			"generation %d was known when it was sent", c.by.member, generation, clock(at), c.newest)
	}
	if c.offset < c.best {
		l.failLocked("commit-went-back", in, c.offset, "a commit of %s was acknowledged at %s in generation %d, and "+
			"%d was known to be committed when it was sent at %s", c.by.member, clock(at), generation, c.best,
			clock(c.sent))
	}
	in.known(c)
}

// known says that a commit is in force, since it was acknowledged or read.
func (in *lane) known(c *Commit) {
	if in.best == nil || c.offset > in.best.offset {
		in.best = c
	}
}

// Refused says that a commit was answered with an error.
func (l *Ledger) Refused(c *Commit, at time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.state, c.told = refused, at
	c.by.lane.of.counts.Unanswered--
	c.by.lane.of.counts.Refused++
}

// Gone says that a holding ended, and how, in words for people. Further calls do nothing.
func (l *Ledger) Gone(h *Holding, how string, at time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h.how == "" {
		h.how, h.to = how, at
	}
}
