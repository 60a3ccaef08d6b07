package batch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/snappy/xerial"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// deflate compresses p as a Builder does, in writes of the given size.
func deflate(t testing.TB, codec Codec, level int, p []byte, piece int) []byte {
	t.Helper()
	to := sink{max: 1 << 30}
	d, err := newDeflater(codec, level, &to)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	for len(p) > 0 {
		n := min(piece, len(p))
		if err := d.write(&to, p[:n]); err != nil {
			t.Fatal(err)
		}
		p = p[n:]
	}
	if err := d.finish(&to); err != nil {
		t.Fatal(err)
	}
	return to.buf
}

// inflate reads a whole stream; buffer is how much memory the inflater ended up with.
func inflate(codec Codec, p []byte, limit int64) (out []byte, buffer int, err error) {
	z, err := newInflater(codec, p, limit, true)
	if err != nil {
		return nil, 0, err
	}
	defer z.close()
	for err == nil {
		err = z.more()
		out = append(out, z.unread()...)
		z.at = len(z.buf)
	}
	if err == io.EOF {
		err = nil
	}
	return out, cap(z.buf), err
}

func sample(rng *rand.Rand, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(rng.Uint32())
		if i > 100 && rng.IntN(8) > 0 {
			p[i] = p[i-97]
		}
	}
	return p
}

// TestCodecsRoundTrip inflates what the deflaters write, at every level, and finds the same bytes from a used deflater
// as from a new one.
func TestCodecsRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for codec := Gzip; codec <= Zstd; codec++ {
		for _, level := range []int{-2, 0, 1, 3, 6, 9, 12, 22} {
			for _, size := range []int{0, 1, xerialBlock, xerialBlock + 1, 3*lz4Block + 7} {
				p := sample(rng, size)
				first := deflate(t, codec, level, p, stagePiece)
				got, _, err := inflate(codec, first, int64(size))
				if err != nil || !bytes.Equal(got, p) {
					t.Fatalf("%v at level %d: %v, %d bytes back of %d", codec, level, err, len(got), len(p))
				}
				deflate(t, codec, level, sample(rng, 1000), 1000)
				if again := deflate(t, codec, level, p, stagePiece); !bytes.Equal(again, first) {
					t.Errorf("%v at level %d writes other bytes the second time", codec, level)
				}
			}
		}
	}
}

// TestLevelsDiffer makes sure that a higher level compresses more.
func TestLevelsDiffer(t *testing.T) {
	text := []byte{}
	for i := range 20_000 {
		text = fmt.Appendf(text, "%d bottles of %x on the wall\n", i*i%1009, i*7919%4001)
	}
	for _, c := range []struct {
		codec     Codec
		low, high int
	}{{Gzip, 1, 9}, {LZ4, 9, 12}, {Zstd, 1, 19}} {
		low, high := deflate(t, c.codec, c.low, text, stagePiece), deflate(t, c.codec, c.high, text, stagePiece)
		if len(high) >= len(low) {
			t.Errorf("%v: got %d bytes at level %d and %d at level %d", c.codec, len(low), c.low, len(high), c.high)
		}
	}
}

// TestForeignStreams reads what other writers of the codecs produce.
func TestForeignStreams(t *testing.T) {
	p := sample(rand.New(rand.NewPCG(9, 10)), 300_000)
	half := len(p) / 2
	zip := func(p []byte) []byte {
		var w bytes.Buffer
		z := gzip.NewWriter(&w)
		z.Name = "members have names, too"
		_, _ = z.Write(p)
		_ = z.Close()
		return w.Bytes()
	}
	frame := func(options ...lz4.Option) []byte {
		var w bytes.Buffer
		z := lz4.NewWriter(&w)
		if err := z.Apply(options...); err != nil {
			t.Fatal(err)
		}
		_, _ = z.Write(p)
		_ = z.Close()
		return w.Bytes()
	}
	wide, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(64<<20))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		codec  Codec
		stream []byte
	}{
		{"gzip members", Gzip, append(zip(p[:half]), zip(p[half:])...)},
		{"raw snappy", Snappy, s2.EncodeSnappy(nil, p)},
		{"xerial", Snappy, xerial.Encode(nil, p)},
		{"two xerial streams", Snappy, append(xerial.Encode(nil, p[:half]), xerial.Encode(nil, p[half:])...)},
		{"lz4 64 KiB", LZ4, frame(lz4.BlockSizeOption(lz4.Block64Kb), lz4.ChecksumOption(false))},
		{"lz4 256 KiB, content checksum", LZ4, frame(lz4.BlockSizeOption(lz4.Block256Kb), lz4.ChecksumOption(true))},
		{"lz4 1 MiB, block checksums", LZ4, frame(lz4.BlockSizeOption(lz4.Block1Mb), lz4.BlockChecksumOption(true))},
		{"lz4 4 MiB, size", LZ4, frame(lz4.BlockSizeOption(lz4.Block4Mb), lz4.SizeOption(uint64(len(p))))},
		{"zstd at once", Zstd, wide.EncodeAll(p, nil)},
		{"zstd of a wide window", Zstd, widen(deflate(t, Zstd, 0, p, 1000))},
	} {
		got, _, err := inflate(c.codec, c.stream, int64(len(p)))
		if err != nil || !bytes.Equal(got, p) {
			t.Errorf("%s: %v, %d bytes of %d", c.name, err, len(got), len(p))
		}
	}
}

