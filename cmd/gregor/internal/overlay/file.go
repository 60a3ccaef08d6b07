package overlay

import (
	"io"
	"path"

	"github.com/gregor-log/gregor/core/vfs"
)

// file is an open node.
type file struct {
	*node
	readOnly bool
}

var _ vfs.File = (*file)(nil)

func (n *node) entry(name string) vfs.Entry {
	n.mu.Lock()
	defer n.mu.Unlock()
	return vfs.Entry{Name: path.Base(name), Size: n.size}
}

// ReadAt implements vfs.File.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	n := f.node
	n.mu.Lock()
	defer n.mu.Unlock()
	if off < 0 {
		return 0, vfs.ErrInvalid
	}
	want := min(int64(len(p)), n.size-off)
	switch {
	case len(p) == 0:
		return 0, nil
	case want <= 0:
		return 0, io.EOF
	}
	clear(p[:want])
	if most := min(want, n.limit-off); most > 0 {
		if got, err := n.below.ReadAt(p[:most], off); int64(got) < most {
			return got, err
		}
	}
	for at := off / pageSize * pageSize; at < off+want; at += pageSize {
		if page := n.pages[at]; page != nil {
			from := max(at, off)
			copy(p[from-off:want], page[from-at:])
		}
	}
	if want < int64(len(p)) {
		return int(want), io.EOF
	}
	return int(want), nil
}

// WriteAt implements vfs.File.
func (f *file) WriteAt(p []byte, off int64) (int, error) {
	if f.readOnly {
		return 0, vfs.ErrReadOnly
	}
	n := f.node
	n.mu.Lock()
	defer n.mu.Unlock()
	for done := 0; done < len(p); {
		at := (off + int64(done)) / pageSize * pageSize
		page, err := n.page(at)
		if err != nil {
			return done, err
		}
		done += copy(page[off+int64(done)-at:], p[done:])
	}
	if len(p) > 0 {
		n.size = max(n.size, off+int64(len(p)))
	}
	return len(p), nil
}

// page returns a page to write to, as it reads now.
func (n *node) page(at int64) ([]byte, error) {
	if page := n.pages[at]; page != nil {
		return page, nil
	}
	page := make([]byte, pageSize)
	if most := min(int64(pageSize), n.limit-at); most > 0 {
		if got, err := n.below.ReadAt(page[:most], at); int64(got) < most {
			return nil, err
		}
	}
	n.pages[at] = page
	return page, nil
}

// Truncate implements vfs.File.
func (f *file) Truncate(size int64) error {
	if f.readOnly {
		return vfs.ErrReadOnly
	}
	n := f.node
	n.mu.Lock()
	defer n.mu.Unlock()
	n.limit, n.size = min(n.limit, size), size
	for at, page := range n.pages {
		if at >= size {
			delete(n.pages, at)
		} else if at+pageSize > size {
			clear(page[size-at:])
		}
	}
	return nil
}

// Size implements vfs.File.
func (f *file) Size() (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.size, nil
}

// Sync implements vfs.File.
func (f *file) Sync() error { return nil }

// Close implements vfs.File; the content stays.
func (f *file) Close() error { return nil }
