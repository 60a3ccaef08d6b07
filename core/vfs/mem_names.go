package vfs

import (
	"path"
	"strings"
)

// nameChange is one change to the names of a directory, or of two.
type nameChange struct {
	// seq orders the changes of a whole Mem.
	seq  uint64
	kind ChangeKind
	// dir and name are where the inode appears, goes from or is moved from; toDir and toName where it is moved to.
	dir, toDir   *inode
	name, toName string
	// node is what the name leads to. A change means this inode, not whatever has the name.
	node *inode
	// from and to are the paths that the caller used, for Change.
	from, to string
}

// What a directory's names are for the process, and what they will be after a loss of power.
func live(dir *inode) *names    { return &dir.names }
func durable(dir *inode) *names { return &dir.durable }

// apply makes the change in the names that of picks.
func (c *nameChange) apply(of func(*inode) *names) {
	switch c.kind {
	case ChangeCreate, ChangeMkdir:
		of(c.dir).set(c.name, c.node)
	case ChangeRemove:
		of(c.dir).set(c.name, nil)
	case ChangeRename:
		of(c.dir).set(c.name, nil)
		of(c.toDir).set(c.toName, c.node)
	}
}

// change makes a change that the caller has found possible, and notes it as pending.
func (m *Mem) change(c nameChange) {
	var gone *inode
	switch c.kind {
	case ChangeRemove:
		gone = c.node
	case ChangeRename:
		gone = c.toDir.names.get(c.toName)
	}
	c.apply(live)
	c.node.named = true
	if gone != nil {
		gone.named = false
		m.release(gone)
	}
	m.touch(c.dir)
	if c.toDir != nil {
		m.touch(c.toDir)
		c.node.path = relative(c.to)
	}
	if m.opts.Crashable {
		c.seq = m.seq.Add(1)
		m.pending = append(m.pending, c)
	}
}

// touch sets the time of a directory's last change.
func (m *Mem) touch(dir *inode) {
	dir.mu.Lock()
	defer dir.mu.Unlock()
	dir.modTime = m.now()
}

// create adds a file or a directory that does not exist yet.
func (m *Mem) create(name string, dir *inode, base string, isDir bool) *inode {
	node := &inode{dir: isDir, path: relative(name), modTime: m.now()}
	c := nameChange{kind: ChangeCreate, dir: dir, name: base, node: node, from: node.path}
	if isDir {
		c.kind = ChangeMkdir
	}
	m.change(c)
	return node
}

// Remove removes a file or an empty directory.
func (m *Mem) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	node, err := m.find(name)
	switch {
	case err != nil:
	case node == m.root:
		err = ErrInvalid
	case len(node.names) > 0:
		err = ErrNotEmpty
	}
	if err != nil {
		return pathError("remove", name, err)
	}
	dir, base, _ := m.parent(name)
	m.change(nameChange{kind: ChangeRemove, dir: dir, name: base, node: node, from: relative(name)})
	return nil
}

// Rename moves a file or a directory.
func (m *Mem) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := m.plan(from, to)
	if err != nil {
		return pathError("rename", from+" to "+to, err)
	}
	if c.dir != c.toDir || c.name != c.toName {
		m.change(c)
	}
	return nil
}

// plan checks a rename and returns it.
func (m *Mem) plan(from, to string) (nameChange, error) {
	c := nameChange{kind: ChangeRename, from: relative(from), to: relative(to)}
	var err error
	if c.dir, c.name, err = m.parent(from); err != nil {
		return c, err
	}
	if c.toDir, c.toName, err = m.parent(to); err != nil {
		return c, err
	}
	if c.name == "" {
		return c, ErrInvalid
	}
	if c.node = c.dir.names.get(c.name); c.node == nil {
		return c, ErrNotExist
	}
	target := c.toDir.names.get(c.toName)
	switch {
	case c.toName == "" || target != nil && target.dir:
		return c, ErrExist
	case c.node.dir && c.node.holds(c.toDir, live):
		return c, ErrInvalid
	case c.node.dir && target != nil:
		return c, ErrNotDir
	}
	return c, nil
}

// Mkdir creates a directory and its missing parents.
func (m *Mem) Mkdir(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	node, err := m.findDir(name)
	if err == nil {
		return nil
	}
	if m.off || name == "" || node != nil {
		return pathError("mkdir", name, err)
	}
	node = m.root
	done := ""
	for rest := relative(name); rest != ""; {
		var head string
		head, rest, _ = strings.Cut(rest, "/")
		done = path.Join(done, head)
		next := node.names.get(head)
		if next == nil {
			next = m.create(done, node, head, true)
		}
		if !next.dir {
			return pathError("mkdir", name, ErrNotDir)
		}
		node = next
	}
	return nil
}

// SyncDir makes the changes to a directory's names durable. A rename between two directories is made durable whole,
// and with it what came before to the same names.
func (m *Mem) SyncDir(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	node, err := m.findDir(dir)
	if err != nil {
		return pathError("sync", dir, err)
	}
	chosen := m.needed(node)
	kept := m.pending[:0]
	for i, c := range m.pending {
		if chosen[i] {
			c.apply(durable)
		} else {
			kept = append(kept, c)
		}
	}
	clear(m.pending[len(kept):])
	m.pending = kept
	return nil
}

// needed marks the pending changes that a sync of dir makes durable: those to dir, and earlier ones that these build
// on, which are those to the same names and, where a directory was removed, those that emptied it.
func (m *Mem) needed(dir *inode) []bool {
	type slot struct {
		dir  *inode
		name string
	}
	chosen := make([]bool, len(m.pending))
	whole := map[*inode]bool{dir: true}
	slots := map[slot]bool{}
	for i := len(m.pending) - 1; i >= 0; i-- {
		c := &m.pending[i]
		from, to := slot{c.dir, c.name}, slot{c.toDir, c.toName}
		if !whole[c.dir] && !whole[c.toDir] && !slots[from] && !slots[to] {
			continue
		}
		chosen[i] = true
		slots[from] = true
		if c.toDir != nil {
			slots[to] = true
		}
		if c.kind == ChangeRemove && c.node.dir {
			whole[c.node] = true
		}
	}
	return chosen
}
