package segment

import (
	"sort"

	"github.com/gregor-log/gregor/base"
)

// indexes holds both indexes of a segment in the encoding of their files.
type indexes struct {
	offsets offsetIndex
	times   timeIndex
}

// offsetIndex is the content of a .index file.
type offsetIndex []byte

func (x offsetIndex) len() int {
	return len(x) / offsetEntrySize
}

func (x offsetIndex) at(i int, b base.Offset) offsetEntry {
	return decodeOffsetEntry(x[i*offsetEntrySize:], b)
}

// lookup returns the greatest entry whose offset is at most target, or the segment's beginning, and the position of the
// entry after it, 0 if there is none.
func (x offsetIndex) lookup(target, b base.Offset) (e offsetEntry, next int64) {
	i := sort.Search(x.len(), func(i int) bool { return x.at(i, b).Offset > target })
	if i < x.len() {
		next = x.at(i, b).Position
	}
	if i == 0 {
		return offsetEntry{Offset: b}, next
	}
	return x.at(i-1, b), next
}

// cut drops the entries at or beyond the given offset.
func (x offsetIndex) cut(offset, b base.Offset) offsetIndex {
	i := sort.Search(x.len(), func(i int) bool { return x.at(i, b).Offset >= offset })
	return x[:i*offsetEntrySize]
}

// timeIndex is the content of a .timeindex file.
type timeIndex []byte

func (x timeIndex) len() int {
	return len(x) / timeEntrySize
}

func (x timeIndex) at(i int, b base.Offset) timeEntry {
	return decodeTimeEntry(x[i*timeEntrySize:], b)
}

// last returns the last entry, or "no timestamp at the base offset".
func (x timeIndex) last(b base.Offset) timeEntry {
	if x.len() == 0 {
		return timeEntry{Timestamp: base.NoTimestamp, Offset: b}
	}
	return x.at(x.len()-1, b)
}

// lookup returns the greatest entry whose timestamp is at most target, or "no timestamp at the base offset".
func (x timeIndex) lookup(target int64, b base.Offset) timeEntry {
	i := sort.Search(x.len(), func(i int) bool { return x.at(i, b).Timestamp > target })
	if i == 0 {
		return timeEntry{Timestamp: base.NoTimestamp, Offset: b}
	}
	return x.at(i-1, b)
}

// cut drops the entries at or beyond the given offset.
func (x timeIndex) cut(offset, b base.Offset) timeIndex {
	i := sort.Search(x.len(), func(i int) bool { return x.at(i, b).Offset >= offset })
	return x[:i*timeEntrySize]
}

// addOffset appends an entry for the batch that begins at position and ends with lastOffset.
func (x *indexes) addOffset(b, lastOffset base.Offset, position int64) {
	x.offsets = appendOffsetEntry(x.offsets, b, offsetEntry{Offset: lastOffset, Position: position})
}

// addTime appends e if its timestamp is above the last one, which keeps the index strictly increasing.
func (x *indexes) addTime(b base.Offset, e timeEntry) {
	if e.Timestamp > x.times.last(b).Timestamp {
		x.times = appendTimeEntry(x.times, b, e)
	}
}

// tailEntry is the exact place of one recently appended batch, relative to the base offset.
type tailEntry struct {
	first, last int32
	position    int32
	size        int32
}

// tailLength is how many of the last batches a segment remembers exactly.
const tailLength = 128

// tail is a ring of the last batches appended, oldest first from head.
type tail struct {
	ring []tailEntry
	head int
}

func (t *tail) add(e tailEntry) {
	if len(t.ring) < tailLength {
		t.ring = append(t.ring, e)
		return
	}
	t.ring[t.head] = e
	t.head = (t.head + 1) % tailLength
}

func (t *tail) at(i int) tailEntry {
	return t.ring[(t.head+i)%len(t.ring)]
}

// find returns the batch that holds the relative offset, or the first one after it.
func (t *tail) find(rel int64) (tailEntry, bool) {
	n := len(t.ring)
	if n == 0 || int64(t.at(0).first) > rel {
		return tailEntry{}, false
	}
	i := sort.Search(n, func(i int) bool { return int64(t.at(i).last) >= rel })
	if i == n {
		return tailEntry{}, false
	}
	return t.at(i), true
}

func (t *tail) reset() {
	t.ring, t.head = t.ring[:0], 0
}
