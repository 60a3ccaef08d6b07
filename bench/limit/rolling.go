//go:build linux

package limit

import (
	"fmt"
	"os"
	"path/filepath"
)

// rolling appends to a series of files, each left for the next when it would grow beyond limit bytes.
type rolling struct {
	dir    string
	series int64
	limit  int64
	number int
	file   *os.File
	size   int64
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
	r.close()
	r.number++
	name := filepath.Join(r.dir, fmt.Sprintf("%d-%08d.log", r.series, r.number))
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	r.file, r.size = f, 0
	return nil
}

func (r *rolling) close() {
	if r.file != nil {
		_ = r.file.Close() // nothing is read back
		r.file = nil
	}
}
