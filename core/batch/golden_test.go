package batch

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// goldenFiles returns the batches that Kafka wrote; see testdata/README.md.
func goldenFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/kafka/*.batch")
	if err != nil || len(files) != 31 {
		t.Fatalf("got %d golden batches, want 31 (%v)", len(files), err)
	}
	return files
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	p, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// listing describes a batch as testdata/Golden.java does.
func listing(b Batch) (string, error) {
	var w strings.Builder
	kind := "CreateTime"
	if b.LogAppendTime() {
		kind = "LogAppendTime"
	}
	fmt.Fprintf(&w, "batch %d %d epoch %d codec %v type %s pid %d %d seq %d %d txn %v control %v max %d count %d\n",
		b.BaseOffset(), b.LastOffset(), b.LeaderEpoch(), b.Codec(), kind, b.ProducerID(), b.ProducerEpoch(),
		b.BaseSequence(), b.LastSequence(), b.Transactional(), b.Control(), b.MaxTimestamp(), b.Count())
	show := func(p []byte) string {
		if p == nil {
			return "null"
		}
		return fmt.Sprintf("%d:%x", len(p), Checksum(p))
	}
	it := b.Records(DefaultMaxInflated)
	for it.Next() {
		r := it.Record()
		fmt.Fprintf(&w, "record %d %d %s %s", r.Offset, r.Timestamp, show(r.Key), show(r.Value))
		var key, value []byte
		for hs := r.Headers; hs.Next(&key, &value); {
			fmt.Fprintf(&w, " %s=%s", show(key), show(value))
		}
		w.WriteByte('\n')
	}
	return w.String(), it.Err()
}

// TestKafkaBatches reads Kafka's batches and finds in them what Kafka finds.
func TestKafkaBatches(t *testing.T) {
	for _, file := range goldenFiles(t) {
		b, rest, err := Parse(readFile(t, file))
		if err != nil || len(rest) != 0 {
			t.Errorf("%s: %v, %d bytes left", file, err, len(rest))
			continue
		}
		if err := b.CheckCRC(); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		want := string(readFile(t, strings.TrimSuffix(file, ".batch")+".txt"))
		if got, err := listing(b); err != nil || got != want {
			t.Errorf("%s: %v\ngot:\n%s\nwant:\n%s", file, err, got, want)
		}
	}
}

// TestKafkaBatchesAreValid lets producers' batches pass at both levels, unchanged where the rules ask for nothing.
func TestKafkaBatchesAreValid(t *testing.T) {
	seen := 0
	for _, file := range goldenFiles(t) {
		if strings.Contains(file, "append-time") || strings.Contains(file, "marker") ||
			strings.Contains(file, "compacted") || strings.Contains(file, "emptied") {
			continue
		}
		for _, level := range []Level{Full, HeaderOnly} {
			b, err := Produced(readFile(t, file))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			before := string(b)
			rules := Rules{Level: level, Now: kafkaNow, BeforeMaxMs: 1 << 62, AfterMaxMs: 90_000_000, MaxBytes: len(b)}
			v, err := Validate(b, rules)
			if err != nil || v.HeaderChanged || v.Rebuilt || string(v.Batch) != before ||
				v.MaxTimestamp != b.MaxTimestamp() {
				t.Errorf("%s at %v: %v, %+v", file, level, err, v)
			}
			seen++
		}
	}
	if seen != 28 {
		t.Errorf("looked %d times, want 28", seen)
	}
}

// TestBuilderWritesKafkasBytes rebuilds Kafka's uncompressed batches byte for byte.
func TestBuilderWritesKafkasBytes(t *testing.T) {
	var to Builder
	for _, file := range goldenFiles(t) {
		if !strings.Contains(file, "none-") || strings.Contains(file, "emptied") {
			continue
		}
		want := Batch(readFile(t, file))
		o := optionsOf(want)
		to.Reset(o)
		it := want.Records(0)
		it.timestamp, it.appendTime = want.BaseTimestamp(), false // also of a batch with LogAppendTime
		for it.Next() {
			r := it.Record()
			to.AppendRecord(int32(r.Offset-want.BaseOffset()), r)
		}
		to.SetLastOffsetDelta(want.LastOffsetDelta())
		got, err := to.Build()
		if err != nil || it.Err() != nil {
			t.Fatalf("%s: %v, %v", file, err, it.Err())
		}
		if want.HasDeleteHorizon() {
			// The horizon takes the base timestamp's place, which a Builder leaves to compaction.
			kafkas := string(readFile(t, strings.TrimSuffix(file, ".batch")+".txt"))
			if ours, err := listing(got); err != nil || ours != kafkas {
				t.Errorf("%s: %v, got %s", file, err, ours)
			}
			continue
		}
		if string(got) != string(want) {
			t.Errorf("%s:\ngot  %x\nwant %x", file, got, want)
		}
	}
}

// optionsOf returns the options that b was built with, without its codec.
func optionsOf(b Batch) Options {
	return Options{
		BaseOffset:    b.BaseOffset(),
		LeaderEpoch:   b.LeaderEpoch(),
		ProducerID:    b.ProducerID(),
		ProducerEpoch: b.ProducerEpoch(),
		BaseSequence:  b.BaseSequence(),
		Transactional: b.Transactional(),
		Control:       b.Control(),
		LogAppendTime: b.LogAppendTime(),
		AppendTime:    b.MaxTimestamp(),
	}
}

// TestEndTxnIsKafkas compares markers with Kafka's, of 78 bytes.
func TestEndTxnIsKafkas(t *testing.T) {
	var to Builder
	for kind, name := range []string{ControlAbort: "abort", ControlCommit: "commit"} {
		kind := ControlType(kind)
		want := readFile(t, "testdata/kafka/marker-"+name+".batch")
		got, err := to.EndTxn(55, 6, kind, 77, 1_700_000_000_000)
		if err != nil || string(got) != string(want) || len(got) != 78 {
			t.Errorf("%s: %v\ngot  %x\nwant %x", name, err, got, want)
		}
		it := Batch(want).Records(0)
		if !it.Next() {
			t.Fatal(it.Err())
		}
		r := it.Record()
		if k, err := r.ControlType(); k != kind || err != nil {
			t.Errorf("%s: got type %d, %v", name, k, err)
		}
		if e, err := r.CoordinatorEpoch(); e != 77 || err != nil {
			t.Errorf("%s: got epoch %d, %v", name, e, err)
		}
		for _, bad := range []Record{
			{}, {Key: []byte{0, 0, 0}, Value: make([]byte, 5)}, {Key: []byte{0xff, 0xff, 0, 0}},
		} {
			_, err1 := bad.ControlType()
			_, err2 := bad.CoordinatorEpoch()
			if err1 == nil || err2 == nil {
				t.Errorf("%+v: no error", bad)
			}
		}
	}
}
