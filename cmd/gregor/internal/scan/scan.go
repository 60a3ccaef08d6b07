// Package scan walks the record batches of a .log file that nobody writes to, for tools: it goes from length to length
// as a reader of the log does, looks at nothing else by itself, and needs little memory however large a batch claims to
// be.
package scan

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/vfs"
)

// chunk is how much of the file is read at once, in bytes.
const chunk = 1 << 20

// largestBatch is the largest batch that Whole returns, in bytes; max.message.bytes is far below it everywhere.
const largestBatch = 256 << 20

// leastLength is the least that the length field of a record of any format holds.
const leastLength = 14

// ErrTooLarge reports a batch that is too large to be held in memory whole.
var ErrTooLarge = errors.New("batch is too large to look into")

// Scanner walks a file. It is used by one goroutine.
type Scanner struct {
	file vfs.File
	size int64
	// next is where the batch after the current one begins; at and head are of the current one.
	next, at int64
	head     [batch.HeaderSize]byte
	length   int64
	// buf holds the bytes of the file from start on.
	buf   []byte
	start int64
	whole []byte
}

// New returns a scanner of the first size bytes of a file.
func New(file vfs.File, size int64) *Scanner {
	return &Scanner{file: file, size: size}
}

// Next steps to the next batch. It reports false at the end: where fewer bytes are left than a batch takes, which
// Trailing counts. An error means that there is no way on: the bytes are no header of a batch (batch.ErrOldMagic,
// batch.ErrBadMagic, batch.ErrBadLength), or the file cannot be read.
func (s *Scanner) Next() (bool, error) {
	s.at = s.next
	left := s.size - s.at
	head, err := s.bytes(s.at, min(left, batch.HeaderSize))
	if err != nil {
		return false, err
	}
	if len(head) >= batch.Overhead {
		// Even the oldest format has 14 bytes more: less is no batch of any, and most likely zeros.
		if length := int32(binary.BigEndian.Uint32(head[8:])); length < leastLength {
			return false, fmt.Errorf("position %d: %w: got %d, expected at least %d", s.at, batch.ErrBadLength, length,
				leastLength)
		}
	}
	n, err := batch.Size(head)
	if errors.Is(err, batch.ErrShort) || err == nil && int64(n) > left {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("position %d: %w", s.at, err)
	}
	copy(s.head[:], head)
	s.length = int64(n)
	s.next = s.at + s.length
	return true, nil
}

// Header returns the current batch's header, whose accessors may be used, Payload excepted. It is valid until Next.
func (s *Scanner) Header() batch.Batch { return s.head[:] }

// Position returns where the current batch begins, and Length how many bytes it takes.
func (s *Scanner) Position() int64 { return s.at }

// Length returns the size of the current batch in bytes.
func (s *Scanner) Length() int64 { return s.length }

// Trailing returns how many bytes follow the last batch, after Next has reported false.
func (s *Scanner) Trailing() int64 { return s.size - s.next }

// Valid reports whether the current batch's CRC-32C is that of its bytes. It reads them piece by piece.
func (s *Scanner) Valid() (bool, error) {
	const attributes = 21 // where the bytes under the CRC begin
	table := crc32.MakeTable(crc32.Castagnoli)
	var sum uint32
	for at := s.at + attributes; at < s.next; {
		p, err := s.bytes(at, min(chunk, s.next-at))
		if err != nil {
			return false, err
		}
		sum = crc32.Update(sum, table, p)
		at += int64(len(p))
	}
	const crc = 17
	return sum == binary.BigEndian.Uint32(s.head[crc:]), nil
}

// Whole returns the current batch, valid until the next call.
func (s *Scanner) Whole() (batch.Batch, error) {
	if s.length > largestBatch {
		return nil, fmt.Errorf("%w: got %d bytes, expected at most %d", ErrTooLarge, s.length, largestBatch)
	}
	if s.length <= chunk {
		p, err := s.bytes(s.at, s.length)
		return p, err
	}
	if int64(cap(s.whole)) < s.length {
		s.whole = make([]byte, s.length)
	}
	p := s.whole[:s.length]
	if n, err := s.file.ReadAt(p, s.at); int64(n) < s.length {
		return nil, fmt.Errorf("read at %d: got %d of %d bytes: %w", s.at, n, s.length, err)
	}
	return p, nil
}

// bytes returns n bytes at a position, n being at most chunk, valid until the next call.
func (s *Scanner) bytes(at, n int64) ([]byte, error) {
	if at < s.start || at+n > s.start+int64(len(s.buf)) {
		want := min(chunk, s.size-at)
		if s.buf == nil {
			s.buf = make([]byte, min(chunk, s.size))
		}
		s.buf, s.start = s.buf[:want], at
		got, err := s.file.ReadAt(s.buf, at)
		if int64(got) < n {
			s.buf = s.buf[:0]
			if err == nil {
				err = io.ErrUnexpectedEOF
			}
			return nil, fmt.Errorf("read at %d: got %d of %d bytes: %w", at, got, n, err)
		}
		s.buf = s.buf[:got]
	}
	return s.buf[at-s.start:][:n], nil
}
