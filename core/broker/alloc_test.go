package broker

import (
	"bytes"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/env"
	"github.com/gregor-log/gregor/core/vfs"
	"github.com/gregor-log/gregor/core/wire"
)

// loop drives a broker on real files as tightly as a driver can: it sends one frame again and again and drops the
// replies.
type loop struct {
	testing.TB
	b       *Broker
	now     base.Instant
	conn    *Conn
	effects Effects
	replies []*wire.Reply
	sent    int64 // bytes of replies
}

// newLoop makes a broker with the topic t, with configs in pairs.
func newLoop(tb testing.TB, configs ...string) *loop {
	tb.Helper()
	cfg, _, err := config.ParseBroker([]config.KV{
		kv("listeners", "PLAINTEXT://127.0.0.1:9092"), kv("log.dirs", tb.TempDir()), kv("log.retention.ms", "-1"),
	})
	if err != nil {
		tb.Fatal(err)
	}
	l := &loop{TB: tb, now: base.Instant{Mono: 1, Wall: epoch}}
	l.b, err = Open(Options{
		FS: vfs.NewOS(), Config: cfg, Rand: env.NewSeeded(1, "loop"), Now: l.now, OpenFiles: 64,
		Advertised: []config.Endpoint{{Name: "PLAINTEXT", Host: "127.0.0.1", Port: 9092}},
		Log:        slog.New(slog.DiscardHandler),
		Parallel: func(n int, work func(i int)) {
			for i := range n {
				work(i)
			}
		},
	}, &l.effects)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := l.b.Close(); err != nil {
			tb.Error(err)
		}
	})
	l.conn = NewConn(l.b.Listener("PLAINTEXT"), "127.0.0.1")
	create := kmsg.NewPtrCreateTopicsRequest()
	create.Version = 7
	topic := kmsg.CreateTopicsRequestTopic{Topic: "t", NumPartitions: 1, ReplicationFactor: 1}
	for i := 0; i < len(configs); i += 2 {
		set := kmsg.CreateTopicsRequestTopicConfig{Name: configs[i], Value: &configs[i+1]}
		topic.Configs = append(topic.Configs, set)
	}
	create.Topics = append(create.Topics, topic)
	l.step(frameOf(create))
	return l
}

// frameOf returns a request as a frame without its length.
func frameOf(req kmsg.Request) []byte {
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID("loop")).AppendRequest(nil, req, 1)[wire.LengthSize:]
}

// step hands in a frame, runs the tasks that it leads to and takes the replies.
func (l *loop) step(frame []byte) {
	l.now.Mono++
	l.b.Step(l.now, Input{Kind: Frame, Conn: l.conn, Frame: frame}, &l.effects)
	for len(l.effects.Tasks) > 0 {
		task := l.effects.Tasks[0]
		l.effects.Tasks = l.effects.Tasks[1:]
		task.Run()
		l.b.Step(l.now, Input{Kind: TaskDone, Task: task}, &l.effects)
	}
	if len(l.effects.Close) > 0 {
		l.Fatal("the connection was closed")
	}
	l.effects.Reset()
	l.replies = l.conn.Take(l.replies[:0])
	if len(l.replies) != 1 {
		l.Fatalf("got %d replies, expected one", len(l.replies))
	}
	for _, r := range l.replies {
		l.sent += r.Size()
		r.Release()
	}
}

// produceFrame is a Produce request of one batch of n records of size bytes each, and the batch inside it.
func produceFrame(n, size int) (frame, inside []byte) {
	v := make([]string, n)
	for i := range v {
		v[i] = strings.Repeat("x", size)
	}
	made := values(v...).batch()
	frame = frameOf(produceOf(9, 1, part{topic: "t", records: made}))
	at := bytes.Index(frame, made)
	return frame, frame[at : at+len(made)]
}

// produce sends a produce request; the batch gets its offset back that the broker overwrote.
func (l *loop) produce(frame, inside []byte) {
	clear(inside[:8])
	l.step(frame)
}

// shapes are batches of one and of many records, of few and of many bytes.
var shapes = []struct{ records, size int }{
	{1, 100}, {1, 65_000}, {1, 1_000_000}, {100, 100}, {10_000, 10}, {10_000, 90},
}

