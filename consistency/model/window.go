package model

import (
	"cmp"
	"slices"
	"time"
)

// Log is what a history says of one partition, between two losses of data.
type Log struct {
	// Name says which partition, for people.
	Name string
	// Start is the next offset before the first operation.
	Start int64
	// Ops are the operations, in any order. Cut sorts them in place.
	Ops []Op
	// Seen are the records of the final reads, ascending and apart from each other; empty if there was none.
	Seen []Piece
	// SeenCall and SeenReturn are the interval from the first of the final reads to the last.
	SeenCall, SeenReturn int64
}

// Piece is a stretch of records that were read.
type Piece struct {
	// Base is the offset of the first record.
	Base int64
	// Values are the ids of the records.
	Values []uint32
}

// Limits bound a window. A zero field means its default.
type Limits struct {
	// Ops is the number of operations in a window, by default 400.
	Ops int
	// Open is the number of Open operations in a window, by default 12.
	Open int
	// Timeout bounds the search in one window, by default 5 s.
	Timeout time.Duration
}

// WithDefaults returns the limits with zero fields filled in by their defaults.
func (l Limits) WithDefaults() Limits {
	if l.Ops <= 0 {
		l.Ops = 400
	}
	if l.Open <= 0 {
		l.Open = 12
	}
	if l.Timeout <= 0 {
		l.Timeout = 5 * time.Second
	}
	return l
}

// Window is a stretch of a log's order that Porcupine can decide alone.
type Window struct {
	// Log names the partition.
	Log string
	// Start is the next offset at the window's begin.
	Start int64
	// Ops are the operations that have a place in the order.
	Ops []Op
	// Extra are the Open operations offered to the window, and the Read of its records if the final reads cover it.
	Extra []Op
	// Holes are the stretches of offsets that no Append covers, ascending.
	Holes []Hole
	// TooOpen says that more Open operations fit into the holes than may be tried: the window is undecided.
	TooOpen bool

	// end is the next offset at the window's end.
	end int64
}

// Hole is a stretch of offsets, To exclusive.
type Hole struct{ From, To int64 }

// holeAt returns the end of the hole that an offset lies in, -1 if it lies in none.
func (w *Window) holeAt(offset int64) int64 {
	at, found := slices.BinarySearchFunc(w.Holes, offset, func(h Hole, o int64) int { return cmp.Compare(h.From, o) })
	if !found {
		at--
	}
	if at < 0 || offset >= w.Holes[at].To {
		return -1
	}
	return w.Holes[at].To
}

// place is an operation's rank among those of its offset.
func (o *Op) place() int {
	if o.Kind == End {
		return 0
	}
	return 1
}

// compareOps is the log's order.
func compareOps(a, b Op) int {
	return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.place(), b.place()), cmp.Compare(a.Call, b.Call),
		cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Return, b.Return), cmp.Compare(a.Line, b.Line))
}

// Cut cuts a log into windows as the package comment says. The windows share the memory of log.Ops, which it sorts.
func Cut(log *Log, limits Limits) []Window {
	limits = limits.WithDefaults()
	slices.SortFunc(log.Ops, compareOps)
	ops, open := split(log.Ops)
	ops = useful(ops, log.Start)
	behind := returnsBehind(ops)
	var windows []Window
	next, piece := log.Start, 0
	for from := 0; from < len(ops); {
		to := min(from+limits.Ops, len(ops))
		for ops[to-1].Kind == Maybe {
			to++
		}
		w := Window{Log: log.Name, Start: next, Ops: ops[from:to:to]}
		next = w.offer(next, open, behind[from:to], limits.Open)
		w.end = next
		piece = w.addRead(log, piece, next)
		windows = append(windows, w)
		from = to
	}
	return windows
}

// split takes the Open operations, which have no place in the order, away from the others.
func split(sorted []Op) (ordered, open []Op) {
	for _, op := range sorted {
		if op.Kind == Open {
			open = append(open, op)
		}
	}
	if open == nil {
		return sorted, nil
	}
	return slices.DeleteFunc(sorted, func(op Op) bool { return op.Kind == Open }), open
}

// useful drops every Maybe that cannot have been applied, since it overlaps an Append or was called after something
// behind it had returned, and those of which nothing would tell, since nothing certain stands behind. Those that stay
// lie in holes, with an Append or End behind the hole.
func useful(ops []Op, next int64) []Op {
	type limit struct{ offset, ret int64 }
	behind := make([]limit, len(ops))
	rest := limit{-1, Never}
	for i := len(ops) - 1; i >= 0; i-- {
		behind[i] = rest
		if ops[i].Kind != Maybe {
			rest = limit{ops[i].Offset, min(rest.ret, ops[i].Return)}
		}
	}
	kept := ops[:0]
	for i, op := range ops {
		past := op.Offset + int64(op.Count)
		if op.Kind != Maybe {
			next = max(next, past)
			kept = append(kept, op)
		} else if op.Offset >= next && past <= behind[i].offset && op.Call <= behind[i].ret {
			kept = append(kept, op)
		}
	}
	return kept
}

// returnsBehind tells for each operation the earliest return among it and those behind it in the order.
func returnsBehind(ops []Op) []int64 {
	behind := make([]int64, len(ops))
	earliest := Never
	for i := len(ops) - 1; i >= 0; i-- {
		if ops[i].Kind != Maybe {
			earliest = min(earliest, ops[i].Return)
		}
		behind[i] = earliest
	}
	return behind
}

// offer finds the window's holes, adds the Open operations that fit into one, and returns the next offset at the
// window's end.
func (w *Window) offer(next int64, open []Op, behind []int64, most int) int64 {
	offered := make([]bool, 0)
	for i := range w.Ops {
		op := &w.Ops[i]
		if op.Kind == Maybe {
			continue
		}
		if hole := op.Offset - next; hole > 0 {
			w.Holes = append(w.Holes, Hole{next, op.Offset})
			if len(offered) == 0 {
				offered = make([]bool, len(open))
			}
			for j := range open {
				if int64(open[j].Count) <= hole && open[j].Call <= behind[i] {
					offered[j] = true
				}
			}
		}
		next = max(next, op.Offset+int64(op.Count))
	}
	for j, yes := range offered {
		if yes {
			w.Extra = append(w.Extra, open[j])
		}
	}
	if len(w.Extra) > most {
		w.TooOpen = true
		w.Extra = w.Extra[:most]
	}
	return next
}

// addRead adds the Read of the window's records if the final reads cover them all. piece is the first of log.Seen that
// may reach into the window; the return is the same for the next window.
func (w *Window) addRead(log *Log, piece int, end int64) int {
	at, content, first := w.Start, Content{}, true
	for piece < len(log.Seen) && at < end {
		p := log.Seen[piece]
		past := p.Base + int64(len(p.Values))
		if past <= at {
			piece++
			continue
		}
		if p.Base > at {
			return piece
		}
		upTo := min(past, end)
		content = content.Then(ContentOf(p.Values[at-p.Base : upTo-p.Base]))
		at, first = upTo, false
	}
	if at == end && !first {
		w.Extra = append(w.Extra, Op{
			Kind: Read, Offset: end, Content: content, Call: log.SeenCall, Return: log.SeenReturn,
		})
	}
	return piece
}
