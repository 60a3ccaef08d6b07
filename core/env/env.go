// Package env holds what a broker may not reach for itself: its clock and its source of chance. Every other package
// below core/server is handed instants and random numbers, so that the same code runs on a real machine and,
// repeatably, in a simulated one. Only this package and the operating system's half of vfs use package time's clock or
// a random source.
package env

import (
	"crypto/rand"
	"encoding/binary"
	mathrand "math/rand/v2"
	"sync"
	"time"

	"github.com/gregor-log/gregor/base"
)

// Clock tells a node's time. The real driver reads it once an input; the simulator's returns virtual time.
type Clock interface {
	// Now returns both clocks of the node at this instant. It is safe for concurrent use.
	Now() base.Instant
}

// Source draws random 64-bit numbers. It is safe for concurrent use.
type Source interface {
	// Uint64 returns the next number, all of whose bits are random.
	Uint64() uint64
}

type realClock struct{ start time.Time }

var _ Clock = realClock{}

// NewClock returns the machine's clocks; Mono counts from this call (plus one nanosecond, so that it is never zero).
func NewClock() Clock {
	return realClock{start: time.Now()}
}

func (c realClock) Now() base.Instant {
	now := time.Now()
	return base.Instant{Mono: base.Mono(now.Sub(c.start)) + 1, Wall: now.UnixMilli()}
}

type realSource struct {
	mu  sync.Mutex
	gen *mathrand.ChaCha8
}

var _ Source = (*realSource)(nil)

// NewSource returns a ChaCha8 generator seeded by the operating system.
func NewSource() (Source, error) {
	var seed [32]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return nil, err
	}
	return &realSource{gen: mathrand.NewChaCha8(seed)}, nil
}

func (s *realSource) Uint64() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gen.Uint64()
}

// NewSeeded returns a generator that gives the same numbers for the same seed and purpose, always. Streams of different
// purposes are independent, so that drawing more from one leaves the others as they were.
func NewSeeded(seed uint64, purpose string) Source {
	var key [32]byte
	binary.BigEndian.PutUint64(key[:8], seed)
	h := uint64(14695981039346656037)
	for i := range len(purpose) {
		h = (h ^ uint64(purpose[i])) * 1099511628211
	}
	binary.BigEndian.PutUint64(key[8:16], h)
	binary.BigEndian.PutUint64(key[16:24], uint64(len(purpose)))
	return &realSource{gen: mathrand.NewChaCha8(key)}
}