// checkAllocations wants f to allocate at most so much on average, as far as that can be counted.
func (l *loop) checkAllocations(what string, most float64, f func()) {
	l.Helper()
	if got := testing.AllocsPerRun(50, f); got > most && !raced {
		l.Errorf("%s: got %v allocations, expected at most %v", what, got, most)
	}
}

// What a Produce request allocates depends neither on its bytes nor on its records: nothing, and where its acks come
// later the little that waits for them.
func TestProduceAllocations(t *testing.T) {
	for _, class := range []struct {
		name, flush string
		most        float64
	}{{"page-cache", "9223372036854775807", 0}, {"fsync", "1", 7}} {
		for _, s := range shapes {
			l := newLoop(t, "flush.messages", class.flush)
			frame, inside := produceFrame(s.records, s.size)
			what := fmt.Sprintf("%s, %d records of %d bytes", class.name, s.records, s.size)
			l.checkAllocations(what, class.most, func() { l.produce(frame, inside) })
			if end := int64(l.b.topics.partition("t", 0).log.End()); end != int64(51*s.records) {
				t.Fatalf("%s: got an end of %d", what, end)
			}
		}
	}
}

// What a Fetch request allocates depends neither on the bytes nor on the records that it gets: nothing, with a session
// and without.
func TestFetchAllocations(t *testing.T) {
	for _, s := range shapes {
		l := newLoop(t)
		l.produce(produceFrame(s.records, s.size))
		req := fetchOf(12, want{topic: "t", max: math.MaxInt32})
		frame := frameOf(req)
		l.sent = 0
		what := fmt.Sprintf("%d records of %d bytes", s.records, s.size)
		l.checkAllocations(what, 0, func() { l.step(frame) })
		req.SessionEpoch = 0
		l.step(frameOf(req))
		req.Topics, req.SessionID, req.SessionEpoch = nil, l.session(), 1
		frame = frameOf(req)
		l.checkAllocations(what+", session", 0, func() {
			l.step(frame)
			frame[sessionEpochAt(frame)]++ // up to 52
		})
		if least := int64(2 * 51 * s.records * s.size); l.sent < least {
			t.Fatalf("%s: got %d bytes, expected at least %d", what, l.sent, least)
		}
	}
}

// session returns the id of the only session that there is.
func (l *loop) session() int32 {
	l.Helper()
	if n := l.b.sessions.mu.order.Len(); n != 1 {
		l.Fatalf("got %d sessions, expected one", n)
	}
	return l.b.sessions.mu.order.Front().Value.(*sessionEntry).session.id
}

// sessionEpochAt returns where the last byte of the session's epoch stands in a Fetch request without topics: behind it
// come no topics, no forgotten ones, no rack and no tagged fields, a byte each.
func sessionEpochAt(frame []byte) int {
	return len(frame) - 5
}

// benchmarkLimit is how much a benchmark writes before it begins a new log.
const benchmarkLimit = 1 << 29

func BenchmarkProduce(b *testing.B) {
	for _, s := range shapes {
		b.Run(fmt.Sprintf("%dx%dB", s.records, s.size), func(b *testing.B) {
			frame, inside := produceFrame(s.records, s.size)
			b.SetBytes(int64(len(inside)))
			b.ReportAllocs()
			l := newLoop(b)
			written := 0
			for b.Loop() {
				if written += len(inside); written > benchmarkLimit {
					b.StopTimer()
					l, written = newLoop(b), 0
					b.StartTimer()
				}
				l.produce(frame, inside)
			}
		})
	}
}

func BenchmarkFetch(b *testing.B) {
	for _, s := range shapes {
		b.Run(fmt.Sprintf("%dx%dB", s.records, s.size), func(b *testing.B) {
			l := newLoop(b)
			l.produce(produceFrame(s.records, s.size))
			frame := frameOf(fetchOf(12, want{topic: "t", max: math.MaxInt32}))
			b.ReportAllocs()
			for b.Loop() {
				l.step(frame)
			}
		})
	}
}
