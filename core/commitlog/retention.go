package commitlog

import (
	"fmt"
	"path"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/segment"
)

// trashed is a segment that waits for the removal of its files.
type trashed struct {
	segment *segment.Segment
	at      int64 // Unix milliseconds
}

// Deleting goes in three steps, so that loss of power in between never leaves a hole: DeleteRecords or Expire moves the
// log's start; the caller asks StartCheckpoint for it and writes the log start checkpoint; Trim renames the files of
// the segments before that start. A segment that comes back after loss of power lies before the checkpointed start, and
// Open removes it; so the start stays in the checkpoint until the names are durable.

// DeleteRecords moves the log's start to offset, at most limit (the high watermark), and returns the start. Batches are
// not split: records below the start inside the first batch stay in the file, and readers skip them.
func (l *Log) DeleteRecords(offset, limit base.Offset) (base.Offset, error) {
	if offset < 0 || offset > limit {
		return 0, fmt.Errorf("%w: got %d, expected 0 to %d", ErrOffsetOutOfRange, offset, limit)
	}
	l.write.Lock()
	defer l.write.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.unusableLocked(); err != nil {
		return 0, err
	}
	l.moveStartLocked(offset)
	return l.mu.start, nil
}

func (l *Log) moveStartLocked(offset base.Offset) {
	if offset <= l.mu.start {
		return
	}
	l.mu.start = offset
	if l.mu.epochs.cutStart(offset) {
		l.mu.epochsDirty = true
	}
}

// Expire moves the log's start behind the segments that retention.ms and retention.bytes no longer want, oldest first,
// never one that reaches to or beyond limit (the high watermark). The active segment is rolled first if even it is due.
// It returns how many segments lie before the start then, for Trim to delete.
func (l *Log) Expire(limit base.Offset, wall int64) (int, error) {
	l.write.Lock()
	defer l.write.Unlock()
	cfg := l.config()
	if l.unusable() != nil {
		return 0, nil
	}
	if !cfg.Delete {
		return l.beforeStart(), nil
	}
	n, err := l.dueByTime(cfg, limit, wall)
	if err != nil {
		return 0, l.fail(err)
	}
	n = max(n, l.dueBySize(cfg, limit))
	if n == 0 {
		return l.beforeStart(), nil
	}
	if n == l.SegmentCount() {
		if err := l.rollForRetention(cfg, wall); err != nil {
			return 0, err
		}
	}
	l.mu.Lock()
	l.moveStartLocked(l.mu.segments[n].BaseOffset())
	l.mu.Unlock()
	return l.beforeStart(), nil
}

// beforeStart counts the segments whose successor begins at or before the log's start.
func (l *Log) beforeStart() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return segmentsBefore(l.mu.segments, l.mu.start)
}

func segmentsBefore(segments []*segment.Segment, start base.Offset) int {
	n := 0
	for n+1 < len(segments) && segments[n+1].BaseOffset() <= start {
		n++
	}
	return n
}

func (l *Log) rollForRetention(cfg Config, wall int64) error {
	if _, _, err := l.beginWrite(); err != nil {
		return err
	}
	if err := l.roll(l.End(), cfg, wall); err != nil {
		return l.fail(err)
	}
	return nil
}

// dueByTime counts the oldest segments whose largest timestamp is older than retention.ms.
func (l *Log) dueByTime(cfg Config, limit base.Offset, wall int64) (int, error) {
	if cfg.RetentionMs < 0 {
		return 0, nil
	}
	segments := l.segments()
	for i, s := range segments {
		if !l.mayDrop(segments, i, limit) {
			return i, nil
		}
		if err := s.CheckLargest(); err != nil {
			return 0, err
		}
		ts, _, err := s.LargestTimestamp()
		if err != nil {
			return 0, err
		}
		if ts < 0 {
			if ts, err = s.ModTime(); err != nil {
				return 0, err
			}
		}
		if wall-ts <= cfg.RetentionMs {
			return i, nil
		}
	}
	return len(segments), nil
}

// dueBySize counts the oldest segments without which the log would still hold retention.bytes.
func (l *Log) dueBySize(cfg Config, limit base.Offset) int {
	if cfg.RetentionBytes < 0 {
		return 0
	}
	segments := l.segments()
	excess := l.Size() - cfg.RetentionBytes
	for i, s := range segments {
		excess -= s.Size()
		if excess < 0 || !l.mayDrop(segments, i, limit) {
			return i
		}
	}
	return len(segments)
}

