//go:build linux

package matrix

import (
	"context"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestPrime has the page cache take the memory that was asked for, and leaves no file behind, not even when it is
// interrupted; of little it does nothing.
func TestPrime(t *testing.T) {
	dir := t.TempDir()
	before := dirtied(t)
	if err := prime(t.Context(), dir, fewPrimed-1); err != nil {
		t.Fatal(err)
	}
	if written := dirtied(t) - before; written != 0 {
		t.Errorf("got %d blocks written for little", written)
	}
	if err := prime(t.Context(), dir, fewPrimed); err != nil {
		t.Fatal(err)
	}
	if written := dirtied(t) - before; written < fewPrimed/512 {
		t.Errorf("got %d blocks of 512 bytes written, expected %d", written, fewPrimed/512)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := prime(ended, dir, fewPrimed); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("got %v left, %v", left, err)
	}
}

// dirtied returns how many blocks of 512 bytes this process has dirtied.
func dirtied(t *testing.T) int64 {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return u.Oublock
}
