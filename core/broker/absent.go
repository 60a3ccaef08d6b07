package broker

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/replication/meta"
)

// A log directory other than the first that cannot be read or locked at the start is left out, and the others are used
// (as in Kafka); one that belongs to somebody else, or is not formatted, ends the start. What was in the directory must
// not be made anew, empty, somewhere else. The broker's registration tells: it has the ids of all directories that were
// used before. While one of them is missing (not readable, emptied, or no longer configured), a partition that is in
// none of the others is offline, and the registration keeps the id, so that the next start knows as well.

// absence is what is known of directories that are missing.
type absence struct {
	// dirs are those of the configuration that cannot be opened. They are not among the broker's dirs.
	dirs []*logDir
	// ids are those of directories that are missing, if there are partitions that may be in them.
	ids []base.UUID
	// some says that any directory is missing, whatever was in it.
	some bool
}

// mayBeAbsent reports whether the start may go on without a directory that could not be opened for this reason.
func mayBeAbsent(cause error) bool {
	for _, refusal := range []error{
		commitlog.ErrDirLocked, commitlog.ErrOtherCluster, commitlog.ErrOtherNode, commitlog.ErrNotFormatted,
		commitlog.ErrBadMeta,
	} {
		if errors.Is(cause, refusal) {
			return false
		}
	}
	return true
}

// leaveOut notes a directory that cannot be opened.
func (b *Broker) leaveOut(name string, cause error) {
	d := &logDir{Dir: commitlog.AbsentDir(name)}
	d.mu.failure = coded(kafkaStorageError, "log directory %s is offline: %v", name, cause)
	b.absent.dirs = append(b.absent.dirs, d)
	b.storage.Error("log directory is offline", "directory", name, "cause", cause.Error())
}

// findAbsent compares the directories that there are with those that the broker registered before.
func (b *Broker) findAbsent(image *meta.Image) error {
	b.absent.some = len(b.absent.dirs) > 0
	var missing []base.UUID
	if node := image.Broker(b.nodeID); node != nil {
		for _, id := range node.LogDirs {
			if !slices.ContainsFunc(b.dirs, func(d *logDir) bool { return d.Meta.DirectoryID == id }) {
				missing = append(missing, id)
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	b.absent.some = true
	here := make(map[base.TopicPartition]bool)
	for _, d := range b.dirs {
		partitions, _, err := d.PartitionDirs()
		if err != nil {
			return err
		}
		for _, tp := range partitions {
			here[tp] = true
		}
	}
	for t := range image.Topics() {
		for _, m := range t.Partitions {
			tp := base.TopicPartition{Topic: t.Name, Partition: m.ID}
			if !here[tp] && slices.Contains(m.Replicas, b.nodeID) {
				b.absent.ids = missing
				return nil
			}
		}
	}
	return nil
}

// refuseAbsent takes the partitions offline that are in none of the directories, while one is missing.
func (b *Broker) refuseAbsent(image *meta.Image) {
	if len(b.absent.ids) == 0 {
		return
	}
	place := &logDir{Dir: commitlog.AbsentDir("")}
	lost := fmt.Errorf("its log directory %s is missing", b.absent.ids[0])
	if len(b.absent.dirs) > 0 {
		place = b.absent.dirs[0]
		lost = place.failed()
	}
	for t := range image.Topics() {
		made := b.topics.add(t)
		for _, m := range t.Partitions {
			if made.partition(m.ID) == nil && slices.Contains(m.Replicas, b.nodeID) {
				tp := base.TopicPartition{Topic: t.Name, Partition: m.ID}
				place.add(1)
				made.put(b.refuse(image, made, claim{foundDir: foundDir{tp: tp, dir: place}, topic: t, lost: lost}))
			}
		}
	}
}

// allDirs returns all directories of the configuration, those that are missing last.
func (b *Broker) allDirs() []*logDir {
	return slices.Concat(b.dirs, b.absent.dirs)
}
