package segment

import (
	"errors"
	"math"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
)

// mostBookmarks is how many of them a segment keeps.
const mostBookmarks = 16

// bookmark says that a batch whose first offset is this one, relative to the base offset, begins at position.
type bookmark struct {
	offset, position uint32
	used             bool // its reader has gone on
}

// bookmarks are the places behind the batches that were found last. A consumer that takes a batch at a time, as one of
// large batches does, asks for such a place next, and a look at the header there answers it, where the sparse index
// leads to the batch before and takes two. They are a cache: what is not seen to be right at the place is looked for by
// the index.
type bookmarks struct {
	ring []bookmark
	next int // the oldest, once the ring is full
	// era counts what was forgotten: a search that began before must not mark what it found.
	era int
}

// find returns the position for a relative offset.
func (m *bookmarks) find(offset int64) (position int64, ok bool) {
	for i := range m.ring {
		if b := &m.ring[i]; int64(b.offset) == offset {
			b.used = true
			return int64(b.position), true
		}
	}
	return 0, false
}

// add puts one in, in the place of the oldest that a reader has left behind, or else of the oldest. Those left behind
// are kept for a while for another reader who follows.
func (m *bookmarks) add(to bookmark) {
	for _, b := range m.ring {
		if b.offset == to.offset {
			return
		}
	}
	if len(m.ring) < mostBookmarks {
		m.ring = append(m.ring, to)
		return
	}
	at := m.next
	for i := range m.ring {
		if j := (m.next + i) % mostBookmarks; m.ring[j].used {
			at = j
			break
		}
	}
	m.ring[at] = to
	m.next = (at + 1) % mostBookmarks
}

// forget drops them all, as their batches may be other ones now or the segment gives its memory back.
func (m *bookmarks) forget() {
	*m = bookmarks{era: m.era + 1}
}

// marked looks for the batch of an offset at the position that a bookmark names. It reports false if the batch is not
// to be seen there; an error is one of reading.
func (s *Segment) marked(position, end int64, offset base.Offset) (found Place, ok bool, err error) {
	err = s.scan(position, end, scanChunk, func(p Place, _ batch.Batch) (bool, error) {
		found, ok = p, p.First == offset && p.Last >= offset
		return false, nil
	})
	if errors.Is(err, ErrCorrupt) {
		return found, false, nil
	}
	return found, ok, err
}

// mark remembers where the batch behind one that was found begins, unless the segment has changed since that era. What
// the header of a damaged batch says is no offset to remember.
func (s *Segment) mark(found Place, era int) {
	next, position := int64(found.Last+1-s.base), found.Position+found.Size
	if next < 1 || next > math.MaxInt32 || position > math.MaxInt32 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.bookmarks.era == era {
		s.mu.bookmarks.add(bookmark{offset: uint32(next), position: uint32(position)})
	}
}
