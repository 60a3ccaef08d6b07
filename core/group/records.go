package group

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Versions of the keys and values of records.
const (
	oldOffsetKeyVersion = 0
	offsetKeyVersion    = 1
	groupKeyVersion     = 2

	// expiringValueVersion is that of the value of an offset with an expiry of its own.
	expiringValueVersion = 1
	offsetValueVersion   = 4
	groupValueVersion    = 3

	// The newest versions that can be read.
	mostOffsetValueVersion = 4
	mostGroupValueVersion  = 4
)

// groupKey is the key of a group's record.
func groupKey(name string) []byte {
	key := kmsg.NewGroupMetadataKey()
	key.Version, key.Group = groupKeyVersion, name
	return key.AppendTo(nil)
}

// offsetKey appends the key of an offset's record to dst.
func offsetKey(dst []byte, group, topic string, partition int32) []byte {
	key := kmsg.NewOffsetCommitKey()
	key.Version, key.Group, key.Topic, key.Partition = offsetKeyVersion, group, topic, partition
	return key.AppendTo(dst)
}

// offsetRecord makes the record of an offset in room, and returns the room with it.
func offsetRecord(room []byte, group, topic string, partition int32, o *offset) (Record, []byte) {
	start := len(room)
	room = offsetKey(room, group, topic, partition)
	end := len(room)
	value := kmsg.NewOffsetCommitValue()
	value.Version = offsetValueVersion
	if o.expires != noTime {
		value.Version = expiringValueVersion
	}
	value.Offset, value.LeaderEpoch, value.Metadata = o.offset, o.leaderEpoch, o.metadata
	value.CommitTimestamp, value.ExpireTimestamp, value.TopicID = o.committed, o.expires, o.topicID
	room = value.AppendTo(room)
	return Record{Key: room[start:end:end], Value: room[end:len(room):len(room)]}, room
}

// createdValue is the value of a group that was just created.
func createdValue(since int64) []byte {
	value := kmsg.NewGroupMetadataValue()
	value.Version, value.CurrentStateTimestamp = groupValueVersion, since
	return value.AppendTo(nil)
}

// value is the value of a group's record, with the assignments that assigned returns.
func (g *group) value(assigned func(m *member) []byte) []byte {
	value := kmsg.NewGroupMetadataValue()
	value.Version, value.ProtocolType, value.Generation = groupValueVersion, g.protocolType, g.generation
	value.Protocol, value.CurrentStateTimestamp = g.protocol, g.since
	if g.leader != "" {
		value.Leader = &g.leader
	}
	for _, m := range g.members {
		x := kmsg.NewGroupMetadataValueMember()
		x.MemberID, x.InstanceID, x.ClientID, x.ClientHost = m.id, m.instance, m.clientID, m.clientHost
		x.RebalanceTimeoutMillis, x.SessionTimeoutMillis = m.rebalanceMs, m.sessionMs
		x.Subscription, x.Assignment = m.metadata(), assigned(m)
		value.Members = append(value.Members, x)
	}
	return value.AppendTo(nil)
}
