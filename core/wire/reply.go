package wire

import (
	"encoding/binary"
	"sync"

	"github.com/gregor-log/gregor/base"
)

// Reply is one response on its way out: its frame's bytes, with ranges of files between them. It is made by NewReply,
// filled, closed by Finish, and released by whoever sent or dropped it. A reply is used by one goroutine at a time.
type Reply struct {
	buf   []byte
	spans []insertion
	// flexible is the form of the body's lengths.
	flexible bool
	size     int64
}

// insertion is a span and the place in buf before which its bytes go.
type insertion struct {
	at   int
	span Span
}

var replies = sync.Pool{New: func() any { return &Reply{buf: make([]byte, 0, 512)} }}

// largestPooled is the largest buffer that is kept for the next reply, in bytes.
const largestPooled = 64 << 10

// NewReply begins the reply to a request: length, header and nothing yet.
func NewReply(h RequestHeader) *Reply {
	r := replies.Get().(*Reply)
	r.buf = append(r.buf[:0], 0, 0, 0, 0)
	r.buf = binary.BigEndian.AppendUint32(r.buf, uint32(h.Correlation))
	if FlexibleHeader(h.Key, h.Version) {
		r.buf = append(r.buf, 0)
	}
	r.flexible = Flexible(h.Key, h.Version)
	r.size = 0
	return r
}

// Finish ends the reply and writes its length.
func (r *Reply) Finish() {
	size := int64(len(r.buf))
	for i := range r.spans {
		size += r.spans[i].span.Length
	}
	if size-LengthSize > 1<<31-1 {
		base.Fail("reply of %d bytes", size)
	}
	binary.BigEndian.PutUint32(r.buf, uint32(size-LengthSize))
	r.size = size
}

// Size returns the bytes of the whole frame, spans included. The reply is finished.
func (r *Reply) Size() int64 {
	return r.size
}

// BufferSize returns the bytes of the frame that are held in memory.
func (r *Reply) BufferSize() int {
	return len(r.buf)
}

// Parts returns the number of parts: bytes and spans in turn, beginning with bytes.
func (r *Reply) Parts() int {
	return 2*len(r.spans) + 1
}

// Part returns part i: bytes (possibly none) where i is even, else a span, which stays the reply's. The bytes are valid
// until Release.
func (r *Reply) Part(i int) ([]byte, *Span) {
	if i%2 == 1 {
		return nil, &r.spans[i/2].span
	}
	from, to := 0, len(r.buf)
	if i > 0 {
		from = r.spans[i/2-1].at
	}
	if i/2 < len(r.spans) {
		to = r.spans[i/2].at
	}
	return r.buf[from:to], nil
}

// Release gives up the reply's spans and its buffer. It must not be used afterwards.
func (r *Reply) Release() {
	for i := range r.spans {
		r.spans[i].span.Release()
		r.spans[i] = insertion{}
	}
	r.spans = r.spans[:0]
	if cap(r.buf) > largestPooled {
		r.buf = nil
	}
	replies.Put(r)
}

// Append hands the buffer to build, which returns it with more bytes at its end: how kmsg's AppendTo is used.
func (r *Reply) Append(build func([]byte) []byte) {
	r.buf = build(r.buf)
}

// Position returns the place in the buffer that the next value gets, for SetInt16 and SetInt64.
func (r *Reply) Position() int {
	return len(r.buf)
}

// SetInt16 overwrites a value written before.
func (r *Reply) SetInt16(at int, v int16) {
	binary.BigEndian.PutUint16(r.buf[at:], uint16(v))
}

// SetInt32 overwrites a value written before.
func (r *Reply) SetInt32(at int, v int32) {
	binary.BigEndian.PutUint32(r.buf[at:], uint32(v))
}

// SetInt64 overwrites a value written before.
func (r *Reply) SetInt64(at int, v int64) {
	binary.BigEndian.PutUint64(r.buf[at:], uint64(v))
}

// Int8 appends an int8.
func (r *Reply) Int8(v int8) {
	r.buf = append(r.buf, byte(v))
}

// Int16 appends an int16.
func (r *Reply) Int16(v int16) {
	r.buf = binary.BigEndian.AppendUint16(r.buf, uint16(v))
}

// Int32 appends an int32.
func (r *Reply) Int32(v int32) {
	r.buf = binary.BigEndian.AppendUint32(r.buf, uint32(v))
}

// Int64 appends an int64.
func (r *Reply) Int64(v int64) {
	r.buf = binary.BigEndian.AppendUint64(r.buf, uint64(v))
}

// UUID appends 16 bytes.
func (r *Reply) UUID(id base.UUID) {
	r.buf = append(r.buf, id[:]...)
}

// Uvarint appends an unsigned varint.
func (r *Reply) Uvarint(v uint32) {
	r.buf = binary.AppendUvarint(r.buf, uint64(v))
}

// String appends a string; nil stands for null.
func (r *Reply) String(s []byte) {
	switch {
	case r.flexible && s == nil:
		r.buf = append(r.buf, 0)
	case r.flexible:
		r.Uvarint(uint32(len(s)) + 1)
	case s == nil:
		r.Int16(-1)
	default:
		r.Int16(int16(len(s)))
	}
	r.buf = append(r.buf, s...)
}

// Array appends the length of an array; -1 stands for null.
func (r *Reply) Array(n int) {
	if r.flexible {
		r.Uvarint(uint32(n + 1))
		return
	}
	r.Int32(int32(n))
}

// NoTags appends an empty section of tagged fields, if the message is flexible.
func (r *Reply) NoTags() {
	if r.flexible {
		r.buf = append(r.buf, 0)
	}
}

// Records appends a span of record batches as bytes with a length; a span of length 0 is the empty record set, which is
// what Kafka sends instead of null. The reply owns the span.
func (r *Reply) Records(s Span) {
	if r.flexible {
		r.Uvarint(uint32(s.Length) + 1)
	} else {
		r.Int32(int32(s.Length))
	}
	if s.Length > 0 {
		r.spans = append(r.spans, insertion{at: len(r.buf), span: s})
	} else {
		s.Release()
	}
}
