package meta

import (
	"fmt"

	"github.com/gregor-log/gregor/base"
)

// RecordType is the apiKey of a metadata record.
type RecordType uint16

// The record types that this build reads and writes, with Kafka's numbers.
const (
	TypeRegisterBroker           RecordType = 0
	TypeUnregisterBroker         RecordType = 1
	TypeTopic                    RecordType = 2
	TypePartition                RecordType = 3
	TypeConfig                   RecordType = 4
	TypePartitionChange          RecordType = 5
	TypeRemoveTopic              RecordType = 9
	TypeFeatureLevel             RecordType = 12
	TypeProducerIDs              RecordType = 15
	TypeBrokerRegistrationChange RecordType = 17
	TypeNoOp                     RecordType = 20
)

// Record is one entry of the metadata log: a pointer to one of the record structs of this package. A record is not
// changed once it was handed to anyone.
type Record interface {
	// Type is the record's number in the log.
	Type() RecordType
	// appendBody writes the fields of the newest version.
	appendBody(w *writer)
	// readBody reads the fields of version, which is known to be supported.
	readBody(r *reader, version int)
}

var (
	_ Record = (*RegisterBrokerRecord)(nil)
	_ Record = (*UnregisterBrokerRecord)(nil)
	_ Record = (*TopicRecord)(nil)
	_ Record = (*PartitionRecord)(nil)
	_ Record = (*ConfigRecord)(nil)
	_ Record = (*PartitionChangeRecord)(nil)
	_ Record = (*RemoveTopicRecord)(nil)
	_ Record = (*FeatureLevelRecord)(nil)
	_ Record = (*ProducerIDsRecord)(nil)
	_ Record = (*BrokerRegistrationChangeRecord)(nil)
	_ Record = (*NoOpRecord)(nil)
)

// newRecord returns an empty record of the type, or nil for a type that is not known.
func newRecord(kind uint32) Record {
	if kind > 0xffff {
		return nil
	}
	switch RecordType(kind) {
	case TypeRegisterBroker:
		return &RegisterBrokerRecord{}
	case TypeUnregisterBroker:
		return &UnregisterBrokerRecord{}
	case TypeTopic:
		return &TopicRecord{}
	case TypePartition:
		return &PartitionRecord{}
	case TypeConfig:
		return &ConfigRecord{}
	case TypePartitionChange:
		return &PartitionChangeRecord{}
	case TypeRemoveTopic:
		return &RemoveTopicRecord{}
	case TypeFeatureLevel:
		return &FeatureLevelRecord{}
	case TypeProducerIDs:
		return &ProducerIDsRecord{}
	case TypeBrokerRegistrationChange:
		return &BrokerRegistrationChangeRecord{}
	case TypeNoOp:
		return &NoOpRecord{}
	}
	return nil
}

// newestVersion is the version in which a type is written, the highest that Kafka 4.3 reads. Lower ones are read too.
func newestVersion(t RecordType) int {
	switch t {
	case TypeRegisterBroker:
		return 4
	case TypeBrokerRegistrationChange:
		return 3
	case TypePartition, TypePartitionChange:
		return 2
	}
	return 0
}

// String returns Kafka's name of the type, as its dump tool prints it.
func (t RecordType) String() string {
	switch t {
	case TypeRegisterBroker:
		return "REGISTER_BROKER_RECORD"
	case TypeUnregisterBroker:
		return "UNREGISTER_BROKER_RECORD"
	case TypeTopic:
		return "TOPIC_RECORD"
	case TypePartition:
		return "PARTITION_RECORD"
	case TypeConfig:
		return "CONFIG_RECORD"
	case TypePartitionChange:
		return "PARTITION_CHANGE_RECORD"
	case TypeRemoveTopic:
		return "REMOVE_TOPIC_RECORD"
	case TypeFeatureLevel:
		return "FEATURE_LEVEL_RECORD"
	case TypeProducerIDs:
		return "PRODUCER_IDS_RECORD"
	case TypeBrokerRegistrationChange:
		return "BROKER_REGISTRATION_CHANGE_RECORD"
	case TypeNoOp:
		return "NO_OP_RECORD"
	}
	return fmt.Sprintf("record type %d", uint16(t))
}

// ConfigRecord sets one config of one resource, or deletes it when Value is nil. Version 0.
type ConfigRecord struct {
	Resource ConfigResource
	Name     string
	Value    *string
}

// FeatureLevelRecord finalizes a feature at a level; level 0 removes it. Version 0.
type FeatureLevelRecord struct {
	Name  string
	Level int16
}

// ProducerIDsRecord says that all producer ids below NextProducerID are handed out, the last block of them to BrokerID.
// Version 0.
type ProducerIDsRecord struct {
	BrokerID       base.NodeID
	BrokerEpoch    BrokerEpoch
	NextProducerID base.ProducerID
}

// NoOpRecord changes nothing; it moves the log's end. Version 0.
type NoOpRecord struct{}

// Type implements Record.
func (*ConfigRecord) Type() RecordType { return TypeConfig }

// Type implements Record.
func (*FeatureLevelRecord) Type() RecordType { return TypeFeatureLevel }

// Type implements Record.
func (*ProducerIDsRecord) Type() RecordType { return TypeProducerIDs }

// Type implements Record.
func (*NoOpRecord) Type() RecordType { return TypeNoOp }

func (rec *ConfigRecord) appendBody(w *writer) {
	w.int8(int8(rec.Resource.Type))
	w.string(rec.Resource.Name)
	w.string(rec.Name)
	w.nullableString(rec.Value)
	w.noTags()
}

func (rec *ConfigRecord) readBody(r *reader, _ int) {
	rec.Resource.Type = ResourceType(r.int8())
	rec.Resource.Name = r.string()
	rec.Name = r.string()
	rec.Value = r.nullableString()
	r.skipTags()
}

func (rec *FeatureLevelRecord) appendBody(w *writer) {
	w.string(rec.Name)
	w.int16(rec.Level)
	w.noTags()
}

func (rec *FeatureLevelRecord) readBody(r *reader, _ int) {
	rec.Name = r.string()
	rec.Level = r.int16()
	r.skipTags()
}

func (rec *ProducerIDsRecord) appendBody(w *writer) {
	w.int32(int32(rec.BrokerID))
	w.int64(int64(rec.BrokerEpoch))
	w.int64(int64(rec.NextProducerID))
	w.noTags()
}

func (rec *ProducerIDsRecord) readBody(r *reader, _ int) {
	rec.BrokerID = base.NodeID(r.int32())
	rec.BrokerEpoch = BrokerEpoch(r.int64())
	rec.NextProducerID = base.ProducerID(r.int64())
	r.skipTags()
}

func (*NoOpRecord) appendBody(w *writer) { w.noTags() }

func (*NoOpRecord) readBody(r *reader, _ int) { r.skipTags() }
