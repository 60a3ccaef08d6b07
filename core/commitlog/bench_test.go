package commitlog

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// sequenceAt is where the first sequence number stands in a batch. Appending does not look at the CRC again.
const sequenceAt = 53

// benchLog is a log on the real disk.
func benchLog(b *testing.B, segmentBytes int32) (*Log, Options) {
	b.Helper()
	o := testOptions(vfs.NewOS())
	o.Dir = b.TempDir() + "/t-0"
	o.Config.SegmentBytes = segmentBytes
	l := open(b, o)
	b.Cleanup(l.Abandon)
	return l, o
}

// BenchmarkAppend appends batches of one record and of about 64 KiB and 1 MiB, of an idempotent producer, to a log that
// keeps 256 MiB.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{100, 64 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) {
			l, _ := benchLog(b, 128<<20)
			s := set{pid: 9, size: size - 80}
			p := s.build(b)
			b.SetBytes(int64(len(p)))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				binary.BigEndian.PutUint32(p[sequenceAt:], uint32(i&(1<<31-1)))
				got, err := l.Append(p, 0, start)
				if err != nil {
					b.Fatal(err)
				}
				if got.Rolled {
					deleteAllButLast(b, l)
				}
			}
		})
	}
}

// deleteAllButLast keeps the disk from filling up.
func deleteAllButLast(b *testing.B, l *Log) {
	b.Helper()
	b.StopTimer()
	segments := l.segments()
	_, err := l.DeleteRecords(segments[len(segments)-2].BaseOffset(), l.End())
	must(b, err)
	l.StartCheckpoint()
	_, err = l.Trim(start)
	must(b, err)
	must(b, l.Purge(never))
	b.StartTimer()
}

// benchRead is a log of 64 MiB in segments of 8 MiB, of batches of about that many bytes and so many records.
func benchRead(b *testing.B, size, records int) (*Log, base.Offset) {
	b.Helper()
	l, o := benchLog(b, 8<<20)
	for i := range 64 << 20 / size {
		times := slices.Repeat([]int64{start + int64(i)}, records)
		_, err := l.Append(set{size: (size - 84) / records, times: times}.build(b), 0, start)
		must(b, err)
	}
	must(b, l.Close())
	o.Clean, o.Trusted, o.RecoveryPoint, o.Residents = true, true, l.End(), segment.NewResidents(100)
	l = open(b, o)
	b.Cleanup(l.Abandon)
	return l, l.End()
}

// BenchmarkRead finds the batch of an offset somewhere in a log, or at its tail, and pins 64 KiB from there on.
func BenchmarkRead(b *testing.B) {
	l, end := benchRead(b, 1<<10, 1)
	const several = 64
	large, last := benchRead(b, 64<<10, several)
	for _, c := range []struct {
		name string
		at   func(i int) base.Offset
	}{
		{"anywhere", func(i int) base.Offset { return base.Offset(i*7919) % end }},
		{"in order", func(i int) base.Offset { return base.Offset(i) % end }},
		{"at the end", func(int) base.Offset { return end - 1 }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				r, err := l.Read(c.at(i), 64<<10, end, true)
				if err != nil || r.Span.Length == 0 {
					b.Fatal(r, err)
				}
				r.Span.Release()
			}
		})
	}
	b.Run("large batches in order", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			r, err := large.Read(base.Offset(i*several)%last, 64<<10, last, true)
			if err != nil || r.Span.Length == 0 {
				b.Fatal(r, err)
			}
			r.Span.Release()
		}
	})
	b.Run("tail of a log that is appended to", func(b *testing.B) {
		var p batch.Batch = set{size: 940}.build(b)
		got, err := l.Append(p, 0, start)
		must(b, err)
		b.ReportAllocs()
		for b.Loop() {
			r, err := l.Read(got.Base, 64<<10, got.End, true)
			if err != nil || r.Span.Length == 0 {
				b.Fatal(r, err)
			}
			r.Span.Release()
		}
	})
}

// BenchmarkOffsetForTime finds records by their timestamp anywhere in a log.
func BenchmarkOffsetForTime(b *testing.B) {
	l, end := benchRead(b, 1<<10, 1)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		at := base.Offset(i*7919) % end
		if got, ok, err := l.OffsetForTime(start+int64(at), end); err != nil || !ok || got.Offset != at {
			b.Fatal(got, ok, err)
		}
	}
}

// BenchmarkOpen opens a log of many segments that was closed cleanly, which reads none of them.
func BenchmarkOpen(b *testing.B) {
	for _, segments := range []int{10, 1000} {
		b.Run(fmt.Sprintf("segments=%d", segments), func(b *testing.B) {
			l, o := benchLog(b, 200)
			for range segments {
				_, err := l.Append(set{size: 100}.build(b), 0, start)
				must(b, err)
			}
			must(b, l.Close())
			o.Clean, o.Trusted, o.RecoveryPoint = true, true, l.End()
			for b.Loop() {
				open(b, o).Abandon()
			}
		})
	}
}
