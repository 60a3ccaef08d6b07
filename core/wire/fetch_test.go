package wire

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
)

// differs compares two values field by field and tells both if they are not the same.
func differs(want, got any) string {
	if reflect.DeepEqual(want, got) {
		return ""
	}
	var out strings.Builder
	a, b := reflect.ValueOf(want), reflect.ValueOf(got)
	for i := range a.NumField() {
		if !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			out.WriteString(a.Type().Field(i).Name + " ")
		}
	}
	return "differs in " + out.String()
}

// expectedFetch is what FetchRequest must say of a request that kmsg wrote.
func expectedFetch(req *kmsg.FetchRequest) FetchRequest {
	v := req.Version
	want := FetchRequest{
		Version: v, Replica: base.NodeID(req.ReplicaID), ReplicaEpoch: -1, MaxWaitMs: req.MaxWaitMillis,
		MinBytes: req.MinBytes, MaxBytes: req.MaxBytes, ReadCommitted: req.IsolationLevel == 1, SessionEpoch: -1,
	}
	if v >= 15 {
		want.Replica, want.ReplicaEpoch = base.NodeID(req.ReplicaState.ID), req.ReplicaState.Epoch
	}
	if v >= 7 {
		want.SessionID, want.SessionEpoch = req.SessionID, req.SessionEpoch
		for _, topic := range req.ForgottenTopics {
			for _, index := range topic.Partitions {
				want.Forgotten = append(want.Forgotten, expectedPartition(v, topic.Topic, topic.TopicID, index))
			}
		}
	}
	if v >= 11 {
		want.Rack = []byte(req.Rack)
	}
	for _, topic := range req.Topics {
		for _, asked := range topic.Partitions {
			p := expectedPartition(v, topic.Topic, topic.TopicID, asked.Partition)
			p.Offset, p.MaxBytes = base.Offset(asked.FetchOffset), asked.PartitionMaxBytes
			if v >= 9 {
				p.LeaderEpoch = base.LeaderEpoch(asked.CurrentLeaderEpoch)
			}
			if v >= 12 {
				p.FetchedEpoch = base.LeaderEpoch(asked.LastFetchedEpoch)
			}
			if v >= 5 {
				p.LogStart = base.Offset(asked.LogStartOffset)
			}
			if v >= 18 {
				p.HighWatermark = base.Offset(asked.HighWatermark)
			}
			want.Partitions = append(want.Partitions, p)
		}
	}
	return want
}

func expectedPartition(v int16, topic string, id [16]byte, index int32) FetchPartition {
	p := FetchPartition{
		Index: index, LeaderEpoch: base.NoEpoch, FetchedEpoch: base.NoEpoch, LogStart: base.NoOffset,
		HighWatermark: 1<<63 - 1,
	}
	if v >= 13 {
		p.TopicID = id
	} else {
		p.Topic = []byte(topic)
	}
	return p
}

func TestFetchRequestsAreReadAsKmsgWritesThem(t *testing.T) {
	var got FetchRequest
	for v := int16(4); v <= 18; v++ {
		f := filler(int64(v))
		for range 100 {
			var req kmsg.FetchRequest
			f.Fuzz(&req)
			req.Version = v
			body := req.AppendTo(nil)
			want := expectedFetch(&req)
			if err := got.Parse(v, body); err != nil {
				t.Fatalf("v%d: %v: % x", v, err, body)
			}
			if len(got.Partitions) == 0 {
				got.Partitions = nil
			}
			if len(got.Forgotten) == 0 {
				got.Forgotten = nil
			}
			if text := differs(want, got); text != "" {
				t.Fatalf("v%d: %s\ngot %+v\nexpected %+v", v, text, got, want)
			}
			if err := got.Parse(v, append(body, 0xff)); err != nil {
				t.Fatalf("v%d: a byte after the request: %v", v, err)
			}
			for n := range len(body) {
				if err := got.Parse(v, body[:n]); err == nil {
					t.Fatalf("v%d: %d of %d bytes are taken for a request", v, n, len(body))
				}
			}
		}
	}
}

