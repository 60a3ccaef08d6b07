//go:build unix && !aix

package vfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func init() {
	kinds["os"] = func(t *testing.T) under { return under{NewOS(), t.TempDir()} }
	kinds["faults over os"] = func(t *testing.T) under { return under{NewFaults(NewOS(), nil), t.TempDir()} }
}

func TestOSErrors(t *testing.T) {
	for _, row := range []struct {
		errno    syscall.Errno
		changing bool
		want     string
	}{
		{syscall.ENOSPC, true, "no space"},
		{syscall.EDQUOT, true, "no space"},
		{syscall.EIO, false, "io"},
		{errCorruptFS, false, "io"},
		{syscall.EROFS, true, "read only"},
		{syscall.EACCES, true, "read only"},
		{syscall.EPERM, true, "read only"},
		{syscall.ENOENT, false, "not exist"},
		{syscall.EEXIST, true, "exist"},
		{syscall.ENOTEMPTY, true, "exist, not empty"},
		{syscall.EISDIR, true, "is dir"},
		{syscall.ENOTDIR, true, "not dir"},
		{syscall.EFBIG, true, "invalid"},
		{syscall.EACCES, false, "other: write /some/file: permission denied"},
		{syscall.EMFILE, false, "other: write /some/file: too many open files"},
	} {
		err := osError(&fs.PathError{Op: "write", Path: "/some/file", Err: row.errno}, row.changing)
		if got := classOf(err); got != row.want {
			t.Errorf("%v: got %q, expected %q", row.errno, got, row.want)
		}
		if !errors.Is(err, row.errno) || !strings.HasPrefix(err.Error(), "write /some/file: ") {
			t.Errorf("%v: the system's error is not kept: %v", row.errno, err)
		}
		wantPermission := row.errno == syscall.EACCES || row.errno == syscall.EPERM
		if got := errors.Is(err, ErrPermission); got != wantPermission {
			t.Errorf("%v: is ErrPermission: %v, expected %v", row.errno, got, wantPermission)
		}
	}
	if osError(nil, true) != nil {
		t.Error("no error became one")
	}
}

// TestOSLockOfAnotherProcess runs this test binary again as the process that finds the lock held.
func TestOSLockOfAnotherProcess(t *testing.T) {
	const variable = "VFS_TEST_LOCK"
	if name := os.Getenv(variable); name != "" {
		_, err := NewOS().Lock(name)
		fmt.Println("class:", classOf(err))
		return
	}
	name := filepath.Join(t.TempDir(), ".lock")
	lock, err := NewOS().Lock(name)
	check(t, err)
	if got := runAgain(t, variable+"="+name); !strings.Contains(got, "class: locked") {
		t.Errorf("while it is held: %s", got)
	}
	check(t, lock.Close())
	if got := runAgain(t, variable+"="+name); !strings.Contains(got, "class: ok") {
		t.Errorf("after it was released: %s", got)
	}
}

// runAgain runs the calling test alone in a new process with one more environment variable.
func runAgain(t *testing.T, variable string) string {
	t.Helper()
	exe, err := os.Executable()
	check(t, err)
	cmd := exec.Command(exe, "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), variable)
	out, err := cmd.CombinedOutput()
	check(t, err)
	return string(out)
}

func TestOSSpaceAndDescriptor(t *testing.T) {
	fs, dir := NewOS(), t.TempDir()
	f := open(t, fs, filepath.Join(dir, "f"), Create)
	if fd := f.(Descriptor).Fd(); fd < 0 {
		t.Errorf("descriptor %d", fd)
	}
	check(t, f.Close())
	if fd := f.(Descriptor).Fd(); fd != -1 {
		t.Errorf("descriptor %d after Close, expected -1", fd)
	}
	total, usable, err := fs.(Spacer).Space(dir)
	if err != nil || total <= 0 || usable < 0 || usable > total {
		t.Errorf("space %d of %d, %v", usable, total, err)
	}
	_, _, err = fs.(Spacer).Space(filepath.Join(dir, "nothing"))
	wantErr(t, "space of nothing", err, ErrNotExist)
}

func TestOSListFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	check(t, os.Mkdir(filepath.Join(dir, "real"), 0o755))
	check(t, os.Symlink("real", filepath.Join(dir, "link")))
	check(t, os.Symlink("nothing", filepath.Join(dir, "dangling")))
	got, err := NewOS().List(dir)
	check(t, err)
	if len(got) != 2 || got[0].Name != "link" || !got[0].Dir || got[1].Name != "real" {
		t.Errorf("got %v", got)
	}
}
