package vfs

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
)

// twin is the dumbest file system there is: one map from paths to bytes, where nil stands for a directory.
type twin struct {
	names map[string]*twinFile
}

type twinFile struct{ data []byte }

func newTwin() *twin { return &twin{names: map[string]*twinFile{"": nil}} }

// above checks the directory that a name lies in.
func (w *twin) above(name string) error {
	for i, c := range name {
		if c == '/' {
			f, ok := w.names[name[:i]]
			if !ok {
				return ErrNotExist
			}
			if f != nil {
				return ErrNotDir
			}
		}
	}
	return nil
}

func (w *twin) isDir(name string) bool {
	f, ok := w.names[name]
	return ok && f == nil
}

func (w *twin) below(name string) []string {
	var found []string
	for other := range w.names {
		if strings.HasPrefix(other, name+"/") {
			found = append(found, other)
		}
	}
	return found
}

func (w *twin) open(name string, mode Mode) (*twinFile, error) {
	if err := w.above(name); err != nil {
		return nil, err
	}
	f, ok := w.names[name]
	switch {
	case !ok && mode < Create:
		return nil, ErrNotExist
	case !ok:
		f = &twinFile{}
		w.names[name] = f
	case f == nil:
		return nil, ErrIsDir
	}
	if mode == Truncate {
		f.data = nil
	}
	return f, nil
}

func (w *twin) remove(name string) error {
	if err := w.above(name); err != nil {
		return err
	}
	if _, ok := w.names[name]; !ok {
		return ErrNotExist
	}
	if len(w.below(name)) > 0 {
		return ErrNotEmpty
	}
	delete(w.names, name)
	return nil
}

func (w *twin) rename(from, to string) error {
	if err := w.above(from); err != nil {
		return err
	}
	if err := w.above(to); err != nil {
		return err
	}
	if _, ok := w.names[from]; !ok {
		return ErrNotExist
	}
	_, taken := w.names[to]
	switch {
	case w.isDir(to):
		return ErrExist
	case w.isDir(from) && strings.HasPrefix(to, from+"/"):
		return ErrInvalid
	case w.isDir(from) && taken:
		return ErrNotDir
	}
	moved := w.names[from]
	delete(w.names, from)
	for _, name := range w.below(from) {
		w.names[to+strings.TrimPrefix(name, from)] = w.names[name]
		delete(w.names, name)
	}
	w.names[to] = moved
	return nil
}

func (w *twin) mkdir(name string) error {
	for i, c := range name + "/" {
		if c != '/' {
			continue
		}
		if f, ok := w.names[name[:i]]; ok && f != nil {
			return ErrNotDir
		}
		w.names[name[:i]] = nil
	}
	return nil
}

func (f *twinFile) writeAt(p []byte, off int) {
	if len(p) == 0 {
		return
	}
	f.data = append(f.data, make([]byte, max(off+len(p)-len(f.data), 0))...)
	copy(f.data[off:], p)
}

func (f *twinFile) truncate(size int) {
	f.data = append(f.data, make([]byte, max(size-len(f.data), 0))...)[:size]
	f.data = bytes.Clone(f.data)
}

