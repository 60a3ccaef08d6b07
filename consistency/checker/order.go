package checker

import (
	"cmp"
	"slices"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/consistency/history"
	"github.com/gregor-log/gregor/consistency/model"
)

// witness is an entry that had shown, when it returned, that all offsets below past are taken.
type witness struct {
	past, call, ret int64
	entry           uint32
	// shared says that Porcupine sees it too.
	shared bool
	// needs is what the entry itself may not stand below; -1 if nothing.
	needs int64
	act   int
}

// gather collects what every act and every fetch shows, and what it needs.
func (v *view) gather() {
	v.witnesses = make([]witness, 0, len(v.acts)+len(v.fetches))
	for n := range v.acts {
		a := &v.acts[n]
		v.witnesses = append(v.witnesses, witness{a.past, a.call, a.ret, a.entry, true, a.offset, n})
	}
	for _, i := range v.fetches {
		e := &v.h.Entries[i]
		past := e.HighWatermark
		if runs := v.h.RunsOf(e); len(runs) > 0 {
			past = max(past, runs[len(runs)-1].Last()+1)
		}
		v.witnesses = append(v.witnesses, witness{past, e.Start, e.End, i, false, -1, -1})
	}
	v.calls = byTime(v.witnesses, func(w *witness) int64 { return w.call })
}

// moment is when a witness was called, or returned.
type moment struct {
	at int64
	n  int32
}

// byTime orders the witnesses by one of their times.
func byTime(list []witness, at func(w *witness) int64) []moment {
	moments := make([]moment, len(list))
	for n := range list {
		moments[n] = moment{at(&list[n]), int32(n)}
	}
	slices.SortFunc(moments, func(a, b moment) int {
		if a.at != b.at {
			return cmp.Compare(a.at, b.at)
		}
		return cmp.Compare(a.n, b.n)
	})
	return moments
}

// floor is the greatest witness so far.
type floor struct {
	past  int64
	entry uint32
	known bool
}

func (f *floor) raise(w *witness) {
	if w.past > f.past {
		*f = floor{w.past, w.entry, true}
	}
}

// checkOrder compares the log's order with real time: what began after something else had returned may not stand below
// what that had shown. One pass over the beginnings keeps the greatest of all that returned before.
func (v *view) checkOrder() {
	list, returns := v.witnesses, byTime(v.witnesses, func(w *witness) int64 { return w.ret })
	// shared is what Porcupine can know, all what the fetches show besides.
	shared := floor{past: v.start}
	all := shared
	done := 0
	for _, call := range v.calls {
		w := &list[call.n]
		for ; done < len(returns) && returns[done].at < w.call; done++ {
			earlier := &list[returns[done].n]
			all.raise(earlier)
			if earlier.shared {
				shared.raise(earlier)
			}
		}
		switch {
		case w.act < 0:
			v.countStale(w, all.past)
		case w.needs < shared.past:
			v.below(w, &shared, true)
		case w.needs < all.past:
			v.below(w, &all, false)
		}
	}
}

// below reports an act that stands below a floor.
func (v *view) below(w *witness, f *floor, shared bool) {
	entries := []uint32{w.entry}
	if f.known {
		entries = append(entries, f.entry)
	}
	a := &v.acts[w.act]
	switch {
	case a.kind == model.Append:
		v.finding(ReorderedAcks, a.offset, v.inc, shared, entries,
			"an append lies at offset %d, although all below %d were taken before it began", a.offset, f.past)
	case v.isEnd(w.entry):
		v.finding(StaleEnd, a.offset, v.inc, shared, entries,
			"the log's end is told as %d, although all below %d were taken before", a.offset, f.past)
	case f.known && v.acked(&v.h.Entries[f.entry]):
		// A final read that ends below an acknowledged record: lost-ack has named the records.
	default:
		v.finding(LostWrite, a.offset, v.inc, shared, entries,
			"the log ends at %d at the end, although all below %d had been shown before", a.offset, f.past)
	}
}

// countStale counts a fetch that lags behind.
func (v *view) countStale(w *witness, taken int64) {
	e := &v.h.Entries[w.entry]
	if e.HighWatermark >= 0 && e.HighWatermark < taken {
		v.report.Counts.StaleFetches++
		v.report.Counts.StaleRecordsMax = max(v.report.Counts.StaleRecordsMax, taken-e.HighWatermark)
	}
}

// checkSessions finds processes whose fetches go back behind what they had seen or been acknowledged themselves. With
// more replicas than one they may: a new leader's high watermark may lag.
func (v *view) checkSessions() {
	if !v.strict {
		return
	}
	list := v.witnesses
	// A process knows of its append when it is answered, not when someone else has read it.
	returns := byTime(list, func(w *witness) int64 {
		if e := &v.h.Entries[w.entry]; e.Outcome == history.OK {
			return e.End
		}
		return model.Never
	})
	seen, done := make(map[int32]*floor), 0
	for _, call := range v.calls {
		w := &list[call.n]
		for ; done < len(returns) && returns[done].at < w.call; done++ {
			earlier := &list[returns[done].n]
			process := v.h.Entries[earlier.entry].Process
			if seen[process] == nil {
				seen[process] = new(floor)
			}
			seen[process].raise(earlier)
		}
		e := &v.h.Entries[w.entry]
		if w.act >= 0 || e.HighWatermark < 0 {
			continue
		}
		if before := seen[e.Process]; before != nil && e.HighWatermark < before.past {
			v.finding(NonmonotonicRead, e.HighWatermark, v.inc, false, []uint32{w.entry, before.entry},
				"process %d is told a high watermark of %d after it had seen all below %d", e.Process, e.HighWatermark,
				before.past)
		}
	}
}

// checkSequences finds appends of one idempotent producer that lie in another order than their sequence numbers.
func (v *view) checkSequences() {
	var list []int
	for n := range v.acts {
		if e := v.entry(&v.acts[n]); v.acts[n].kind == model.Append && e.ProducerID != base.NoProducerID &&
			e.Sequence != base.NoSequence && v.acts[n].offset == v.places[v.acts[n].entry].base {
			list = append(list, n)
		}
	}
	slices.SortStableFunc(list, func(a, b int) int {
		x, y := v.entry(&v.acts[a]), v.entry(&v.acts[b])
		return cmp.Or(cmp.Compare(x.ProducerID, y.ProducerID), cmp.Compare(x.ProducerEpoch, y.ProducerEpoch),
			cmp.Compare(x.Sequence, y.Sequence))
	})
	for k := 1; k < len(list); k++ {
		a, b := &v.acts[list[k-1]], &v.acts[list[k]]
		x, y := v.entry(a), v.entry(b)
		if x.ProducerID == y.ProducerID && x.ProducerEpoch == y.ProducerEpoch && x.Sequence < y.Sequence &&
			a.offset > b.offset {
			v.finding(NonmonotonicSend, b.offset, v.inc, false, []uint32{b.entry, a.entry},
				"producer %d has sequence %d at offset %d, and %d at %d", x.ProducerID, x.Sequence, a.offset,
				y.Sequence, b.offset)
		}
	}
}
