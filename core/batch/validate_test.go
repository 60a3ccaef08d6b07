package batch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/base"
)

// kafkaRules are Kafka's defaults.
func kafkaRules() Rules {
	return Rules{MaxBytes: 1048588, BeforeMaxMs: math.MaxInt64, AfterMaxMs: 3_600_000, Now: kafkaNow}
}

// rebuilt returns b with its records replaced and everything that depends on them set right.
func rebuilt(b Batch, codec Codec, payload []byte) Batch {
	p := append(bytes.Clone(b[:HeaderSize]), payload...)
	binary.BigEndian.PutUint32(p[offLength:], uint32(len(p)-Overhead))
	q := Batch(p)
	q.SetAttributes(b.Attributes()&^attrCodecMask | int16(codec))
	q.UpdateCRC()
	return q
}

func set32(at int, v int64) func(Batch) {
	return func(b Batch) {
		binary.BigEndian.PutUint32(b[at:], uint32(v))
		b.UpdateCRC()
	}
}

func set64(at int, v int64) func(Batch) {
	return func(b Batch) {
		binary.BigEndian.PutUint64(b[at:], uint64(v))
		b.UpdateCRC()
	}
}

func attribute(bit int16) func(Batch) {
	return func(b Batch) {
		b.SetAttributes(b.Attributes() ^ bit)
		b.UpdateCRC()
	}
}

func both(f, g func(Batch)) func(Batch) {
	return func(b Batch) {
		f(b)
		g(b)
	}
}

// TestHeaderDefects damages one thing in the header of a batch of three records.
func TestHeaderDefects(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(Batch)
		err    error // at both levels
	}{
		{"none", func(Batch) {}, nil},
		{"base offset", set64(offBaseOffset, 1), ErrInvalidRecord},
		{"leader epoch", set32(offLeaderEpoch, 3), nil},
		{"CRC", func(b Batch) { b[offCRC]++ }, ErrCRC},
		{"a record's byte", func(b Batch) { b[len(b)-1]++ }, ErrCRC},
		{"count 0", set32(offCount, 0), ErrInvalidRecord},
		{"count 0 and delta -1", both(set32(offCount, 0), set32(offLastOffsetDelta, -1)), ErrInvalidRecord},
		{"count negative", both(set32(offCount, -1), set32(offLastOffsetDelta, -2)), ErrInvalidRecord},
		{"count and delta overflow", both(set32(offCount, math.MinInt32), set32(offLastOffsetDelta, math.MaxInt32)),
			ErrInvalidRecord},
		{"delta too small", set32(offLastOffsetDelta, 1), ErrInvalidRecord},
		{"delta too large", set32(offLastOffsetDelta, 3), ErrInvalidRecord},
		{"unknown codec", attribute(5), ErrUnsupportedCodec},
		{"codec of nobody", attribute(7), ErrUnsupportedCodec},
		{"control", attribute(attrControl), ErrInvalidRecord},
		{"LogAppendTime", attribute(attrLogAppendTime), ErrInvalidTimestamp},
		{"unused bit", attribute(0x100), nil},
		{"producer id without sequence", set64(offProducerID, 9), ErrInvalidRecord},
		{"producer id with sequence", both(set64(offProducerID, 9), set32(offBaseSequence, 0)), nil},
		{"sequence without producer id", set32(offBaseSequence, 5), nil},
		{"a negative producer id is none", set64(offProducerID, -7), nil},
	} {
		for _, level := range []Level{Full, HeaderOnly} {
			b := small(t, 3, None)
			c.damage(b)
			before := string(b)
			rules := kafkaRules()
			rules.Level = level
			v, err := Validate(b, rules)
			if !errors.Is(err, c.err) || string(b) != before ||
				err == nil && (string(v.Batch) != before || v.HeaderChanged) {
				t.Errorf("%s at %v: got %v, want %v", c.name, level, err, c.err)
			}
		}
	}
}

