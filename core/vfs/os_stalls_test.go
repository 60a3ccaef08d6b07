//go:build unix && !aix

package vfs

import (
	"fmt"
	"io"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestStalls has calls yield after one that took long, as many as are due and no more.
func TestStalls(t *testing.T) {
	var s Stalls
	left := func() int32 { return s.left.Load() }
	s.After(s.Before().Add(time.Hour)) // it ended before it began: not long
	if left() != 0 {
		t.Errorf("after a short call: got %d calls that yield", left())
	}
	s.After(time.Now().Add(-stalled))
	for want := int32(stalledCalls); want > 0; want-- {
		if left() != want {
			t.Fatalf("got %d calls that yield, expected %d", left(), want)
		}
		s.After(s.Before().Add(time.Hour))
	}
	s.Before()
	if left() != 0 {
		t.Errorf("in the end: got %d calls that yield", left())
	}
}

// BenchmarkStalls waits for an answer that another process gives after 2 ms, while a goroutine that the network woke is
// in a call of 15 ms: with letOthersPoll before that call, and without, when the runtime's monitor finds the answer.
func BenchmarkStalls(b *testing.B) {
	for _, yield := range []bool{false, true} {
		b.Run(fmt.Sprintf("yield=%t", yield), func(b *testing.B) {
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
					if yield {
						letOthersPoll()
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
