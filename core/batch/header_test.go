package batch

import (
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"github.com/gregor-log/gregor/base"
)

// small builds an intact uncompressed batch of n records, as a producer without idempotence sends it.
func small(t *testing.T, n int, codec Codec) Batch {
	t.Helper()
	var b Builder
	o := NewOptions()
	o.Codec = codec
	b.Reset(o)
	for i := range n {
		b.Append(kafkaNow+int64(i), []byte("key"), []byte("value"), Header{Key: "h", Value: []byte("v")})
	}
	p, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestParse(t *testing.T) {
	whole := small(t, 2, None)
	patch := func(at int, v ...byte) []byte {
		p := append([]byte{}, whole...)
		copy(p[at:], v)
		return p
	}
	for _, c := range []struct {
		name string
		p    []byte
		err  error
	}{
		{"nothing", nil, ErrShort},
		{"less than a header", whole[:HeaderSize-1], ErrShort},
		{"an old message, less than a header", patch(offMagic, 1)[:20], ErrOldMagic},
		{"v0", patch(offMagic, 0), ErrOldMagic},
		{"v1", patch(offMagic, 1), ErrOldMagic},
		{"v3", patch(offMagic, 3), ErrBadMagic},
		{"negative magic", patch(offMagic, 0xff), ErrBadMagic},
		{"negative length", patch(offLength, 0xff, 0xff, 0xff, 0xff), ErrBadLength},
		{"length below the header", patch(offLength, 0, 0, 0, HeaderSize-Overhead-1), ErrBadLength},
		{"length that overflows", patch(offLength, 0x7f, 0xff, 0xff, 0xff), ErrBadLength},
		{"torn", whole[:len(whole)-1], ErrShort},
	} {
		b, rest, err := Parse(c.p)
		if !errors.Is(err, c.err) || b != nil || len(rest) != len(c.p) {
			t.Errorf("%s: got %v, %d bytes left, want %v and all left", c.name, err, len(rest), c.err)
		}
	}
	b, rest, err := Parse(append(append([]byte{}, whole...), 1, 2, 3))
	if err != nil || string(b) != string(whole) || string(rest) != "\x01\x02\x03" || cap(b) != len(b) {
		t.Errorf("got %v, %x, %x", err, b, rest)
	}
}

// TestOutsideTheCRC says which header fields a leader may set without a new CRC: these two and the length.
func TestOutsideTheCRC(t *testing.T) {
	b := small(t, 3, None)
	b.SetBaseOffset(1 << 40)
	b.SetLeaderEpoch(12)
	if err := b.CheckCRC(); err != nil {
		t.Error(err)
	}
	if b.BaseOffset() != 1<<40 || b.LeaderEpoch() != 12 || b.LastOffset() != 1<<40+2 || b.NextOffset() != 1<<40+3 {
		t.Errorf("got base %d, epoch %d, last %d, next %d", b.BaseOffset(), b.LeaderEpoch(), b.LastOffset(),
			b.NextOffset())
	}
	for at := offCRC; at < len(b); at++ {
		b[at] ^= 1
		if err := b.CheckCRC(); !errors.Is(err, ErrCRC) {
			t.Errorf("byte %d changed: got %v, want ErrCRC", at, err)
		}
		b[at] ^= 1
	}
}

func TestSequenceWraps(t *testing.T) {
	for _, c := range []struct{ seq, n, want int32 }{
		{0, 0, 0}, {5, 4, 9}, {math.MaxInt32, 0, math.MaxInt32}, {math.MaxInt32, 1, 0}, {math.MaxInt32 - 1, 5, 3},
		{math.MaxInt32, math.MaxInt32, math.MaxInt32 - 1},
	} {
		if got := AddSequence(c.seq, c.n); got != c.want {
			t.Errorf("AddSequence(%d, %d): got %d, want %d", c.seq, c.n, got, c.want)
		}
	}
	b := small(t, 3, None)
	if got := b.LastSequence(); got != base.NoSequence {
		t.Errorf("got %d without a base sequence", got)
	}
	binary.BigEndian.PutUint32(b[offBaseSequence:], math.MaxInt32)
	if got := b.LastSequence(); got != 1 {
		t.Errorf("got %d, want 1", got)
	}
}

func TestNames(t *testing.T) {
	names := ""
	for c := None; c <= Zstd+1; c++ {
		names += c.String() + " "
	}
	if names != "none gzip snappy lz4 zstd codec(5) " || Full.String()+HeaderOnly.String() != "fullheader" {
		t.Errorf("got %q, %q, %q", names, Full, HeaderOnly)
	}
}
