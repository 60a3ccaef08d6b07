// Package audit checks log directories that no broker uses: what "gregor log verify" does. It only reads, unless it is
// asked to repair.
//
// After a clean stop a directory must be right as it is: every batch whole, its CRC right, offsets dense and ascending;
// every index entry the one of a batch; snapshots whole; leader epochs ascending and those of the batches; checkpoints
// within the logs (commitlog.AuditDir does most of it).
//
// After an unclean stop a directory need not be right: indexes may be missing and the last bytes torn. It must be such
// that recovery makes it right without losing what was synced. So recovery runs, the broker's own, on an overlay that
// keeps its changes in memory; then the outcome is checked as above. What recovery would cut off is a note; what it
// would refuse to cut off is a problem.
package audit

import (
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// Errors of directories that cannot be checked at all.
var (
	// ErrInUse reports a directory that a broker holds.
	ErrInUse = errors.New("the directory is in use by a broker, stop that first")
	// ErrNoLogDir reports a path that is neither a log directory nor a partition's.
	ErrNoLogDir = errors.New("neither a log directory nor the directory of a partition")
)

// Options say how to check.
type Options struct {
	// Deep looks into every batch, inflating it if it is compressed.
	Deep bool
	// Wall is now, in Unix milliseconds.
	Wall int64
	// Begin is told the bytes of all logs before they are read, and Progress how many bytes more have been read; nil if
	// nobody asks.
	Begin, Progress func(n int64)
}

// mostProblems bounds the problems of one kind that are kept of one partition; all are counted.
const mostProblems = 5

// Problem is one thing that is wrong.
type Problem struct {
	// Kind sorts it: corrupt-batch, gap, bad-record, bad-index, bad-snapshot, bad-checkpoint, no-metadata, corrupt-log,
	// or other.
	Kind string `json:"kind"`
	// Text says where and what.
	Text string `json:"text"`
}

// Partition is what is known of one partition.
type Partition struct {
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	Dir       string    `json:"dir"`
	Segments  int       `json:"segments"`
	Batches   int       `json:"batches"`
	Records   int64     `json:"records"`
	SizeBytes int64     `json:"size_bytes"`
	Start     int64     `json:"start_offset"`
	End       int64     `json:"end_offset"`
	Problems  []Problem `json:"problems"`
	// Count is how many problems there are; Problems holds the first few of each kind.
	Count int      `json:"problem_count"`
	Notes []string `json:"notes,omitempty"`
}

// Report is what a check found.
type Report struct {
	Path string `json:"path"`
	// Clean says that the directory was shut down cleanly.
	Clean      bool        `json:"clean_shutdown"`
	Partitions []Partition `json:"partitions"`
	// Problems are those of the log directory itself.
	Problems []Problem `json:"problems"`
	// Count is how many problems there are in all.
	Count int `json:"problem_count"`
}

// Auditor checks one log directory, or one partition's, and holds its lock.
type Auditor struct {
	fs   vfs.FS
	o    Options
	lock vfs.Unlocker
	// path is what was asked for, root the log directory, dirs the names of the partitions' directories in it.
	path, root string
	dirs       []string
	// alone says that root is no log directory, but what a copied partition happens to lie in.
	alone, clean     bool
	recovery, starts []commitlog.OffsetEntry
	// compacted are the topics whose logs may have gaps.
	compacted map[string]bool
}

// Open takes a directory's lock, where there is one to take.
func Open(fs vfs.FS, name string, o Options) (*Auditor, error) {
	a := &Auditor{fs: fs, o: o, path: name, root: path.Clean(name)}
	if err := a.find(); err != nil {
		return nil, err
	}
	lock := path.Join(a.root, commitlog.LockFile)
	if there, err := vfs.Exists(fs, lock); err != nil {
		return nil, err
	} else if there && !a.alone {
		a.lock, err = fs.Lock(lock)
		switch {
		case errors.Is(err, vfs.ErrLocked):
			return nil, fmt.Errorf("%w: %s", ErrInUse, a.root)
		case err != nil && !errors.Is(err, vfs.ErrReadOnly):
			return nil, err
		}
	}
	if err := a.readState(); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// find says what the path is.
func (a *Auditor) find() error {
	entries, err := a.fs.List(a.root)
	if err != nil {
		return err
	}
	isLogDir := slices.ContainsFunc(entries, func(e vfs.Entry) bool { return e.Name == commitlog.MetaFile })
	for _, e := range entries {
		if _, ok := commitlog.ParsePartitionDir(e.Name); ok && e.Dir {
			a.dirs = append(a.dirs, e.Name)
		}
	}
	if isLogDir || len(a.dirs) > 0 {
		return nil
	}
	holds := slices.ContainsFunc(entries, func(e vfs.Entry) bool {
		_, suffix, ok := segment.ParseName(e.Name)
		return ok && suffix == segment.LogSuffix || e.Name == commitlog.PartitionMetadataFile
	})
	if !holds {
		return fmt.Errorf("%w: %s", ErrNoLogDir, a.path)
	}
	a.dirs, a.root = []string{path.Base(a.root)}, path.Dir(a.root)
	there, err := vfs.Exists(a.fs, path.Join(a.root, commitlog.MetaFile))
	a.alone = !there
	return err
}

// readState reads what the log directory says of its partitions. Broken checkpoints are found again by the check.
func (a *Auditor) readState() error {
	var err error
	a.clean = a.alone
	if !a.alone {
		if a.clean, err = vfs.Exists(a.fs, path.Join(a.root, commitlog.CleanShutdownFile)); err != nil {
			return err
		}
	}
	for name, into := range map[string]*[]commitlog.OffsetEntry{
		commitlog.RecoveryPointFile: &a.recovery, commitlog.LogStartFile: &a.starts,
	} {
		if *into, err = commitlog.ReadOffsets(a.fs, a.root, name); err != nil &&
			!errors.Is(err, commitlog.ErrBadCheckpoint) {
			return err
		}
	}
	a.compacted = a.compactedTopics()
	return nil
}

// Close releases the lock.
func (a *Auditor) Close() error {
	if a.lock == nil {
		return nil
	}
	return a.lock.Close()
}

// Check checks everything.
func (a *Auditor) Check() (*Report, error) {
	r := &Report{Path: a.path, Clean: a.clean, Partitions: []Partition{}, Problems: []Problem{}}
	if a.o.Begin != nil {
		n, err := a.bytes()
		if err != nil {
			return nil, err
		}
		a.o.Begin(n)
	}
	ends := make(map[base.TopicPartition]Partition)
	for _, name := range a.dirs {
		p, err := a.partition(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		r.Partitions = append(r.Partitions, p)
		r.Count += p.Count
		ends[base.TopicPartition{Topic: p.Topic, Partition: p.Partition}] = p
	}
	if !a.alone {
		r.Problems = a.directory(ends)
		r.Count += len(r.Problems)
	}
	return r, nil
}

// bytes returns the size of all logs.
func (a *Auditor) bytes() (int64, error) {
	var n int64
	for _, name := range a.dirs {
		entries, err := a.fs.List(path.Join(a.root, name))
		if err != nil {
			return 0, err
		}
		for _, e := range entries {
			if path.Ext(e.Name) == segment.LogSuffix {
				n += e.Size
			}
		}
	}
	return n, nil
}
