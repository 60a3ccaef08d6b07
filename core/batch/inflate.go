package batch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	// DefaultMaxInflated is how many bytes the records of one batch may inflate to unless a caller says otherwise.
	DefaultMaxInflated = 512 << 20

	streamPiece = 64 << 10 // what gzip and zstd inflate at a time
	keptBuffer  = 1 << 20  // larger buffers are not kept in the pool

	// Decoders with windows up to keptWindow are pooled. That covers what Kafka's default levels write (2 MiB) and what
	// RFC 8878 asks every decoder to support; the most is zstd's own limit, reached by its level 22.
	keptWindow = 8 << 20
	maxWindow  = 128 << 20
)

// source inflates one stream piece by piece.
type source interface {
	// reset starts on the stream in p; nil lets go of the last one.
	reset(p []byte) error
	// next appends the next piece to dst, growing it if needed, and returns it, and io.EOF after the last one. It need
	// not append anything on success. A piece of more than left bytes may be refused with ErrInflated at once.
	next(dst []byte, left int64) ([]byte, error)
}

// inflater is a window over the inflated records of a batch. It comes from a pool and goes back with close.
type inflater struct {
	codec  Codec
	src    source
	buf    []byte // inflated bytes; buf[at:] is unread
	at     int
	limit  int64
	left   int64 // bytes that may still be inflated
	locked bool  // holds wideWindow
}

var inflaters [Zstd + 1]sync.Pool

// wideWindow lets one checker at a time inflate with a window above keptWindow: a client need not even send much to ask
// for 128 MiB, and asks on as many connections as it likes. Readers of stored batches do not take it, since they may
// hold two batches open at once.
var wideWindow sync.Mutex

// newInflater opens the compressed payload of a batch; checking says that the payload comes from a client. The errors
// are ErrUnsupportedCodec and ErrUndecodable. The caller must close it unless there was an error.
func newInflater(codec Codec, payload []byte, limit int64, checking bool) (*inflater, error) {
	if codec <= None || codec > Zstd {
		return nil, fmt.Errorf("%w: got %v, expected none, gzip, snappy, lz4 or zstd", ErrUnsupportedCodec, codec)
	}
	z, _ := inflaters[codec].Get().(*inflater)
	if z == nil {
		z = &inflater{codec: codec, src: newSource(codec)}
	}
	z.limit, z.left, z.buf, z.at = limit, limit, z.buf[:0], 0
	if checking && codec == Zstd && zstdWindow(payload) > keptWindow {
		wideWindow.Lock()
		z.locked = true
	}
	if err := z.src.reset(payload); err != nil {
		err = z.undecodable(err)
		z.close()
		return nil, err
	}
	return z, nil
}

func newSource(codec Codec) source {
	switch codec {
	case Gzip:
		return new(gzipSource)
	case Snappy:
		return new(snappySource)
	case LZ4:
		return new(lz4Source)
	}
	return new(zstdSource)
}

// close returns the inflater to its pool. The slices it handed out are no longer valid.
func (z *inflater) close() {
	_ = z.src.reset(nil)
	if z.locked {
		z.locked = false
		wideWindow.Unlock()
	}
	if cap(z.buf) > keptBuffer {
		z.buf = nil
	}
	inflaters[z.codec].Put(z)
}

// unread returns what is inflated and not yet skipped.
func (z *inflater) unread() []byte {
	return z.buf[z.at:]
}

// more inflates the next piece behind the unread bytes. It returns io.EOF if there is none, ErrInflated or
// ErrUndecodable.
func (z *inflater) more() error {
	if z.at > 0 {
		z.buf = z.buf[:copy(z.buf, z.buf[z.at:])]
		z.at = 0
	}
	for {
		had := len(z.buf)
		buf, err := z.src.next(z.buf, z.left)
		got := len(buf) - had
		z.buf, z.left = buf, z.left-int64(got)
		switch {
		case z.left < 0 || errors.Is(err, ErrInflated):
			return fmt.Errorf("%w: %v records, limit %d bytes", ErrInflated, z.codec, z.limit)
		case got > 0:
			return nil // an error comes again with the next call
		case err == io.EOF:
			return io.EOF
		case err != nil:
			return z.undecodable(err)
		}
	}
}

