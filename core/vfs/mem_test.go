package vfs

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

func TestCapacity(t *testing.T) {
	m := NewMem(MemOptions{Capacity: 10 * blockSize, Crashable: true})
	space := func(wantFree int64) {
		t.Helper()
		total, free, err := m.Space("/")
		check(t, err)
		if total != 10*blockSize || free != wantFree*blockSize {
			t.Errorf("%d of %d blocks free, expected %d of 10", free/blockSize, total/blockSize, wantFree)
		}
	}
	f := open(t, m, "f", Create)
	write(t, f, strings.Repeat("a", 3*blockSize), 0)
	space(7)
	g := open(t, m, "g", Create)
	n, err := g.WriteAt(bytes.Repeat([]byte{'b'}, 8*blockSize), 10)
	wantErr(t, "a write past the capacity", err, ErrNoSpace)
	if n != 7*blockSize-10 {
		t.Errorf("%d bytes written, expected %d", n, 7*blockSize-10)
	}
	wantFile(t, m, "g", strings.Repeat("\x00", 10)+strings.Repeat("b", n))
	space(0)
	if n, err = g.WriteAt([]byte("x"), 7*blockSize); n != 0 {
		t.Errorf("%d bytes written", n)
	}
	wantErr(t, "one byte more", err, ErrNoSpace)
	write(t, f, "in place", 100)

	// Holes take no space, cutting gives some back, and so does removing, once the file is closed.
	check(t, g.Truncate(1<<30))
	space(0)
	check(t, g.Truncate(blockSize+1))
	space(5)
	check(t, m.Remove("f"))
	space(5)
	check(t, f.Close())
	space(8)
	put(t, m, "h", "1")
	space(7)
	check(t, m.Rename("h", "g"))
	space(7)
	check(t, g.Close())
	space(9)
	_, _, err = m.Space("nothing")
	wantErr(t, "space of nothing", err, ErrNotExist)
}

// TestSpaceAfterTrouble counts what is in use after a kill and a loss of power, where files end that nobody closed.
func TestSpaceAfterTrouble(t *testing.T) {
	m := NewMem(MemOptions{Crashable: true})
	put(t, m, "gone", "1")
	check(t, m.SyncDir("/"))
	left := open(t, m, "gone", ReadWrite)
	check(t, m.Remove("gone"))
	putSynced(t, m, "f", strings.Repeat("a", blockSize))
	write(t, open(t, m, "f", ReadWrite), strings.Repeat("b", 5*blockSize), blockSize)
	used := func(want int64) {
		t.Helper()
		if got := m.Used(); got != want*blockSize {
			t.Errorf("%d blocks in use, expected %d", got/blockSize, want)
		}
	}
	used(7)
	m.Kill()
	used(6)
	wantErr(t, "close after the kill", left.Close(), ErrClosed)
	used(6)
	if c := m.CrashClone(func(c Change) bool { return c.Kind == ChangeCreate }); c.Used() != blockSize {
		t.Errorf("%d bytes in use after a loss of power, expected one block", c.Used())
	}
	m.PowerLoss(LoseAll)
	used(0)
	m.Restart()
	if got := tree(t, m, "/"); got != "gone \n" {
		t.Errorf("got %s", got)
	}
}

func TestFileTooLarge(t *testing.T) {
	m := NewMem(MemOptions{})
	f := open(t, m, "f", Create)
	_, err := f.WriteAt([]byte("ab"), MaxFileSize-1)
	wantErr(t, "write", err, ErrInvalid)
	wantErr(t, "truncate", f.Truncate(MaxFileSize+1), ErrInvalid)
	check(t, f.Truncate(MaxFileSize))
	if m.Used() != 0 {
		t.Errorf("a hole takes %d bytes", m.Used())
	}
	_, err = ReadFile(m, "f")
	wantErr(t, "reading all of it", err, ErrInvalid)
}

func TestNamesOfTheRoot(t *testing.T) {
	m := NewMem(MemOptions{})
	put(t, m, "/a", "1")
	for _, name := range []string{"a", "./a", "/a", "//a", "x/../a", "../a", "/../../a", "a/"} {
		wantFile(t, m, name, "1")
	}
	for _, name := range []string{"/", ".", "..", "x/.."} {
		if entries, err := m.List(name); err != nil || len(entries) != 1 {
			t.Errorf("%q: got %v, %v", name, entries, err)
		}
		wantErr(t, "remove", m.Remove(name), ErrInvalid)
		wantErr(t, "rename", m.Rename(name, "b"), ErrInvalid)
		wantErr(t, "rename to it", m.Rename("a", name), ErrExist)
		wantErr(t, "mkdir", m.Mkdir(name), nil)
	}
}

func TestModTime(t *testing.T) {
	now := int64(100)
	m := NewMem(MemOptions{Now: func() int64 { return now }})
	want := func(name string, want int64) {
		t.Helper()
		if e, err := m.Stat(name); err != nil || e.ModTime != want {
			t.Errorf("%s: got %d, %v, expected %d", name, e.ModTime, err, want)
		}
	}
	f := open(t, m, "f", Create)
	now = 200
	want("f", 100)
	write(t, f, "a", 0)
	want("f", 200)
	now = 300
	check(t, f.Truncate(0))
	want("f", 300)
	want("/", 100)
	check(t, m.Mkdir("d"))
	want("/", 300)
	now = 400
	check(t, m.Rename("f", "d/f"))
	want("/", 400)
	want("d", 400)
	want("d/f", 300)
}

func TestViewOfHolesAndEnds(t *testing.T) {
	m := NewMem(MemOptions{})
	f := open(t, m, "f", Create)
	write(t, f, "end", 3*chunkSize)
	v := f.(Viewer)
	parts, err := v.View(nil, 10, 3*chunkSize)
	if got := len(bytes.Join(parts, nil)); err != io.EOF || got != 3*chunkSize-7 {
		t.Errorf("got %d bytes, %v", got, err)
	}
	if got := bytes.Join(parts, nil); !bytes.HasSuffix(got, []byte("\x00end")) {
		t.Errorf("got %s", brief(got))
	}
	again, err := v.View(parts[:1], 3*chunkSize, 3)
	if err != nil || len(again) != 2 || string(again[1]) != "end" {
		t.Errorf("appended: got %q, %v", again[1:], err)
	}
	if parts, err = v.View(nil, 4*chunkSize, 1); len(parts) != 0 || err != io.EOF {
		t.Errorf("past the end: %q, %v", parts, err)
	}
	_, err = v.View(nil, -1, 1)
	wantErr(t, "view at -1", err, ErrInvalid)
	_, err = v.View(nil, 0, -1)
	wantErr(t, "view of -1 bytes", err, ErrInvalid)
}

// TestMemoryIsGivenBack checks that a removed and closed file holds no chunks, though its handle lives on.
func TestMemoryIsGivenBack(t *testing.T) {
	m := NewMem(MemOptions{})
	f := open(t, m, "f", Create)
	write(t, f, strings.Repeat("a", 3*chunkSize), 0)
	node := f.(*memFile).node.Load()
	check(t, m.Remove("f"))
	if len(node.content.chunks) != 3 {
		t.Errorf("%d chunks while it is open, expected 3", len(node.content.chunks))
	}
	check(t, f.Close())
	if len(node.content.chunks) != 0 || m.Used() != 0 || f.(*memFile).node.Load() != nil {
		t.Errorf("%d chunks and %d bytes are still held", len(node.content.chunks), m.Used())
	}
}
