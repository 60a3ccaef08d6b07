package fuzz

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
)

// mode says what a target does with bytes, by bits of a number that the fuzzer draws.
type mode uint16

const (
	repair    mode = 1 << iota // make length, magic and CRC right, so that mutations get to what they protect
	header                     // validate headers alone
	compacted                  // the topic is compacted
	stamped                    // the topic has LogAppendTime
	recode                     // the topic has a codec of its own, the number of which is in the bits above
)

// codec returns the codec that batches are rewritten with.
func (m mode) codec() batch.Codec {
	return batch.Codec(m>>5) % 5
}

// mostInflated is what one batch may inflate to here.
const mostInflated = 1 << 20

// goldenBatches returns batches that Kafka's own producers and brokers wrote.
func goldenBatches(t testing.TB) [][]byte {
	t.Helper()
	names, err := filepath.Glob("../core/batch/testdata/kafka/*.batch")
	must(t, err)
	var found [][]byte
	for _, name := range names {
		content, err := os.ReadFile(name)
		must(t, err)
		if len(content) < 1000 {
			found = append(found, content)
		}
	}
	if len(found) == 0 {
		t.Fatal("no golden batches are there")
	}
	return found
}

// FuzzBatch takes any bytes for a batch from a producer. Whatever is refused is refused with one of the documented
// errors and left as it was. What passes has a right CRC and reads back to its last record, with dense offsets and the
// largest timestamp that the header says; rewritten with another codec it holds the same records.
func FuzzBatch(f *testing.F) {
	for i, content := range goldenBatches(f) {
		f.Add(content, uint16(i)<<3)
		f.Add(content, uint16(repair|recode)|uint16(i)<<5)
	}
	for at := 21; at < batch.HeaderSize; at += 3 { // each field of the header is another once
		b := sample(batch.None, 0, 3)
		b[at]++
		f.Add([]byte(b), uint16(repair))
	}
	f.Fuzz(func(t *testing.T, data []byte, bits uint16) {
		defer watch()()
		m := mode(bits)
		data = slices.Clone(data)
		if m&repair != 0 {
			repaired(data)
		}
		// Decoders keep windows of up to 8 MiB and tables, and a rewritten batch is a copy.
		bounded(t, 64<<20+16*uint64(len(data))+wideWindows(data), func() {
			b, _, err := batch.Parse(data)
			if err != nil {
				knownBatchError(t, err)
				return
			}
			readAll(t, b)
			m.validate(t, b)
		})
	})
}

// wideWindows is what decoders that are not kept may take for a batch in zstd whose window is wider than 8 MiB: a
// window of zstd's limit each time that the batch is read, which is five times at most.
func wideWindows(data []byte) uint64 {
	var h zstd.Header
	if len(data) < batch.HeaderSize || h.Decode(data[batch.HeaderSize:]) != nil || h.WindowSize <= 8<<20 {
		return 0
	}
	return 5 * (128<<20 + 1<<20)
}

// repaired makes data a batch as far as magic, length and CRC go.
func repaired(data []byte) {
	if len(data) < batch.HeaderSize {
		return
	}
	binary.BigEndian.PutUint32(data[8:], uint32(len(data)-batch.Overhead))
	data[16] = batch.Magic
	batch.Batch(data).UpdateCRC()
}

// knownBatchError fails unless err is one of the classes that a batch is refused with.
func knownBatchError(t *testing.T, err error) {
	t.Helper()
	for _, class := range []error{
		batch.ErrShort, batch.ErrCorrupt, batch.ErrTooLarge, batch.ErrInvalidTimestamp, batch.ErrUnsupportedCodec,
		batch.ErrInvalidRecord, batch.ErrUndecodable,
	} {
		if errors.Is(err, class) {
			return
		}
	}
	t.Fatalf("got %v, expected one of the documented errors", err)
}

// plain is a record that owns its bytes.
type plain struct {
	offset     base.Offset
	timestamp  int64
	key, value []byte
	headers    []byte
}

