//go:build linux

package study

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// log appends a log and reads it back. On disk, both count a second time with the device in it.
func (s *study) log(fs vfs.FS, dir string, run int, store Store) error {
	b, err := buildBatch(uint64(run))
	if err != nil {
		return err
	}
	l, _, err := commitlog.Open(commitlog.Options{
		FS: fs, Dir: dir, TopicID: base.UUID{0: 1, 15: byte(run + 1)}, Config: logConfig(),
		Residents: segment.NewResidents(1 << 10), Wall: time.Now().UnixMilli(),
	})
	if err != nil {
		return err
	}
	defer l.Abandon()
	began := time.Now()
	written := int64(0)
	for ; written < s.Bytes; written += int64(len(b)) {
		if _, err := l.Append(b, 0, began.UnixMilli()); err != nil {
			return err
		}
	}
	s.note(LogAppend, store, written, time.Since(began))
	if job, ok := l.BeginSync(); ok {
		err := job.Run()
		if _, e := l.EndSync(job); err == nil {
			err = e
		}
		if err != nil {
			return err
		}
	}
	if store == PageCache {
		s.note(LogAppend, Device, written, time.Since(began))
	}
	if err := s.readLog(l, written, store); err != nil || store == Memory {
		return err
	}
	dropped, err := dropDir(dir)
	if err != nil || !dropped {
		return err
	}
	return s.readLog(l, written, Device)
}

// readLog reads a whole log as a follower or a consumer far behind does.
func (s *study) readLog(l *commitlog.Log, size int64, store Store) error {
	buffer := make([]byte, chunkBytes)
	began := time.Now()
	read, end := int64(0), l.End()
	for next := l.Start(); next < end; {
		r, err := l.Read(next, chunkBytes, end, true)
		if err != nil {
			return err
		}
		n, err := r.Span.File.ReadAt(buffer[:min(r.Span.Length, chunkBytes)], r.Span.Offset)
		r.Span.Release()
		if int64(n) < r.FirstBatch {
			return fmt.Errorf("read of a log at %d: got %d bytes, expected at least %d: %w", next, n, r.FirstBatch, err)
		}
		for at := 0; at+batch.HeaderSize <= n; {
			size, err := batch.Size(buffer[at:n])
			if err != nil {
				return err
			}
			if at+size > n {
				break
			}
			next, at, read = batch.Batch(buffer[at:at+size]).NextOffset(), at+size, read+int64(size)
		}
	}
	if read != size {
		return fmt.Errorf("read of a log: got %d bytes, expected %d", read, size)
	}
	s.note(LogRead, store, read, time.Since(began))
	return nil
}

// logConfig is Kafka's defaults but for the size of segments, so that a log of the study has several.
func logConfig() commitlog.Config {
	const week = 7 * 24 * int64(time.Hour/time.Millisecond)
	return commitlog.Config{
		SegmentBytes: 32 << 20, SegmentMs: week, IndexBytes: 10 << 20, IndexIntervalBytes: 4096,
		RetentionMs: week, RetentionBytes: -1, FileDeleteDelayMs: 60_000,
		FlushMessages: math.MaxInt64, FlushMs: math.MaxInt64, Delete: true, ProducerExpirationMs: 86_400_000,
	}
}

// buildBatch returns a batch of about batchBytes: records of 100 bytes that do not compress.
func buildBatch(seed uint64) (batch.Batch, error) {
	random := rand.New(rand.NewPCG(seed, 1))
	value := make([]byte, 100)
	var b batch.Builder
	b.Reset(batch.NewOptions())
	now := time.Now().UnixMilli()
	for b.Size() < batchBytes {
		for i := range value {
			value[i] = byte(random.Uint32())
		}
		b.Append(now, nil, value)
	}
	return b.Build()
}
