package batch

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"

	"github.com/gregor-log/gregor/base"
)

// Options are what a batch is built with, beside its records. NewOptions has those of a plain producer.
type Options struct {
	// BaseOffset is 0 in a producer's batch; a log that writes batches itself sets it here or later.
	BaseOffset  base.Offset
	LeaderEpoch base.LeaderEpoch
	// Codec and Level compress the records; 0 is the codec's default level.
	Codec Codec
	Level int
	// ProducerID, ProducerEpoch and BaseSequence are all -1 without idempotence.
	ProducerID    base.ProducerID
	ProducerEpoch base.ProducerEpoch
	BaseSequence  int32
	Transactional bool
	Control       bool
	// LogAppendTime sets the timestamp type, and AppendTime becomes the batch's largest timestamp.
	LogAppendTime bool
	AppendTime    int64
	// MaxBytes is the largest allowed size of the batch; 0 means what a length field can say.
	MaxBytes int
}

// NewOptions returns the options of an uncompressed batch without producer id and leader epoch.
func NewOptions() Options {
	return Options{
		LeaderEpoch:   base.NoEpoch,
		ProducerID:    base.NoProducerID,
		ProducerEpoch: base.NoProducerEpoch,
		BaseSequence:  base.NoSequence,
	}
}

// Header is a record's header, to be written. A nil Value is a null.
type Header struct {
	Key   string
	Value []byte
}

// Builder builds batches, one after the other, in a buffer that it keeps: Reset, Append for each record, Build. Once
// the buffer has grown, a record costs no allocation. Errors stick and come out of Build. The zero value is not ready;
// Reset comes first.
type Builder struct {
	opts Options
	to   sink   // the batch: header and, compressed or not, records
	raw  []byte // of a compressed batch: records that wait for the codec
	z    *deflater
	err  error

	count         int32
	lastDelta     int32
	baseTimestamp int64
	maxTimestamp  int64
}

// Reset begins a new batch. The last one built becomes invalid.
func (b *Builder) Reset(opts Options) {
	b.drop()
	if opts.MaxBytes <= 0 {
		opts.MaxBytes = math.MaxInt32
	}
	var header [HeaderSize]byte
	b.opts, b.err, b.count, b.lastDelta = opts, nil, 0, -1
	b.baseTimestamp, b.maxTimestamp = base.NoTimestamp, base.NoTimestamp
	b.to = sink{buf: append(b.to.buf[:0], header[:]...), max: opts.MaxBytes}
	b.raw = b.raw[:0]
	if opts.Codec != None {
		b.z, b.err = newDeflater(opts.Codec, opts.Level, &b.to)
	}
}

// drop lets go of the deflater.
func (b *Builder) drop() {
	if b.z != nil {
		b.z.close()
		b.z = nil
	}
}

// Append adds a record at the next offset. A nil key or value is written as a null. All slices are copied.
func (b *Builder) Append(timestamp int64, key, value []byte, headers ...Header) {
	size := 0
	for i := range headers {
		size += sizeVarlong(int64(len(headers[i].Key))) + len(headers[i].Key) + sizeBytes(headers[i].Value)
	}
	if !b.begin(b.lastDelta+1, timestamp, key, value, len(headers), size) {
		return
	}
	p := b.stage()
	*p = appendVarint(*p, int32(len(headers)))
	for i := range headers {
		*p = append(appendVarint(*p, int32(len(headers[i].Key))), headers[i].Key...)
		*p = appendBytes(*p, headers[i].Value)
	}
	b.flush(stagePiece)
}

// AppendRecord adds a record that was read from another batch at the given offset delta, which must be above the last
// one; its own offset is ignored. With gaps between deltas it writes what compaction leaves.
func (b *Builder) AppendRecord(delta int32, r *Record) {
	if delta <= b.lastDelta && b.err == nil {
		b.err = fmt.Errorf("%w: got offset delta %d after %d", ErrInvalidRecord, delta, b.lastDelta)
	}
	if !b.begin(delta, r.Timestamp, r.Key, r.Value, r.Headers.Len(), len(r.Headers.raw)) {
		return
	}
	p := b.stage()
	*p = append(appendVarint(*p, r.Headers.n), r.Headers.raw...)
	b.flush(stagePiece)
}

// stage is the buffer that records are written to.
func (b *Builder) stage() *[]byte {
	if b.opts.Codec == None {
		return &b.to.buf
	}
	return &b.raw
}

