package commitlog

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/segment"
)

// crowd is a log that one goroutine appends to while others read, sync and delete.
type crowd struct {
	l      *Log
	done   atomic.Bool
	failed chan error
	read   atomic.Int64
}

func (c *crowd) fail(format string, args ...any) {
	c.done.Store(true)
	select {
	case c.failed <- fmt.Errorf(format, args...):
	default: // one is enough
	}
}

// TestConcurrentUse appends and rolls, reads at the tail and from the start, looks up timestamps, syncs, and deletes
// from the start on, all at once: a reader sees each record whole, at its offset, and in order, or is told that it is
// deleted.
func TestConcurrentUse(t *testing.T) {
	const records = 3000
	o := testOptions(newFS(t))
	o.Config.SegmentBytes, o.Config.IndexIntervalBytes = int32(20*len(numbered(t, 0, 1))), 300
	o.Residents = segment.NewResidents(2)
	c := &crowd{l: open(t, o), failed: make(chan error, 1)}
	batches := make([]batch.Batch, records)
	for i := range batches {
		batches[i] = numbered(t, base.Offset(i), 1)
	}
	var others sync.WaitGroup
	for _, work := range []func(){c.readFromStart, c.readTail, c.lookUp, c.syncAll, c.trim} {
		others.Go(func() {
			for !c.done.Load() {
				work()
			}
		})
	}
	for i, b := range batches {
		if got, err := c.l.Append(b, 0, start); err != nil || got.Base != base.Offset(i) {
			c.fail("append %d: got %+v, %w", i, got, err)
			break
		}
	}
	c.done.Store(true)
	others.Wait()
	select {
	case err := <-c.failed:
		t.Fatal(err)
	default:
	}
	c.readFromStart()
	syncLog(t, c.l)
	dense(t, readFrom(t, c.l, c.l.Start()), c.l.Start(), records)
	must(t, c.l.Close())
	audit(t, o.FS)
}

// readFromStart reads a stretch from where the log starts now.
func (c *crowd) readFromStart() { c.readSome(c.l.Start()) }

// readTail reads what was appended last.
func (c *crowd) readTail() { c.readSome(max(c.l.End()-3, 0)) }

func (c *crowd) readSome(next base.Offset) {
	end := c.l.End()
	for range 5 {
		r, err := c.l.Read(next, 1000, end, true)
		if errors.Is(err, ErrOffsetOutOfRange) && next < c.l.Start() {
			return
		}
		if err != nil {
			c.fail("read at %d: %w", next, err)
			return
		}
		raw := make([]byte, r.Span.Length)
		if len(raw) > 0 {
			if n, err := r.Span.File.ReadAt(raw, r.Span.Offset); n < len(raw) || err != nil && !errors.Is(err, io.EOF) {
				c.fail("read %d of %d bytes at %d: %w", n, len(raw), next, err)
			}
		}
		r.Span.Release()
		for len(raw) > 0 {
			b, rest, err := batch.Parse(raw)
			if errors.Is(err, batch.ErrShort) {
				break
			}
			if err = errors.Join(err, c.check(b, next)); err != nil {
				c.fail("%w", err)
				return
			}
			raw, next = rest, b.NextOffset()
		}
	}
}

// check holds a batch against the offset that is due.
func (c *crowd) check(b batch.Batch, due base.Offset) error {
	if err := b.CheckCRC(); err != nil || b.BaseOffset() != due {
		return fmt.Errorf("got the batch of %d, expected %d: %w", b.BaseOffset(), due, err)
	}
	for it := b.Records(1 << 20); it.Next(); {
		if r := it.Record(); strings.TrimSpace(string(r.Value)) != fmt.Sprint(r.Offset) {
			return fmt.Errorf("record at %d says %q", r.Offset, r.Value)
		}
	}
	c.read.Add(1)
	return nil
}

// lookUp finds a record by its timestamp, which says its offset.
func (c *crowd) lookUp() {
	end := c.l.End()
	want := (c.l.Start() + end) / 2
	if want >= end {
		return
	}
	got, ok, err := c.l.OffsetForTime(start+int64(want), end)
	deleted := want < c.l.Start() // before or during the lookup
	if err != nil || !deleted && (!ok || got.Offset != want) || ok && got.Offset < want {
		c.fail("timestamp of %d: got %+v, %t, %w", want, got, ok, err)
	}
	if _, ok, err := c.l.LargestTimestamp(); (err != nil || !ok) && !errors.Is(err, ErrOffsetOutOfRange) {
		c.fail("largest timestamp: %t, %w", ok, err)
	}
}

// syncAll makes durable what is there.
func (c *crowd) syncAll() {
	j, ok := c.l.BeginSync()
	if !ok {
		return
	}
	if err := j.Run(); err != nil {
		c.fail("sync: %w", err)
	}
	if _, err := c.l.EndSync(j); err != nil {
		c.fail("sync: %w", err)
	}
	if err := c.l.Checkpoint(); err != nil {
		c.fail("checkpoint: %w", err)
	}
}

// trim deletes all but the last hundred records.
func (c *crowd) trim() {
	if end := c.l.End(); end > 100 {
		if _, err := c.l.DeleteRecords(end-100, end); err != nil {
			c.fail("delete: %w", err)
		}
	}
	c.l.StartCheckpoint()
	if _, err := c.l.Trim(start); err != nil {
		c.fail("trim: %w", err)
	}
	if err := c.l.Purge(start); err != nil {
		c.fail("purge: %w", err)
	}
}
