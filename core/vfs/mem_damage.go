package vfs

// DropPending does to a file what the kernel does after it failed to write dirty pages back: what was written since the
// last sync is gone although the writes returned, the length stays, and the next Sync succeeds. What was overwritten is
// as before, what was new reads as zeros. Tests call it when they let a Sync fail.
func (m *Mem) DropPending(name string) error {
	return m.damage("drop", name, func(node *inode) error {
		if len(node.changes) == 0 {
			return nil
		}
		size, blocks := node.content.size, node.content.blocks
		c, _ := node.undone()
		synced := c.size
		cut := c.setSize(size)
		node.content, node.changes = c, nil
		if size != synced {
			// The length itself is still to be synced.
			node.rememberSize(m.seq.Add(1), size, synced, cut)
		}
		m.used.Add(c.blocks - blocks)
		return nil
	})
}

// Corrupt flips bits of a file as a failing disk does: the bytes from off on are XORed with mask. It is no pending
// change: what was durable is damaged for good, what was not is lost or kept damaged. A range that the file does not
// have is ErrInvalid.
func (m *Mem) Corrupt(name string, off int64, mask []byte) error {
	return m.damage("corrupt", name, func(node *inode) error {
		if off < 0 || off > node.content.size-int64(len(mask)) {
			return ErrInvalid
		}
		// A fresh copy, since views of before must keep what they hold.
		c := node.content.clone()
		p := make([]byte, len(mask))
		c.readAt(p, off)
		for i := range p {
			p[i] ^= mask[i]
		}
		c.claim(off, len(p), func(blocks int) int { return blocks })
		c.put(p, off)
		m.used.Add(c.blocks - node.content.blocks)
		node.content = c
		return nil
	})
}

// damage calls f for a file, with its lock held.
func (m *Mem) damage(op, name string, f func(*inode) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	node, err := m.find(name)
	if err == nil && node.dir {
		err = ErrIsDir
	}
	if err == nil {
		node.mu.Lock()
		defer node.mu.Unlock()
		err = f(node)
	}
	if err != nil {
		return pathError(op, name, err)
	}
	return nil
}
