package batch

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"testing"
)

// kafkaNow is when testdata/Verdicts.java appends.
const kafkaNow = 1_700_000_000_000

// classes are the classes of error and Kafka's codes for them.
var classes = []struct {
	err  error
	code int
}{{ErrCorrupt, 2}, {ErrTooLarge, 10}, {ErrInvalidTimestamp, 32}, {ErrUnsupportedCodec, 76}, {ErrInvalidRecord, 87},
	{ErrUndecodable, -1}}

// kafkaCode returns the error code of Kafka that err stands for.
func kafkaCode(t *testing.T, err error) int {
	t.Helper()
	if err == nil {
		return 0
	}
	code := 1000
	for _, class := range classes {
		if !errors.Is(err, class.err) {
			continue
		}
		if code != 1000 {
			t.Errorf("%v is of two classes", err)
		}
		code = class.code
	}
	return code
}

// rulesOf reads the rules from a topic's properties.
func rulesOf(t *testing.T, properties string) Rules {
	t.Helper()
	r := Rules{MaxBytes: 1048588, BeforeMaxMs: 1<<63 - 1, AfterMaxMs: 3_600_000, Now: kafkaNow}
	for _, property := range strings.Fields(properties) {
		key, value, _ := strings.Cut(property, "=")
		n, _ := strconv.ParseInt(value, 10, 64)
		switch key {
		case "max.message.bytes":
			r.MaxBytes = int(n)
		case "cleanup.policy":
			r.Compacted = value == "compact"
		case "message.timestamp.type":
			r.LogAppendTime = value == "LogAppendTime"
		case "message.timestamp.before.max.ms":
			r.BeforeMaxMs = n
		case "message.timestamp.after.max.ms":
			r.AfterMaxMs = n
		case "compression.type":
			r.Compression.Recode = true
			for r.Compression.Codec.String() != strings.Replace(value, "uncompressed", "none", 1) {
				r.Compression.Codec++
			}
		default:
			t.Fatalf("unknown property %q", property)
		}
	}
	return r
}

// verdict is what Kafka answered.
type verdict struct {
	code         int
	errors       string
	maxTimestamp int64
	log          []byte
}

func verdictOf(t *testing.T, line string) (name string, v verdict) {
	t.Helper()
	f := strings.Split(line, "|")
	code, err := strconv.Atoi(f[1])
	if err != nil {
		t.Fatal(err)
	}
	v = verdict{code: code, errors: f[2]}
	if code == 0 {
		if v.maxTimestamp, err = strconv.ParseInt(f[3], 10, 64); err != nil {
			t.Fatal(err)
		}
		if v.log, err = hex.DecodeString(f[4]); err != nil {
			t.Fatal(err)
		}
	}
	return f[0], v
}

// TestKafkaVerdicts passes the judgement on 407 batches that Kafka passed: the same error code, the same faulty
// records, the same bytes in the log.
func TestKafkaVerdicts(t *testing.T) {
	cases := strings.Split(strings.TrimSpace(string(readFile(t, "testdata/cases.txt"))), "\n")
	verdicts := strings.Split(strings.TrimSpace(string(readFile(t, "testdata/verdicts.txt"))), "\n")
	if len(cases) != 407 || len(verdicts) != 407 {
		t.Fatalf("got %d cases and %d verdicts, want 407", len(cases), len(verdicts))
	}
	for i, line := range cases {
		f := strings.Split(line, "|")
		name, want := verdictOf(t, verdicts[i])
		set, err := hex.DecodeString(f[2])
		if err != nil || name != f[0] {
			t.Fatalf("case %q, verdict %q, %v", f[0], name, err)
		}
		got, batch, err := judge(t, set, rulesOf(t, f[1]))
		if got.code != want.code || got.errors != want.errors || got.maxTimestamp != want.maxTimestamp {
			t.Errorf("%s {%s}: got %+v (%v), want %+v", name, f[1], got, err, want)
			continue
		}
		if want.code == 0 && !sameLog(t, batch, want.log) {
			t.Errorf("%s {%s}:\ngot  %x\nwant %x", name, f[1], batch, want.log)
		}
	}
}

// judge validates a record set as the leader in epoch 7 of an empty log. The batch is a copy of what it would append.
func judge(t *testing.T, set []byte, rules Rules) (verdict, Batch, error) {
	t.Helper()
	got := verdict{errors: "-"}
	b, err := Produced(set)
	var v Verdict
	if err == nil {
		before := bytes.Clone(b)
		if v, err = Validate(b, rules); err != nil && !bytes.Equal(b, before) {
			t.Errorf("refused, but changed")
		}
	}
	defer v.Release()
	got.code = kafkaCode(t, err)
	if len(v.RecordErrors) > 0 {
		var indexes []string
		for _, e := range v.RecordErrors {
			indexes = append(indexes, strconv.Itoa(int(e.Index)))
		}
		got.errors = strings.Join(indexes, ",")
	}
	if err != nil {
		return got, nil, err
	}
	got.maxTimestamp = v.MaxTimestamp
	v.Batch.SetBaseOffset(0)
	v.Batch.SetLeaderEpoch(7)
	if err := v.Batch.CheckCRC(); err != nil {
		t.Error(err)
	}
	return got, bytes.Clone(v.Batch), nil
}

// sameLog compares what is appended with Kafka's log: the same bytes, or, if codecs compressed records anew and may
// differ in how, the same records below the same header.
func sameLog(t *testing.T, got Batch, log []byte) bool {
	t.Helper()
	if bytes.Equal(got, log) {
		return true
	}
	want, rest, err := Parse(log)
	if err != nil || len(rest) > 0 || want.Codec() == None {
		return false
	}
	a, errA := listing(got)
	b, errB := listing(want)
	header := func(p Batch) []byte {
		p = bytes.Clone(p[:HeaderSize])
		binary.BigEndian.PutUint32(p[offLength:], 0)
		binary.BigEndian.PutUint32(p[offCRC:], 0)
		return p
	}
	return errA == nil && errB == nil && a == b && bytes.Equal(header(got), header(want))
}
