//go:build linux

package load

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
)

// answers checks the responses to the Produce requests of a connection, all of which have the same batch for the same
// partition. So the responses differ in nothing but correlation id and base offset, and that grows by whole batches;
// whatever else changes is an error of the broker's or of the network's, a client that is being throttled or a log
// whose beginning is deleted meanwhile, and no figure comes of it. Raw loops answer base offset 0 always.
type answers struct {
	code    int   // where the error code stands, length included
	records int64 // of a batch

	next  int32 // correlation id
	first []byte
	last  int64 // base offset
}

const (
	codeSize   = 2
	offsetSize = 8
)

func newAnswers(topic string, records int) *answers {
	return &answers{code: errorCodeOf(topic), records: int64(records)}
}

// least is how large a response is at least, length included.
func (a *answers) least() int { return a.code + codeSize + offsetSize }

// check takes the next response, length included.
func (a *answers) check(frame []byte) error {
	if len(frame) < a.least() {
		return fmt.Errorf("%w: Produce response of %d bytes", ErrAnswer, len(frame))
	}
	if got := int32(binary.BigEndian.Uint32(frame[lengthSize:])); got != a.next {
		return fmt.Errorf("%w: got correlation id %d, expected %d", ErrAnswer, got, a.next)
	}
	if err := refused(int16(binary.BigEndian.Uint16(frame[a.code:]))); err != nil {
		return fmt.Errorf("produce: %w", err)
	}
	a.next++
	const body = lengthSize + 4
	at := a.code + codeSize
	offset := int64(binary.BigEndian.Uint64(frame[at:]))
	if a.first == nil {
		a.first, a.last = slices.Clone(frame), offset
		return nil
	}
	if !bytes.Equal(frame[body:at], a.first[body:at]) ||
		!bytes.Equal(frame[at+offsetSize:], a.first[at+offsetSize:]) {
		return fmt.Errorf("%w: Produce response %x, expected %x but for base offset and correlation id", ErrAnswer,
			frame, a.first)
	}
	grown := offset - a.last
	if grown == 0 && offset == 0 {
		return nil
	}
	if grown <= 0 || grown%a.records != 0 {
		return fmt.Errorf("%w: got base offset %d after %d, with batches of %d records", ErrAnswer, offset, a.last,
			a.records)
	}
	a.last = offset
	return nil
}