// TestRecordDefects damages records. Full validation sees it in every codec, HeaderOnly where the topic is compacted.
func TestRecordDefects(t *testing.T) {
	whole := small(t, 3, None)
	payload := whole.Payload()
	size := len(payload) / 3
	patch := func(at int, v byte) []byte {
		p := bytes.Clone(payload)
		p[at] = v
		return p
	}
	for _, c := range []struct {
		name    string
		payload []byte
	}{
		{"no records", []byte{}},
		{"a record missing", payload[:2*size]},
		{"a record too many", append(bytes.Clone(payload), payload[:size]...)},
		{"a byte missing", payload[:len(payload)-1]},
		{"a byte behind", append(bytes.Clone(payload), 0)},
		{"length negative", patch(size, 1)},
		{"length short", patch(size, payload[size]-2)},
		{"length long", patch(size, payload[size]+2)},
		{"length of the last long", patch(2*size, payload[2*size]+2)},
		{"length endless", append(bytes.Repeat([]byte{0xff}, 9), payload...)},
		{"a record of nothing", append([]byte{0}, payload...)},
		{"key length long", patch(4, payload[4]+2)},
		{"key length beyond the batch", patch(4, 0x7e)},
		{"value length long", patch(8, payload[8]+2)},
		{"header count negative", patch(14, 1)},
		{"header count high", patch(14, 4)},
		{"header count low", patch(14, 0)},
		{"header key null", patch(15, 1)},
		{"header key long", patch(15, 0x7e)},
		{"header value long", patch(17, 4)},
		{"offset delta repeats", patch(size+3, 0)},
		{"offset delta jumps", patch(size+3, 4)},
		{"offset delta negative", patch(size+3, 1)},
	} {
		for codec := None; codec <= Zstd; codec++ {
			stored := c.payload
			if codec != None {
				stored = deflate(t, codec, 0, c.payload, stagePiece)
			}
			b := rebuilt(whole, codec, stored)
			rules := kafkaRules()
			if _, err := Validate(b, rules); !errors.Is(err, ErrInvalidRecord) {
				t.Errorf("%s, %v: got %v, want ErrInvalidRecord", c.name, codec, err)
			}
			it := b.Records(DefaultMaxInflated)
			for it.Next() {
			}
			// A log may hold offsets with gaps, and an iterator takes them as they are.
			if !errors.Is(it.Err(), ErrInvalidRecord) && !strings.HasPrefix(c.name, "offset delta") {
				t.Errorf("%s, %v: the iterator got %v, want ErrInvalidRecord", c.name, codec, it.Err())
			}
			rules.Level = HeaderOnly
			if _, err := Validate(b, rules); err != nil {
				t.Errorf("%s, %v: got %v from the header alone", c.name, codec, err)
			}
			rules.Compacted = true
			if _, err := Validate(b, rules); !errors.Is(err, ErrInvalidRecord) {
				t.Errorf("%s, %v: got %v on a compacted topic, want ErrInvalidRecord", c.name, codec, err)
			}
		}
	}
}

// TestLaxInKafka names what Kafka's own validator passes and ours does not; see the package comment.
func TestLaxInKafka(t *testing.T) {
	whole := small(t, 3, None)
	payload := bytes.Clone(whole.Payload())
	payload[0] += 2 // the first record's length: Kafka does not look at it if compressed
	misnumbered := bytes.Clone(whole.Payload())
	misnumbered[3] = 2 // the first record's offset delta: Kafka stores it if uncompressed
	intact := whole.Payload()
	damaged := deflate(t, LZ4, 0, payload, stagePiece)
	lz4Frame := deflate(t, LZ4, 0, intact, stagePiece)
	for _, c := range []struct {
		name  string
		batch Batch
		err   error
	}{
		{"a compressed record's length", rebuilt(whole, LZ4, damaged), ErrInvalidRecord},
		{"offset deltas", rebuilt(whole, None, misnumbered), ErrInvalidRecord},
		{"bytes after lz4", rebuilt(whole, LZ4, append(bytes.Clone(lz4Frame), 0)), ErrUndecodable},
		{"a second lz4 frame", rebuilt(whole, LZ4, append(bytes.Clone(lz4Frame), lz4Frame...)), ErrUndecodable},
		{"bytes after gzip", rebuilt(whole, Gzip, append(deflate(t, Gzip, 0, intact, stagePiece), 0)), ErrUndecodable},
	} {
		if _, err := Validate(c.batch, kafkaRules()); !errors.Is(err, c.err) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.err)
		}
	}
}

