package scan_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/cmd/gregor/internal/scan"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/vfs"
)

// build returns batches of values of these sizes, with ascending offsets.
func build(t *testing.T, sizes ...int) []byte {
	t.Helper()
	var out []byte
	for i, size := range sizes {
		var b batch.Builder
		b.Reset(batch.NewOptions())
		b.Append(1700000000000, nil, bytes.Repeat([]byte{byte(i)}, size))
		built, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		built.SetBaseOffset(base.Offset(i))
		out = append(out, built...)
	}
	return out
}

func open(t *testing.T, content []byte) vfs.File {
	t.Helper()
	f, err := vfs.NewMem(vfs.MemOptions{}).Open("log", vfs.Create)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(content, 0); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestWalk goes through batches around the size of what is read at once, and looks into each.
func TestWalk(t *testing.T) {
	content := build(t, 0, 100, 1<<20-200, 1<<20, 3<<20, 5, 1<<20-61)
	s, at := scan.New(open(t, content), int64(len(content))), int64(0)
	for i := range 7 {
		if ok, err := s.Next(); !ok || err != nil {
			t.Fatalf("batch %d: got %t and %v", i, ok, err)
		}
		if s.Position() != at || s.Header().BaseOffset() != base.Offset(i) {
			t.Errorf("batch %d: got position %d and offset %d, expected %d", i, s.Position(),
				s.Header().BaseOffset(), at)
		}
		if valid, err := s.Valid(); !valid || err != nil {
			t.Errorf("batch %d: got %t and %v, expected a right CRC", i, valid, err)
		}
		whole, err := s.Whole()
		if err != nil || !bytes.Equal(whole, content[at:at+s.Length()]) {
			t.Errorf("batch %d: got %d bytes and %v, expected the batch's", i, len(whole), err)
		}
		at += s.Length()
	}
	if ok, err := s.Next(); ok || err != nil || s.Trailing() != 0 {
		t.Errorf("at the end: got %t, %v and %d bytes left", ok, err, s.Trailing())
	}
}

// TestEnds stops where there is no whole batch, and says why where there is no batch at all.
func TestEnds(t *testing.T) {
	content := build(t, 10, 2<<20)
	first := len(build(t, 10))
	change := func(at int, to ...byte) []byte {
		p := bytes.Clone(content)
		copy(p[at:], to)
		return p
	}
	for _, c := range []struct {
		name     string
		content  []byte
		batches  int
		trailing int64
		err      error
		invalid  bool
	}{
		{"whole", content, 2, 0, nil, false},
		{"torn", content[:len(content)-1], 1, int64(len(content)-first) - 1, nil, false},
		{"half a header", content[:first+30], 1, 30, nil, false},
		{"a few bytes", content[:first+5], 1, 5, nil, false},
		{"flipped at the end", change(len(content)-1, 0xff), 2, 0, nil, true},
		{"longer than the file", change(first+8, 0x7f, 0xff, 0xff, 0xf0), 1, int64(len(content) - first), nil, false},
		{"old format", change(first+16, 1), 1, 0, batch.ErrOldMagic, false},
		{"unknown format", change(first+16, 3), 1, 0, batch.ErrBadMagic, false},
		{"zeros", change(first, make([]byte, 61)...), 1, 0, batch.ErrBadLength, false},
		{"negative length", change(first+8, 0x80), 1, 0, batch.ErrBadLength, false},
	} {
		s, batches, invalid := scan.New(open(t, c.content), int64(len(c.content))), 0, false
		var err error
		for ok := true; ok && err == nil; {
			if ok, err = s.Next(); ok {
				batches++
				valid, err := s.Valid()
				if err != nil {
					t.Error(err)
				}
				invalid = invalid || !valid
			}
		}
		if batches != c.batches || !errors.Is(err, c.err) || invalid != c.invalid ||
			err == nil && s.Trailing() != c.trailing {
			t.Errorf("%s: got %d batches, %d bytes left, %v, invalid %t", c.name, batches, s.Trailing(), err, invalid)
		}
	}
}

// TestShorterFile reads a file that is shorter than it was said to be.
func TestShorterFile(t *testing.T) {
	content := build(t, 10)
	s := scan.New(open(t, content[:40]), int64(len(content)))
	if ok, err := s.Next(); ok || err == nil {
		t.Errorf("got %t and %v, expected an error", ok, err)
	}
}
