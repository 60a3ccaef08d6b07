//go:build linux

package load_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/core/batch"
)

// TestCompressedBatches: they are valid, shrink as text does, hold records that differ, and are the same each time.
func TestCompressedBatches(t *testing.T) {
	const size, record = 16 << 10, 100
	for _, codec := range []batch.Codec{batch.LZ4, batch.Zstd} {
		b, err := load.NewCompressed(codec, size, record, 1)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := load.NewCompressed(codec, size, record, 1); err != nil || !bytes.Equal(again.Bytes, b.Bytes) {
			t.Errorf("%s: a second one differs, %v", codec, err)
		}
		ratio := float64(b.Inflated) / float64(len(b.Bytes))
		if b.Inflated > size || b.Inflated < size-2*record || ratio < 1.9 || ratio > 4 {
			t.Errorf("%s: got %d bytes of %d, a ratio of %.2f", codec, len(b.Bytes), b.Inflated, ratio)
		}
		got, err := batch.Produced(b.Bytes)
		if err == nil {
			_, err = batch.Validate(got, batch.Rules{Now: 1, AfterMaxMs: 1000, BeforeMaxMs: 1000})
		}
		if err != nil || got.Codec() != codec || int(got.Count()) != b.Records {
			t.Errorf("%s: got %s with %d records, %v, expected %d", codec, got.Codec(), got.Count(), err, b.Records)
		}
		seen := make(map[string]bool)
		records := got.Records(size)
		for records.Next() {
			seen[string(records.Record().Value)] = true
		}
		if err := records.Err(); err != nil || len(seen) != b.Records {
			t.Errorf("%s: got %d different values of %d, %v", codec, len(seen), b.Records, err)
		}
		records.Close()
	}
	if _, err := load.NewCompressed(batch.LZ4, 100, 100, 1); !errors.Is(err, load.ErrBatch) {
		t.Errorf("no room for a record: got %v, expected ErrBatch", err)
	}
}
