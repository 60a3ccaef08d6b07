package dump

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
)

// offsetsSchema is a type of the records in __consumer_offsets. A key begins with the type's id, a value with its
// version; keys are of version 0 and not flexible.
type offsetsSchema struct {
	id         int16
	key, value []field
	// newest is the highest version of the value, flexible the first one that is.
	newest, flexible int
}

// until makes a field that versions from the first to the last have.
func until(from, last int, name string, k kind) field {
	return field{name: name, kind: k, from: from, until: last, tag: untagged}
}

// Parts of keys and values.
var (
	offsetKey = []field{at(0, "group", kindString), at(0, "topic", kindString), at(0, "partition", kindInt32)}
	groupKey  = []field{at(0, "groupId", kindString)}
	memberKey = []field{at(0, "groupId", kindString), at(0, "memberId", kindString)}

	ownedPartitions = []field{
		at(0, "topicId", kindUUID), at(0, "partitions", kindInt32s), tagged(0, 0, "assignmentEpochs", kindInt32s),
	}
)

// What consumers tell the group of themselves, and the group them (ConsumerProtocolSubscription and -Assignment).
var (
	topicPartitions    = []field{at(0, "topic", kindString), at(0, "partitions", kindInt32s)}
	subscriptionFields = []field{
		at(0, "topics", kindStrings), at(0, "userData", kindBytes),
		{name: "ownedPartitions", kind: kindStructs, from: 1, tag: untagged, fields: topicPartitions},
		at(2, "generationId", kindInt32), at(3, "rackId", kindString),
	}
	assignmentFields = []field{
		of("assignedPartitions", kindStructs, topicPartitions...), at(0, "userData", kindBytes),
	}
)

// newestConsumerProtocol is the highest version of both.
const newestConsumerProtocol = 3

// offsetsSchemas are the records of groups of the classic protocol (0 to 2) and of consumer groups (KIP-848).
var offsetsSchemas = []offsetsSchema{
	{id: 0, key: offsetKey, flexible: 1, value: []field{
		at(0, "offset", kindInt64), at(0, "metadata", kindString), at(0, "commitTimestamp", kindInt64),
	}},
	{id: 1, key: offsetKey, newest: 4, flexible: 4, value: []field{
		at(0, "offset", kindInt64), at(3, "leaderEpoch", kindInt32), at(0, "metadata", kindString),
		at(0, "commitTimestamp", kindInt64), until(1, 1, "expireTimestamp", kindInt64),
		tagged(4, 0, "topicId", kindUUID),
	}},
	{id: 2, key: []field{at(0, "group", kindString)}, newest: 4, flexible: 4, value: []field{
		at(0, "protocolType", kindProtocolType), at(0, "generation", kindInt32), at(0, "protocol", kindString),
		at(0, "leader", kindString), at(2, "currentStateTimestamp", kindInt64),
		of("members", kindStructs,
			at(0, "memberId", kindString), at(3, "groupInstanceId", kindString), at(0, "clientId", kindString),
			at(0, "clientHost", kindString), at(1, "rebalanceTimeout", kindInt32), at(0, "sessionTimeout", kindInt32),
			at(0, "subscription", kindSubscription), at(0, "assignment", kindAssignment)),
	}},
	{id: 3, key: groupKey, value: []field{at(0, "epoch", kindInt32), tagged(0, 0, "metadataHash", kindInt64)}},
	{id: 4, key: groupKey, value: []field{of("topics", kindStructs,
		at(0, "topicId", kindUUID), at(0, "topicName", kindString), at(0, "numPartitions", kindInt32),
		of("partitionMetadata", kindStructs, at(0, "partition", kindInt32), at(0, "racks", kindStrings)))}},
	{id: 5, key: memberKey, value: []field{
		at(0, "instanceId", kindString), at(0, "rackId", kindString), at(0, "clientId", kindString),
		at(0, "clientHost", kindString), at(0, "subscribedTopicNames", kindStrings),
		at(0, "subscribedTopicRegex", kindString), at(0, "rebalanceTimeoutMs", kindInt32),
		at(0, "serverAssignor", kindString),
		{name: "classicMemberMetadata", kind: kindMaybeStruct, fields: []field{
			at(0, "sessionTimeoutMs", kindInt32),
			of("supportedProtocols", kindStructs, at(0, "name", kindString), at(0, "metadata", kindBytes)),
		}},
	}},
	{id: 6, key: groupKey, value: []field{
		at(0, "assignmentEpoch", kindInt32), tagged(0, 0, "assignmentTimestamp", kindInt64),
	}},
	{id: 7, key: memberKey, value: []field{
		of("topicPartitions", kindStructs, at(0, "topicId", kindUUID), at(0, "partitions", kindInt32s)),
	}},
	{id: 8, key: memberKey, value: []field{
		at(0, "memberEpoch", kindInt32), at(0, "previousMemberEpoch", kindInt32), at(0, "state", kindInt8),
		of("assignedPartitions", kindStructs, ownedPartitions...),
		of("partitionsPendingRevocation", kindStructs, ownedPartitions...),
	}},
	{id: 16, key: []field{at(0, "groupId", kindString), at(0, "regularExpression", kindString)}, value: []field{
		at(0, "topics", kindStrings), at(0, "version", kindInt64), at(0, "timestamp", kindInt64),
	}},
}