// readAll returns the records of a batch, or what ended them, and checks that no more comes than may.
func readAll(t *testing.T, b batch.Batch) ([]plain, error) {
	t.Helper()
	it := b.Records(mostInflated)
	defer it.Close()
	var found []plain
	size := 0
	for it.Next() {
		r := it.Record()
		p := plain{offset: r.Offset, timestamp: r.Timestamp, key: slices.Clone(r.Key), value: slices.Clone(r.Value)}
		var key, value []byte
		for hs := r.Headers; hs.Next(&key, &value); {
			p.headers = append(append(append(append(p.headers, key...), 0), value...), byte(len(value)))
		}
		found = append(found, p)
		if size += len(p.key) + len(p.value); size > max(mostInflated, len(b)) {
			t.Fatalf("got records of %d bytes, expected at most %d", size, mostInflated)
		}
	}
	if err := it.Err(); err != nil {
		knownBatchError(t, err)
		return nil, err
	}
	if int32(len(found)) != b.Count() {
		t.Fatalf("got %d records without an error, the header says %d", len(found), b.Count())
	}
	return found, nil
}

func (m mode) rules() batch.Rules {
	r := batch.Rules{
		MaxBytes: 1 << 20, Compacted: m&compacted != 0, LogAppendTime: m&stamped != 0, BeforeMaxMs: 1<<63 - 1,
		AfterMaxMs: 3_600_000, Now: epoch, MaxInflated: mostInflated,
	}
	if m&header != 0 {
		r.Level = batch.HeaderOnly
	}
	if m&recode != 0 {
		r.Compression = batch.Compression{Recode: true, Codec: m.codec()}
	}
	return r
}

// validate hands a batch to the leader's checks.
func (m mode) validate(t *testing.T, b batch.Batch) {
	t.Helper()
	before := slices.Clone(b)
	v, err := batch.Validate(b, m.rules())
	defer v.Release()
	if err != nil {
		knownBatchError(t, err)
	}
	if (err != nil || !v.HeaderChanged) && !bytes.Equal(b, before) {
		t.Fatalf("%v, and the batch was written to", err)
	}
	if err != nil {
		return
	}
	if again, rest, err := batch.Parse(v.Batch); err != nil || len(rest) > 0 || again.CheckCRC() != nil {
		t.Fatalf("what passed is no whole batch: %v, %d bytes left, %v", err, len(rest), again.CheckCRC())
	}
	records, err := readAll(t, v.Batch)
	if m&header != 0 && !v.Rebuilt && m&compacted == 0 {
		return // the records were not looked at
	}
	if err != nil {
		t.Fatalf("what passed does not read: %v", err)
	}
	m.checkRecords(t, v, records)
	if v.Rebuilt {
		original, err := readAll(t, before)
		if err != nil || v.Batch.Codec() != m.codec() {
			t.Fatalf("rewritten with %v: %v", v.Batch.Codec(), err)
		}
		sameRecords(t, records, original, v.LogAppendTime)
	}
}

// checkRecords holds the header of a batch that passed against its records.
func (m mode) checkRecords(t *testing.T, v batch.Verdict, records []plain) {
	t.Helper()
	largest := base.NoTimestamp
	for i, r := range records {
		if want := v.Batch.BaseOffset() + base.Offset(i); r.offset != want {
			t.Fatalf("record %d: got offset %d, expected %d", i, r.offset, want)
		}
		if m&compacted != 0 && r.key == nil {
			t.Fatalf("record %d of a compacted topic has no key", i)
		}
		largest = max(largest, r.timestamp)
	}
	if len(records) == 0 || v.Batch.LastOffset() != records[len(records)-1].offset {
		t.Fatalf("got %d records up to offset %d", len(records), v.Batch.LastOffset())
	}
	if largest != v.Batch.MaxTimestamp() || largest != v.MaxTimestamp || m&stamped != 0 && largest != epoch {
		t.Fatalf("got largest timestamps %d and %d, expected %d", v.Batch.MaxTimestamp(), v.MaxTimestamp, largest)
	}
}

// sameRecords compares what was rewritten with what it was.
func sameRecords(t *testing.T, got, want []plain, appendTime int64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d records, expected %d", len(got), len(want))
	}
	for i := range got {
		g, w := got[i], want[i]
		if appendTime != base.NoTimestamp {
			w.timestamp = appendTime
		}
		if g.timestamp != w.timestamp || !bytes.Equal(g.key, w.key) || !bytes.Equal(g.value, w.value) ||
			(g.key == nil) != (w.key == nil) || (g.value == nil) != (w.value == nil) ||
			!bytes.Equal(g.headers, w.headers) {
			t.Fatalf("record %d: got %+v, expected %+v", i, g, w)
		}
	}
}