func (f *twinFile) readAt(p []byte, off int) (int, error) {
	n := copy(p, f.data[min(off, len(f.data)):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// tree is what the helper of the same name shows of a real one.
func (w *twin) tree() string {
	var b strings.Builder
	for _, name := range slices.SortedFunc(maps.Keys(w.names), comparePaths) {
		switch f := w.names[name]; {
		case name == "":
		case f == nil:
			fmt.Fprintf(&b, "%s/\n", name)
		default:
			fmt.Fprintf(&b, "%s %s\n", name, brief(f.data))
		}
	}
	return b.String()
}

// comparePaths orders paths as a walk meets them: what lies in a directory follows it.
func comparePaths(a, b string) int {
	return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/"))
}

// pair is a file opened in both worlds.
type pair struct {
	real File
	twin *twinFile
}

// TestRandomAgainstTwin makes the same random calls on every file system and on the twin; results, errors and, now and
// then, the whole tree must agree.
func TestRandomAgainstTwin(t *testing.T) {
	each(t, func(t *testing.T, u under) {
		for seed := range uint64(5) {
			check(t, u.fs.Mkdir(u.at(fmt.Sprint(seed))))
			run := &twinRun{under: under{u.fs, u.at(fmt.Sprint(seed))}, twin: newTwin(), dice: newDice(seed)}
			for step := range 600 {
				run.step(t)
				if step%100 == 99 {
					if got, want := tree(t, u.fs, run.root), run.twin.tree(); got != want {
						t.Fatalf("seed %d, step %d: got\n%sexpected\n%s", seed, step, got, want)
					}
				}
				if t.Failed() {
					t.Fatalf("seed %d, step %d", seed, step)
				}
			}
			for _, p := range run.open {
				check(t, p.real.Close())
			}
		}
	})
}

type twinRun struct {
	under
	dice
	twin *twin
	open []pair
}

func (r *twinRun) step(t *testing.T) {
	t.Helper()
	name := func() string {
		return of(r.dice, "a", "b", "d", "d/a", "d/b", "d/e", "d/e/a", "d/e/b", "a/x", "d/e/a/x", "g")
	}
	switch n := r.below(20); {
	case n < 3:
		name, mode := name(), of(r.dice, Read, ReadWrite, Create, Create, Truncate)
		f, err := r.fs.Open(r.at(name), mode)
		w, want := r.twin.open(name, mode)
		wantErr(t, "open "+name, err, want)
		if err == nil && want == nil && mode != Read {
			r.open = append(r.open, pair{f, w})
		} else if err == nil {
			check(t, f.Close())
		}
	case n == 3:
		name := name()
		wantErr(t, "remove "+name, r.fs.Remove(r.at(name)), r.twin.remove(name))
	case n == 4:
		from, to := name(), name()
		wantErr(t, "rename "+from+" "+to, r.fs.Rename(r.at(from), r.at(to)), r.twin.rename(from, to))
	case n == 5:
		name := name()
		wantErr(t, "mkdir "+name, r.fs.Mkdir(r.at(name)), r.twin.mkdir(name))
	case n == 6:
		name := name()
		_, ok := r.twin.names[name]
		got, err := Exists(r.fs, r.at(name))
		if err == nil && got != ok {
			t.Errorf("%s exists: %v, expected %v", name, got, ok)
		}
	case n == 7:
		// Not every file system allows this of every name, but where it works it must change nothing.
		_ = r.fs.SyncDir(r.at(name()))
	case len(r.open) > 0:
		r.stepFile(t, r.below(len(r.open)))
	}
}

func (r *twinRun) stepFile(t *testing.T, i int) {
	t.Helper()
	p := r.open[i]
	size, err := p.real.Size()
	check(t, err)
	if size != int64(len(p.twin.data)) {
		t.Fatalf("size %d, expected %d", size, len(p.twin.data))
	}
	off := of(r.dice, len(p.twin.data), r.below(len(p.twin.data)+1), r.below(3000), r.below(2*chunkSize))
	switch r.below(10) {
	case 0:
		check(t, p.real.Close())
		r.open = slices.Delete(r.open, i, i+1)
	case 1:
		check(t, p.real.Sync())
	case 2:
		check(t, p.real.Truncate(int64(off)))
		p.twin.truncate(off)
	case 3, 4, 5:
		got, want := make([]byte, 1+r.below(4000)), make([]byte, 4000)
		n, err := p.real.ReadAt(got, int64(off))
		m, wantEnd := p.twin.readAt(want[:len(got)], off)
		if n != m || err != wantEnd || !bytes.Equal(got[:n], want[:m]) {
			t.Errorf("read at %d: got %d bytes, %v, expected %d, %v", off, n, err, m, wantEnd)
		}
	default:
		data := bytes.Repeat([]byte{byte('a' + r.below(26))}, of(r.dice, 1+r.below(100), 1+r.below(5000)))
		n, err := p.real.WriteAt(data, int64(off))
		if n != len(data) || err != nil {
			t.Errorf("write: %d, %v", n, err)
		}
		p.twin.writeAt(data, off)
	}
}