// tombstone is what is printed for a value that is null.
const tombstone = "<DELETE>"

// errUnknownType reports a key of a type that there is no schema for.
type errUnknownType int16

// Error names the type.
func (e errUnknownType) Error() string { return "unknown record type " + strconv.Itoa(int(e)) }

// kafkasWords is an error in the words of Kafka's tool, capitals and full stops included.
type kafkasWords string

// Error returns the words.
func (w kafkasWords) Error() string { return string(w) }

// offsetsJSON returns a record of __consumer_offsets as Kafka's dump tool prints it: the key with its type, and the
// value with its version, or tombstone. What follows a message is of no account, as there.
func offsetsJSON(key, value []byte) (keyText, valueText string, err error) {
	const prefix = 2
	if len(key) < prefix {
		return "", "", kafkasWords("Could not read version from key's buffer.")
	}
	id := int16(binary.BigEndian.Uint16(key))
	for _, s := range offsetsSchemas {
		if s.id != id {
			continue
		}
		r := &schemaReader{left: key[prefix:]}
		text := r.message(nil, s.key)
		if r.err != nil {
			return "", "", unreadable(0, "key", r.err)
		}
		keyText = fmt.Sprintf(`{"type":"%d","data":%s}`, id, text)
		if value == nil {
			return keyText, tombstone, nil
		}
		valueText, err = s.valueJSON(value)
		return keyText, valueText, err
	}
	return "", "", errUnknownType(id)
}

// valueJSON returns a value that is not null.
func (s offsetsSchema) valueJSON(value []byte) (string, error) {
	const prefix = 2
	if len(value) < prefix {
		return "", kafkasWords("Could not read version from value's buffer.")
	}
	version := int(int16(binary.BigEndian.Uint16(value)))
	if version < 0 || version > s.newest {
		return "", kafkasWords(fmt.Sprintf("Found an unknown record version %d for %d type", version, s.id))
	}
	r := &schemaReader{left: value[prefix:], version: version, flexible: version >= s.flexible}
	text := r.message(nil, s.value)
	if r.err != nil {
		return "", unreadable(version, "value", r.err)
	}
	return fmt.Sprintf(`{"version":"%d","data":%s}`, version, text), nil
}

// unreadable says in Kafka's words that a message cannot be read.
func unreadable(version int, what string, err error) error {
	return kafkasWords(fmt.Sprintf("Could not read record with version %d from %s's buffer due to: %v.", version, what,
		err))
}

// protocolType reads a string, and notes whether it is that of consumers.
func (r *schemaReader) protocolType(dst []byte) []byte {
	text := r.string(nil)
	r.consumers = string(text) == `"consumer"`
	return append(dst, text...)
}

// consumer reads bytes that hold a message of the consumers' protocol, which begins with its version. Those of other
// protocols, and those that cannot be read, stay bytes.
func (r *schemaReader) consumer(dst []byte, fields []field) []byte {
	n := r.length(4)
	if n < 0 {
		return append(dst, "null"...)
	}
	const prefix = 2
	p := r.take(n)
	if r.consumers && len(p) >= prefix {
		inner := schemaReader{left: p[prefix:], version: int(int16(binary.BigEndian.Uint16(p)))}
		text := inner.message(nil, fields)
		if inner.err == nil && inner.version >= 0 && inner.version <= newestConsumerProtocol {
			return append(dst, text...)
		}
	}
	return strconv.AppendQuote(dst, base64.StdEncoding.EncodeToString(p))
}
