package batch

import (
	"errors"
	"runtime"
	"strings"
	"testing"
)

// stampsOf reads a batch both ways, and fails if they tell different offsets, timestamps or errors.
func stampsOf(t *testing.T, b Batch) int {
	t.Helper()
	type stamp struct{ offset, timestamp int64 }
	read := func(it Records) (found []stamp, err error) {
		defer it.Close()
		for it.Next() {
			r := it.Record()
			found = append(found, stamp{int64(r.Offset), r.Timestamp})
		}
		return found, it.Err()
	}
	whole, werr := read(b.Records(DefaultMaxInflated))
	stamps, serr := read(b.Stamps(DefaultMaxInflated))
	if (werr == nil) != (serr == nil) || errors.Is(werr, ErrInvalidRecord) != errors.Is(serr, ErrInvalidRecord) {
		t.Fatalf("got %v, expected %v", serr, werr)
	}
	if len(whole) != len(stamps) {
		t.Fatalf("got %d records, expected %d", len(stamps), len(whole))
	}
	for i := range whole {
		if whole[i] != stamps[i] {
			t.Fatalf("record %d: got %v, expected %v", i, stamps[i], whole[i])
		}
	}
	return len(stamps)
}

// buildStamped makes a batch of records of different sizes and times.
func buildStamped(t *testing.T, codec Codec, sizes ...int) Batch {
	t.Helper()
	var b Builder
	b.Reset(Options{Codec: codec, BaseOffset: 40, ProducerID: -1, ProducerEpoch: -1, BaseSequence: -1})
	for i, size := range sizes {
		value := []byte(strings.Repeat("v", size))
		b.Append(int64(1000-i*7), []byte("key"), value, Header{Key: "h", Value: []byte("x")})
	}
	p, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestStampsAreThoseOfTheRecords(t *testing.T) {
	for codec := None; codec <= Zstd; codec++ {
		b := buildStamped(t, codec, 0, 10, 300_000, 5, wholeRecord, wholeRecord+1, 70_000, 1)
		if n := stampsOf(t, b); n != 8 {
			t.Errorf("%v: got %d records, expected 8", codec, n)
		}
		// Cut off, the payload is the same mistake either way.
		cut := append(Batch(nil), b[:len(b)-3]...)
		stampsOf(t, cut)
	}
}

// A client that asks for offsets by time makes the broker look into batches that inflate to far more than was sent.
func TestStampsOfLargeRecordsNeedLittleMemory(t *testing.T) {
	const size, most = 64 << 20, 24 << 20
	for codec := Gzip; codec <= Zstd; codec++ {
		b := buildStamped(t, codec, size, 1)
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		it := b.Stamps(DefaultMaxInflated)
		n := 0
		for it.Next() {
			n++
		}
		runtime.ReadMemStats(&after)
		if n != 2 || it.Err() != nil {
			t.Errorf("%v: got %d records and %v", codec, n, it.Err())
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > most {
			t.Errorf("%v: %d bytes allocated, expected at most %d", codec, used, most)
		}
	}
}