func TestTimestampRules(t *testing.T) {
	build := func(times ...int64) Batch {
		var b Builder
		b.Reset(NewOptions())
		for _, ts := range times {
			b.Append(ts, nil, []byte("v"))
		}
		p, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, c := range []struct {
		name          string
		times         []int64
		before, after int64
		full, header  error
		faulty        int
	}{
		{"at the bounds", []int64{kafkaNow - 10, kafkaNow + 20}, 10, 20, nil, nil, 0},
		{"too early", []int64{kafkaNow - 11}, 10, 20, ErrInvalidTimestamp, ErrInvalidTimestamp, 1},
		{"too late", []int64{kafkaNow, kafkaNow + 21}, 10, 20, ErrInvalidTimestamp, ErrInvalidTimestamp, 1},
		{"too early in the middle", []int64{kafkaNow, 5, kafkaNow}, 10, 20, ErrInvalidTimestamp, nil, 1},
		{"all wrong", []int64{1, 2, 3}, 10, 20, ErrInvalidTimestamp, ErrInvalidTimestamp, 3},
		{"none is no time", []int64{-1, kafkaNow}, 10, 20, nil, nil, 0},
		{"other negatives are", []int64{-2}, 10, 20, ErrInvalidTimestamp, ErrInvalidTimestamp, 1},
		{"no bounds", []int64{-2, 0, kafkaNow, 1 << 60}, math.MaxInt64, math.MaxInt64, nil, nil, 0},
		{"the end of time", []int64{math.MaxInt64}, math.MaxInt64, math.MaxInt64, nil, nil, 0},
		{"past the end", []int64{math.MaxInt64}, math.MaxInt64, 1000, ErrInvalidTimestamp, ErrInvalidTimestamp, 1},
	} {
		for _, level := range []Level{Full, HeaderOnly} {
			rules := Rules{Level: level, BeforeMaxMs: c.before, AfterMaxMs: c.after, Now: kafkaNow}
			b := build(c.times...)
			v, err := Validate(b, rules)
			want, faulty := c.full, c.faulty
			if level == HeaderOnly {
				want, faulty = c.header, 0
			}
			if !errors.Is(err, want) || len(v.RecordErrors) != faulty {
				t.Errorf("%s at %v: got %v and %d record errors, want %v and %d", c.name, level, err,
					len(v.RecordErrors), want, faulty)
			}
			rules.LogAppendTime = true
			v, err = Validate(b, rules)
			if err != nil || !v.HeaderChanged || v.MaxTimestamp != kafkaNow || v.LogAppendTime != kafkaNow ||
				!b.LogAppendTime() || b.MaxTimestamp() != kafkaNow || b.CheckCRC() != nil {
				t.Errorf("%s at %v with LogAppendTime: %v, %+v", c.name, level, err, v)
			}
		}
	}
}

// TestBoundsAgreeWithInRange compares the glance with the rule it stands for, wrapping clocks included.
func TestBoundsAgreeWithInRange(t *testing.T) {
	edges := []int64{math.MinInt64, math.MinInt64 + 1, -kafkaNow, -2, -1, 0, 1, 1000, kafkaNow - 1, kafkaNow,
		kafkaNow + 1, 2 * kafkaNow, math.MaxInt64 - 1, math.MaxInt64}
	for _, now := range edges {
		for _, before := range edges[5:] {
			for _, after := range edges[5:] {
				w := walker{rules: Rules{Now: now, BeforeMaxMs: before, AfterMaxMs: after}}
				w.bound()
				for _, ts := range edges {
					if ts >= w.earliest && ts <= w.latest && !w.inRange(ts) {
						t.Errorf("now %d, before %d, after %d: %d passes the bounds [%d, %d]", now, before, after, ts,
							w.earliest, w.latest)
					}
				}
			}
		}
	}
}

// TestMaxTimestampIsCorrected lets a producer lie about its largest timestamp.
func TestMaxTimestampIsCorrected(t *testing.T) {
	for codec := None; codec <= Zstd; codec++ {
		b := small(t, 3, codec)
		b.SetMaxTimestamp(kafkaNow + 1000)
		b.SetAttributes(b.Attributes() | 0x100)
		b.UpdateCRC()
		payload := string(b.Payload())
		v, err := Validate(b, kafkaRules())
		if err != nil || !v.HeaderChanged || b.MaxTimestamp() != kafkaNow+2 || b.CheckCRC() != nil ||
			string(b.Payload()) != payload || b.Attributes() != int16(codec) || v.LogAppendTime != base.NoTimestamp {
			t.Errorf("%v: %v, %+v, largest %d, attributes %x", codec, err, v, b.MaxTimestamp(), b.Attributes())
		}
	}
}

func TestRecordErrors(t *testing.T) {
	var b Builder
	b.Reset(NewOptions())
	for i := range 3 * maxRecordErrors {
		key := []byte("key")
		if i%2 == 1 {
			key = nil
		}
		b.Append(kafkaNow, key, []byte("v"))
	}
	p, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	rules := kafkaRules()
	rules.Compacted = true
	v, err := Validate(p, rules)
	if !errors.Is(err, ErrInvalidRecord) || errors.Is(err, ErrInvalidTimestamp) ||
		len(v.RecordErrors) != maxRecordErrors {
		t.Fatalf("got %v and %d record errors, want %d", err, len(v.RecordErrors), maxRecordErrors)
	}
	for i, e := range v.RecordErrors {
		if e.Index != int32(2*i+1) || !strings.Contains(e.Message, "without key") {
			t.Fatalf("got %+v", e)
		}
	}
	if !strings.Contains(err.Error(), "1500 of 3000") {
		t.Errorf("got %v, expected the number of faulty records", err)
	}
	rules.AfterMaxMs, rules.Now = -1, kafkaNow+1
	rules.BeforeMaxMs = 0
	if v, err = Validate(p, rules); !errors.Is(err, ErrInvalidTimestamp) {
		t.Errorf("got %v: a bad timestamp decides", err)
	}
	if v.RecordErrors[0].Index != 0 || !strings.Contains(v.RecordErrors[0].Message, "out of range") {
		t.Errorf("got %+v", v.RecordErrors[0])
	}
}
