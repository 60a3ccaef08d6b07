package audit

import (
	"errors"
	"fmt"
	"path"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/cmd/gregor/internal/overlay"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// ErrCompacted reports a partition that Repair leaves alone: in a compacted log a gap between segments cannot be told
// from a loss.
var ErrCompacted = errors.New("compacted topics are not repaired in place")

// Repaired is what Repair did, or would do, to one partition.
type Repaired struct {
	Dir string `json:"dir"`
	// Lost says what was cut off, empty if nothing was; LostBytes how much, indexes not counted, and LostFrom from
	// which offset on.
	Lost      string `json:"lost,omitempty"`
	LostBytes int64  `json:"lost_bytes"`
	LostFrom  int64  `json:"lost_from_offset"`
	// Start and End are the log's offsets now.
	Start int64 `json:"start_offset"`
	End   int64 `json:"end_offset"`
	// Error says why it was not repaired.
	Error string `json:"error,omitempty"`
}

// Repair reads every partition that a check has found problems in, cuts its log off at the first damage, and makes its
// indexes, leader epochs and producer state anew. With dry it says what that would do and changes nothing.
func (a *Auditor) Repair(r *Report, dry bool) ([]Repaired, error) {
	out := []Repaired{}
	for _, p := range r.Partitions {
		if p.Count == 0 {
			continue
		}
		tp := base.TopicPartition{Topic: p.Topic, Partition: p.Partition}
		done, err := a.repair(p.Dir, tp, dry)
		if err != nil {
			done.Error = err.Error()
		}
		out = append(out, done)
		if err == nil && !dry && !a.alone {
			if err := a.lower(tp, base.Offset(done.Start), base.Offset(done.End)); err != nil {
				return out, err
			}
		}
	}
	return out, nil
}

// repair repairs one partition.
func (a *Auditor) repair(name string, tp base.TopicPartition, dry bool) (Repaired, error) {
	done := Repaired{Dir: name, LostFrom: int64(base.NoOffset)}
	if a.compacted[tp.Topic] {
		return done, ErrCompacted
	}
	fs, dir := a.fs, path.Join(a.root, name)
	if dry {
		over := overlay.New(fs)
		defer over.Close()
		fs = over
	}
	before, err := logBytes(fs, dir)
	if err != nil {
		return done, err
	}
	id, err := commitlog.ReadMetadata(fs, dir)
	if err != nil {
		return done, err
	}
	// Recovery believes the leader epochs that it finds; without the file it takes them from the batches.
	if err := fs.Remove(path.Join(dir, commitlog.EpochsFile)); err != nil && !errors.Is(err, vfs.ErrNotExist) {
		return done, err
	}
	start, _ := commitlog.LookupOffset(a.starts, tp)
	log, report, err := commitlog.Open(commitlog.Options{
		FS: fs, Dir: dir, TopicID: id, Config: config, Residents: segment.NewResidents(1), Wall: a.o.Wall,
		LogStart: start, AcceptLoss: true,
	})
	if err != nil {
		return done, err
	}
	done.Start, done.End = int64(log.Start()), int64(log.End())
	if err := log.Close(); err != nil {
		return done, err
	}
	after, err := logBytes(fs, dir)
	if err != nil {
		return done, err
	}
	if done.LostBytes = before - after; report.Cut != nil {
		done.LostFrom = done.End
		done.Lost = fmt.Sprintf("%v; %d later segments", report.Cut, report.Dropped)
	}
	return done, nil
}

// logBytes returns the size of a partition's .log files.
func logBytes(fs vfs.FS, dir string) (int64, error) {
	files, err := logFiles(fs, dir)
	var n int64
	for _, e := range files {
		n += e.Size
	}
	return n, err
}

// lower takes the checkpoints of a partition back to what its log holds now.
func (a *Auditor) lower(tp base.TopicPartition, start, end base.Offset) error {
	for _, name := range []string{commitlog.RecoveryPointFile, commitlog.LogStartFile, commitlog.HighWatermarkFile} {
		entries, err := commitlog.ReadOffsets(a.fs, a.root, name)
		if errors.Is(err, commitlog.ErrBadCheckpoint) {
			continue // the next start does without
		}
		if err != nil {
			return err
		}
		changed := false
		for i := range entries {
			e := &entries[i]
			offset := end
			if name == commitlog.LogStartFile {
				offset = start
			}
			// All of a repaired log is synced, so its recovery point is its end.
			if e.Partition == tp && (e.Offset > offset || name == commitlog.RecoveryPointFile && e.Offset != offset) {
				e.Offset, changed = offset, true
			}
		}
		if !changed {
			continue
		}
		if err := commitlog.WriteOffsets(a.fs, a.root, name, entries); err != nil {
			return err
		}
	}
	return nil
}
