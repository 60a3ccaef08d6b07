package segment

import (
	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
)

// mostBookmarks is how many readers of one segment are remembered.
const mostBookmarks = 16

// bookmark says that the first batch from an offset on begins at position; the offset is relative to the base offset.
type bookmark struct {
	offset, position uint32
}

// bookmarks are where the readers of a segment have come to: the batches that follow those that they found last. A
// consumer that reads on from there is served with a look at its batch's header, where the sparse index leads to a
// batch before it and takes a look more. Nothing depends on them: what cannot be found by one is found by the index.
type bookmarks struct {
	ring []bookmark
	next int // the one to give up for another
	// era counts what was forgotten: a search that began before must not mark what it found.
	era int
}

// find returns the position for a relative offset.
func (m *bookmarks) find(offset int64) (position int64, ok bool) {
	for _, b := range m.ring {
		if int64(b.offset) == offset {
			return int64(b.position), true
		}
	}
	return 0, false
}

// move puts the bookmark of a reader that was at a relative offset forward, or adds one for it.
func (m *bookmarks) move(from int64, to bookmark) {
	place := -1
	for i, b := range m.ring {
		if b.offset == to.offset {
			return // another reader's will do
		}
		if int64(b.offset) == from {
			place = i
		}
	}
	switch {
	case place >= 0:
		m.ring[place] = to
	case len(m.ring) < mostBookmarks:
		m.ring = append(m.ring, to)
	default:
		m.ring[m.next] = to
		m.next = (m.next + 1) % mostBookmarks
	}
}

// forget drops them all, as their batches are other ones now or their memory is wanted.
func (m *bookmarks) forget() {
	*m = bookmarks{era: m.era + 1}
}

// marked returns the batch at position, of which a bookmark says that it is the first one from offset on. It reports
// false if that is not to be seen there.
func (s *Segment) marked(position int64, offset base.Offset) (found Place, ok bool) {
	err := s.scan(position, s.Size(), scanChunk, func(p Place, _ batch.Batch) (bool, error) {
		found, ok = p, p.First >= offset
		return false, nil
	})
	return found, ok && err == nil
}

// mark moves the bookmark of a reader that asked for offset behind the batch that it found. It reports false, and does
// nothing, if the segment has changed since that era: what was found may have been a mixture.
func (s *Segment) mark(offset base.Offset, found Place, era int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.bookmarks.era != era {
		return false
	}
	to := bookmark{uint32(found.Last + 1 - s.base), uint32(found.Position + found.Size)}
	s.mu.bookmarks.move(int64(offset-s.base), to)
	return true
}
