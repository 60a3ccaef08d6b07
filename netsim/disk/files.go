package disk

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"

	"github.com/gregor-log/gregor/core/vfs"
)

// fileSystem is the disk as the broker sees it.
type fileSystem Disk

var (
	_ vfs.FS     = (*fileSystem)(nil)
	_ vfs.Spacer = (*fileSystem)(nil)
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// note adds a call to the checksum: its kind, the number of its file, and what it writes or which name it changes.
func (d *Disk) note(kind vfs.OpKind, file uint64, off int64, p []byte) {
	var head [24]byte
	binary.LittleEndian.PutUint64(head[:], uint64(kind)<<56|file)
	binary.LittleEndian.PutUint64(head[8:], uint64(off))
	binary.LittleEndian.PutUint64(head[16:], uint64(len(p)))
	crc := crc32.Update(crc32.Update(0, castagnoli, head[:]), castagnoli, p)
	d.sum = bits.RotateLeft64(d.sum, 29)*0x9e3779b97f4a7c15 + uint64(crc)
}

func (fs *fileSystem) disk() *Disk { return (*Disk)(fs) }

// Open opens a file.
func (fs *fileSystem) Open(name string, mode vfs.Mode) (vfs.File, error) {
	d := fs.disk()
	inner, err := d.faults.Open(name, mode)
	if err != nil {
		return nil, err
	}
	d.open++
	d.opened++
	if mode >= vfs.Create {
		d.note(vfs.OpOpen, d.opened, int64(mode), []byte(name))
	}
	return &file{d: d, inner: inner, id: d.opened, life: d.life, fresh: d.within}, nil
}

// Remove removes a file or an empty directory.
func (fs *fileSystem) Remove(name string) error {
	fs.disk().note(vfs.OpRemove, 0, 0, []byte(name))
	return fs.faults.Remove(name)
}

// Rename moves a file or a directory.
func (fs *fileSystem) Rename(from, to string) error {
	fs.disk().note(vfs.OpRename, 0, 0, []byte(from+"\x00"+to))
	return fs.faults.Rename(from, to)
}

// Mkdir creates a directory and its missing parents.
func (fs *fileSystem) Mkdir(name string) error {
	fs.disk().note(vfs.OpMkdir, 0, 0, []byte(name))
	return fs.faults.Mkdir(name)
}

// List returns the entries of a directory.
func (fs *fileSystem) List(dir string) ([]vfs.Entry, error) {
	return fs.faults.List(dir)
}

// Stat describes one name.
func (fs *fileSystem) Stat(name string) (vfs.Entry, error) {
	return fs.faults.Stat(name)
}

// SyncDir makes the names of a directory durable.
func (fs *fileSystem) SyncDir(dir string) error {
	fs.disk().note(vfs.OpSyncDir, 0, 0, []byte(dir))
	return fs.faults.SyncDir(dir)
}

// Lock takes an exclusive lock.
func (fs *fileSystem) Lock(name string) (vfs.Unlocker, error) {
	inner, err := fs.faults.Lock(name)
	if err != nil {
		return nil, err
	}
	d := fs.disk()
	d.open++
	return &lock{d: d, inner: inner, life: d.life}, nil
}

// Space returns how large and how full the disk is.
func (fs *fileSystem) Space(name string) (total, usable int64, err error) {
	return fs.faults.Space(name)
}

// lock counts among the open files.
type lock struct {
	d     *Disk
	inner vfs.Unlocker
	life  uint64
}

// Close releases the lock.
func (l *lock) Close() error {
	err := l.inner.Close()
	if l.life == l.d.life && err == nil {
		l.d.open--
	}
	return err
}

// file is an open file.
type file struct {
	d     *Disk
	inner vfs.File
	// id counts the files opened on the disk.
	id   uint64
	life uint64
	// wrote is the mark of the last write through this handle.
	wrote uint64
	// fresh says that the file was opened by a task whose syncs take time.
	fresh  bool
	closed bool
}

var (
	_ vfs.File   = (*file)(nil)
	_ vfs.Viewer = (*file)(nil)
)

// ReadAt fills p from an offset.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	return f.inner.ReadAt(p, off)
}

// View returns the file's own memory.
func (f *file) View(dst [][]byte, off int64, n int) ([][]byte, error) {
	return f.inner.(vfs.Viewer).View(dst, off, n)
}

// WriteAt writes p at an offset.
func (f *file) WriteAt(p []byte, off int64) (int, error) {
	f.d.note(vfs.OpWrite, f.id, off, p)
	n, err := f.inner.WriteAt(p, off)
	f.changed()
	return n, err
}

// changed notes that the file was written to: marks are places in the one order of all changes of the disk.
func (f *file) changed() {
	// An error means that the file is dead, and then its marks are of no use.
	f.wrote, _ = f.inner.(vfs.SlowSyncer).BeginSync()
	f.d.latest = max(f.d.latest, f.wrote)
}

// Truncate sets the file's length.
func (f *file) Truncate(size int64) error {
	f.d.note(vfs.OpTruncate, f.id, size, nil)
	err := f.inner.Truncate(size)
	f.changed()
	return err
}

// Size returns the file's length.
func (f *file) Size() (int64, error) {
	return f.inner.Size()
}

// Sync makes the file durable: all of it, or, of a sync that took time, what was written when it began.
func (f *file) Sync() error {
	d := f.d
	d.note(vfs.OpSync, f.id, 0, nil)
	if d.lying {
		return nil
	}
	if !d.within || f.fresh || f.wrote > d.withinFrom {
		return f.inner.Sync()
	}
	return f.inner.(vfs.SlowSyncer).EndSync(d.began)
}

// Close closes the file.
func (f *file) Close() error {
	if !f.closed && f.life == f.d.life {
		f.closed = true
		f.d.open--
	}
	return f.inner.Close()
}
