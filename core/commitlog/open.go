package commitlog

import (
	"errors"
	"fmt"
	"path"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// Report says what Open found and did, for the log line of a start and for `log verify`.
type Report struct {
	// Created says that the log is new.
	Created bool
	// Recovered counts the segments that were read and checked, and RecoveredBytes their size.
	Recovered      int
	RecoveredBytes int64
	// Cut is the damage that was cut off, or nil; Dropped counts the later segments that went with it.
	Cut     *segment.Damage
	Dropped int
	// Start and End are the log's offsets after opening.
	Start, End base.Offset
}

// Open takes up the log in Options.Dir, making it if it does not exist, and recovers it unless Clean says that there is
// nothing to recover. ErrCorruptLog means that recovery would lose what may have been promised; the files are untouched
// then. The caller holds the log directory's lock.
func Open(o Options) (*Log, Report, error) {
	l := &Log{fs: o.FS, topicID: o.TopicID, residents: o.Residents, jitter: o.Jitter}
	l.dir.Store(&o.Dir)
	l.mu.cfg = o.Config
	l.write.producers = newProducers()
	l.write.segmentSince = o.Wall
	files, err := listLog(o.FS, o.Dir)
	if errors.Is(err, vfs.ErrNotExist) {
		return l.create(o)
	}
	if err != nil {
		return nil, Report{}, err
	}
	if err := checkMetadata(o.FS, o.Dir, o.TopicID); err != nil {
		return nil, Report{}, err
	}
	ld := &loader{l: l, o: o, files: files, cutAt: -1}
	err = ld.load()
	if err == nil {
		return l, ld.report, nil
	}
	ld.close()
	l.Abandon()
	if errors.Is(err, segment.ErrCorrupt) && !errors.Is(err, ErrCorruptLog) {
		err = fmt.Errorf("%w: %w", ErrCorruptLog, err)
	}
	return nil, ld.report, fmt.Errorf("open log %s: %w", o.Dir, err)
}

// create makes a new log's directory and first files. Nothing of it is durable before the first SyncJob.
func (l *Log) create(o Options) (*Log, Report, error) {
	if err := o.FS.Mkdir(o.Dir); err != nil {
		return nil, Report{}, fmt.Errorf("create log: %w", err)
	}
	if err := writeNew(o.FS, path.Join(o.Dir, PartitionMetadataFile), formatMetadata(o.TopicID)); err != nil {
		return nil, Report{}, fmt.Errorf("create log: %w", err)
	}
	if err := writeNew(o.FS, path.Join(o.Dir, EpochsFile), nil); err != nil {
		return nil, Report{}, fmt.Errorf("create log: %w", err)
	}
	s, err := segment.Create(o.FS, o.Dir, o.LogStart, o.Config.segment(), o.Residents)
	if err != nil {
		return nil, Report{}, fmt.Errorf("create log: %w", err)
	}
	l.mu.segments = []*segment.Segment{s}
	l.mu.start, l.mu.end, l.mu.synced = o.LogStart, o.LogStart, o.LogStart
	l.mu.noted, l.mu.oldest = o.LogStart, o.LogStart
	l.mu.namesDirty, l.mu.parentDirty, l.mu.metaDirty = true, true, true
	l.write.activeLoaded = true
	return l, Report{Created: true, Start: o.LogStart, End: o.LogStart}, nil
}

func writeNew(fs vfs.FS, name string, content []byte) error {
	f, err := fs.Open(name, vfs.Truncate)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(content, 0)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
