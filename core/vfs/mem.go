package vfs

import (
	"errors"
	"io/fs"
	"path"
	"strings"
	"sync"
	"sync/atomic"
)

// MemOptions say what a Mem is used for.
type MemOptions struct {
	// Crashable keeps what PowerLoss needs to know. Without it Sync and SyncDir do nothing, since memory does not
	// outlive the power in any case.
	Crashable bool
	// Capacity is the size of the disk in bytes, counted in blocks of 4 KiB that hold data; 0 means no limit.
	Capacity int64
	// Now returns Unix milliseconds for Entry.ModTime. If it is nil, all times are 0. It must be safe for concurrent
	// use.
	Now func() int64
}

// Mem is a file system in memory. Names are relative to one root directory, which always exists; a leading slash makes
// no difference. A file's memory is given back to the garbage collector once its name is removed and it is closed.
//
// A crashable Mem is a disk that tests can stop: see PowerLoss, Kill, DropPending and Corrupt.
type Mem struct {
	opts MemOptions
	// capacity and used are in blocks.
	capacity int64
	used     atomic.Int64
	// seq is the number of the last change.
	seq atomic.Uint64
	// epoch counts the lives of the process, from 1. A file of an earlier one is dead. lost is the epoch that began
	// with the last loss of power.
	epoch, lost atomic.Uint64

	mu   sync.Mutex
	root *inode
	// off says that the power is gone.
	off bool
	// pending are the changes to names that are not durable, oldest first.
	pending []nameChange
}

var (
	_ FS     = (*Mem)(nil)
	_ Spacer = (*Mem)(nil)
)

// NewMem returns an empty file system in memory.
func NewMem(opts MemOptions) *Mem {
	m := &Mem{opts: opts, capacity: opts.Capacity / blockSize, root: &inode{dir: true, named: true}}
	m.epoch.Store(1)
	m.root.modTime = m.now()
	return m
}

func (m *Mem) now() int64 {
	if m.opts.Now == nil {
		return 0
	}
	return m.opts.Now()
}

// take takes blocks from what is free and returns how many there were.
func (m *Mem) take(blocks int) int {
	for {
		used := m.used.Load()
		granted := int64(blocks)
		if m.opts.Capacity > 0 {
			granted = max(min(granted, m.capacity-used), 0)
		}
		if m.used.CompareAndSwap(used, used+granted) {
			return int(granted)
		}
	}
}

// Space returns the capacity and what is left of it, -1 if there is no limit.
func (m *Mem) Space(name string) (total, usable int64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.find(name); err != nil {
		return 0, 0, pathError("space", name, err)
	}
	if m.opts.Capacity <= 0 {
		return -1, -1, nil
	}
	return m.capacity * blockSize, max(m.capacity-m.used.Load(), 0) * blockSize, nil
}

// Used returns the bytes of memory or disk that the files take, in whole blocks of 4 KiB.
func (m *Mem) Used() int64 {
	return m.used.Load() * blockSize
}

// pathError names the operation and the path of an error.
func pathError(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// relative returns a name without slashes around it; the root is "".
func relative(name string) string {
	name = strings.TrimPrefix(path.Clean(name), "/")
	for strings.HasPrefix(name, "../") {
		name = name[len("../"):]
	}
	if name == "." || name == ".." {
		return ""
	}
	return name
}

// find returns the inode that a name leads to. It gives bare sentinels, ErrPowerLost among them.
func (m *Mem) find(name string) (*inode, error) {
	if m.off {
		return nil, ErrPowerLost
	}
	if name == "" {
		return nil, ErrNotExist
	}
	node := m.root
	for rest := relative(name); rest != ""; {
		var head string
		head, rest, _ = strings.Cut(rest, "/")
		if !node.dir {
			return nil, ErrNotDir
		}
		if node = node.names.get(head); node == nil {
			return nil, ErrNotExist
		}
	}
	return node, nil
}

// findDir returns the directory that a name leads to.
func (m *Mem) findDir(name string) (*inode, error) {
	node, err := m.find(name)
	if err == nil && !node.dir {
		return nil, ErrNotDir
	}
	return node, err
}

// parent returns the directory that a name lies in and the name's last element, which is "" for the root.
func (m *Mem) parent(name string) (*inode, string, error) {
	if name == "" {
		return nil, "", ErrNotExist
	}
	dir, base := path.Split(relative(name))
	node, err := m.findDir("/" + dir)
	return node, base, err
}

// Stat describes one name.
func (m *Mem) Stat(name string) (Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	node, err := m.find(name)
	if err != nil {
		return Entry{}, pathError("stat", name, err)
	}
	return node.entry(path.Base(name)), nil
}

// List returns the entries of a directory in the order of their names.
func (m *Mem) List(dir string) ([]Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	node, err := m.findDir(dir)
	if err != nil {
		return nil, pathError("list", dir, err)
	}
	entries := make([]Entry, len(node.names))
	for i, e := range node.names {
		entries[i] = e.node.entry(e.name)
	}
	return entries, nil
}

// Open opens a file.
func (m *Mem) Open(name string, mode Mode) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	node, err := m.openLocked(name, mode)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	if mode == Truncate {
		m.setSize(node, 0)
	}
	node.opens++
	f := &memFile{mem: m, name: name, mode: mode, epoch: m.epoch.Load()}
	f.node.Store(node)
	return f, nil
}

func (m *Mem) openLocked(name string, mode Mode) (*inode, error) {
	if mode < Read || mode > Truncate {
		return nil, ErrInvalid
	}
	node, err := m.find(name)
	if errors.Is(err, ErrNotExist) && mode >= Create {
		var dir *inode
		var base string
		if dir, base, err = m.parent(name); err != nil {
			return nil, err
		}
		node = m.create(name, dir, base, false)
	}
	if err == nil && node.dir {
		return nil, ErrIsDir
	}
	return node, err
}

// Lock takes an exclusive lock on a file, creating it if it is missing.
func (m *Mem) Lock(name string) (Unlocker, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	node, err := m.openLocked(name, Create)
	epoch := m.epoch.Load()
	if err == nil && node.lockEpoch == epoch {
		err = ErrLocked
	}
	if err != nil {
		return nil, pathError("lock", name, err)
	}
	node.lockEpoch = epoch
	return &memLock{mem: m, node: node, name: name, epoch: epoch}, nil
}

type memLock struct {
	mem   *Mem
	name  string
	epoch uint64
	// node is nil once the lock is released; guarded by mem.mu.
	node *inode
}

var _ Unlocker = (*memLock)(nil)

func (l *memLock) Close() error {
	l.mem.mu.Lock()
	defer l.mem.mu.Unlock()
	if err := l.mem.alive(l.epoch); err != nil {
		return pathError("unlock", l.name, err)
	}
	if l.node == nil {
		return pathError("unlock", l.name, ErrClosed)
	}
	l.node.lockEpoch = 0
	l.node = nil
	return nil
}
