package dump

import (
	"encoding/binary"
	"fmt"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/vfs"
)

// An entry of a transaction index, big-endian: an aborted transaction and the last stable offset when its marker came.
//
//	 0         2             10             18            26                  34
//	+---------+-------------+--------------+-------------+-------------------+
//	| version | producer id | first offset | last offset | last stable offset|
//	+---------+-------------+--------------+-------------+-------------------+
const abortedSize = 34

// abortedObject is an entry of a transaction index in JSON.
type abortedObject struct {
	Version     int16 `json:"version"`
	ProducerID  int64 `json:"producer_id"`
	FirstOffset int64 `json:"first_offset"`
	LastOffset  int64 `json:"last_offset"`
	LastStable  int64 `json:"last_stable_offset"`
}

// txnIndex prints a transaction index.
func (d *Dumper) txnIndex(name string) error {
	p, err := vfs.ReadFile(d.fs, name)
	if err != nil {
		return err
	}
	be := binary.BigEndian
	for ; len(p) >= abortedSize; p = p[abortedSize:] {
		o := abortedObject{
			Version: int16(be.Uint16(p)), ProducerID: int64(be.Uint64(p[2:])), FirstOffset: int64(be.Uint64(p[10:])),
			LastOffset: int64(be.Uint64(p[18:])), LastStable: int64(be.Uint64(p[26:])),
		}
		if o.Version != 0 {
			return fmt.Errorf("got an entry of version %d, expected 0", o.Version)
		}
		d.line("version: %d producerId: %d firstOffset: %d lastOffset: %d lastStableOffset: %d", o.Version,
			o.ProducerID, o.FirstOffset, o.LastOffset, o.LastStable)
		if err := d.object("aborted_transaction", name, o); err != nil {
			return err
		}
	}
	if len(p) > 0 {
		return fmt.Errorf("got %d bytes after the last entry, expected none", len(p))
	}
	return nil
}

// producerObject is an entry of a producer snapshot in JSON.
type producerObject struct {
	ProducerID       int64  `json:"producer_id"`
	ProducerEpoch    int16  `json:"producer_epoch"`
	CoordinatorEpoch int32  `json:"coordinator_epoch"`
	TxnFirstOffset   *int64 `json:"current_txn_first_offset"`
	LastTimestampMs  int64  `json:"last_timestamp_ms"`
	FirstSequence    *int32 `json:"first_sequence,omitempty"`
	LastSequence     *int32 `json:"last_sequence,omitempty"`
	LastOffset       *int64 `json:"last_offset,omitempty"`
	OffsetDelta      *int32 `json:"offset_delta,omitempty"`
}

// snapshot prints a producer snapshot. A broken one is told in a line of the output, as Kafka's tool does.
func (d *Dumper) snapshot(name string) error {
	content, err := vfs.ReadFile(d.fs, name)
	if err != nil {
		return err
	}
	entries, err := commitlog.ParseSnapshot(content)
	if err != nil {
		return err
	}
	for _, e := range entries {
		o := producerObject{
			ProducerID: int64(e.ID), ProducerEpoch: int16(e.Epoch), CoordinatorEpoch: e.CoordinatorEpoch,
			LastTimestampMs: e.LastTimestamp,
		}
		first := "OptionalLong.empty"
		if e.TxnFirstOffset != base.NoOffset {
			n := int64(e.TxnFirstOffset)
			first, o.TxnFirstOffset = fmt.Sprintf("OptionalLong[%d]", n), &n
		}
		d.text("producerId: %d producerEpoch: %d coordinatorEpoch: %d currentTxnFirstOffset: %s lastTimestamp: %d",
			o.ProducerID, o.ProducerEpoch, o.CoordinatorEpoch, first, o.LastTimestampMs)
		if e.LastOffset >= 0 {
			sequence, last := batch.AddSequence(e.LastSequence, -e.OffsetDelta), int64(e.LastOffset)
			o.FirstSequence, o.LastSequence = &sequence, &e.LastSequence
			o.LastOffset, o.OffsetDelta = &last, &e.OffsetDelta
			d.text(" firstSequence: %d lastSequence: %d lastOffset: %d offsetDelta: %d timestamp: %d", sequence,
				e.LastSequence, last, e.OffsetDelta, e.LastTimestamp)
		}
		d.line("")
		if err := d.object("producer", name, o); err != nil {
			return err
		}
	}
	return nil
}

// epochs prints a leader epoch checkpoint.
func (d *Dumper) epochs(name string) error {
	content, err := vfs.ReadFile(d.fs, name)
	if err != nil {
		return err
	}
	entries, err := commitlog.ParseEpochs(content)
	if err != nil {
		return err
	}
	for _, e := range entries {
		d.line("leaderEpoch: %d startOffset: %d", e.Epoch, e.Start)
		fields := map[string]any{"leader_epoch": e.Epoch, "start_offset": e.Start}
		if err := d.object("leader_epoch", name, fields); err != nil {
			return err
		}
	}
	return nil
}

// offsets prints one of a log directory's offset checkpoints.
func (d *Dumper) offsets(name string) error {
	content, err := vfs.ReadFile(d.fs, name)
	if err != nil {
		return err
	}
	entries, err := commitlog.ParseOffsets(content)
	if err != nil {
		return err
	}
	for _, e := range entries {
		d.line("topic: %s partition: %d offset: %d", e.Partition.Topic, e.Partition.Partition, e.Offset)
		err := d.object("checkpoint", name, map[string]any{
			"topic": e.Partition.Topic, "partition": e.Partition.Partition, "offset": e.Offset,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// partitionMetadata prints a partition.metadata file.
func (d *Dumper) partitionMetadata(name string) error {
	content, err := vfs.ReadFile(d.fs, name)
	if err != nil {
		return err
	}
	id, err := commitlog.ParseMetadata(content)
	if err != nil {
		return err
	}
	d.line("version: 0 topicId: %s", id)
	return d.object("partition_metadata", name, map[string]any{"version": 0, "topic_id": id.String()})
}

// meta prints a meta.properties file.
func (d *Dumper) meta(name string) error {
	content, err := vfs.ReadFile(d.fs, name)
	if err != nil {
		return err
	}
	m, err := commitlog.ParseMeta(content)
	if err != nil {
		return err
	}
	d.line("version: 1 clusterId: %s nodeId: %d directoryId: %s", m.ClusterID, m.NodeID, m.DirectoryID)
	return d.object("meta_properties", name, map[string]any{
		"version": 1, "cluster_id": m.ClusterID, "node_id": m.NodeID, "directory_id": m.DirectoryID.String(),
	})
}