// widen lets a zstd frame ask for a window of 128 MiB.
func widen(frame []byte) []byte {
	frame[5] = 17 << 3
	return frame
}

// TestWideWindowsQueue takes the lock for a wide window once, for a checker, and gives it back.
func TestWideWindowsQueue(t *testing.T) {
	stream := widen(deflate(t, Zstd, 0, make([]byte, 200_000), 1000))
	for _, checking := range []bool{true, false, true} {
		z, err := newInflater(Zstd, stream, 1<<20, checking)
		if err != nil {
			t.Fatal(err)
		}
		if free := wideWindow.TryLock(); free == checking {
			t.Errorf("checking %v: the lock was free: %v", checking, free)
		} else if free {
			wideWindow.Unlock()
		}
		z.close()
	}
	if !wideWindow.TryLock() {
		t.Fatal("the lock was kept")
	}
	wideWindow.Unlock()
}

// badStream is a stream that no reader may take.
type badStream struct {
	name   string
	codec  Codec
	stream []byte
}

func patched(p []byte, at int, v ...byte) []byte {
	p = bytes.Clone(p)
	copy(p[at:], v)
	return p
}

func badLZ4(t *testing.T, p []byte) []badStream {
	lz4Stream := deflate(t, LZ4, 0, p, stagePiece)
	checksummed := func(flags, bd byte) []byte {
		h := []byte{4, 0x22, 0x4d, 0x18, flags, bd}
		return append(append(h, byte(xxh32(h[4:])>>8)), lz4Stream[len(lz4Header):]...)
	}
	large := append([]byte{1, 0, 1, 0x80}, make([]byte, lz4Block+1+4)...)
	return []badStream{
		{"lz4 of nothing", LZ4, []byte{}},
		{"lz4, magic", LZ4, patched(lz4Stream, 0, 5)},
		{"lz4, header checksum", LZ4, patched(lz4Stream, 6, 0)},
		{"lz4, version 2", LZ4, checksummed(0xa0, 0x40)},
		{"lz4, dependent blocks", LZ4, checksummed(0x40, 0x40)},
		{"lz4, dictionary", LZ4, checksummed(0x61, 0x40)},
		{"lz4, reserved bit", LZ4, checksummed(0x62, 0x40)},
		{"lz4, blocks of 32 KiB", LZ4, checksummed(0x60, 0x30)},
		{"lz4, reserved block bits", LZ4, checksummed(0x60, 0x41)},
		{"lz4, header cut", LZ4, []byte{4, 0x22, 0x4d, 0x18, 0x68, 0x40, 0, 0}},
		{"lz4, end cut", LZ4, cutEnd(lz4Stream, 1)},
		{"lz4, block cut", LZ4, lz4Stream[:20]},
		{"lz4, block over its largest", LZ4, append([]byte(lz4Header), large...)},
		{"lz4, content checksum cut", LZ4, checksummed(0x64, 0x40)},
		{"lz4, block checksum wrong", LZ4, checksummed(0x70, 0x40)},
		{"lz4, block checksum cut", LZ4, append(checksummed(0x70, 0x40)[:7], 1, 0, 0, 0x80, 'x')},
		{"lz4, block of garbage", LZ4, append([]byte(lz4Header), 3, 0, 0, 0, 0xff, 0xff, 0xff, 0, 0, 0, 0)},
		{"lz4, two frames", LZ4, append(bytes.Clone(lz4Stream), lz4Stream...)},
	}
}

