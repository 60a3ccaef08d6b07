package dump

import (
	"fmt"
)

// recordSchema is a type of the records in the metadata log.
type recordSchema struct {
	// id is the apiKey, name what Kafka's tools print.
	id     int
	name   string
	fields []field
	// newest is the highest version.
	newest int
}

// endpoints and features are what brokers and controllers tell of themselves.
var (
	endpoints = of("endPoints", kindStructs, at(0, "name", kindString), at(0, "host", kindString),
		at(0, "port", kindUint16), at(0, "securityProtocol", kindInt16))
	features = of("features", kindStructs, at(0, "name", kindString), at(0, "minSupportedVersion", kindInt16),
		at(0, "maxSupportedVersion", kindInt16))
)

// recordSchemas are all records of Apache Kafka 4.3, those included that gregor does not write: its tools look into
// Kafka's directories too.
var recordSchemas = []recordSchema{
	{id: 0, name: "REGISTER_BROKER_RECORD", newest: 4, fields: []field{
		at(0, "brokerId", kindInt32), at(2, "isMigratingZkBroker", kindBool), at(0, "incarnationId", kindUUID),
		at(0, "brokerEpoch", kindInt64), endpoints, features, at(0, "rack", kindString), at(0, "fenced", kindBool),
		at(1, "inControlledShutdown", kindBool), tagged(3, 0, "logDirs", kindUUIDs),
		tagged(4, 1, "cordonedLogDirs", kindUUIDs),
	}},
	{id: 1, name: "UNREGISTER_BROKER_RECORD", fields: []field{
		at(0, "brokerId", kindInt32), at(0, "brokerEpoch", kindInt64),
	}},
	{id: 2, name: "TOPIC_RECORD", fields: []field{at(0, "name", kindString), at(0, "topicId", kindUUID)}},
	{id: 3, name: "PARTITION_RECORD", newest: 2, fields: []field{
		at(0, "partitionId", kindInt32), at(0, "topicId", kindUUID), at(0, "replicas", kindInt32s),
		at(0, "isr", kindInt32s), at(0, "removingReplicas", kindInt32s), at(0, "addingReplicas", kindInt32s),
		at(0, "leader", kindInt32), tagged(0, 0, "leaderRecoveryState", kindInt8), at(0, "leaderEpoch", kindInt32),
		at(0, "partitionEpoch", kindInt32), at(1, "directories", kindUUIDs),
		tagged(2, 1, "eligibleLeaderReplicas", kindInt32s), tagged(2, 2, "lastKnownElr", kindInt32s),
	}},
	{id: 4, name: "CONFIG_RECORD", fields: []field{
		at(0, "resourceType", kindInt8), at(0, "resourceName", kindString), at(0, "name", kindString),
		at(0, "value", kindString),
	}},
	{id: 5, name: "PARTITION_CHANGE_RECORD", newest: 2, fields: []field{
		at(0, "partitionId", kindInt32), at(0, "topicId", kindUUID), tagged(0, 0, "isr", kindInt32s),
		tagged(0, 1, "leader", kindInt32), tagged(0, 2, "replicas", kindInt32s),
		tagged(0, 3, "removingReplicas", kindInt32s), tagged(0, 4, "addingReplicas", kindInt32s),
		tagged(0, 5, "leaderRecoveryState", kindInt8), tagged(1, 8, "directories", kindUUIDs),
		tagged(2, 6, "eligibleLeaderReplicas", kindInt32s), tagged(2, 7, "lastKnownElr", kindInt32s),
	}},
	{id: 7, name: "FENCE_BROKER_RECORD", fields: []field{at(0, "id", kindInt32), at(0, "epoch", kindInt64)}},
	{id: 8, name: "UNFENCE_BROKER_RECORD", fields: []field{at(0, "id", kindInt32), at(0, "epoch", kindInt64)}},
	{id: 9, name: "REMOVE_TOPIC_RECORD", fields: []field{at(0, "topicId", kindUUID)}},
	{id: 10, name: "DELEGATION_TOKEN_RECORD", fields: []field{
		at(0, "owner", kindString), at(0, "requester", kindString), at(0, "renewers", kindStrings),
		at(0, "issueTimestamp", kindInt64), at(0, "maxTimestamp", kindInt64), at(0, "expirationTimestamp", kindInt64),
		at(0, "tokenId", kindString),
	}},
	{id: 11, name: "USER_SCRAM_CREDENTIAL_RECORD", fields: []field{
		at(0, "name", kindString), at(0, "mechanism", kindInt8), at(0, "salt", kindBytes),
		at(0, "storedKey", kindBytes), at(0, "serverKey", kindBytes), at(0, "iterations", kindInt32),
	}},
	{id: 12, name: "FEATURE_LEVEL_RECORD", fields: []field{
		at(0, "name", kindString), at(0, "featureLevel", kindInt16),
	}},
	{id: 14, name: "CLIENT_QUOTA_RECORD", fields: []field{
		of("entity", kindStructs, at(0, "entityType", kindString), at(0, "entityName", kindString)),
		at(0, "key", kindString), at(0, "value", kindFloat64), at(0, "remove", kindBool),
	}},
	{id: 15, name: "PRODUCER_IDS_RECORD", fields: []field{
		at(0, "brokerId", kindInt32), at(0, "brokerEpoch", kindInt64), at(0, "nextProducerId", kindInt64),
	}},
	{id: 17, name: "BROKER_REGISTRATION_CHANGE_RECORD", newest: 3, fields: []field{
		at(0, "brokerId", kindInt32), at(0, "brokerEpoch", kindInt64), tagged(0, 0, "fenced", kindInt8),
		tagged(1, 1, "inControlledShutdown", kindInt8), tagged(2, 2, "logDirs", kindUUIDs),
		tagged(3, 3, "cordonedLogDirs", kindUUIDs),
	}},
	{id: 18, name: "ACCESS_CONTROL_ENTRY_RECORD", fields: []field{
		at(0, "id", kindUUID), at(0, "resourceType", kindInt8), at(0, "resourceName", kindString),
		at(0, "patternType", kindInt8), at(0, "principal", kindString), at(0, "host", kindString),
		at(0, "operation", kindInt8), at(0, "permissionType", kindInt8),
	}},
	{id: 19, name: "REMOVE_ACCESS_CONTROL_ENTRY_RECORD", fields: []field{at(0, "id", kindUUID)}},
	{id: 20, name: "NO_OP_RECORD"},
	{id: 21, name: "ZK_MIGRATION_STATE_RECORD", fields: []field{at(0, "zkMigrationState", kindInt8)}},
	{id: 22, name: "REMOVE_USER_SCRAM_CREDENTIAL_RECORD", fields: []field{
		at(0, "name", kindString), at(0, "mechanism", kindInt8),
	}},
	{id: 23, name: "BEGIN_TRANSACTION_RECORD", fields: []field{tagged(0, 0, "name", kindString)}},
	{id: 24, name: "END_TRANSACTION_RECORD"},
	{id: 25, name: "ABORT_TRANSACTION_RECORD", fields: []field{tagged(0, 0, "reason", kindString)}},
	{id: 26, name: "REMOVE_DELEGATION_TOKEN_RECORD", fields: []field{at(0, "tokenId", kindString)}},
	{id: 27, name: "REGISTER_CONTROLLER_RECORD", fields: []field{
		at(0, "controllerId", kindInt32), at(0, "incarnationId", kindUUID), at(0, "zkMigrationReady", kindBool),
		endpoints, features,
	}},
	{id: 28, name: "CLEAR_ELR_RECORD", fields: []field{at(0, "topicName", kindString)}},
}

// metadataJSON returns a record of the metadata log as Kafka's dump tool prints it: type, version and data.
func metadataJSON(value []byte) (string, error) {
	r := &schemaReader{left: value, flexible: true}
	frame, id, version := r.uvarint(), r.uvarint(), r.uvarint()
	if r.err != nil {
		return "", r.err
	}
	if frame != 1 {
		return "", fmt.Errorf("%w: got frame version %d, expected 1", errSchema, frame)
	}
	for _, s := range recordSchemas {
		if s.id != id {
			continue
		}
		if version > s.newest {
			return "", fmt.Errorf("%w: got %s version %d, expected at most %d", errSchema, s.name, version, s.newest)
		}
		r.version = version
		data, err := r.whole(s.fields)
		return fmt.Sprintf(`{"type":"%s","version":%d,"data":%s}`, s.name, version, data), err
	}
	return "", fmt.Errorf("%w: got record type %d, which is none of Kafka 4.3's", errSchema, id)
}

// whole reads a message that nothing follows.
func (r *schemaReader) whole(fields []field) ([]byte, error) {
	text := r.message(nil, fields)
	if r.err == nil && len(r.left) > 0 {
		r.fail("got %d bytes after the end", len(r.left))
	}
	return text, r.err
}
