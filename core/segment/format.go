package segment

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/gregor-log/gregor/base"
)

// Suffixes of a segment's files and of files on their way out or in.
const (
	LogSuffix       = ".log"
	IndexSuffix     = ".index"
	TimeIndexSuffix = ".timeindex"
	TxnIndexSuffix  = ".txnindex"
	// SnapshotSuffix marks a producer snapshot, whose name is the offset it holds the state of; see package commitlog.
	SnapshotSuffix = ".snapshot"
	// DeletedSuffix is added to the files of a segment that waits file.delete.delay.ms for its removal.
	DeletedSuffix = ".deleted"
	// CleanedSuffix and SwapSuffix belong to a compaction that was interrupted.
	CleanedSuffix = ".cleaned"
	SwapSuffix    = ".swap"
	// temporarySuffix marks a file that was to replace another; see vfs.WriteFileAtomic.
	temporarySuffix = ".tmp"
)

const (
	offsetEntrySize = 8
	timeEntrySize   = 12
	nameDigits      = 20
)

// offsetEntry is one entry of the offset index, decoded.
type offsetEntry struct {
	Offset   base.Offset
	Position int64
}

// timeEntry is one entry of the time index, decoded.
type timeEntry struct {
	Timestamp int64
	Offset    base.Offset
}

func appendOffsetEntry(dst []byte, b base.Offset, e offsetEntry) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(e.Offset-b))
	return binary.BigEndian.AppendUint32(dst, uint32(e.Position))
}

func decodeOffsetEntry(p []byte, b base.Offset) offsetEntry {
	return offsetEntry{
		Offset:   b + base.Offset(int32(binary.BigEndian.Uint32(p))),
		Position: int64(int32(binary.BigEndian.Uint32(p[4:]))),
	}
}

func appendTimeEntry(dst []byte, b base.Offset, e timeEntry) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.Timestamp))
	return binary.BigEndian.AppendUint32(dst, uint32(e.Offset-b))
}

func decodeTimeEntry(p []byte, b base.Offset) timeEntry {
	return timeEntry{
		Timestamp: int64(binary.BigEndian.Uint64(p)),
		Offset:    b + base.Offset(int32(binary.BigEndian.Uint32(p[8:]))),
	}
}

// ParseName takes a file name apart into its offset and its suffix, dot included (".log", ".index.deleted", ...). It
// reports false for names that do not begin with 20 digits.
func ParseName(name string) (b base.Offset, suffix string, ok bool) {
	if len(name) < nameDigits+1 || name[nameDigits] != '.' {
		return 0, "", false
	}
	var n uint64
	for _, c := range []byte(name[:nameDigits]) {
		if c < '0' || c > '9' {
			return 0, "", false
		}
		if n > (1<<63-1)/10 {
			return 0, "", false
		}
		n = n*10 + uint64(c-'0')
	}
	if n > 1<<63-1 {
		return 0, "", false
	}
	return base.Offset(n), name[nameDigits:], true
}

// IsTemporary reports the suffix of a file that is of no use to anybody: a deletion, a compaction or the writing of an
// index left it behind.
func IsTemporary(suffix string) bool {
	return strings.HasSuffix(suffix, DeletedSuffix) || strings.HasSuffix(suffix, CleanedSuffix) ||
		strings.HasSuffix(suffix, temporarySuffix)
}

// CheckOffsetIndex validates the bytes of a whole .index file for a log of logSize bytes: whole entries, offsets and
// positions strictly increasing and inside the log. Trailing zero entries (an index that its broker had preallocated
// and never trimmed) are cut off: the valid part of p is returned.
func CheckOffsetIndex(p []byte, b base.Offset, logSize int64) ([]byte, error) {
	if len(p)%offsetEntrySize != 0 {
		return nil, fmt.Errorf("%w: got %d bytes of offset index, expected a multiple of %d",
			ErrBadIndex, len(p), offsetEntrySize)
	}
	p = trimZero(p, offsetEntrySize)
	last := offsetEntry{Offset: b - 1, Position: -1}
	for i := 0; i < len(p); i += offsetEntrySize {
		e := decodeOffsetEntry(p[i:], b)
		if e.Offset <= last.Offset || e.Position <= last.Position || e.Position >= logSize {
			return nil, fmt.Errorf("%w: got entry %d (offset %d, position %d) after (%d, %d), log size %d",
				ErrBadIndex, i/offsetEntrySize, e.Offset, e.Position, last.Offset, last.Position, logSize)
		}
		last = e
	}
	return p, nil
}

// CheckTimeIndex validates the bytes of a whole .timeindex file as CheckOffsetIndex does.
func CheckTimeIndex(p []byte, b base.Offset) ([]byte, error) {
	if len(p)%timeEntrySize != 0 {
		return nil, fmt.Errorf("%w: got %d bytes of time index, expected a multiple of %d",
			ErrBadIndex, len(p), timeEntrySize)
	}
	p = trimZero(p, timeEntrySize)
	last := timeEntry{Timestamp: -1, Offset: b - 1}
	for i := 0; i < len(p); i += timeEntrySize {
		e := decodeTimeEntry(p[i:], b)
		if e.Timestamp <= last.Timestamp || e.Offset < last.Offset || e.Offset < b {
			return nil, fmt.Errorf("%w: got entry %d (timestamp %d, offset %d) after (%d, %d)",
				ErrBadIndex, i/timeEntrySize, e.Timestamp, e.Offset, last.Timestamp, last.Offset)
		}
		last = e
	}
	return p, nil
}

// trimZero cuts the all-zero entries off the end of p. An entry of zeros cannot be written on purpose: the first batch
// has no offset entry, and a time entry of timestamp 0 for offset 0 can only be the first one, which is kept.
func trimZero(p []byte, size int) []byte {
	for len(p) >= 2*size && isZero(p[len(p)-size:]) {
		p = p[:len(p)-size]
	}
	if len(p) == size && size == offsetEntrySize && isZero(p) {
		p = p[:0]
	}
	return p
}

func isZero(p []byte) bool {
	for _, c := range p {
		if c != 0 {
			return false
		}
	}
	return true
}
