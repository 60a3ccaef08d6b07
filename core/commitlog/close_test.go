package commitlog

import (
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// counted counts the files that are open.
type counted struct {
	vfs.FS
	open *int
}

func (c *counted) Open(name string, mode vfs.Mode) (vfs.File, error) {
	f, err := c.FS.Open(name, mode)
	if err != nil {
		return nil, err
	}
	*c.open++
	return &countedFile{File: f, open: c.open}, nil
}

type countedFile struct {
	vfs.File
	open *int
}

func (f *countedFile) Close() error {
	*f.open--
	return f.File.Close()
}

// Segments that were deleted and wait for the removal of their files keep none of them open, and a reader that still
// has one open gives it up with its span, also when the log is closed first.
func TestDeletedSegmentsKeepNoFileOpen(t *testing.T) {
	open := 0
	fs := &counted{FS: vfs.NewMem(vfs.MemOptions{}), open: &open}
	l, _, err := Open(Options{
		FS: fs, Dir: "/d/t-0", TopicID: base.UUID{5: 3}, Residents: segment.NewResidents(100), Config: Config{
			SegmentBytes: 100, SegmentMs: 1 << 40, IndexBytes: 1 << 20, IndexIntervalBytes: 4096, RetentionMs: -1,
			RetentionBytes: -1, FlushMessages: 1 << 60, FlushMs: 1 << 60, Delete: true, FileDeleteDelayMs: 1000,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	var builder batch.Builder
	for range 10 {
		builder.Reset(batch.NewOptions())
		builder.Append(1000, nil, []byte("value"))
		b, err := builder.Build()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Append(b, 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	read, err := l.Read(3, 1000, l.End(), true)
	if err != nil || read.Span.Length == 0 {
		t.Fatalf("read %d bytes: %v", read.Span.Length, err)
	}
	if _, err := l.DeleteRecords(8, l.End()); err != nil {
		t.Fatal(err)
	}
	l.StartCheckpoint()
	if n, err := l.Trim(0); n != 8 || err != nil {
		t.Fatalf("%d segments went: %v", n, err)
	}
	if want := 3; open != want { // two segments are left, and one is being read
		t.Errorf("got %d open files, expected %d", open, want)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	read.Span.Release()
	if open != 0 {
		t.Errorf("got %d open files after the log was closed", open)
	}
}
