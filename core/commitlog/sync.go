package commitlog

import (
	"errors"
	"fmt"
	"path"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// SyncJob makes durable what a log held when the job began. Run does the I/O and holds no lock; EndSync takes its
// outcome back into the log. One job a log is under way at a time: everything that is appended meanwhile shares the
// next one, which is what makes a sync for each acknowledgement affordable.
type SyncJob struct {
	log       *Log
	upTo      base.Offset
	segments  []*segment.Segment
	sealed    []*segment.Segment
	snapshots []base.Offset
	names     bool
	parent    bool
	meta      bool
	err       error
}

// BeginSync begins a job. It reports false if one is under way or if the log is offline or closed.
func (l *Log) BeginSync() (*SyncJob, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.syncing || l.mu.failure != nil || l.mu.closed {
		return nil, false
	}
	l.mu.syncing = true
	return l.newJobLocked(), true
}

func (l *Log) newJobLocked() *SyncJob {
	j := &SyncJob{
		log: l, upTo: l.mu.end, names: l.mu.namesDirty, parent: l.mu.parentDirty, meta: l.mu.metaDirty,
		sealed: l.mu.sealed, snapshots: l.mu.snapshots,
	}
	l.mu.snapshots = nil // the sealed ones stay until EndSync: the recovery point waits for them
	if l.mu.end > l.mu.synced || j.names {
		j.segments = l.mu.segments[floorSegment(l.mu.segments, l.mu.synced):]
	}
	l.mu.namesDirty, l.mu.parentDirty, l.mu.metaDirty = false, false, false
	l.mu.appendedAt = 0
	return j
}

// Log returns the log that the job belongs to.
func (j *SyncJob) Log() *Log {
	return j.log
}

// Run syncs the files, oldest segment first, then the names. After an error the log must not be used further: what it
// had written since the last good sync may be gone whatever a second try says.
func (j *SyncJob) Run() error {
	j.err = j.run()
	return j.err
}

func (j *SyncJob) run() error {
	l := j.log
	for _, s := range j.segments {
		if err := s.Sync(); err != nil && !isNotExist(err) {
			return err
		}
	}
	for _, s := range j.sealed {
		if err := s.SyncIndexes(); err != nil && !isNotExist(err) {
			return err
		}
	}
	for _, at := range j.snapshots {
		err := l.syncIn(func(dir string) error {
			return syncName(l.fs, path.Join(dir, segment.Name(at, segment.SnapshotSuffix)))
		})
		if err != nil && !isNotExist(err) {
			return err
		}
	}
	if j.meta {
		err := l.syncIn(func(dir string) error { return syncName(l.fs, path.Join(dir, PartitionMetadataFile)) })
		if err != nil {
			return err
		}
	}
	if j.names {
		if err := l.syncIn(l.fs.SyncDir); err != nil {
			return fmt.Errorf("sync directory: %w", err)
		}
	}
	if j.parent {
		if err := l.fs.SyncDir(path.Dir(l.Dir())); err != nil {
			return fmt.Errorf("sync directory: %w", err)
		}
	}
	return nil
}

// syncIn calls sync with the log's directory. Where that is gone because a Move has ended meanwhile, all is done: the
// move has synced whatever was in it, and its name, before the log got another directory.
func (l *Log) syncIn(sync func(dir string) error) error {
	dir := l.Dir()
	err := sync(dir)
	if isNotExist(err) && l.Dir() != dir {
		return nil
	}
	return err
}

func syncName(fs vfs.FS, name string) error {
	f, err := fs.Open(name, vfs.ReadWrite)
	if err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	err = f.Sync()
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("sync %s: %w", name, err)
	}
	return nil
}

