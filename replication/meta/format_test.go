package meta

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/base"
)

// id returns a topic, directory or incarnation id that n decides.
func id(n int) base.UUID {
	var u base.UUID
	binary.BigEndian.PutUint32(u[:], 0xabcd0000+uint32(n))
	return u
}

// encode is AppendRecord for records that can be written.
func encode(t testing.TB, rec Record) []byte {
	t.Helper()
	raw, err := AppendRecord(nil, rec)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// goldenValues are the bytes of every line of records.txt.
func goldenValues(t *testing.T) [][]byte {
	t.Helper()
	var all [][]byte
	for _, line := range readLines(t, "records.txt") {
		all = append(all, unhex(t, line[strings.LastIndex(line, " ")+1:]))
	}
	return all
}

// TestCorruptRecords damages a good value in one way each.
func TestCorruptRecords(t *testing.T) {
	topic := encode(t, &TopicRecord{Name: "foo", ID: id(1)})
	change := NewPartitionChange(id(1), 0)
	change.ISR = []base.NodeID{1, 2}
	isr := encode(t, change)
	tagAt := len(isr) - 9 - 3 // count, tag, size, length, two ids
	set := func(raw []byte, at int, b ...byte) []byte {
		raw = bytes.Clone(raw)
		copy(raw[at:], b)
		return raw
	}
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0x0f}
	tests := []struct {
		name    string
		corrupt []byte
		want    error
	}{
		{"nothing", nil, ErrCorruptRecord},
		{"frame only", []byte{1}, ErrCorruptRecord},
		{"frame 0", set(topic, 0, 0), ErrUnsupportedRecord},
		{"frame 2", set(topic, 0, 2), ErrUnsupportedRecord},
		{"unknown type", set(topic, 1, 99), ErrUnsupportedRecord},
		{"a type too large for its field", append([]byte{1}, huge...), ErrCorruptRecord},
		{"a type past 16 bits", append([]byte{1}, 0x82, 0x80, 0x04, 0, 0), ErrUnsupportedRecord},
		{"newer version", set(topic, 2, 1), ErrUnsupportedRecord},
		{"varint without end", []byte{1, 2, 0x80, 0x80}, ErrCorruptRecord},
		{"varint past 64 bits", append([]byte{1, 2}, bytes.Repeat([]byte{0xff}, 12)...), ErrCorruptRecord},
		{"name longer than the rest", set(topic, 3, 100), ErrCorruptRecord},
		{"name of 4 GB", append([]byte{1, 2, 0}, huge...), ErrCorruptRecord},
		{"null name", set(topic, 3, 0), ErrCorruptRecord},
		{"cut in the id", topic[:12], ErrCorruptRecord},
		{"no tags", topic[:len(topic)-1], ErrCorruptRecord},
		{"left over", append(bytes.Clone(topic), 0), ErrCorruptRecord},
		{"tags without end", set(topic, len(topic)-1, 200), ErrCorruptRecord},
		{"tag longer than the rest", set(isr, tagAt+2, 200), ErrCorruptRecord},
		{"tag shorter than its list", set(isr, tagAt+2, 5), ErrCorruptRecord},
		{"list longer than its tag", set(isr, tagAt+3, 4), ErrCorruptRecord},
		{"list shorter than its tag", set(isr, tagAt+3, 2), ErrCorruptRecord},
		{"more tags than there are", set(isr, tagAt, 2), ErrCorruptRecord},
	}
	for _, test := range tests {
		rec, err := DecodeRecord(test.corrupt)
		if !errors.Is(err, test.want) {
			t.Errorf("%s: got %+v, %v, expected %v", test.name, rec, err, test.want)
		}
	}
}

// TestCutRecords cuts every golden value at every byte: no shorter value is a record.
func TestCutRecords(t *testing.T) {
	for _, raw := range goldenValues(t) {
		for n := range raw {
			if rec, err := DecodeRecord(raw[:n]); !errors.Is(err, ErrCorruptRecord) {
				t.Fatalf("%x cut to %d bytes: got %+v, %v", raw, n, rec, err)
			}
		}
	}
}

