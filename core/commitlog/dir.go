package commitlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/vfs"
)

// Names of the files that a log directory keeps for itself.
const (
	LockFile          = ".lock"
	CleanShutdownFile = ".kafka_cleanshutdown"
	MetaFile          = "meta.properties"
)

// Errors of a log directory. All are found before anything in it is changed.
var (
	// ErrDirLocked reports a directory that another broker uses.
	ErrDirLocked = errors.New("log directory is in use by another broker")
	// ErrOtherCluster reports a directory of another cluster.
	ErrOtherCluster = errors.New("log directory belongs to another cluster")
	// ErrOtherNode reports a directory of another node of the cluster.
	ErrOtherNode = errors.New("log directory belongs to another node")
	// ErrNotFormatted reports a directory without meta.properties that is not empty either.
	ErrNotFormatted = errors.New("log directory has no meta.properties but is not empty")
)

// Dir is one log directory, locked by this broker.
type Dir struct {
	fs   vfs.FS
	path string
	lock vfs.Unlocker

	// Meta is what meta.properties says.
	Meta MetaProperties
	// Clean says that the directory was shut down cleanly before; Trusted, that gregor did it; BrokerEpoch, in which
	// broker epoch, or -1.
	Clean, Trusted bool
	BrokerEpoch    int64
	// Recovery and Starts are the recovery point and log start checkpoints as they were found.
	Recovery, Starts []OffsetEntry
}

// OpenDir locks a log directory and reads what it keeps for itself. want names the node and, unless empty, the cluster
// that it must belong to. A directory that is empty or does not exist is formatted: a cluster id is drawn from draw if
// want has none. The clean shutdown mark stays until BeginUse.
func OpenDir(fs vfs.FS, dir string, want MetaProperties, draw func() uint64) (*Dir, error) {
	if _, _, err := readMeta(fs, dir, want); err != nil {
		return nil, err
	}
	if err := vfs.MkdirSync(fs, dir); err != nil {
		return nil, fmt.Errorf("make log directory %s: %w", dir, err)
	}
	lock, err := fs.Lock(path.Join(dir, LockFile))
	if errors.Is(err, vfs.ErrLocked) {
		return nil, fmt.Errorf("%w: %s: %w", ErrDirLocked, dir, err)
	}
	if err != nil {
		return nil, fmt.Errorf("lock log directory %s: %w", dir, err)
	}
	d := &Dir{fs: fs, path: dir, lock: lock}
	if err := d.read(want, draw); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return d, nil
}

// AbsentDir stands for a directory that cannot be opened. It has a name and nothing else: only Path may be called.
func AbsentDir(dir string) *Dir {
	return &Dir{path: dir, BrokerEpoch: -1}
}

func (d *Dir) read(want MetaProperties, draw func() uint64) error {
	meta, formatted, err := readMeta(d.fs, d.path, want)
	if err != nil {
		return err
	}
	if !formatted {
		if meta, err = format(d.fs, d.path, want, draw); err != nil {
			return err
		}
	}
	d.Meta = meta
	if err := d.readClean(); err != nil {
		return err
	}
	// Broken checkpoints only cost a longer recovery: nothing is known to be synced then.
	if d.Recovery, err = ReadOffsets(d.fs, d.path, RecoveryPointFile); err != nil && !errors.Is(err, ErrBadCheckpoint) {
		return err
	}
	if err != nil {
		d.Clean, d.Trusted = false, false
	}
	if d.Starts, err = ReadOffsets(d.fs, d.path, LogStartFile); err != nil && !errors.Is(err, ErrBadCheckpoint) {
		return err
	}
	return nil
}