// mayDrop says whether segment i lies wholly below the high watermark and holds anything. An empty active segment is
// kept: there is nothing to gain from rolling it.
func (l *Log) mayDrop(segments []*segment.Segment, i int, limit base.Offset) bool {
	if i+1 < len(segments) {
		return segments[i+1].BaseOffset() <= limit
	}
	return segments[i].Size() > 0 && l.End() <= limit
}

// Trim takes the segments before the log's start, as StartCheckpoint last told it, out of the log, renames their files,
// durably, and removes the producer snapshots before it. Purge removes the files later. It syncs, and returns how many
// segments went. Appends and reads go on beside it.
func (l *Log) Trim(wall int64) (int, error) {
	l.deleting.Lock()
	defer l.deleting.Unlock()
	gone, delay := l.takeDeleted()
	if len(gone) == 0 {
		return 0, nil
	}
	if err := l.keepProducers(); err != nil {
		return 0, err
	}
	for _, s := range gone {
		if err := s.MarkDeleted(); err != nil {
			return 0, l.fail(err)
		}
		l.residents.Forget(s)
		s.Unload()
	}
	if err := l.dropSnapshots(); err != nil {
		return 0, err
	}
	if err := l.fs.SyncDir(l.Dir()); err != nil {
		return 0, l.fail(fmt.Errorf("sync directory: %w", err))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.oldest = l.mu.segments[0].BaseOffset()
	for _, s := range gone {
		l.mu.trash = append(l.mu.trash, trashed{segment: s, at: wall + delay})
	}
	return len(gone), nil
}

// keepProducers makes the producer snapshot at the first segment durable: once the batches before it are gone, nothing
// else knows their producers, and what those send again would be appended twice.
func (l *Log) keepProducers() error {
	err := syncName(l.fs, path.Join(l.Dir(), segment.Name(l.segments()[0].BaseOffset(), segment.SnapshotSuffix)))
	if isNotExist(err) {
		return nil
	}
	if err == nil {
		err = l.fs.SyncDir(l.Dir())
	}
	if err != nil {
		return l.fail(fmt.Errorf("sync producer snapshot: %w", err))
	}
	return nil
}

// takeDeleted takes the segments out of the log that the checkpointed start has left behind.
func (l *Log) takeDeleted() (gone []*segment.Segment, delay int64) {
	l.write.Lock()
	defer l.write.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	n := segmentsBefore(l.mu.segments, l.mu.noted)
	if n == 0 || l.mu.failure != nil || l.mu.closed {
		return nil, 0
	}
	gone = l.mu.segments[:n]
	l.mu.segments = append([]*segment.Segment(nil), l.mu.segments[n:]...)
	l.mu.synced = max(l.mu.synced, l.mu.segments[0].BaseOffset())
	return gone, l.mu.cfg.FileDeleteDelayMs
}

// dropSnapshots removes the producer snapshots older than the first segment.
func (l *Log) dropSnapshots() error {
	first := l.segments()[0].BaseOffset()
	entries, err := l.fs.List(l.Dir())
	if err != nil {
		return l.fail(fmt.Errorf("list log: %w", err))
	}
	for _, e := range entries {
		o, suffix, ok := segment.ParseName(e.Name)
		if !ok || suffix != segment.SnapshotSuffix || o >= first {
			continue
		}
		if err := l.fs.Remove(l.Dir() + "/" + e.Name); err != nil && !isNotExist(err) {
			return l.fail(fmt.Errorf("remove snapshot: %w", err))
		}
	}
	return nil
}

// PurgeDue returns when the next deleted segment's files are to be removed, in Unix milliseconds. Those of a closed log
// are left for the next Open, or for whoever removes its directory.
func (l *Log) PurgeDue() (int64, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.mu.trash) == 0 {
		return 0, false
	}
	return l.mu.trash[0].at, true
}

// Purge removes the files of the segments that were deleted file.delete.delay.ms ago.
func (l *Log) Purge(wall int64) error {
	for more := true; more; {
		var err error
		if more, err = l.purgeOne(wall); err != nil {
			return l.fail(err)
		}
	}
	return nil
}

// purgeOne removes the files of one segment, and lets others have the directory before the next.
func (l *Log) purgeOne(wall int64) (bool, error) {
	l.deleting.Lock()
	defer l.deleting.Unlock()
	l.mu.Lock()
	trash := l.mu.trash
	due := len(trash) > 0 && trash[0].at <= wall
	if due {
		l.mu.trash = trash[1:]
	}
	l.mu.Unlock()
	if !due {
		return false, nil
	}
	return true, trash[0].segment.Remove()
}
