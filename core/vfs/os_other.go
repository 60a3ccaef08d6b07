//go:build unix && !aix && !linux

package vfs

import (
	"os"
	"syscall"
)

// errCorruptFS has no number of its own here.
const errCorruptFS = syscall.Errno(1 << 20)

// syncData makes a file's content and length durable.
func syncData(file *os.File) error {
	return file.Sync()
}

// lockOther has nothing to add to flock here: only linux keeps it apart from the record locks that Java takes.
func lockOther(int) error {
	return nil
}
