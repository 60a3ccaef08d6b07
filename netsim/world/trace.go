package world

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"hash/crc32"
)

// trace is the running hash over all that happens: SHA-256 over one record an event. Two runs with equal hashes did the
// same things at the same instants, and their brokers wrote the same bytes.
//
//	 0      8      16    17  20       24        28      32      40      48
//	+------+------+-----+---+--------+---------+-------+-------+-------+
//	| at   | seq  |kind | 0 | id     | payload | length| state | extra |
//	| i64  | u64  | u8  |   | i32    | u32     | u32   | u64   | u64   |
//	+------+------+-----+---+--------+---------+-------+-------+-------+
//
// All is little-endian. payload is the CRC-32C of the bytes that arrive and length their number, state the checksum of
// what the node has written.
type trace struct {
	hash   hash.Hash
	buf    []byte
	events uint64
}

const traceRecord = 48

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func newTrace() trace {
	return trace{hash: sha256.New(), buf: make([]byte, 0, 128*traceRecord)}
}

// add counts an event and hashes it.
func (t *trace) add(e *event, payload []byte, state, extra uint64) {
	t.events++
	if len(t.buf)+traceRecord > cap(t.buf) {
		t.flush()
	}
	var r [traceRecord]byte
	binary.LittleEndian.PutUint64(r[0:], uint64(e.at))
	binary.LittleEndian.PutUint64(r[8:], e.seq)
	r[16] = byte(e.kind)
	binary.LittleEndian.PutUint32(r[20:], uint32(e.id))
	binary.LittleEndian.PutUint32(r[24:], crc32.Checksum(payload, castagnoli))
	binary.LittleEndian.PutUint32(r[28:], uint32(len(payload)))
	binary.LittleEndian.PutUint64(r[32:], state)
	binary.LittleEndian.PutUint64(r[40:], extra)
	t.buf = append(t.buf, r[:]...)
}

func (t *trace) flush() {
	t.hash.Write(t.buf)
	t.buf = t.buf[:0]
}

// sum returns the hash so far in hexadecimal digits.
func (t *trace) sum() string {
	t.flush()
	return hex.EncodeToString(t.hash.Sum(nil))
}
