package dump

import (
	"encoding/binary"
	"fmt"

	"github.com/gregor-log/gregor/core/batch"
)

// voter is how the messages of a quorum name its voters.
var voter = []field{at(0, "voterId", kindInt32), at(1, "voterDirectoryId", kindUUID)}

// controlSchemas are the values of the control records that are messages of their own. Each begins with its version.
var controlSchemas = map[batch.ControlType]struct {
	// label is what stands before the JSON.
	label  string
	fields []field
}{
	batch.ControlLeaderChange: {" LeaderChange: ", []field{
		at(0, "version", kindInt16), at(0, "leaderId", kindInt32), of("voters", kindStructs, voter...),
		of("grantingVoters", kindStructs, voter...),
	}},
	batch.ControlSnapshotHeader: {" SnapshotHeader ", []field{
		at(0, "version", kindInt16), at(0, "lastContainedLogTimestamp", kindInt64),
	}},
	batch.ControlSnapshotFooter: {" SnapshotFooter ", []field{at(0, "version", kindInt16)}},
	batch.ControlKRaftVersion: {" KRaftVersion ", []field{
		at(0, "version", kindInt16), at(0, "kRaftVersion", kindInt16),
	}},
	batch.ControlKRaftVoters: {" KRaftVoters ", []field{
		at(0, "version", kindInt16),
		of("voters", kindStructs, at(0, "voterId", kindInt32), at(0, "voterDirectoryId", kindUUID),
			of("endpoints", kindStructs, at(0, "name", kindString), at(0, "host", kindString),
				at(0, "port", kindUint16)),
			of("kRaftVersionFeature", kindStruct, at(0, "minSupportedVersion", kindInt16),
				at(0, "maxSupportedVersion", kindInt16))),
	}},
}

// controlText returns what Kafka's dump tool prints of a control record after its other fields.
func controlText(r *batch.Record) (string, error) {
	t, err := r.ControlType()
	if err != nil {
		return "", err
	}
	if t == batch.ControlAbort || t == batch.ControlCommit {
		epoch, err := r.CoordinatorEpoch()
		name := map[batch.ControlType]string{batch.ControlAbort: "ABORT", batch.ControlCommit: "COMMIT"}[t]
		return fmt.Sprintf(" endTxnMarker: %s coordinatorEpoch: %d", name, epoch), err
	}
	s, ok := controlSchemas[t]
	if !ok {
		return fmt.Sprintf(" controlType: UNKNOWN(%d)", t), nil
	}
	const versionSize = 2
	if len(r.Value) < versionSize {
		return "", fmt.Errorf("%w: got %d bytes of a control record", errSchema, len(r.Value))
	}
	reader := &schemaReader{
		left: r.Value, version: int(int16(binary.BigEndian.Uint16(r.Value))), flexible: true,
	}
	text, err := reader.whole(s.fields)
	return s.label + string(text), err
}
