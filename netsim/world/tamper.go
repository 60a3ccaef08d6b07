package world

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/core/vfs"
)

// offsetsTopic is the topic in which brokers keep what they know of groups.
const offsetsTopic = "__consumer_offsets"

// OffsetsLogs returns the partitions of __consumer_offsets that are on the node's disk.
func (n *Node) OffsetsLogs() []base.TopicPartition {
	entries, err := n.disk.Bare().List(dataDir)
	if err != nil {
		return nil
	}
	var found []base.TopicPartition
	for _, e := range entries {
		number, ok := strings.CutPrefix(e.Name, offsetsTopic+"-")
		partition, err := strconv.ParseInt(number, 10, 32)
		if ok && err == nil {
			found = append(found, base.TopicPartition{Topic: offsetsTopic, Partition: int32(partition)})
		}
	}
	return found
}

// What follows changes a log behind its broker's back, on the disk of a node whose process was killed.

// Records visits all records of a log on the node's disk, batch by batch.
func (n *Node) Records(tp base.TopicPartition, visit func(b batch.Batch, key, value []byte)) error {
	image, err := readLog(n.disk.Bare(), path.Join(dataDir, tp.String()))
	if err != nil {
		return err
	}
	for i := range image.batches {
		it := image.batches[i].bytes.Records(batch.DefaultMaxInflated)
		for it.Next() {
			visit(image.batches[i].bytes, it.Record().Key, it.Record().Value)
		}
		it.Close()
	}
	return nil
}

// CutFrom cuts the end of a log off, from a batch of its last segment on, and takes the recovery points with it, so
// that the next process cannot know. It reports false if there is no such batch or the process was not killed.
func (n *Node) CutFrom(tp base.TopicPartition, at base.Offset) bool {
	fs := n.disk.Bare()
	image, err := readLog(fs, path.Join(dataDir, tp.String()))
	if err != nil || n.down != endKill {
		return false
	}
	s := &image.segments[len(image.segments)-1]
	for _, b := range image.batches[s.first:s.last] {
		if b.bytes.BaseOffset() != at {
			continue
		}
		f, err := fs.Open(image.path(s.base, segment.LogSuffix), vfs.ReadWrite)
		if err != nil {
			return false
		}
		err = fs.Remove(path.Join(dataDir, commitlog.RecoveryPointFile))
		if errors.Is(err, vfs.ErrNotExist) {
			err = nil
		}
		return errors.Join(err, f.Truncate(b.position), f.Sync(), f.Close()) == nil
	}
	return false
}

// AddRecord appends a record to a log, as if its broker had. It reports false if the log has no batch to go on from, or
// the process was not killed.
func (n *Node) AddRecord(tp base.TopicPartition, key, value []byte) bool {
	fs := n.disk.Bare()
	image, err := readLog(fs, path.Join(dataDir, tp.String()))
	if err != nil || n.down != endKill || len(image.batches) == 0 {
		return false
	}
	last := image.batches[len(image.batches)-1].bytes
	var builder batch.Builder
	builder.Reset(batch.NewOptions())
	builder.Append(last.MaxTimestamp(), key, value)
	made, err := builder.Build()
	if err != nil {
		return false
	}
	made.SetBaseOffset(image.end)
	made.SetLeaderEpoch(n.epochOf(tp, last.LeaderEpoch()))
	name := image.path(image.segments[len(image.segments)-1].base, segment.LogSuffix)
	content, err := vfs.ReadFile(fs, name)
	if err != nil {
		return false
	}
	f, err := fs.Open(name, vfs.ReadWrite)
	if err != nil {
		return false
	}
	_, err = f.WriteAt(made, int64(len(content)))
	return errors.Join(err, f.Sync(), f.Close()) == nil
}

// epochOf returns the last leader epoch in a log's checkpoint, or the one given if there is none.
func (n *Node) epochOf(tp base.TopicPartition, otherwise base.LeaderEpoch) base.LeaderEpoch {
	text, err := vfs.ReadFile(n.disk.Bare(), path.Join(dataDir, tp.String(), commitlog.EpochsFile))
	if err != nil {
		return otherwise
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	var epoch base.LeaderEpoch
	if _, err := fmt.Sscan(lines[len(lines)-1], &epoch); err != nil {
		return otherwise
	}
	return max(epoch, otherwise)
}
