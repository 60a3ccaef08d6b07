package base

import "fmt"

// Assert panics with the formatted message when cond is false. It is for programmers' mistakes alone: no value that a
// client, a peer or a file controls may decide its condition.
func Assert(cond bool, format string, args ...any) {
	if !cond {
		panic("assertion failed: " + fmt.Sprintf(format, args...))
	}
}
