package overlay_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/gregor-log/gregor/cmd/gregor/internal/overlay"
	"github.com/gregor-log/gregor/core/vfs"
)

// names are few, so that operations meet.
var names = []string{"d/a", "d/b", "d/c", "e/a"}

// fill makes the file system below.
func fill(t *testing.T) *vfs.Mem {
	t.Helper()
	mem := vfs.NewMem(vfs.MemOptions{})
	for _, dir := range []string{"d", "e"} {
		if err := mem.Mkdir(dir); err != nil {
			t.Fatal(err)
		}
	}
	for i, name := range names[:3] {
		f, err := mem.Open(name, vfs.Create)
		if err == nil {
			_, err = f.WriteAt(bytes.Repeat([]byte{byte('x' + i)}, 3000*(i+1)), 0)
		}
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return mem
}

// step does one random operation and returns all that can be seen of its outcome.
func step(fs vfs.FS, random *rand.Rand) string {
	name, other := names[random.IntN(len(names))], names[random.IntN(len(names))]
	mode := vfs.Mode(random.IntN(4))
	off, n := int64(random.IntN(12000)), random.IntN(6000)
	switch random.IntN(8) {
	case 0:
		return fmt.Sprint("remove ", class(fs.Remove(name)))
	case 1:
		if name == other {
			return ""
		}
		return fmt.Sprint("rename ", class(fs.Rename(name, other)))
	case 2:
		e, err := fs.Stat(name)
		return fmt.Sprint("stat ", e.Name, e.Size, e.Dir, class(err))
	}
	f, err := fs.Open(name, mode)
	if err != nil {
		return fmt.Sprint("open ", mode, class(err))
	}
	defer f.Close()
	var out string
	switch random.IntN(3) {
	case 0:
		p := bytes.Repeat([]byte{byte(random.Uint32())}, n)
		got, err := f.WriteAt(p, off)
		out = fmt.Sprint("write ", got, class(err))
	case 1:
		out = fmt.Sprint("truncate ", class(f.Truncate(off)))
	}
	p := make([]byte, n)
	got, err := f.ReadAt(p, off/2)
	size, _ := f.Size()
	return fmt.Sprint(out, " read ", got, class(err), p[:got], size)
}

// class names an error by its sentinel.
func class(err error) string {
	for _, each := range []error{vfs.ErrNotExist, vfs.ErrReadOnly, io.EOF} {
		if errors.Is(err, each) {
			return each.Error()
		}
	}
	return fmt.Sprint(err)
}

// content returns all names and bytes.
func content(t *testing.T, fs vfs.FS) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, dir := range []string{"d", "e"} {
		entries, err := fs.List(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			p, err := vfs.ReadFile(fs, dir+"/"+e.Name)
			if err != nil || int64(len(p)) != e.Size {
				t.Fatalf("%s: got %d bytes and %v, the list says %d", e.Name, len(p), err, e.Size)
			}
			all[dir+"/"+e.Name] = p
		}
	}
	return all
}

// TestTwin does the same to an overlay and to a file system of its own: no difference shows, and below nothing changes.
func TestTwin(t *testing.T) {
	for seed := range uint64(60) {
		below, twin := fill(t), fill(t)
		before := content(t, below)
		over := overlay.New(below)
		a, b := rand.New(rand.NewPCG(seed, 0)), rand.New(rand.NewPCG(seed, 0))
		for i := range 60 {
			if got, want := step(over, a), step(twin, b); got != want {
				t.Fatalf("seed %d, step %d:\ngot  %.300s\nwant %.300s", seed, i, got, want)
			}
		}
		if !reflect.DeepEqual(content(t, over), content(t, twin)) {
			t.Fatalf("seed %d: the overlay has another content than its twin", seed)
		}
		if !reflect.DeepEqual(content(t, below), before) {
			t.Fatalf("seed %d: the file system below has changed", seed)
		}
		if err := over.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDirectories makes directories that are not there below.
func TestDirectories(t *testing.T) {
	below := fill(t)
	over := overlay.New(below)
	if err := over.Mkdir("new"); err != nil {
		t.Fatal(err)
	}
	f, err := over.Open("new/file", vfs.Create)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Sync(), f.Close(), over.SyncDir("new")); err != nil {
		t.Fatal(err)
	}
	entries, err := over.List("new")
	if err != nil || len(entries) != 1 || entries[0].Name != "file" {
		t.Errorf("got %v and %v, expected the new file", entries, err)
	}
	if e, err := over.Stat("new"); err != nil || !e.Dir {
		t.Errorf("got %+v and %v, expected a directory", e, err)
	}
	if _, err := below.Stat("new"); !errors.Is(err, vfs.ErrNotExist) {
		t.Errorf("below: got %v, expected no such directory", err)
	}
	if _, err := over.List("nowhere"); !errors.Is(err, vfs.ErrNotExist) {
		t.Errorf("got %v, expected no such directory", err)
	}
	lock, err := over.Lock("d/.lock")
	if err != nil || lock.Close() != nil {
		t.Errorf("got %v, expected a lock of nothing", err)
	}
}
