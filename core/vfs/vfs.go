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
//     that it had. Without it, any subset of the unsynced writes and truncations survives, each write in any subset of
//     the 512-byte sectors that it touches, and the new length of a growing write with or without its bytes (which then
//     read as zeros).
//   - A name that was created, renamed or removed survives loss of power only after SyncDir of its directory returned
//     nil, and is reachable only if the names of the directories above it survived; a rename survives whole or not at
//     all. Syncing a file says nothing about its name, and syncing a directory nothing about the files in it.
//   - After a failed Sync nothing is known about what was written since the last good one, and trying again proves
//     nothing (the kernel may have dropped the pages): the owner must take the file out of service.
//
// # Crash tests
//
// A test runs its workload on Faults over a crashable Mem, cut at call k (CutAt), for every k. Then Kill leaves the
// disk as a killed process does, and PowerLoss or CrashClone as a Choice wants it: all unsynced changes lost, kept,
// torn, reordered or drawn from a seed; Outcomes runs through all of them. The simulator does the same at instants of
// its choice, and lets a sync take time with SlowSyncer. See the example of Mem.CrashClone.
//
// # Errors
//
// Every error wraps one of the sentinels below where one fits (test with errors.Is), and names the operation, the path
// and the operating system's own words. io.EOF alone comes bare, as io.ReaderAt wants it.
package vfs

import (
	"errors"
	"fmt"
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
	// ErrReadOnly reports a write to a file system or file that may only be read, be it for want of permission.
	ErrReadOnly = errors.New("read-only file system or file")
	// ErrPermission reports that the process may not do this. A refused change is ErrReadOnly as well.
	ErrPermission = fs.ErrPermission
	// ErrIsDir reports a directory where a file was wanted.
	ErrIsDir = errors.New("is a directory")
	// ErrNotDir reports a file where a directory was wanted.
	ErrNotDir = errors.New("not a directory")
	// ErrNotEmpty reports the removal of a directory that still has names in it. It is an ErrExist as well.
	ErrNotEmpty = fmt.Errorf("directory not empty: %w", fs.ErrExist)
	// ErrInvalid reports a call that makes no sense: a negative offset, a file too large, a directory moved into
	// itself.
	ErrInvalid = fs.ErrInvalid
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

// FS is a file system. Names are slash-separated paths. All methods are safe for concurrent use. A name whose parent is
// missing gives ErrNotExist, one whose parent is a file ErrNotDir.
type FS interface {
	// Open opens a file. The caller owns the File and must Close it. A missing file is ErrNotExist unless mode creates
	// it, a directory ErrIsDir.
	Open(name string, mode Mode) (File, error)
	// Remove removes a file or an empty directory (else ErrNotEmpty). Open files stay readable until they are closed.
	Remove(name string) error
	// Rename moves from to to within one file system, replacing a file that is there. A directory that is there is
	// ErrExist; a directory moved onto a file is ErrNotDir, and into itself ErrInvalid.
	Rename(from, to string) error
	// Mkdir creates a directory and its missing parents; one that exists is no error, a file in the way is ErrNotDir.
	Mkdir(name string) error
	// List returns the entries of a directory in the order of their names. The caller owns the slice.
	List(dir string) ([]Entry, error)
	// Stat describes one name.
	Stat(name string) (Entry, error)
	// SyncDir makes durable what was created in, removed from and moved into or out of a directory.
	SyncDir(dir string) error
	// Lock creates the file name if it is missing and takes an exclusive lock on it that ends with the process or with
	// Close. It returns ErrLocked if the lock is held, also by this very FS. The file stays, as Kafka's .lock does.
	Lock(name string) (Unlocker, error)
}

// Unlocker releases a lock that FS.Lock took.
type Unlocker interface {
	// Close releases the lock.
	Close() error
}

// File is an open file. ReadAt, WriteAt, Size and Sync are safe for concurrent use with each other; slices are not kept
// after a call returns.
type File interface {
	// ReadAt fills p from offset off. Fewer bytes come with io.EOF, as in io.ReaderAt.
	ReadAt(p []byte, off int64) (int, error)
	// WriteAt writes p at offset off, growing the file as needed. A gap reads as zeros. On an error the number of
	// bytes written is returned and the content of the range is undefined. A file opened with Read is ErrReadOnly.
	WriteAt(p []byte, off int64) (int, error)
	// Truncate sets the file's length. What is gained reads as zeros and takes no space.
	Truncate(size int64) error
	// Size returns the file's length in bytes.
	Size() (int64, error)
	// Sync makes the content and length durable (fdatasync). It says nothing about the file's name: see FS.SyncDir.
	Sync() error
	// Close releases the file. It makes nothing durable. A second Close is ErrClosed.
	Close() error
}

// Descriptor is implemented by files that the kernel can send from. The descriptor is valid until Close; it is for
// reading at explicit offsets (sendfile, pread) only.
type Descriptor interface {
	// Fd returns the file descriptor, -1 once the file is closed.
	Fd() int
}

// Viewer is implemented by files whose bytes can be had without a copy.
type Viewer interface {
	// View appends to dst slices that together hold the bytes [off, off+n) of the file, and returns dst. Where the file
	// ends before off+n they hold what there is, and the error is io.EOF. It allocates only to grow dst.
	//
	// The slices are the file's own memory: the caller must not write to them, and may keep them for as long as it
	// likes, also after the file was truncated, removed or closed. Their content never changes while nobody overwrites
	// that range with WriteAt; so the views of a file that is only appended to are immutable.
	View(dst [][]byte, off int64, n int) ([][]byte, error)
}

// SlowSyncer is implemented by files whose Sync can be taken apart, so that a simulated sync can take time: only what
// was written before it began becomes durable when it ends, and until then nothing is.
type SlowSyncer interface {
	// BeginSync returns a mark of all that was written until now.
	BeginSync() (mark uint64, err error)
	// EndSync makes durable what was written before the mark. Marks may end in any order.
	EndSync(mark uint64) error
}

// Spacer is implemented by file systems that know how full they are.
type Spacer interface {
	// Space returns the bytes of the volume that holds name: in all, and usable by this process; -1 where there is no
	// limit.
	Space(name string) (total, usable int64, err error)
}
