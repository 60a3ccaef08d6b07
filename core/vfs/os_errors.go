//go:build unix && !aix

package vfs

import (
	"errors"
	"syscall"
)

// classified is an error of the operating system with the sentinel that it amounts to. It reads as the former.
type classified struct {
	sentinel, cause error
}

func (e *classified) Error() string   { return e.cause.Error() }
func (e *classified) Unwrap() []error { return []error{e.sentinel, e.cause} }

// osError adds the package's sentinel to an error of package os. ErrNotExist, ErrExist, ErrPermission and ErrClosed are
// there already, as syscall.Errno and package os know them. A change that is refused for want of permission is
// ErrReadOnly too: to the broker the directory is one that it may only read.
func osError(err error, changing bool) error {
	var errno syscall.Errno
	if err == nil || !errors.As(err, &errno) {
		return err
	}
	if sentinel := sentinelOf(errno, changing); sentinel != nil {
		return &classified{sentinel, err}
	}
	return err
}

func sentinelOf(errno syscall.Errno, changing bool) error {
	switch errno {
	case syscall.ENOSPC, syscall.EDQUOT:
		return ErrNoSpace
	case syscall.EIO, syscall.ENXIO, syscall.ENODEV, syscall.ESTALE, syscall.ETIMEDOUT, errCorruptFS:
		return ErrIO
	case syscall.EROFS:
		return ErrReadOnly
	case syscall.EACCES, syscall.EPERM:
		if changing {
			return ErrReadOnly
		}
	case syscall.EISDIR:
		return ErrIsDir
	case syscall.ENOTDIR:
		return ErrNotDir
	case syscall.ENOTEMPTY:
		return ErrNotEmpty
	case syscall.EINVAL, syscall.EFBIG, syscall.ENAMETOOLONG:
		return ErrInvalid
	}
	return nil
}
