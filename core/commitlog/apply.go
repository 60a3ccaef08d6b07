package commitlog

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/segment"
)

// apply brings the directory to what was read and judged, and returns the log's end. Wherever it is interrupted, the
// next recovery comes to the same log.
func (ld *loader) apply(end base.Offset) (base.Offset, error) {
	if err := ld.finishSwap(); err != nil {
		return 0, err
	}
	if err := ld.removeDeleted(); err != nil {
		return 0, err
	}
	if err := ld.removeLeftovers(); err != nil {
		return 0, err
	}
	if ld.cutAt >= 0 {
		if err := ld.cut(); err != nil {
			return 0, err
		}
	}
	if o := ld.o; len(ld.segments) == 0 || end < o.LogStart {
		return ld.beginAt(max(o.LogStart, end))
	}
	for _, p := range ld.snapshots {
		if err := ld.l.writeSnapshotAs(p.at, p.content); err != nil {
			return 0, err
		}
	}
	return end, ld.sealAllButLast()
}

// removeLeftovers removes the files of interrupted deletions and compactions, orphaned indexes and snapshots that are
// of no use. Those with a .swap name are gone for good before any other goes: a .cleaned file is what tells that they
// do not count.
func (ld *loader) removeLeftovers() error {
	var swaps, others []string
	for _, name := range ld.files.leftovers {
		if strings.HasSuffix(name, segment.SwapSuffix) {
			swaps = append(swaps, name)
		} else {
			others = append(others, name)
		}
	}
	for _, name := range swaps {
		if err := ld.removeLeftover(name); err != nil {
			return err
		}
	}
	if len(swaps) > 0 && len(others) > 0 {
		if err := ld.o.FS.SyncDir(ld.o.Dir); err != nil {
			return fmt.Errorf("remove leftover: %w", err)
		}
	}
	for _, name := range others {
		if err := ld.removeLeftover(name); err != nil {
			return err
		}
	}
	return nil
}

func (ld *loader) removeLeftover(name string) error {
	if err := ld.o.FS.Remove(path.Join(ld.o.Dir, name)); err != nil && !isNotExist(err) {
		return fmt.Errorf("remove leftover: %w", err)
	}
	return nil
}

// cut ends the log before the damage: all later segments go, the last one first, and then the rest of the segment.
func (ld *loader) cut() error {
	i, d := ld.cutAt, ld.damage
	for _, s := range slices.Backward(ld.segments[i+1:]) {
		ld.o.Residents.Forget(s)
		if err := s.Remove(); err != nil {
			return err
		}
	}
	if err := ld.segments[i].TruncateTo(d.Position, d.Next); err != nil {
		return err
	}
	ld.report.Cut, ld.report.Dropped = d, len(ld.segments)-i-1
	ld.segments = ld.segments[:i+1]
	ld.changed = true
	return nil
}

// beginAt makes the first segment of a directory that has none, or whose segments all end before the log's start:
// records beyond their end had been deleted by request before loss of power took them, and their offsets are not given
// a second time.
func (ld *loader) beginAt(start base.Offset) (base.Offset, error) {
	s, err := segment.Create(ld.o.FS, ld.o.Dir, start, ld.o.Config.segment(), ld.o.Residents)
	if err != nil {
		return 0, err
	}
	ld.deleted, ld.segments, ld.from = ld.segments, []*segment.Segment{s}, 0
	ld.snapshots, ld.changed = nil, true
	if err := ld.removeDeleted(); err != nil {
		return 0, err
	}
	ld.l.write.producers = newProducers()
	ld.l.write.activeLoaded = true
	return start, nil
}

// sealAllButLast writes the rebuilt indexes of the segments that are not appended to, where they differ from the files.
// Where they do not, the files may still be only with the kernel: all are synced before the recovery point passes them.
func (ld *loader) sealAllButLast() error {
	if ld.from == len(ld.segments) {
		return nil
	}
	for _, s := range ld.segments[ld.from : len(ld.segments)-1] {
		if !s.Sealed() {
			if err := s.Seal(); err != nil {
				return err
			}
		}
		ld.l.noteSealed(s)
	}
	ld.l.write.activeLoaded = true
	return nil
}

// finish publishes the recovered log and makes what recovery changed durable.
func (ld *loader) finish(end base.Offset) error {
	l, o := ld.l, ld.o
	start := min(max(o.LogStart, ld.segments[0].BaseOffset()), end)
	l.mu.segments = ld.segments
	l.mu.start, l.mu.noted, l.mu.oldest = start, start, ld.segments[0].BaseOffset()
	l.mu.end = end
	l.mu.endPosition = ld.segments[len(ld.segments)-1].Size()
	l.mu.synced = end
	l.mu.epochs = ld.epochs
	cut := l.mu.epochs.cutEnd(end)
	cut = l.mu.epochs.cutStart(start) || cut
	l.mu.epochsDirty = ld.changed || cut || ld.epochsRebuilt || ld.epochsLearned
	ld.report.Start, ld.report.End = l.mu.start, end
	if !o.Clean {
		ld.changed = true
	}
	if !ld.changed {
		return nil
	}
	l.mu.synced = l.mu.start
	l.mu.namesDirty, l.mu.parentDirty, l.mu.metaDirty = true, true, true
	if l.write.activeLoaded {
		if err := l.snapshotAtEnd(end); err != nil {
			return err
		}
	}
	if err := l.writeEpochs(); err != nil {
		return err
	}
	j, _ := l.BeginSync()
	j.segments = ld.segments[min(ld.from, len(ld.segments)-1):]
	if err := j.Run(); err != nil {
		return err
	}
	_, err := l.EndSync(j)
	return err
}

// removeDeleted removes segments before the log's start, durably, before their absence from the checkpoint of log
// starts can be: they must not come back then.
func (ld *loader) removeDeleted() error {
	if len(ld.deleted) == 0 {
		return nil
	}
	for _, s := range ld.deleted {
		ld.o.Residents.Forget(s)
		if err := s.Remove(); err != nil {
			return err
		}
	}
	ld.deleted = nil
	return ld.o.FS.SyncDir(ld.o.Dir)
}
