package batch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"

	"github.com/pierrec/lz4/v4"
)

// The LZ4 frame format, little-endian, as far as Kafka's clients read it: independent blocks, no dictionary.
//
//	magic 04224d18 | FLG | BD | [content size u64] | HC | blocks | end mark 0 u32 | [content checksum u32]
//
//	FLG  bits 7-6 version 1, 5 independent blocks, 4 block checksums, 3 content size, 2 content checksum, 1-0 zero
//	     (the fields in brackets are there if their bit is set)
//	BD   bits 6-4 largest block: 4 64 KiB, 5 256 KiB, 6 1 MiB, 7 4 MiB; others zero
//	HC   second byte of xxHash32 of FLG to the content size
//
// A block is its size (top bit set: stored uncompressed), its bytes and, if FLG says so, their xxHash32. The frame is
// parsed here and not by a library since a batch is bytes in memory: blocks inflate straight into the window, nothing
// is allocated, and what Java's reader refuses is refused.
const (
	lz4Magic           = 0x184d2204
	lz4FlagVersion     = 0x40
	lz4FlagIndependent = 0x20
	lz4FlagBlockSum    = 0x10
	lz4FlagSize        = 0x08
	lz4FlagSum         = 0x04
	lz4Stored          = 1 << 31
	lz4Block           = 64 << 10
)

// lz4MaxRatio bounds what a compressed block can inflate to: a byte of a length field adds at most 255 bytes.
const lz4MaxRatio = 255

// lz4Header is the whole header of the frames written here: 64 KiB blocks, no sizes, no checksums beside HC.
const lz4Header = "\x04\x22\x4d\x18\x60\x40\x82"

var errLZ4 = errors.New("bad lz4 frame")

// lz4Source inflates one LZ4 frame, a block at a time.
type lz4Source struct {
	rest  []byte
	flags byte
	block int // largest inflated block
}

func (s *lz4Source) reset(p []byte) error {
	s.rest = p
	if p == nil {
		return nil
	}
	if len(p) < len(lz4Header) || binary.LittleEndian.Uint32(p) != lz4Magic {
		return fmt.Errorf("%w: no magic %08x", errLZ4, lz4Magic)
	}
	flags, bd, end := p[4], p[5], 6
	if flags&^(lz4FlagBlockSum|lz4FlagSize|lz4FlagSum) != lz4FlagVersion|lz4FlagIndependent {
		return fmt.Errorf("%w: got flags %02x, expected version 1 and independent blocks", errLZ4, flags)
	}
	if bd&0x8f != 0 || bd < 4<<4 {
		return fmt.Errorf("%w: got block descriptor %02x, expected 40, 50, 60 or 70", errLZ4, bd)
	}
	if flags&lz4FlagSize != 0 {
		end += 8
	}
	if end >= len(p) {
		return fmt.Errorf("%w: header is cut short", errLZ4)
	}
	if got, want := p[end], byte(xxh32(p[4:end])>>8); got != want {
		return fmt.Errorf("%w: got header checksum %02x, expected %02x", errLZ4, got, want)
	}
	s.flags, s.block, s.rest = flags, 1<<(2*(bd>>4)+8), p[end+1:]
	return nil
}

func (s *lz4Source) next(dst []byte, _ int64) ([]byte, error) {
	if s.rest == nil {
		return dst, io.EOF
	}
	word, err := s.word()
	if err != nil {
		return dst, err
	}
	if word&^lz4Stored == 0 {
		return dst, s.finish()
	}
	size := int(word &^ lz4Stored)
	if size > s.block || size > len(s.rest) {
		return dst, fmt.Errorf("%w: got a block of %d bytes, expected at most %d, and %d are left", errLZ4, size,
			s.block, len(s.rest))
	}
	block := s.rest[:size]
	s.rest = s.rest[size:]
	if s.flags&lz4FlagBlockSum != 0 {
		sum, err := s.word()
		if err != nil {
			return dst, err
		}
		if got := xxh32(block); got != sum {
			return dst, fmt.Errorf("%w: got block checksum %08x, expected %08x", errLZ4, got, sum)
		}
	}
	if word&lz4Stored != 0 {
		return append(dst, block...), nil
	}
	most := min(s.block, size*lz4MaxRatio)
	dst = slices.Grow(dst, most)
	n, err := lz4.UncompressBlock(block, dst[len(dst):len(dst)+most])
	if err != nil {
		return dst, err
	}
	return dst[:len(dst)+n], nil
}

// finish reads what follows the end mark. The content checksum is passed over, as Kafka does: the batch's CRC covers
// it.
func (s *lz4Source) finish() error {
	if s.flags&lz4FlagSum != 0 {
		if _, err := s.word(); err != nil {
			return err
		}
	}
	if len(s.rest) > 0 {
		return fmt.Errorf("%w: got %d bytes after its end, expected none", errLZ4, len(s.rest))
	}
	s.rest = nil
	return io.EOF
}

func (s *lz4Source) word() (uint32, error) {
	if len(s.rest) < 4 {
		return 0, fmt.Errorf("%w: cut short", errLZ4)
	}
	w := binary.LittleEndian.Uint32(s.rest)
	s.rest = s.rest[4:]
	return w, nil
}

// xxh32 is the 32-bit xxHash of p with seed 0.
func xxh32(p []byte) uint32 {
	const p1, p2, p3, p4, p5 = 2654435761, 2246822519, 3266489917, 668265263, 374761393
	size := uint32(len(p))
	h := uint32(p5)
	if len(p) >= 16 {
		v := [4]uint32{p1 + p2 - 1<<32, p2, 0, 1<<32 - p1}
		for ; len(p) >= 16; p = p[16:] {
			for i := range v {
				v[i] = bits.RotateLeft32(v[i]+binary.LittleEndian.Uint32(p[4*i:])*p2, 13) * p1
			}
		}
		h = 0
		for i, turn := range [4]int{1, 7, 12, 18} {
			h += bits.RotateLeft32(v[i], turn)
		}
	}
	h += size
	for ; len(p) >= 4; p = p[4:] {
		h = bits.RotateLeft32(h+binary.LittleEndian.Uint32(p)*p3, 17) * p4
	}
	for _, b := range p {
		h = bits.RotateLeft32(h+uint32(b)*p5, 11) * p1
	}
	h = (h ^ h>>15) * p2
	h = (h ^ h>>13) * p3
	return h ^ h>>16
}
