//go:build unix

package server

import (
	"math/bits"
	"sync"
)

// Read buffers come in powers of two, from a pool for each size.
const (
	smallestBuffer = 16 // 64 KiB
	largestBuffer  = 27 // 128 MiB
)

var bufferPools [largestBuffer + 1]sync.Pool

// borrow returns a buffer of at least n bytes.
func borrow(n int) *[]byte {
	class := max(bits.Len(uint(max(n, 1)-1)), smallestBuffer)
	if class > largestBuffer {
		b := make([]byte, n)
		return &b
	}
	if b, ok := bufferPools[class].Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, 1<<class)
	return &b
}

// giveBack returns a buffer to its pool.
func giveBack(b *[]byte) {
	class := bits.Len(uint(cap(*b) - 1))
	if class <= largestBuffer && cap(*b) == 1<<class {
		bufferPools[class].Put(b)
	}
}

// buffer holds the bytes that were read and not yet served. It is empty, and costs nothing, while a connection is idle.
type buffer struct {
	p          *[]byte
	start, end int
}

// bytes returns what is in the buffer.
func (b *buffer) bytes() []byte {
	if b.p == nil {
		return nil
	}
	return (*b.p)[b.start:b.end]
}

// take drops the first n bytes.
func (b *buffer) take(n int) {
	b.start += n
	if b.start == b.end {
		b.start, b.end = 0, 0
	}
}

// grow says that n bytes were read into what room returned.
func (b *buffer) grow(n int) {
	b.end += n
}

// room returns where the next bytes go. Where the buffer is full it is made twice as large, or as large as wanted;
// bytes before the ones that count are overwritten first.
func (b *buffer) room(wanted int) []byte {
	if b.p == nil {
		b.p = borrow(wanted)
	}
	size := b.end - b.start
	switch {
	case wanted > len(*b.p) || size == len(*b.p):
		larger := borrow(max(wanted, 2*size))
		copy(*larger, b.bytes())
		giveBack(b.p)
		b.p, b.start, b.end = larger, 0, size
	case b.end == len(*b.p) || wanted > len(*b.p)-b.start:
		copy(*b.p, b.bytes())
		b.start, b.end = 0, size
	}
	return (*b.p)[b.end:]
}

// releaseIfEmpty gives the buffer back if nothing is in it.
func (b *buffer) releaseIfEmpty() {
	if b.start == b.end {
		b.release()
	}
}

func (b *buffer) release() {
	if b.p != nil {
		giveBack(b.p)
	}
	*b = buffer{}
}
