package checker

import (
	"cmp"
	"math"
	"slices"

	"github.com/gregor-log/gregor/consistency/history"
	"github.com/gregor-log/gregor/consistency/model"
)

// finalReads are the reads at the end of a history that say what is left.
type finalReads struct {
	// entries are the fetches and ends.
	entries []uint32
	// call is the earliest start of a final fetch, ret the latest end of one.
	call, ret int64
	// end is the end of the log that the last of them tells, by entry last; -1 if none tells. If fetches may lag and
	// are not marked as final, it is the greatest end told.
	end  int64
	last uint32
	// logStart is the greatest start of the log that one of them tells.
	logStart int64
	// covered are the stretches whose records they show, passed those that they show or pass over. Both are ascending
	// and apart from each other.
	covered, passed []stretch
}

// stretch is a range of offsets, to exclusive.
type stretch struct{ from, to int64 }

// chooseFinals finds the partition's final reads and what they cover.
func (p *partition) chooseFinals() {
	f := &p.finals
	*f = finalReads{call: math.MaxInt64, ret: -1, end: -1}
	for _, i := range p.ops {
		e := &p.h.Entries[i]
		if e.Final && e.Outcome == history.OK && e.Kind != history.Append && p.places[i].lo == p.last() {
			f.entries = append(f.entries, i)
		}
	}
	if !slices.ContainsFunc(f.entries, func(i uint32) bool { return p.h.Entries[i].Kind == history.Fetch }) {
		f.entries = append(f.entries, p.quietFetches()...)
	}
	for _, i := range f.entries {
		f.take(p, i)
	}
	if f.end >= 0 {
		// What an earlier read showed beyond the end told by the last is gone.
		for n := range f.covered {
			f.covered[n].to = max(f.covered[n].from, min(f.covered[n].to, f.end))
		}
	}
	f.covered, f.passed = merge(f.covered), merge(f.passed)
}

// quietFetches returns the fetches after every append and every kill or loss of power.
func (p *partition) quietFetches() []uint32 {
	var list []uint32
	quiet := p.quiet
	for _, i := range p.ops {
		if e := &p.h.Entries[i]; e.Kind == history.Append {
			quiet = max(quiet, e.End)
		}
	}
	for _, i := range p.ops {
		if e := &p.h.Entries[i]; e.Kind == history.Fetch && e.Outcome == history.OK && e.Start > quiet {
			list = append(list, i)
		}
	}
	return list
}

// take adds one final read.
func (f *finalReads) take(p *partition, i uint32) {
	e := &p.h.Entries[i]
	end := e.HighWatermark
	if e.Kind == history.End {
		end = e.Offset
	}
	if end >= 0 && (f.end < 0 || f.later(p, e, end)) {
		f.end, f.last = end, i
	}
	if e.Kind == history.End {
		return
	}
	f.call, f.ret = min(f.call, e.Start), max(f.ret, e.End)
	f.logStart = max(f.logStart, e.LogStart)
	runs := p.h.RunsOf(e)
	for _, run := range runs {
		f.covered = append(f.covered, stretch{run.Base, run.Last() + 1})
		for n, value := range p.h.ValuesOf(run) {
			if w, ok := p.writer(value); ok && p.stands(w, run.Base+int64(n)-int64(p.index[value])) {
				p.seen.add(value)
			}
		}
	}
	if len(runs) > 0 {
		f.passed = append(f.passed, stretch{min(max(e.Offset, e.LogStart), runs[0].Base), runs[len(runs)-1].Last() + 1})
	}
}

// later reports whether a final read's word on the log's end counts more than the one so far.
func (f *finalReads) later(p *partition, e *history.Entry, end int64) bool {
	if last := p.h.Entries[f.last].Start; (p.strict || e.Final) && last != e.Start {
		return e.Start > last
	}
	return end > f.end
}

// stands reports whether a base offset does not contradict the one that the append's acknowledgement told.
func (p *partition) stands(w uint32, at int64) bool {
	e := &p.h.Entries[w]
	return !p.committing(e) || e.Offset == at
}

// merge sorts stretches and joins those that touch.
func merge(list []stretch) []stretch {
	slices.SortFunc(list, func(a, b stretch) int { return cmp.Compare(a.from, b.from) })
	kept := list[:0]
	for _, s := range list {
		if n := len(kept); n > 0 && s.from <= kept[n-1].to {
			kept[n-1].to = max(kept[n-1].to, s.to)
			continue
		}
		kept = append(kept, s)
	}
	return kept
}

