//go:build linux

package matrix

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const (
	primeChunk = 1 << 20
	// fewPrimed is so little that a sample does not feel whose memory it was.
	fewPrimed = 64 << 20
)

// prime has the kernel take so many bytes of memory for its page cache and give them up again, so that the sample that
// follows writes to memory that the machine really has. On a virtual machine the host takes back what is free for a
// while, and the first byte written to such a page waits until the host has found another: a copy into the page cache
// then takes five times as long, and which side of a row pays for it is luck.
func prime(ctx context.Context, dir string, bytes int64) error {
	var memory unix.Sysinfo_t
	if err := unix.Sysinfo(&memory); err != nil {
		return err
	}
	bytes = min(bytes, int64(memory.Freeram)*int64(memory.Unit)*3/4) // nothing is to be evicted for it
	if bytes < fewPrimed {
		return nil
	}
	name := filepath.Join(dir, "prime")
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	chunk := make([]byte, primeChunk)
	for at := int64(0); at < bytes && err == nil && ctx.Err() == nil; at += primeChunk {
		_, err = f.WriteAt(chunk, at)
	}
	return errors.Join(err, f.Close(), os.Remove(name))
}
