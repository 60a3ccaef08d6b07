//go:build unix && !aix

package vfs

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
)

// BenchmarkOS compares reads and writes of the page cache with the bare system calls.
func BenchmarkOS(b *testing.B) {
	f := benchFile(b, NewOS(), filepath.Join(b.TempDir(), "f"))
	const size = 16 << 20
	if _, err := f.WriteAt(make([]byte, size), 0); err != nil {
		b.Fatal(err)
	}
	fd := f.(Descriptor).Fd()
	for _, n := range []int{100, 4096, 1 << 20} {
		p := make([]byte, n)
		for _, row := range []struct {
			name string
			call func(off int64) (int, error)
		}{
			{"read/vfs", func(off int64) (int, error) { return f.ReadAt(p, off) }},
			{"read/raw", func(off int64) (int, error) { return syscall.Pread(fd, p, off) }},
			{"write/vfs", func(off int64) (int, error) { return f.WriteAt(p, off) }},
			{"write/raw", func(off int64) (int, error) { return syscall.Pwrite(fd, p, off) }},
		} {
			b.Run(fmt.Sprint(row.name, "/", n), func(b *testing.B) {
				b.SetBytes(int64(n))
				b.ReportAllocs()
				for i := int64(0); b.Loop(); i++ {
					if _, err := row.call(i * int64(n) % (size - 1<<20)); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkOSSync appends 4 KiB and syncs.
func BenchmarkOSSync(b *testing.B) {
	f := benchFile(b, NewOS(), filepath.Join(b.TempDir(), "f"))
	p := make([]byte, 4096)
	b.ReportAllocs()
	for i := int64(0); b.Loop(); i++ {
		_, _ = f.WriteAt(p, i*4096)
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
}
