//go:build linux

package limit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// compiled returns a folder with a compiled program, or ends the test where there is no compiler, whose absence
// Compile must report.
func compiled(t *testing.T, name string) (dir, program string) {
	t.Helper()
	dir = t.TempDir()
	program, err := Compile(t.Context(), dir, name)
	if _, missing := exec.LookPath("cc"); missing != nil {
		if !errors.Is(err, ErrCompiler) {
			t.Fatalf("got %v, expected ErrCompiler", err)
		}
		return dir, ""
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir, program
}

// TestSumsInC compares both ways to sum in C with Go's library, at sizes around those of the blocks.
func TestSumsInC(t *testing.T) {
	dir, program := compiled(t, "store")
	if program == "" {
		return
	}
	const source = `#include <stdio.h>
#include "crc32c.h"
static unsigned char p[1 << 20];
int main(void) {
	size_t n = fread(p, 1, sizeof p, stdin);
	crc_init();
	printf("%08x %08x", crc32c(p, n), ~crc_by_table(~0u, p, n));
}`
	if err := os.WriteFile(filepath.Join(dir, "sums.c"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	sums := filepath.Join(dir, "sums")
	if out, err := exec.CommandContext(t.Context(), "cc", "-O2", "-o", sums, sums+".c").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, n := range []int{0, 1, 7, 8, 9, 1023, 3071, 3072, 3073, 3080, 65536, 100_001} {
		p := make([]byte, n)
		for i := range p {
			p[i] = byte(i*i + i>>8)
		}
		c := exec.CommandContext(t.Context(), sums)
		c.Stdin = bytes.NewReader(p)
		got, err := c.Output()
		sum := crc32.Checksum(p, castagnoli)
		if want := fmt.Sprintf("%08x %08x", sum, sum); err != nil || string(got) != want {
			t.Errorf("%d bytes: got %s, %v, expected %s", n, got, err, want)
		}
	}
}

// TestNoCompiler: a machine without a compiler is told apart, and so is a loop that is not there in C.
func TestNoCompiler(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	o := Options{Kind: StoreC, Dir: t.TempDir()}
	if _, err := NativeCommand(t.Context(), "127.0.0.1:1", o, o.Dir); !errors.Is(err, ErrCompiler) {
		t.Errorf("got %v, expected ErrCompiler", err)
	}
	o.Kind = Relay
	if _, err := NativeCommand(context.Background(), "127.0.0.1:1", o, o.Dir); !errors.Is(err, ErrKind) {
		t.Errorf("got %v, expected ErrKind", err)
	}
}
