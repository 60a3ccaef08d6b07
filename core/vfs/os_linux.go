package vfs

import (
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// errCorruptFS is what file systems return for metadata that is damaged on the disk.
const errCorruptFS = syscall.EUCLEAN

// syncData makes a file's content and length durable, but not its times.
func syncData(file *os.File) error {
	return control(file, "fdatasync", unix.Fdatasync)
}

// lockOther keeps out the processes that flock does not: Kafka locks its .lock through Java, which takes a record lock
// of the whole file. A record lock of the open file description conflicts with that one, and like flock it belongs to
// this opening of the file, not to the process. File systems that do not know it are left to flock.
func lockOther(fd int) error {
	whole := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart}
	err := unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &whole)
	switch err {
	case unix.EAGAIN, unix.EACCES, unix.EINTR:
		return err
	}
	return nil
}