// readMeta reads meta.properties and holds it against want. It reports false for a directory to be formatted.
func readMeta(fs vfs.FS, dir string, want MetaProperties) (MetaProperties, bool, error) {
	content, err := vfs.ReadFile(fs, path.Join(dir, MetaFile))
	if errors.Is(err, vfs.ErrNotExist) {
		return MetaProperties{}, false, checkEmpty(fs, dir)
	}
	if err != nil {
		return MetaProperties{}, false, fmt.Errorf("read %s: %w", MetaFile, err)
	}
	meta, err := ParseMeta(content)
	if err != nil {
		return MetaProperties{}, false, fmt.Errorf("%s: %w", path.Join(dir, MetaFile), err)
	}
	if meta.NodeID != want.NodeID {
		return meta, false, fmt.Errorf("%w: %s: got node.id %d, expected %d", ErrOtherNode, dir, meta.NodeID,
			want.NodeID)
	}
	if want.ClusterID != "" && meta.ClusterID != want.ClusterID {
		return meta, false, fmt.Errorf("%w: %s: got cluster.id %s, expected %s", ErrOtherCluster, dir, meta.ClusterID,
			want.ClusterID)
	}
	return meta, true, nil
}

// checkEmpty refuses to format a directory that holds somebody's partitions.
func checkEmpty(fs vfs.FS, dir string) error {
	entries, err := fs.List(dir)
	if errors.Is(err, vfs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list log directory %s: %w", dir, err)
	}
	for _, e := range entries {
		if e.Dir {
			if _, ok := ParsePartitionDir(e.Name); ok {
				return fmt.Errorf("%w: %s holds %s", ErrNotFormatted, dir, e.Name)
			}
		}
	}
	return nil
}

func format(fs vfs.FS, dir string, want MetaProperties, draw func() uint64) (MetaProperties, error) {
	meta := want
	if meta.ClusterID == "" {
		meta.ClusterID = base.NewUUID(draw).String()
	}
	if meta.DirectoryID.IsZero() {
		meta.DirectoryID = base.NewUUID(draw)
	}
	if err := vfs.WriteFileAtomic(fs, path.Join(dir, MetaFile), meta.Format()); err != nil {
		return meta, fmt.Errorf("format log directory %s: %w", dir, err)
	}
	return meta, nil
}

// cleanShutdown is the content of .kafka_cleanshutdown. Kafka ignores the writer.
type cleanShutdown struct {
	Version     int    `json:"version"`
	BrokerEpoch int64  `json:"brokerEpoch"`
	Writer      string `json:"writer,omitempty"`
}

const cleanWriter = "gregor"

func (d *Dir) readClean() error {
	d.BrokerEpoch = -1
	content, err := vfs.ReadFile(d.fs, path.Join(d.path, CleanShutdownFile))
	if errors.Is(err, vfs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", CleanShutdownFile, err)
	}
	d.Clean = true
	c := cleanShutdown{BrokerEpoch: -1}
	if json.Unmarshal(content, &c) == nil {
		d.BrokerEpoch = c.BrokerEpoch
		d.Trusted = c.Writer == cleanWriter
	}
	return nil
}

// BeginUse removes the clean shutdown mark, durably, before anything in the directory is written.
func (d *Dir) BeginUse() error {
	if !d.Clean {
		return nil
	}
	if err := d.fs.Remove(path.Join(d.path, CleanShutdownFile)); err != nil {
		return fmt.Errorf("begin use of log directory: %w", err)
	}
	if err := d.fs.SyncDir(d.path); err != nil {
		return fmt.Errorf("begin use of log directory: %w", err)
	}
	return nil
}

// MarkClean writes the clean shutdown mark, durably. All logs are closed and all checkpoints written before.
func (d *Dir) MarkClean(brokerEpoch int64) error {
	content, err := json.Marshal(cleanShutdown{BrokerEpoch: brokerEpoch, Writer: cleanWriter})
	if err != nil {
		return fmt.Errorf("mark clean shutdown: %w", err)
	}
	if err := vfs.WriteFileAtomic(d.fs, path.Join(d.path, CleanShutdownFile), content); err != nil {
		return fmt.Errorf("mark clean shutdown: %w", err)
	}
	return nil
}

// Path returns the directory's name.
func (d *Dir) Path() string {
	return d.path
}

