package commitlog

import (
	"cmp"
	"slices"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/segment"
)

// A compaction ends by renaming its finished segments from .cleaned to .swap, taking the segments that they replace out
// of the way, and dropping the .swap from the names. When it is interrupted there, whatever is left under a .swap name
// counts, and what it covers does not, as in Kafka.

// swap puts the finished segments of an interrupted compaction in the place of those that they cover; the files are
// renamed later.
func (ld *loader) swap() error {
	if len(ld.files.swaps) == 0 {
		return nil
	}
	o := ld.o
	first, end := base.Offset(1<<63-1), base.Offset(0)
	for _, f := range ld.files.swaps {
		s := segment.OpenSwap(o.FS, o.Dir, f.base, f.size, o.Config.segment(), o.Residents)
		ld.swapped = append(ld.swapped, s)
		first, end = min(first, f.base), max(end, f.base)
		place, ok, err := s.LastPlace()
		if err != nil {
			ld.segments = append(ld.segments, s) // to be closed
			return err
		}
		if ok {
			end = max(end, place.Last+1)
		}
		ld.files.indexed[f.base] = f.indexed
	}
	kept := ld.segments[:0:0]
	for _, s := range ld.segments {
		if b := s.BaseOffset(); b >= first && b < end || b == first {
			ld.replaced = append(ld.replaced, s)
		} else {
			kept = append(kept, s)
		}
	}
	ld.segments = append(kept, ld.swapped...)
	slices.SortFunc(ld.segments, func(a, b *segment.Segment) int { return cmp.Compare(a.BaseOffset(), b.BaseOffset()) })
	return nil
}

// finishSwap gives the segments of a finished compaction their names. Those that they replace are gone for good before:
// one that came back after loss of power would hold the same offsets once more.
func (ld *loader) finishSwap() error {
	if len(ld.swapped) == 0 {
		return nil
	}
	ld.changed = true
	for _, s := range ld.replaced {
		ld.o.Residents.Forget(s)
		if err := s.Remove(); err != nil {
			return err
		}
	}
	ld.replaced = nil
	if err := ld.o.FS.SyncDir(ld.o.Dir); err != nil {
		return err
	}
	for _, s := range ld.swapped {
		if err := s.FinishSwap(); err != nil {
			return err
		}
	}
	return nil
}
