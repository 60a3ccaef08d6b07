package batch

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

func testRand() *rand.Rand {
	return rand.New(rand.NewPCG(11, 12))
}

// mutate damages a batch: bytes anywhere, in the header's fields, in the inflated records, or its end.
func mutate(t *testing.T, rng *rand.Rand, b Batch) []byte {
	codec := b.Codec()
	records, _, err := bytesOf(b)
	if err != nil {
		t.Fatal(err)
	}
	if rng.IntN(2) == 0 {
		records = scramble(rng, records)
	}
	stored := records
	if codec != None {
		stored = deflate(t, codec, 0, records, stagePiece)
	}
	if rng.IntN(3) == 0 {
		stored = scramble(rng, stored)
	}
	p := rebuilt(b, codec, stored)
	if rng.IntN(2) == 0 {
		copy(p[offAttributes:HeaderSize], scramble(rng, p[offAttributes:HeaderSize]))
	}
	p.UpdateCRC()
	if rng.IntN(8) == 0 {
		return scramble(rng, p)
	}
	return p
}

// bytesOf returns the inflated records of b.
func bytesOf(b Batch) ([]byte, int, error) {
	if b.Codec() == None {
		return bytes.Clone(b.Payload()), 0, nil
	}
	return inflate(b.Codec(), b.Payload(), DefaultMaxInflated)
}

func scramble(rng *rand.Rand, p []byte) []byte {
	p = bytes.Clone(p)
	for range 1 + rng.IntN(2) {
		if len(p) == 0 {
			return p
		}
		at := rng.IntN(len(p))
		if rng.IntN(2) == 0 {
			at = rng.IntN(min(len(p), 40))
		}
		switch rng.IntN(5) {
		case 0, 1:
			p[at] ^= 1 << rng.IntN(8)
		case 2:
			p[at] = byte(rng.Uint32())
		case 3:
			p = p[:at]
		case 4:
			p = append(p, p[at:min(at+9, len(p))]...)
		}
	}
	return p
}

// TestWhatValidatesIsReadable damages batches and makes sure that whatever passes full validation can be read to its
// end: as many records as counted, numbered from 0, with keys where the topic is compacted, and the largest timestamp
// that the verdict says. What does not pass is left as it was.
func TestWhatValidatesIsReadable(t *testing.T) {
	rng := testRand()
	var seeds []Batch
	for codec := None; codec <= Zstd; codec++ {
		seeds = append(seeds, bytes.Clone(small(t, 7, codec)), bytes.Clone(benchBatch(t, codec, 90_000, 200_000)))
	}
	passed, refused := 0, 0
	for i := range 2000 {
		seed := seeds[i%len(seeds)]
		if len(seed) > 10_000 && i%50 > 10 {
			seed = seeds[0]
		}
		p := mutate(t, rng, seed)
		before := bytes.Clone(p)
		b, err := Produced(p)
		if err != nil {
			refused++
			continue
		}
		rules := Rules{Now: kafkaNow, BeforeMaxMs: 1 << 62, AfterMaxMs: 1 << 62, MaxInflated: 4 << 20}
		rules.Compacted = rng.IntN(2) == 0
		if rng.IntN(4) == 0 {
			rules.Compression = Compression{Recode: true, Codec: Codec(rng.IntN(5))}
		}
		v, err := Validate(b, rules)
		if err != nil {
			refused++
			if kafkaCode(t, err) == 1000 || !bytes.Equal(p, before) {
				t.Fatalf("%x: %v, changed %v", before, err, !bytes.Equal(p, before))
			}
			continue
		}
		passed++
		mustRead(t, &v, rules.Compacted)
		v.Release()
	}
	if passed < 300 || refused < 300 {
		t.Errorf("%d passed and %d were refused, want 300 of each", passed, refused)
	}
}

