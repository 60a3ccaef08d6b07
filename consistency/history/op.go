package history

import (
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/gregor-log/gregor/base"
)

// Op is one operation as a writer hands it over and a [Reader] returns it. NewOp sets the fields that are "not told"
// to -1; an Op can be reused with Reset, which keeps the memory of its values.
type Op struct {
	// Process is who asked, at least 0.
	Process int32
	// Node is the broker that answered, base.NoNode if unknown.
	Node base.NodeID
	// Kind is what was asked for.
	Kind Kind
	// Outcome is what is known of it.
	Outcome Outcome
	// Final marks a read made after the run, when faults are healed and nothing is in flight.
	Final bool
	// Topic and Partition say where, and Group for which group a commit or a committed is.
	Topic     string
	Group     string
	Partition int32
	// Start and End are the closed interval of the operation in nanoseconds.
	Start, End int64
	// Acks is the append's acks: 0, 1 or -1 (all).
	Acks int16
	// ProducerID, ProducerEpoch and Sequence are those of an idempotent append, else -1.
	ProducerID    base.ProducerID
	ProducerEpoch base.ProducerEpoch
	Sequence      int32
	// Offset is the append's base offset (-1 if not told), the offset that a fetch began at, the end of the log, or the
	// offset that a group has committed (-1 for none).
	Offset int64
	// HighWatermark and LogStart are those of a fetch's answer, -1 if not told.
	HighWatermark, LogStart int64
	// Error is Kafka's name of the error, if one was told.
	Error string
	// Values are the identities of the records appended or fetched, in order.
	Values Values
	// Offsets are the offsets of a fetch's records, as many as Values. An append leaves it empty.
	Offsets []int64
}

// NewOp returns an operation of the kind with every optional number at its "not told" value.
func NewOp(kind Kind) *Op {
	o := new(Op)
	o.Reset(kind)
	return o
}

// Reset makes o a new operation of the kind and keeps the memory of its values and offsets.
func (o *Op) Reset(kind Kind) {
	values, offsets := o.Values, o.Offsets[:0]
	values.Reset()
	*o = Op{
		Kind: kind, Node: base.NoNode, Acks: -1, ProducerID: base.NoProducerID, ProducerEpoch: base.NoProducerEpoch,
		Sequence: base.NoSequence, Offset: -1, HighWatermark: -1, LogStart: -1, Values: values, Offsets: offsets,
	}
}

// AddRecord adds a fetched record.
func (o *Op) AddRecord(offset int64, value string) {
	o.Offsets = append(o.Offsets, offset)
	o.Values.AddString(value)
}

// Check reports the first field that contradicts the format or another field, wrapped around ErrBadOp.
func (o *Op) Check() error {
	switch {
	case o.Kind < Append || o.Kind > Committed:
		return fmt.Errorf("%w: kind %d, expected append, fetch, end, commit or committed", ErrBadOp, o.Kind)
	case (o.Group != "") != o.Kind.OfGroup() || len(o.Group) > MaxGroupLen || !utf8.ValidString(o.Group):
		return fmt.Errorf("%w: %s with a group of %d bytes, expected one of 1 to %d of a commit or committed alone",
			ErrBadOp, o.Kind, len(o.Group), MaxGroupLen)
	case o.Outcome < OK || o.Outcome > Unknown:
		return fmt.Errorf("%w: outcome %d, expected ok, fail or unknown", ErrBadOp, o.Outcome)
	case o.Topic == "" || len(o.Topic) > MaxTopicLen || !utf8.ValidString(o.Topic):
		return fmt.Errorf("%w: topic of %d bytes, expected 1 to %d", ErrBadOp, len(o.Topic), MaxTopicLen)
	case o.Process < 0 || o.Partition < 0:
		return fmt.Errorf("%w: process %d, partition %d, expected none negative", ErrBadOp, o.Process, o.Partition)
	case o.End < o.Start || o.Start < 0 || o.End == math.MaxInt64:
		return fmt.Errorf("%w: start_ns %d, end_ns %d, expected 0 <= start <= end < 2^63-1", ErrBadOp, o.Start, o.End)
	}
	for _, offset := range [...]int64{o.Offset, o.HighWatermark, o.LogStart} {
		if offset < -1 || offset > MaxOffset {
			return fmt.Errorf("%w: offset %d, expected -1 to 2^60", ErrBadOp, offset)
		}
	}
	if err := o.checkKind(); err != nil {
		return err
	}
	return o.checkValues()
}

