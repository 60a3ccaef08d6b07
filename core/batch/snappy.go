package batch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/snappy"
)

// The xerial framing of snappy, which Java clients write and read; see the package comment.
const (
	xerialMagic   = "\x82SNAPPY\x00"
	xerialVersion = 1 // also the oldest version that can read it
	xerialHeader  = len(xerialMagic) + 4 + 4
	xerialBlock   = 32 << 10
)

// A snappy element of three bytes copies at most 64, so a block can claim at most about 22 times its own size. A claim
// beyond that is refused before it is allocated.
const snappyMaxRatio = 22

var errSnappy = errors.New("bad snappy stream")

// snappySource inflates snappy in either framing, a block at a time: 32 KiB from Java, everything at once from clients
// that send a raw block.
type snappySource struct {
	rest []byte // what is not yet inflated
	raw  bool   // rest is one raw block
}

func (s *snappySource) reset(p []byte) error {
	s.rest, s.raw = p, !hasXerialHeader(p)
	return nil
}

func hasXerialHeader(p []byte) bool {
	return len(p) >= xerialHeader && string(p[:len(xerialMagic)]) == xerialMagic
}

func (s *snappySource) next(dst []byte, left int64) ([]byte, error) {
	block, err := s.block()
	if err != nil {
		return dst, err
	}
	return decodeSnappy(dst, block, left)
}

// block takes the next compressed block off. Streams may stand one after the other, each with its
// header; of its versions there is only the one, and readers do not look at it.
func (s *snappySource) block() ([]byte, error) {
	if s.raw {
		block := s.rest
		s.rest, s.raw = nil, false
		return block, nil
	}
	if hasXerialHeader(s.rest) {
		s.rest = s.rest[xerialHeader:]
	}
	if len(s.rest) == 0 {
		return nil, io.EOF
	}
	if len(s.rest) < 4 {
		return nil, fmt.Errorf("%w: got %d bytes of a block size, expected 4", errSnappy, len(s.rest))
	}
	size := int64(binary.BigEndian.Uint32(s.rest))
	if size > int64(len(s.rest)-4) {
		return nil, fmt.Errorf("%w: got %d bytes of a block, expected %d", errSnappy, len(s.rest)-4, size)
	}
	block := s.rest[4 : 4+size]
	s.rest = s.rest[4+size:]
	return block, nil
}

// decodeSnappy appends the inflated block to dst. The decoder is lenient in one point that costs too much to forbid: it
// also reads an extension of its own, a copy from offset 0, which no client of Kafka writes.
func decodeSnappy(dst, block []byte, left int64) ([]byte, error) {
	n, err := snappy.DecodedLen(block)
	if err != nil {
		return dst, err
	}
	if n > len(block)*snappyMaxRatio {
		return dst, fmt.Errorf("%w: block of %d bytes claims %d", errSnappy, len(block), n)
	}
	if int64(n) > left {
		return dst, ErrInflated
	}
	dst = slices.Grow(dst, n)
	out, err := s2.Decode(dst[len(dst):len(dst)+n], block)
	if err != nil {
		return dst, err
	}
	return dst[:len(dst)+len(out)], nil
}

// appendXerial appends src as blocks of the xerial framing, without the header.
func appendXerial(dst, src []byte) []byte {
	for len(src) > 0 {
		block := src[:min(len(src), xerialBlock)]
		src = src[len(block):]
		dst = slices.Grow(dst, 4+s2.MaxEncodedLen(len(block)))
		at := len(dst)
		out := s2.EncodeSnappy(dst[at+4:cap(dst)], block)
		dst = dst[:at+4+len(out)]
		binary.BigEndian.PutUint32(dst[at:], uint32(len(out)))
	}
	return dst
}

// appendXerialHeader appends what a xerial stream begins with.
func appendXerialHeader(dst []byte) []byte {
	dst = append(dst, xerialMagic...)
	dst = binary.BigEndian.AppendUint32(dst, xerialVersion)
	return binary.BigEndian.AppendUint32(dst, xerialVersion)
}
