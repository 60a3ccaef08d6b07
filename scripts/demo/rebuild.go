package main

import (
	"crypto/sha256"
	"fmt"
	"hash"

	"github.com/twmb/franz-go/pkg/kgo"
)

// difference is one way in which what came back is not what was sent.
type difference struct {
	topic, path, text string
}

// String returns the difference on one line.
func (d difference) String() string {
	return fmt.Sprintf("%s: %s: %s", d.topic, d.path, d.text)
}

// maxDifferences bounds the differences that are kept; all are counted.
const maxDifferences = 40

// rebuild puts files together again from records, and holds them against the input. Every record must be the next one
// of its file: exactly once, in order.
type rebuild struct {
	in    *input
	topic string
	files map[string]*rebuilt
	// records and bytes count what came; same counts the files that are as they were.
	records, bytes int64
	same           int
	differences    []difference
	found          int
}

// rebuilt is one file so far.
type rebuilt struct {
	hash      hash.Hash
	lines     int
	size      int64
	partition int32
}

func newRebuild(in *input, topic string) *rebuild {
	return &rebuild{in: in, topic: topic, files: make(map[string]*rebuilt, len(in.files))}
}

// differ notes a difference.
func (b *rebuild) differ(path, format string, args ...any) {
	b.found++
	if len(b.differences) < maxDifferences {
		text := fmt.Sprintf(format, args...)
		b.differences = append(b.differences, difference{b.topic, fmt.Sprintf("%q", path), text})
	}
}

// add takes the next record of a partition.
func (b *rebuild) add(r *kgo.Record) {
	b.records++
	b.bytes += int64(len(r.Value))
	f := b.files[string(r.Key)]
	if f == nil {
		if b.in.byPath[string(r.Key)] == nil {
			b.differ(string(r.Key), "no such file was sent (partition %d, offset %d)", r.Partition, r.Offset)
			return
		}
		f = &rebuilt{hash: sha256.New(), partition: r.Partition}
		b.files[string(r.Key)] = f
	}
	if r.Partition != f.partition {
		b.differ(string(r.Key), "records in partitions %d and %d, expected one", f.partition, r.Partition)
	}
	switch line := lineOf(r); {
	case line == f.lines+1:
		f.lines++
	case line <= 0:
		b.differ(string(r.Key), "a record without its number (partition %d, offset %d)", r.Partition, r.Offset)
	case line <= f.lines:
		b.differ(string(r.Key), "line %d again, or late (partition %d, offset %d)", line, r.Partition, r.Offset)
	default:
		b.differ(string(r.Key), "lines %d to %d are not before line %d (partition %d, offset %d)", f.lines+1, line-1,
			line, r.Partition, r.Offset)
		f.lines = line
	}
	f.size += int64(len(r.Value))
	f.hash.Write(r.Value)
}

// finish compares all files, and the sums.
func (b *rebuild) finish() {
	for _, want := range b.in.files {
		got := b.files[want.path]
		if got == nil {
			b.differ(want.path, "nothing of it came back, expected %d lines", want.lines)
			continue
		}
		sum := got.hash.Sum(nil)
		switch {
		case got.lines != want.lines:
			b.differ(want.path, "got %d lines, expected %d", got.lines, want.lines)
		case got.size != want.size || [sha256.Size]byte(sum) != want.sum:
			b.differ(want.path, "got %d bytes with SHA-256 %x, expected %d with %x", got.size, sum, want.size, want.sum)
		default:
			b.same++
		}
	}
	if b.records != b.in.lines {
		b.differ("", "got %d records in all, expected %d", b.records, b.in.lines)
	}
}