// fetchedPartition is a random result and what a client must read of it.
func (s *spans) fetchedPartition(r *rand.Rand, v int16) (FetchResult, kmsg.FetchResponseTopicPartition) {
	span, records := s.take(r, r.IntN(300))
	p := FetchResult{
		Index: r.Int32(), ErrorCode: int16(r.Uint32()), HighWatermark: base.Offset(r.Int64()),
		LastStable: base.Offset(r.Int64()), LogStart: base.Offset(r.Int64()), ReadCommitted: r.IntN(2) == 0,
		Records: span, HasDiverging: r.IntN(3) == 0, DivergingEpoch: base.LeaderEpoch(r.Int32()),
		DivergingEnd: base.Offset(r.Int64()), HasLeader: r.IntN(3) == 0, Leader: base.NodeID(r.Int32()),
		LeaderEpoch: base.LeaderEpoch(r.Int32()),
	}
	x := kmsg.NewFetchResponseTopicPartition()
	x.Partition, x.ErrorCode, x.HighWatermark = p.Index, p.ErrorCode, int64(p.HighWatermark)
	x.LastStableOffset, x.RecordBatches = int64(p.LastStable), records
	if v >= 5 {
		x.LogStartOffset = int64(p.LogStart)
	}
	if p.ReadCommitted {
		x.AbortedTransactions = []kmsg.FetchResponseTopicPartitionAbortedTransaction{}
	}
	if v >= 12 && p.HasDiverging {
		x.DivergingEpoch.Epoch, x.DivergingEpoch.EndOffset = int32(p.DivergingEpoch), int64(p.DivergingEnd)
	}
	if v >= 16 && p.HasLeader {
		x.CurrentLeader.LeaderID, x.CurrentLeader.LeaderEpoch = int32(p.Leader), int32(p.LeaderEpoch)
	}
	return p, x
}

func TestFetchRepliesAreReadByKmsg(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	s := newSpans(t)
	for v := int16(4); v <= 18; v++ {
		for range 200 {
			h := RequestHeader{Key: 1, Version: v, Correlation: r.Int32()}
			var want kmsg.FetchResponse
			want.Default()
			want.Version = v
			code, session := int16(r.Uint32()), r.Int32()
			if v >= 7 {
				want.ErrorCode, want.SessionID = code, session
			}
			reply := NewFetchReply(h, code, session, r.IntN(4))
			topics := int(reply.announced(t))
			for range topics {
				s.fetchTopic(r, v, reply, &want)
			}
			reply.End()
			var got kmsg.FetchResponse
			decoded(t, frameOf(t, reply.Reply), h, &got)
			reply.Release()
			if wantBytes, gotBytes := want.AppendTo(nil), got.AppendTo(nil); !bytes.Equal(wantBytes, gotBytes) {
				t.Fatalf("v%d: got\n%+v\nexpected\n%+v", v, got, want)
			}
		}
	}
	if s.pin.held != 0 {
		t.Errorf("%d spans are still pinned", s.pin.held)
	}
}

// announced returns how many topics a reply that has just begun says will follow.
func (f FetchReply) announced(t *testing.T) uint32 {
	t.Helper()
	if f.flexible {
		return uint32(f.buf[len(f.buf)-1]) - 1
	}
	return uint32(f.buf[len(f.buf)-1])
}

// fetchTopic writes a topic of random partitions into a reply, and what a client must read into want.
func (s *spans) fetchTopic(r *rand.Rand, v int16, reply FetchReply, want *kmsg.FetchResponse) {
	topic := kmsg.NewFetchResponseTopic()
	topic.Topic, topic.TopicID = strings.Repeat("n", r.IntN(100)), base.UUID{1: byte(r.Uint32())}
	n := r.IntN(4)
	reply.Topic([]byte(topic.Topic), topic.TopicID, n)
	for range n {
		p, x := s.fetchedPartition(r, v)
		reply.Result(p)
		topic.Partitions = append(topic.Partitions, x)
	}
	reply.EndTopic()
	want.Topics = append(want.Topics, topic)
}
