package meta

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/gregor-log/gregor/base"
)

// frameVersion is the first number of every value; Kafka has known no other.
const frameVersion = 1

// maxStringBytes is the longest string that Kafka writes into a record.
const maxStringBytes = 32767

// ErrCorruptRecord reports bytes that are not a metadata record: too short, a length beyond the end, bytes left over.
var ErrCorruptRecord = errors.New("corrupt metadata record")

// ErrUnsupportedRecord reports a well-formed frame of a type or version that this build does not know. The log was
// written by something newer (or by Apache Kafka with features not served here); applying the rest of it without the
// record would make another cluster of it, so the reader must stop.
var ErrUnsupportedRecord = errors.New("unsupported metadata record")

// ErrRecordTooLarge reports a record that cannot be written, because a string is longer than 32767 bytes.
var ErrRecordTooLarge = errors.New("metadata record field too large")

// AppendRecord appends the value bytes of rec, at the newest version of its type, to dst and returns the result. On
// ErrRecordTooLarge dst is returned as it was.
func AppendRecord(dst []byte, rec Record) ([]byte, error) {
	w := writer{buf: dst}
	w.uvarint(frameVersion)
	w.uvarint(uint32(rec.Type()))
	w.uvarint(uint32(newestVersion(rec.Type())))
	rec.appendBody(&w)
	if w.err != nil {
		return dst, fmt.Errorf("%v: %w", rec.Type(), w.err)
	}
	return w.buf, nil
}

// DecodeRecord reads one value. The record holds copies, so value may be reused. Any bytes may be given: what is not a
// record is ErrCorruptRecord, what is a record of something newer is ErrUnsupportedRecord.
func DecodeRecord(value []byte) (Record, error) {
	r := reader{buf: value}
	frame, kind, version := r.uvarint(), r.uvarint(), r.uvarint()
	if r.err != nil {
		return nil, r.err
	}
	if frame != frameVersion {
		return nil, fmt.Errorf("%w: got frame version %d, expected %d", ErrUnsupportedRecord, frame, frameVersion)
	}
	rec := newRecord(kind)
	if rec == nil {
		return nil, fmt.Errorf("%w: got type %d version %d, which this build does not know",
			ErrUnsupportedRecord, kind, version)
	}
	if newest := newestVersion(rec.Type()); version > uint32(newest) {
		return nil, fmt.Errorf("%w: got %v version %d, expected at most %d",
			ErrUnsupportedRecord, rec.Type(), version, newest)
	}
	rec.readBody(&r, int(version))
	if r.err == nil && len(r.buf) > 0 {
		r.fail("got %d bytes after the end", len(r.buf))
	}
	if r.err != nil {
		return nil, fmt.Errorf("%v version %d: %w", rec.Type(), version, r.err)
	}
	return rec, nil
}

// writer appends the primitives of the format. The first error sticks.
type writer struct {
	buf []byte
	err error
}

func (w *writer) uvarint(v uint32) { w.buf = binary.AppendUvarint(w.buf, uint64(v)) }
func (w *writer) int8(v int8)      { w.buf = append(w.buf, byte(v)) }
func (w *writer) int16(v int16)    { w.buf = binary.BigEndian.AppendUint16(w.buf, uint16(v)) }
func (w *writer) uint16(v uint16)  { w.buf = binary.BigEndian.AppendUint16(w.buf, v) }
func (w *writer) int32(v int32)    { w.buf = binary.BigEndian.AppendUint32(w.buf, uint32(v)) }
func (w *writer) int64(v int64)    { w.buf = binary.BigEndian.AppendUint64(w.buf, uint64(v)) }
func (w *writer) uuid(v base.UUID) { w.buf = append(w.buf, v[:]...) }
func (w *writer) noTags()          { w.uvarint(0) }

func (w *writer) bool(v bool) {
	if v {
		w.int8(1)
	} else {
		w.int8(0)
	}
}

func (w *writer) string(s string) {
	if len(s) > maxStringBytes {
		w.err = fmt.Errorf("%w: got a string of %d bytes, expected at most %d",
			ErrRecordTooLarge, len(s), maxStringBytes)
		return
	}
	w.uvarint(uint32(len(s)) + 1)
	w.buf = append(w.buf, s...)
}

func (w *writer) nullableString(s *string) {
	if s == nil {
		w.uvarint(0)
		return
	}
	w.string(*s)
}

func (w *writer) ids(ids []base.NodeID) {
	w.uvarint(uint32(len(ids)) + 1)
	for _, id := range ids {
		w.int32(int32(id))
	}
}

func (w *writer) uuids(ids []base.UUID) {
	w.uvarint(uint32(len(ids)) + 1)
	for _, id := range ids {
		w.uuid(id)
	}
}

// tagSet collects the tagged fields of a struct that do not hold their default, in rising order of tag.
type tagSet struct {
	w     *writer
	count uint32
	body  []byte
}

// add appends one tagged field; put writes its payload.
func (t *tagSet) add(tag uint32, put func(w *writer)) {
	payload := writer{}
	put(&payload)
	t.body = binary.AppendUvarint(t.body, uint64(tag))
	t.body = binary.AppendUvarint(t.body, uint64(len(payload.buf)))
	t.body = append(t.body, payload.buf...)
	t.count++
}

// ids adds a list that is left out when nil.
func (t *tagSet) ids(tag uint32, ids []base.NodeID) {
	if ids != nil {
		t.add(tag, func(w *writer) { w.ids(ids) })
	}
}

// uuids adds a list that is left out when nil.
func (t *tagSet) uuids(tag uint32, ids []base.UUID) {
	if ids != nil {
		t.add(tag, func(w *writer) { w.uuids(ids) })
	}
}

// int8 adds a number that is left out when it equals def.
func (t *tagSet) int8(tag uint32, v, def int8) {
	if v != def {
		t.add(tag, func(w *writer) { w.int8(v) })
	}
}

// end writes the collected fields.
func (t *tagSet) end() {
	t.w.uvarint(t.count)
	t.w.buf = append(t.w.buf, t.body...)
}
