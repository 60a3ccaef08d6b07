package vfs

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkSyncOfManyFiles appends 3 KiB to each of 40 files and has them all durable, in the ways that there are: what
// as many requests in flight cost whose partitions are not the same.
func BenchmarkSyncOfManyFiles(b *testing.B) {
	dir, files, size := b.TempDir(), make([]*os.File, 40), int64(0)
	for i := range files {
		f, err := os.Create(filepath.Join(dir, fmt.Sprint(i)))
		check(b, err)
		defer f.Close()
		files[i] = f
	}
	p := make([]byte, 3<<10)
	appendToEach := func(also func(f *os.File) error) {
		for _, f := range files {
			_, err := f.WriteAt(p, size)
			check(b, err)
			check(b, also(f))
		}
		size += int64(len(p))
	}
	nothing := func(*os.File) error { return nil }
	begin := func(f *os.File) error {
		return unix.SyncFileRange(int(f.Fd()), size, int64(len(p)), unix.SYNC_FILE_RANGE_WRITE)
	}
	each := func() {
		var all sync.WaitGroup
		for _, f := range files {
			all.Go(func() {
				if err := unix.Fdatasync(int(f.Fd())); err != nil {
					b.Error(err)
				}
			})
		}
		all.Wait()
	}
	for _, c := range []struct {
		name    string
		also    func(*os.File) error
		durable func()
	}{
		{"fdatasync of each", nothing, each},
		{"write-back begun with each write, fdatasync of each", begin, each},
		// Where ext4 has no journal, syncfs writes inodes after it has told the disk to empty its cache.
		{"syncfs, fdatasync of one", nothing, func() {
			check(b, unix.Syncfs(int(files[0].Fd())))
			check(b, unix.Fdatasync(int(files[0].Fd())))
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				appendToEach(c.also)
				c.durable()
			}
			b.ReportMetric(float64(b.N*len(files))/b.Elapsed().Seconds(), "files/s")
		})
	}
}
