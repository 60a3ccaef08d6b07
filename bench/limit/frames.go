//go:build linux

package limit

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	lengthSize = 4
	// offCorrelation is where a request's correlation id stands in its frame, length included.
	offCorrelation = 8
	headerSize     = 12
	largestFrame   = 128 << 20
)

// ErrFrame reports a frame whose length cannot be.
var ErrFrame = errors.New("bad frame length")

// AckSize is the size of the answer of Discard and Store where no other is asked for, in bytes with its length: about
// that of a Produce response.
const AckSize = 60

// frames cuts a stream into frames, with no more than one read for each where frames are of one size and whole: it
// never reads beyond the end of the frame that it expects.
type frames struct {
	from io.Reader
	buf  []byte
	end  int // of what is in buf
	size int // of the last frame
}

// next returns the next frame, length included, valid until the call after.
func (f *frames) next() ([]byte, error) {
	f.end = copy(f.buf, f.buf[f.size:f.end])
	want := max(f.size, lengthSize)
	f.size = 0
	for {
		if f.end >= lengthSize {
			n := int64(binary.BigEndian.Uint32(f.buf)) + lengthSize
			if n < headerSize || n > largestFrame {
				return nil, fmt.Errorf("%w: got %d, expected %d to %d", ErrFrame, n, headerSize, largestFrame)
			}
			want = int(n)
		}
		if want > len(f.buf) {
			f.buf = append(f.buf, make([]byte, want-len(f.buf))...)
		}
		if f.end >= max(want, headerSize) {
			f.size = want
			return f.buf[:want], nil
		}
		n, err := f.from.Read(f.buf[f.end:want])
		f.end += n
		if err != nil {
			return nil, err
		}
	}
}

// newAck returns the canned answer of so many bytes, of AckSize if that is 0.
func newAck(size int) []byte {
	ack := make([]byte, cmp.Or(size, AckSize))
	binary.BigEndian.PutUint32(ack, uint32(len(ack)-lengthSize))
	return ack
}

// acknowledge gives the canned answer the correlation id of a frame.
func acknowledge(ack, frame []byte) {
	copy(ack[lengthSize:], frame[offCorrelation:headerSize])
}
