package wire

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
)

// walked tells all that a Produce request says, as ProduceRequest reads it.
func walked(version int16, body []byte) (string, error) {
	req, err := ParseProduce(version, body)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	fmt.Fprintln(&out, nullable(req.TransactionalID), req.Acks, req.TimeoutMs, req.Topics)
	for {
		topic, ok := req.NextTopic()
		if !ok {
			return out.String(), nil
		}
		fmt.Fprintf(&out, "%x %x %d\n", topic.Name, [16]byte(topic.ID), topic.Partitions)
		for {
			p, ok := req.NextPartition()
			if !ok {
				break
			}
			fmt.Fprintln(&out, p.Index, nullable(p.Records))
		}
	}
}

// told tells the same of a request that kmsg wrote.
func told(req *kmsg.ProduceRequest) string {
	var out strings.Builder
	var txn []byte
	if req.TransactionID != nil {
		txn = []byte(*req.TransactionID)
	}
	fmt.Fprintln(&out, nullable(txn), req.Acks, req.TimeoutMillis, len(req.Topics))
	for _, topic := range req.Topics {
		if req.Version >= 13 {
			fmt.Fprintf(&out, "%x %x %d\n", "", topic.TopicID, len(topic.Partitions))
		} else {
			fmt.Fprintf(&out, "%x %x %d\n", topic.Topic, [16]byte{}, len(topic.Partitions))
		}
		for _, p := range topic.Partitions {
			fmt.Fprintln(&out, p.Partition, nullable(p.Records))
		}
	}
	return out.String()
}

func TestProduceRequestsAreReadAsKmsgWritesThem(t *testing.T) {
	for v := int16(3); v <= 13; v++ {
		f := filler(int64(v))
		for range 100 {
			var req kmsg.ProduceRequest
			f.Fuzz(&req)
			req.Version = v
			body := req.AppendTo(nil)
			got, err := walked(v, body)
			if want := told(&req); err != nil || got != want {
				t.Fatalf("v%d: got %v\n%s, expected\n%s", v, err, got, want)
			}
			if again, err := walked(v, append(body, 0xff)); err != nil || again != got {
				t.Fatalf("v%d: a byte after the request changes it: %v", v, err)
			}
			for n := range len(body) {
				if _, err := walked(v, body[:n]); err == nil {
					t.Fatalf("v%d: %d of %d bytes are taken for a request", v, n, len(body))
				}
			}
		}
	}
}

// randomResult draws the outcome of one partition.
func randomResult(r *rand.Rand) ProduceResult {
	p := ProduceResult{
		Index: r.Int32(), ErrorCode: int16(r.Uint32()), Base: base.Offset(r.Int64()), AppendTime: r.Int64(),
		LogStart: base.Offset(r.Int64()), HasLeader: r.IntN(2) == 0, Leader: base.NodeID(r.Int32()),
		LeaderEpoch: base.LeaderEpoch(r.Int32()), Message: strings.Repeat("m", r.IntN(300)),
	}
	for range r.IntN(3) {
		e := RecordError{Index: r.Int32(), Message: strings.Repeat("r", r.IntN(200))}
		p.Records = append(p.Records, e)
	}
	return p
}

// sameResult compares a result with what a client of a version reads.
func sameResult(v int16, want ProduceResult, got kmsg.ProduceResponseTopicPartition) string {
	expected := kmsg.NewProduceResponseTopicPartition()
	expected.Partition, expected.ErrorCode = want.Index, want.ErrorCode
	expected.BaseOffset, expected.LogAppendTime = int64(want.Base), want.AppendTime
	if v >= 5 {
		expected.LogStartOffset = int64(want.LogStart)
	}
	if v >= 8 {
		for _, e := range want.Records {
			x := kmsg.NewProduceResponseTopicPartitionErrorRecord()
			x.RelativeOffset = e.Index
			if m := e.Message; m != "" {
				x.ErrorMessage = &m
			}
			expected.ErrorRecords = append(expected.ErrorRecords, x)
		}
		if m := want.Message; m != "" {
			expected.ErrorMessage = &m
		}
	}
	if v >= 10 && want.HasLeader {
		expected.CurrentLeader.LeaderID = int32(want.Leader)
		expected.CurrentLeader.LeaderEpoch = int32(want.LeaderEpoch)
	}
	return differs(expected, got)
}

func TestProduceRepliesAreReadByKmsg(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for v := int16(3); v <= 13; v++ {
		for range 200 {
			h := RequestHeader{Version: v, Correlation: r.Int32()}
			topics := make([][]ProduceResult, r.IntN(4))
			names := make([]ProduceTopic, len(topics))
			reply := NewProduceReply(h, len(topics))
			for i := range topics {
				topics[i] = make([]ProduceResult, r.IntN(4))
				names[i] = ProduceTopic{
					Name: []byte(strings.Repeat("n", r.IntN(200))), ID: base.UUID{byte(r.Uint32())},
					Partitions: len(topics[i]),
				}
				reply.Topic(names[i])
				for j := range topics[i] {
					p := randomResult(r)
					at := reply.Result(p)
					if r.IntN(4) == 0 {
						p.ErrorCode, p.Base, p.AppendTime = 7, base.NoOffset, base.NoTimestamp
						reply.Fail(at, 7)
					}
					topics[i][j] = p
				}
				reply.EndTopic()
			}
			reply.End()
			var res kmsg.ProduceResponse
			decoded(t, frameOf(t, reply.Reply), h, &res)
			reply.Release()
			checkProduced(t, v, names, topics, &res)
		}
	}
}

func checkProduced(t *testing.T, v int16, names []ProduceTopic, topics [][]ProduceResult, res *kmsg.ProduceResponse) {
	t.Helper()
	if len(res.Topics) != len(topics) {
		t.Fatalf("v%d: got %d topics, expected %d", v, len(res.Topics), len(topics))
	}
	for i, topic := range res.Topics {
		if v < 13 && topic.Topic != string(names[i].Name) || v >= 13 && topic.TopicID != names[i].ID ||
			len(topic.Partitions) != len(topics[i]) {
			t.Fatalf("v%d: got topic %+v, expected %+v", v, topic, names[i])
		}
		for j, p := range topic.Partitions {
			if text := sameResult(v, topics[i][j], p); text != "" {
				t.Fatalf("v%d: %s", v, text)
			}
		}
	}
}

// A topic may have a name of one byte and no partitions, which takes four bytes in the flexible versions.
func TestShortestTopicsAreRead(t *testing.T) {
	for v := int16(9); v <= 12; v++ {
		req := kmsg.ProduceRequest{Version: v, Topics: []kmsg.ProduceRequestTopic{{Topic: "t"}}}
		if got, err := walked(v, req.AppendTo(nil)); err != nil || got != told(&req) {
			t.Errorf("Produce v%d: got %q, %v, expected %q", v, got, err, told(&req))
		}
	}
	fetch := kmsg.FetchRequest{
		Version: 12, Topics: make([]kmsg.FetchRequestTopic, 20),
		ForgottenTopics: make([]kmsg.FetchRequestForgottenTopic, 5),
	}
	var got FetchRequest
	if err := got.Parse(12, fetch.AppendTo(nil)); err != nil {
		t.Errorf("Fetch v12: %v", err)
	}
}
