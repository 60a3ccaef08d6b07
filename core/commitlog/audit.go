package commitlog

import (
	"errors"
	"fmt"
	"path"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// Audit is what a check of a whole partition directory found.
type Audit struct {
	Segments, Batches int
	Records, Bytes    int64
	// Start and End are the first offset and the one after the last.
	Start, End base.Offset
	// Problems are all that is wrong, each with the file's name and what was got and expected.
	Problems []error
}

// AuditDir checks the directory of a partition that nobody has open and that was closed cleanly: segments against their
// indexes (segment.Audit), segments against each other, producer snapshots, the leader epoch checkpoint against the
// epochs of the batches, partition.metadata. It reads everything and changes nothing. progress, unless nil, is told the
// bytes read so far.
func AuditDir(fs vfs.FS, dir string, progress func(bytes int64)) (Audit, error) {
	files, err := listLog(fs, dir)
	if err != nil {
		return Audit{}, err
	}
	var a Audit
	a.metadata(fs, dir)
	epochs := a.epochs(fs, dir)
	residents := segment.NewResidents(1)
	next := base.Offset(0)
	for i, e := range files.logs {
		s := segment.Open(fs, dir, files.bases[i], e.Size, segment.Config{}, residents)
		if i == 0 {
			a.Start = files.bases[0]
		}
		if files.bases[i] < next {
			a.found("segment %d begins before the end %d of the one before", files.bases[i], next)
		}
		end, problems := s.Audit(next, func(b batch.Batch, _ int64) { a.batch(b, epochs, progress) })
		next = max(end, files.bases[i])
		a.Problems = append(a.Problems, problems...)
		a.Segments++
		s.Close()
		residents.Forget(s)
	}
	a.End = next
	a.snapshots(fs, dir, files.snapshots)
	return a, nil
}

func (a *Audit) found(format string, args ...any) {
	a.Problems = append(a.Problems, fmt.Errorf(format, args...))
}

func (a *Audit) batch(b batch.Batch, epochs epochCache, progress func(int64)) {
	a.Batches++
	a.Records += int64(b.Count())
	a.Bytes += int64(len(b))
	// Below the first epoch that it knows, the checkpoint says nothing: DeleteRecords may have cut it there.
	if want := epochs.at(b.BaseOffset()); want != base.NoEpoch && b.LeaderEpoch() != want {
		a.found("batch at offset %d: got leader epoch %d, the checkpoint says %d", b.BaseOffset(),
			b.LeaderEpoch(), want)
	}
	if progress != nil {
		progress(a.Bytes)
	}
}

func (a *Audit) metadata(fs vfs.FS, dir string) {
	if _, err := ReadMetadata(fs, dir); err != nil {
		a.found("%w", err)
	}
}

func (a *Audit) epochs(fs vfs.FS, dir string) epochCache {
	content, err := vfs.ReadFile(fs, path.Join(dir, EpochsFile))
	if errors.Is(err, vfs.ErrNotExist) || err == nil && len(content) == 0 {
		return nil // no epoch has begun yet
	}
	var epochs epochCache
	if err == nil {
		epochs, err = parseEpochs(content)
	}
	if err != nil {
		a.found("%s: %w", EpochsFile, err)
	}
	return epochs
}

func (a *Audit) snapshots(fs vfs.FS, dir string, offsets []base.Offset) {
	for _, at := range offsets {
		name := segment.Name(at, segment.SnapshotSuffix)
		content, err := vfs.ReadFile(fs, path.Join(dir, name))
		if err != nil {
			a.found("%s: %w", name, err)
			continue
		}
		entries, err := ParseSnapshot(content)
		if err != nil {
			a.found("%s: %w", name, err)
			continue
		}
		for _, e := range entries {
			if e.LastOffset >= at || at > a.End {
				a.found("%s: producer %d: got last offset %d, the log ends at %d", name, e.ID, e.LastOffset, a.End)
			}
		}
	}
}
