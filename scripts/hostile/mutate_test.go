package main

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/wire"
)

// testTemplates are Produce, with its record batch, and Metadata.
func testTemplates() []template {
	return templates([]kmsg.ApiVersionsResponseApiKey{
		{ApiKey: 0, MinVersion: 0, MaxVersion: 13}, {ApiKey: 3, MinVersion: 0, MaxVersion: 13},
	}, [16]byte{1})
}

// Every kind changes frames as it says: the length is right unless it is what is wrong, and so are magic and CRC.
func TestMutatorKeepsToItsKinds(t *testing.T) {
	m := newMutator(1, testTemplates(), bombs([16]byte{1}))
	whole := make(map[string]bool)
	for _, x := range m.templates {
		p := bytes.Clone(x.frame)
		clear(p[correlationAt:bodyAt])
		whole[string(p)] = true
	}
	for k := range kinds {
		changed := 0
		for range 200 {
			f := m.frame(k)
			length := int32(binary.BigEndian.Uint32(f.bytes[:wire.LengthSize]))
			if right := int(length) == len(f.bytes)-wire.LengthSize; right == k.final() {
				t.Fatalf("%s: got length %d before %d bytes", names[k], length, len(f.bytes)-wire.LengthSize)
			}
			if k == wrongCRC || k == changedRecords {
				checkCRC(t, k, f)
			}
			p := bytes.Clone(f.bytes)
			if len(p) >= bodyAt {
				clear(p[correlationAt:bodyAt])
			}
			if !whole[string(p)] {
				changed++
			}
		}
		if changed < 150 {
			t.Errorf("%s: %d of 200 frames are hostile", names[k], changed)
		}
	}
}

// checkCRC looks for the record batch in a frame.
func checkCRC(t *testing.T, k kind, f hostileFrame) {
	t.Helper()
	for _, x := range testTemplates() {
		if x.records == 0 || x.recordsEnd > len(f.bytes) || len(x.frame) != len(f.bytes) {
			continue
		}
		b := batch.Batch(f.bytes[x.records:x.recordsEnd])
		if err := b.CheckCRC(); (err == nil) == (k == changedRecords) {
			return
		}
	}
	t.Fatalf("%s: no batch is so in % x", names[k], f.bytes)
}

// The same seed makes the same frames.
func TestMutatorRepeatsItself(t *testing.T) {
	a, b := newMutator(7, testTemplates(), nil), newMutator(7, testTemplates(), nil)
	for i := range 1000 {
		k := kind(i) % bomb
		if x, y := a.frame(k), b.frame(k); !bytes.Equal(x.bytes, y.bytes) || x.correlation != y.correlation {
			t.Fatalf("frame %d differs", i)
		}
	}
}

// A bomb is small and inflates to much.
func TestBombsInflate(t *testing.T) {
	all := bombs([16]byte{1})
	if len(all) < 3 {
		t.Fatalf("got %d bombs, expected one for each codec that is good enough", len(all))
	}
	for _, p := range all {
		if len(p) > bombSize/50 {
			t.Errorf("got a bomb of %d bytes", len(p))
		}
	}
}

// Replies that no broker gives are found out.
func TestBadRepliesAreFoundOut(t *testing.T) {
	for _, head := range [][]byte{{0, 0, 0, 3}, {0x7f, 0, 0, 0}, {0xff, 0xff, 0xff, 0xff}} {
		if _, err := readReply(bytes.NewReader(append(head, make([]byte, 100)...))); err == nil {
			t.Errorf("length % x is taken", head)
		}
	}
	c := newCounts()
	f := hostileFrame{key: 3, version: 9}
	res := kmsg.NewPtrMetadataResponse()
	res.Version = 9
	body := append([]byte{0}, res.AppendTo(nil)...)
	if err := c.decode(&f, body); err != nil {
		t.Error(err)
	}
	if err := c.decode(&f, body[:len(body)-1]); err == nil {
		t.Error("a reply that is cut short is taken")
	}
}
