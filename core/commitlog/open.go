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
	l := &Log{fs: o.FS, dir: o.Dir, topicID: o.TopicID, residents: o.Residents, jitter: o.Jitter}
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
	ld := &loader{l: l, o: o, files: files}
	if err := ld.load(); err != nil {
		l.Abandon()
		return nil, ld.report, fmt.Errorf("open log %s: %w", o.Dir, err)
	}
	return l, ld.report, nil
}

// create makes a new log's directory and first files. Nothing of it is durable before the first SyncJob.
func (l *Log) create(o Options) (*Log, Report, error) {
	if err := o.FS.Mkdir(o.Dir); err != nil {
		return nil, Report{}, fmt.Errorf("create log: %w", err)
	}
	if err := writeNew(o.FS, path.Join(o.Dir, PartitionMetadataFile), formatMetadata(o.TopicID)); err != nil {
		return nil, Report{}, fmt.Errorf("create log: %w", err)
	}
	if err := writeNew(o.FS, path.Join(o.Dir, EpochsFile), formatCheckpoint(nil)); err != nil {
		return nil, Report{}, fmt.Errorf("create log: %w", err)
	}
	s, err := segment.Create(o.FS, o.Dir, o.LogStart, o.Config.segment(), o.Residents)
	if err != nil {
		return nil, Report{}, fmt.Errorf("create log: %w", err)
	}
	l.mu.segments = []*segment.Segment{s}
	l.mu.start, l.mu.end, l.mu.synced = o.LogStart, o.LogStart, o.LogStart
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

// logFiles is what a partition's directory holds.
type logFiles struct {
	logs      []vfs.Entry // by base offset
	bases     []base.Offset
	indexed   map[base.Offset]int // how many of the two indexes exist
	snapshots []base.Offset       // ascending
	leftovers []string            // interrupted deletions and compactions, orphaned indexes
}

// listLog sorts the names of a partition's directory.
func listLog(fs vfs.FS, dir string) (*logFiles, error) {
	entries, err := fs.List(dir)
	if err != nil {
		return nil, fmt.Errorf("list log: %w", err)
	}
	files := &logFiles{indexed: make(map[base.Offset]int)}
	var indexes []vfs.Entry
	for _, e := range entries {
		b, suffix, ok := segment.ParseName(e.Name)
		switch {
		case !ok || e.Dir:
		case segment.IsTemporary(suffix):
			files.leftovers = append(files.leftovers, e.Name)
		case suffix == segment.LogSuffix:
			files.logs, files.bases = append(files.logs, e), append(files.bases, b)
		case suffix == segment.SnapshotSuffix:
			files.snapshots = append(files.snapshots, b)
		case suffix == segment.IndexSuffix || suffix == segment.TimeIndexSuffix:
			files.indexed[b]++
			indexes = append(indexes, e)
		case suffix == segment.TxnIndexSuffix:
			indexes = append(indexes, e)
		}
	}
	for _, e := range indexes {
		b, _, _ := segment.ParseName(e.Name)
		if _, ok := slices.BinarySearch(files.bases, b); !ok {
			files.leftovers = append(files.leftovers, e.Name)
		}
	}
	return files, nil
}

// loader takes up an existing log.
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
	changed       bool // something was cut off or rebuilt, and must be synced
}

func (ld *loader) load() error {
	ld.openSegments()
	if err := ld.checkFormat(); err != nil {
		return err
	}
	if err := ld.loadEpochs(); err != nil {
		return err
	}
	next, err := ld.loadProducers()
	if err != nil {
		return err
	}
	ld.dropSnapshots()
	if err := ld.removeLeftovers(); err != nil {
		return err
	}
	end, err := ld.recover(next)
	if err != nil {
		return err
	}
	return ld.finish(end)
}

// openSegments opens what is there and says from which segment on it is read.
func (ld *loader) openSegments() {
	o := ld.o
	for i, e := range ld.files.logs {
		s := segment.Open(o.FS, o.Dir, ld.files.bases[i], e.Size, o.Config.segment(), o.Residents)
		ld.segments = append(ld.segments, s)
	}
	ld.from = len(ld.segments)
	if o.Clean || len(ld.segments) == 0 {
		return
	}
	ld.from = floorSegment(ld.segments, o.RecoveryPoint)
	for i := range ld.from {
		if ld.files.indexed[ld.files.bases[i]] < 2 {
			ld.from = i
			return
		}
	}
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

// loadProducers loads the newest snapshot that is good and lies below what is read whole, and returns the offset it
// holds the state of. Those that lie beyond it are of no use: the log may have lost what they tell of.
func (ld *loader) loadProducers() (base.Offset, error) {
	limit := base.Offset(1<<63 - 1)
	if ld.from < len(ld.segments) {
		limit = ld.segments[ld.from].BaseOffset()
	}
	for _, at := range slices.Backward(ld.files.snapshots) {
		if at > limit {
			continue
		}
		p, err := readSnapshot(ld.o.FS, ld.o.Dir, at)
		if errors.Is(err, ErrBadSnapshot) {
			ld.files.leftovers = append(ld.files.leftovers, segment.Name(at, segment.SnapshotSuffix))
			continue
		}
		if err != nil {
			return 0, err
		}
		ld.l.write.producers = p
		return at, nil
	}
	if ld.o.Clean {
		// As in Kafka: a log without any snapshot never had an idempotent producer.
		return limit, nil
	}
	return 0, nil
}

// finish publishes the recovered log, cleans up what is left of others and makes what recovery changed durable.
func (ld *loader) finish(end base.Offset) error {
	l, o := ld.l, ld.o
	start := min(max(o.LogStart, ld.segments[0].BaseOffset()), end)
	if err := ld.removeDeleted(start); err != nil {
		return err
	}
	l.mu.segments = ld.segments
	l.mu.start = start
	l.mu.end = end
	l.mu.endPosition = ld.segments[len(ld.segments)-1].Size()
	l.mu.synced = end
	l.mu.epochs = ld.epochs
	cut := l.mu.epochs.cutEnd(end)
	l.mu.epochsDirty = ld.changed || cut || ld.epochsRebuilt
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
		if err := l.writeSnapshot(end); err != nil {
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

// removeDeleted removes segments before the log's start: their deletion was under way.
func (ld *loader) removeDeleted(start base.Offset) error {
	n := segmentsBefore(ld.segments, start)
	for _, s := range ld.segments[:n] {
		if err := s.Remove(); err != nil {
			return err
		}
	}
	ld.segments = ld.segments[n:]
	ld.from = max(ld.from-n, 0)
	return nil
}

// dropSnapshots removes the snapshots within what is read whole: they may be torn, or tell of what is gone. New ones are
// made on the way.
func (ld *loader) dropSnapshots() {
	if ld.from == len(ld.segments) {
		return
	}
	first := ld.segments[ld.from].BaseOffset()
	for _, at := range ld.files.snapshots {
		if at > first {
			ld.files.leftovers = append(ld.files.leftovers, segment.Name(at, segment.SnapshotSuffix))
		}
	}
}

// removeLeftovers removes the files of interrupted deletions, orphaned indexes and snapshots that are of no use.
func (ld *loader) removeLeftovers() error {
	for _, name := range ld.files.leftovers {
		if err := ld.o.FS.Remove(path.Join(ld.o.Dir, name)); err != nil && !isNotExist(err) {
			return fmt.Errorf("remove leftover: %w", err)
		}
	}
	return nil
}
