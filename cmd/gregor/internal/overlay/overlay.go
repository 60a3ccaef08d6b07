// Package overlay is a file system that keeps all changes in memory and leaves the one below as it is. It answers "what
// would a start of the broker do to this directory" with the broker's own recovery, without doing it.
//
// A file is what lies below, up to a limit, with pages of its own on top:
//
//	pages     |    |aaaa|    |bbbb|cccc|        written here
//	below     xxxxxxxxxxxxxxxxxx                of the file below, which truncation shortens for good
//	reads as  xxxxxaaaaxxxxxbbbbbcccc
package overlay

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"sync"

	"github.com/gregor-log/gregor/core/vfs"
)

// pageSize is the unit in which written bytes are kept.
const pageSize = 4096

// FS is an overlay. Its locks lock nothing and its syncs sync nothing.
type FS struct {
	below vfs.FS
	mu    sync.Mutex
	// nodes are the files that differ from those below, by name; nil for one that was removed.
	nodes map[string]*node
	// dirs are the directories that were made here.
	dirs map[string]bool
	// opened are the files below that nodes read from.
	opened []vfs.File
}

var _ vfs.FS = (*FS)(nil)

// New returns an overlay without changes.
func New(below vfs.FS) *FS {
	return &FS{below: below, nodes: make(map[string]*node), dirs: make(map[string]bool)}
}

// node is one file's content.
type node struct {
	mu sync.Mutex
	// below is the file below, nil without one; limit is how much of it counts.
	below vfs.File
	limit int64
	size  int64
	pages map[int64][]byte
}

func notExist(op, name string) error {
	return &fs.PathError{Op: op, Path: name, Err: vfs.ErrNotExist}
}

// Open implements vfs.FS.
func (o *FS) Open(name string, mode vfs.Mode) (vfs.File, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	name = path.Clean(name)
	n, changed := o.nodes[name]
	if mode == vfs.Read && !changed {
		return o.below.Open(name, vfs.Read)
	}
	if n == nil && !changed && mode != vfs.Truncate {
		found, err := o.lift(name)
		if err != nil && (mode != vfs.Create || !errors.Is(err, vfs.ErrNotExist)) {
			return nil, err
		}
		n = found
	}
	switch {
	case n == nil && (mode == vfs.Read || mode == vfs.ReadWrite):
		return nil, notExist("open", name)
	case n == nil || mode == vfs.Truncate:
		n = &node{pages: make(map[int64][]byte)}
	}
	o.nodes[name] = n
	return &file{node: n, readOnly: mode == vfs.Read}, nil
}

// lift makes a node of a file below.
func (o *FS) lift(name string) (*node, error) {
	f, err := o.below.Open(name, vfs.Read)
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	o.opened = append(o.opened, f)
	return &node{below: f, limit: size, size: size, pages: make(map[int64][]byte)}, nil
}

// Remove implements vfs.FS for files; of directories only the name goes.
func (o *FS) Remove(name string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	name = path.Clean(name)
	if _, err := o.stat(name); err != nil {
		return err
	}
	delete(o.dirs, name)
	o.nodes[name] = nil
	return nil
}

// Rename implements vfs.FS for files.
func (o *FS) Rename(from, to string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	from, to = path.Clean(from), path.Clean(to)
	n, changed := o.nodes[from]
	if !changed {
		var err error
		if n, err = o.lift(from); err != nil {
			return err
		}
	}
	if n == nil {
		return notExist("rename", from)
	}
	o.nodes[from], o.nodes[to] = nil, n
	return nil
}

// Mkdir implements vfs.FS.
func (o *FS) Mkdir(name string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.dirs[path.Clean(name)] = true
	return nil
}

// List implements vfs.FS.
func (o *FS) List(dir string) ([]vfs.Entry, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	dir = path.Clean(dir)
	entries, err := o.below.List(dir)
	if err != nil && !(o.dirs[dir] && errors.Is(err, vfs.ErrNotExist)) {
		return nil, err
	}
	entries = slices.DeleteFunc(entries, func(e vfs.Entry) bool {
		_, changed := o.nodes[path.Join(dir, e.Name)]
		return changed
	})
	for name, n := range o.nodes {
		if n != nil && path.Dir(name) == dir {
			entries = append(entries, n.entry(name))
		}
	}
	slices.SortFunc(entries, func(a, b vfs.Entry) int { return cmp.Compare(a.Name, b.Name) })
	return entries, nil
}

// Stat implements vfs.FS.
func (o *FS) Stat(name string) (vfs.Entry, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.stat(path.Clean(name))
}

func (o *FS) stat(name string) (vfs.Entry, error) {
	n, changed := o.nodes[name]
	switch {
	case n != nil:
		return n.entry(name), nil
	case changed:
		return vfs.Entry{}, notExist("stat", name)
	case o.dirs[name]:
		return vfs.Entry{Name: path.Base(name), Dir: true}, nil
	}
	return o.below.Stat(name)
}

// SyncDir implements vfs.FS.
func (o *FS) SyncDir(string) error { return nil }

// Lock implements vfs.FS.
func (o *FS) Lock(string) (vfs.Unlocker, error) { return io.NopCloser(nil), nil }

// Close closes the files below that are still open. The overlay is not used afterwards.
func (o *FS) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	var errs []error
	for _, f := range o.opened {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