func mustRead(t *testing.T, v *Verdict, compacted bool) {
	t.Helper()
	largest, n := int64(-1), int32(0)
	it := v.Batch.Records(DefaultMaxInflated)
	for ; it.Next(); n++ {
		r := it.Record()
		if int32(r.Offset) != n || compacted && r.Key == nil {
			t.Fatalf("record %d: %+v", n, r)
		}
		largest = max(largest, r.Timestamp)
		var key, value []byte
		for hs := r.Headers; hs.Next(&key, &value); {
			if key == nil {
				t.Fatalf("record %d: a null header key", n)
			}
		}
	}
	b := v.Batch
	if it.Err() != nil || n != b.Count() || largest != v.MaxTimestamp || b.MaxTimestamp() != largest ||
		b.CheckCRC() != nil {
		t.Fatalf("%v after %d of %d records, largest timestamp %d, verdict %d: %x", it.Err(), n, b.Count(), largest,
			v.MaxTimestamp, b)
	}
}

// TestIteratorOnAnything walks damaged batches that nobody validated, as a log's recovery or a dump does.
func TestIteratorOnAnything(t *testing.T) {
	rng := testRand()
	failed := 0
	for i := range 2000 {
		p := mutate(t, rng, small(t, 5, Codec(i%5)))
		b, _, err := Parse(p)
		if err != nil {
			continue
		}
		it := b.Records(1 << 20)
		n := int32(0)
		for it.Next() && (n < 3 || i%2 == 0) {
			n++
		}
		err = it.Err()
		it.Close()
		it.Close()
		if it.Next() {
			t.Fatalf("%x: a record after Close", p)
		}
		if err != nil {
			failed++
			if kafkaCode(t, err) == 1000 {
				t.Fatalf("%x: %v", p, err)
			}
		}
	}
	if failed < 300 {
		t.Errorf("%d iterations failed, want 300", failed)
	}
}

// TestLargeRecordsStreamBy validates records of many windows in no more memory than one.
func TestLargeRecordsStreamBy(t *testing.T) {
	for codec := Gzip; codec <= Zstd; codec++ {
		b := benchBatch(t, codec, 3<<20, 9<<20)
		w := walker{rules: Rules{LogAppendTime: true, MaxInflated: DefaultMaxInflated}}
		z, err := newInflater(codec, b.Payload(), DefaultMaxInflated, true)
		if err != nil {
			t.Fatal(err)
		}
		var f fields
		for ; w.index < b.Count(); w.index++ {
			size, err := z.length()
			if err != nil {
				t.Fatal(err)
			}
			err = z.skim(&f, int(size))
			if err != nil || f.offsetDelta != w.index || f.valueSize != 3<<20 || f.keySize != 20 {
				t.Fatalf("%v: record %d: %v, %+v", codec, w.index, err, f)
			}
		}
		if err := z.finish(); err != nil || cap(z.buf) > 4*streamPiece {
			t.Errorf("%v: %v, a buffer of %d bytes", codec, err, cap(z.buf))
		}
		z.close()
	}
}

// TestSkimAgainstParse compares the two readers of compressed records on whole and damaged ones.
func TestSkimAgainstParse(t *testing.T) {
	rng := testRand()
	agreed := 0
	for range 4000 {
		p := randomRecord(rng)
		switch rng.IntN(4) {
		case 0:
			p = scramble(rng, p)
		case 1: // one header, of a null or an empty key, which is all the difference
			p = []byte{16, 0, 0, 0, 1, 1, 2, byte(rng.IntN(2)), byte(rng.IntN(2))}
		}
		size, start := varint(p, 0)
		if start < 0 || size < 0 || int(size) > len(p)-start {
			continue
		}
		var want, got fields
		ok := want.parse(p[start : start+int(size)])
		z, err := newInflater(LZ4, deflate(t, LZ4, 0, p, stagePiece), 1<<20, true)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := z.length(); n != size || err != nil {
			t.Fatal(n, err)
		}
		err = z.skim(&got, int(size))
		got.key, got.value, got.headers = want.key, want.value, want.headers
		if (err == nil) != ok || ok && (got != want || z.at != start+int(size)) {
			t.Fatalf("%x: skim %v %+v, parse %v %+v", p, err, got, ok, want)
		}
		z.close()
		agreed++
	}
	if agreed < 2000 {
		t.Errorf("compared %d records, want 2000", agreed)
	}
}
