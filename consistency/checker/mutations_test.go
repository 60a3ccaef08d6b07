package checker

import (
	"math/rand/v2"

	"github.com/gregor-log/gregor/consistency/history"
)

// breaker changes a legal history.
type breaker struct {
	*story
	rng  *rand.Rand
	cuts []int64
}

// mutations are changes after which a history is certainly illegal, with the names of which one must be found. They
// report whether the history had what they need.
var mutations = []struct {
	label string
	names []string
	apply func(b *breaker) bool
}{
	{"the end of the final reads is gone", []string{LostAck}, (*breaker).dropTail},
	{"a record of a read is gone", []string{OffsetGap}, (*breaker).dropRecord},
	{"two appends changed places", []string{ReorderedAcks}, (*breaker).swap},
	{"a read shows another record", []string{InconsistentOffsets}, (*breaker).changeRecord},
	{"a batch lies twice", []string{Duplicate, TornAppend}, (*breaker).duplicate},
	{"a session goes back", []string{NonmonotonicRead}, (*breaker).goBack},
	{"an end is stale", []string{StaleEnd}, (*breaker).staleEnd},
	{"a read append had failed", []string{AbortedRead}, (*breaker).abort},
	{"a read shows what nobody wrote", []string{GarbageRead}, (*breaker).garbage},
	{"a read passes the high watermark", []string{ReadBeyondCommitted}, (*breaker).beyond},
	{"two records of a batch changed places", []string{TornAppend, InconsistentOffsets}, (*breaker).tear},
	{"an end lies amid a batch", []string{TornAppend}, (*breaker).endAmid},
}

// pick returns a random operation that fits, nil if none does.
func (b *breaker) pick(fits func(op *history.Op) bool) *history.Op {
	for _, i := range b.rng.Perm(len(b.ops)) {
		if fits(b.ops[i]) {
			return b.ops[i]
		}
	}
	return nil
}

// inc returns the incarnation of an operation, -1 if it spans a cut.
func (b *breaker) inc(op *history.Op) int32 {
	lo, hi := incarnation(b.cuts, op.Start, false), incarnation(b.cuts, op.End, true)
	if lo != hi {
		return -1
	}
	return lo
}

// acked reports whether an operation is an acknowledged append of a certain incarnation.
func (b *breaker) acked(op *history.Op) bool {
	return op.Kind == history.Append && op.Outcome == history.OK && b.inc(op) >= 0
}

// read reports whether an operation is a fetch of at least so many records, of a certain incarnation.
func (b *breaker) read(op *history.Op, records int) bool {
	return op.Kind == history.Fetch && op.Outcome == history.OK && op.Values.Len() >= records && b.inc(op) >= 0
}

// edit replaces the records of a fetch by those that change returns.
func edit(op *history.Op, change func(i int, offset int64, value string) (string, bool)) {
	old := *op
	op.Values, op.Offsets = history.Values{}, nil
	for i, offset := range old.Offsets {
		if value, keep := change(i, offset, string(old.Values.At(i))); keep {
			op.AddRecord(offset, value)
		}
	}
}

// isFinal reports whether an operation is one of the reads at the end.
func isFinal(op *history.Op) bool { return op.Process >= 90 }

func (b *breaker) dropTail() bool {
	last := int32(len(b.cuts))
	x := b.pick(func(op *history.Op) bool { return b.acked(op) && b.inc(op) == last })
	if x == nil {
		return false
	}
	for _, op := range b.ops {
		if isFinal(op) && op.Partition == x.Partition {
			edit(op, func(_ int, offset int64, value string) (string, bool) { return value, offset < x.Offset })
			op.HighWatermark = x.Offset
		}
	}
	return true
}

func (b *breaker) dropRecord() bool {
	f := b.pick(func(op *history.Op) bool { return b.read(op, 3) })
	if f == nil {
		return false
	}
	gone := b.rng.IntN(f.Values.Len() - 1)
	edit(f, func(i int, _ int64, value string) (string, bool) { return value, i != gone })
	return true
}

// swap exchanges the offsets of two appends of one size, of which one was acknowledged before the other began, and what
// every read shows of them.
func (b *breaker) swap() bool {
	var y *history.Op
	x := b.pick(func(x *history.Op) bool {
		if !b.acked(x) {
			return false
		}
		y = b.pick(func(y *history.Op) bool {
			return b.acked(y) && y.Partition == x.Partition && b.inc(x) == b.inc(y) && x.End < y.Start &&
				x.Values.Len() == y.Values.Len()
		})
		return y != nil
	})
	if x == nil {
		return false
	}
	other := make(map[string]string)
	for i := range x.Values.Len() {
		a, c := string(x.Values.At(i)), string(y.Values.At(i))
		other[a], other[c] = c, a
	}
	x.Offset, y.Offset = y.Offset, x.Offset
	for _, op := range b.ops {
		if op.Kind == history.Fetch {
			edit(op, func(_ int, _ int64, value string) (string, bool) {
				if swapped, ok := other[value]; ok {
					return swapped, true
				}
				return value, true
			})
		}
	}
	return true
}

