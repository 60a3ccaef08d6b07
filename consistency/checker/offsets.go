package checker

import (
	"cmp"
	"slices"

	"github.com/gregor-log/gregor/consistency/history"
)

// claims are what one entry says of consecutive offsets: the records of an append, or a run of a fetch. act says that
// it is an append that certainly took place, which Porcupine sees too.
type claims struct {
	run    history.Run
	entry  uint32
	lo, hi int32
	act    bool
}

// said is the first claim of an offset in one incarnation.
type said struct {
	offset int64
	entry  uint32
	value  uint32
	act    bool
}

// offsetSweep walks over the offsets of one partition, from the highest to the lowest, and compares all that is claimed
// of each. It keeps the claims that cover the current offset, not a table of offsets, so that it needs memory for the
// operations alone.
type offsetSweep struct {
	*partition
	// pending are the claims still below, descending by their last offset; active cover the current offset.
	pending, active []claims
	// first has an element for each incarnation; it counts if its offset is the current one. touched lists those.
	first   []said
	touched []int32
	// skip leads from a cut to the next one that is not proven to keep the current offset: a union-find with path
	// halving. A record written in incarnation i and seen in j proves that the cuts i..j-1 keep its offset and all
	// below, and offsets descend, so that a proven cut stays proven.
	skip []int32
	// doubtful are the claims of operations that span a cut: for each, the incarnations that are refuted.
	doubtful map[uint32]*doubt
	order    []uint32
}

// maxDoubt is the greatest number of incarnations that are weighed for an operation that spans cuts. Few span more than
// one cut, and a file may claim that all do.
const maxDoubt = 8

// doubt is an operation that belongs to one of several incarnations.
type doubt struct {
	refuted []bool
	offset  int64
	against uint32
}

// sweepOffsets compares all claims on the partition's offsets, and learns what survived each cut.
func (p *partition) sweepOffsets() {
	s := &offsetSweep{
		partition: p, first: make([]said, len(p.cuts)+1), skip: make([]int32, len(p.cuts)+1),
		doubtful: make(map[uint32]*doubt),
	}
	for i := range s.first {
		s.first[i].offset = -1
		s.skip[i] = int32(i)
	}
	s.collect()
	for len(s.pending) > 0 || len(s.active) > 0 {
		offset := int64(-1)
		if len(s.active) > 0 {
			offset = s.active[0].offset() // all active claims stand at the same offset
		} else {
			offset = s.pending[0].run.Last()
		}
		for len(s.pending) > 0 && s.pending[0].run.Last() == offset {
			s.active = append(s.active, s.pending[0])
			s.pending = s.pending[1:]
		}
		s.visit(offset)
	}
	s.resolveDoubts()
}

// offset returns the offset that the claims have come down to: their runs are shortened from the end.
func (c *claims) offset() int64 { return c.run.Last() }

// collect gathers the claims, descending by their last offset.
func (s *offsetSweep) collect() {
	for _, i := range s.ops {
		e, place := &s.h.Entries[i], &s.places[i]
		switch {
		case e.Kind == history.Append && place.base >= 0:
			s.collectAppend(i, place.base, place.certain() || place.shown == place.lo)
		case e.Kind == history.Fetch && e.Outcome == history.OK:
			for _, run := range s.h.RunsOf(e) {
				s.pending = append(s.pending, claims{run, i, place.lo, place.hi, false})
			}
			s.doubt(i)
		}
	}
	for _, c := range s.copies {
		if s.places[c.entry].certain() && c.base >= 0 {
			s.collectAppend(c.entry, c.base, true)
		}
	}
	slices.SortFunc(s.pending, func(a, b claims) int {
		if last, other := a.run.Last(), b.run.Last(); last != other {
			return cmp.Compare(other, last)
		}
		return cmp.Compare(a.entry, b.entry)
	})
}

// collectAppend adds what an append claims to have written at a base offset: certainly in its first incarnation, or in
// one of several, which is a claim only if it was acknowledged there.
func (s *offsetSweep) collectAppend(i uint32, at int64, certain bool) {
	place, run := &s.places[i], s.h.RunsOf(&s.h.Entries[i])[0]
	run.Base = at
	switch {
	case certain:
		s.pending = append(s.pending, claims{run, i, place.lo, place.lo, true})
	case s.committing(&s.h.Entries[i]):
		s.pending = append(s.pending, claims{run, i, place.lo, place.hi, false})
		s.doubt(i)
	}
}

