package wire

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Every primitive at its edges: bytes, whether the lengths are compact, what is read, and whether it is an error.
func TestReaderBounds(t *testing.T) {
	str := func(r *Reader) any { return nullable(r.String()) }
	blob := func(r *Reader) any { return nullable(r.Bytes()) }
	name := func(r *Reader) any { return nullable(r.Name()) }
	long := func(r *Reader) any { return r.Int64() }
	varint := func(r *Reader) any { return r.Uvarint() }
	array := func(least int) func(*Reader) any { return func(r *Reader) any { return r.Array(least) } }
	for _, test := range []struct {
		what     string
		in       string
		flexible bool
		read     func(*Reader) any
		want     any // nil for an error
	}{
		{"int8", "\x80", false, func(r *Reader) any { return r.Int8() }, int8(-128)},
		{"int8 of nothing", "", false, func(r *Reader) any { return r.Int8() }, nil},
		{"int16", "\xff\xfe", false, func(r *Reader) any { return r.Int16() }, int16(-2)},
		{"half an int16", "\xff", false, func(r *Reader) any { return r.Int16() }, nil},
		{"int32", "\x7f\xff\xff\xff", false, func(r *Reader) any { return r.Int32() }, int32(1<<31 - 1)},
		{"most of an int32", "\x7f\xff\xff", false, func(r *Reader) any { return r.Int32() }, nil},
		{"int64", "\x80\x00\x00\x00\x00\x00\x00\x01", false, long, int64(-1<<63 + 1)},
		{"most of an int64", "\x80\x00\x00\x00\x00\x00\x00", false, long, nil},
		{"uuid", strings.Repeat("\x01", 16), false, func(r *Reader) any { return r.UUID()[15] }, byte(1)},
		{"most of a uuid", strings.Repeat("\x01", 15), false, func(r *Reader) any { return r.UUID() }, nil},
		{"varint 0", "\x00", false, varint, uint32(0)},
		{"varint 300", "\xac\x02", false, varint, uint32(300)},
		{"largest varint", "\xff\xff\xff\xff\x0f", false, varint, uint32(1<<32 - 1)},
		{"varint of 33 bits", "\xff\xff\xff\xff\x1f", false, varint, nil},
		{"varint of 6 bytes", "\x80\x80\x80\x80\x80\x00", false, varint, nil},
		{"varint without end", "\x80\x80", false, varint, nil},
		{"longer than needed", "\x80\x00", false, varint, uint32(0)},
		{"string", "\x00\x02hi", false, str, "6869"},
		{"empty string", "\x00\x00", false, str, ""},
		{"null string", "\xff\xff", false, str, "null"},
		{"string of -2", "\xff\xfe", false, str, nil},
		{"string too long", "\x00\x03hi", false, str, nil},
		{"compact string", "\x03hi", true, str, "6869"},
		{"compact empty string", "\x01", true, str, ""},
		{"compact null string", "\x00", true, str, "null"},
		{"compact string too long", "\x04hi", true, str, nil},
		{"compact string of 4 GiB", "\xff\xff\xff\xff\x0f", true, str, nil},
		{"name", "\x00\x02hi", false, name, "6869"},
		{"null name", "\xff\xff", false, name, nil},
		{"compact null name", "\x00", true, name, nil},
		{"bytes", "\x00\x00\x00\x02hi", false, blob, "6869"},
		{"null bytes", "\xff\xff\xff\xff", false, blob, "null"},
		{"bytes of -2", "\xff\xff\xff\xfe", false, blob, nil},
		{"bytes of 2 GiB", "\x7f\xff\xff\xff", false, blob, nil},
		{"array", "\x00\x00\x00\x02abcd", false, array(2), 2},
		{"array that cannot fit", "\x00\x00\x00\x02abc", false, array(2), nil},
		{"array of nothing", "\x00\x00\x00\x00", false, array(4), 0},
		{"null array", "\xff\xff\xff\xff", false, array(4), -1},
		{"array of -2", "\xff\xff\xff\xfe", false, array(4), nil},
		{"compact array", "\x03abcd", true, array(2), 2},
		{"compact null array", "\x00", true, array(2), -1},
	} {
		r := NewReader([]byte(test.in), test.flexible)
		got := test.read(&r)
		switch {
		case test.want == nil && !errors.Is(r.Err(), ErrMalformed):
			t.Errorf("%s: got %v and error %v, expected %v", test.what, got, r.Err(), ErrMalformed)
		case test.want != nil && (got != test.want || r.Err() != nil):
			t.Errorf("%s: got %v and error %v, expected %v", test.what, got, r.Err(), test.want)
		}
		if r.Err() != nil && (r.Left() != 0 || r.Int64() != 0 || r.String() != nil) {
			t.Errorf("%s: something can be read after the error", test.what)
		}
	}
}

// The first error stays, whatever is read afterwards.
func TestReaderErrorsStick(t *testing.T) {
	r := NewReader([]byte{1}, true)
	r.Int32()
	first := r.Err()
	r.Uvarint()
	r.Tags(nil)
	if r.Err() != first {
		t.Errorf("got %v, expected %v", r.Err(), first)
	}
}

