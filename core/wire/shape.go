package wire

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// kind is the type of a field of a request.
type kind uint8

const (
	kInt8 kind = iota
	kInt16
	kInt32
	kInt64
	kUUID
	kString
	kBytes
	kArray   // of structures
	kNumber  // array of int32
	kNumber8 // array of int8
	kNames   // array of strings
	kStruct  // nullable structure: an int8, then, unless negative, its fields
)

// field is one field of a request's shape: its type, the versions that have it, the fields of its elements, and the
// tagged fields among those that need a walk.
type field struct {
	kind     kind
	from, to int16
	elem     []field
}

func f(k kind, elem ...field) field {
	return field{kind: k, to: noFlexible, elem: elem}
}

// since says from which version on the field exists.
func (x field) since(v int16) field {
	x.from = v
	return x
}

// until says in which version the field exists last.
func (x field) until(v int16) field {
	x.to = v
	return x
}

var offsetsByPartition = func(fields ...field) field {
	return f(kArray, f(kString), f(kArray, fields...))
}

// shapes holds the shape of each request that kmsg decodes, by API key. They are the requests' schemas reduced to what
// bounds their size.
var shapes = map[int16][]field{
	int16(kmsg.ListOffsets): {
		f(kInt32), f(kInt8).since(2),
		offsetsByPartition(f(kInt32), f(kInt32).since(4), f(kInt64), f(kInt32).until(0)),
		f(kInt32).since(10),
	},
	int16(kmsg.Metadata): {
		f(kArray, f(kUUID).since(10), f(kString)), f(kInt8).since(4), f(kInt8).since(8).until(10), f(kInt8).since(8),
	},
	int16(kmsg.OffsetForLeaderEpoch): {
		f(kInt32).since(3), offsetsByPartition(f(kInt32), f(kInt32).since(2), f(kInt32)),
	},
	int16(kmsg.OffsetCommit): {
		f(kString), f(kInt32).since(1), f(kString).since(1), f(kString).since(7), f(kInt64).since(2).until(4),
		f(kArray, f(kString).until(9), f(kUUID).since(10),
			f(kArray, f(kInt32), f(kInt64), f(kInt64).since(1).until(1), f(kInt32).since(6), f(kString))),
	},
	int16(kmsg.OffsetFetch): {
		f(kString).until(7), f(kArray, f(kString), f(kNumber)).until(7),
		f(kArray, f(kString), f(kString).since(9), f(kInt32).since(9),
			f(kArray, f(kString).until(9), f(kUUID).since(10), f(kNumber))).since(8),
		f(kInt8).since(7),
	},
	int16(kmsg.JoinGroup): {
		f(kString), f(kInt32), f(kInt32).since(1), f(kString), f(kString).since(5), f(kString),
		f(kArray, f(kString), f(kBytes)), f(kString).since(8),
	},
	int16(kmsg.Heartbeat): {
		f(kString), f(kInt32), f(kString), f(kString).since(3),
	},
	int16(kmsg.LeaveGroup): {
		f(kString), f(kString).until(2), f(kArray, f(kString), f(kString), f(kString).since(5)).since(3),
	},
	int16(kmsg.SyncGroup): {
		f(kString), f(kInt32), f(kString), f(kString).since(3), f(kString).since(5), f(kString).since(5),
		f(kArray, f(kString), f(kBytes)),
	},
	int16(kmsg.DescribeGroups): {
		f(kNames), f(kInt8).since(3),
	},
	int16(kmsg.ListGroups): {
		f(kNames).since(4), f(kNames).since(5),
	},
	int16(kmsg.DeleteGroups): {
		f(kNames),
	},
	int16(kmsg.OffsetDelete): {
		f(kString), offsetsByPartition(f(kInt32)),
	},
	int16(kmsg.FindCoordinator): {
		f(kString).until(3), f(kInt8).since(1), f(kNames).since(4),
	},
	int16(kmsg.ApiVersions): {
		f(kString).since(3), f(kString).since(3), f(kString).since(5), f(kInt32).since(5),
	},
	int16(kmsg.CreateTopics): {
		f(kArray, f(kString), f(kInt32), f(kInt16), f(kArray, f(kInt32), f(kNumber)),
			f(kArray, f(kString), f(kString))),
		f(kInt32), f(kInt8).since(1),
	},
	int16(kmsg.DeleteTopics): {
		f(kArray, f(kString), f(kUUID)).since(6), f(kNames).until(5), f(kInt32),
	},
	int16(kmsg.DeleteRecords): {
		offsetsByPartition(f(kInt32), f(kInt64)), f(kInt32),
	},
	int16(kmsg.InitProducerID): {
		f(kString), f(kInt32), f(kInt64).since(3), f(kInt16).since(3),
	},
	int16(kmsg.DescribeConfigs): {
		f(kArray, f(kInt8), f(kString), f(kNames)), f(kInt8).since(1), f(kInt8).since(3),
	},
	int16(kmsg.AlterConfigs): {
		f(kArray, f(kInt8), f(kString), f(kArray, f(kString), f(kString))), f(kInt8),
	},
	int16(kmsg.AlterReplicaLogDirs): {
		f(kArray, f(kString), f(kArray, f(kString), f(kNumber))),
	},
	int16(kmsg.DescribeLogDirs): {
		f(kArray, f(kString), f(kNumber)),
	},
	int16(kmsg.CreatePartitions): {
		f(kArray, f(kString), f(kInt32), f(kArray, f(kNumber))), f(kInt32), f(kInt8),
	},
	int16(kmsg.ElectLeaders): {
		f(kInt8).since(1), f(kArray, f(kString), f(kNumber)), f(kInt32),
	},
	int16(kmsg.AlterPartitionAssignments): {
		f(kInt32), f(kInt8).since(1), f(kArray, f(kString), f(kArray, f(kInt32), f(kNumber))),
	},
	int16(kmsg.ListPartitionReassignments): {
		f(kInt32), f(kArray, f(kString), f(kNumber)),
	},
	int16(kmsg.DescribeQuorum): {
		offsetsByPartition(f(kInt32)),
	},
	int16(kmsg.UpdateFeatures): {
		f(kInt32), f(kArray, f(kString), f(kInt16), f(kInt8).until(0), f(kInt8).since(1)), f(kInt8).since(1),
	},
	int16(kmsg.IncrementalAlterConfigs): {
		f(kArray, f(kInt8), f(kString), f(kArray, f(kString), f(kInt8), f(kString))), f(kInt8),
	},
	int16(kmsg.DescribeCluster): {
		f(kInt8), f(kInt8).since(1), f(kInt8).since(2),
	},
	int16(kmsg.DescribeProducers): {
		f(kArray, f(kString), f(kNumber)),
	},
	int16(kmsg.ListConfigResources): {
		f(kNumber8).since(1),
	},
	int16(kmsg.DescribeTopicPartitions): {
		f(kArray, f(kString)), f(kInt32), f(kStruct, f(kString), f(kInt32)),
	},
}