// FS returns the file system that the directory is on.
func (d *Dir) FS() vfs.FS {
	return d.fs
}

// Close releases the lock.
func (d *Dir) Close() error {
	return d.lock.Close()
}

// PartitionDirs returns the directories of partitions, in the order of their names, and those of deleted ones that wait
// for their removal.
func (d *Dir) PartitionDirs() (partitions []base.TopicPartition, deleted []string, err error) {
	entries, err := d.fs.List(d.path)
	if err != nil {
		return nil, nil, fmt.Errorf("list log directory %s: %w", d.path, err)
	}
	for _, e := range entries {
		if !e.Dir {
			continue
		}
		if tp, ok := ParsePartitionDir(e.Name); ok {
			partitions = append(partitions, tp)
		} else if strings.HasSuffix(e.Name, deleteSuffix) {
			deleted = append(deleted, e.Name)
		}
	}
	return partitions, deleted, nil
}

// Suffixes of partition directories that are no longer, not yet or wrongly here.
const (
	deleteSuffix = "-delete"
	futureSuffix = "-future"
	straySuffix  = "-stray"
)

// largestName is the longest file name that file systems take.
const largestName = 255

// RetiredName returns the name that a partition's directory gets before it is removed, or, with stray, when nobody
// knows its topic: "<topic>-<p>.<32 hex digits>-delete", the topic cut so that the name fits.
func RetiredName(tp base.TopicPartition, id base.UUID, stray bool) string {
	suffix := deleteSuffix
	if stray {
		suffix = straySuffix
	}
	tail := fmt.Sprintf("-%d.%x%s", tp.Partition, id[:], suffix)
	topic := tp.Topic
	if len(topic)+len(tail) > largestName {
		topic = topic[:largestName-len(tail)]
	}
	return topic + tail
}

// FutureName returns the name of the directory that a partition is copied to while it moves to another log directory:
// "<topic>-<p>.<32 hex digits>-future". It reports false if no file name is long enough for it.
func FutureName(tp base.TopicPartition, id base.UUID) (string, bool) {
	name := fmt.Sprintf("%s-%d.%x%s", tp.Topic, tp.Partition, id[:], futureSuffix)
	return name, len(name) <= largestName
}

// FutureDirs returns the partitions that were being moved to the directory when it was last used, by the names of
// their directories, in the order of the names.
func (d *Dir) FutureDirs() (partitions []base.TopicPartition, names []string, err error) {
	entries, err := d.fs.List(d.path)
	if err != nil {
		return nil, nil, fmt.Errorf("list log directory %s: %w", d.path, err)
	}
	for _, e := range entries {
		dot := strings.LastIndexByte(e.Name, '.')
		if !e.Dir || !strings.HasSuffix(e.Name, futureSuffix) || dot < 0 {
			continue
		}
		if tp, ok := ParsePartitionDir(e.Name[:dot]); ok {
			partitions, names = append(partitions, tp), append(names, e.Name)
		}
	}
	return partitions, names, nil
}

// ParsePartitionDir takes the name of a partition's directory apart. It reports false for other names.
func ParsePartitionDir(name string) (base.TopicPartition, bool) {
	for _, suffix := range []string{deleteSuffix, futureSuffix, straySuffix} {
		if strings.HasSuffix(name, suffix) && strings.Contains(name, ".") {
			return base.TopicPartition{}, false
		}
	}
	i := strings.LastIndexByte(name, '-')
	if i <= 0 || i == len(name)-1 || len(name)-i > 11 {
		return base.TopicPartition{}, false
	}
	var p int64
	for _, c := range []byte(name[i+1:]) {
		if c < '0' || c > '9' {
			return base.TopicPartition{}, false
		}
		p = p*10 + int64(c-'0')
	}
	if p > 1<<31-1 {
		return base.TopicPartition{}, false
	}
	return base.TopicPartition{Topic: name[:i], Partition: int32(p)}, true
}
