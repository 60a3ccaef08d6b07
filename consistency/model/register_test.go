package model

import (
	"math/rand/v2"
	"testing"
	"time"
)

// legalRegister is the twin of RegisterWindow.Check and Windows: it tries every order of all operations.
func legalRegister(value uint32, ops []Access) bool {
	if len(ops) == 0 {
		return true
	}
	first := ops[0].Return
	for _, op := range ops {
		first = min(first, op.Return)
	}
	for i, op := range ops {
		if op.Call > first || !op.Write && value != AnyValue && value != op.Value {
			continue
		}
		rest := append(append([]Access(nil), ops[:i]...), ops[i+1:]...)
		if legalRegister(op.Value, rest) {
			return true
		}
	}
	return false
}

// TestRegisterTwin compares windows of all sizes with the twin on small random histories.
func TestRegisterTwin(t *testing.T) {
	legal, illegal, windows := 0, 0, 0
	for seed := range uint64(3000) {
		rng := rand.New(rand.NewPCG(seed, 2))
		r := Register{Start: []uint32{NoValue, AnyValue}[rng.IntN(2)]}
		for n := range 2 + rng.IntN(6) {
			call := rng.Int64N(20)
			r.Ops = append(r.Ops, Access{
				Call: call, Return: call + rng.Int64N(6), Write: rng.IntN(2) == 0, Value: uint32(rng.IntN(4)),
				Line: uint32(n),
			})
		}
		want := legalRegister(r.Start, r.Ops)
		for _, size := range []int{1, 3, 100} {
			got := true
			list := r.Windows(Limits{Ops: size})
			for i := range list {
				result := list[i].Check(time.Minute)
				got = got && result == Legal
				if result == Undecided {
					t.Fatalf("seed %d: undecided", seed)
				}
			}
			windows += len(list)
			if got != want {
				t.Fatalf("seed %d, windows of %d: got legal %v, expected %v: from %d, %v", seed, size, got, want,
					r.Start, r.Ops)
			}
		}
		if want {
			legal++
		} else {
			illegal++
		}
	}
	if legal < 100 || illegal < 100 || windows < 5000 {
		t.Errorf("got %d legal and %d illegal histories in %d windows, expected many of each", legal, illegal, windows)
	}
}

// TestRegisterWindows cuts only behind an operation that is alone.
func TestRegisterWindows(t *testing.T) {
	r := Register{Ops: []Access{
		{Call: 1, Return: 2, Write: true, Value: 1}, {Call: 3, Return: 9, Write: true, Value: 2},
		{Call: 4, Return: 5, Value: 2}, {Call: 10, Return: 11, Value: 2}, {Call: 11, Return: 12, Value: 2},
		{Call: 20, Return: 21, Value: 2}, {Call: 30, Return: 31, Value: 2},
	}}
	list := r.Windows(Limits{Ops: 1})
	if len(list) != 3 || len(list[0].Ops) != 1 || list[1].Start != 1 || len(list[1].Ops) != 5 || list[2].Start != 2 {
		t.Errorf("got %+v", list)
	}
	if (&r.Ops[0]).String() != "write 1" || (&r.Ops[2]).String() != "read 2" {
		t.Errorf("got %v and %v", &r.Ops[0], &r.Ops[2])
	}
}
