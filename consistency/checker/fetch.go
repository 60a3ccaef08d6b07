package checker

import (
	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/consistency/history"
)

// checkFetch judges what one fetch says by itself and by its records' appends, and learns from it where appends of
// unknown outcome lie.
func (p *partition) checkFetch(i uint32, e *history.Entry) {
	runs := p.h.RunsOf(e)
	if len(runs) == 0 {
		return
	}
	at := p.places[i]
	if last := runs[len(runs)-1].Last(); e.HighWatermark >= 0 && last >= e.HighWatermark {
		p.finding(ReadBeyondCommitted, max(e.HighWatermark, runs[0].Base), at.lo, false, []uint32{i},
			"a fetch shows records up to offset %d, and says that the high watermark is %d", last, e.HighWatermark)
	}
	if p.dense {
		p.checkGaps(i, e, runs)
	}
	for _, run := range runs {
		for n, value := range p.h.ValuesOf(run) {
			p.checkRecord(i, e, run.Base+int64(n), value)
		}
	}
}

// checkGaps finds offsets that a fetch passes over.
func (p *partition) checkGaps(i uint32, e *history.Entry, runs []history.Run) {
	next := max(e.Offset, e.LogStart)
	if e.LogStart < 0 && p.h.Header.Trims {
		next = runs[0].Base
	}
	for _, run := range runs {
		if run.Base > next {
			p.finding(OffsetGap, next, p.places[i].lo, false, []uint32{i},
				"a fetch passes over offsets %d to %d", next, run.Base-1)
		}
		next = run.Last() + 1
	}
}

// checkRecord judges one record of a fetch.
func (p *partition) checkRecord(i uint32, e *history.Entry, offset int64, value uint32) {
	at := &p.places[i]
	w, ok := p.writer(value)
	if !ok {
		p.strays++
		p.finding(GarbageRead, offset, at.lo, false, []uint32{i},
			"a fetch shows %s at offset %d, which nothing appended to this partition", p.text(value), offset)
		return
	}
	writer := &p.h.Entries[w]
	switch {
	case writer.Outcome == history.Fail:
		p.strays++
		p.finding(AbortedRead, offset, at.lo, false, []uint32{i, w},
			"a fetch shows %s at offset %d, whose append had definitely failed", p.text(value), offset)
		return
	case e.End < writer.Start:
		p.finding(GarbageRead, offset, at.lo, false, []uint32{i, w},
			"a fetch shows %s at offset %d before it was appended", p.text(value), offset)
		return
	}
	if at.certain() {
		p.learn(i, w, offset, value, at.lo)
	}
	// Who is seen in its place has been put there. (A copy elsewhere may be an earlier one.)
	if place := &p.places[w]; place.base == offset-int64(p.index[value]) {
		place.ret = min(place.ret, e.End)
	}
}

// learn takes in that a read shows a record of append w at an offset, in a certain incarnation.
func (p *partition) learn(i, w uint32, offset int64, value uint32, inc int32) {
	place := &p.places[w]
	base := offset - int64(p.index[value])
	switch {
	case base < 0:
		p.finding(TornAppend, offset, inc, false, []uint32{i, w},
			"%s lies at offset %d, although %d records of its append stand before it", p.text(value), offset,
			p.index[value])
	case place.base < 0:
		place.base, place.shown = base, inc
	case place.base == base:
		if place.shown < 0 || inc < place.shown {
			place.shown = inc
		}
	default:
		p.learnCopy(i, w, offset, value, base, inc)
	}
}

// learnCopy takes in a record at another place than the one that is known of its append.
func (p *partition) learnCopy(i, w uint32, offset int64, value uint32, at int64, inc int32) {
	place, count := &p.places[w], p.count(w)
	// The place known so far holds in this incarnation too, if the append was made, or was seen there, in it.
	same := place.certain() || place.shown == inc
	switch {
	case same && at-place.base < count && place.base-at < count:
		p.finding(TornAppend, offset, inc, false, []uint32{i, w},
			"%s lies at offset %d, other records of its append as if it lay at %d", p.text(value), offset,
			place.base+int64(p.index[value]))
	case same && !p.resent(w):
		p.finding(Duplicate, offset, inc, false, []uint32{i, w},
			"%s lies at offset %d and at %d, and was not sent twice", p.text(value), offset,
			place.base+int64(p.index[value]))
	}
	c := copied{entry: w, base: at}
	if !p.known[c] {
		p.known[c] = true
		p.copies = append(p.copies, c)
		if same && p.resent(w) {
			p.report.Counts.DuplicatesAllowed++
		}
	}
}

// resent reports whether an append may lie in the log more than once.
func (p *partition) resent(w uint32) bool {
	return p.h.Header.Resends && p.h.Entries[w].ProducerID == base.NoProducerID
}
