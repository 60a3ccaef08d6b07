package wire

import (
	"fmt"
	"math/rand/v2"
	"testing"

	gofuzz "github.com/google/gofuzz"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/core/vfs"
)

// filler fills kmsg's structures at random, with some unknown tagged fields.
func filler(seed int64) *gofuzz.Fuzzer {
	return gofuzz.NewWithSeed(seed).NilChance(0.2).NumElements(0, 4).MaxDepth(8).Funcs(
		func(tags *kmsg.Tags, c gofuzz.Continue) {
			*tags = kmsg.Tags{}
			for range c.Intn(3) {
				tags.Set(uint32(1000+c.Intn(1<<20)), []byte(c.RandString()))
			}
		})
}

// counted is a pin that knows how often it is held.
type counted struct{ held int }

func (p *counted) Unpin() {
	p.held--
}

// spans makes spans over one file of random bytes.
type spans struct {
	file    vfs.File
	content []byte
	pin     counted
}

func newSpans(t *testing.T) *spans {
	t.Helper()
	f, err := vfs.NewMem(vfs.MemOptions{}).Open("records", vfs.Create)
	if err != nil {
		t.Fatal(err)
	}
	s := &spans{file: f, content: make([]byte, 1<<12)}
	for i := range s.content {
		s.content[i] = byte(rand.Uint32())
	}
	if _, err := f.WriteAt(s.content, 0); err != nil {
		t.Fatal(err)
	}
	return s
}

// take returns a span of n random bytes of the file and those bytes.
func (s *spans) take(r *rand.Rand, n int) (Span, []byte) {
	at := r.IntN(len(s.content) - n + 1)
	s.pin.held++
	return Span{File: s.file, Offset: int64(at), Length: int64(n), Pin: &s.pin}, s.content[at : at+n]
}

// frameOf returns a finished reply as the client gets it, and fails unless its parts add up to its length.
func frameOf(t *testing.T, r *Reply) []byte {
	t.Helper()
	var frame []byte
	for i := range r.Parts() {
		p, span := r.Part(i)
		if (span != nil) != (i%2 == 1) {
			t.Fatalf("part %d: is a span: %v", i, span != nil)
		}
		if span != nil {
			p = make([]byte, span.Length)
			if _, err := span.File.ReadAt(p, span.Offset); err != nil {
				t.Fatal(err)
			}
		}
		frame = append(frame, p...)
	}
	length := NewReader(frame, false)
	if n := int(length.Int32()); n != len(frame)-LengthSize || r.Size() != int64(len(frame)) {
		t.Fatalf("got a frame of %d bytes, a length of %d, a size of %d", len(frame), n, r.Size())
	}
	return frame
}

// decoded decodes the body of a reply's frame to its last byte.
func decoded(t *testing.T, frame []byte, h RequestHeader, res kmsg.Response) {
	t.Helper()
	res.SetVersion(h.Version)
	r := NewReader(frame, false)
	r.Int32()
	if got := r.Int32(); got != h.Correlation {
		t.Fatalf("v%d: got correlation id %d, expected %d", h.Version, got, h.Correlation)
	}
	if FlexibleHeader(h.Key, h.Version) && r.Int8() != 0 {
		t.Fatalf("v%d: the header has tagged fields", h.Version)
	}
	if err := res.ReadFrom(r.Rest()); err != nil {
		t.Fatalf("v%d: %v: % x", h.Version, err, r.Rest())
	}
	if again := res.AppendTo(nil); len(again) != r.Left() {
		t.Fatalf("v%d: got %d bytes of which %d are read", h.Version, r.Left(), len(again))
	}
}

func nullable(p []byte) string {
	if p == nil {
		return "null"
	}
	return fmt.Sprintf("%x", p)
}
