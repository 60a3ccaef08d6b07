// Package model is the second opinion on a history: a sequential specification of one partition's log for Porcupine, a
// linearizability checker that searches for an order of the operations and knows nothing of logs. It decides the same
// question as the sweep of package checker, with none of its code, on windows small enough for a search that is
// exponential at worst.
//
// # The specification
//
// The state is of constant size: the next offset, and a hash that chains the identities of all records so far.
//
//	Append   ok at base b         legal if b == next       next += n, chain over its records
//	Maybe    may be at base b     legal if b == next       the same
//	Open     may be anywhere      legal amid a hole        the same
//	         either, not at all   legal at the very end    nothing changes
//	End      the log ends at h    legal if h == next       nothing changes
//	Read     records up to h      legal if h == next and the chain is the same
//
// Append is strict: a log without holes gives every batch the offset where the last one ended. An append of unknown
// outcome, of which nothing was ever seen, is Open; one whose place is known but not whether it belongs to this
// incarnation of the log is Maybe. Both may take effect long after their client gave up, so they never return. That
// they may not take effect at all is their being put behind everything else, where nobody can tell: so the search alone
// decides between the two fates, and the specification is deterministic. (A specification with both fates at every
// place says the same, and lets the search drown in the places that make no difference.) A definite failure changes
// nothing and is left out.
//
// Fetches are not operations of the model: Kafka's fetch may lag behind, and the sweep compares every record that one
// returns. What the final reads found comes back as one Read in each window.
//
// # Windows
//
// Porcupine's cost grows with the number of concurrent operations, and on illegal histories doubles with each that
// never returned, so it is handed windows of some hundred operations with at most five Open ones. Cutting by time would
// need quiet moments, which a loaded broker does not have. But offsets are witnesses of the order: write k for an
// Append's base or an End's h, put an End before the Append of the same k, and break ties by the call. Call that the
// log's order.
//
//  1. In every legal sequence the next offset never falls, an Append of base b stands where next was b, and an End of
//     h where next was h. So every legal sequence is the log's order, but for Ends of one h, which may change places.
//  2. A window is a stretch of the log's order. It begins with next as the operations before it leave it: the greatest
//     base + n or h among them. In a legal sequence next has exactly that value at the cut, if the last operation
//     before the cut is an Append or an End (Maybe and Open never are), since the operations on either side of the cut
//     stand on either side of it in the sequence, or are Ends of one h.
//  3. So a legal history has only legal windows: its legal sequence, restricted to the window, is a legal sequence of
//     the window from that value on. No false alarm comes from cutting.
//  4. Conversely, if every window is legal, the windows' sequences one after another step legally through the whole.
//     What they may break is real time across a cut: an operation that had returned before another was called, although
//     it stands in a later window. [Inversions] finds such pairs by comparing each operation's return with the latest
//     call of the windows before. (Ends of one h do not raise it: among them the later window has the later call.) So
//     the history is legal if and only if every window is and there is no inversion. Nothing hides.
//  5. An Open append could fill a hole, a stretch of offsets that no Append of the history covers. It is offered to
//     each window with a hole that it fits in size and in time (called no later than everything behind the hole
//     returned), and to no other, where it cannot have been applied. If two windows both use it, point 4 fails for that
//     history alone: no false alarm, and no hiding inside a window. More than five such candidates make the window
//     undecided, which is never counted as good. A Maybe is kept only if it lies in a hole and fits it in time.
//  6. The Read of a window stands behind its last record. All it covers was appended before it was seen, and records
//     once appended stay, so a legal sequence has a place for it there.
package model

import (
	"fmt"
	"math"

	"github.com/anishathalye/porcupine"
)

// Kind is what an operation of the model does.
type Kind uint8

// The kinds of operation; the package comment says what each means.
const (
	// Append put Count records at Offset.
	Append Kind = iota + 1
	// Maybe put Count records at Offset or did nothing.
	Maybe
	// Open put Count records at the end of the log, wherever that was, or did nothing. Its Offset does not
	// count.
	Open
	// End saw the log end at Offset.
	End
	// Read saw the log end at Offset, and all its records from the window's start on.
	Read
	// start sets the offset at which a window begins.
	start
)

// Never is the return of an operation that may take effect at any time after its call.
const Never = int64(math.MaxInt64)

