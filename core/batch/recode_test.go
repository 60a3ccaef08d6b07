package batch

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestMaxBytes(t *testing.T) {
	b := small(t, 3, None)
	rules := kafkaRules()
	rules.MaxBytes = len(b)
	if _, err := Validate(b, rules); err != nil {
		t.Error(err)
	}
	rules.MaxBytes--
	if _, err := Validate(b, rules); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
	rules.MaxBytes = 0
	if _, err := Validate(b, rules); err != nil {
		t.Error(err)
	}
}

// TestRecode rewrites batches of every codec with every other.
func TestRecode(t *testing.T) {
	for from := None; from <= Zstd; from++ {
		for to := None; to <= Zstd; to++ {
			b := bytes.Clone(readFile(t, "testdata/kafka/"+from.String()+"-transactional.batch"))
			set32(offLeaderEpoch, 7)(b)
			want, err := listing(b)
			if err != nil {
				t.Fatal(err)
			}
			want = strings.Replace(want, "codec "+from.String(), "codec "+to.String(), 1)
			rules := Rules{Level: HeaderOnly, Now: kafkaNow, BeforeMaxMs: 1 << 60, AfterMaxMs: 1 << 60}
			rules.Compression = Compression{Recode: true, Codec: to}
			v, err := Validate(b, rules)
			if err != nil || v.Rebuilt != (from != to) || v.Batch.CheckCRC() != nil {
				t.Fatalf("%v to %v: %v, %+v", from, to, err, v)
			}
			if got, err := listing(v.Batch); err != nil || got != want {
				t.Errorf("%v to %v: %v\ngot  %s\nwant %s", from, to, err, got, want)
			}
			v.Release()
			if v.Batch != nil && from != to {
				t.Errorf("%v to %v: a batch after Release", from, to)
			}
		}
	}
}

// TestRecodeLimits stops as soon as the result is too large, however much there is to inflate.
func TestRecodeLimits(t *testing.T) {
	var b Builder
	o := NewOptions()
	o.Codec = Gzip
	b.Reset(o)
	for range 64 {
		b.Append(kafkaNow, []byte("k"), make([]byte, 1<<20))
	}
	p, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	rules := kafkaRules()
	for to := None; to <= Zstd; to++ {
		rules.Compression = Compression{Recode: true, Codec: to}
		rules.MaxBytes = len(p)
		if to == Gzip || to == Zstd { // which can make it smaller still
			rules.MaxInflated = 10 << 20
		}
		if _, err := Validate(p, rules); (to != Gzip || errors.Is(err, ErrInflated)) && !errors.Is(err, ErrTooLarge) {
			t.Errorf("gzip to %v: got %v, want ErrTooLarge", to, err)
		}
	}
}

func TestProduced(t *testing.T) {
	b := small(t, 2, None)
	join := func(p ...[]byte) []byte { return bytes.Join(p, nil) }
	patch := func(at int, v ...byte) []byte {
		p := bytes.Clone(b)
		copy(p[at:], v)
		return p
	}
	for _, c := range []struct {
		name string
		set  []byte
		err  error
	}{
		{"one", b, nil},
		{"one and the start of another", join(b, b[:len(b)-1]), nil},
		{"one and a few bytes", join(b, []byte("few")), nil},
		{"nothing", nil, ErrInvalidRecord},
		{"a torn one", b[:len(b)-1], ErrInvalidRecord},
		{"less than a header", b[:30], ErrInvalidRecord},
		{"no magic", b[:offMagic], ErrInvalidRecord},
		{"no length", b[:Overhead-1], ErrInvalidRecord},
		{"two", join(b, b), ErrInvalidRecord},
		{"one and garbage with a length", join(b, make([]byte, 40)), ErrCorrupt},
		{"v1", patch(offMagic, 1), ErrOldMagic},
		{"v3", patch(offMagic, 3), ErrBadMagic},
		{"length 13", patch(offLength, 0, 0, 0, 13), ErrBadLength},
		{"length 48", patch(offLength, 0, 0, 0, 48), ErrBadLength},
		{"length negative", patch(offLength, 0x80), ErrBadLength},
		{"length huge", patch(offLength, 0x7f, 0xff, 0xff, 0xff), ErrInvalidRecord},
	} {
		got, err := Produced(c.set)
		if !errors.Is(err, c.err) || err == nil && string(got) != string(b) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.err)
		}
		if err != nil && kafkaCode(t, err) == 1000 {
			t.Errorf("%s: %v has no code", c.name, err)
		}
	}
}
