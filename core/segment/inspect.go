package segment

import (
	"fmt"

	"github.com/gregor-log/gregor/base"
)

// This file shows the content of index files to tools that print it. Nothing of it is used to serve.

// OffsetEntry is one entry of an offset index: the batch that ends with Offset begins at Position of the .log.
type OffsetEntry struct {
	Offset   base.Offset
	Position int64
}

// TimeEntry is one entry of a time index: no timestamp up to and with Offset is larger than Timestamp, in Unix
// milliseconds.
type TimeEntry struct {
	Timestamp int64
	Offset    base.Offset
}

// OffsetEntries decodes the bytes of a .index file as they are, zeros and nonsense included; b is the segment's base
// offset. What is left of a file of no whole number of entries is ErrBadIndex, beside the entries before it.
func OffsetEntries(p []byte, b base.Offset) ([]OffsetEntry, error) {
	entries := make([]OffsetEntry, 0, len(p)/offsetEntrySize)
	for ; len(p) >= offsetEntrySize; p = p[offsetEntrySize:] {
		entries = append(entries, OffsetEntry(decodeOffsetEntry(p, b)))
	}
	return entries, wholeEntries(p, offsetEntrySize)
}

// TimeEntries decodes the bytes of a .timeindex file as OffsetEntries does those of a .index file.
func TimeEntries(p []byte, b base.Offset) ([]TimeEntry, error) {
	entries := make([]TimeEntry, 0, len(p)/timeEntrySize)
	for ; len(p) >= timeEntrySize; p = p[timeEntrySize:] {
		entries = append(entries, TimeEntry(decodeTimeEntry(p, b)))
	}
	return entries, wholeEntries(p, timeEntrySize)
}

// wholeEntries wants nothing to be left.
func wholeEntries(left []byte, size int) error {
	if len(left) == 0 {
		return nil
	}
	return fmt.Errorf("%w: got %d bytes after the last entry, expected a multiple of %d", ErrBadIndex, len(left), size)
}
