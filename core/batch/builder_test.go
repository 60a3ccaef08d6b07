package batch

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"testing"
)

func TestBuilderRoundTrip(t *testing.T) {
	var b Builder
	for codec := None; codec <= Zstd; codec++ {
		o := NewOptions()
		o.Codec, o.ProducerID, o.ProducerEpoch, o.BaseSequence = codec, 1<<33, 4, math.MaxInt32
		o.Transactional = true
		b.Reset(o)
		for i := range 2000 {
			key := fmt.Appendf(nil, "key %d", i)
			b.Append(int64(i), key, make([]byte, i%300), Header{Key: "n", Value: nil}, Header{})
		}
		if b.Count() != 2000 || b.Size() < HeaderSize {
			t.Errorf("%v: got count %d, size %d", codec, b.Count(), b.Size())
		}
		p, err := b.Build()
		if err != nil || p.CheckCRC() != nil || p.Codec() != codec || p.LastSequence() != 1998 ||
			p.MaxTimestamp() != 1999 {
			t.Fatalf("%v: %v, %x", codec, err, p[:HeaderSize])
		}
		it := p.Records(DefaultMaxInflated)
		i := 0
		for ; it.Next(); i++ {
			r := it.Record()
			if int(r.Offset) != i || int(r.Timestamp) != i || string(r.Key) != fmt.Sprint("key ", i) ||
				len(r.Value) != i%300 || r.Headers.Len() != 2 {
				t.Fatalf("%v: record %d: %+v", codec, i, r)
			}
		}
		if it.Err() != nil || i != 2000 {
			t.Errorf("%v: %v after %d records", codec, it.Err(), i)
		}
		if _, err := Validate(p, Rules{Now: 2000, BeforeMaxMs: 2000, AfterMaxMs: 0}); err != nil {
			t.Errorf("%v: %v", codec, err)
		}
	}
}

// TestBuilderErrorsStick wants the first error out of Build and the builder to be good for the next batch.
func TestBuilderErrorsStick(t *testing.T) {
	var b Builder
	incompressible := sample(testRand(), 300_000)
	for i := range incompressible {
		incompressible[i] ^= byte(i * i >> 3)
	}
	empty := new(Record)
	for _, c := range []struct {
		name string
		opts func(*Options)
		fill func()
		err  error
	}{
		{"too many bytes", func(o *Options) { o.MaxBytes = 100 },
			func() { b.Append(0, nil, make([]byte, 40)) }, ErrTooLarge},
		{"too many compressed", func(o *Options) { o.MaxBytes, o.Codec = 100_000, Zstd },
			func() { b.Append(0, nil, incompressible) }, ErrTooLarge},
		{"no room for a stream", func(o *Options) { o.MaxBytes, o.Codec = HeaderSize, LZ4 },
			func() {}, ErrTooLarge},
		{"codec", func(o *Options) { o.Codec = 6 },
			func() {}, ErrUnsupportedCodec},
		{"deltas go back", func(*Options) {},
			func() { b.AppendRecord(3, empty); b.AppendRecord(3, empty) }, ErrInvalidRecord},
		{"last delta goes back", func(*Options) {},
			func() { b.AppendRecord(3, empty); b.SetLastOffsetDelta(2) }, ErrInvalidRecord},
		{"offsets run out", func(*Options) {},
			func() { b.AppendRecord(math.MaxInt32, empty) }, ErrTooLarge},
	} {
		o := NewOptions()
		c.opts(&o)
		b.Reset(o)
		c.fill()
		b.Append(1, nil, nil)
		if _, err := b.Build(); !errors.Is(err, c.err) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.err)
		}
		b.Reset(NewOptions())
		b.Append(1, []byte("fine"), nil)
		p, err := b.Build()
		if err != nil || p.CheckCRC() != nil || p.Count() != 1 {
			t.Errorf("after %s: %v", c.name, err)
		}
	}
}

// TestCompactedBatch writes what compaction leaves: gaps, and an end behind the last record.
func TestCompactedBatch(t *testing.T) {
	whole := small(t, 9, Snappy)
	var b Builder
	b.Reset(optionsOf(whole))
	it := whole.Records(DefaultMaxInflated)
	for it.Next() {
		if r := it.Record(); r.Offset%3 == 1 {
			b.AppendRecord(int32(r.Offset), r)
		}
	}
	b.SetLastOffsetDelta(whole.LastOffsetDelta())
	p, err := b.Build()
	if err != nil || it.Err() != nil || p.Count() != 3 || p.LastOffset() != 8 {
		t.Fatalf("%v, %v, count %d, last offset %d", err, it.Err(), p.Count(), p.LastOffset())
	}
	it = p.Records(DefaultMaxInflated)
	for want := int64(1); it.Next(); want += 3 {
		if r := it.Record(); int64(r.Offset) != want || r.Timestamp != kafkaNow+want {
			t.Errorf("got %+v, want offset %d", r, want)
		}
	}
	if it.Err() != nil {
		t.Error(it.Err())
	}
}

// TestNoAllocations counts what a batch costs once the pools are warm: nothing where nothing is inflated, and never
// something for each record.
func TestNoAllocations(t *testing.T) {
	var b Builder
	headers := []Header{{Key: "a", Value: []byte("b")}}
	for codec := None; codec <= Zstd; codec++ {
		o := NewOptions()
		o.Codec = codec
		var p Batch
		build := func() {
			var err error
			b.Reset(o)
			for range 1000 {
				b.Append(kafkaNow, []byte("key"), []byte("value"), headers...)
			}
			if p, err = b.Build(); err != nil {
				t.Fatal(err)
			}
		}
		validate := func(level Level, appendTime bool) func() {
			return func() {
				rules := Rules{Level: level, LogAppendTime: appendTime, Now: kafkaNow, BeforeMaxMs: 5, AfterMaxMs: 5}
				if _, err := Validate(p, rules); err != nil {
					t.Fatal(err)
				}
				stamp(p, false, kafkaNow)
			}
		}
		iterate := func() {
			it := p.Records(DefaultMaxInflated)
			n := 0
			var key, value []byte
			for ; it.Next(); n++ {
				hs := it.Record().Headers
				for hs.Next(&key, &value) {
					n += 0
				}
			}
			if n != 1000 || it.Err() != nil {
				t.Fatal(n, it.Err())
			}
		}
		build()
		for step, f := range []func(){
			validate(HeaderOnly, false), build, validate(Full, false), validate(Full, true), iterate,
		} {
			most := 0.0
			if codec != None && step > 0 {
				most = 20 // a pool that was emptied
			}
			if got := testing.AllocsPerRun(20, f); got > most {
				t.Errorf("%v, step %d: %v allocations, want at most %v", codec, step, got, most)
			}
		}
	}
}

// TestVerdictOwnsItsBatch keeps two rebuilt batches at once.
func TestVerdictOwnsItsBatch(t *testing.T) {
	rules := kafkaRules()
	rules.Compression = Compression{Recode: true, Codec: LZ4}
	a, b := small(t, 5, None), bytes.Clone(small(t, 50, Zstd))
	first, err := Validate(a, rules)
	if err != nil {
		t.Fatal(err)
	}
	before := string(first.Batch)
	second, err := Validate(b, rules)
	if err != nil || string(first.Batch) != before || second.Batch.Count() != 50 {
		t.Errorf("%v, the first batch changed: %v", err, string(first.Batch) != before)
	}
	first.Release()
	first.Release()
	second.Release()
}
