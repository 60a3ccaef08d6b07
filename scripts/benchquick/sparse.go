//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"path"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// A sparse log is large and takes little room: its sealed segments are files of 1 GiB that were only truncated to that
// size, with a batch header every 16 MiB, wherever an entry of the index points, and nothing between them. That is all
// that looking up an offset reads. Some 260 KB a segment are really on the disk.
const (
	sparseSegment = 1 << 30
	sparseBatch   = 16 << 20
	// sparsePlaces is the number of batches, and so of places that can be looked up, in a segment.
	sparsePlaces  = sparseSegment / sparseBatch
	sparseRecords = 1000 // in each batch
)

// sparseConfig is the configuration of a sparse log: Kafka's defaults, but that it keeps everything.
func sparseConfig() commitlog.Config {
	const never = 1<<63 - 1
	return commitlog.Config{
		SegmentBytes: segmentBytes, SegmentMs: never, IndexBytes: 10 << 20, IndexIntervalBytes: 4096,
		RetentionMs: -1, RetentionBytes: -1, FlushMessages: never, FlushMs: never,
	}
}

// offsetOf returns the first offset of a batch of a sparse log.
func offsetOf(segment, place int) base.Offset {
	return base.Offset((segment*sparsePlaces + place) * sparseRecords)
}

// makeSparse makes a log of so many sealed segments and an active one behind them, closed cleanly.
func makeSparse(fs vfs.FS, dir string, segments int) error {
	options := sparseOptions(fs, dir)
	options.LogStart, options.Clean = offsetOf(segments, 0), false
	log, _, err := commitlog.Open(options)
	if err != nil {
		return err
	}
	if err := log.Close(); err != nil {
		return err
	}
	header, err := sparseHeader()
	if err != nil {
		return err
	}
	for i := range segments {
		if err := writeSparse(fs, dir, i, header); err != nil {
			return err
		}
	}
	// A log with batches knows its leader epochs: one, from the first offset on.
	return writeFile(fs, path.Join(dir, commitlog.EpochsFile), []byte("0\n1\n0 0\n"))
}

// sparseOptions returns how to open a sparse log after its clean end.
func sparseOptions(fs vfs.FS, dir string) commitlog.Options {
	const resident = 1024
	return commitlog.Options{
		FS: fs, Dir: dir, TopicID: base.UUID{1}, Config: sparseConfig(), Residents: segment.NewResidents(resident),
		Clean: true, Trusted: true,
	}
}

// sparseHeader returns the header of a batch of sparseBatch bytes.
func sparseHeader() (batch.Batch, error) {
	const offLength = 8
	var b batch.Builder
	b.Reset(batch.NewOptions())
	b.Append(1, nil, nil)
	b.SetLastOffsetDelta(sparseRecords - 1)
	built, err := b.Build()
	if err != nil {
		return nil, err
	}
	header := built[:batch.HeaderSize]
	binary.BigEndian.PutUint32(header[offLength:], sparseBatch-batch.Overhead)
	return header, nil
}

// writeSparse writes the three files of one sealed segment.
func writeSparse(fs vfs.FS, dir string, number int, header batch.Batch) error {
	first := offsetOf(number, 0)
	name := func(suffix string) string { return path.Join(dir, segment.Name(first, suffix)) }
	log, err := fs.Open(name(segment.LogSuffix), vfs.Truncate)
	if err != nil {
		return err
	}
	errs := []error{log.Truncate(sparseSegment)}
	var offsets, times []byte
	for place := range sparsePlaces {
		at := offsetOf(number, place)
		header.SetBaseOffset(at)
		_, err := log.WriteAt(header, int64(place)*sparseBatch)
		errs = append(errs, err)
		last := uint32(at-first) + sparseRecords - 1
		if place > 0 {
			offsets = binary.BigEndian.AppendUint32(offsets, last)
			offsets = binary.BigEndian.AppendUint32(offsets, uint32(place*sparseBatch))
		}
		times = binary.BigEndian.AppendUint64(times, uint64(at)+1)
		times = binary.BigEndian.AppendUint32(times, last)
	}
	errs = append(errs, log.Close(), writeFile(fs, name(segment.IndexSuffix), offsets),
		writeFile(fs, name(segment.TimeIndexSuffix), times))
	return errors.Join(errs...)
}

func writeFile(fs vfs.FS, name string, content []byte) error {
	f, err := fs.Open(name, vfs.Truncate)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(content, 0)
	return errors.Join(err, f.Close())
}
