package base

import "fmt"

// Fail panics with the formatted message. On hot paths, where Assert would allocate its arguments on every call, the
// condition stands before the call:
//
//	if bad {
//		base.Fail("got %d", n)
//	}
func Fail(format string, args ...any) {
	panic("assertion failed: " + fmt.Sprintf(format, args...))
}

// Assert panics with the formatted message when cond is false. It is for programmers' mistakes alone: no value that a
// client, a peer or a file controls may decide its condition.
func Assert(cond bool, format string, args ...any) {
	if !cond {
		panic("assertion failed: " + fmt.Sprintf(format, args...))
	}
}
