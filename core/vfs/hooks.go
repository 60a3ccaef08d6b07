package vfs

import "sync/atomic"

// CutAt is a Hook that takes the power away, or kills the process, at call number k: this call and all later ones
// return ErrPowerLost and have no effect, except that call k, if it is a write, writes its first torn bytes. What
// becomes of the disk is up to the caller: Mem.PowerLoss, Mem.CrashClone or Mem.Kill of the file system below.
func CutAt(k, torn int) Hook {
	return func(op Op) Decision {
		switch {
		case op.Seq < k:
			return Decision{}
		case op.Seq == k:
			return Decision{Err: ErrPowerLost, Partial: torn}
		}
		return Decision{Err: ErrPowerLost}
	}
}

// FailAt is a Hook that makes call number k fail with err, without effect.
func FailAt(k int, err error) Hook {
	return func(op Op) Decision {
		if op.Seq == k {
			return Decision{Err: err}
		}
		return Decision{}
	}
}

// FailNth is a Hook that makes the n-th call that match accepts, from 1, fail with err, without effect. It counts, so
// one value serves one run.
func FailNth(match func(Op) bool, n int, err error) Hook {
	var seen atomic.Int64
	return func(op Op) Decision {
		if match(op) && seen.Add(1) == int64(n) {
			return Decision{Err: err}
		}
		return Decision{}
	}
}

// FailAll is a Hook that makes every call that match accepts fail with err, without effect.
func FailAll(match func(Op) bool, err error) Hook {
	return func(op Op) Decision {
		if match(op) {
			return Decision{Err: err}
		}
		return Decision{}
	}
}

// Kind accepts the calls of some kinds, for FailNth and FailAll.
func Kind(kinds ...OpKind) func(Op) bool {
	return func(op Op) bool {
		for _, k := range kinds {
			if op.Kind == k {
				return true
			}
		}
		return false
	}
}

// Chain asks hooks in turn, all of them, and returns the first decision that is not to let the call through.
func Chain(hooks ...Hook) Hook {
	return func(op Op) Decision {
		var out Decision
		for _, hook := range hooks {
			if d := hook(op); out.Err == nil {
				out = d
			}
		}
		return out
	}
}
