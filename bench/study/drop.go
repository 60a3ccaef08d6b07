//go:build linux

package study

import (
	"os"
	"path/filepath"

	"github.com/gregor-log/gregor/bench/limit"
	"github.com/gregor-log/gregor/core/segment"
)

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
			dropped, err = limit.Drop(int(f.Fd()), info.Size())
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
