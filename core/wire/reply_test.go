package wire

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/gregor-log/gregor/base"
)

// A reply's parts are its bytes and spans in the order in which they were written, whatever that was.
func TestReplyPartsAddUp(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	s := newSpans(t)
	for range 2000 {
		h := RequestHeader{Key: 1, Version: int16(4 + r.IntN(15)), Correlation: r.Int32()}
		reply := NewReply(h)
		twin := binary.BigEndian.AppendUint32(nil, uint32(h.Correlation))
		if FlexibleHeader(h.Key, h.Version) {
			twin = append(twin, 0)
		}
		buffered := LengthSize + len(twin)
		for range r.IntN(8) {
			if r.IntN(2) == 0 {
				more := make([]byte, r.IntN(50))
				reply.Append(func(dst []byte) []byte { return append(dst, more...) })
				twin, buffered = append(twin, more...), buffered+len(more)
				continue
			}
			span, content := s.take(r, r.IntN(200))
			at := reply.Position()
			reply.Records(span)
			reply.Append(func(dst []byte) []byte {
				twin = append(twin, dst[at:]...) // the length
				buffered += len(dst) - at
				return dst
			})
			twin = append(twin, content...)
		}
		reply.Finish()
		frame := frameOf(t, reply)
		if !bytes.Equal(frame[LengthSize:], twin) || reply.BufferSize() != buffered {
			t.Fatalf("got %d bytes, %d of them in memory, expected %d and %d", len(frame), reply.BufferSize(),
				LengthSize+len(twin), buffered)
		}
		reply.Release()
		if s.pin.held != 0 {
			t.Fatalf("%d spans are still pinned after the reply was released", s.pin.held)
		}
	}
}

// What Reply writes, Reader reads.
func TestReplyWritesWhatReaderReads(t *testing.T) {
	for _, h := range []RequestHeader{{Key: 1, Version: 4}, {Key: 1, Version: 12}} {
		reply := NewReply(h)
		from := reply.Position()
		id := base.UUID{1, 2, 3}
		reply.Int8(-1)
		at := reply.Position()
		reply.Int16(0)
		reply.Int32(0)
		reply.Int64(0)
		reply.UUID(id)
		reply.String(nil)
		reply.String([]byte{})
		reply.String([]byte("gregor"))
		reply.Array(-1)
		reply.Array(0)
		reply.Array(300)
		reply.NoTags()
		reply.SetInt16(at, -2)
		reply.SetInt32(at+2, -3)
		reply.SetInt64(at+6, -4)
		reply.Finish()
		r := NewReader(append(frameOf(t, reply)[from:], make([]byte, 400)...), Flexible(h.Key, h.Version))
		if a, b, c, d := r.Int8(), r.Int16(), r.Int32(), r.Int64(); a != -1 || b != -2 || c != -3 || d != -4 {
			t.Errorf("v%d: got %d %d %d %d, expected -1 to -4", h.Version, a, b, c, d)
		}
		if got := r.UUID(); got != id {
			t.Errorf("v%d: got id %v, expected %v", h.Version, got, id)
		}
		if a, b, c := r.String(), r.String(), r.String(); a != nil || b == nil || len(b) > 0 || string(c) != "gregor" {
			t.Errorf("v%d: got strings %v %v %q", h.Version, a, b, c)
		}
		if a, b, c := r.Array(1), r.Array(1), r.Array(1); a != -1 || b != 0 || c != 300 {
			t.Errorf("v%d: got arrays of %d, %d, %d", h.Version, a, b, c)
		}
		r.Tags(nil)
		if r.Err() != nil || r.Left() != 400 {
			t.Errorf("v%d: got %d bytes left: %v", h.Version, r.Left(), r.Err())
		}
		reply.Release()
	}
}

// A large buffer is not kept for the next reply.
func TestLargeReplyBuffersAreGivenBack(t *testing.T) {
	reply := NewReply(RequestHeader{})
	reply.Append(func(dst []byte) []byte { return append(dst, make([]byte, 2*largestPooled)...) })
	reply.Finish()
	reply.Release()
	for range 100 {
		if r := NewReply(RequestHeader{}); cap(r.buf) > largestPooled {
			t.Fatalf("got a buffer of %d bytes from the pool, expected at most %d", cap(r.buf), largestPooled)
		}
	}
}
