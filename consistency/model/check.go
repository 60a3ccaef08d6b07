package model

import (
	"math"
	"time"

	"github.com/anishathalye/porcupine"
)

// Result is Porcupine's opinion of a window.
type Result uint8

// The results.
const (
	// Legal: there is an order that the specification allows.
	Legal Result = iota + 1
	// Illegal: there is none.
	Illegal
	// Undecided: the search did not end in time, or was not tried because it would not. It is never counted as good.
	Undecided
)

// String returns the result in one word.
func (r Result) String() string {
	switch r {
	case Legal:
		return "legal"
	case Illegal:
		return "illegal"
	case Undecided:
		return "undecided"
	}
	return "result?"
}

// Check searches for a legal order of the window's operations.
func (w *Window) Check(timeout time.Duration) Result {
	if w.TooOpen {
		return Undecided
	}
	timeout = Limits{Timeout: timeout}.WithDefaults().Timeout
	switch porcupine.CheckOperationsTimeout(partitionLog(), w.operations(nil), timeout) {
	case porcupine.Ok:
		return Legal
	case porcupine.Illegal:
		return Illegal
	}
	return Undecided
}

// operations returns the window in Porcupine's form, with the start that sets its first offset. client gives an
// operation its row; without it all share one.
func (w *Window) operations(client func(op *Op) int) []porcupine.Operation {
	list := make([]porcupine.Operation, 0, 1+len(w.Ops)+len(w.Extra))
	begin := &Op{Kind: start, Offset: w.Start, Call: w.firstCall() - 1}
	begin.Return = begin.Call
	add := func(op *Op) {
		row := 0
		if client != nil {
			row = client(op)
		}
		list = append(list, porcupine.Operation{
			ClientId: row, Input: input{op, w}, Call: op.Call, Return: op.Return, Metadata: op.Line,
		})
	}
	add(begin)
	for i := range w.Ops {
		add(&w.Ops[i])
	}
	for i := range w.Extra {
		add(&w.Extra[i])
	}
	return list
}

// firstCall returns the earliest call in the window.
func (w *Window) firstCall() int64 {
	first := int64(math.MaxInt64)
	for i := range w.Ops {
		first = min(first, w.Ops[i].Call)
	}
	for i := range w.Extra {
		first = min(first, w.Extra[i].Call)
	}
	return first
}

// Inversion is a pair of operations that stand in the log's order the other way round than in time: Later had returned
// before Earlier was called, yet it stands in a later window.
type Inversion struct {
	Earlier, Later Op
	// EarlierWindow and LaterWindow are the indices of their windows.
	EarlierWindow, LaterWindow int
}

// Inversions finds pairs that break real time across the cuts between the windows of one log, for each operation that
// returned too early the one that was called latest. At most a pair for each window is returned.
func Inversions(windows []Window) []Inversion {
	var found []Inversion
	var latest Op
	latestWindow := -1
	for number := range windows {
		ops := windows[number].Ops
		for i := range ops {
			if ops[i].Kind != Maybe && latestWindow >= 0 && ops[i].Return < latest.Call {
				found = append(found, Inversion{latest, ops[i], latestWindow, number})
				break
			}
		}
		for i := range ops {
			if ops[i].Kind != Maybe && (latestWindow < 0 || ops[i].Call > latest.Call) {
				latest, latestWindow = ops[i], number
			}
		}
	}
	return found
}