// begin writes a record up to its headers, which take headerBytes without their count. It reports false after an error.
func (b *Builder) begin(delta int32, timestamp int64, key, value []byte, headers, headerBytes int) bool {
	if b.count == 0 {
		b.baseTimestamp = timestamp
	}
	td := timestamp - b.baseTimestamp
	size := 1 + sizeVarlong(td) + sizeVarlong(int64(delta)) + sizeBytes(key) + sizeBytes(value) +
		sizeVarlong(int64(headers)) + headerBytes
	// Uncompressed, the record must fit into the batch; else into the number that says its length.
	room := math.MaxInt32
	if b.opts.Codec == None {
		room = b.opts.MaxBytes - len(b.to.buf) - sizeVarlong(int64(size))
	}
	if b.err == nil && (size > room || delta == math.MaxInt32) {
		b.err = fmt.Errorf("%w: got a record of %d bytes, expected at most %d", ErrTooLarge, size, room)
	}
	if b.err != nil {
		return false
	}
	if timestamp > b.maxTimestamp {
		b.maxTimestamp = timestamp
	}
	b.count, b.lastDelta = b.count+1, delta
	p := b.stage()
	*p = append(appendVarint(*p, int32(size)), 0) // no attributes
	*p = appendVarint(appendVarlong(*p, td), delta)
	*p = appendBytes(appendBytes(*p, key), value)
	return true
}

// flush compresses what is staged once it is at least n bytes, whole blocks of them if n is not 0.
func (b *Builder) flush(n int) {
	if b.opts.Codec == None || len(b.raw) < max(n, 1) || b.err != nil {
		return
	}
	whole := len(b.raw)
	if n > 0 {
		whole -= whole % n
	}
	b.err = b.z.write(&b.to, b.raw[:whole])
	b.raw = b.raw[:copy(b.raw, b.raw[whole:])]
}

// Count returns the number of records appended so far.
func (b *Builder) Count() int {
	return int(b.count)
}

// Size returns how large the batch is so far; of a compressed one, what waits for the codec is counted as it is.
func (b *Builder) Size() int {
	return len(b.to.buf) + len(b.raw)
}

// SetLastOffsetDelta lets the batch end behind its last record, as compaction must: the last offset stays what it was.
func (b *Builder) SetLastOffsetDelta(delta int32) {
	if delta < b.lastDelta && b.err == nil {
		b.err = fmt.Errorf("%w: got last offset delta %d after %d", ErrInvalidRecord, delta, b.lastDelta)
	}
	b.lastDelta = delta
}

// Build finishes the batch and returns it. It is a view of the builder's buffer, valid until the next Reset, and may be
// patched. Errors are ErrTooLarge, ErrUnsupportedCodec and ErrInvalidRecord; a batch without records is none.
func (b *Builder) Build() (Batch, error) {
	b.flush(0)
	if b.z != nil {
		if b.err == nil {
			b.err = b.z.finish(&b.to)
		}
		b.drop()
	}
	if b.err != nil {
		return nil, b.err
	}
	p := Batch(b.to.buf)
	b.header(p)
	p.UpdateCRC()
	return p, nil
}

// header writes every field but the CRC.
func (b *Builder) header(p Batch) {
	o := &b.opts
	attributes := int16(o.Codec)
	for _, flag := range [...]struct {
		set bool
		bit int16
	}{{o.LogAppendTime, attrLogAppendTime}, {o.Transactional, attrTransactional}, {o.Control, attrControl}} {
		if flag.set {
			attributes |= flag.bit
		}
	}
	maxTimestamp := b.maxTimestamp
	if o.LogAppendTime {
		maxTimestamp = o.AppendTime
	}
	p.SetBaseOffset(o.BaseOffset)
	binary.BigEndian.PutUint32(p[offLength:], uint32(len(p)-Overhead))
	p.SetLeaderEpoch(o.LeaderEpoch)
	p[offMagic] = Magic
	p.SetAttributes(attributes)
	binary.BigEndian.PutUint32(p[offLastOffsetDelta:], uint32(b.lastDelta))
	binary.BigEndian.PutUint64(p[offBaseTimestamp:], uint64(b.baseTimestamp))
	p.SetMaxTimestamp(maxTimestamp)
	binary.BigEndian.PutUint64(p[offProducerID:], uint64(o.ProducerID))
	binary.BigEndian.PutUint16(p[offProducerEpoch:], uint16(o.ProducerEpoch))
	binary.BigEndian.PutUint32(p[offBaseSequence:], uint32(o.BaseSequence))
	binary.BigEndian.PutUint32(p[offCount:], uint32(b.count))
}

// sizeBytes is the number of bytes that appendBytes appends.
func sizeBytes(p []byte) int {
	if p == nil {
		return 1
	}
	return sizeVarlong(int64(len(p))) + len(p)
}

// appendBytes appends p with its length before it, or the length of a null.
func appendBytes(dst, p []byte) []byte {
	if p == nil {
		return appendVarint(dst, -1)
	}
	return append(appendVarint(dst, int32(len(p))), p...)
}

// builders are those of rebuilt batches.
var builders sync.Pool

func putBuilder(b *Builder) {
	b.drop()
	if cap(b.to.buf)+cap(b.raw) > 2*keptBuffer {
		b.to.buf, b.raw = nil, nil
	}
	builders.Put(b)
}
