package batch

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// stagePiece is how many bytes of records gather before they are compressed: whole blocks of snappy and lz4.
const stagePiece = 64 << 10

// zstdWriteWindow is the window that zstd batches are written with, that of zstd's level 3.
const zstdWriteWindow = 2 << 20

// sink is what compressed bytes are appended to.
type sink struct {
	buf []byte
	max int
}

// Write appends p. It returns ErrTooLarge, and appends nothing, beyond the largest allowed size.
func (s *sink) Write(p []byte) (int, error) {
	if len(p) > s.max-len(s.buf) {
		return 0, fmt.Errorf("%w: got more than %d bytes", ErrTooLarge, s.max)
	}
	s.buf = append(s.buf, p...)
	return len(p), nil
}

// deflater compresses one stream into a sink with a codec at a level. It comes from a pool and goes back with close.
type deflater struct {
	pool  *sync.Pool
	codec Codec
	level int
	fast  lz4.Compressor
	high  lz4.CompressorHC
	gzip  *gzip.Writer
	zstd  *zstd.Encoder
	piece []byte // one compressed block of snappy or lz4
}

// Pools by codec and level. Levels of a codec that compress alike share one.
var (
	gzipDeflaters   [gzip.BestCompression + 1]sync.Pool
	snappyDeflaters sync.Pool
	lz4Deflaters    [lz4Levels]sync.Pool
	zstdDeflaters   [zstd.SpeedBestCompression + 1]sync.Pool
)

// newDeflater starts a stream. The level is clamped to the codec's; 0 is its default.
func newDeflater(codec Codec, level int, to *sink) (*deflater, error) {
	var pool *sync.Pool
	switch codec {
	case Gzip:
		if level < gzip.BestSpeed || level > gzip.BestCompression {
			level = 0
		}
		pool = &gzipDeflaters[level]
	case Snappy:
		pool = &snappyDeflaters
	case LZ4:
		level = lz4Level(level)
		pool = &lz4Deflaters[level]
	case Zstd:
		if level == 0 {
			level = 3
		}
		level = int(zstd.EncoderLevelFromZstd(level))
		pool = &zstdDeflaters[level]
	default:
		return nil, fmt.Errorf("%w: got %v, expected gzip, snappy, lz4 or zstd", ErrUnsupportedCodec, codec)
	}
	d, _ := pool.Get().(*deflater)
	if d == nil {
		d = &deflater{pool: pool, codec: codec, level: level}
		if err := d.open(); err != nil {
			return nil, err
		}
	}
	return d, d.start(to)
}

// lz4Levels is one more than the levels told apart: 0 for the fast compressor, 1 to 9 for the thorough one.
const lz4Levels = 10

// lz4Level maps Kafka's compression.lz4.level, 1 to 17. As in Java's client its default, 9, is the fast compressor.
func lz4Level(level int) int {
	if level <= 0 || level == 9 {
		return 0
	}
	return min(level, lz4Levels-1)
}

// open makes what a new deflater needs.
func (d *deflater) open() (err error) {
	switch d.codec {
	case Gzip:
		level := d.level
		if level == 0 {
			level = gzip.DefaultCompression
		}
		d.gzip, err = gzip.NewWriterLevel(nil, level)
	case LZ4:
		if d.level > 0 {
			d.high.Level = lz4.Level1 << (d.level - 1)
		}
	case Zstd:
		d.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false),
			zstd.WithEncoderLevel(zstd.EncoderLevel(d.level)), zstd.WithWindowSize(zstdWriteWindow))
	}
	return err
}

// start writes what the stream begins with.
func (d *deflater) start(to *sink) error {
	var err error
	switch d.codec {
	case Gzip:
		d.gzip.Reset(to)
	case Snappy:
		d.piece = appendXerialHeader(d.piece[:0])
		_, err = to.Write(d.piece)
	case LZ4:
		d.piece = append(d.piece[:0], lz4Header...)
		_, err = to.Write(d.piece)
	case Zstd:
		d.zstd.Reset(to)
	}
	return err
}

// write compresses p.
func (d *deflater) write(to *sink, p []byte) error {
	var err error
	switch d.codec {
	case Gzip:
		_, err = d.gzip.Write(p)
	case Zstd:
		_, err = d.zstd.Write(p)
	case Snappy:
		for len(p) > 0 && err == nil {
			n := min(len(p), xerialBlock)
			d.piece = appendXerial(d.piece[:0], p[:n])
			_, err = to.Write(d.piece)
			p = p[n:]
		}
	case LZ4:
		for len(p) > 0 && err == nil {
			n := min(len(p), lz4Block)
			err = d.lz4Block(to, p[:n])
			p = p[n:]
		}
	}
	return err
}

// lz4Block writes one block, stored if it does not shrink.
func (d *deflater) lz4Block(to *sink, p []byte) error {
	d.piece = slices.Grow(d.piece[:0], 4+lz4.CompressBlockBound(lz4Block))
	out := d.piece[4 : 4+len(p)]
	var n int
	var err error
	if d.level == 0 {
		n, err = d.fast.CompressBlock(p, out)
	} else {
		n, err = d.high.CompressBlock(p, out)
	}
	word := uint32(n)
	if err != nil || n == 0 { // it does not fit into the room that it takes itself
		word, n = uint32(len(p))|lz4Stored, copy(out, p)
	}
	d.piece = binary.LittleEndian.AppendUint32(d.piece[:0], word)
	_, err = to.Write(d.piece[:4+n])
	return err
}

// finish writes what the stream ends with.
func (d *deflater) finish(to *sink) error {
	switch d.codec {
	case Gzip:
		return d.gzip.Close()
	case Zstd:
		return d.zstd.Close()
	case LZ4:
		d.piece = append(d.piece[:0], 0, 0, 0, 0)
		_, err := to.Write(d.piece)
		return err
	}
	return nil
}

// close returns the deflater to its pool, finished or not.
func (d *deflater) close() {
	switch d.codec {
	case Gzip:
		d.gzip.Reset(nil)
	case Zstd:
		d.zstd.Reset(nil)
	}
	d.pool.Put(d)
}