// changeRecord lets a fetch show at an offset acknowledged in its incarnation what another append wrote.
func (b *breaker) changeRecord() bool {
	var f *history.Op
	x := b.pick(func(x *history.Op) bool {
		f = b.pick(func(f *history.Op) bool {
			return b.acked(x) && b.read(f, 1) && f.Partition == x.Partition && b.inc(f) == b.inc(x) &&
				f.Offsets[0] <= x.Offset && x.Offset <= f.Offsets[len(f.Offsets)-1]
		})
		return f != nil
	})
	other := b.pick(func(op *history.Op) bool {
		return b.acked(op) && op != x && x != nil && op.Partition == x.Partition && op.End < f.Start
	})
	if x == nil || other == nil {
		return false
	}
	edit(f, func(_ int, offset int64, value string) (string, bool) {
		if offset == x.Offset {
			return string(other.Values.At(0)), true
		}
		return value, true
	})
	return true
}

// duplicate appends a batch that the log has to the end of the final reads.
func (b *breaker) duplicate() bool {
	last := int32(len(b.cuts))
	x := b.pick(func(op *history.Op) bool { return b.acked(op) && b.inc(op) == last })
	if x == nil || b.header.Resends {
		return false
	}
	var end *history.Op
	for _, op := range b.ops {
		if isFinal(op) && op.Partition == x.Partition && (end == nil || op.Offset > end.Offset) {
			end = op
		}
	}
	for i := range x.Values.Len() {
		end.AddRecord(end.HighWatermark, string(x.Values.At(i)))
		end.HighWatermark++
	}
	return true
}

func (b *breaker) goBack() bool {
	var before *history.Op
	f := b.pick(func(f *history.Op) bool {
		before = b.pick(func(op *history.Op) bool {
			return b.read(f, 0) && b.read(op, 1) && op.Process == f.Process && op.Partition == f.Partition &&
				op.End < f.Start && b.inc(op) == b.inc(f)
		})
		return before != nil
	})
	if f == nil {
		return false
	}
	f.HighWatermark = before.Offsets[len(before.Offsets)-1]
	edit(f, func(_ int, offset int64, value string) (string, bool) { return value, offset < f.HighWatermark })
	return true
}

func (b *breaker) staleEnd() bool {
	var x *history.Op
	e := b.pick(func(e *history.Op) bool {
		x = b.pick(func(x *history.Op) bool {
			return e.Kind == history.End && e.Outcome == history.OK && b.acked(x) && x.Partition == e.Partition &&
				x.End < e.Start && b.inc(x) == b.inc(e)
		})
		return x != nil
	})
	if e == nil {
		return false
	}
	e.Offset = x.Offset
	return true
}

func (b *breaker) abort() bool {
	f := b.pick(func(op *history.Op) bool { return b.read(op, 1) })
	if f == nil {
		return false
	}
	value := string(f.Values.At(b.rng.IntN(f.Values.Len())))
	writer := b.pick(func(op *history.Op) bool {
		for i := range op.Values.Len() {
			if op.Kind == history.Append && string(op.Values.At(i)) == value {
				return true
			}
		}
		return false
	})
	writer.Outcome, writer.Offset = history.Fail, -1
	return true
}

func (b *breaker) garbage() bool {
	f := b.pick(func(op *history.Op) bool { return b.read(op, 1) })
	if f == nil {
		return false
	}
	at := b.rng.IntN(f.Values.Len())
	edit(f, func(i int, _ int64, value string) (string, bool) {
		if i == at {
			return "phantom", true
		}
		return value, true
	})
	return true
}

func (b *breaker) beyond() bool {
	f := b.pick(func(op *history.Op) bool { return b.read(op, 1) })
	if f == nil {
		return false
	}
	f.HighWatermark = f.Offsets[b.rng.IntN(len(f.Offsets))]
	return true
}

func (b *breaker) tear() bool {
	var at int
	var x *history.Op
	f := b.pick(func(f *history.Op) bool {
		x = b.pick(func(x *history.Op) bool {
			if !b.acked(x) || x.Values.Len() < 2 || !b.read(f, 2) || f.Partition != x.Partition {
				return false
			}
			for at = 0; at+1 < f.Values.Len(); at++ {
				if string(f.Values.At(at)) == string(x.Values.At(0)) {
					return true
				}
			}
			return false
		})
		return x != nil
	})
	if f == nil {
		return false
	}
	edit(f, func(i int, _ int64, value string) (string, bool) {
		if i == at || i == at+1 {
			return string(x.Values.At(1 - (i - at))), true
		}
		return value, true
	})
	return true
}

// endAmid lets the log end amid a batch, while the batch is being appended.
func (b *breaker) endAmid() bool {
	x := b.pick(func(op *history.Op) bool { return b.acked(op) && op.Values.Len() > 1 })
	if x == nil {
		return false
	}
	e := b.end(x.Start, x.End, x.Offset+1)
	e.Partition = x.Partition
	return true
}
