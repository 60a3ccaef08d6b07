package vfs

import (
	"iter"
	"slices"
)

// Clone returns a copy that shares nothing with m: the same files with the same pending changes, but no file of it is
// open and no lock held. No other call may run at the same time.
func (m *Mem) Clone() *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	// The clone counts its space afresh, which leaves out removed files that are still open in m.
	c := &Mem{opts: m.opts, capacity: m.capacity, off: m.off}
	c.seq.Store(m.seq.Load())
	c.epoch.Store(m.epoch.Load())
	c.lost.Store(m.lost.Load())
	nodes := m.inodes()
	copies := make(map[*inode]*inode, len(nodes))
	for _, node := range nodes {
		copies[node] = node.clone()
	}
	for _, node := range nodes {
		copies[node].names = node.names.cloneTo(copies)
		copies[node].durable = node.durable.cloneTo(copies)
	}
	c.root = copies[m.root]
	for _, p := range m.pending {
		p.node, p.dir, p.toDir = copies[p.node], copies[p.dir], copies[p.toDir]
		c.pending = append(c.pending, p)
	}
	c.recount()
	return c
}

// clone copies an inode but for its names.
func (n *inode) clone() *inode {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return &inode{
		dir: n.dir, path: n.path, named: n.named, modTime: n.modTime,
		content: n.content.clone(), changes: slices.Clone(n.changes),
	}
}

func (ns names) cloneTo(copies map[*inode]*inode) names {
	out := slices.Clone(ns)
	for i := range out {
		out[i].node = copies[out[i].node]
	}
	return out
}

// CrashClone returns a disk as PowerLoss and Restart would leave it, and leaves m as it is. So one run of a workload
// can be cut at every call, in many ways. No other call may run at the same time.
func (m *Mem) CrashClone(choice Choice) *Mem {
	c := m.Clone()
	c.PowerLoss(choice)
	c.Restart()
	return c
}

// Outcomes runs through everything that PowerLoss could leave of m, as CrashClone would return it, one for each way to
// answer all questions of a Choice. Different answers may leave the same files. Their number doubles with each pending
// change and sector: it is for small cases.
func (m *Mem) Outcomes() iter.Seq[*Mem] {
	return func(yield func(*Mem) bool) {
		// answers is a binary number, the first question's answer its highest digit.
		var answers []bool
		for {
			asked := 0
			found := m.CrashClone(func(Change) bool {
				if asked == len(answers) {
					answers = append(answers, false)
				}
				asked++
				return answers[asked-1]
			})
			if !yield(found) {
				return
			}
			for len(answers) > 0 && answers[len(answers)-1] {
				answers = answers[:len(answers)-1]
			}
			if len(answers) == 0 {
				return
			}
			answers[len(answers)-1] = true
		}
	}
}
