package vfs

import (
	"io"
	"sync/atomic"
)

// memFile is an open file of Mem.
type memFile struct {
	mem  *Mem
	name string
	mode Mode
	// epoch is the life of the process that opened the file.
	epoch uint64
	// node is nil once the file is closed, so that a forgotten handle keeps no memory.
	node atomic.Pointer[inode]
}

var (
	_ File       = (*memFile)(nil)
	_ Viewer     = (*memFile)(nil)
	_ SlowSyncer = (*memFile)(nil)
)

// alive returns the error of handles of an epoch that is over.
func (m *Mem) alive(epoch uint64) error {
	switch {
	case epoch == m.epoch.Load():
		return nil
	case epoch < m.lost.Load():
		return ErrPowerLost
	}
	return ErrClosed
}

// read returns the inode with its lock held for reading. The epoch is looked at under the lock, because a loss of power
// counts it up before it takes the lock.
func (f *memFile) read(op string) (*inode, error) {
	node := f.node.Load()
	if node == nil {
		return nil, pathError(op, f.name, ErrClosed)
	}
	node.mu.RLock()
	if err := f.mem.alive(f.epoch); err != nil {
		node.mu.RUnlock()
		return nil, pathError(op, f.name, err)
	}
	return node, nil
}

// write returns the inode with its lock held for writing.
func (f *memFile) write(op string) (*inode, error) {
	node := f.node.Load()
	if node == nil {
		return nil, pathError(op, f.name, ErrClosed)
	}
	node.mu.Lock()
	if err := f.mem.alive(f.epoch); err != nil {
		node.mu.Unlock()
		return nil, pathError(op, f.name, err)
	}
	return node, nil
}

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	node, err := f.read("read")
	if err != nil {
		return 0, err
	}
	defer node.mu.RUnlock()
	if off < 0 {
		return 0, pathError("read", f.name, ErrInvalid)
	}
	n := node.content.readAt(p, off)
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) View(dst [][]byte, off int64, n int) ([][]byte, error) {
	node, err := f.read("read")
	if err != nil {
		return dst, err
	}
	defer node.mu.RUnlock()
	if off < 0 || n < 0 {
		return dst, pathError("read", f.name, ErrInvalid)
	}
	dst, held := node.content.view(dst, off, n)
	if held < n {
		return dst, io.EOF
	}
	return dst, nil
}

func (f *memFile) WriteAt(p []byte, off int64) (int, error) {
	node, err := f.write("write")
	if err != nil {
		return 0, err
	}
	defer node.mu.Unlock()
	switch {
	case f.mode == Read:
		return 0, pathError("write", f.name, ErrReadOnly)
	case off < 0 || off > MaxFileSize-int64(len(p)):
		return 0, pathError("write", f.name, ErrInvalid)
	}
	n := node.content.claim(off, len(p), f.mem.take)
	if n > 0 {
		if f.mem.opts.Crashable {
			node.remember(f.mem.seq.Add(1), off, n)
		}
		node.content.put(p[:n], off)
		node.modTime = f.mem.now()
	}
	if n < len(p) {
		return n, pathError("write", f.name, ErrNoSpace)
	}
	return n, nil
}

func (f *memFile) Truncate(size int64) error {
	node, err := f.write("truncate")
	if err != nil {
		return err
	}
	defer node.mu.Unlock()
	switch {
	case f.mode == Read:
		return pathError("truncate", f.name, ErrReadOnly)
	case size < 0 || size > MaxFileSize:
		return pathError("truncate", f.name, ErrInvalid)
	}
	f.mem.setSizeLocked(node, size)
	return nil
}

// setSize truncates an inode whose lock is free.
func (m *Mem) setSize(node *inode, size int64) {
	node.mu.Lock()
	defer node.mu.Unlock()
	m.setSizeLocked(node, size)
}

// setSizeLocked truncates an inode whose lock is held.
func (m *Mem) setSizeLocked(node *inode, size int64) {
	before := node.content.size
	if size == before {
		return
	}
	blocks := node.content.blocks
	cut := node.content.setSize(size)
	m.used.Add(node.content.blocks - blocks)
	node.modTime = m.now()
	if m.opts.Crashable {
		node.rememberSize(m.seq.Add(1), size, before, cut)
	}
}

func (f *memFile) Size() (int64, error) {
	node, err := f.read("size")
	if err != nil {
		return 0, err
	}
	defer node.mu.RUnlock()
	return node.content.size, nil
}

func (f *memFile) Sync() error {
	mark, err := f.BeginSync()
	if err != nil {
		return err
	}
	return f.EndSync(mark)
}

func (f *memFile) BeginSync() (uint64, error) {
	node, err := f.read("sync")
	if err != nil {
		return 0, err
	}
	defer node.mu.RUnlock()
	if len(node.changes) == 0 {
		return 0, nil
	}
	return node.changes[len(node.changes)-1].seq, nil
}

func (f *memFile) EndSync(mark uint64) error {
	node, err := f.write("sync")
	if err != nil {
		return err
	}
	defer node.mu.Unlock()
	node.forget(mark)
	return nil
}

func (f *memFile) Close() error {
	node := f.node.Swap(nil)
	if node == nil {
		return pathError("close", f.name, ErrClosed)
	}
	f.mem.mu.Lock()
	defer f.mem.mu.Unlock()
	if err := f.mem.alive(f.epoch); err != nil {
		return pathError("close", f.name, err)
	}
	node.opens--
	f.mem.release(node)
	return nil
}

// release gives up the space of an inode that has neither a name nor an open file. On a crashable disk the bytes stay
// until the names that survive a loss of power let go of them.
func (m *Mem) release(node *inode) {
	if node.named || node.opens > 0 {
		return
	}
	node.mu.Lock()
	defer node.mu.Unlock()
	m.used.Add(-node.content.blocks)
	if !m.opts.Crashable {
		node.content = content{}
	}
}
