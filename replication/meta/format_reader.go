package meta

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/gregor-log/gregor/base"
)

// reader takes the primitives of the format off the front of buf. The first error sticks and empties buf, after which
// every read returns zero, so that a body is read straight through and the error is looked at once. No length is
// believed before it was compared with what is left.
type reader struct {
	buf []byte
	err error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrCorruptRecord, fmt.Sprintf(format, args...))
	}
	r.buf = nil
}

// take returns the next n bytes, or nil after an error.
func (r *reader) take(n int) []byte {
	if n > len(r.buf) {
		r.fail("got %d bytes, expected %d more", len(r.buf), n)
		return nil
	}
	b := r.buf[:n]
	r.buf = r.buf[n:]
	return b
}

func (r *reader) int8() int8 {
	if b := r.take(1); b != nil {
		return int8(b[0])
	}
	return 0
}

func (r *reader) uint16() uint16 {
	if b := r.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) int32() int32 {
	if b := r.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (r *reader) int64() int64 {
	if b := r.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func (r *reader) bool() bool   { return r.int8() != 0 }
func (r *reader) int16() int16 { return int16(r.uint16()) }

func (r *reader) uuid() base.UUID {
	var u base.UUID
	copy(u[:], r.take(len(u)))
	return u
}

// uvarint reads an unsigned number of at most 32 bits.
func (r *reader) uvarint() uint32 {
	v, n := binary.Uvarint(r.buf)
	if n <= 0 || v > math.MaxUint32 {
		r.fail("got no unsigned varint of 32 bits")
		return 0
	}
	r.buf = r.buf[n:]
	return uint32(v)
}

// length reads the length+1 of a string or array whose elements take at least size bytes. It returns -1 for null.
func (r *reader) length(size int) int {
	n := int64(r.uvarint()) - 1
	if r.err != nil {
		return -1
	}
	if n > int64(len(r.buf)/size) {
		r.fail("got length %d, expected at most %d", n, len(r.buf)/size)
		return -1
	}
	return int(n)
}

// count is length for what must not be null; it returns 0 after an error.
func (r *reader) count(size int) int {
	n := r.length(size)
	if n < 0 {
		r.fail("got null, expected a value")
		return 0
	}
	return n
}

func (r *reader) string() string {
	n := r.count(1)
	return string(r.take(n))
}

func (r *reader) nullableString() *string {
	n := r.length(1)
	if n < 0 {
		return nil
	}
	s := string(r.take(n))
	return &s
}

// nullableIDs reads a list of node ids; null is nil and an empty list is not.
func (r *reader) nullableIDs() []base.NodeID {
	n := r.length(4)
	if n < 0 {
		return nil
	}
	ids := make([]base.NodeID, n)
	for i := range ids {
		ids[i] = base.NodeID(r.int32())
	}
	return ids
}

// nullableUUIDs reads a list of ids; null is nil and an empty list is not.
func (r *reader) nullableUUIDs() []base.UUID {
	n := r.length(len(base.UUID{}))
	if n < 0 {
		return nil
	}
	ids := make([]base.UUID, n)
	for i := range ids {
		ids[i] = r.uuid()
	}
	return ids
}

// ids reads a list of node ids that must not be null; an empty one is nil.
func (r *reader) ids() []base.NodeID {
	ids := r.nullableIDs()
	if ids == nil {
		r.fail("got a null list of node ids, expected a list")
	}
	if len(ids) == 0 {
		return nil
	}
	return ids
}

// uuids reads a list of ids that must not be null; an empty one is nil.
func (r *reader) uuids() []base.UUID {
	ids := r.nullableUUIDs()
	if ids == nil {
		r.fail("got a null list of uuids, expected a list")
	}
	if len(ids) == 0 {
		return nil
	}
	return ids
}

// skipTags reads the tagged fields of a struct that knows none.
func (r *reader) skipTags() {
	r.tags(func(uint32, *reader) bool { return false })
}

// tags reads the tagged fields that end a struct. known is handed each tag with a reader of exactly its payload; it
// returns false for a tag that it does not know, which is skipped, and otherwise must read the payload to its end.
func (r *reader) tags(known func(tag uint32, payload *reader) bool) {
	for n := r.uvarint(); n > 0 && r.err == nil; n-- {
		tag := r.uvarint()
		size := r.uvarint()
		if uint64(size) > uint64(len(r.buf)) {
			r.fail("got tagged field %d of %d bytes, expected at most %d", tag, size, len(r.buf))
			return
		}
		payload := reader{buf: r.take(int(size))}
		if !known(tag, &payload) {
			continue
		}
		if payload.err == nil && len(payload.buf) > 0 {
			payload.fail("got %d bytes after the end of tagged field %d", len(payload.buf), tag)
		}
		if payload.err != nil {
			r.err, r.buf = payload.err, nil
		}
	}
}
