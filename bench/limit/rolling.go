//go:build linux

package limit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// rolling appends to a series of files, each left for the next when it would grow beyond limit bytes. With flush, what
// was left is synced beside the appends, as Kafka flushes a segment that it has rolled.
type rolling struct {
	dir    string
	series int64
	limit  int64
	flush  bool
	number int
	file   *os.File
	size   int64
	// sealed are the syncs under way; synced is the first error of those that have ended.
	sealed sync.WaitGroup
	synced atomic.Pointer[error]
}

func (r *rolling) append(p []byte) error {
	if r.file == nil || r.size+int64(len(p)) > r.limit {
		if err := r.next(); err != nil {
			return err
		}
	}
	n, err := r.file.WriteAt(p, r.size)
	r.size += int64(n)
	return err
}

func (r *rolling) next() error {
	if err := r.seal(); err != nil {
		return err
	}
	r.number++
	name := filepath.Join(r.dir, fmt.Sprintf("%d-%08d.log", r.series, r.number))
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	r.file, r.size = f, 0
	return nil
}

// seal leaves the file, to a sync if it is to be flushed. It returns the error of one before.
func (r *rolling) seal() error {
	f := r.file
	r.file = nil
	switch {
	case f == nil:
	case r.flush:
		r.sealed.Go(func() {
			if err := errors.Join(unix.Fdatasync(int(f.Fd())), f.Close()); err != nil {
				r.synced.CompareAndSwap(nil, &err)
			}
		})
	default:
		_ = f.Close() // nothing is read back
	}
	return r.failed()
}

// failed returns the first error of a sync that has ended.
func (r *rolling) failed() error {
	if err := r.synced.Load(); err != nil {
		return *err
	}
	return nil
}

// close leaves the last file, which nobody reads back, and waits for the syncs of those before.
func (r *rolling) close() error {
	if r.file != nil {
		_ = r.file.Close()
		r.file = nil
	}
	r.sealed.Wait()
	return r.failed()
}
