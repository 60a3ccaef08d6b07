package vfs

import (
	"slices"
	"strings"
	"sync"
)

// inode is a file or a directory, whatever names lead to it.
type inode struct {
	// The fields up to mu are guarded by Mem.mu.

	// dir says that this is a directory; its names are those that the process sees, durable those that survive.
	dir     bool
	names   names
	durable names
	// path is where the inode was last seen, for Change.
	path string
	// named says that a name leads to the inode, opens is the number of its open files.
	named bool
	opens int
	// lockEpoch is the epoch of the one who holds the lock, 0 if nobody does.
	lockEpoch uint64

	// mu guards what follows. It is taken after Mem.mu.
	mu      sync.RWMutex
	content content
	// modTime is in Unix milliseconds.
	modTime int64
	// changes are what was done to the content since it was last synced, oldest first. Empty unless Mem is crashable.
	changes []change
}

// change is a write or a truncation that no sync has made durable, with what it takes to undo it. So a write costs
// little, a sync nothing, and only a loss of power has work to do. It is kept small, since a disk under load has many.
type change struct {
	// seq orders the changes of a whole Mem, those to names among them.
	seq uint64
	// off is where the write began, or the size that was set.
	off int64
	// n is the number of bytes written, or truncation.
	n int
	// size is the file's length before the change.
	size int64
	// lost is what the change destroyed; nil if, as an append does, it destroyed nothing.
	lost *lost
}

// truncation in the place of a write's length marks a change of the size.
const truncation = -1

// lost is what a change destroyed. It is immutable.
type lost struct {
	// bytes is what a write overwrote below the size.
	bytes []byte
	// chunks is what a truncation cut off.
	chunks []chunk
}

// remember notes a write of n bytes at off that is about to happen.
func (n *inode) remember(seq uint64, off int64, length int) {
	c := change{seq: seq, off: off, n: length, size: n.content.size}
	if over := clampLen(int64(length), off, c.size); over > 0 {
		c.lost = &lost{bytes: make([]byte, over)}
		n.content.readAt(c.lost.bytes, off)
	}
	n.changes = append(n.changes, c)
}

// rememberSize notes that the size was set to size, that it was before, and what was cut off.
func (n *inode) rememberSize(seq uint64, size, before int64, cut []chunk) {
	c := change{seq: seq, off: size, n: truncation, size: before}
	if len(cut) > 0 {
		c.lost = &lost{chunks: cut}
	}
	n.changes = append(n.changes, c)
}

// forget drops the changes up to and including mark: they are durable now.
func (n *inode) forget(mark uint64) {
	durable := 0
	for durable < len(n.changes) && n.changes[durable].seq <= mark {
		durable++
	}
	n.changes = slices.Delete(n.changes, 0, durable)
}

// undone returns a copy of the content as it was when last synced, and what the pending writes wrote (nil for a
// truncation). Undoing backwards meets each write's bytes before any later write has covered them.
func (n *inode) undone() (content, [][]byte) {
	c := n.content.clone()
	written := make([][]byte, len(n.changes))
	for i := len(n.changes) - 1; i >= 0; i-- {
		ch, was := &n.changes[i], n.changes[i].lost
		if was == nil {
			was = &lost{}
		}
		if ch.n == truncation {
			c.restore(ch.off, ch.size, was.chunks)
			continue
		}
		written[i] = make([]byte, ch.n)
		c.readAt(written[i], ch.off)
		c.erase(ch.off, ch.off+int64(ch.n), ch.size, was.bytes)
	}
	return c, written
}

// entry returns what List and Stat say of the inode under a name. The caller holds Mem.mu.
func (n *inode) entry(name string) Entry {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return Entry{Name: name, Size: n.content.size, Dir: n.dir, ModTime: n.modTime}
}

// holds reports whether the directory below is n or lies under it, by the names that of picks.
func (n *inode) holds(below *inode, of func(*inode) *names) bool {
	if n == below {
		return true
	}
	for _, e := range *of(n) {
		if e.node.dir && e.node.holds(below, of) {
			return true
		}
	}
	return false
}

// names are the entries of a directory in the order of their names. A sorted slice keeps all output in one order.
type names []nameEntry

type nameEntry struct {
	name string
	node *inode
}

func (ns names) search(name string) (int, bool) {
	return slices.BinarySearchFunc(ns, name, func(e nameEntry, name string) int {
		return strings.Compare(e.name, name)
	})
}

// get returns the inode that a name leads to, nil for none.
func (ns names) get(name string) *inode {
	if i, ok := ns.search(name); ok {
		return ns[i].node
	}
	return nil
}

// set makes a name lead to node, or to nothing if node is nil.
func (ns *names) set(name string, node *inode) {
	i, ok := ns.search(name)
	switch {
	case node == nil && ok:
		*ns = slices.Delete(*ns, i, i+1)
	case node == nil:
	case ok:
		(*ns)[i].node = node
	default:
		*ns = slices.Insert(*ns, i, nameEntry{name, node})
	}
}
