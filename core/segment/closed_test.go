package segment

import (
	"bytes"
	"testing"

	"github.com/gregor-log/gregor/core/vfs"
)

// A closed segment opens no file any more: its name may stand for another segment's by then. Who holds its file keeps
// it.
func TestClosedSegmentOpensNothing(t *testing.T) {
	fs := vfs.NewMem(vfs.MemOptions{})
	must(t, fs.Mkdir("d"))
	create := func(fill string) (*Segment, []byte) {
		s, err := Create(fs, "d", 0, Config{IndexBytes: 1 << 20, IndexIntervalBytes: 4096}, NewResidents(1))
		must(t, err)
		b := build(t, []record{{0, 1000}}, 0, []byte(fill))
		must(t, s.Append(b))
		return s, b
	}
	old, want := create("old")
	must(t, old.Seal())
	span, err := old.Span(0, old.Size())
	must(t, err)
	old.Close()
	must(t, fs.Rename("d", "e"))
	must(t, fs.Mkdir("d"))
	next, _ := create("new")
	must(t, next.Seal())

	got := make([]byte, len(want))
	if _, err := span.File.ReadAt(got, 0); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the bytes of a held span changed: %v", err)
	}
	span.Release()
	if _, err := old.ReadAt(got, 0); !isNotExist(err) {
		t.Errorf("read: got %v, expected vfs.ErrNotExist", err)
	}
	if _, err := old.Span(0, 10); !isNotExist(err) {
		t.Errorf("span: got %v, expected vfs.ErrNotExist", err)
	}
	if _, _, err := old.Locate(0); !isNotExist(err) {
		t.Errorf("locate: got %v, expected vfs.ErrNotExist", err)
	}
	if err := old.Sync(); !isNotExist(err) {
		t.Errorf("sync: got %v, expected vfs.ErrNotExist", err)
	}
	old.mu.timesKnown = false
	if _, _, err := old.LargestTimestamp(); !isNotExist(err) {
		t.Errorf("largest timestamp: got %v, expected vfs.ErrNotExist", err)
	}
}
