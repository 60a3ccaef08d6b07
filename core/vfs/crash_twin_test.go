package vfs

import (
	"fmt"
	"maps"
	"path"
	"slices"
)

// crashTwin says what a loss of power may leave, by trying everything: each file is a base and a list of changes, the
// names are a base and a list of changes, and every subset of both is applied forwards.
type crashTwin struct {
	root *twinNode
	now  twinTree
	base twinTree
	// names are the pending changes to names, oldest first.
	names []twinName
	// files are all there ever were.
	files []*twinNode
}

type twinNode struct {
	dir bool
	// live is the content as the process sees it, base what was synced.
	live, base []byte
	changes    []twinChange
}

type twinChange struct {
	off, size int
	data      []byte
	truncate  bool
	grows     bool
}

// twinSlot is a name in a directory, twinTree what all names lead to.
type twinSlot struct {
	dir  *twinNode
	name string
}
type twinTree map[twinSlot]*twinNode

type twinName struct {
	kind     string
	from, to twinSlot
	node     *twinNode
}

func newCrashTwin() *crashTwin {
	return &crashTwin{root: &twinNode{dir: true}, now: twinTree{}, base: twinTree{}}
}

func (w *crashTwin) slot(name string) twinSlot {
	dir, base := path.Split(name)
	if dir == "" || dir == "/" {
		return twinSlot{w.root, base}
	}
	return twinSlot{w.now[w.slot(path.Clean(dir))], base}
}

func (w *crashTwin) change(c twinName) {
	c.apply(w.now)
	w.names = append(w.names, c)
	if c.kind == "make" {
		w.files = append(w.files, c.node)
	}
}

// bits returns at least the number of questions that a loss of power would raise.
func (w *crashTwin) bits() int {
	bits := len(w.names)
	for _, n := range w.files {
		for _, c := range n.changes {
			bits += 2 + len(c.data)/SectorSize
		}
	}
	return bits
}

func (c twinName) apply(tree twinTree) {
	delete(tree, c.from)
	switch c.kind {
	case "make":
		tree[c.from] = c.node
	case "rename":
		tree[c.to] = c.node
	}
}

// surviving applies a change to a tree that may lack earlier ones.
func (c twinName) surviving(tree twinTree) {
	target := c.from
	if c.kind == "rename" {
		target = c.to
	}
	if c.kind != "make" && tree[c.from] != c.node {
		return
	}
	if c.kind == "rename" && tree.inside(c.to.dir, c.node) {
		return
	}
	for s := range tree {
		if s.dir == tree[target] {
			return
		}
	}
	c.apply(tree)
}

// inside reports whether dir is node or lies below it.
func (tree twinTree) inside(dir, node *twinNode) bool {
	if dir == node {
		return true
	}
	for s, n := range tree {
		if n == dir && tree.inside(s.dir, node) {
			return true
		}
	}
	return false
}

func (w *crashTwin) write(name string, off int, data []byte) {
	n := w.now[w.slot(name)]
	c := twinChange{off: off, data: data, grows: off+len(data) > len(n.live)}
	n.changes = append(n.changes, c)
	n.live = overlay(n.live, data, off)
}

func (w *crashTwin) truncate(name string, size int) {
	n := w.now[w.slot(name)]
	if len(n.live) == size {
		return
	}
	n.changes = append(n.changes, twinChange{truncate: true, size: size})
	n.live = sized(n.live, size)
}

func (w *crashTwin) sync(name string) {
	n := w.now[w.slot(name)]
	n.base, n.changes = n.live, nil
}

// syncDir makes the changes in a directory durable, and again and again those earlier ones that they build on.
func (w *crashTwin) syncDir(dir *twinNode) {
	chosen := map[int]bool{}
	for again := true; again; {
		again = false
		for i, c := range w.names {
			if chosen[i] {
				continue
			}
			take := c.from.dir == dir || c.kind == "rename" && c.to.dir == dir
			for j, later := range w.names[i+1:] {
				take = take || chosen[i+1+j] && later.buildsOn(c)
			}
			if take {
				chosen[i], again = true, true
			}
		}
	}
	var left []twinName
	for i, c := range w.names {
		if chosen[i] {
			c.apply(w.base)
		} else {
			left = append(left, c)
		}
	}
	w.names = left
}

func (c twinName) buildsOn(earlier twinName) bool {
	for _, a := range c.slots() {
		for _, b := range earlier.slots() {
			if a == b || c.kind == "remove" && c.node.dir && b.dir == c.node {
				return true
			}
		}
	}
	return false
}

func (c twinName) slots() []twinSlot {
	if c.kind == "rename" {
		return []twinSlot{c.from, c.to}
	}
	return []twinSlot{c.from}
}

func overlay(base, data []byte, off int) []byte {
	out := sized(base, max(len(base), off+len(data)))
	copy(out[off:], data)
	return out
}

func sized(base []byte, size int) []byte {
	out := make([]byte, size)
	copy(out, base)
	return out
}

// contents returns all that may be left of a file.
func (n *twinNode) contents() map[string]bool {
	found := map[string]bool{string(n.base): true}
	for _, c := range n.changes {
		next := map[string]bool{}
		for before := range found {
			if c.truncate {
				next[before] = true
				next[string(sized([]byte(before), c.size))] = true
				continue
			}
			c.each(0, []byte(before), func(after []byte) { next[string(after)] = true })
		}
		found = next
	}
	return found
}

// each calls f for every subset of the write's bytes from position at on that may survive.
func (c twinChange) each(at int, before []byte, f func([]byte)) {
	if at == len(c.data) {
		f(before)
		if c.grows {
			f(sized(before, max(len(before), c.off+len(c.data))))
		}
		return
	}
	end := min(at+SectorSize-(c.off+at)%SectorSize, len(c.data))
	c.each(end, before, f)
	c.each(end, overlay(before, c.data[at:end], c.off+at), f)
}

// outcomes returns every tree that may be found, written as the helper tree does.
func (w *crashTwin) outcomes() map[string]bool {
	found := map[string]bool{}
	for subset := range 1 << len(w.names) {
		tree := maps.Clone(w.base)
		for i, c := range w.names {
			if subset>>i&1 == 1 {
				c.surviving(tree)
			}
		}
		for text := range tree.texts(w.root, "") {
			found[text] = true
		}
	}
	return found
}

// texts returns all ways in which what is in a directory may be found.
func (tree twinTree) texts(dir *twinNode, at string) map[string]bool {
	var names []string
	for s := range tree {
		if s.dir == dir {
			names = append(names, s.name)
		}
	}
	slices.Sort(names)
	found := map[string]bool{"": true}
	for _, name := range names {
		n, shown := tree[twinSlot{dir, name}], path.Join(at, name)
		parts := map[string]bool{}
		if n.dir {
			for text := range tree.texts(n, shown) {
				parts[shown+"/\n"+text] = true
			}
		} else {
			for data := range n.contents() {
				parts[fmt.Sprintf("%s %s\n", shown, brief([]byte(data)))] = true
			}
		}
		next := map[string]bool{}
		for before := range found {
			for part := range parts {
				next[before+part] = true
			}
		}
		found = next
	}
	return found
}
