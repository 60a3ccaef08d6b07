package wire

import (
	"github.com/gregor-log/gregor/base"
)

// FetchRequest is a Fetch request (API key 1, versions 4-18; sessions from 7, KIP-227; topics by id from 13, KIP-516),
// decoded. It can be used again: Parse keeps the slices' room.
type FetchRequest struct {
	Version int16
	// Replica and ReplicaEpoch name the follower that fetches; base.NoNode for a consumer.
	Replica      base.NodeID
	ReplicaEpoch int64
	MaxWaitMs    int32
	MinBytes     int32
	MaxBytes     int32
	// ReadCommitted asks for nothing beyond the last stable offset.
	ReadCommitted bool
	SessionID     int32
	SessionEpoch  int32
	// Partitions are in the order of the request; Forgotten too, with only their names set.
	Partitions []FetchPartition
	Forgotten  []FetchPartition
	// Rack and the topics' names point into the request.
	Rack []byte
}

// FetchPartition is one partition of a FetchRequest. Topic is set below version 13, TopicID from there on.
type FetchPartition struct {
	Topic        []byte
	TopicID      base.UUID
	Index        int32
	LeaderEpoch  base.LeaderEpoch // what the client believes; base.NoEpoch for no fencing
	Offset       base.Offset
	FetchedEpoch base.LeaderEpoch // epoch of the last record fetched (KIP-595), or base.NoEpoch
	LogStart     base.Offset      // of a follower
	MaxBytes     int32
	// HighWatermark is what a follower knows (KIP-1166), or 1<<63-1.
	HighWatermark base.Offset
}

// Versions from which a Fetch message has a part.
const (
	fetchSessions     = 7
	fetchLeaderEpochs = 9
	fetchRacks        = 11
	fetchFlexible     = 12
	fetchTopicIDs     = 13
	fetchReplicaState = 15
	fetchLeaders      = 16
)

// FetchByID reports whether a version names topics by their ids.
func FetchByID(version int16) bool {
	return version >= fetchTopicIDs
}

// Parse reads the body of a Fetch request into q. Bytes that follow the request are ignored, as Kafka ignores them.
func (q *FetchRequest) Parse(version int16, body []byte) error {
	*q = FetchRequest{
		Version: version, Replica: base.NoNode, ReplicaEpoch: -1, SessionEpoch: -1,
		Partitions: q.Partitions[:0], Forgotten: q.Forgotten[:0],
	}
	r := NewReader(body, Flexible(1, version))
	if version < fetchReplicaState {
		q.Replica = base.NodeID(r.Int32())
	}
	q.MaxWaitMs, q.MinBytes, q.MaxBytes = r.Int32(), r.Int32(), r.Int32()
	q.ReadCommitted = r.Int8() == 1
	if version >= fetchSessions {
		q.SessionID, q.SessionEpoch = r.Int32(), r.Int32()
	}
	q.parseTopics(&r)
	if version >= fetchSessions {
		q.parseForgotten(&r)
	}
	if version >= fetchRacks {
		q.Rack = r.String()
	}
	r.Tags(func(tag uint32, content *Reader) {
		if tag == 1 && version >= fetchReplicaState {
			q.Replica = base.NodeID(content.Int32())
			q.ReplicaEpoch = content.Int64()
			content.Tags(nil)
		}
	})
	return r.Err()
}

func (q *FetchRequest) topicName(r *Reader) FetchPartition {
	p := FetchPartition{
		LeaderEpoch: base.NoEpoch, FetchedEpoch: base.NoEpoch, LogStart: base.NoOffset, HighWatermark: 1<<63 - 1,
	}
	if q.Version >= fetchTopicIDs {
		p.TopicID = r.UUID()
	} else {
		p.Topic = r.Name()
	}
	return p
}

func (q *FetchRequest) parseTopics(r *Reader) {
	for range max(r.Array(leastTopic), 0) {
		topic := q.topicName(r)
		for range max(r.Array(16), 0) {
			p := topic
			p.Index = r.Int32()
			if q.Version >= fetchLeaderEpochs {
				p.LeaderEpoch = base.LeaderEpoch(r.Int32())
			}
			p.Offset = base.Offset(r.Int64())
			if q.Version >= fetchFlexible {
				p.FetchedEpoch = base.LeaderEpoch(r.Int32())
			}
			if q.Version >= 5 {
				p.LogStart = base.Offset(r.Int64())
			}
			p.MaxBytes = r.Int32()
			r.Tags(func(tag uint32, content *Reader) {
				if tag == 1 && q.Version >= 18 {
					p.HighWatermark = base.Offset(content.Int64())
				}
			})
			if r.Err() != nil {
				return
			}
			q.Partitions = append(q.Partitions, p)
		}
		r.Tags(nil)
		if r.Err() != nil {
			return
		}
	}
}