// doubt prepares to weigh an operation that belongs to one of several incarnations.
func (s *offsetSweep) doubt(i uint32) {
	if span := s.places[i].hi - s.places[i].lo + 1; span > 1 && span <= maxDoubt && s.doubtful[i] == nil {
		s.doubtful[i] = &doubt{refuted: make([]bool, span)}
		s.order = append(s.order, i)
	}
}

// visit compares the claims on one offset and moves them on to the next.
func (s *offsetSweep) visit(offset int64) {
	s.touched = s.touched[:0]
	for i := range s.active {
		if c := &s.active[i]; c.lo == c.hi {
			s.claim(offset, c)
		}
	}
	if len(s.cuts) > 0 {
		s.acrossCuts(offset)
		for i := range s.active {
			if c := &s.active[i]; c.lo != c.hi {
				s.weigh(offset, c)
			}
		}
	}
	kept := s.active[:0]
	for _, c := range s.active {
		if c.run.Count--; c.run.Count > 0 {
			kept = append(kept, c)
		}
	}
	s.active = kept
}

// value returns the value that the claims have for the current offset.
func (s *offsetSweep) value(c *claims) uint32 {
	return s.h.Values[c.run.First+c.run.Count-1]
}

// claim compares a claim of a certain incarnation with the first one there, and notes what it proves to have survived.
func (s *offsetSweep) claim(offset int64, c *claims) {
	value := s.value(c)
	s.state(c.lo, said{offset, c.entry, value, c.act})
	if len(s.cuts) == 0 {
		return
	}
	w, ok := s.writer(value)
	if !ok || !s.places[w].certain() || s.places[w].lo >= c.lo {
		return
	}
	written := s.places[w].lo
	s.state(written, said{offset, c.entry, value, false})
	for cut := s.unproven(written); cut < c.lo; cut = s.unproven(cut) {
		s.kept[cut] = offset + 1
		s.skip[cut] = cut + 1
	}
}

// state takes in that an offset has a value in an incarnation.
func (s *offsetSweep) state(inc int32, now said) {
	first := &s.first[inc]
	switch {
	case first.offset != now.offset:
		*first = now
		s.touched = append(s.touched, inc)
	case first.value != now.value:
		s.finding(InconsistentOffsets, now.offset, inc, first.act && now.act, []uint32{first.entry, now.entry},
			"two values at offset %d: %s and %s", now.offset, s.text(first.value), s.text(now.value))
	}
}

// unproven returns the first cut from this one on that is not proven to keep the current offset.
func (s *offsetSweep) unproven(cut int32) int32 {
	for s.skip[cut] != cut {
		s.skip[cut] = s.skip[s.skip[cut]]
		cut = s.skip[cut]
	}
	return cut
}

// acrossCuts compares the values of one offset in successive incarnations: they may differ only if some cut between
// them need not have kept the offset.
func (s *offsetSweep) acrossCuts(offset int64) {
	slices.Sort(s.touched)
	for n := 1; n < len(s.touched); n++ {
		from, to := s.touched[n-1], s.touched[n]
		a, b := s.first[from], s.first[to]
		if a.value != b.value && s.unproven(from) >= to {
			s.finding(InconsistentOffsets, offset, to, false, []uint32{a.entry, b.entry},
				"two values at offset %d, which survived the loss between them: %s and %s", offset, s.text(a.value),
				s.text(b.value))
		}
	}
}

// weigh looks in which incarnations a claim of an operation that spans a cut cannot hold.
func (s *offsetSweep) weigh(offset int64, c *claims) {
	doubt, value := s.doubtful[c.entry], s.value(c)
	if doubt == nil {
		return
	}
	for inc := c.lo; inc <= c.hi; inc++ {
		if first := &s.first[inc]; first.offset == offset && first.value != value {
			doubt.refuted[inc-c.lo] = true
			doubt.offset, doubt.against = offset, first.entry
		}
	}
}

// resolveDoubts finds operations that fit into none of their incarnations.
func (s *offsetSweep) resolveDoubts() {
	for _, i := range s.order {
		if doubt := s.doubtful[i]; !slices.Contains(doubt.refuted, false) {
			s.finding(InconsistentOffsets, doubt.offset, s.places[i].lo, false, []uint32{i, doubt.against},
				"an operation that spans a loss fits the log neither before nor after it: two values at offset %d",
				doubt.offset)
		}
	}
}
