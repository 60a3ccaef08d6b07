package batch

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
)

// slowVarint is varint and varlong by the book: the next byte while the top bit is set, at most limit of them.
func slowVarint(p []byte, limit int) (v int64, size int) {
	var u uint64
	for n := 0; n < limit && n < len(p); n++ {
		u += uint64(p[n]%128) << (7 * n)
		if limit == maxVarint {
			u %= 1 << 32
		}
		if p[n] < 128 {
			v := int64(u / 2)
			if u%2 == 1 {
				v = -v - 1
			}
			return v, n + 1
		}
	}
	return 0, -1
}

func TestVarintAgainstTheBook(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		p := make([]byte, rng.IntN(12))
		for i := range p {
			p[i] = byte(rng.Uint32())
			if rng.IntN(2) == 0 {
				p[i] |= 0x80
			}
		}
		at := rng.IntN(len(p) + 1)
		check := func(name string, got int64, next, limit int) {
			want, size := slowVarint(p[at:], limit)
			if size > 0 {
				size += at
			}
			if got != want || next != size {
				t.Fatalf("%s(%x, %d): got %d, %d, want %d, %d", name, p, at, got, next, want, size)
			}
		}
		v, next := varint(p, at)
		check("varint", int64(v), next, maxVarint)
		w, next := varlong(p, at)
		check("varlong", w, next, maxVarlong)
	}
}

func TestVarintRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	values := []int64{0, -1, 1, 63, -64, 64, -65, 8191, 8192, math.MaxInt32, math.MinInt32, math.MaxInt64,
		math.MinInt64}
	for range 10_000 {
		values = append(values, int64(rng.Uint64())>>rng.IntN(64))
	}
	for _, v := range values {
		p := appendVarlong(nil, v)
		if std := binary.AppendVarint(nil, v); string(p) != string(std) {
			t.Fatalf("appendVarlong(%d): got %x, want %x", v, p, std)
		}
		if got, next := varlong(p, 0); got != v || next != len(p) || sizeVarlong(v) != len(p) {
			t.Fatalf("varlong(%x): got %d, %d, want %d, %d", p, got, next, v, len(p))
		}
		if v != int64(int32(v)) {
			continue
		}
		p = appendVarint(nil, int32(v))
		if got, next := varint(p, 0); int64(got) != v || next != len(p) || sizeVarlong(v) != len(p) {
			t.Fatalf("varint(%x): got %d, %d, want %d, %d", p, got, next, v, len(p))
		}
	}
}

func TestVarintPassesFailureOn(t *testing.T) {
	p := []byte{2, 2, 2}
	for _, at := range []int{-1, 3, 4, math.MaxInt32, math.MinInt32} {
		if v, next := varint(p, at); v != 0 || next != -1 {
			t.Errorf("varint at %d: got %d, %d, want 0, -1", at, v, next)
		}
		if v, next := varlong(p, at); v != 0 || next != -1 {
			t.Errorf("varlong at %d: got %d, %d, want 0, -1", at, v, next)
		}
	}
}
