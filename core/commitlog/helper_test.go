package commitlog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

const (
	logDir = "/d/t-0"
	start  = int64(1_700_000_000_000)
)

var topicID = base.UUID{5: 3}

// never is a time or a number that does not come.
const never = 1<<63 - 1

func testConfig() Config {
	return Config{
		SegmentBytes: 1 << 20, SegmentMs: never, IndexBytes: 10 << 20, IndexIntervalBytes: 4096, RetentionMs: -1,
		RetentionBytes: -1, FlushMessages: never, FlushMs: never, Delete: true, ProducerExpirationMs: 86400000,
	}
}

func testOptions(fs vfs.FS) Options {
	return Options{
		FS: fs, Dir: logDir, TopicID: topicID, Config: testConfig(), Residents: segment.NewResidents(4), Wall: start,
	}
}

func newFS(t testing.TB) *vfs.Mem {
	t.Helper()
	fs := vfs.NewMem(vfs.MemOptions{Crashable: true})
	must(t, vfs.MkdirSync(fs, path.Dir(logDir)))
	return fs
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, o Options) *Log {
	t.Helper()
	l, _, err := Open(o)
	must(t, err)
	return l
}

// set describes a batch to append.
type set struct {
	pid   base.ProducerID // 0: none
	epoch base.ProducerEpoch
	seq   int32
	size  int
	times []int64
}

func (s set) build(t testing.TB) batch.Batch {
	t.Helper()
	o := batch.NewOptions()
	if s.pid > 0 {
		o.ProducerID, o.ProducerEpoch, o.BaseSequence = s.pid, s.epoch, s.seq
	}
	var b batch.Builder
	b.Reset(o)
	if s.times == nil {
		s.times = []int64{start}
	}
	for _, ts := range s.times {
		b.Append(ts, nil, bytes.Repeat([]byte{'x'}, s.size))
	}
	built, err := b.Build()
	must(t, err)
	return slices.Clone(built)
}

// add appends batches of one record, each with its offset as its value, and returns their offsets.
func add(t testing.TB, l *Log, n int) {
	t.Helper()
	for range n {
		must(t, addOne(t, l))
	}
}

func addOne(t testing.TB, l *Log) error {
	t.Helper()
	end := l.End()
	got, err := l.Append(numbered(t, end, 1), 0, start)
	if err == nil && (got.Base != end || got.End != end+1 || l.End() != end+1) {
		t.Fatalf("append at %d: got %+v", end, got)
	}
	return err
}

// numbered is a batch of n records that say which offsets they are to have.
func numbered(t testing.TB, first base.Offset, n int) batch.Batch {
	t.Helper()
	var b batch.Builder
	b.Reset(batch.NewOptions())
	for i := range n {
		b.Append(start+int64(first), nil, fmt.Appendf(nil, "%-40d", int(first)+i))
	}
	built, err := b.Build()
	must(t, err)
	return slices.Clone(built)
}

// readFrom reads the whole log from offset on, batch by batch, as a client would, and checks that every record that add
// wrote says the offset that it has. It returns the offsets that it saw.
func readFrom(t testing.TB, l *Log, offset base.Offset) []base.Offset {
	t.Helper()
	var seen []base.Offset
	for next := offset; next < l.End(); {
		r, err := l.Read(next, 1000, l.End(), true)
		must(t, err)
		raw := spanBytes(t, &r)
		if len(raw) == 0 {
			t.Fatalf("nothing to read at %d of %d", next, l.End())
		}
		for len(raw) > 0 {
			b, rest, err := batch.Parse(raw)
			if errors.Is(err, batch.ErrShort) {
				break
			}
			must(t, err)
			must(t, b.CheckCRC())
			for it := b.Records(1 << 20); it.Next(); {
				rec := it.Record()
				if text := strings.TrimSpace(string(rec.Value)); text != fmt.Sprint(rec.Offset) {
					t.Fatalf("record at %d says %q", rec.Offset, text)
				}
				if rec.Offset >= next {
					seen = append(seen, rec.Offset)
				}
			}
			raw, next = rest, b.NextOffset()
		}
	}
	return seen
}

// dense checks that offsets are all from first to last.
func dense(t testing.TB, seen []base.Offset, first, end base.Offset) {
	t.Helper()
	if len(seen) != int(end-first) {
		t.Fatalf("got %d records %v, expected %d to %d", len(seen), seen, first, end)
	}
	for i, o := range seen {
		if o != first+base.Offset(i) {
			t.Fatalf("got offset %d at place %d, expected %d", o, i, first+base.Offset(i))
		}
	}
}

// spanBytes reads and releases a span.
func spanBytes(t testing.TB, r *Range) []byte {
	t.Helper()
	defer r.Span.Release()
	raw := make([]byte, r.Span.Length)
	if len(raw) == 0 {
		return nil
	}
	if n, err := r.Span.File.ReadAt(raw, r.Span.Offset); n < len(raw) || err != nil && !errors.Is(err, io.EOF) {
		t.Fatalf("read a span: %d of %d bytes, %v", n, len(raw), err)
	}
	return raw
}

// sync makes everything durable.
func syncLog(t testing.TB, l *Log) base.Offset {
	t.Helper()
	j, ok := l.BeginSync()
	if !ok {
		t.Fatal("no sync can begin")
	}
	must(t, j.Run())
	point, err := l.EndSync(j)
	must(t, err)
	return point
}

// tree is everything below a directory.
func tree(t testing.TB, fs vfs.FS, dir string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	entries, err := fs.List(dir)
	if errors.Is(err, vfs.ErrNotExist) {
		return found
	}
	must(t, err)
	for _, e := range entries {
		name := path.Join(dir, e.Name)
		if e.Dir {
			found[name] = "directory"
			for k, v := range tree(t, fs, name) {
				found[k] = v
			}
			continue
		}
		content, err := vfs.ReadFile(fs, name)
		must(t, err)
		found[name] = string(content)
	}
	return found
}

// same compares two trees and names the files that differ.
func same(t testing.TB, before, after map[string]string) {
	t.Helper()
	for name, content := range before {
		if got, ok := after[name]; !ok {
			t.Errorf("%s is gone", name)
		} else if got != content {
			t.Errorf("%s was changed from %d to %d bytes", name, len(content), len(got))
		}
	}
	for name := range after {
		if _, ok := before[name]; !ok {
			t.Errorf("%s is new", name)
		}
	}
}

func write(t testing.TB, fs vfs.FS, name string, content []byte) {
	t.Helper()
	must(t, fs.Mkdir(path.Dir(name)))
	f, err := fs.Open(name, vfs.Truncate)
	must(t, err)
	_, err = f.WriteAt(content, 0)
	must(t, err)
	must(t, f.Close())
}

func read(t testing.TB, fs vfs.FS, name string) []byte {
	t.Helper()
	content, err := vfs.ReadFile(fs, name)
	must(t, err)
	return content
}

// audit checks all files of the log's directory after a clean stop.
func audit(t testing.TB, fs vfs.FS) Audit {
	t.Helper()
	a, err := AuditDir(fs, logDir, nil)
	must(t, err)
	if len(a.Problems) > 0 {
		t.Fatal(a.Problems)
	}
	return a
}