// Op is one operation on the log of one partition.
type Op struct {
	// Offset is the base of an Append or Maybe, the end that an End or Read saw.
	Offset int64
	// Call and Return are the closed interval in which it took effect; Return is Never if it has no end.
	Call, Return int64
	// Content are the records: appended, or seen by a Read from the window's start on.
	Content Content
	// Count is the number of records appended.
	Count uint32
	// Process is who asked, Line the operation's line in the history; both for people.
	Process int32
	Line    uint32
	// Kind says which of the fields count.
	Kind Kind
}

// String describes the operation in Kafka's words.
func (o *Op) String() string {
	switch o.Kind {
	case Append:
		return fmt.Sprintf("append %d records at %d", o.Count, o.Offset)
	case Maybe:
		return fmt.Sprintf("maybe append %d records at %d", o.Count, o.Offset)
	case Open:
		return fmt.Sprintf("append %d records, outcome unknown", o.Count)
	case End:
		return fmt.Sprintf("end of log is %d", o.Offset)
	case Read:
		return fmt.Sprintf("final read up to %d", o.Offset)
	case start:
		return fmt.Sprintf("window begins at %d", o.Offset)
	}
	return "operation?"
}

// Content is the hash of a list of records that can be continued in constant time: a polynomial in a fixed odd number,
// modulo 2^64, over scrambled ids. The zero value is no records.
type Content struct {
	hash uint64
	// less is one less than the power that shifts what stands before this content, so that zero means no shift.
	less uint64
}

const factor = 0x9e3779b97f4a7c15

// ContentOf returns the content of the records with these ids.
func ContentOf(ids []uint32) Content {
	hash, power := uint64(0), uint64(1)
	for _, id := range ids {
		hash = hash*factor + scramble(uint64(id)+1)
		power *= factor
	}
	return Content{hash, power - 1}
}

// Then returns the content of c followed by d.
func (c Content) Then(d Content) Content {
	return Content{c.hash*(d.less+1) + d.hash, (c.less+1)*(d.less+1) - 1}
}

// scramble is the finalizer of SplitMix64.
func scramble(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// state is a log: where it ends, and its records since the window's start. next is -1 before the window began.
type state struct {
	next  int64
	chain Content
}

// step returns the state after op, or false if op is illegal.
func step(s state, in input) (bool, state) {
	op, w := in.op, in.window
	if s.next < 0 {
		return op.Kind == start, state{next: op.Offset}
	}
	applied := state{s.next + int64(op.Count), s.chain.Then(op.Content)}
	switch op.Kind {
	case Append:
		return op.Offset == s.next, applied
	case Maybe, Open:
		if s.next == w.end {
			return true, s
		}
		if op.Kind == Maybe {
			return op.Offset == s.next, applied
		}
		return applied.next <= w.holeAt(s.next), applied
	case End:
		return op.Offset == s.next, s
	case Read:
		return op.Offset == s.next && op.Content == s.chain, s
	}
	return false, s
}

// input is an operation on its way through Porcupine, with the window it is in.
type input struct {
	op     *Op
	window *Window
}

// partitionLog returns the specification. Each window is a partition of its own.
func partitionLog() porcupine.Model {
	return porcupine.Model{
		Partition: byWindow,
		Init:      func() any { return state{next: -1} },
		Step: func(s, in, _ any) (bool, any) {
			ok, next := step(s.(state), in.(input))
			return ok, next
		},
		Equal: func(a, b any) bool { return a.(state) == b.(state) },
		Hash: func(s any) uint64 {
			return scramble(uint64(s.(state).next)) ^ s.(state).chain.hash
		},
		DescribeOperation: func(in, _ any) string { return in.(input).op.String() },
		DescribeState: func(s any) string {
			return fmt.Sprintf("next %d, chain %016x", s.(state).next, s.(state).chain.hash)
		},
	}
}

// byWindow splits operations by their window, in the order in which windows first appear.
func byWindow(ops []porcupine.Operation) [][]porcupine.Operation {
	var parts [][]porcupine.Operation
	place := make(map[*Window]int)
	for _, op := range ops {
		window := op.Input.(input).window
		at, ok := place[window]
		if !ok {
			at = len(parts)
			place[window] = at
			parts = append(parts, nil)
		}
		parts[at] = append(parts[at], op)
	}
	return parts
}
