package vfs

import (
	"cmp"
	"path"
	"slices"

	"github.com/gregor-log/gregor/base"
)

// fate is what a loss of power does to one change.
type fate struct {
	// sectors says for each sector of a write whether its bytes survive.
	sectors []bool
	// whole says that a truncation, a change of names or a write's new length survives.
	whole bool
}

// PowerLoss takes the power away. Of the changes that no sync made durable, choice says what survives: it is asked
// about each, in the order in which they were made. From then on all calls fail with ErrPowerLost, those on files and
// locks of before for ever, the others until Restart.
func (m *Mem) PowerLoss(choice Choice) {
	base.Assert(m.opts.Crashable, "PowerLoss of a Mem that is not crashable")
	m.mu.Lock()
	defer m.mu.Unlock()
	m.off = true
	// In this order, so that nobody takes a file of the epoch that ends for one whose process was killed.
	m.lost.Store(m.epoch.Load() + 1)
	m.epoch.Add(1)
	nodes := m.inodes()
	ask := m.questions(nodes)
	names := make([]bool, len(m.pending))
	fates := make(map[*inode][]fate, len(nodes))
	for i := range ask {
		q := &ask[i]
		if f := q.answer(choice); q.node != nil {
			fates[q.node] = append(fates[q.node], f)
		} else {
			names[q.index] = f.whole
		}
	}
	for i := range m.pending {
		if c := &m.pending[i]; names[i] && c.possible() {
			c.apply(durable)
		}
	}
	m.pending = nil
	for _, node := range nodes {
		node.mu.Lock()
		node.settle(fates[node])
		node.mu.Unlock()
		node.names = slices.Clone(node.durable)
		node.named = false
	}
	m.recount()
}

// Restart brings the power back after PowerLoss.
func (m *Mem) Restart() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.off = false
}

// Kill ends the process that uses the files: what it wrote stays and remains as durable as it was, its open files fail
// with ErrClosed and its locks are free.
func (m *Mem) Kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.epoch.Add(1)
	m.recount()
}

// SyncAll makes everything durable, as the kernel does from time to time unasked.
func (m *Mem) SyncAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.off {
		return
	}
	for _, node := range m.inodes() {
		node.mu.Lock()
		node.changes = nil
		node.durable = slices.Clone(node.names)
		node.mu.Unlock()
	}
	m.pending = nil
}

// recount counts the space in use afresh: that of all files that have a name, since none is open any more.
func (m *Mem) recount() {
	var blocks int64
	m.root.visit("", func(at string, node *inode) {
		node.mu.RLock()
		defer node.mu.RUnlock()
		node.path, node.named, node.opens = at, true, 0
		blocks += node.content.blocks
	})
	m.used.Store(blocks)
}

// visit calls f for an inode, which lies at a path, and all that the process sees below it.
func (n *inode) visit(at string, f func(at string, node *inode)) {
	f(at, n)
	for _, e := range n.names {
		e.node.visit(path.Join(at, e.name), f)
	}
}

// inodes returns every inode that the process sees or may find after a loss of power, in a fixed order.
func (m *Mem) inodes() []*inode {
	var found []*inode
	seen := map[*inode]bool{}
	var walk func(*inode)
	walk = func(node *inode) {
		if seen[node] {
			return
		}
		seen[node] = true
		found = append(found, node)
		for _, e := range node.durable {
			walk(e.node)
		}
		for _, e := range node.names {
			walk(e.node)
		}
	}
	walk(m.root)
	for i := range m.pending {
		walk(m.pending[i].node)
	}
	return found
}

// question is one pending change to ask a Choice about.
type question struct {
	seq uint64
	// node is the file whose change this is, nil for a change of names.
	node *inode
	// index is the change's place in node.changes or Mem.pending.
	index int
	// about is what all parts of the question have in common.
	about Change
	// grows says that a write made its file longer.
	grows bool
}

// questions lists the pending changes in the order in which they were made.
func (m *Mem) questions(nodes []*inode) []question {
	var ask []question
	for i, c := range m.pending {
		about := Change{Kind: c.kind, Name: c.from, To: c.to}
		ask = append(ask, question{seq: c.seq, index: i, about: about})
	}
	for _, node := range nodes {
		node.mu.RLock()
		for i, c := range node.changes {
			q := question{seq: c.seq, node: node, index: i}
			q.about = Change{Kind: ChangeBytes, Name: node.path, Off: c.off, Len: c.n}
			if c.n == truncation {
				q.about.Kind, q.about.Len = ChangeTruncate, 0
			} else {
				q.grows = c.off+int64(c.n) > c.size
				first, last := c.off/SectorSize, (c.off+int64(c.n)-1)/SectorSize
				q.about.Sectors = int(last - first + 1)
			}
			ask = append(ask, q)
		}
		node.mu.RUnlock()
	}
	slices.SortFunc(ask, func(a, b question) int { return cmp.Compare(a.seq, b.seq) })
	later := 0
	for i := len(ask) - 1; i >= 0; i-- {
		ask[i].about.Index, ask[i].about.Count, ask[i].about.Later = i, len(ask), later
		if ask[i].about.Kind == ChangeBytes {
			later++
		}
	}
	return ask
}

// answer asks choice what becomes of a change.
func (q *question) answer(choice Choice) fate {
	if q.about.Kind != ChangeBytes {
		return fate{whole: choice(q.about)}
	}
	f := fate{sectors: make([]bool, q.about.Sectors)}
	for i := range f.sectors {
		about := q.about
		about.Sector = i
		f.sectors[i] = choice(about)
	}
	if q.grows {
		about := q.about
		about.Kind = ChangeLength
		f.whole = choice(about)
	}
	return f
}

// possible reports whether a file system that lost some of the changes before this one could still make it: what is to
// go or to be moved is there, nothing replaces a directory that has names, and no directory ends up in itself.
func (c *nameChange) possible() bool {
	goes := c.kind == ChangeRemove || c.kind == ChangeRename
	if goes && c.dir.durable.get(c.name) != c.node {
		return false
	}
	target := c.dir.durable.get(c.name)
	if c.kind == ChangeRename {
		if target = c.toDir.durable.get(c.toName); c.node.dir && c.node.holds(c.toDir, durable) {
			return false
		}
	}
	return target == nil || len(target.durable) == 0
}

// settle makes the content what is left of it: as it was when last synced, with the surviving changes made again in
// their order.
func (n *inode) settle(fates []fate) {
	if len(n.changes) == 0 {
		return
	}
	c, written := n.undone()
	for i, ch := range n.changes {
		switch {
		case ch.n == truncation && fates[i].whole:
			c.setSize(ch.off)
		case ch.n != truncation:
			c.survive(ch.off, written[i], fates[i])
		}
	}
	n.content, n.changes = c, nil
}

// survive makes the surviving part of a write again.
func (c *content) survive(off int64, p []byte, f fate) {
	end := off + int64(len(p))
	for _, kept := range f.sectors {
		n := min(SectorSize-int(off%SectorSize), len(p))
		if kept {
			c.claim(off, n, func(blocks int) int { return blocks })
			c.put(p[:n], off)
		}
		p, off = p[n:], off+int64(n)
	}
	if f.whole {
		c.size = max(c.size, end)
	}
}
