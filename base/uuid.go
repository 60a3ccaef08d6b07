package base

import (
	"encoding/base64"
	"errors"
	"fmt"
)

// UUID is Kafka's form of a topic, directory or cluster id: 16 bytes, written as 22 characters of unpadded URL-safe
// base64. The zero UUID means "none".
type UUID [16]byte

// ErrBadUUID reports text that is not a UUID in Kafka's form.
var ErrBadUUID = errors.New("bad uuid")

// String returns the 22 character form that Kafka prints and keeps in its files.
func (u UUID) String() string {
	return base64.RawURLEncoding.EncodeToString(u[:])
}

// IsZero reports whether u is the zero UUID, which names nothing.
func (u UUID) IsZero() bool {
	return u == UUID{}
}

// Compare orders UUIDs by their bytes.
func (u UUID) Compare(other UUID) int {
	for i := range u {
		if u[i] != other[i] {
			return int(u[i]) - int(other[i])
		}
	}
	return 0
}

// ParseUUID reads the 22 character form. It returns ErrBadUUID, with what was got, for anything else.
func ParseUUID(s string) (UUID, error) {
	var u UUID
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(raw) != len(u) {
		return UUID{}, fmt.Errorf("%w: got %q, expected 22 characters of unpadded URL-safe base64", ErrBadUUID, s)
	}
	copy(u[:], raw)
	return u, nil
}

// NewUUID draws a UUID from next, a source of random 64-bit numbers. As in Kafka, ids whose text would begin with '-'
// are drawn again, since tools take them for a flag; the version and variant bits are
// those of RFC 9562 version 4.
func NewUUID(next func() uint64) UUID {
	for {
		var u UUID
		hi, lo := next(), next()
		for i := range 8 {
			u[i] = byte(hi >> (56 - 8*i))
			u[8+i] = byte(lo >> (56 - 8*i))
		}
		u[6] = u[6]&0x0f | 0x40
		u[8] = u[8]&0x3f | 0x80
		if u.String()[0] != '-' {
			return u
		}
	}
}