// CheckRequest walks the body of a request that kmsg will decode, by its shape: every length lies inside the body, and
// the tagged fields are few. It returns the request without the bytes that follow it, which Kafka ignores as well.
// After it, decoding allocates no more than a small multiple of the body. The API must have a shape.
func CheckRequest(key, version int16, body []byte) (request []byte, err error) {
	shape, ok := shapes[key]
	if !ok {
		return nil, fmt.Errorf("%w: got API key %d, expected one that is served", ErrMalformed, key)
	}
	r := NewReader(body, Flexible(key, version))
	r.fields(shape, version)
	if r.Err() != nil {
		return nil, r.Err()
	}
	return body[:len(body)-r.Left()], nil
}

// fields reads one structure: its fields and the tagged ones at its end.
func (r *Reader) fields(shape []field, version int16) {
	for i := range shape {
		if x := &shape[i]; version >= x.from && version <= x.to {
			r.field(x, version)
		}
	}
	r.Tags(nil)
}

func (r *Reader) field(x *field, version int16) {
	switch x.kind {
	case kInt8:
		r.Int8()
	case kInt16:
		r.Int16()
	case kInt32:
		r.Int32()
	case kInt64:
		r.Int64()
	case kUUID:
		r.UUID()
	case kString:
		r.String()
	case kBytes:
		r.Bytes()
	case kNumber8:
		r.take(max(r.Array(1), 0))
	case kNumber:
		r.take(4 * max(r.Array(4), 0))
	case kStruct:
		if r.Int8() >= 0 {
			r.fields(x.elem, version)
		}
	case kNames, kArray:
		r.elements(x, version)
	}
}

func (r *Reader) elements(x *field, version int16) {
	for range max(r.Array(1), 0) {
		if r.err != nil {
			return
		}
		if x.kind == kNames {
			r.String()
		} else {
			r.fields(x.elem, version)
		}
	}
}
