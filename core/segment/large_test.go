package segment

import (
	"bytes"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/vfs"
)

// TestLocateReadsHeadersOfLargeBatches: where each batch has an entry of its own, a lookup reads the header at the
// entry and that behind it, and nothing of their records.
func TestLocateReadsHeadersOfLargeBatches(t *testing.T) {
	const batches, size = 10, 20 << 10
	fs := vfs.NewFaults(newFS(t), nil)
	cfg := Config{IndexBytes: 1 << 20, IndexIntervalBytes: 4 << 10}
	s, w := create(t, fs, 0, cfg, NewResidents(3)), &twin{}
	for range batches {
		records := []record{{w.next(), 1000}, {w.next() + 1, 1001}}
		b := build(t, records, w.next()+1, bytes.Repeat([]byte{'v'}, size))
		w.add(b, records)
		must(t, s.Append(b))
	}
	must(t, s.Seal())
	s.Close()
	s = Open(fs, testDir, 0, w.size, cfg, NewResidents(3))
	_, _, err := s.Locate(0) // it reads the indexes
	must(t, err)
	read := 0
	fs.SetHook(func(op vfs.Op) vfs.Decision {
		if op.Kind == vfs.OpRead {
			read += op.Len
		}
		return vfs.Decision{}
	})
	for o := base.Offset(0); o < w.next(); o++ {
		read = 0
		got, ok, err := s.Locate(o)
		want, _ := w.locate(o)
		if err != nil || !ok || got != want {
			t.Errorf("offset %d: got %+v, %v, %v, expected %+v", o, got, ok, err, want)
		}
		if read > 2*batch.HeaderSize && o < 2*(batches-1) { // behind the last entry nobody knows how large batches are
			t.Errorf("offset %d: got %d bytes read, expected at most two headers", o, read)
		}
	}
}
