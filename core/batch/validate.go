package batch

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/gregor-log/gregor/base"
)

// Level says how closely a leader looks at a batch from a client.
type Level int8

const (
	// Full inflates and walks every record, as Kafka does. It is the default.
	Full Level = iota
	// HeaderOnly trusts the CRC for the records and checks the header alone. Batches of a compacted topic, and those
	// that must be recompressed, are walked all the same. What goes unseen: records that are malformed, fewer or more
	// than counted, or wrongly numbered, and timestamps out of range other than the header's two.
	HeaderOnly
)

// String returns the level's name in the configuration.
func (l Level) String() string {
	if l == HeaderOnly {
		return "header"
	}
	return "full"
}

// Compression is a topic's compression.type. The zero value is Kafka's default, "producer": batches stay as they came.
type Compression struct {
	// Recode says that batches of another codec than Codec are rewritten with it.
	Recode bool
	Codec  Codec
	// Level is the codec's own compression level; 0 is its default.
	Level int
}

// Rules are what a topic and the clock demand of a batch.
type Rules struct {
	Level Level
	// MaxBytes is max.message.bytes: the largest allowed size of a whole batch, with the 12 bytes of Overhead, both as
	// it came and rewritten. 0 means no limit.
	MaxBytes int
	// Compacted demands a key of every record.
	Compacted bool
	// LogAppendTime is message.timestamp.type=LogAppendTime: Now replaces the largest timestamp and thereby all of
	// them.
	LogAppendTime bool
	// BeforeMaxMs and AfterMaxMs are message.timestamp.before.max.ms and .after.max.ms: how far a record's CreateTime
	// may lie before and after Now.
	BeforeMaxMs int64
	AfterMaxMs  int64
	// Now is the wall clock, in Unix milliseconds.
	Now int64
	// Compression is the topic's compression.type.
	Compression Compression
	// MaxInflated is how many bytes the records may inflate to; 0 means DefaultMaxInflated.
	MaxInflated int64
}

// maxRecordErrors is how many faulty records a Verdict lists: a batch may hold millions.
const maxRecordErrors = 1000

// RecordError says what is wrong with one record, for the RecordErrors of a produce response (KIP-467).
type RecordError struct {
	// Index is the record's position in the batch, from 0.
	Index   int32
	Message string
}

// Verdict is what Validate found. The caller must Release it when it is done with Batch.
type Verdict struct {
	// Batch is what to append: the batch that was validated, patched in place if HeaderChanged, or, if Rebuilt, another
	// that the verdict owns until Release. Base offset and leader epoch are still the caller's to set.
	Batch Batch
	// MaxTimestamp is the largest timestamp, as it stands in Batch. In the time index it belongs to Batch's last
	// offset.
	MaxTimestamp int64
	// LogAppendTime is the time that replaced the records' timestamps, or base.NoTimestamp: what a produce response
	// says.
	LogAppendTime int64
	// HeaderChanged says that attributes or largest timestamp, and with them the CRC, were rewritten in place.
	HeaderChanged bool
	// Rebuilt says that the records were written anew with another codec.
	Rebuilt bool
	// RecordErrors lists the first faulty records, at most 1,000, where the error is ErrInvalidRecord or
	// ErrInvalidTimestamp for the sake of single records.
	RecordErrors []RecordError

	builder *Builder
}

// Release gives the memory of a rebuilt batch back. Batch must not be used after it.
func (v *Verdict) Release() {
	if v.builder != nil {
		putBuilder(v.builder)
		*v = Verdict{}
	}
}

// smallestOld is the least that a length field can be in any version: an empty v0 message.
const smallestOld = 14

// Produced returns the batch of one partition in a produce request: since Produce v3 it is exactly one, of v2. An
// incomplete batch behind it is cut off, as Kafka does. Errors are ErrInvalidRecord (no batch, an old one, more than
// one) and ErrCorrupt (an unknown magic, a length that cannot be). The result is a view of p.
func Produced(p []byte) (Batch, error) {
	b, rest, err := produced(p)
	if err != nil {
		return nil, err
	}
	if b == nil {
		return nil, fmt.Errorf("%w: no whole batch in %d bytes, expected one", ErrInvalidRecord, len(p))
	}
	if more, _, err := produced(rest); err != nil {
		return nil, err
	} else if more != nil {
		return nil, fmt.Errorf("%w: more than one batch in %d bytes", ErrInvalidRecord, len(p))
	}
	return b, nil
}

