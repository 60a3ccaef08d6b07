//go:build linux

package study

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/gregor-log/gregor/core/segment"
)

// drop asks the kernel to forget the pages of a file that is synced, and reports whether it did.
func drop(fd int, size int64) (bool, error) {
	if err := unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED); err != nil {
		return false, err
	}
	const probes = 64
	held := 0
	for i := range int64(probes) {
		if cached(fd, size/probes*i) {
			held++
		}
	}
	return held <= probes/16, nil
}

// cached reports whether a byte of a file is in the page cache: a read that must not wait finds it. Where such reads
// are not known, nothing can be said, and the byte counts as cached.
func cached(fd int, at int64) bool {
	_, err := unix.Preadv2(fd, [][]byte{make([]byte, 1)}, at, unix.RWF_NOWAIT)
	return !errors.Is(err, unix.EAGAIN)
}

// dropDir drops the logs of a partition's directory.
func dropDir(dir string) (bool, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*"+segment.LogSuffix))
	if err != nil {
		return false, err
	}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return false, err
		}
		info, err := f.Stat()
		dropped := false
		if err == nil {
			dropped, err = drop(int(f.Fd()), info.Size())
		}
		if e := f.Close(); err == nil {
			err = e
		}
		if err != nil || !dropped {
			return false, err
		}
	}
	return len(names) > 0, nil
}
