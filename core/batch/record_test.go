package batch

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// slowRecord is a record as a plain reader takes it apart, copying everything.
type slowRecord struct {
	timestampDelta, offsetDelta int64
	key, value                  []byte
	headers                     [][2][]byte
}

// slowParse is the dumb twin of parse: it fails on the first thing that is wrong.
func slowParse(p []byte) (r slowRecord, ok bool) {
	fail := false
	number := func(limit int) int64 {
		v, size := slowVarint(p, limit)
		if size < 0 {
			fail, p = true, nil
			return 0
		}
		p = p[size:]
		return v
	}
	take := func() []byte {
		n := number(maxVarint)
		if n < 0 {
			return nil
		}
		if n > int64(len(p)) {
			fail, p = true, nil
			return nil
		}
		q := append([]byte{}, p[:n]...)
		p = p[n:]
		return q
	}
	if len(p) == 0 {
		return r, false
	}
	p = p[1:]
	r.timestampDelta = number(maxVarlong)
	r.offsetDelta = number(maxVarint)
	r.key, r.value = take(), take()
	n := number(maxVarint)
	if n < 0 {
		return r, false
	}
	for ; n > 0 && !fail; n-- {
		k := take()
		if k == nil {
			return r, false
		}
		r.headers = append(r.headers, [2][]byte{k, take()})
	}
	return r, !fail && len(p) == 0
}

func sameBytes(a, b []byte) bool {
	return (a == nil) == (b == nil) && bytes.Equal(a, b)
}

// compare checks what the fast parsers made of body against the slow one.
func compareRecord(t *testing.T, f *fields, body []byte, want slowRecord) {
	t.Helper()
	var r Record
	f.record(body, &r)
	if f.timestampDelta != want.timestampDelta || int64(f.offsetDelta) != want.offsetDelta ||
		!sameBytes(r.Key, want.key) || !sameBytes(r.Value, want.value) || r.Headers.Len() != len(want.headers) {
		t.Fatalf("%x: got %+v %+v, want %+v", body, f, r, want)
	}
	var key, value []byte
	for i := range want.headers {
		if !r.Headers.Next(&key, &value) || !sameBytes(key, want.headers[i][0]) ||
			!sameBytes(value, want.headers[i][1]) {
			t.Fatalf("%x: header %d: got %q %q, want %q", body, i, key, value, want.headers[i])
		}
	}
	if r.Headers.Next(&key, &value) {
		t.Fatalf("%x: a header too many", body)
	}
}

// randomRecord builds the bytes of a record, length included, with numbers of all sizes.
func randomRecord(rng *rand.Rand) []byte {
	b := []byte{byte(rng.IntN(3) / 2)}
	if rng.IntN(2) == 0 {
		b = binary.AppendVarint(b, int64(rng.Uint64())>>rng.IntN(64))
		b = binary.AppendVarint(b, int64(int32(rng.Uint32())>>rng.IntN(32)))
	} else {
		b = binary.AppendVarint(b, int64(rng.IntN(9000)))
		b = binary.AppendVarint(b, int64(rng.IntN(9000)))
	}
	bytes := func(null bool) {
		n := rng.IntN(40)
		switch rng.IntN(10) {
		case 0:
			n = 8000 + rng.IntN(500)
		case 1:
			n = 0
		case 2:
			if null {
				b = binary.AppendVarint(b, -1-int64(rng.IntN(2)))
				return
			}
		}
		b = binary.AppendVarint(b, int64(n))
		for range n {
			b = append(b, byte(rng.IntN(256)))
		}
	}
	bytes(true)
	bytes(true)
	headers := max(0, rng.IntN(6)-3)
	b = binary.AppendVarint(b, int64(headers))
	for range headers {
		bytes(false)
		bytes(true)
	}
	return append(binary.AppendVarint(nil, int64(len(b))), b...)
}

// TestParseAgainstSlowParse compares parse and quick with their dumb twin, on whole and on damaged records.
func TestParseAgainstSlowParse(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	whole, quick, broken := 0, 0, 0
	for range 20_000 {
		p := randomRecord(rng)
		for range rng.IntN(3) {
			p = scramble(rng, p)
		}
		rest := make([]byte, rng.IntN(20))
		size, start := varint(p, 0)
		if start < 0 || size < 0 || int(size) > len(p)-start {
			var f fields
			if _, end := f.quick(append(p, rest...)); end > len(p)+len(rest) {
				t.Fatalf("%x: quick ends at %d", p, end)
			}
			continue
		}
		body := p[start : start+int(size)]
		want, ok := slowParse(body)
		var f fields
		if got := f.parse(body); got != ok {
			t.Fatalf("%x: got %v, want %v", body, got, ok)
		}
		if ok {
			whole++
			compareRecord(t, &f, body, want)
		} else {
			broken++
		}
		f = fields{}
		if from, to := f.quick(append(p[:start+int(size):start+int(size)], rest...)); to > 0 {
			quick++
			if !ok || from != start || to != start+int(size) {
				t.Fatalf("%x: quick took %d to %d, want %d to %d, %v", p, from, to, start, start+int(size), ok)
			}
			compareRecord(t, &f, body, want)
		}
	}
	if whole < 1000 || quick < 1000 || broken < 1000 {
		t.Errorf("got %d whole, %d quick, %d broken records, want a thousand of each", whole, quick, broken)
	}
}

// TestQuickTakesTheUsual makes sure that the fast path is taken where it should be: it is an optimization that nothing
// else would miss.
func TestQuickTakesTheUsual(t *testing.T) {
	b := benchBatch(t, None, 1000, 100_000)
	var f fields
	n := int32(0)
	p := b.Payload()
	for len(p) > 0 {
		_, end := f.quick(p)
		if end == 0 {
			break
		}
		p = p[end:]
		n++
	}
	if n != b.Count() {
		t.Errorf("quick took %d records of %d", n, b.Count())
	}
}
