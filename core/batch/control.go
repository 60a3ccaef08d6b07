package batch

import (
	"encoding/binary"
	"fmt"

	"github.com/gregor-log/gregor/base"
)

// ControlType is what a control record means. It stands in the record's key, after a version:
//
//	key    version i16 = 0 | type i16
//	value  of an end of a transaction: version i16 = 0 | coordinator epoch i32
type ControlType int16

// The control records of Kafka.
const (
	ControlAbort ControlType = iota
	ControlCommit
	ControlLeaderChange
	ControlSnapshotHeader
	ControlSnapshotFooter
	ControlKRaftVersion
	ControlKRaftVoters
)

const (
	controlKeySize = 4
	endTxnSize     = 6
)

// ControlType reads the type of a control batch's record. Types to come are returned as they are; ErrInvalidRecord
// means a key of another form.
func (r *Record) ControlType() (ControlType, error) {
	if len(r.Key) < controlKeySize || int16(binary.BigEndian.Uint16(r.Key)) < 0 {
		return 0, fmt.Errorf("%w: got %d bytes as a control key, expected a version and a type", ErrInvalidRecord,
			len(r.Key))
	}
	return ControlType(binary.BigEndian.Uint16(r.Key[2:])), nil
}

// CoordinatorEpoch reads the epoch of the coordinator that ended a transaction, from a ControlAbort or ControlCommit.
func (r *Record) CoordinatorEpoch() (int32, error) {
	if len(r.Value) < endTxnSize || int16(binary.BigEndian.Uint16(r.Value)) < 0 {
		return 0, fmt.Errorf("%w: got %d bytes as the end of a transaction, expected a version and an epoch",
			ErrInvalidRecord, len(r.Value))
	}
	return int32(binary.BigEndian.Uint32(r.Value[2:])), nil
}

// EndTxn builds the batch of 78 bytes that ends a transaction of a producer in a partition: one control record, without
// a sequence number. kind is ControlAbort or ControlCommit. The result is valid until the next Reset or EndTxn.
func (b *Builder) EndTxn(id base.ProducerID, epoch base.ProducerEpoch, kind ControlType, coordinatorEpoch int32,
	timestamp int64) (Batch, error) {
	o := NewOptions()
	o.ProducerID, o.ProducerEpoch, o.Transactional, o.Control = id, epoch, true, true
	var key [controlKeySize]byte
	var value [endTxnSize]byte
	binary.BigEndian.PutUint16(key[2:], uint16(kind))
	binary.BigEndian.PutUint32(value[2:], uint32(coordinatorEpoch))
	b.Reset(o)
	b.Append(timestamp, key[:], value[:])
	return b.Build()
}