// Validate checks b, which Parse or Produced returned, as a leader must before it appends a client's batch. It patches
// b's header in place where the rules demand it; the records themselves are never written to. Its errors are those of
// errors.go but ErrShort; then Verdict holds nothing but RecordErrors and b may not be stored, though it is unchanged.
//
// zstd below Produce v7 is the caller's to refuse, as only it knows the version; sequence numbers are checked here for
// their form alone.
func Validate(b Batch, rules Rules) (Verdict, error) {
	if rules.MaxInflated <= 0 {
		rules.MaxInflated = DefaultMaxInflated
	}
	if rules.MaxBytes <= 0 {
		rules.MaxBytes = math.MaxInt32
	}
	if err := checkHeader(b, rules.MaxBytes); err != nil {
		return Verdict{}, err
	}
	w := walker{rules: rules, clientStamped: b.LogAppendTime(), maxTimestamp: base.NoTimestamp}
	recode := rules.Compression.Recode && rules.Compression.Codec != b.Codec()
	var err error
	if rules.Level == Full || rules.Compacted || recode {
		err = w.walk(b)
	} else {
		err = w.header(b)
	}
	if err != nil {
		return Verdict{RecordErrors: w.faults}, err
	}
	v := Verdict{Batch: b, MaxTimestamp: w.maxTimestamp, LogAppendTime: base.NoTimestamp}
	if rules.LogAppendTime {
		v.MaxTimestamp, v.LogAppendTime = rules.Now, rules.Now
	}
	if !recode {
		v.HeaderChanged = stamp(b, rules.LogAppendTime, v.MaxTimestamp)
		return v, nil
	}
	if err := v.rebuild(b, &rules); err != nil {
		return Verdict{}, err
	}
	return v, nil
}

// produced is Parse as Kafka reads the batches of a request: bytes too few for a batch are none.
func produced(p []byte) (b Batch, rest []byte, err error) {
	if len(p) < Overhead {
		return nil, nil, nil
	}
	length := int32(binary.BigEndian.Uint32(p[offLength:]))
	if length < smallestOld {
		return nil, nil, fmt.Errorf("%w: got %d, expected at least %d", ErrBadLength, length, HeaderSize-Overhead)
	}
	if len(p) <= offMagic {
		return nil, nil, nil
	}
	if magic := int8(p[offMagic]); magic < 0 || magic > Magic {
		return nil, nil, fmt.Errorf("%w: got %d, expected %d", ErrBadMagic, magic, Magic)
	}
	if int64(length) > int64(len(p))-Overhead {
		return nil, nil, nil
	}
	if p[offMagic] == Magic && length < HeaderSize-Overhead {
		return nil, nil, fmt.Errorf("%w: got %d, expected at least %d", ErrBadLength, length, HeaderSize-Overhead)
	}
	return Parse(p)
}

// checkHeader checks all that the header alone tells, in Kafka's order.
func checkHeader(b Batch, maxBytes int) error {
	if o := b.BaseOffset(); o != 0 {
		return fmt.Errorf("%w: got base offset %d from a client, expected 0", ErrInvalidRecord, o)
	}
	if len(b) > maxBytes {
		return fmt.Errorf("%w: got %d bytes, expected at most %d", ErrTooLarge, len(b), maxBytes)
	}
	if err := b.CheckCRC(); err != nil {
		return err
	}
	if c := b.Codec(); c > Zstd {
		return fmt.Errorf("%w: got %v, expected none, gzip, snappy, lz4 or zstd", ErrUnsupportedCodec, c)
	}
	count, delta := b.Count(), b.LastOffsetDelta()
	if count <= 0 || int64(count) != int64(delta)+1 {
		return fmt.Errorf("%w: got %d records and a last offset delta of %d, expected one less and at least one record",
			ErrInvalidRecord, count, delta)
	}
	if b.Control() {
		return fmt.Errorf("%w: got control records, which clients may not write", ErrInvalidRecord)
	}
	if b.ProducerID() > base.NoProducerID && b.BaseSequence() < 0 {
		return fmt.Errorf("%w: got base sequence %d with producer id %d, expected at least 0",
			ErrInvalidRecord, b.BaseSequence(), b.ProducerID())
	}
	return nil
}

// stamp sets the timestamp type and the largest timestamp and reports whether that changed anything.
func stamp(b Batch, appendTime bool, maxTimestamp int64) bool {
	if b.LogAppendTime() == appendTime && b.MaxTimestamp() == maxTimestamp {
		return false
	}
	attributes := b.Attributes() & attrKnown &^ attrLogAppendTime
	if appendTime {
		attributes |= attrLogAppendTime
	}
	b.SetAttributes(attributes)
	b.SetMaxTimestamp(maxTimestamp)
	b.UpdateCRC()
	return true
}
