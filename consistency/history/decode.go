package history

import (
	"math"

	"github.com/gregor-log/gregor/base"
)

// opFields are the fields of an operation that mean something only once all are known.
type opFields struct {
	seen               fields
	base, from, offset int64
	hasBase            bool
	hasFrom            bool
	hasOffset          bool
}

// readOp decodes the operation in r.cur into r.op.
func (r *Reader) readOp() error {
	c, op, f := &r.cur, &r.op, opFields{}
	op.Reset(0)
	c.take('{')
	for first := true; c.more('}', first); first = false {
		name := c.key()
		if !r.commonField(name, &f) && !r.kindField(name, &f) {
			c.skip(0)
		}
	}
	c.end()
	f.seen.need(c, "process", "op", "topic", "partition", "start_ns", "end_ns", "outcome")
	if c.err != nil {
		return c.err
	}
	switch op.Kind {
	case Append:
		if f.hasFrom || f.hasOffset {
			c.fail(`append has "from" or "offset"`)
		}
		if f.hasBase {
			op.Offset = f.base
		}
	case Fetch:
		if f.hasBase || f.hasOffset {
			c.fail(`fetch has "base" or "offset"`)
		}
		op.Offset = f.from
		if !f.hasFrom {
			c.fail(`field "from" is missing`)
		}
	case End:
		if f.hasBase || f.hasFrom {
			c.fail(`end has "base" or "from"`)
		}
		if f.hasOffset {
			op.Offset = f.offset
		}
	case Commit, Committed:
		if f.hasBase || f.hasFrom {
			c.fail(`%s has "base" or "from"`, op.Kind)
		}
		if f.hasOffset {
			op.Offset = f.offset
		}
	}
	if c.err != nil {
		return c.err
	}
	return op.Check()
}

// commonField decodes a field that every operation has and reports whether it was one.
func (r *Reader) commonField(name []byte, f *opFields) bool {
	c, op := &r.cur, &r.op
	switch string(name) {
	case "kind":
		c.str()
	case "process":
		f.seen.once(c, 0, name)
		op.Process = int32(c.integer(0, math.MaxInt32))
	case "op":
		f.seen.once(c, 1, name)
		op.Kind = c.opKind()
	case "topic":
		f.seen.once(c, 2, name)
		op.Topic = r.topic(c.str())
	case "partition":
		f.seen.once(c, 3, name)
		op.Partition = int32(c.integer(0, math.MaxInt32))
	case "start_ns":
		f.seen.once(c, 4, name)
		op.Start = c.integer(0, math.MaxInt64-1)
	case "end_ns":
		f.seen.once(c, 5, name)
		op.End = c.integer(0, math.MaxInt64-1)
	case "outcome":
		f.seen.once(c, 6, name)
		op.Outcome = c.outcome()
	case "node":
		f.seen.once(c, 7, name)
		op.Node = base.NodeID(c.integer(-1, math.MaxInt32))
	case "error":
		f.seen.once(c, 8, name)
		op.Error = r.topic(c.str())
	case "final":
		f.seen.once(c, 9, name)
		op.Final = c.boolean()
	default:
		return false
	}
	return true
}

// kindField decodes a field that one kind of operation has and reports whether it was one.
func (r *Reader) kindField(name []byte, f *opFields) bool {
	c, op := &r.cur, &r.op
	switch string(name) {
	case "base":
		f.seen.once(c, 10, name)
		f.base, f.hasBase = c.integer(-1, MaxOffset), true
	case "from":
		f.seen.once(c, 11, name)
		f.from, f.hasFrom = c.integer(0, MaxOffset), true
	case "offset":
		f.seen.once(c, 12, name)
		f.offset, f.hasOffset = c.integer(-1, MaxOffset), true
	case "high_watermark":
		f.seen.once(c, 13, name)
		op.HighWatermark = c.integer(-1, MaxOffset)
	case "log_start":
		f.seen.once(c, 14, name)
		op.LogStart = c.integer(-1, MaxOffset)
	case "acks":
		f.seen.once(c, 15, name)
		op.Acks = int16(c.integer(-1, 1))
	case "producer_id":
		f.seen.once(c, 16, name)
		op.ProducerID = base.ProducerID(c.integer(-1, math.MaxInt64))
	case "producer_epoch":
		f.seen.once(c, 17, name)
		op.ProducerEpoch = base.ProducerEpoch(c.integer(-1, math.MaxInt16))
	case "sequence":
		f.seen.once(c, 18, name)
		op.Sequence = int32(c.integer(-1, math.MaxInt32))
	case "values":
		f.seen.once(c, 19, name)
		c.take('[')
		for first := true; c.more(']', first); first = false {
			op.Values.Add(c.str())
		}
	case "records":
		f.seen.once(c, 20, name)
		r.records()
	case "group":
		f.seen.once(c, 21, name)
		op.Group = r.topic(c.str())
	default:
		return false
	}
	return true
}

// records decodes runs: [[offset, value, value...], ...].
func (r *Reader) records() {
	c, op := &r.cur, &r.op
	c.take('[')
	for first := true; c.more(']', first); first = false {
		c.take('[')
		if !c.more(']', true) {
			c.fail("a run of records is empty")
			return
		}
		offset := c.integer(0, MaxOffset)
		for c.more(']', false) {
			op.Values.Add(c.str())
			op.Offsets = append(op.Offsets, offset)
			offset++
		}
	}
}

// topic returns one string for all equal names.
func (r *Reader) topic(name []byte) string {
	if s, ok := r.topics[string(name)]; ok {
		return s
	}
	s := string(name)
	if len(r.topics) < 1<<16 && len(s) <= MaxTopicLen {
		r.topics[s] = s
	}
	return s
}

func (c *cursor) opKind() Kind {
	name := c.str()
	for k := Append; k <= Committed; k++ {
		if string(name) == k.String() {
			return k
		}
	}
	c.fail("operation %q, expected append, fetch, end, commit or committed", clip(name))
	return 0
}

func (c *cursor) outcome() Outcome {
	name := c.str()
	for o := OK; o <= Unknown; o++ {
		if string(name) == o.String() {
			return o
		}
	}
	c.fail("outcome %q, expected ok, fail or unknown", clip(name))
	return 0
}
