package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/gregor-log/gregor/core/batch"
)

// A message of the formats before record batches:
//
//	 0        8        12        16      17
//	+--------+--------+---------+-------+----------+
//	| offset | length | CRC-32  | magic | ...      |   the CRC-32 (IEEE) covers from the magic to the end
//	+--------+--------+---------+-------+----------+
const (
	oldLengthAt = 8
	oldCRCAt    = 12
	oldMagicAt  = 16
	oldLeast    = 14 // the smallest length of a v0 message
)

// CheckFormat refuses a segment that begins with a message set of format v0 or v1, with batch.ErrOldMagic. Bytes that
// are damaged, or were never written, are not taken for one: the message's CRC must be right.
func (s *Segment) CheckFormat() error {
	return s.checkOld(0, s.Size())
}

// checkOld is CheckFormat at a position of a log of the given size.
func (s *Segment) checkOld(pos, size int64) error {
	head := make([]byte, min(size-pos, oldMagicAt+1))
	if err := s.readWhole(head, pos); err != nil {
		return err
	}
	if len(head) <= oldMagicAt || head[oldMagicAt] >= batch.Magic {
		return nil
	}
	length := int64(int32(binary.BigEndian.Uint32(head[oldLengthAt:])))
	if length < oldLeast || length > size-pos-oldCRCAt {
		return nil
	}
	message := make([]byte, length)
	if err := s.readWhole(message, pos+oldCRCAt); err != nil {
		return err
	}
	if crc32.ChecksumIEEE(message[oldMagicAt-oldCRCAt:]) != binary.BigEndian.Uint32(message) {
		return nil
	}
	return fmt.Errorf("%w: segment %d at position %d: got magic %d, expected %d", batch.ErrOldMagic, s.base, pos,
		head[oldMagicAt], batch.Magic)
}

func (s *Segment) readWhole(p []byte, pos int64) error {
	if n, err := s.ReadAt(p, pos); err != nil && (!errors.Is(err, io.EOF) || n < len(p)) {
		return fmt.Errorf("read %s at %d: %w", s.name, pos, err)
	}
	return nil
}
