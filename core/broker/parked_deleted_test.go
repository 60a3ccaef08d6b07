package broker

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/wire"
)

// A topic may be deleted between a request's append and its wait for acks: whoever comes after the release of all waits
// is told the same as those before it, unless the records were committed earlier.
func TestDeletionBeforeAProduceIsParked(t *testing.T) {
	for _, test := range []struct {
		name string
		need base.Offset // the log is committed up to 1
		code int16
	}{
		{"not synced", 2, unknownTopic},
		{"synced before", 1, noCode},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHarness(t)
			h.create("t", 1, "flush.messages", "1")
			h.mustProduce("t", 0, values("a"))
			p := h.b.topics.partition("t", 0)
			h.drop("t")
			h.quiet = true
			conn := NewConn(h.b.Listener("PLAINTEXT"), "127.0.0.1")
			asked := produceOf(9, -1, part{topic: "t", records: values("b").batch()})
			req, err := wire.ParseProduce(9, asked.AppendTo(nil))
			if err != nil {
				t.Fatal(err)
			}
			seq, _ := conn.begin(nil, 0)
			op := &parkedProduce{
				conn: conn, seq: seq, reply: wire.NewProduceReply(wire.RequestHeader{Key: 0, Version: 9}, req.Topics),
			}
			topic, _ := req.NextTopic()
			op.reply.Topic(topic)
			at := op.reply.Result(wire.ProduceResult{Base: test.need - 1})
			op.reply.EndTopic()
			op.reply.End()
			op.mu.left = 1
			op.add(h.b, h.now, p, at, test.need, &h.effects)
			op.park(h.b, h.now, 1000, &h.effects)
			h.effects.Reset()
			replies := conn.Take(nil)
			if len(replies) != 1 {
				t.Fatalf("got %d replies, expected 1", len(replies))
			}
			res := wireTest(t, asked, 0, replyBytes(h, replies[0])).(*kmsg.ProduceResponse)
			replies[0].Release()
			if got := res.Topics[0].Partitions[0]; got.ErrorCode != test.code {
				t.Errorf("got error %d and offset %d, expected error %d", got.ErrorCode, got.BaseOffset, test.code)
			}
		})
	}
}
