//go:build unix

package vfs

import (
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// countPolls counts the calls during which the network was to be polled, instead of having it polled.
func countPolls(t *testing.T) *int {
	polls := new(int)
	pollMeanwhile = func() { *polls++ }
	t.Cleanup(func() { pollMeanwhile = wakeThread })
	return polls
}

// TestStalls has the network polled during the calls that follow one that took long, as many as are due and no more,
// and during each sync.
func TestStalls(t *testing.T) {
	polls := countPolls(t)
	opened, err := NewOS().Open(filepath.Join(t.TempDir(), "f"), Create)
	check(t, err)
	defer opened.Close()
	f, p := opened.(*osFile), []byte("a")
	for _, c := range []struct {
		name   string
		stalls *Stalls
		call   func() error
	}{
		{"write", &f.writes, func() error { _, err := f.WriteAt(p, 0); return err }},
		{"read", &f.reads, func() error { _, err := f.ReadAt(p, 0); return err }},
	} {
		c.stalls.After(time.Now().Add(time.Hour)) // it ended before it began: not long
		check(t, c.call())
		if *polls != 0 {
			t.Errorf("%s: got %d polls before a long call", c.name, *polls)
		}
		c.stalls.After(time.Now().Add(-stalled))
		for range stalledCalls {
			// However long this one takes, it is not to count.
			before := c.stalls.left.Load()
			check(t, c.call())
			c.stalls.left.Store(before - 1)
		}
		if *polls != stalledCalls {
			t.Errorf("%s: got %d polls after a long call, expected %d", c.name, *polls, stalledCalls)
		}
		check(t, c.call())
		if *polls != stalledCalls {
			t.Errorf("%s: got %d polls, expected no more than %d", c.name, *polls, stalledCalls)
		}
		*polls = 0
	}
	check(t, f.Sync())
	if *polls != 1 {
		t.Errorf("sync: got %d polls", *polls)
	}
}

// BenchmarkStalls waits for an answer that another process gives after 2 ms, while a goroutine that the network woke is
// in a call of 15 ms: with pollMeanwhile before that call, and without, when the runtime's monitor finds the answer.
func BenchmarkStalls(b *testing.B) {
	for _, poll := range []bool{false, true} {
		b.Run(fmt.Sprintf("poll=%t", poll), func(b *testing.B) {
			must := func(err error) {
				b.Helper()
				if err != nil {
					b.Fatal(err)
				}
			}
			other := exec.Command("sh", "-c", "while read -r a; do echo 1; sleep 0.002; echo 2 >&2; done")
			ask, err := other.StdinPipe()
			must(err)
			first, err := other.StdoutPipe()
			must(err)
			second, err := other.StderrPipe()
			must(err)
			must(other.Start())
			for b.Loop() {
				waits := make(chan error)
				go func() {
					_, err := io.ReadFull(first, make([]byte, 2))
					if poll {
						pollMeanwhile()
					}
					_, _ = unix.Poll(nil, 15)
					waits <- err
				}()
				_, err := ask.Write([]byte("\n"))
				must(err)
				_, err = io.ReadFull(second, make([]byte, 2))
				must(err)
				b.StopTimer()
				must(<-waits)
				b.StartTimer()
			}
			must(ask.Close())
			must(other.Wait())
		})
	}
}

// TestWakingAllocatesOnce wakes where the woken cannot run: none is made beside the first.
func TestWakingAllocatesOnce(t *testing.T) {
	if got := testing.AllocsPerRun(100, wakeThread); got != 0 {
		t.Errorf("got %v allocations", got)
	}
}
