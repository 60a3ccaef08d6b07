//go:build linux

package matrix

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// ErrCached reports files that are still in the page cache, where they are to be read from the disk.
var ErrCached = errors.New("the page cache was not dropped")

// dropCaches has the kernel forget all pages that are written back, of whomever: all sides are treated alike, and only
// root may. See drop_caches in the kernel's documentation of /proc/sys/vm.
func dropCaches() error {
	return os.WriteFile(dropFile, []byte("1\n"), 0)
}

const dropFile = "/proc/sys/vm/drop_caches"

// ErrElsewhere reports a broker whose files are on another machine, the page cache of which cannot be dropped from
// here.
var ErrElsewhere = errors.New("not on this machine")

// uncache writes everything back, drops the page cache and looks whether a file in dir was dropped with the rest: on
// tmpfs nothing ever is.
func uncache(dir string, drop func() error) (err error) {
	const size, step = 8 << 20, 1 << 20
	f, err := os.CreateTemp(dir, "probe-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	if _, err := f.Write(make([]byte, size)); err != nil {
		return err
	}
	unix.Sync()
	if err := drop(); err != nil {
		return fmt.Errorf("%w: %w", ErrCached, err)
	}
	// From the end on, so that nothing is read ahead of a probe.
	held := 0
	for at := int64(size - step); at >= 0; at -= step {
		_, err := unix.Preadv2(int(f.Fd()), [][]byte{make([]byte, 1)}, at, unix.RWF_NOWAIT)
		if !errors.Is(err, unix.EAGAIN) {
			held++ // a read that must not wait found it
		}
	}
	if held > 0 {
		return fmt.Errorf("%w: %d of %d pages of a file in %s are still in memory", ErrCached, held, size/step, dir)
	}
	return nil
}

// room returns how many bytes the file system of a folder has left for us, and what kind it is.
func room(dir string) (free, kind int64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, 0, fmt.Errorf("%s: %w", dir, err)
	}
	return int64(s.Bavail) * s.Bsize, s.Type, nil
}
