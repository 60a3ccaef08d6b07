//go:build linux

package study

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// A sparse log is large and takes little room: its sealed segments are files of 1 GiB that were only truncated to that
// size. Every 16 MiB, wherever entries of the indexes point, a place has a batch of one record, whole, and the header
// of a batch that has the rest of the 16 MiB and 999 offsets, with nothing behind it. That is all that looking up an
// offset or a time reads. Some 260 KB a segment are really on the disk.
const (
	// SparseSegment is the size of a sealed segment.
	SparseSegment = 1 << 30
	sparseBatch   = 16 << 20
	// SparsePlaces is the number of places that can be looked up in a segment.
	SparsePlaces  = SparseSegment / sparseBatch
	sparseRecords = 1000 // at each place
	lookupBytes   = 64 << 10
)

// sparseConfig is the configuration of a sparse log: Kafka's defaults, but that it keeps everything.
func sparseConfig() commitlog.Config {
	const never = 1<<63 - 1
	return commitlog.Config{
		SegmentBytes: SparseSegment, SegmentMs: never, IndexBytes: 10 << 20, IndexIntervalBytes: 4096,
		RetentionMs: -1, RetentionBytes: -1, FlushMessages: never, FlushMs: never,
	}
}

// SparseOffset returns the offset of the record at a place of a sparse log; its timestamp is one more.
func SparseOffset(segment, place int) base.Offset {
	return base.Offset((segment*SparsePlaces + place) * sparseRecords)
}

// MakeSparse makes a log of so many sealed segments and an active one behind them, closed cleanly.
func MakeSparse(fs vfs.FS, dir string, segments int) error {
	options := SparseOptions(fs, dir)
	options.LogStart, options.Clean = SparseOffset(segments, 0), false
	log, _, err := commitlog.Open(options)
	if err != nil {
		return err
	}
	if err := log.Close(); err != nil {
		return err
	}
	for i := range segments {
		if err := writeSparse(fs, dir, i); err != nil {
			return err
		}
	}
	// A log with batches knows its leader epochs: one, from the first offset on.
	return writeFile(fs, path.Join(dir, commitlog.EpochsFile), []byte("0\n1\n0 0\n"))
}

// SparseOptions returns how to open a sparse log after its clean end.
func SparseOptions(fs vfs.FS, dir string) commitlog.Options {
	const resident = 1024
	return commitlog.Options{
		FS: fs, Dir: dir, TopicID: base.UUID{1}, Config: sparseConfig(), Residents: segment.NewResidents(resident),
		Clean: true, Trusted: true,
	}
}

// sparsePlace returns what a place holds: a batch of one record, and the header of the one that has the rest.
func sparsePlace(at base.Offset) ([]byte, error) {
	const offLength = 8
	var whole, cut batch.Builder
	whole.Reset(batch.NewOptions())
	whole.Append(int64(at)+1, nil, nil)
	record, err := whole.Build()
	if err != nil {
		return nil, err
	}
	record.SetBaseOffset(at)
	cut.Reset(batch.NewOptions())
	cut.Append(1, nil, nil) // no later than all that is looked up
	cut.SetLastOffsetDelta(sparseRecords - 2)
	rest, err := cut.Build()
	if err != nil {
		return nil, err
	}
	rest.SetBaseOffset(at + 1)
	binary.BigEndian.PutUint32(rest[offLength:], uint32(sparseBatch-len(record)-batch.Overhead))
	return append(record, rest[:batch.HeaderSize]...), nil
}

// writeSparse writes the three files of one sealed segment.
func writeSparse(fs vfs.FS, dir string, number int) error {
	first := SparseOffset(number, 0)
	name := func(suffix string) string { return path.Join(dir, segment.Name(first, suffix)) }
	log, err := fs.Open(name(segment.LogSuffix), vfs.Truncate)
	if err != nil {
		return err
	}
	errs := []error{log.Truncate(SparseSegment)}
	var offsets, times []byte
	for place := range SparsePlaces {
		at := SparseOffset(number, place)
		held, err := sparsePlace(at)
		if err == nil {
			_, err = log.WriteAt(held, int64(place)*sparseBatch)
		}
		errs = append(errs, err)
		if place > 0 {
			offsets = binary.BigEndian.AppendUint32(offsets, uint32(at-first))
			offsets = binary.BigEndian.AppendUint32(offsets, uint32(place*sparseBatch))
		}
		times = binary.BigEndian.AppendUint64(times, uint64(at)+1)
		times = binary.BigEndian.AppendUint32(times, uint32(at-first))
	}
	errs = append(errs, log.Close(), writeFile(fs, name(segment.IndexSuffix), offsets),
		writeFile(fs, name(segment.TimeIndexSuffix), times))
	return errors.Join(errs...)
}

// errLookup reports a lookup that found something else than what is there.
var errLookup = errors.New("looked up something else")

// LookUp looks up one of the offsets of a place of a sparse log, that of its record or one behind it.
func LookUp(l *commitlog.Log, number, place int) error {
	offset := SparseOffset(number, place) + base.Offset(rand.IntN(sparseRecords))
	r, err := l.Read(offset, lookupBytes, l.End(), false)
	if err != nil {
		return err
	}
	defer r.Span.Release()
	at, before := int64(place)*sparseBatch, r.Span.Offset < int64(place)*sparseBatch
	if before || r.Span.Offset > at+batch.HeaderSize*2 || r.Span.Length != lookupBytes {
		return fmt.Errorf("%w: offset %d: got %d bytes at %d, expected %d at %d or just behind it", errLookup, offset,
			r.Span.Length, r.Span.Offset, lookupBytes, at)
	}
	return nil
}

// LookUpTime looks up the record of a place of a sparse log by its timestamp.
func LookUpTime(l *commitlog.Log, number, place int) error {
	want := SparseOffset(number, place)
	got, ok, err := l.OffsetForTime(int64(want)+1, l.End())
	if err == nil && (!ok || got.Offset != want) {
		err = fmt.Errorf("%w: time %d: got offset %d (%v), expected %d", errLookup, want+1, got.Offset, ok, want)
	}
	return err
}

func writeFile(fs vfs.FS, name string, content []byte) error {
	f, err := fs.Open(name, vfs.Truncate)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(content, 0)
	return errors.Join(err, f.Close())
}
