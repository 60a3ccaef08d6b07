//go:build linux

package matrix

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestUncacheLooksForItself: a cache that was not dropped, or cannot be, is an error, and no file is left behind.
func TestUncacheLooksForItself(t *testing.T) {
	dir := t.TempDir()
	for name, drop := range map[string]func() error{
		"does nothing": func() error { return nil },
		"may not":      func() error { return os.ErrPermission },
	} {
		if err := uncache(dir, drop); !errors.Is(err, ErrCached) {
			t.Errorf("%s: got %v, expected ErrCached", name, err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) > 0 {
		t.Errorf("got %v, %v", left, err)
	}
	if err := uncache(filepath.Join(dir, "none"), dropCaches); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v for a folder that is not there", err)
	}
}
