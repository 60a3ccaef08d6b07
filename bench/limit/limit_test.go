//go:build linux

package limit

import (
	"bytes"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
	"testing/iotest"
	"time"
)

// TestFrames cuts streams that come in every piece size into their frames.
func TestFrames(t *testing.T) {
	frame := func(n int) []byte {
		p := bytes.Repeat([]byte{byte(n)}, n)
		copy(p, []byte{0, 0, byte((n - 4) >> 8), byte(n - 4)})
		return p
	}
	var stream []byte
	sizes := []int{12, 12, 300, 20, 20, 1000, 12}
	for _, n := range sizes {
		stream = append(stream, frame(n)...)
	}
	for name, from := range map[string]io.Reader{
		"whole": bytes.NewReader(stream), "bytes": iotest.OneByteReader(bytes.NewReader(stream)),
		"halves": iotest.HalfReader(bytes.NewReader(stream)),
	} {
		in := frames{from: from}
		for i, n := range sizes {
			got, err := in.next()
			if err != nil || !bytes.Equal(got, frame(n)) {
				t.Fatalf("%s: frame %d: got %d bytes, %v, expected %d", name, i, len(got), err, n)
			}
		}
		if _, err := in.next(); !errors.Is(err, io.EOF) {
			t.Errorf("%s: got %v, expected EOF", name, err)
		}
	}
	for _, bad := range [][]byte{{0xff, 0xff, 0xff, 0xff, 0}, {0, 0, 0, 7, 0}} {
		in := frames{from: bytes.NewReader(bad)}
		if _, err := in.next(); !errors.Is(err, ErrFrame) {
			t.Errorf("%x: got %v, expected ErrFrame", bad, err)
		}
	}
}

// TestGroupSyncs checks that every append is acknowledged and that several share a sync where several wait.
func TestGroupSyncs(t *testing.T) {
	one, err := Syncs(t.TempDir(), 4096, 20*time.Millisecond)
	if err != nil || one.Acks == 0 || one.Syncs != one.Acks {
		t.Errorf("one writer: got %+v, %v", one, err)
	}
	many, err := GroupSyncs(t.TempDir(), 4096, 16, 20*time.Millisecond)
	if err != nil || many.Acks < 16 || many.Syncs >= many.Acks || many.AcksPerSecond() <= 0 {
		t.Errorf("16 writers: got %+v, %v", many, err)
	}
}

// TestDropper passes over the same frames in pieces of every size: one answer each, in order.
func TestDropper(t *testing.T) {
	var stream []byte
	sizes := []byte{12, 30, 12, 255, 13}
	for i, n := range sizes {
		frame := make([]byte, n)
		frame[3], frame[headerSize-1] = n-lengthSize, byte(i)
		stream = append(stream, frame...)
	}
	for piece := 1; piece <= len(stream); piece++ {
		d := dropper{ack: newAck(0)}
		var rest []byte
		for at := 0; at < len(stream); at += piece {
			var err error
			if rest, err = d.drop(append(rest, stream[at:min(at+piece, len(stream))]...)); err != nil {
				t.Fatal(err)
			}
		}
		if len(rest) > 0 || len(d.acks) != AckSize*len(sizes) {
			t.Fatalf("pieces of %d: %d bytes left, %d of answers", piece, len(rest), len(d.acks))
		}
		for i := range sizes {
			if got := d.acks[i*AckSize+2*lengthSize-1]; got != byte(i) {
				t.Errorf("pieces of %d: answer %d has correlation id %d", piece, i, got)
			}
		}
	}
	if _, err := (&dropper{ack: newAck(0)}).drop(make([]byte, headerSize)); !errors.Is(err, ErrFrame) {
		t.Errorf("got %v, expected ErrFrame", err)
	}
}

// TestLoops runs each loop for a moment: it has a figure, and leaves no files.
func TestLoops(t *testing.T) {
	dir := t.TempDir()
	for _, l := range Loops() {
		got, err := l.Run(t.Context(), dir, time.Millisecond)
		if errors.Is(err, syscall.EINVAL) {
			continue // a file system without O_DIRECT
		}
		if err != nil || got <= 0 || l.What == "" || l.Bounds == "" || l.Unit == "" {
			t.Errorf("%s: got %v, %v", l.Name, got, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("got %v left, %v", left, err)
	}
}
