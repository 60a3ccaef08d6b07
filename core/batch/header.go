package batch

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/gregor-log/gregor/base"
)

// Positions of the header's fields, in bytes from the batch's start; see the package comment for the drawing.
const (
	offBaseOffset      = 0
	offLength          = 8
	offLeaderEpoch     = 12
	offMagic           = 16
	offCRC             = 17
	offAttributes      = 21
	offLastOffsetDelta = 23
	offBaseTimestamp   = 27
	offMaxTimestamp    = 35
	offProducerID      = 43
	offProducerEpoch   = 51
	offBaseSequence    = 53
	offCount           = 57

	// HeaderSize is the size of a v2 batch header; the records, compressed or not, follow it.
	HeaderSize = 61
	// Overhead is the part of a batch before what its length field counts: base offset and length.
	Overhead = 12
	// Magic is the only record batch version that Kafka 4 accepts and that this package reads.
	Magic = 2
)

// Codec is a compression codec, as numbered in the attributes.
type Codec int8

// The codecs of record batches.
const (
	None Codec = iota
	Gzip
	Snappy
	LZ4
	Zstd
)

// String returns Kafka's name of the codec.
func (c Codec) String() string {
	switch c {
	case None:
		return "none"
	case Gzip:
		return "gzip"
	case Snappy:
		return "snappy"
	case LZ4:
		return "lz4"
	case Zstd:
		return "zstd"
	}
	return fmt.Sprintf("codec(%d)", int8(c))
}

