package wire

import (
	"encoding/binary"
	"fmt"

	"github.com/gregor-log/gregor/base"
)

// Reader reads primitive values from bytes that nobody vouches for. The first value that does not fit makes it fail;
// after that every call returns zero and Err says why. It allocates nothing: strings and bytes point into its input.
type Reader struct {
	p        []byte
	flexible bool
	err      error
	tags     int
	counted  int // elements of arrays
}

// What a request may have at most in all, since each of them costs more memory, once decoded and answered, than bytes.
const (
	mostTags     = 1 << 16 // tagged fields
	mostElements = 1 << 20 // elements of arrays
)

// NewReader reads p, with compact lengths and tagged fields if flexible.
func NewReader(p []byte, flexible bool) Reader {
	return Reader{p: p, flexible: flexible}
}

// Err returns why reading failed, or nil.
func (r *Reader) Err() error {
	return r.err
}

// Rest returns what has not been read.
func (r *Reader) Rest() []byte {
	return r.p
}

// Left returns how many bytes have not been read.
func (r *Reader) Left() int {
	return len(r.p)
}

func (r *Reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
	}
	r.p = nil
}

func (r *Reader) take(n int) []byte {
	if n > len(r.p) {
		r.fail("got %d bytes, expected %d", len(r.p), n)
		return nil
	}
	p := r.p[:n:n]
	r.p = r.p[n:]
	return p
}

// Int8 reads an int8.
func (r *Reader) Int8() int8 {
	if p := r.take(1); p != nil {
		return int8(p[0])
	}
	return 0
}

// Int16 reads an int16.
func (r *Reader) Int16() int16 {
	if p := r.take(2); p != nil {
		return int16(binary.BigEndian.Uint16(p))
	}
	return 0
}

// Int32 reads an int32.
func (r *Reader) Int32() int32 {
	if p := r.take(4); p != nil {
		return int32(binary.BigEndian.Uint32(p))
	}
	return 0
}

// Int64 reads an int64.
func (r *Reader) Int64() int64 {
	if p := r.take(8); p != nil {
		return int64(binary.BigEndian.Uint64(p))
	}
	return 0
}

// UUID reads 16 bytes.
func (r *Reader) UUID() base.UUID {
	var id base.UUID
	copy(id[:], r.take(len(id)))
	return id
}

// Uvarint reads an unsigned varint of at most 32 bits.
func (r *Reader) Uvarint() uint32 {
	var v uint64
	for i := range 5 {
		if i >= len(r.p) {
			break
		}
		c := r.p[i]
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			if v > 1<<32-1 {
				break
			}
			r.p = r.p[i+1:]
			return uint32(v)
		}
	}
	r.fail("got a varint that does not end, expected at most 32 bits")
	return 0
}

// length reads the length of a string, bytes or array; -1 stands for null. wide says that the classic form has 4 bytes.
func (r *Reader) length(wide bool) int {
	var n int64
	switch {
	case r.flexible:
		n = int64(r.Uvarint()) - 1
	case wide:
		n = int64(r.Int32())
	default:
		n = int64(r.Int16())
	}
	if r.err != nil {
		return -1
	}
	if n < -1 || n > int64(len(r.p)) {
		r.fail("got length %d, expected at most the %d bytes left", n, len(r.p))
		return -1
	}
	return int(n)
}

// String reads a string; nil stands for null, and an empty slice for the empty string.
func (r *Reader) String() []byte {
	n := r.length(false)
	if n < 0 {
		return nil
	}
	return r.take(n)
}

// Name reads a string that may not be null.
func (r *Reader) Name() []byte {
	name := r.String()
	if name == nil {
		r.fail("got null, expected a name")
	}
	return name
}

// Bytes reads bytes with a length of 32 bits; nil stands for null.
func (r *Reader) Bytes() []byte {
	n := r.length(true)
	if n < 0 {
		return nil
	}
	return r.take(n)
}

// Array reads the length of an array whose elements take at least least bytes each; -1 stands for null.
func (r *Reader) Array(least int) int {
	n := r.length(true)
	if n > 0 && n*max(least, 1) > len(r.p) {
		r.fail("got an array of %d, expected at most %d in the %d bytes left", n, len(r.p)/max(least, 1), len(r.p))
		return -1
	}
	if r.counted += max(n, 0); r.counted > mostElements {
		r.fail("got more than %d elements", mostElements)
		return -1
	}
	return n
}

// Tags reads the tagged fields that end a structure, if the message is flexible. visit is handed those with their
// content; with a nil visit, or where it does not know the tag, they are skipped.
func (r *Reader) Tags(visit func(tag uint32, content *Reader)) {
	if !r.flexible {
		return
	}
	n := r.Uvarint()
	for range n {
		tag, size := r.Uvarint(), r.Uvarint()
		if uint64(size) > uint64(len(r.p)) {
			r.fail("got a tagged field of %d bytes, expected at most %d", size, len(r.p))
		}
		if r.tags++; r.tags > mostTags {
			r.fail("got more than %d tagged fields", mostTags)
		}
		if r.err != nil {
			return
		}
		content := NewReader(r.take(int(size)), true)
		if visit != nil {
			visit(tag, &content)
			if content.err != nil {
				r.fail("tagged field %d: %v", tag, content.err)
				return
			}
		}
	}
}
