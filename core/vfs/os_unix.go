//go:build unix && !aix

package vfs

import (
	"errors"
	"io"
	"os"
	"path"
	"syscall"

	"golang.org/x/sys/unix"
)

// Files and directories are made as Kafka makes them: readable by all, less the umask.
const (
	filePerm = 0o644
	dirPerm  = 0o755
)

// osFS is the operating system's file system. Names are its own paths.
type osFS struct{}

var _ FS = osFS{}

// NewOS returns the file system of the operating system; names are real paths. Sync is fdatasync on linux and fsync
// elsewhere. Its files are Descriptors, and on most systems it is a Spacer.
func NewOS() FS {
	return osFS{}
}

func (osFS) Open(name string, mode Mode) (File, error) {
	var flags int
	switch mode {
	case Read:
		flags = os.O_RDONLY
	case ReadWrite:
		flags = os.O_RDWR
	case Create:
		flags = os.O_RDWR | os.O_CREATE
	case Truncate:
		flags = os.O_RDWR | os.O_CREATE | os.O_TRUNC
	default:
		return nil, pathError("open", name, ErrInvalid)
	}
	f, err := os.OpenFile(name, flags, filePerm)
	if err != nil {
		return nil, osError(err, mode != Read)
	}
	// The kernel opens directories for reading as well; all other modes it refuses by itself.
	if mode == Read {
		info, err := f.Stat()
		if err == nil && info.IsDir() {
			err = pathError("open", name, ErrIsDir)
		}
		if err != nil {
			_ = f.Close()
			return nil, osError(err, false)
		}
	}
	return &osFile{file: f, mode: mode}, nil
}

func (osFS) Remove(name string) error {
	return osError(os.Remove(name), true)
}

func (osFS) Rename(from, to string) error {
	return osError(os.Rename(from, to), true)
}

func (osFS) Mkdir(name string) error {
	if err := os.Mkdir(name, dirPerm); err == nil {
		return nil // its parent is there, nearly always
	}
	return osError(os.MkdirAll(name, dirPerm), true)
}

func (osFS) List(dir string) ([]Entry, error) {
	found, err := os.ReadDir(dir)
	if err != nil {
		return nil, osError(err, false)
	}
	entries := make([]Entry, 0, len(found))
	for _, d := range found {
		info, err := d.Info()
		if err == nil && info.Mode()&os.ModeSymlink != 0 {
			info, err = os.Stat(path.Join(dir, d.Name()))
		}
		// What was removed since the directory was read is not there; nor is the target of a dangling link.
		if errors.Is(err, ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, osError(err, false)
		}
		entries = append(entries, osEntry(d.Name(), info))
	}
	return entries, nil
}

func (osFS) Stat(name string) (Entry, error) {
	info, err := os.Stat(name)
	if err != nil {
		return Entry{}, osError(err, false)
	}
	return osEntry(info.Name(), info), nil
}

func osEntry(name string, info os.FileInfo) Entry {
	e := Entry{Name: name, Size: info.Size(), Dir: info.IsDir(), ModTime: info.ModTime().UnixMilli()}
	if e.Dir {
		e.Size = 0
	}
	return e
}

func (osFS) SyncDir(dir string) error {
	d, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return osError(err, false)
	}
	err = d.Sync()
	if closeErr := d.Close(); err == nil {
		err = closeErr
	}
	return osError(err, true)
}

// osFile is an open file of the operating system.
type osFile struct {
	file          *os.File
	mode          Mode
	reads, writes Stalls
}

var (
	_ File       = (*osFile)(nil)
	_ Descriptor = (*osFile)(nil)
)

func (f *osFile) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, pathError("read", f.file.Name(), ErrInvalid)
	}
	begin := f.reads.Before()
	n, err := f.file.ReadAt(p, off)
	f.reads.After(begin)
	if err != nil && err != io.EOF {
		return n, osError(err, false)
	}
	return n, err
}

// largestWrite is the most that one pwrite is given, in bytes: larger writes end at its multiples. The page cache of
// ext4 and XFS takes what comes in one write into folios as large as the write and its alignment allow, and we take it
// that large free pieces of memory are dear, above all in a virtual machine whose host takes back what is free. Batches
// of 1 MiB at multiples of 1 MiB took 1.4 s of processor time a GB when written whole, and 0.38 in pieces of 64 or 256
// KiB; beyond the dirty limit those of 256 KiB reached 0.75 of the raw loop and those of 64 KiB 0.99 (Linux 6.18).
const largestWrite = 64 << 10

func (f *osFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.mayWrite("write", off); err != nil {
		return 0, err
	}
	begin := f.writes.Before()
	defer f.writes.After(begin)
	for done := 0; ; {
		at, end := off+int64(done), len(p)
		if end-done > largestWrite {
			end = done + largestWrite - int(at%largestWrite)
		}
		n, err := f.file.WriteAt(p[done:end], at)
		done += n
		if err != nil {
			return done, osError(err, true)
		}
		if done == len(p) {
			return done, nil
		}
	}
}

func (f *osFile) Truncate(size int64) error {
	if err := f.mayWrite("truncate", size); err != nil {
		return err
	}
	return osError(f.file.Truncate(size), true)
}

// mayWrite refuses what the kernel would refuse with an error that says less, or with none.
func (f *osFile) mayWrite(op string, off int64) error {
	switch {
	case f.mode == Read:
		return pathError(op, f.file.Name(), ErrReadOnly)
	case off < 0:
		return pathError(op, f.file.Name(), ErrInvalid)
	}
	return nil
}

func (f *osFile) Size() (int64, error) {
	info, err := f.file.Stat()
	if err != nil {
		return 0, osError(err, false)
	}
	return info.Size(), nil
}

func (f *osFile) Sync() error {
	pollMeanwhile() // nearly all syncs wait for the disk
	return osError(syncData(f.file), true)
}

func (f *osFile) Close() error {
	return osError(f.file.Close(), true)
}

func (f *osFile) Fd() int {
	return int(f.file.Fd())
}

// control calls f with the descriptor of an open file, again while a signal interrupts it.
func control(file *os.File, op string, f func(fd int) error) error {
	conn, err := file.SyscallConn()
	if err != nil {
		return pathError(op, file.Name(), err)
	}
	var callErr error
	err = conn.Control(func(fd uintptr) {
		for callErr = f(int(fd)); callErr == unix.EINTR; callErr = f(int(fd)) {
		}
	})
	if err != nil {
		// Control fails for no other reason, but with an error that nobody can test for.
		callErr = ErrClosed
	}
	if callErr != nil {
		return pathError(op, file.Name(), callErr)
	}
	return nil
}
