package batch

import (
	"fmt"
	"math"
)

// wholeRecord is the size up to which a compressed record is inflated whole before it is looked at. Of larger ones only
// the lengths are read and the rest is passed over, so that checking needs no more memory than a window.
const wholeRecord = 64 << 10

// walker looks at every record of a batch once, in order, and gathers what the rules say of them.
type walker struct {
	rules         Rules
	clientStamped bool // the client set the LogAppendTime bit
	base          int64
	index         int32 // of the record at hand

	// A record is fine whose key is at least minKey long and whose timestamp lies within these bounds; see bound.
	minKey           int32
	earliest, latest int64

	maxTimestamp int64
	badTimestamp bool
	faults       []RecordError
	faulty       int // records that are, listed or not
}

// walk checks the records of b. The error is ErrInvalidRecord, ErrInvalidTimestamp, ErrUndecodable or ErrInflated.
func (w *walker) walk(b Batch) error {
	w.base = b.BaseTimestamp()
	w.bound()
	var err error
	if b.Codec() == None {
		err = w.flat(b.Payload(), b.Count())
	} else {
		err = w.stream(b)
	}
	if err != nil {
		w.faults = nil // no longer the reason
		return err
	}
	return w.sum()
}

// flat walks uncompressed records.
func (w *walker) flat(p []byte, count int32) error {
	var f fields
	for ; w.index < count; w.index++ {
		if _, end := f.quick(p); end > 0 {
			p = p[end:]
			w.check(&f)
			continue
		}
		size, i := varint(p, 0)
		if i < 0 || size < 0 || int(size) > len(p)-i {
			return fmt.Errorf("%w: record %d of %d claims %d bytes of the %d left", ErrInvalidRecord, w.index, count,
				size, len(p))
		}
		p = p[i:]
		if !f.parse(p[:size]) {
			return w.malformed(count)
		}
		p = p[size:]
		w.check(&f)
	}
	return leftover(len(p))
}

// stream walks compressed records through a window.
func (w *walker) stream(b Batch) error {
	z, err := newInflater(b.Codec(), b.Payload(), w.rules.MaxInflated, true)
	if err != nil {
		return err
	}
	defer z.close()
	var f fields
	for count := b.Count(); w.index < count; w.index++ {
		if _, end := f.quick(z.unread()); end > 0 {
			z.at += end
			w.check(&f)
			continue
		}
		size, err := z.length()
		if err != nil {
			return cutShort(err)
		}
		if size < 0 {
			return w.malformed(count)
		}
		if err := z.record(&f, int(size)); err != nil {
			return fmt.Errorf("record %d of %d: %w", w.index, count, cutShort(err))
		}
		w.check(&f)
	}
	return z.finish()
}

func (w *walker) malformed(count int32) error {
	return fmt.Errorf("%w: record %d of %d is malformed", ErrInvalidRecord, w.index, count)
}

// check judges one well-formed record. What is fine by the bounds is fine; judge looks closer at the rest.
func (w *walker) check(f *fields) {
	ts := w.base + f.timestampDelta
	if ts > w.maxTimestamp {
		w.maxTimestamp = ts
	}
	if f.offsetDelta != w.index || f.keySize < w.minKey || ts < w.earliest || ts > w.latest {
		w.judge(f, ts)
	}
}

func (w *walker) judge(f *fields, ts int64) {
	switch {
	case f.offsetDelta != w.index:
		w.fault("Offset delta is not the record's position in its batch", false)
	case w.rules.Compacted && f.keySize < 0:
		w.fault("Compacted topic cannot accept message without key", false)
	case w.clientStamped:
		w.fault("Producer should not set timestamp type to LogAppendTime", true)
	case !w.rules.LogAppendTime && !w.inRange(ts):
		w.fault(w.rangeMessage(ts), true)
	}
}

// bound sets what lets check pass a record at a glance. They may exclude too much, which judge sets right, but nothing
// that inRange would not take.
func (w *walker) bound() {
	r := &w.rules
	w.minKey, w.earliest, w.latest = math.MinInt32, math.MinInt64, math.MaxInt64
	if r.Compacted {
		w.minKey = 0
	}
	switch {
	case w.clientStamped || r.Now < 0:
		w.earliest, w.latest = 1, 0 // none
	case !r.LogAppendTime:
		w.earliest = r.Now - min(r.BeforeMaxMs, r.Now)
		w.latest = r.Now + min(r.AfterMaxMs, math.MaxInt64-r.Now)
	}
}

// inRange says whether a CreateTime is near enough to now, -1 being no time at all. The arithmetic wraps, as Java's
// does.
func (w *walker) inRange(ts int64) bool {
	ahead := ts - w.rules.Now
	return ts == -1 || -ahead <= w.rules.BeforeMaxMs && ahead <= w.rules.AfterMaxMs
}