// Attribute bits of a batch. The upper byte is unused: Kafka keeps it when it stores a batch unchanged and drops it
// with everything else it does not know when it rewrites the attributes.
const (
	attrCodecMask     = 0x07
	attrLogAppendTime = 0x08
	attrTransactional = 0x10
	attrControl       = 0x20
	attrDeleteHorizon = 0x40
	attrKnown         = 0x7f
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Checksum returns the CRC-32C (Castagnoli) of p, the checksum of batches and of producer snapshots.
func Checksum(p []byte) uint32 {
	return crc32.Checksum(p, castagnoli)
}

// Batch is a view of the bytes of one whole v2 batch, header included. It does not own them. The accessors read and
// patch fields in place; a Batch must come from Parse, which makes sure that the header is there.
type Batch []byte

// Size reads the total size in bytes of the batch that starts at p, header included, from its length and magic fields.
// It needs HeaderSize bytes, else ErrShort; the magic is judged before the length, as the older formats share its
// place.
func Size(p []byte) (int, error) {
	if len(p) < HeaderSize {
		if len(p) > offMagic && p[offMagic] < Magic {
			return 0, fmt.Errorf("%w: got magic %d, expected %d", ErrOldMagic, p[offMagic], Magic)
		}
		return 0, fmt.Errorf("%w: got %d bytes, expected at least %d", ErrShort, len(p), HeaderSize)
	}
	if magic := p[offMagic]; magic != Magic {
		if magic < Magic {
			return 0, fmt.Errorf("%w: got magic %d, expected %d", ErrOldMagic, magic, Magic)
		}
		return 0, fmt.Errorf("%w: got magic %d, expected %d", ErrBadMagic, int8(magic), Magic)
	}
	length := int32(binary.BigEndian.Uint32(p[offLength:]))
	if length < HeaderSize-Overhead || length > 1<<31-1-Overhead {
		return 0, fmt.Errorf("%w: got %d, expected at least %d", ErrBadLength, length, HeaderSize-Overhead)
	}
	return int(length) + Overhead, nil
}

// Parse returns the batch at the start of p and the bytes after it. It checks magic and length, not the CRC.
func Parse(p []byte) (b Batch, rest []byte, err error) {
	size, err := Size(p)
	if err != nil {
		return nil, p, err
	}
	if size > len(p) {
		return nil, p, fmt.Errorf("%w: got %d bytes, expected %d", ErrShort, len(p), size)
	}
	return Batch(p[:size:size]), p[size:], nil
}

// CheckCRC compares the stored CRC-32C with that of the bytes from the attributes to the end.
func (b Batch) CheckCRC() error {
	if got, want := b.CRC(), Checksum(b[offAttributes:]); got != want {
		return fmt.Errorf("%w: got %08x, expected %08x", ErrCRC, got, want)
	}
	return nil
}

// UpdateCRC stores the CRC-32C of the bytes from the attributes to the end.
func (b Batch) UpdateCRC() {
	binary.BigEndian.PutUint32(b[offCRC:], Checksum(b[offAttributes:]))
}

// BaseOffset returns the offset of the batch's first record, as it was when the batch was written.
func (b Batch) BaseOffset() base.Offset {
	return base.Offset(binary.BigEndian.Uint64(b[offBaseOffset:]))
}

// SetBaseOffset patches the base offset, which lies outside the CRC.
func (b Batch) SetBaseOffset(o base.Offset) {
	binary.BigEndian.PutUint64(b[offBaseOffset:], uint64(o))
}

// LeaderEpoch returns the partition leader epoch that the batch was appended in.
func (b Batch) LeaderEpoch() base.LeaderEpoch {
	return base.LeaderEpoch(binary.BigEndian.Uint32(b[offLeaderEpoch:]))
}

// SetLeaderEpoch patches the leader epoch, which lies outside the CRC.
func (b Batch) SetLeaderEpoch(e base.LeaderEpoch) {
	binary.BigEndian.PutUint32(b[offLeaderEpoch:], uint32(e))
}

// CRC returns the stored CRC-32C.
func (b Batch) CRC() uint32 {
	return binary.BigEndian.Uint32(b[offCRC:])
}

// Attributes returns the attribute bits.
func (b Batch) Attributes() int16 {
	return int16(binary.BigEndian.Uint16(b[offAttributes:]))
}

// SetAttributes patches the attribute bits; the caller must UpdateCRC.
func (b Batch) SetAttributes(a int16) {
	binary.BigEndian.PutUint16(b[offAttributes:], uint16(a))
}

// Codec returns the compression codec of the records. Values above Zstd are not refused here.
func (b Batch) Codec() Codec {
	return Codec(b.Attributes() & attrCodecMask)
}

// LogAppendTime says that the broker set the timestamps (message.timestamp.type=LogAppendTime).
func (b Batch) LogAppendTime() bool {
	return b.Attributes()&attrLogAppendTime != 0
}

// Transactional says that the batch belongs to a transaction.
func (b Batch) Transactional() bool {
	return b.Attributes()&attrTransactional != 0
}

// Control says that the batch holds control records, which clients never see.
func (b Batch) Control() bool {
	return b.Attributes()&attrControl != 0
}

// HasDeleteHorizon says that the base timestamp is the time from which tombstones and markers may be removed (KIP-534).
func (b Batch) HasDeleteHorizon() bool {
	return b.Attributes()&attrDeleteHorizon != 0
}

// LastOffsetDelta returns the last record's offset relative to the base offset.
func (b Batch) LastOffsetDelta() int32 {
	return int32(binary.BigEndian.Uint32(b[offLastOffsetDelta:]))
}

// LastOffset returns the offset of the batch's last record, compacted away or not.
func (b Batch) LastOffset() base.Offset {
	return b.BaseOffset() + base.Offset(b.LastOffsetDelta())
}

// NextOffset returns the offset after the batch's last one.
func (b Batch) NextOffset() base.Offset {
	return b.LastOffset() + 1
}

// BaseTimestamp returns the timestamp that the records' deltas count from, in Unix milliseconds.
func (b Batch) BaseTimestamp() int64 {
	return int64(binary.BigEndian.Uint64(b[offBaseTimestamp:]))
}

// MaxTimestamp returns the largest timestamp of the batch, in Unix milliseconds.
func (b Batch) MaxTimestamp() int64 {
	return int64(binary.BigEndian.Uint64(b[offMaxTimestamp:]))
}

// SetMaxTimestamp patches the largest timestamp; the caller must UpdateCRC.
func (b Batch) SetMaxTimestamp(ts int64) {
	binary.BigEndian.PutUint64(b[offMaxTimestamp:], uint64(ts))
}

// ProducerID returns the producer id, or base.NoProducerID.
func (b Batch) ProducerID() base.ProducerID {
	return base.ProducerID(binary.BigEndian.Uint64(b[offProducerID:]))
}

// ProducerEpoch returns the producer epoch, or base.NoProducerEpoch.
func (b Batch) ProducerEpoch() base.ProducerEpoch {
	return base.ProducerEpoch(binary.BigEndian.Uint16(b[offProducerEpoch:]))
}

// BaseSequence returns the sequence number of the first record, or base.NoSequence.
func (b Batch) BaseSequence() int32 {
	return int32(binary.BigEndian.Uint32(b[offBaseSequence:]))
}

// LastSequence returns the sequence number of the last record, which wraps from 2147483647 to 0. Without a base
// sequence it is base.NoSequence.
func (b Batch) LastSequence() int32 {
	if b.BaseSequence() == base.NoSequence {
		return base.NoSequence
	}
	return AddSequence(b.BaseSequence(), b.LastOffsetDelta())
}

// Count returns the number of records that the header claims.
func (b Batch) Count() int32 {
	return int32(binary.BigEndian.Uint32(b[offCount:]))
}

// Payload returns the records as they are stored, compressed or not.
func (b Batch) Payload() []byte {
	return b[HeaderSize:]
}

// AddSequence returns seq+n as Kafka counts sequence numbers: modulo 2^31.
func AddSequence(seq, n int32) int32 {
	return int32((int64(seq) + int64(n)) & (1<<31 - 1))
}