func (q *FetchRequest) parseForgotten(r *Reader) {
	for range max(r.Array(leastTopic), 0) {
		topic := q.topicName(r)
		for range max(r.Array(4), 0) {
			p := topic
			p.Index = r.Int32()
			if r.Err() != nil {
				return
			}
			q.Forgotten = append(q.Forgotten, p)
		}
		r.Tags(nil)
		if r.Err() != nil {
			return
		}
	}
}

// FetchReply writes the response to a Fetch request. Topics and partitions are announced by count before they come.
type FetchReply struct {
	*Reply
	version int16
}

// FetchResult is the outcome of one partition.
type FetchResult struct {
	Index         int32
	ErrorCode     int16
	HighWatermark base.Offset
	LastStable    base.Offset
	LogStart      base.Offset
	// ReadCommitted asks for an empty list of aborted transactions instead of null. A partition that does not exist
	// gets one in any case.
	ReadCommitted bool
	// Records is the part of the log, owned by the reply.
	Records Span
	// HasDiverging tells the end of the epoch up to which the client's log and this one agree (KIP-595).
	HasDiverging   bool
	DivergingEpoch base.LeaderEpoch
	DivergingEnd   base.Offset
	// HasLeader tells the leader with NOT_LEADER_OR_FOLLOWER and FENCED_LEADER_EPOCH (KIP-951, from version 16).
	HasLeader   bool
	Leader      base.NodeID
	LeaderEpoch base.LeaderEpoch
}

// NewFetchReply begins the response with its error code, session id and the number of topics that follow.
func NewFetchReply(h RequestHeader, code int16, session int32, topics int) FetchReply {
	f := FetchReply{Reply: NewReply(h), version: h.Version}
	f.Int32(0) // throttle time
	if f.version >= fetchSessions {
		f.Int16(code)
		f.Int32(session)
	}
	f.Array(topics)
	return f
}

// Topic begins a topic of so many partitions.
func (f FetchReply) Topic(name []byte, id base.UUID, partitions int) {
	if f.version >= fetchTopicIDs {
		f.UUID(id)
	} else {
		f.String(name)
	}
	f.Array(partitions)
}

// EndTopic ends a topic.
func (f FetchReply) EndTopic() {
	f.NoTags()
}

// Result writes the outcome of one partition.
func (f FetchReply) Result(p FetchResult) {
	f.Int32(p.Index)
	f.Int16(p.ErrorCode)
	f.Int64(int64(p.HighWatermark))
	f.Int64(int64(p.LastStable))
	if f.version >= 5 {
		f.Int64(int64(p.LogStart))
	}
	if p.ReadCommitted {
		f.Array(0) // aborted transactions
	} else {
		f.Array(-1)
	}
	if f.version >= fetchRacks {
		f.Int32(int32(base.NoNode)) // preferred read replica
	}
	f.Records(p.Records)
	f.resultTags(p)
}

func (f FetchReply) resultTags(p FetchResult) {
	diverging, leader := p.HasDiverging && f.version >= fetchFlexible, p.HasLeader && f.version >= fetchLeaders
	if !diverging && !leader {
		f.NoTags()
		return
	}
	count := uint32(0)
	if diverging {
		count++
	}
	if leader {
		count++
	}
	f.Uvarint(count)
	if diverging {
		f.Uvarint(0)
		f.Uvarint(4 + 8 + 1)
		f.Int32(int32(p.DivergingEpoch))
		f.Int64(int64(p.DivergingEnd))
		f.NoTags()
	}
	if leader {
		f.Uvarint(1)
		f.Uvarint(4 + 4 + 1)
		f.Int32(int32(p.Leader))
		f.Int32(int32(p.LeaderEpoch))
		f.NoTags()
	}
}

// End ends the response.
func (f FetchReply) End() {
	f.NoTags()
	f.Finish()
}
