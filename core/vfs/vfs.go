// Package vfs is the broker's only way to files. It has three faces behind one interface:
//
//   - OS: the operating system's files, with fdatasync, directory sync and locks (linux and other unix; not js/wasm).
//   - Mem: files in memory. It serves as the in-memory store of a real broker, and, made crashable, as the disk of the
//     simulator: what was not synced may be lost, torn at sectors or reordered when the power goes.
//   - Faults: a wrapper that fails, delays to a hook, or cuts the power at chosen calls.
//
// # What a file system promises
//
// The broker's recovery relies on these promises and on no others; Mem keeps exactly these and breaks all else:
//
//   - A write that returned is seen by every later read, until the power goes. It survives a kill of the process.
//   - After Sync returned nil, all that was written to the file before Sync began survives loss of power, with the size
//     that it had. Without it, any subset of the unsynced writes survives, at sectors of 512 bytes, in any order.
//   - A name that was created, renamed or removed survives loss of power only after SyncDir of its directory returned
//     nil; a rename survives whole or not at all.
//   - After a failed Sync nothing is known about what was written since the last good one, and trying again proves
//     nothing (the kernel may have dropped the pages): the owner must take the file out of service.
package vfs

import (
	"errors"
	"io/fs"
)

// SectorSize is the unit in which a write may be torn by loss of power, in bytes.
const SectorSize = 512

// Errors that every FS returns, wrapped with the name and the operation.
var (
	// ErrNotExist reports a name that does not exist.
	ErrNotExist = fs.ErrNotExist
	// ErrExist reports a name that exists where a new one was wanted.
	ErrExist = fs.ErrExist
	// ErrNoSpace reports a full disk or an exceeded quota.
	ErrNoSpace = errors.New("no space left on device")
	// ErrIO reports that the device failed to read, write or sync.
	ErrIO = errors.New("input/output error")
	// ErrReadOnly reports a write to a file system or file that may only be read.
	ErrReadOnly = errors.New("read-only file system or file")
	// ErrLocked reports that another process (or another FS value) holds the lock.
	ErrLocked = errors.New("locked by another process")
	// ErrClosed reports the use of a file after Close.
	ErrClosed = fs.ErrClosed
	// ErrPowerLost is what every call returns once the power is gone, until the file system is restarted.
	ErrPowerLost = errors.New("power lost")
)

// Mode says how Open opens a file.
type Mode int

// The modes of Open.
const (
	// Read opens an existing file for reading.
	Read Mode = iota
	// ReadWrite opens an existing file for reading and writing.
	ReadWrite
	// Create opens a file for reading and writing, creating it empty if it does not exist.
	Create
	// Truncate is Create that also empties an existing file.
	Truncate
)

// Entry describes one name of a directory.
type Entry struct {
	// Name is the last element of the path.
	Name string
	// Size is the file's length in bytes; 0 for a directory.
	Size int64
	// Dir says that the name is a directory.
	Dir bool
	// ModTime is the time of the last change in Unix milliseconds.
	ModTime int64
}

// FS is a file system. Names are slash-separated paths. All methods are safe for concurrent use.
type FS interface {
	// Open opens a file. The caller owns the File and must Close it.
	Open(name string, mode Mode) (File, error)
	// Remove removes a file or an empty directory. Open files stay readable until they are closed.
	Remove(name string) error
	// Rename moves from to to within one file system, replacing a file (not a directory) that is there.
	Rename(from, to string) error
	// Mkdir creates a directory and its missing parents; one that exists is no error.
	Mkdir(name string) error
	// List returns the entries of a directory in the order of their names.
	List(dir string) ([]Entry, error)
	// Stat describes one name.
	Stat(name string) (Entry, error)
	// SyncDir makes the names of a directory durable.
	SyncDir(dir string) error
	// Lock takes an exclusive lock that ends with the process or with Close. It returns ErrLocked if it is held.
	Lock(name string) (Unlocker, error)
}

// Unlocker releases a lock that FS.Lock took.
type Unlocker interface {
	Close() error
}

// File is an open file. ReadAt, WriteAt, Size and Sync are safe for concurrent use with each other; slices are not kept
// after a call returns.
type File interface {
	// ReadAt fills p from offset off. Fewer bytes come with io.EOF, as in io.ReaderAt.
	ReadAt(p []byte, off int64) (int, error)
	// WriteAt writes p at offset off, growing the file as needed. A gap reads as zeros. On an error the number of
	// bytes written is returned and the content of the range is undefined.
	WriteAt(p []byte, off int64) (int, error)
	// Truncate sets the file's length.
	Truncate(size int64) error
	// Size returns the file's length in bytes.
	Size() (int64, error)
	// Sync makes the content and length durable (fdatasync). It says nothing about the file's name: see FS.SyncDir.
	Sync() error
	// Close releases the file. It makes nothing durable.
	Close() error
}

// Descriptor is implemented by files that the kernel can send from. The descriptor is valid until Close; it is for
// reading at explicit offsets (sendfile, pread) only.
type Descriptor interface {
	Fd() int
}

// Spacer is implemented by file systems that know how full they are.
type Spacer interface {
	// Space returns the bytes of the volume that holds name: in all, and usable.
	Space(name string) (total, usable int64, err error)
}