// EndSync takes the outcome of a job into the log and returns the recovery point. A failed job takes the log offline.
func (l *Log) EndSync(j *SyncJob) (base.Offset, error) {
	if j.err != nil {
		err := l.fail(j.err)
		l.mu.Lock()
		l.mu.syncing = false
		l.mu.Unlock()
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.syncing = false
	l.mu.synced = max(l.mu.synced, min(j.upTo, l.mu.end))
	l.mu.sealed = l.mu.sealed[len(j.sealed):]
	return l.mu.synced, nil
}

// FlushDue returns when flush.ms wants the log synced, in Unix milliseconds. It reports false if it never does.
func (l *Log) FlushDue() (int64, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.appendedAt == 0 || l.mu.cfg.FlushMs < 0 || l.mu.cfg.FlushMs > 1<<60 {
		return 0, false
	}
	return l.mu.appendedAt + l.mu.cfg.FlushMs, true
}

// Dirty reports that the log holds records that are not durable.
func (l *Log) Dirty() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.end > l.mu.synced || l.mu.namesDirty || l.mu.parentDirty || l.mu.metaDirty
}

// Checkpoint brings the leader epoch checkpoint up to date. It must precede a write of the recovery point checkpoint.
// It does I/O and syncs. A closed log has nothing to bring up to date.
func (l *Log) Checkpoint() error {
	l.deleting.Lock()
	defer l.deleting.Unlock()
	l.mu.Lock()
	failure, closed := l.mu.failure, l.mu.closed
	l.mu.Unlock()
	switch {
	case closed:
		return nil
	case failure != nil:
		return offline(failure)
	}
	return l.writeEpochs()
}

// Close ends the log cleanly: indexes, producer snapshot, leader epochs and records are written and synced, so that the
// next Open with Clean reads nothing. An offline log is only closed. Close waits for nothing: the caller makes sure
// that no job is under way.
func (l *Log) Close() error {
	l.deleting.Lock()
	defer l.deleting.Unlock()
	l.write.Lock()
	defer l.write.Unlock()
	l.mu.Lock()
	closed, failure := l.mu.closed, l.mu.failure
	l.mu.Unlock()
	if closed {
		return nil
	}
	var err error
	if failure == nil {
		err = l.closeCleanly()
	} else {
		err = offline(failure)
	}
	l.closeFiles()
	return err
}

// closeFiles closes the log and its files. The locks deleting and write are held.
func (l *Log) closeFiles() {
	l.mu.Lock()
	l.mu.closed = true
	segments, trash := l.mu.segments, l.mu.trash
	l.mu.trash = nil
	l.mu.Unlock()
	for _, s := range segments {
		s.Close()
	}
	for _, t := range trash {
		t.segment.Close() // a reader may have opened it again
	}
}

func (l *Log) closeCleanly() error {
	if l.write.activeLoaded {
		if err := l.active().Seal(); err != nil {
			return l.fail(err)
		}
		l.noteSealed(l.active())
	}
	end := l.End()
	if err := l.snapshotAtEnd(end); err != nil {
		return l.fail(err)
	}
	if err := l.writeEpochs(); err != nil {
		return err
	}
	l.mu.Lock()
	j := l.newJobLocked()
	l.mu.Unlock()
	if err := j.Run(); err != nil {
		return l.fail(err)
	}
	_, err := l.EndSync(j)
	return err
}

// noteSealed has the next job sync the indexes that a segment has written.
func (l *Log) noteSealed(s *segment.Segment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.sealed = append(l.mu.sealed, s)
	l.mu.namesDirty = true
}

// snapshotAtEnd writes the producer state as of the log's end, unless it is there already. A log that never held a
// record has none, as in Kafka.
func (l *Log) snapshotAtEnd(end base.Offset) error {
	if end == 0 {
		return nil
	}
	name := path.Join(l.Dir(), segment.Name(end, segment.SnapshotSuffix))
	if !l.write.activeLoaded {
		if _, err := l.fs.Stat(name); err == nil || !errors.Is(err, vfs.ErrNotExist) {
			return err
		}
	}
	return l.writeSnapshot(end)
}

// Abandon closes the files of a log that is deleted or whose process is ending uncleanly. Nothing is written. It waits
// for what is under way in the directory, except for reads and a SyncJob; none of the log's methods touches the
// directory after it, so that its name may be given to another log.
func (l *Log) Abandon() {
	l.deleting.Lock()
	defer l.deleting.Unlock()
	l.write.Lock()
	defer l.write.Unlock()
	l.closeFiles()
}

func isNotExist(err error) bool {
	return errors.Is(err, vfs.ErrNotExist)
}
