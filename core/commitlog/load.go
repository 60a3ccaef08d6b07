package commitlog

import (
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// loader takes up an existing log. It reads and judges everything first and changes the directory only then (apply.go),
// so that a log that it refuses is left as it was found, but for indexes, which are made anew where they are no use.
type loader struct {
	l      *Log
	o      Options
	files  *logFiles
	report Report
	// segments are the log's segments; those from the index from on are read whole.
	segments []*segment.Segment
	from     int
	epochs   epochCache
	// epochsRebuilt says that the epoch file was no help, so that all headers are read.
	epochsRebuilt bool
	// epochsLearned says that recovery met epochs that the file does not know.
	epochsLearned bool
	// swapped are the segments that take the place of replaced ones: a compaction was interrupted at its end.
	swapped, replaced []*segment.Segment
	// deleted are the segments before the log's start: their deletion was under way.
	deleted []*segment.Segment
	// cutAt is the segment in which the damage was found that ends the log, or -1.
	cutAt  int
	damage *segment.Damage
	// snapshots are the producer states at the beginnings of the last segments that were read.
	snapshots []pendingSnapshot
	changed   bool // something was cut off or rebuilt, and must be synced
}

// pendingSnapshot is a producer snapshot to be written.
type pendingSnapshot struct {
	at      base.Offset
	content []byte
}

func (ld *loader) load() error {
	if err := ld.openSegments(); err != nil {
		return err
	}
	if err := ld.checkFormat(); err != nil {
		return err
	}
	if err := ld.loadEpochs(); err != nil {
		return err
	}
	limit, err := ld.snapshotLimit()
	if err != nil {
		return err
	}
	next, err := ld.loadProducers(limit)
	if err != nil {
		return err
	}
	end, err := ld.recover(next, limit)
	if err != nil {
		return err
	}
	if end, err = ld.apply(end); err != nil {
		return err
	}
	return ld.finish(end)
}

// close closes what a refused log had open.
func (ld *loader) close() {
	for _, s := range slices.Concat(ld.deleted, ld.segments, ld.replaced) {
		s.Close()
		ld.o.Residents.Forget(s)
	}
}

// openSegments opens what is there and says from which segment on it is read.
func (ld *loader) openSegments() error {
	o := ld.o
	for i, e := range ld.files.logs {
		s := segment.Open(o.FS, o.Dir, ld.files.bases[i], e.Size, o.Config.segment(), o.Residents)
		ld.segments = append(ld.segments, s)
	}
	if err := ld.swap(); err != nil {
		return err
	}
	n := segmentsBefore(ld.segments, o.LogStart)
	ld.deleted, ld.segments = ld.segments[:n], ld.segments[n:]
	ld.from = len(ld.segments)
	if o.Clean || len(ld.segments) == 0 {
		return nil
	}
	ld.from = floorSegment(ld.segments, o.RecoveryPoint)
	if ld.from > 0 && ld.segments[ld.from].BaseOffset() == o.RecoveryPoint {
		ld.from-- // it may have been sealed after its end was synced, and its indexes not synced since
	}
	for i, s := range ld.segments[:ld.from] {
		if ld.files.indexed[s.BaseOffset()] < 2 {
			ld.from = i
			break
		}
	}
	return nil
}

// checkFormat refuses a log with batches older than v2 at the beginning of a segment, where a clean stop was not our
// own: an older broker's directory.
func (ld *loader) checkFormat() error {
	if ld.o.Trusted {
		return nil
	}
	for _, s := range ld.segments {
		if err := s.CheckFormat(); err != nil {
			return err
		}
		s.Unload()
	}
	return nil
}

// loadEpochs reads the leader epoch checkpoint. One that is missing or broken is made anew from the batches.
func (ld *loader) loadEpochs() error {
	content, err := vfs.ReadFile(ld.o.FS, path.Join(ld.o.Dir, EpochsFile))
	if err == nil {
		ld.epochs, err = parseEpochs(content)
	}
	if err == nil {
		return nil
	}
	if !errors.Is(err, ErrBadCheckpoint) && !errors.Is(err, vfs.ErrNotExist) {
		return fmt.Errorf("read leader epochs: %w", err)
	}
	ld.epochs, ld.epochsRebuilt = nil, true
	return nil
}

// snapshotLimit returns the offset beyond which producer snapshots are of no use, since the log ends there or may turn
// out to have lost what they tell of.
func (ld *loader) snapshotLimit() (base.Offset, error) {
	switch {
	case ld.from < len(ld.segments):
		return ld.segments[ld.from].BaseOffset(), nil
	case len(ld.segments) == 0:
		return 0, nil
	}
	return ld.cleanEnd()
}

// loadProducers loads the newest snapshot that is good and not beyond limit, and returns the offset it holds the state
// of. As in Kafka, of the others only those at the beginnings of segments are kept.
func (ld *loader) loadProducers(limit base.Offset) (base.Offset, error) {
	loaded := base.NoOffset
	for _, at := range slices.Backward(ld.files.snapshots) {
		if at > limit || loaded >= 0 && !ld.segmentAt(at) {
			ld.drop(at)
			continue
		}
		if loaded >= 0 {
			continue
		}
		p, err := readSnapshot(ld.o.FS, ld.o.Dir, at)
		if errors.Is(err, ErrBadSnapshot) {
			ld.drop(at)
			continue
		}
		if err != nil {
			return 0, err
		}
		ld.l.write.producers, loaded = p, at
	}
	if loaded < 0 && ld.o.Clean && len(ld.files.snapshots) == 0 {
		// As in Kafka: a log without any snapshot never had an idempotent producer.
		return limit, nil
	}
	return max(loaded, 0), nil
}

// drop has a producer snapshot removed.
func (ld *loader) drop(at base.Offset) {
	ld.files.leftovers = append(ld.files.leftovers, segment.Name(at, segment.SnapshotSuffix))
}

// segmentAt reports whether a segment begins at an offset.
func (ld *loader) segmentAt(at base.Offset) bool {
	return slices.ContainsFunc(ld.segments, func(s *segment.Segment) bool { return s.BaseOffset() == at })
}

// endKnown reports that a clean stop left the log's end twice, as recovery point and as the newest snapshot's name, so
// that the log need not be looked into before it is used. An index without a log beyond the last segment says that the
// log was lost since: deletion takes the log last.
func (ld *loader) endKnown() bool {
	n, last := len(ld.files.snapshots), ld.segments[len(ld.segments)-1].BaseOffset()
	return ld.o.Trusted && n > 0 && ld.files.snapshots[n-1] == ld.o.RecoveryPoint &&
		ld.o.RecoveryPoint >= last && ld.files.orphan <= last
}

// cleanEnd returns the end of a log that was stopped cleanly.
func (ld *loader) cleanEnd() (base.Offset, error) {
	last := ld.segments[len(ld.segments)-1]
	if last.Size() == 0 {
		return last.BaseOffset(), nil
	}
	if ld.endKnown() {
		return ld.o.RecoveryPoint, nil
	}
	return reach(last)
}
