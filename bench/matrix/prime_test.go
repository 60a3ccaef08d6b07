//go:build linux

package matrix

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestPrime touches the memory that was asked for and gives it back; of little it does nothing.
func TestPrime(t *testing.T) {
	if got, err := prime(fewPrimed - 1); got != 0 || err != nil {
		t.Errorf("got %d bytes of little, %v", got, err)
	}
	before := faults(t)
	if got, err := prime(2 * fewPrimed); got != 2*fewPrimed || err != nil {
		t.Fatalf("got %d bytes, %v", got, err)
	}
	const huge = 2 << 20 // the kernel may give pages of that size
	if got := faults(t) - before; got == 0 && 2*fewPrimed > huge {
		t.Error("got no fault: no page was touched")
	}
}

// faults returns how many pages this process has been given.
func faults(t *testing.T) int64 {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return u.Minflt
}
