package model

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// A group's offset of one partition is a register: a commit writes it, a deletion writes that there is none, and
// OffsetFetch reads it. Kafka's coordinator is one machine, so that the register is linearizable, and here Porcupine is
// the first opinion: no answer to a commit tells its place in the order.
//
//	Write    of value v     always legal                the value is v
//	Read     of value v     legal if the value is v     nothing changes
//	         at the start   legal where nobody knows    the value is v
//
// A commit of unknown outcome whose value nobody reads explains nothing and is left out. One that is read took effect
// before the first such read returned, since values are unique. So every operation has an end.
//
// # Windows
//
// An operation that is alone, since all others have returned before it was called or were called after it had returned,
// leaves the register at its own value in every legal sequence. Windows are cut behind such operations, and begin with
// that value: the history is legal if and only if every window is.

// Values of a register that no commit writes.
const (
	// NoValue is that there is none.
	NoValue = uint32(0)
	// AnyValue is that nobody knows.
	AnyValue = ^uint32(0)
)

// Access is one operation on a register.
type Access struct {
	// Call and Return are the closed interval in which it took effect.
	Call, Return int64
	// Value is what it writes or reads.
	Value uint32
	// Write tells a write from a read.
	Write bool
	// Line is the operation's line in the history, for people.
	Line uint32
}

// String describes the operation.
func (a *Access) String() string {
	verb := "read"
	if a.Write {
		verb = "write"
	}
	return fmt.Sprintf("%s %d", verb, a.Value)
}

// Register is what a history says of one register, between two losses of data.
type Register struct {
	// Start is its value before the first operation.
	Start uint32
	// Ops are the operations, in any order. Windows sorts them in place.
	Ops []Access
}

// RegisterWindow is a stretch of a register's life that Porcupine can decide alone.
type RegisterWindow struct {
	// Start is the value at the window's begin.
	Start uint32
	// Ops are its operations, in the order of their calls.
	Ops []Access
}

// Windows cuts the register's life into windows of about as many operations as the limits say. They share the memory of
// r.Ops.
func (r *Register) Windows(limits Limits) []RegisterWindow {
	limits = limits.WithDefaults()
	slices.SortFunc(r.Ops, func(a, b Access) int {
		return cmp.Or(cmp.Compare(a.Call, b.Call), cmp.Compare(a.Return, b.Return), cmp.Compare(a.Line, b.Line))
	})
	var windows []RegisterWindow
	from, start, latest := 0, r.Start, int64(-1)
	for i := range r.Ops {
		op := &r.Ops[i]
		alone := latest < op.Call && (i+1 == len(r.Ops) || op.Return < r.Ops[i+1].Call)
		latest = max(latest, op.Return)
		if i+1 == len(r.Ops) || alone && i+1-from >= limits.Ops {
			windows = append(windows, RegisterWindow{Start: start, Ops: r.Ops[from : i+1 : i+1]})
			from, start = i+1, op.Value
		}
	}
	return windows
}

// Check searches for a legal order of the window's operations.
func (w *RegisterWindow) Check(timeout time.Duration) Result {
	list := make([]porcupine.Operation, 0, len(w.Ops))
	for i := range w.Ops {
		list = append(list, porcupine.Operation{
			Input: &w.Ops[i], Call: w.Ops[i].Call, Return: w.Ops[i].Return, Metadata: w.Ops[i].Line,
		})
	}
	timeout = Limits{Timeout: timeout}.WithDefaults().Timeout
	switch porcupine.CheckOperationsTimeout(registerFrom(w.Start), list, timeout) {
	case porcupine.Ok:
		return Legal
	case porcupine.Illegal:
		return Illegal
	}
	return Undecided
}

// registerFrom returns the specification of a register that begins with a value.
func registerFrom(value uint32) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return value },
		Step: func(s, in, _ any) (bool, any) {
			a := in.(*Access)
			return a.Write || s == AnyValue || s == a.Value, a.Value
		},
		Equal:             func(a, b any) bool { return a == b },
		Hash:              func(s any) uint64 { return scramble(uint64(s.(uint32))) },
		DescribeOperation: func(in, _ any) string { return in.(*Access).String() },
		DescribeState:     func(s any) string { return fmt.Sprintf("value %d", s) },
	}
}
