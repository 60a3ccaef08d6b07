package checker

import (
	"cmp"
	"slices"

	"github.com/gregor-log/gregor/consistency/history"
	"github.com/gregor-log/gregor/consistency/model"
)

// view is one partition in one incarnation, reduced to what decides the order of its log. The sweep over time and
// Porcupine see the same acts.
type view struct {
	*partition
	inc int32
	// start is where the incarnation began at the least: 0, or what is proven to have survived the cut before it. If
	// loose is true it may have begun further up.
	start int64
	loose bool
	// acts are what certainly happened in this incarnation; soft are appends that may have.
	acts, soft []act
	// fetches are the fetches of this incarnation.
	fetches []uint32
	// witnesses are what acts and fetches show, calls their order by call.
	witnesses []witness
	calls     []moment
}

// act is something that happened to a log, or was seen of it.
type act struct {
	// offset is an append's base or the end that was seen, past the offset behind the append, or again the end.
	offset, past int64
	call, ret    int64
	entry        uint32
	// kind is model.Append or model.End; in soft model.Maybe, or model.Open with an offset of -1.
	kind model.Kind
}

// views yields one view after the other.
type views struct {
	*partition
	// certain are the entries whose incarnation is known, in the order of incarnations; spanning may also belong to
	// others than their first.
	certain, spanning []uint32
}

func newViews(p *partition) *views {
	vs := &views{partition: p, certain: make([]uint32, 0, len(p.ops))}
	for _, i := range p.ops {
		e, place := &p.h.Entries[i], &p.places[i]
		written := e.Kind == history.Append && e.Outcome != history.Fail
		if e.Outcome != history.OK && !written {
			continue
		}
		if place.certain() || (written && place.shown == place.lo) {
			vs.certain = append(vs.certain, i)
		}
		if written && !place.certain() {
			vs.spanning = append(vs.spanning, i)
		}
	}
	if len(p.cuts) > 0 {
		slices.SortStableFunc(vs.certain, func(a, b uint32) int { return cmp.Compare(p.places[a].lo, p.places[b].lo) })
	}
	return vs
}

// next returns the next incarnation in which anything certain happened, nil after the last.
func (vs *views) next() *view {
	if len(vs.certain) == 0 {
		return nil
	}
	v := &view{partition: vs.partition, inc: vs.places[vs.certain[0]].lo}
	v.loose = v.inc > 0 || vs.h.Header.Preexisting
	if v.inc > 0 {
		v.start = vs.kept[v.inc-1]
	}
	count := 0
	for count < len(vs.certain) && vs.places[vs.certain[count]].lo == v.inc {
		v.addCertain(vs.certain[count])
		count++
	}
	vs.certain = vs.certain[count:]
	for _, i := range vs.spanning {
		place := &vs.places[i]
		certain := v.inc == place.lo && place.shown == v.inc
		if v.inc < place.lo || v.inc > place.hi || certain {
			continue
		}
		v.addSoft(i, place.base)
		if place.base >= 0 && v.inc < place.hi {
			v.addSoft(i, -1) // It may have been lost in the cut from elsewhere, and sent again.
		}
	}
	v.addCopies()
	if f := &vs.finals; v.inc == vs.last() && f.end >= 0 && !v.isEnd(f.last) {
		e := &vs.h.Entries[f.last]
		v.acts = append(v.acts, act{f.end, f.end, e.Start, e.End, f.last, model.End})
	}
	slices.SortFunc(v.acts, compareActs)
	return v
}

// compareActs is the log's order: by offset, an end before an append at it, and then by the call.
func compareActs(a, b act) int {
	return cmp.Or(cmp.Compare(a.offset, b.offset), cmp.Compare(b.kind, a.kind), cmp.Compare(a.call, b.call),
		cmp.Compare(a.entry, b.entry))
}

// isEnd reports whether an entry is among the acts as an end.
func (v *view) isEnd(i uint32) bool {
	return v.strict && v.h.Entries[i].Kind == history.End
}

func (v *view) addCertain(i uint32) {
	e, place := &v.h.Entries[i], &v.places[i]
	switch {
	case e.Kind == history.Fetch:
		v.fetches = append(v.fetches, i)
	case v.isEnd(i):
		v.acts = append(v.acts, act{e.Offset, e.Offset, e.Start, e.End, i, model.End})
	case e.Kind == history.End:
	case place.base >= 0:
		v.acts = append(v.acts, act{place.base, place.base + v.count(i), e.Start, place.ret, i, model.Append})
		if v.resent(i) {
			v.addSoft(i, -1) // There may be a copy.
		}
	default:
		v.addSoft(i, -1)
	}
}

func (v *view) addSoft(i uint32, base int64) {
	a := act{base, base, v.h.Entries[i].Start, model.Never, i, model.Open}
	if base >= 0 {
		a.past, a.kind = base+v.count(i), model.Maybe
	}
	v.soft = append(v.soft, a)
}

// addCopies adds the further places of records that were appended twice.
func (v *view) addCopies() {
	for _, c := range v.copies {
		place, call := &v.places[c.entry], v.h.Entries[c.entry].Start
		switch {
		case v.inc < place.lo || v.inc > place.hi || c.base < 0:
		case place.certain():
			v.acts = append(v.acts, act{c.base, c.base + v.count(c.entry), call, model.Never, c.entry, model.Append})
		default:
			v.addSoft(c.entry, c.base)
		}
	}
}

// checkHoles compares the acts with the line without holes that a log is: it finds offsets that no append covers and
// that those of unknown outcome cannot fill, although something lies behind them, and ends of the log amid an append.
func (v *view) checkHoles() {
	if !v.dense || len(v.acts) == 0 {
		return
	}
	behind, earliest := make([]int64, len(v.acts)), model.Never
	for n := len(v.acts) - 1; n >= 0; n-- {
		earliest = min(earliest, v.acts[n].ret)
		behind[n] = earliest
	}
	next, last := v.begin(), -1
	const enough = 100
	for n, holes := 0, 0; n < len(v.acts) && holes < enough; n++ {
		a := &v.acts[n]
		switch {
		case a.offset > next && v.strays == 0:
			if room := a.offset - next; v.filling(stretch{next, a.offset}, behind[n]) < room {
				v.finding(OffsetGap, next, v.inc, true, []uint32{a.entry},
					"offsets %d to %d lie in the log, and nothing was appended that could be there", next, a.offset-1)
			}
			holes++
		case a.offset < next && last >= 0 && a.kind == model.End:
			v.finding(TornAppend, a.offset, v.inc, true, []uint32{a.entry, v.acts[last].entry},
				"the log ends at %d, amid the records of one append", a.offset)
		}
		if a.past > next {
			next, last = a.past, n
		}
	}
}

// begin returns the next offset before the first act.
func (v *view) begin() int64 {
	if v.loose && len(v.acts) > 0 {
		return max(v.start, v.acts[0].offset)
	}
	return v.start
}

// entry returns the operation behind an act.
func (v *view) entry(a *act) *history.Entry { return &v.h.Entries[a.entry] }

// filling returns how many records of unknown appends could lie in a hole, if all behind it had returned at ret or
// later.
func (v *view) filling(hole stretch, ret int64) int64 {
	sum := int64(0)
	for n := range v.soft {
		a := &v.soft[n]
		count := v.count(a.entry)
		inside := a.offset >= hole.from && a.past <= hole.to
		if a.kind == model.Open {
			inside = count <= hole.to-hole.from
		}
		if inside && a.call <= ret {
			sum += count
		}
	}
	return sum
}
