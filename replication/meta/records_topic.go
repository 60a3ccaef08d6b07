package meta

import "github.com/gregor-log/gregor/base"

// noLeaderChange is the Leader of a PartitionChangeRecord that leaves leader and leader epoch alone.
const noLeaderChange base.NodeID = -2

// noRecoveryChange is the LeaderRecoveryState of a PartitionChangeRecord that leaves the state alone.
const noRecoveryChange LeaderRecoveryState = -1

// TopicRecord creates a topic without partitions; its PartitionRecords follow. Version 0.
type TopicRecord struct {
	Name string
	ID   base.UUID
}

// PartitionRecord creates one partition of a topic. Versions 0 to 2: 1 adds Directories (KIP-858), 2 ELR and
// LastKnownELR (KIP-966), where nil stands for "none" and is what Kafka writes.
type PartitionRecord struct {
	Partition           int32
	TopicID             base.UUID
	Replicas            []base.NodeID
	ISR                 []base.NodeID
	Removing            []base.NodeID
	Adding              []base.NodeID
	Leader              base.NodeID
	LeaderRecoveryState LeaderRecoveryState
	LeaderEpoch         base.LeaderEpoch
	PartitionEpoch      int32
	Directories         []base.UUID
	ELR                 []base.NodeID
	LastKnownELR        []base.NodeID
}

// PartitionChangeRecord changes one partition. Its partition epoch always rises by one; its leader epoch rises by one
// whenever Leader is set, even to the leader it already has. A nil list means "unchanged", an empty one "now empty";
// use NewPartitionChange, since the zero Leader is broker 0. Versions 0 to 2, as PartitionRecord.
type PartitionChangeRecord struct {
	Partition           int32
	TopicID             base.UUID
	ISR                 []base.NodeID
	Leader              base.NodeID
	Replicas            []base.NodeID
	Removing            []base.NodeID
	Adding              []base.NodeID
	LeaderRecoveryState LeaderRecoveryState
	ELR                 []base.NodeID
	LastKnownELR        []base.NodeID
	Directories         []base.UUID
}

// RemoveTopicRecord removes a topic with its partitions and configs. Version 0.
type RemoveTopicRecord struct {
	ID base.UUID
}

// NewPartitionChange returns a change of one partition that changes nothing yet but its partition epoch.
func NewPartitionChange(topic base.UUID, partition int32) *PartitionChangeRecord {
	return &PartitionChangeRecord{
		TopicID: topic, Partition: partition, Leader: noLeaderChange, LeaderRecoveryState: noRecoveryChange,
	}
}

// Type implements Record.
func (*TopicRecord) Type() RecordType { return TypeTopic }

// Type implements Record.
func (*PartitionRecord) Type() RecordType { return TypePartition }

// Type implements Record.
func (*PartitionChangeRecord) Type() RecordType { return TypePartitionChange }

// Type implements Record.
func (*RemoveTopicRecord) Type() RecordType { return TypeRemoveTopic }

func (rec *TopicRecord) appendBody(w *writer) {
	w.string(rec.Name)
	w.uuid(rec.ID)
	w.noTags()
}

func (rec *TopicRecord) readBody(r *reader, _ int) {
	rec.Name = r.string()
	rec.ID = r.uuid()
	r.skipTags()
}

func (rec *RemoveTopicRecord) appendBody(w *writer) {
	w.uuid(rec.ID)
	w.noTags()
}

func (rec *RemoveTopicRecord) readBody(r *reader, _ int) {
	rec.ID = r.uuid()
	r.skipTags()
}

func (rec *PartitionRecord) appendBody(w *writer) {
	w.int32(rec.Partition)
	w.uuid(rec.TopicID)
	w.ids(rec.Replicas)
	w.ids(rec.ISR)
	w.ids(rec.Removing)
	w.ids(rec.Adding)
	w.int32(int32(rec.Leader))
	w.int32(int32(rec.LeaderEpoch))
	w.int32(rec.PartitionEpoch)
	w.uuids(rec.Directories)
	tags := tagSet{w: w}
	tags.int8(0, int8(rec.LeaderRecoveryState), 0)
	tags.ids(1, rec.ELR)
	tags.ids(2, rec.LastKnownELR)
	tags.end()
}

func (rec *PartitionRecord) readBody(r *reader, version int) {
	rec.Partition = r.int32()
	rec.TopicID = r.uuid()
	rec.Replicas = r.ids()
	rec.ISR = r.ids()
	rec.Removing = r.ids()
	rec.Adding = r.ids()
	rec.Leader = base.NodeID(r.int32())
	rec.LeaderEpoch = base.LeaderEpoch(r.int32())
	rec.PartitionEpoch = r.int32()
	if version >= 1 {
		rec.Directories = r.uuids()
	}
	r.tags(func(tag uint32, payload *reader) bool {
		switch {
		case tag == 0:
			rec.LeaderRecoveryState = LeaderRecoveryState(payload.int8())
		case tag == 1 && version >= 2:
			rec.ELR = payload.nullableIDs()
		case tag == 2 && version >= 2:
			rec.LastKnownELR = payload.nullableIDs()
		default:
			return false
		}
		return true
	})
}

func (rec *PartitionChangeRecord) appendBody(w *writer) {
	w.int32(rec.Partition)
	w.uuid(rec.TopicID)
	tags := tagSet{w: w}
	tags.ids(0, rec.ISR)
	if rec.Leader != noLeaderChange {
		tags.add(1, func(w *writer) { w.int32(int32(rec.Leader)) })
	}
	tags.ids(2, rec.Replicas)
	tags.ids(3, rec.Removing)
	tags.ids(4, rec.Adding)
	tags.int8(5, int8(rec.LeaderRecoveryState), int8(noRecoveryChange))
	tags.ids(6, rec.ELR)
	tags.ids(7, rec.LastKnownELR)
	tags.uuids(8, rec.Directories)
	tags.end()
}

func (rec *PartitionChangeRecord) readBody(r *reader, version int) {
	rec.Partition = r.int32()
	rec.TopicID = r.uuid()
	rec.Leader, rec.LeaderRecoveryState = noLeaderChange, noRecoveryChange
	r.tags(func(tag uint32, payload *reader) bool {
		switch {
		case tag == 0:
			rec.ISR = payload.nullableIDs()
		case tag == 1:
			rec.Leader = base.NodeID(payload.int32())
		case tag == 2:
			rec.Replicas = payload.nullableIDs()
		case tag == 3:
			rec.Removing = payload.nullableIDs()
		case tag == 4:
			rec.Adding = payload.nullableIDs()
		case tag == 5:
			rec.LeaderRecoveryState = LeaderRecoveryState(payload.int8())
		case tag == 6 && version >= 2:
			rec.ELR = payload.nullableIDs()
		case tag == 7 && version >= 2:
			rec.LastKnownELR = payload.nullableIDs()
		case tag == 8 && version >= 1:
			rec.Directories = payload.nullableUUIDs()
		default:
			return false
		}
		return true
	})
}