// missing returns the parts of s that the list does not cover.
func missing(list []stretch, s stretch) []stretch {
	var parts []stretch
	at, _ := slices.BinarySearchFunc(list, s.from, func(l stretch, from int64) int { return cmp.Compare(l.to, from+1) })
	for ; at < len(list) && list[at].from < s.to; at++ {
		if list[at].from > s.from {
			parts = append(parts, stretch{s.from, list[at].from})
		}
		s.from = list[at].to
	}
	if s.from < s.to {
		parts = append(parts, s)
	}
	return parts
}

// checkFinals looks for every acknowledged record in the final reads.
func (p *partition) checkFinals() {
	for _, i := range p.ops {
		e := &p.h.Entries[i]
		if !p.acked(e) {
			continue
		}
		place := &p.places[i]
		switch {
		case place.lo < p.last():
			// A cut may have taken it. Had it survived, a change or a hole in its place is found elsewhere.
			for _, value := range p.h.ValuesOf(p.h.RunsOf(e)[0]) {
				if !p.seen.has(value) {
					p.report.Counts.LostAllowed++
				}
			}
		case !p.committing(e):
			p.checkUnplaced(i, e)
		default:
			p.checkAcked(i, e)
		}
	}
}

// checkUnplaced looks for an append that was acknowledged without being told its offset.
func (p *partition) checkUnplaced(i uint32, e *history.Entry) {
	f := &p.finals
	whole := f.end >= 0 && len(missing(f.covered, stretch{f.logStart, f.end})) == 0
	for _, value := range p.h.ValuesOf(p.h.RunsOf(e)[0]) {
		switch {
		case p.seen.has(value):
		case p.compacted:
			p.report.Counts.Compacted++
		case !whole || f.call <= e.End || (p.h.Header.Trims && f.logStart > 0):
			p.report.Counts.Unseen++
		default:
			p.finding(LostAck, -1, p.last(), false, []uint32{i, f.last},
				"%s was acknowledged, and is nowhere in the final reads of offsets %d to %d", p.text(value), f.logStart,
				f.end-1)
		}
	}
}

// checkAcked looks for an append that was acknowledged at an offset.
func (p *partition) checkAcked(i uint32, e *history.Entry) {
	f := &p.finals
	for _, gap := range missing(f.covered, stretch{e.Offset, e.Offset + p.count(i)}) {
		for offset := gap.from; offset < gap.to; offset++ {
			p.checkMissing(i, offset)
		}
	}
}

// checkMissing judges an acknowledged record that no final read shows.
func (p *partition) checkMissing(i uint32, offset int64) {
	f, ret, inc := &p.finals, p.places[i].ret, p.last()
	passed := len(missing(f.passed, stretch{offset, offset + 1})) == 0
	switch {
	case len(f.entries) == 0:
		p.report.Counts.Unseen++
	case offset < f.logStart && p.h.Header.Trims:
		p.report.Counts.Trimmed++
	case offset < f.logStart && ret < f.call:
		p.finding(LostAck, offset, inc, false, []uint32{i, f.entries[0]},
			"offset %d was acknowledged, and the log begins at %d at the end although nothing trims it", offset,
			f.logStart)
	case f.end >= 0 && offset >= f.end && ret < p.h.Entries[f.last].Start:
		p.finding(LostAck, offset, inc, true, []uint32{i, f.last},
			"offset %d was acknowledged, and the log ends at %d at the end", offset, f.end)
	case passed && p.compacted:
		p.report.Counts.Compacted++
	case passed && ret < f.call:
		p.finding(LostAck, offset, inc, false, []uint32{i, f.entries[0]},
			"offset %d was acknowledged, and the final reads pass over it", offset)
	default:
		p.report.Counts.Unseen++
	}
}

// pieces returns the records of the final fetches, ascending and apart from each other.
func (f *finalReads) pieces(p *partition) []model.Piece {
	var runs []history.Run
	for _, i := range f.entries {
		runs = append(runs, p.h.RunsOf(&p.h.Entries[i])...)
	}
	slices.SortStableFunc(runs, func(a, b history.Run) int { return cmp.Compare(a.Base, b.Base) })
	list, next := make([]model.Piece, 0, len(runs)), int64(0)
	for _, run := range runs {
		if run.Last() < next {
			continue
		}
		skip := max(next-run.Base, 0)
		list = append(list, model.Piece{Base: run.Base + skip, Values: p.h.ValuesOf(run)[skip:]})
		next = run.Last() + 1
	}
	return list
}
