//go:build unix && !aix

package vfs

import (
	"os"

	"golang.org/x/sys/unix"
)

// osLock is a locked file. The lock ends when the file is closed, be it by the end of the process.
type osLock struct {
	file *os.File
}

var _ Unlocker = (*osLock)(nil)

func (osFS) Lock(name string) (Unlocker, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, filePerm)
	if err != nil {
		return nil, osError(err, true)
	}
	err = control(f, "lock", func(fd int) error {
		err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			err = lockOther(fd)
		}
		if err == unix.EWOULDBLOCK || err == unix.EACCES {
			return ErrLocked
		}
		return err
	})
	if err != nil {
		_ = f.Close()
		return nil, osError(err, true)
	}
	return &osLock{file: f}, nil
}

func (l *osLock) Close() error {
	return osError(l.file.Close(), true)
}
