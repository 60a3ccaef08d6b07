package vfs

import "io"

// faultFile is a file of Faults.
type faultFile struct {
	fs    *Faults
	inner File
	name  string
}

var (
	_ File       = (*faultFile)(nil)
	_ Viewer     = (*faultFile)(nil)
	_ SlowSyncer = (*faultFile)(nil)
)

func (f *faultFile) ReadAt(p []byte, off int64) (int, error) {
	d := f.fs.ask(Op{Kind: OpRead, Name: f.name, Off: off, Len: len(p)})
	if d.Err == nil {
		return f.inner.ReadAt(p, off)
	}
	n := 0
	if part := d.part(len(p)); part > 0 {
		n, _ = f.inner.ReadAt(p[:part], off)
	}
	return n, d.Err
}

func (f *faultFile) WriteAt(p []byte, off int64) (int, error) {
	d := f.fs.ask(Op{Kind: OpWrite, Name: f.name, Off: off, Len: len(p)})
	if d.Err == nil {
		return f.inner.WriteAt(p, off)
	}
	part := d.part(len(p))
	if part == 0 {
		return 0, d.Err
	}
	n, err := f.inner.WriteAt(p[:part], off)
	if err == nil {
		err = d.Err
	}
	return n, err
}

// part returns how many of n bytes a failing read or write handles.
func (d Decision) part(n int) int {
	if d.Apply {
		return n
	}
	return min(max(d.Partial, 0), n)
}

func (f *faultFile) View(dst [][]byte, off int64, n int) ([][]byte, error) {
	d := f.fs.ask(Op{Kind: OpRead, Name: f.name, Off: off, Len: n})
	if d.Err != nil {
		return dst, d.Err
	}
	if v, ok := f.inner.(Viewer); ok {
		return v.View(dst, off, n)
	}
	return f.copyView(dst, off, n)
}

// copyView is View for a file below that has none.
func (f *faultFile) copyView(dst [][]byte, off int64, n int) ([][]byte, error) {
	size, err := f.inner.Size()
	if err == nil && n < 0 {
		err = pathError("read", f.name, ErrInvalid)
	}
	if err != nil {
		return dst, err
	}
	// The size bounds what is allocated.
	p := make([]byte, clampLen(int64(n), off, size))
	got, err := f.inner.ReadAt(p, off)
	if got > 0 {
		dst = append(dst, p[:got])
	}
	if err == nil && got < n {
		err = io.EOF
	}
	return dst, err
}

func (f *faultFile) Truncate(size int64) error {
	return f.fs.do(Op{Kind: OpTruncate, Name: f.name, Off: size}, func() error { return f.inner.Truncate(size) })
}

func (f *faultFile) Size() (size int64, err error) {
	err = f.fs.do(Op{Kind: OpSize, Name: f.name}, func() (err error) {
		size, err = f.inner.Size()
		return err
	})
	if err != nil {
		return 0, err
	}
	return size, nil
}

func (f *faultFile) Sync() error {
	return f.fs.do(Op{Kind: OpSync, Name: f.name}, f.inner.Sync)
}

func (f *faultFile) BeginSync() (mark uint64, err error) {
	if s, ok := f.inner.(SlowSyncer); ok {
		return s.BeginSync()
	}
	return 0, nil
}

func (f *faultFile) EndSync(mark uint64) error {
	return f.fs.do(Op{Kind: OpSync, Name: f.name}, func() error {
		if s, ok := f.inner.(SlowSyncer); ok {
			return s.EndSync(mark)
		}
		return f.inner.Sync()
	})
}

func (f *faultFile) Close() error {
	d := f.fs.ask(Op{Kind: OpClose, Name: f.name})
	err := f.inner.Close()
	if d.Err != nil {
		return d.Err
	}
	return err
}