// TestBadStreams wants every one of them refused, without a panic and without memory for what they claim.
func TestBadStreams(t *testing.T) {
	p := []byte(strings.Repeat("records ", 20_000))
	greedy := append(binary.AppendUvarint(nil, 1<<31), 0, 1, 2, 3)
	for _, c := range append(badLZ4(t, p), []badStream{
		{"gzip of nothing", Gzip, []byte{}},
		{"gzip of garbage", Gzip, []byte("not gzip at all, but long enough")},
		{"gzip, cut", Gzip, cutEnd(deflate(t, Gzip, 0, p, stagePiece), 9)},
		{"gzip, checksum cut", Gzip, cutEnd(deflate(t, Gzip, 0, p, stagePiece), 1)},
		{"gzip, bytes behind", Gzip, append(deflate(t, Gzip, 0, p, stagePiece), 1, 2, 3)},
		{"raw snappy that claims 2 GiB", Snappy, greedy},
		{"raw snappy of nothing", Snappy, []byte{}},
		{"xerial, block size cut", Snappy, append(xerial.Encode(nil, p), 0, 0, 1)},
		{"xerial, block cut", Snappy, cutEnd(xerial.Encode(nil, p), 1)},
		{"xerial, huge block", Snappy, append(appendXerialHeader(nil), 0xff, 0xff, 0xff, 0xff, 0)},
		{"xerial, block that claims 2 GiB", Snappy, append(append(appendXerialHeader(nil), 0, 0, 0, 9), greedy...)},
		{"xerial, empty block", Snappy, append(appendXerialHeader(nil), 0, 0, 0, 0)},
		{"zstd of garbage", Zstd, []byte("not zstd at all, but long enough")},
		{"zstd, cut", Zstd, cutEnd(deflate(t, Zstd, 0, p, stagePiece), 1)},
		{"zstd, bytes behind", Zstd, append(deflate(t, Zstd, 0, p, stagePiece), 1, 2, 3, 4)},
		{"zstd of a window of 3 TiB", Zstd, patched(deflate(t, Zstd, 0, p, 1000), 5, 31<<3)},
	}...) {
		got, buffer, err := inflate(c.codec, c.stream, 1<<40)
		if !errors.Is(err, ErrUndecodable) {
			t.Errorf("%s: got %v and %d bytes, want ErrUndecodable", c.name, err, len(got))
		}
		if buffer > 8*streamPiece {
			t.Errorf("%s: a buffer of %d bytes", c.name, buffer)
		}
	}
	for _, codec := range []Codec{None, Zstd + 1, 7, -1} {
		if _, _, err := inflate(codec, p, 1<<20); !errors.Is(err, ErrUnsupportedCodec) {
			t.Errorf("%v: got %v, want ErrUnsupportedCodec", codec, err)
		}
		if _, err := newDeflater(codec, 0, &sink{}); !errors.Is(err, ErrUnsupportedCodec) {
			t.Errorf("%v: got %v, want ErrUnsupportedCodec", codec, err)
		}
	}
}

func cutEnd(p []byte, n int) []byte {
	return p[:len(p)-n]
}

// TestBombsStop inflates 16 MiB of nothing from little, with a limit, and with a window only.
func TestBombsStop(t *testing.T) {
	zeros := make([]byte, 16<<20)
	for codec := Gzip; codec <= Zstd; codec++ {
		stream := deflate(t, codec, 1, zeros, stagePiece)
		out, buffer, err := inflate(codec, stream, 1<<20)
		if !errors.Is(err, ErrInflated) || !errors.Is(err, ErrTooLarge) || len(out) > 2<<20 {
			t.Errorf("%v: got %v after %d bytes, want ErrInflated soon after 1 MiB", codec, err, len(out))
		}
		if buffer > 8*streamPiece {
			t.Errorf("%v: a buffer of %d bytes", codec, buffer)
		}
		if out, _, err := inflate(codec, stream, int64(len(zeros))); err != nil || len(out) != len(zeros) {
			t.Errorf("%v: got %v and %d bytes, want all %d", codec, err, len(out), len(zeros))
		}
	}
	// A raw snappy block comes whole or not at all.
	out, buffer, err := inflate(Snappy, s2.EncodeSnappy(nil, zeros), 1<<20)
	if !errors.Is(err, ErrInflated) || len(out) > 0 || buffer > streamPiece {
		t.Errorf("raw snappy: got %v, %d bytes, a buffer of %d", err, len(out), buffer)
	}
}

// TestXXH32 compares with values of the reference implementation.
func TestXXH32(t *testing.T) {
	for _, c := range []struct {
		p    string
		want uint32
	}{
		{"", 0x02cc5d05}, {"a", 0x550d7456}, {"abc", 0x32d153ff},
		{"Nobody inspects the spammish repetition", 0xe2293b2f},
	} {
		if got := xxh32([]byte(c.p)); got != c.want {
			t.Errorf("%q: got %08x, want %08x", c.p, got, c.want)
		}
	}
	if h := []byte(lz4Header); h[6] != byte(xxh32(h[4:6])>>8) {
		t.Errorf("the header written has checksum %02x, want %02x", h[6], byte(xxh32(h[4:6])>>8))
	}
}