// TestMutatedRecords changes bytes of golden values at random: what is still a record must survive being written and
// read, and nothing else may happen.
func TestMutatedRecords(t *testing.T) {
	values, draw := goldenValues(t), stream(1)
	good := 0
	for range 60_000 {
		raw := bytes.Clone(values[draw.below(len(values))])
		for range 1 + draw.below(3) {
			raw[draw.below(len(raw))] = byte(draw.next() >> (8 * draw.below(2)))
		}
		rec, err := DecodeRecord(raw)
		if err != nil {
			if !errors.Is(err, ErrCorruptRecord) && !errors.Is(err, ErrUnsupportedRecord) {
				t.Fatalf("%x: %v", raw, err)
			}
			continue
		}
		good++
		again, err := DecodeRecord(encode(t, rec))
		if err != nil || !reflect.DeepEqual(rec, again) {
			t.Fatalf("%x: got %+v, then %+v, %v", raw, rec, again, err)
		}
	}
	if good < 1000 {
		t.Errorf("only %d of the values were still records", good)
	}
}

// TestUnknownTags adds a tagged field of a later version to each kind of struct: it is skipped.
func TestUnknownTags(t *testing.T) {
	topic := &TopicRecord{Name: "foo", ID: id(1)}
	raw := encode(t, topic)
	raw = append(raw[:len(raw)-1], 1, 0x85, 0x01, 3, 'a', 'b', 'c') // tag 133 of 3 bytes
	if rec, err := DecodeRecord(raw); err != nil || !reflect.DeepEqual(rec, Record(topic)) {
		t.Errorf("got %+v, %v", rec, err)
	}
	// Tag 8, the directories, came with version 1; before, it means nothing.
	change := NewPartitionChange(id(1), 0)
	change.Directories = []base.UUID{id(2)}
	raw = encode(t, change)
	raw[2] = 0
	if rec, err := DecodeRecord(raw); err != nil || rec.(*PartitionChangeRecord).Directories != nil {
		t.Errorf("got %+v, %v", rec, err)
	}
}

// TestAllocationIsBounded hands over lists that claim to be as long as a value can say.
func TestAllocationIsBounded(t *testing.T) {
	huge, million := "ffffffff0f", "c1843d"
	for _, raw := range []string{
		"010302" + "00000000" + strings.Repeat("00", 16) + huge,
		"010502" + "00000000" + strings.Repeat("00", 16) + "010005" + huge,
		"010502" + "00000000" + strings.Repeat("00", 16) + "010805" + huge,
		"010004" + "0000000000" + strings.Repeat("00", 16) + "0000000000000000" + huge,
		"010004" + "0000000000" + strings.Repeat("00", 16) + "0000000000000000" + "01" + huge,
		"010400" + "02" + "01" + "01" + huge,
		// A million ids, endpoints or bytes where there are 2,000 bytes.
		"010302" + "00000000" + strings.Repeat("00", 16) + million + strings.Repeat("00", 2000),
		"010004" + "0000000000" + strings.Repeat("00", 16) + "0000000000000000" + million + strings.Repeat("00", 2000),
		"010200" + million + strings.Repeat("00", 2000),
	} {
		value := unhex(t, raw)
		var err error
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err = DecodeRecord(value)
		runtime.ReadMemStats(&after)
		if bytes := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, ErrCorruptRecord) || bytes > 100_000 {
			t.Errorf("%s: got %v with %d bytes allocated", raw, err, bytes)
		}
	}
}

// TestTooLargeRecord writes strings at and over the limit.
func TestTooLargeRecord(t *testing.T) {
	value := strings.Repeat("v", maxStringBytes)
	rec := &ConfigRecord{Resource: ConfigResource{ResourceTopic, "t"}, Name: "n", Value: &value}
	if _, err := DecodeRecord(encode(t, rec)); err != nil {
		t.Error(err)
	}
	value += "v"
	dst := []byte("before")
	raw, err := AppendRecord(dst, rec)
	if !errors.Is(err, ErrRecordTooLarge) || hex.EncodeToString(raw) != hex.EncodeToString(dst) {
		t.Errorf("got %x, %v", raw, err)
	}
}