func TestReaderTags(t *testing.T) {
	type seen struct {
		tag  uint32
		data string
	}
	for _, test := range []struct {
		in   string
		want []seen
		ok   bool
	}{
		{"\x00", nil, true},
		{"\x01\x05\x02ab", []seen{{5, "ab"}}, true},
		{"\x02\x00\x00\xac\x02\x01z", []seen{{0, ""}, {300, "z"}}, true},
		{"\x01\x05\x03ab", nil, false},
		{"\x02\x05\x02ab", []seen{{5, "ab"}}, false},
		{"\x01", nil, false},
		{"", nil, false},
		{"\xff\xff\xff\xff\x0f", nil, false},
	} {
		r := NewReader([]byte(test.in), true)
		var got []seen
		r.Tags(func(tag uint32, content *Reader) { got = append(got, seen{tag, string(content.Rest())}) })
		if (r.Err() == nil) != test.ok || len(got) != len(test.want) {
			t.Errorf("%q: got %v, %v, expected %v, ok %v", test.in, got, r.Err(), test.want, test.ok)
			continue
		}
		for i := range got {
			if got[i] != test.want[i] {
				t.Errorf("%q: got %v, expected %v", test.in, got, test.want)
			}
		}
	}
	plain := NewReader([]byte{1, 2, 3}, false)
	plain.Tags(nil)
	if plain.Left() != 3 {
		t.Error("tagged fields are read where the message has none")
	}
	inner := NewReader([]byte("\x01\x05\x02ab"), true)
	inner.Tags(func(_ uint32, content *Reader) { content.Int64() })
	if !errors.Is(inner.Err(), ErrMalformed) {
		t.Errorf("a tagged field that is too short for its content: got %v", inner.Err())
	}
}

// Each unknown tagged field and each element costs more memory, once decoded, than it has bytes: both are counted.
func TestReaderCountsWhatCostsMemory(t *testing.T) {
	many := func(n int) []byte {
		p := binary.AppendUvarint(nil, uint64(n))
		for range n {
			p = append(p, 0x7f, 0)
		}
		return p
	}
	for n, ok := range map[int]bool{mostTags: true, mostTags + 1: false} {
		r := NewReader(many(n), true)
		r.Tags(nil)
		if (r.Err() == nil) != ok {
			t.Errorf("%d tagged fields: got %v", n, r.Err())
		}
	}
	r := NewReader(append(many(mostTags), many(1)...), true)
	r.Tags(nil)
	r.Tags(nil)
	if r.Err() == nil {
		t.Error("tagged fields of several structures are not counted together")
	}
	for n, ok := range map[int]bool{mostElements: true, mostElements + 1: false} {
		p := append(binary.AppendUvarint(nil, uint64(n+1)), make([]byte, n)...)
		r := NewReader(p, true)
		r.Array(1)
		if (r.Err() == nil) != ok {
			t.Errorf("an array of %d elements: got %v", n, r.Err())
		}
	}
	p := append([]byte{0, 0x10, 0, 0, 0, 0, 0, 1}, make([]byte, mostElements)...)
	two := NewReader(p, false)
	two.Array(0)
	two.Array(0)
	if two.Err() == nil {
		t.Error("elements of several arrays are not counted together")
	}
}

// Random bytes: no panic, and what follows a request is all that is left of it.
func TestRandomBytesAreReadOrRefused(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var fetch FetchRequest
	for range 20000 {
		p := make([]byte, r.IntN(200))
		for i := range p {
			p[i] = byte(r.Uint32()) >> r.IntN(8)
		}
		version := int16(r.IntN(20))
		if req, err := ParseProduce(version%14, p); err == nil {
			for topic, ok := req.NextTopic(); ok; topic, ok = req.NextTopic() {
				for range topic.Partitions {
					req.NextPartition()
				}
			}
		}
		_ = fetch.Parse(version, p) // it may be a request by chance
		for key := range shapes {
			req := kmsg.RequestForKey(key)
			if version > req.MaxVersion() {
				continue
			}
			req.SetVersion(version)
			body, err := CheckRequest(key, version, p)
			if err != nil {
				continue
			}
			// kmsg refuses null where a string must be, as Kafka does, but never wants more bytes than the shape took.
			long := append(slices.Clone(body), 0xff, 0xff, 0xff, 0xff)
			if (req.ReadFrom(body) == nil) != (req.ReadFrom(long) == nil) {
				t.Fatalf("%s v%d: kmsg reads beyond what the shape took: % x", kmsg.Key(key).Name(), version, body)
			}
		}
	}
}

func TestHeadersAreReadAsKmsgWritesThem(t *testing.T) {
	f := kmsg.NewRequestFormatter(kmsg.FormatterClientID("client"))
	for key := range int16(MaxKey) {
		req := kmsg.RequestForKey(key)
		if req == nil || key == 7 { // ControlledShutdown v0 had no client id, and is gone
			continue
		}
		for v := range req.MaxVersion() + 1 {
			req.SetVersion(v)
			frame := f.AppendRequest(nil, req, 77)[LengthSize:]
			h, body, err := ParseHeader(frame)
			if err != nil || h.Key != key || h.Version != v || h.Correlation != 77 {
				t.Fatalf("%s v%d: got %+v: %v", kmsg.Key(key).Name(), v, h, err)
			}
			if string(h.ClientID) != "client" || len(body) != len(req.AppendTo(nil)) {
				t.Errorf("%s v%d: got client %q and a body of %d bytes, expected %d", kmsg.Key(key).Name(), v,
					h.ClientID, len(body), len(req.AppendTo(nil)))
			}
			if Flexible(key, v) != req.IsFlexible() {
				t.Errorf("%s v%d: flexible is %v, expected %v", kmsg.Key(key).Name(), v, Flexible(key, v),
					req.IsFlexible())
			}
			for n := range len(frame) - len(body) {
				if _, _, err := ParseHeader(frame[:n]); err == nil {
					t.Errorf("%s v%d: %d bytes are taken for a header", kmsg.Key(key).Name(), v, n)
				}
			}
		}
	}
	for _, key := range []int16{-1, -1 << 15, MaxKey + 1, 1<<15 - 1} {
		if Flexible(key, 1<<15-1) {
			t.Errorf("key %d is flexible, and there is no such API", key)
		}
	}
}
