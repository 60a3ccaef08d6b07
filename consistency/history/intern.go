package history

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"math"
)

// Interner numbers byte strings 0, 1, 2... in the order in which they first appear. It costs the bytes of the string
// and about 20 more, against some 60 in a map, and ids index slices where a map would be looked up. The zero value is
// ready for use.
type Interner struct {
	seed maphash.Seed
	// text holds all strings, ends where each ends.
	text []byte
	ends []uint32
	// slots is an open-addressing table, a power of two in size and at most three quarters full: the upper half of a
	// slot is the upper half of the string's hash, the lower half its id + 1; 0 is empty.
	slots []uint64
}

// Len returns the number of distinct strings.
func (n *Interner) Len() int { return len(n.ends) }

// Text returns the string of an id. The slice belongs to the interner.
func (n *Interner) Text(id uint32) []byte {
	start := uint32(0)
	if id > 0 {
		start = n.ends[id-1]
	}
	return n.text[start:n.ends[id]]
}

// ID returns the string's number, a new one if it was not seen before. It fails with ErrTooLarge when the strings
// together reach 4 GiB.
func (n *Interner) ID(s []byte) (uint32, error) {
	if 4*(len(n.ends)+1) > 3*len(n.slots) {
		n.grow()
	}
	hash := maphash.Bytes(n.seed, s) &^ math.MaxUint32
	mask := uint64(len(n.slots) - 1)
	at := (hash >> 32) & mask
	for ; n.slots[at] != 0; at = (at + 1) & mask {
		slot := n.slots[at]
		if slot&^math.MaxUint32 == hash && bytes.Equal(n.Text(uint32(slot)-1), s) {
			return uint32(slot) - 1, nil
		}
	}
	if uint64(len(n.text))+uint64(len(s)) > math.MaxUint32 || len(n.ends) >= math.MaxUint32-1 {
		return 0, fmt.Errorf("%w: %d values of %d bytes", ErrTooLarge, len(n.ends), len(n.text))
	}
	id := uint32(len(n.ends))
	n.text = append(n.text, s...)
	n.ends = append(n.ends, uint32(len(n.text)))
	n.slots[at] = hash | uint64(id+1)
	return id, nil
}

// grow doubles the table. The halves of the hashes kept in the slots are enough to place them anew.
func (n *Interner) grow() {
	old := n.slots
	if old == nil {
		n.seed = maphash.MakeSeed()
	}
	n.slots = make([]uint64, max(1<<10, 2*len(old)))
	mask := uint64(len(n.slots) - 1)
	for _, slot := range old {
		if slot == 0 {
			continue
		}
		at := (slot >> 32) & mask
		for n.slots[at] != 0 {
			at = (at + 1) & mask
		}
		n.slots[at] = slot
	}
}
