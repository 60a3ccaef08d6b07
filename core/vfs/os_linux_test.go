package vfs

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestOSFull writes to the device that is always full.
func TestOSFull(t *testing.T) {
	f := open(t, NewOS(), "/dev/full", ReadWrite)
	n, err := f.WriteAt([]byte("abc"), 0)
	if n != 0 {
		t.Errorf("%d bytes written", n)
	}
	wantErr(t, "write", err, ErrNoSpace)
}

// TestOSLockAgainstRecordLocks takes the lock as Java's FileChannel.lock does, which Kafka uses for the same file.
func TestOSLockAgainstRecordLocks(t *testing.T) {
	name := filepath.Join(t.TempDir(), ".lock")
	java, err := os.Create(name)
	check(t, err)
	defer java.Close()
	take := func() error {
		whole := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart}
		return unix.FcntlFlock(java.Fd(), unix.F_SETLK, &whole)
	}
	check(t, take())
	_, err = NewOS().Lock(name)
	wantErr(t, "lock while a record lock is held", err, ErrLocked)

	free := unix.Flock_t{Type: unix.F_UNLCK, Whence: io.SeekStart}
	check(t, unix.FcntlFlock(java.Fd(), unix.F_SETLK, &free))
	lock, err := NewOS().Lock(name)
	check(t, err)
	wantErr(t, "record lock while the lock is held", take(), unix.EAGAIN)
	check(t, lock.Close())
	check(t, take())
}