func (w *walker) rangeMessage(ts int64) string {
	if len(w.faults) == maxRecordErrors {
		return ""
	}
	return fmt.Sprintf(
		"Timestamp %d of message with offset %d is out of range. The timestamp should be within [%d, %d]",
		ts, w.index, w.rules.Now-w.rules.BeforeMaxMs, w.rules.Now+w.rules.AfterMaxMs)
}

func (w *walker) fault(message string, timestamp bool) {
	w.faulty++
	w.badTimestamp = w.badTimestamp || timestamp
	if len(w.faults) < maxRecordErrors {
		w.faults = append(w.faults, RecordError{Index: w.index, Message: message})
	}
}

// sum turns the faults into one error. As in Kafka a single bad timestamp decides its class.
func (w *walker) sum() error {
	if w.faulty == 0 {
		return nil
	}
	class := ErrInvalidRecord
	if w.badTimestamp {
		class = ErrInvalidTimestamp
	}
	return fmt.Errorf("%w: %d of %d records, the first: record %d: %s", class, w.faulty, w.index, w.faults[0].Index,
		w.faults[0].Message)
}

// header judges what the header tells of the records' timestamps: its base is the first record's, its largest is taken
// as it is.
func (w *walker) header(b Batch) error {
	w.maxTimestamp = b.MaxTimestamp()
	if w.clientStamped {
		return fmt.Errorf("%w: producers should not set the timestamp type to LogAppendTime", ErrInvalidTimestamp)
	}
	for _, ts := range [2]int64{b.BaseTimestamp(), b.MaxTimestamp()} {
		if !w.rules.LogAppendTime && !w.inRange(ts) {
			return fmt.Errorf("%w: %s", ErrInvalidTimestamp, w.rangeMessage(ts))
		}
	}
	return nil
}

// record reads a record of n bytes, inflating it whole only if it is small or inflated already.
func (z *inflater) record(f *fields, n int) error {
	if n > wholeRecord && n > len(z.unread()) {
		return z.skim(f, n)
	}
	return z.whole(f, n)
}

// whole inflates a record of n bytes and parses it.
func (z *inflater) whole(f *fields, n int) error {
	p, err := z.need(n)
	if err != nil {
		return err
	}
	z.at += n
	if !f.parse(p[:n]) {
		return fmt.Errorf("%w: malformed", ErrInvalidRecord)
	}
	return nil
}

// skim reads a record of n bytes as it streams by. It fills in what the rules need, without the positions.
func (z *inflater) skim(f *fields, n int) error {
	s := skimmer{z: z, left: n}
	s.skip(1)
	f.timestampDelta = s.long()
	f.offsetDelta = s.int()
	f.keySize = s.int()
	s.skip(f.keySize)
	f.valueSize = s.int()
	s.skip(f.valueSize)
	f.headerCount = s.int()
	if f.headerCount < 0 {
		s.fail()
	}
	for i := int32(0); i < f.headerCount && s.err == nil; i++ {
		size := s.int()
		if size < 0 {
			s.fail()
		}
		s.skip(size)
		s.skip(s.int())
	}
	if s.left != 0 {
		s.fail()
	}
	return s.err
}

// skimmer reads fields of one record. Its error sticks, so that a reader checks once.
type skimmer struct {
	z    *inflater
	left int // bytes of the record still to come
	err  error
}

func (s *skimmer) fail() {
	if s.err == nil {
		s.err = fmt.Errorf("%w: malformed", ErrInvalidRecord)
	}
}

// skip passes over n bytes; a null's negative length is none.
func (s *skimmer) skip(n int32) {
	switch {
	case s.err != nil || n <= 0:
	case int(n) > s.left:
		s.fail()
	default:
		s.left -= int(n)
		s.err = s.z.skip(int(n))
	}
}

// peek returns at least n bytes, or all that is left of the record if that is less.
func (s *skimmer) peek(n int) []byte {
	if s.err != nil {
		return nil
	}
	n = min(n, s.left)
	p, err := s.z.need(n)
	if err != nil {
		s.err = err
		return nil
	}
	return p[:min(len(p), s.left)]
}

func (s *skimmer) int() int32 {
	v, i := varint(s.peek(maxVarint), 0)
	s.advance(i)
	return v
}

func (s *skimmer) long() int64 {
	v, i := varlong(s.peek(maxVarlong), 0)
	s.advance(i)
	return v
}

func (s *skimmer) advance(n int) {
	if n < 0 {
		s.fail()
	}
	s.skip(int32(n))
}
