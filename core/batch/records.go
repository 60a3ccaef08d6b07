package batch

import (
	"fmt"
	"io"

	"github.com/gregor-log/gregor/base"
)

// Records iterates over the records of one batch, inflating them if they are compressed:
//
//	it := b.Records(batch.DefaultMaxInflated)
//	defer it.Close()
//	for it.Next() {
//		use(it.Record())
//	}
//	err := it.Err()
//
// It allocates nothing for an uncompressed batch, and for a compressed one only what its pooled buffers must grow: a
// record must fit in memory whole, up to the limit. A Records must not be copied once Next was called, and not be used
// by two goroutines at once; the batch must stay unchanged.
type Records struct {
	b        Batch
	limit    int64
	checking bool // b comes from a client, or is read on a client's behalf
	stamps   bool // only offsets and timestamps are wanted
	rec      Record
	// Of the batch's header, read once.
	base       base.Offset
	timestamp  int64 // base timestamp, or with appendTime every record's
	appendTime bool  // the timestamp type is LogAppendTime
	left       int32 // records still to come

	rest []byte    // uncompressed records still to come
	z    *inflater // of a compressed batch, from the first Next until the end or Close
	err  error
	run  bool // Next was called
}

// Records returns an iterator over the batch's records, which stand in offset order but after compaction not without
// gaps. It inflates at most limit bytes.
func (b Batch) Records(limit int64) Records {
	return b.open(limit, false)
}

// Stamps is Records for who wants nothing but offsets and timestamps: of each record, key, value and headers are nil.
// It needs no more memory than a window, however large the records are, so that clients may ask for as many of these at
// once as they like. The caller must close it before it opens another batch.
func (b Batch) Stamps(limit int64) Records {
	r := b.open(limit, true)
	r.stamps = true
	return r
}

// open is Records; checking says that b comes from a client.
func (b Batch) open(limit int64, checking bool) Records {
	r := Records{b: b, limit: limit, checking: checking}
	r.base, r.timestamp, r.left = b.BaseOffset(), b.BaseTimestamp(), b.Count()
	if b.LogAppendTime() {
		r.appendTime, r.timestamp = true, b.MaxTimestamp()
	}
	return r
}

// Record returns the current record. It is valid after Next reported true, until the next call of Next or Close, and
// its slices are not to be written to.
func (r *Records) Record() *Record {
	return &r.rec
}

// Err returns the error that ended the iteration, or nil: ErrInvalidRecord where the payload is not the records that
// the header counts, ErrUnsupportedCodec, ErrUndecodable or ErrInflated.
func (r *Records) Err() error {
	return r.err
}

// Next steps to the next record and reports whether there is one. After the last it makes sure that nothing is left
// over.
func (r *Records) Next() bool {
	if r.err != nil {
		return false
	}
	if !r.run && !r.start() {
		return false
	}
	if r.left == 0 {
		return r.end(r.leftover())
	}
	var f fields
	body, err := r.next(&f)
	if err != nil {
		return r.end(err)
	}
	if !r.stamps {
		f.record(body, &r.rec)
	}
	r.rec.Offset = r.base + base.Offset(f.offsetDelta)
	r.rec.Timestamp = r.timestamp
	if !r.appendTime {
		r.rec.Timestamp += f.timestampDelta
	}
	r.left--
	return true
}

// Close lets go of the inflater. It need not be called after Next reported false, and may be called twice.
func (r *Records) Close() {
	if r.z != nil {
		r.z.close()
		r.z = nil
	}
	r.rec, r.rest = Record{}, nil
}

// start opens the payload. A batch that compaction emptied has none, whatever its codec.
func (r *Records) start() bool {
	r.run = true
	payload, codec := r.b.Payload(), r.b.Codec()
	if r.left < 0 {
		return r.end(fmt.Errorf("%w: got a count of %d, expected at least 0", ErrInvalidRecord, r.left))
	}
	if codec == None || r.left == 0 && len(payload) == 0 {
		r.rest = payload
		return true
	}
	var err error
	if r.z, err = newInflater(codec, payload, r.limit, r.checking); err != nil {
		return r.end(err)
	}
	return true
}

// end stops the iteration.
func (r *Records) end(err error) bool {
	r.Close()
	r.err, r.left = err, 0
	return false
}

// next takes the next record off the payload: its bytes without the length, and what they say.
func (r *Records) next(f *fields) ([]byte, error) {
	p := r.rest
	if r.z != nil {
		p = r.z.unread()
	}
	if start, end := f.quick(p); end > 0 {
		if r.z != nil {
			r.z.at += end
		} else {
			r.rest = p[end:]
		}
		return p[start:end], nil
	}
	if r.stamps && r.z != nil {
		return nil, r.skim(f)
	}
	body, err := r.body()
	if err == nil && !f.parse(body) {
		err = fmt.Errorf("%w: record %d of %d is malformed", ErrInvalidRecord, r.b.Count()-r.left, r.b.Count())
	}
	return body, err
}

// skim takes the next compressed record off the payload and keeps none of it.
func (r *Records) skim(f *fields) error {
	size, err := r.z.length()
	if err == nil && size < 0 {
		err = fmt.Errorf("%w: got a record of %d bytes", ErrInvalidRecord, size)
	}
	if err == nil {
		err = r.z.record(f, int(size))
	}
	if err != nil {
		return fmt.Errorf("record %d of %d: %w", r.b.Count()-r.left, r.b.Count(), cutShort(err))
	}
	return nil
}

// body takes the bytes of the next record, without its length, off the payload.
func (r *Records) body() ([]byte, error) {
	if r.z == nil {
		size, i := varint(r.rest, 0)
		if i < 0 || size < 0 || int(size) > len(r.rest)-i {
			return nil, fmt.Errorf("%w: got a record of %d bytes, expected at most the %d left of its batch",
				ErrInvalidRecord, size, len(r.rest))
		}
		body := r.rest[i : i+int(size)]
		r.rest = r.rest[i+int(size):]
		return body, nil
	}
	size, err := r.z.length()
	if err == nil && size < 0 {
		err = fmt.Errorf("%w: got a record of %d bytes", ErrInvalidRecord, size)
	}
	if err != nil {
		return nil, cutShort(err)
	}
	p, err := r.z.need(int(size))
	if err != nil {
		return nil, cutShort(err)
	}
	r.z.at += int(size)
	return p[:size], nil
}

// leftover says that there is something after the last record.
func (r *Records) leftover() error {
	if r.z == nil {
		return leftover(len(r.rest))
	}
	return r.z.finish()
}

func leftover(n int) error {
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%w: got %d bytes after the last record, expected none", ErrInvalidRecord, n)
}

// finish makes sure that nothing is unread and that the stream ends here and well.
func (z *inflater) finish() error {
	if n := len(z.unread()); n > 0 {
		return leftover(n)
	}
	switch err := z.more(); err {
	case io.EOF:
		return nil
	case nil:
		return leftover(len(z.unread()))
	default:
		return err
	}
}

// cutShort gives an end of the stream before the last record its error class.
func cutShort(err error) error {
	if err == io.EOF {
		return fmt.Errorf("%w: the records end before the last of those counted", ErrInvalidRecord)
	}
	return err
}
