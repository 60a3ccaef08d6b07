package commitlog

import (
	"fmt"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/segment"
)

// trashed is a segment that waits for the removal of its files.
type trashed struct {
	segment *segment.Segment
	at      int64 // Unix milliseconds
}

// DeleteRecords moves the log's start to offset, at most limit (the high watermark), and deletes the segments that lie
// wholly before it. It returns the new start. Batches are not split: records below the start inside the first batch
// stay in the file, and readers skip them.
func (l *Log) DeleteRecords(offset, limit base.Offset, wall int64) (base.Offset, error) {
	if offset < 0 || offset > limit {
		return 0, fmt.Errorf("%w: got %d, expected 0 to %d", ErrOffsetOutOfRange, offset, limit)
	}
	l.write.Lock()
	defer l.write.Unlock()
	l.mu.Lock()
	if l.mu.failure != nil {
		defer l.mu.Unlock()
		return 0, offline(l.mu.failure)
	}
	l.moveStartLocked(offset)
	start := l.mu.start
	l.mu.Unlock()
	return start, l.dropBefore(start, wall)
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

// dropBefore deletes the segments whose successor begins at or before start. The write lock is held.
func (l *Log) dropBefore(start base.Offset, wall int64) error {
	segments := l.segments()
	n := 0
	for n+1 < len(segments) && segments[n+1].BaseOffset() <= start {
		n++
	}
	return l.drop(n, wall)
}

// Expire deletes the segments that retention.ms and retention.bytes no longer want, oldest first, never one that
// reaches to or beyond limit (the high watermark). The active segment is rolled first if even it is due. It returns how
// many were deleted.
func (l *Log) Expire(limit base.Offset, wall int64) (int, error) {
	l.write.Lock()
	defer l.write.Unlock()
	cfg := l.config()
	if !cfg.Delete || l.Failure() != nil {
		return 0, nil
	}
	n, err := l.dueByTime(cfg, limit, wall)
	if err != nil {
		return 0, l.fail(err)
	}
	n = max(n, l.dueBySize(cfg, limit))
	if n == 0 {
		return 0, nil
	}
	segments := l.segments()
	if n == len(segments) {
		if err := l.rollForRetention(cfg, wall); err != nil {
			return 0, err
		}
	}
	return n, l.drop(n, wall)
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

// drop takes the n oldest segments out of the log and renames their files; Purge removes them later. The log's start
// follows. The write lock is held.
func (l *Log) drop(n int, wall int64) error {
	if n == 0 {
		return nil
	}
	l.mu.Lock()
	gone := l.mu.segments[:n]
	l.mu.segments = append([]*segment.Segment(nil), l.mu.segments[n:]...)
	l.moveStartLocked(l.mu.segments[0].BaseOffset())
	l.mu.synced = max(l.mu.synced, l.mu.segments[0].BaseOffset())
	l.mu.namesDirty = true
	delay := l.mu.cfg.FileDeleteDelayMs
	l.mu.Unlock()
	for _, s := range gone {
		if err := s.MarkDeleted(); err != nil {
			return l.fail(err)
		}
		l.residents.Forget(s)
		l.write.trash = append(l.write.trash, trashed{segment: s, at: wall + delay})
	}
	return l.dropSnapshots()
}

// dropSnapshots removes the producer snapshots older than the first segment.
func (l *Log) dropSnapshots() error {
	first := l.segments()[0].BaseOffset()
	entries, err := l.fs.List(l.dir)
	if err != nil {
		return l.fail(fmt.Errorf("list log: %w", err))
	}
	for _, e := range entries {
		o, suffix, ok := segment.ParseName(e.Name)
		if !ok || suffix != segment.SnapshotSuffix || o >= first {
			continue
		}
		if err := l.fs.Remove(l.dir + "/" + e.Name); err != nil && !isNotExist(err) {
			return l.fail(fmt.Errorf("remove snapshot: %w", err))
		}
	}
	return nil
}

// PurgeDue returns when the next deleted segment's files are to be removed, in Unix milliseconds.
func (l *Log) PurgeDue() (int64, bool) {
	l.write.Lock()
	defer l.write.Unlock()
	if len(l.write.trash) == 0 {
		return 0, false
	}
	return l.write.trash[0].at, true
}

// Purge removes the files of the segments that were deleted file.delete.delay.ms ago.
func (l *Log) Purge(wall int64) error {
	l.write.Lock()
	defer l.write.Unlock()
	for len(l.write.trash) > 0 && l.write.trash[0].at <= wall {
		if err := l.write.trash[0].segment.Remove(); err != nil {
			return l.fail(err)
		}
		l.write.trash = l.write.trash[1:]
	}
	return nil
}