// need inflates until n bytes are unread and returns all of them. The buffer grows with what really arrives, never by
// what n claims. The errors are those of more; io.EOF if the stream ends before.
func (z *inflater) need(n int) ([]byte, error) {
	for len(z.buf)-z.at < n {
		if err := z.more(); err != nil {
			return nil, err
		}
	}
	return z.buf[z.at:], nil
}

// skip passes over n bytes without keeping them. The errors are those of need.
func (z *inflater) skip(n int) error {
	for {
		have := len(z.buf) - z.at
		if n <= have {
			z.at += n
			return nil
		}
		n -= have
		z.at = len(z.buf)
		if err := z.more(); err != nil {
			return err
		}
	}
}

// length reads the varint at the read position. It returns io.EOF if the stream ends within it and ErrInvalidRecord if
// it is too long, else the errors of more.
func (z *inflater) length() (int32, error) {
	for {
		v, i := varint(z.buf[z.at:], 0)
		if i > 0 {
			z.at += i
			return v, nil
		}
		if len(z.buf)-z.at >= maxVarint {
			return 0, fmt.Errorf("%w: varint of more than %d bytes", ErrInvalidRecord, maxVarint)
		}
		if err := z.more(); err != nil {
			return 0, err
		}
	}
}

func (z *inflater) undecodable(err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w: %v: %v", ErrUndecodable, z.codec, err)
}

// gzipSource inflates gzip, of one or several members.
type gzipSource struct {
	in bytes.Reader
	r  gzip.Reader
}

func (s *gzipSource) reset(p []byte) error {
	s.in.Reset(p)
	if p == nil {
		return nil
	}
	return s.r.Reset(&s.in)
}

func (s *gzipSource) next(dst []byte, _ int64) ([]byte, error) {
	return readPiece(&s.r, dst)
}

// readPiece reads once into the room behind dst, of which it makes some if there is none.
func readPiece(r io.Reader, dst []byte) ([]byte, error) {
	if cap(dst)-len(dst) < streamPiece/4 {
		dst = slices.Grow(dst, streamPiece)
	}
	n, err := r.Read(dst[len(dst):cap(dst)])
	return dst[:len(dst)+n], err
}

// zstdSource inflates zstd. The decoder works without goroutines of its own.
type zstdSource struct {
	in   bytes.Reader
	r    *zstd.Decoder // the current one
	kept *zstd.Decoder
}

func (s *zstdSource) reset(p []byte) error {
	s.in.Reset(p)
	if p == nil {
		s.r = nil
		if s.kept != nil {
			return s.kept.Reset(nil)
		}
		return nil
	}
	var err error
	if zstdWindow(p) > keptWindow {
		if s.r, err = newZstdDecoder(maxWindow); err != nil {
			return err
		}
		return s.r.Reset(&s.in)
	}
	if s.kept == nil {
		if s.kept, err = newZstdDecoder(keptWindow); err != nil {
			return err
		}
	}
	s.r = s.kept
	return s.r.Reset(&s.in)
}

func (s *zstdSource) next(dst []byte, _ int64) ([]byte, error) {
	return readPiece(s.r, dst)
}

func newZstdDecoder(window uint64) (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(window))
}

// zstdWindow returns the window that the first frame of p asks for, or 0 if p does not begin with a frame.
func zstdWindow(p []byte) uint64 {
	var h zstd.Header
	if err := h.Decode(p); err != nil {
		return 0
	}
	return max(h.WindowSize, h.FrameContentSize*b2u(h.SingleSegment))
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
