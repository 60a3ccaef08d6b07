package commitlog

import (
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

func TestSmoke(t *testing.T) {
	fs := vfs.NewMem(vfs.MemOptions{})
	opts := Options{FS: fs, Dir: "/d/t-0", TopicID: base.UUID{5: 3}, Residents: segment.NewResidents(4), Config: Config{
		SegmentBytes: 1 << 14, SegmentMs: 1 << 40, IndexBytes: 1 << 20, IndexIntervalBytes: 4096, RetentionMs: -1, RetentionBytes: -1,
		FlushMessages: 1 << 62, FlushMs: 1 << 62,
	}}
	l, _, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	var bl batch.Builder
	for i := range 1000 {
		bl.Reset(batch.NewOptions())
		bl.Append(int64(1000+i), []byte("key"), make([]byte, 100))
		b, err := bl.Build()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Append(b, 0, int64(i)); err != nil {
			t.Fatal(err)
		}
	}
	for o := range base.Offset(1000) {
		r, err := l.Read(o, 1000, l.End(), true)
		if err != nil || r.Span.Length == 0 {
			t.Fatal(o, err)
		}
		p := make([]byte, r.Span.Length)
		r.Span.File.ReadAt(p, r.Span.Offset)
		b, _, err := batch.Parse(p)
		if err != nil || b.BaseOffset() != o {
			t.Fatal(err, b.BaseOffset(), o)
		}
		r.Span.Release()
		ts, ok, err := l.OffsetForTime(int64(1000+o), l.End())
		if err != nil || !ok || ts.Offset != o {
			t.Fatal(ts, ok, err, o)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	opts.Clean, opts.Trusted, opts.RecoveryPoint = true, true, 1000
	l, rep, err := Open(opts)
	if err != nil || rep.End != 1000 {
		t.Fatal(err, rep)
	}
	l.Abandon()
	opts.Clean, opts.RecoveryPoint = false, 0
	l, rep, err = Open(opts)
	if err != nil || rep.End != 1000 {
		t.Fatal(err, rep)
	}
	t.Logf("%+v", rep)
}
