package wire

import "github.com/gregor-log/gregor/base"

// ProduceRequest is a Produce request (API key 0, versions 3-13; topics by id from 13, KIP-516) read in place. Walk it
// with NextTopic and NextPartition.
type ProduceRequest struct {
	// TransactionalID is nil for null.
	TransactionalID []byte
	// Acks is 0, 1 or -1 (all).
	Acks int16
	// TimeoutMs bounds the wait for acks.
	TimeoutMs int32
	// Topics is the number of topics.
	Topics int

	version    int16
	r          Reader
	topicsLeft int
	partsLeft  int
	inTopic    bool
}

// ProduceTopic is one topic of a ProduceRequest.
type ProduceTopic struct {
	// Name points into the request (versions below 13); ID is set instead from version 13 on.
	Name []byte
	ID   base.UUID
	// Partitions is the number of partitions that follow.
	Partitions int
}

// ProducePartition is one partition's records of a ProduceRequest.
type ProducePartition struct {
	Index int32
	// Records points into the request: the record set as the client sent it; nil for null.
	Records []byte
}

// produceTopicIDs is the version from which topics are named by their ids.
const produceTopicIDs = 13

// leastTopic is the least size of a topic in a Produce or Fetch request, in bytes: in the flexible versions an empty
// name, no partitions and no tagged fields, each of which is one byte.
const leastTopic = 3

// ParseProduce reads the body of a Produce request and checks all of it, so that walking it cannot fail. Bytes that
// follow the request are ignored, as Kafka ignores them.
func ParseProduce(version int16, body []byte) (ProduceRequest, error) {
	req := ProduceRequest{version: version, r: NewReader(body, Flexible(0, version))}
	req.TransactionalID = req.r.String()
	req.Acks = req.r.Int16()
	req.TimeoutMs = req.r.Int32()
	req.Topics = max(req.r.Array(leastTopic), 0)
	req.topicsLeft = req.Topics
	walk := req
	for {
		topic, ok := walk.NextTopic()
		if !ok {
			break
		}
		for range topic.Partitions {
			walk.NextPartition()
		}
	}
	walk.endTopic()
	walk.r.Tags(nil)
	if err := walk.r.Err(); err != nil {
		return ProduceRequest{}, err
	}
	return req, nil
}

func (q *ProduceRequest) endTopic() {
	if q.inTopic {
		q.r.Tags(nil)
		q.inTopic = false
	}
}

// NextTopic goes on to the next topic; the partitions of the one before must have been walked. It reports false at the
// end.
func (q *ProduceRequest) NextTopic() (ProduceTopic, bool) {
	q.endTopic()
	if q.topicsLeft == 0 || q.r.Err() != nil {
		return ProduceTopic{}, false
	}
	q.topicsLeft--
	q.inTopic = true
	var t ProduceTopic
	if q.version >= produceTopicIDs {
		t.ID = q.r.UUID()
	} else {
		t.Name = q.r.Name()
	}
	t.Partitions = max(q.r.Array(5), 0)
	q.partsLeft = t.Partitions
	return t, true
}

// NextPartition goes on to the next partition of the topic. It reports false at its end.
func (q *ProduceRequest) NextPartition() (ProducePartition, bool) {
	if q.partsLeft == 0 {
		return ProducePartition{}, false
	}
	q.partsLeft--
	p := ProducePartition{Index: q.r.Int32(), Records: q.r.Bytes()}
	q.r.Tags(nil)
	return p, true
}

// ProduceReply writes the response to a Produce request, part by part in the order of the request.
type ProduceReply struct {
	*Reply
	version int16
}

// RecordError tells a client which record of its batch was refused (KIP-467).
type RecordError struct {
	Index   int32
	Message string
}

// ProduceResult is the outcome of one partition.
type ProduceResult struct {
	Index     int32
	ErrorCode int16
	// Base is the offset of the first record, or base.NoOffset.
	Base base.Offset
	// AppendTime is the timestamp that the broker set, or base.NoTimestamp with CreateTime.
	AppendTime int64
	// LogStart is the log's start offset, or base.NoOffset.
	LogStart base.Offset
	Records  []RecordError
	Message  string
	// Leader and LeaderEpoch are told with NOT_LEADER_OR_FOLLOWER alone (KIP-951); HasLeader says whether to.
	HasLeader   bool
	Leader      base.NodeID
	LeaderEpoch base.LeaderEpoch
}

// ResultPosition is where a written ProduceResult lies in its reply, so that it can still become an error.
type ResultPosition int

// NewProduceReply begins the response to a request of the given number of topics.
func NewProduceReply(h RequestHeader, topics int) ProduceReply {
	p := ProduceReply{Reply: NewReply(h), version: h.Version}
	p.Array(topics)
	return p
}

// Topic begins a topic.
func (p ProduceReply) Topic(t ProduceTopic) {
	if p.version >= produceTopicIDs {
		p.UUID(t.ID)
	} else {
		p.String(t.Name)
	}
	p.Array(t.Partitions)
}

// EndTopic ends a topic.
func (p ProduceReply) EndTopic() {
	p.NoTags()
}

// Result writes the outcome of one partition.
func (p ProduceReply) Result(r ProduceResult) ResultPosition {
	p.Int32(r.Index)
	at := p.Position()
	p.Int16(r.ErrorCode)
	p.Int64(int64(r.Base))
	p.Int64(r.AppendTime)
	if p.version >= 5 {
		p.Int64(int64(r.LogStart))
	}
	if p.version >= 8 {
		p.Array(len(r.Records))
		for _, e := range r.Records {
			p.Int32(e.Index)
			p.String(orNull(e.Message))
			p.NoTags()
		}
		p.String(orNull(r.Message))
	}
	if p.version >= 10 && r.HasLeader {
		p.leaderTag(r)
	} else {
		p.NoTags()
	}
	return ResultPosition(at)
}

func (p ProduceReply) leaderTag(r ProduceResult) {
	p.Uvarint(1) // one tagged field
	p.Uvarint(0) // CurrentLeader
	p.Uvarint(4 + 4 + 1)
	p.Int32(int32(r.Leader))
	p.Int32(int32(r.LeaderEpoch))
	p.NoTags()
}

// Fail turns a result that was written as a success into an error.
func (p ProduceReply) Fail(at ResultPosition, code int16) {
	p.SetInt16(int(at), code)
	p.SetInt64(int(at)+2, int64(base.NoOffset))
	p.SetInt64(int(at)+10, base.NoTimestamp)
}

// End ends the response.
func (p ProduceReply) End() {
	p.Int32(0) // throttle time
	p.NoTags()
	p.Finish()
}

func orNull(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}
