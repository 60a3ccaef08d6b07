//go:build linux

package peer

import (
	"os/exec"
	"runtime"
	"sync"
)

// starter starts processes on a thread of its own that lives as long as this process. The kernel kills them with that
// thread (Pdeathsig, see prctl(2)), so that none goes on when this process is killed; a thread of Go's pool may end at
// any time, and they with it.
var starter = sync.OnceValue(func() chan<- start {
	requests := make(chan start)
	go func() {
		runtime.LockOSThread()
		for r := range requests {
			r.done <- r.cmd.Start()
		}
	}()
	return requests
})

type start struct {
	cmd  *exec.Cmd
	done chan error
}

// startBound starts a process that ends with this one.
func startBound(cmd *exec.Cmd) error {
	done := make(chan error, 1)
	starter() <- start{cmd, done}
	return <-done
}