// checkKind checks what holds for one kind of operation only.
func (o *Op) checkKind() error {
	count := o.Values.Len()
	switch o.Kind {
	case Append:
		if count == 0 || len(o.Offsets) != 0 {
			return fmt.Errorf("%w: append of %d values with %d offsets, expected some and none", ErrBadOp, count,
				len(o.Offsets))
		}
		if o.Outcome != OK && o.Offset >= 0 {
			return fmt.Errorf("%w: base %d with outcome %s, expected none", ErrBadOp, o.Offset, o.Outcome)
		}
	case Fetch:
		if count != len(o.Offsets) || (count > 0 && o.Outcome != OK) {
			return fmt.Errorf("%w: fetch of %d values at %d offsets, outcome %s", ErrBadOp, count, len(o.Offsets),
				o.Outcome)
		}
		if o.Offset < 0 {
			return fmt.Errorf("%w: fetch from %d, expected at least 0", ErrBadOp, o.Offset)
		}
	case End:
		if count != 0 || len(o.Offsets) != 0 || (o.Outcome == OK) != (o.Offset >= 0) {
			return fmt.Errorf("%w: end %d with outcome %s and %d values, expected an offset if ok and no values",
				ErrBadOp, o.Offset, o.Outcome, count)
		}
	case Commit, Committed:
		if len(o.Offsets) != 0 || count > 1 || (count == 1) != (o.Offset >= 0) {
			return fmt.Errorf("%w: %s of offset %d with %d values, expected one if there is an offset", ErrBadOp,
				o.Kind, o.Offset, count)
		}
		if o.Kind == Committed && o.Outcome != OK && count > 0 {
			return fmt.Errorf("%w: committed %d with outcome %s, expected none", ErrBadOp, o.Offset, o.Outcome)
		}
	}
	return nil
}

// checkValues checks the identities and that a fetch's offsets ascend.
func (o *Op) checkValues() error {
	for i := range o.Values.Len() {
		if v := o.Values.At(i); len(v) == 0 || len(v) > MaxValueLen || !utf8.Valid(v) {
			return fmt.Errorf("%w: value %q of %d bytes, expected 1 to %d of UTF-8", ErrBadOp, clip(v), len(v),
				MaxValueLen)
		}
	}
	last := int64(-1)
	for _, offset := range o.Offsets {
		if offset <= last || offset > MaxOffset {
			return fmt.Errorf("%w: record offset %d after %d, expected ascending, at most 2^60", ErrBadOp, offset, last)
		}
		last = offset
	}
	return nil
}

// clip keeps error messages short.
func clip(b []byte) []byte {
	return b[:min(len(b), MaxValueLen)]
}

// Values is an ordered list of record identities in one buffer, so that a list of a thousand costs two allocations, and
// none when it is reused. The zero value is empty.
type Values struct {
	text []byte
	ends []int
}

// Reset empties the list and keeps its memory.
func (v *Values) Reset() {
	v.text, v.ends = v.text[:0], v.ends[:0]
}

// Len returns the number of values.
func (v *Values) Len() int { return len(v.ends) }

// At returns value i. The slice belongs to the list and is valid until the next change.
func (v *Values) At(i int) []byte {
	start := 0
	if i > 0 {
		start = v.ends[i-1]
	}
	return v.text[start:v.ends[i]]
}

// Add appends a copy of one value.
func (v *Values) Add(value []byte) {
	v.text = append(v.text, value...)
	v.ends = append(v.ends, len(v.text))
}

// AddString appends one value.
func (v *Values) AddString(value string) {
	v.text = append(v.text, value...)
	v.ends = append(v.ends, len(v.text))
}

// AddUint appends the decimal form of n as one value.
func (v *Values) AddUint(n uint64) {
	v.text = strconv.AppendUint(v.text, n, 10)
	v.ends = append(v.ends, len(v.text))
}
