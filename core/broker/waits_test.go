package broker

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/wire"
)

// waitTwin is one fetch that may wait: it must be answered at the first instant at which it has enough, or its time is
// over, or something is wrong, and not before.
type waitTwin struct {
	client   *testClient
	offsets  map[int32]int64 // by partition, in whole batches: the number of the first one wanted
	minBytes int
	until    base.Mono
	answered int
}

// waitRun drives fetches that wait on one topic, whose batches are kept by size.
type waitRun struct {
	*harness
	r       *rand.Rand
	batches [3][]int
	gone    bool
	waiting []*waitTwin
}

// available is how many bytes a fetch could get now.
func (run *waitRun) available(w *waitTwin) int {
	n := 0
	for index, offset := range w.offsets {
		for _, size := range run.batches[index][offset:] {
			n += size
		}
	}
	return n
}

// due says that a fetch must be answered by now.
func (run *waitRun) due(w *waitTwin) bool {
	return run.gone || run.now.Mono >= w.until || run.available(w) >= w.minBytes
}

// check compares who was answered with who must be.
func (run *waitRun) check(when string) {
	run.Helper()
	kept := run.waiting[:0]
	for _, w := range run.waiting {
		got := len(w.client.answers) > w.answered
		if want := run.due(w); got != want {
			run.Fatalf("%s: fetch of %v for %d bytes until %d: answered %v, expected %v; %d bytes are there, at %d",
				when, w.offsets, w.minBytes, w.until, got, want, run.available(w), run.now.Mono)
		}
		if !got {
			kept = append(kept, w)
			continue
		}
		run.checkAnswer(w)
	}
	run.waiting = kept
}

// checkAnswer looks at what a fetch got: all that there is.
func (run *waitRun) checkAnswer(w *waitTwin) {
	run.Helper()
	bytes := 0
	for _, topic := range w.client.answers[w.answered].(*kmsg.FetchResponse).Topics {
		for _, p := range topic.Partitions {
			bytes += len(p.RecordBatches)
			if (p.ErrorCode == 3) != run.gone {
				run.Fatalf("got error %d, deleted: %v", p.ErrorCode, run.gone)
			}
		}
	}
	if want := run.available(w); !run.gone && bytes != want {
		run.Fatalf("got %d bytes, expected %d", bytes, want)
	}
}

// fetchSome begins a fetch of random partitions with random limits.
func (run *waitRun) fetchSome() {
	c := run.connect()
	w := &waitTwin{
		client: c, offsets: make(map[int32]int64), minBytes: run.r.IntN(400),
		until: run.now.Mono.Add(time.Duration(run.r.IntN(50)) * time.Millisecond),
	}
	req := fetchOf(12)
	for i := range int32(3) {
		if run.r.IntN(2) == 0 {
			continue
		}
		behind := min(run.r.IntN(3), len(run.batches[i]))
		w.offsets[i] = int64(len(run.batches[i]) - behind)
		req.Topics = append(req.Topics, fetchOf(12, want{topic: "t", index: i, offset: w.offsets[i]}).Topics...)
	}
	if len(w.offsets) == 0 {
		return
	}
	req.MinBytes, req.MaxWaitMillis = int32(w.minBytes), int32(w.until.Sub(run.now.Mono).Milliseconds())
	c.send(req)
	run.waiting = append(run.waiting, w)
}

func TestWaitingFetchesAgainstTwin(t *testing.T) {
	for seed := range uint64(60) {
		run := &waitRun{harness: newHarness(t), r: rand.New(rand.NewPCG(seed, 3))}
		run.create("t", 3)
		for range 200 {
			switch k := run.r.IntN(12); {
			case k < 5:
				run.fetchSome()
			case k < 9:
				index := run.r.Int32N(3)
				r := values(strings.Repeat("x", run.r.IntN(150)))
				run.batches[index] = append(run.batches[index], len(r.batch()))
				run.mustProduce("t", index, r)
			case k < 11:
				run.advance(time.Duration(run.r.IntN(20)) * time.Millisecond)
			case len(run.waiting) > 0:
				i := run.r.IntN(len(run.waiting))
				run.waiting[i].client.close()
				run.waiting = append(run.waiting[:i], run.waiting[i+1:]...)
			}
			run.check(fmt.Sprint("seed ", seed))
		}
		run.drop("t")
		run.gone = true
		run.check(fmt.Sprint("seed ", seed, " at the end"))
	}
}

// A waiting fetch leaves nothing behind when its connection ends, and what comes later is nobody's.
func TestClosedConnectionsWaitForNothing(t *testing.T) {
	h := newHarness(t, kv("log.flush.interval.messages", "1"))
	h.create("t", 2)
	h.quiet = true
	p := h.b.topics.partition("t", 0)
	c := h.connect()
	req := fetchOf(12, want{topic: "t"}, want{topic: "t", index: 1})
	req.MaxWaitMillis = 1000
	c.send(req)
	c.send(produceOf(9, -1, part{topic: "t", records: values("a").batch()}))
	if len(p.mu.fetches) != 1 || len(p.mu.acks) != 1 || len(c.conn.mu.parked) != 2 {
		t.Fatalf("got %d fetches and %d acks waiting, %d parked", len(p.mu.fetches), len(p.mu.acks),
			len(c.conn.mu.parked))
	}
	c.close()
	if len(p.mu.fetches)+len(p.mu.acks) != 0 {
		t.Errorf("got %d fetches and %d acks waiting after the end", len(p.mu.fetches), len(p.mu.acks))
	}
	h.runTasks()
	h.advance(2 * time.Second)
	h.step(Input{Kind: Frame, Conn: c.conn, Frame: rawFrame(18, 0, 9, noClientID...)})
	h.step(Input{Kind: Closed, Conn: c.conn})
	if len(c.raw) != 0 {
		t.Errorf("got %d answers on a connection that had ended", len(c.raw))
	}
	if got := recordsOf(h.fetch("t", 0, 0).RecordBatches); len(got) != 1 {
		t.Errorf("got %v, expected the record whose client went away", got)
	}
}

// Nobody is told of a record before it is durable, and what was appended during one sync shares the next.
func TestAcksInTheFsyncClass(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 4))
		h := newHarness(t)
		h.create("t", 1, "flush.messages", "1")
		h.quiet = true
		log := h.b.topics.partition("t", 0).log
		type sent struct {
			client *testClient
			end    base.Offset
		}
		var waiting []sent
		syncing, durable, syncs, acked := base.Offset(-1), log.End(), 0, 0
		for range 150 {
			if r.IntN(4) > 0 || len(h.tasks) == 0 {
				c := h.connect()
				acks := int16(1 - 2*r.IntN(2))
				c.send(produceOf(9, acks, part{topic: "t", records: values("a", "b").batch()}))
				waiting = append(waiting, sent{client: c, end: log.End()})
				if syncing < 0 {
					syncing = log.End()
				}
			} else {
				h.runTask()
				durable, syncing = syncing, -1
				syncs++
				if len(h.tasks) > 0 {
					syncing = log.End()
				}
			}
			if len(h.tasks) > 1 {
				t.Fatalf("seed %d: %d syncs of one log at a time", seed, len(h.tasks))
			}
			if got := h.fetch("t", 0, 0).HighWatermark; base.Offset(got) != durable {
				t.Fatalf("seed %d: got high watermark %d, expected %d, the last sync", seed, got, durable)
			}
			kept := waiting[:0]
			for _, s := range waiting {
				if got := len(s.client.answers) > 0; got != (s.end <= durable) {
					t.Fatalf("seed %d: the end at %d is acked: %v, durable up to %d", seed, s.end, got, durable)
				} else if !got {
					kept = append(kept, s)
				} else {
					acked++
				}
			}
			waiting = kept
		}
		if syncs == 0 || acked < 2*syncs {
			t.Errorf("seed %d: got %d acks in %d syncs, expected several each", seed, acked, syncs)
		}
	}
}

// One request over several partitions is answered when the last of them is durable.
func TestAcksOfSeveralPartitions(t *testing.T) {
	h := newHarness(t)
	h.create("slow", 2, "flush.messages", "1")
	h.create("fast", 1)
	h.quiet = true
	c := h.connect()
	a := values("a").batch()
	c.send(produceOf(9, -1, part{topic: "slow", records: a}, part{topic: "fast", records: a},
		part{topic: "slow", index: 1, records: a}, part{topic: "none", records: a}))
	for i := range 2 {
		if len(c.answers) > 0 {
			t.Fatalf("answered after %d of 2 syncs", i)
		}
		h.runTask()
	}
	if len(c.answers) != 1 {
		t.Fatal("not answered after both syncs")
	}
	var got []string
	for _, topic := range c.answers[0].(*kmsg.ProduceResponse).Topics {
		for _, p := range topic.Partitions {
			got = append(got, fmt.Sprint(topic.Topic, p.Partition, p.ErrorCode, p.BaseOffset))
		}
	}
	if want := "[slow0 0 0 fast0 0 0 slow1 0 0 none0 3 -1]"; strings.ReplaceAll(fmt.Sprint(got), "  ", " ") != want {
		t.Errorf("got %v, expected %s", got, want)
	}
}

// A sync that takes longer than the client waits: the record stays, and the client is told that nobody knows.
func TestAcksThatComeTooLate(t *testing.T) {
	h := newHarness(t)
	h.create("t", 1, "flush.messages", "1")
	h.quiet = true
	c := h.connect()
	c.send(produceOf(9, -1, part{topic: "t", records: values("a").batch()}))
	h.advance(999 * time.Millisecond)
	if len(c.answers) > 0 {
		t.Fatal("answered before its time was over")
	}
	h.advance(time.Millisecond)
	if len(c.answers) != 1 {
		t.Fatal("not answered when its time was over")
	}
	p := c.answers[0].(*kmsg.ProduceResponse).Topics[0].Partitions[0]
	if p.ErrorCode != 7 || p.BaseOffset != -1 {
		t.Errorf("got error %d and offset %d, expected 7 and -1", p.ErrorCode, p.BaseOffset)
	}
	h.runTasks()
	if got := h.content("t", 0); len(got) != 1 || len(c.answers) != 1 {
		t.Errorf("got %v in the log and %d answers", got, len(c.answers))
	}
}

// A partition whose topic is deleted answers all that waits on it.
func TestDeletionAnswersWhatWaits(t *testing.T) {
	h := newHarness(t)
	h.create("t", 1, "flush.messages", "1")
	h.quiet = true
	fetching, producing := h.connect(), h.connect()
	req := fetchOf(12, want{topic: "t"})
	req.MaxWaitMillis = 60000
	fetching.send(req)
	producing.send(produceOf(9, -1, part{topic: "t", records: values("a").batch()}))
	h.quiet = false
	stuck := h.tasks // the sync of the log never ends
	h.tasks = nil
	h.drop("t")
	if len(fetching.answers) != 1 || len(producing.answers) != 1 {
		t.Fatalf("got %d and %d answers", len(fetching.answers), len(producing.answers))
	}
	fetched := fetching.answers[0].(*kmsg.FetchResponse).Topics[0].Partitions[0]
	produced := producing.answers[0].(*kmsg.ProduceResponse).Topics[0].Partitions[0]
	if fetched.ErrorCode != 3 || produced.ErrorCode != 3 {
		t.Errorf("got errors %d and %d, expected 3 and 3", fetched.ErrorCode, produced.ErrorCode)
	}
	h.tasks = stuck
	h.runTasks()
}

// The time of a request may be over before it is parked, when all its acks are there already: it is answered once.
func TestTimeOverWhileAProduceIsParked(t *testing.T) {
	h := newHarness(t)
	h.create("t", 1, "flush.messages", "1")
	h.quiet = true
	for _, end := range []func(*parkedProduce){
		func(op *parkedProduce) { op.expire(h.b, h.now, &h.effects) },
		func(op *parkedProduce) { op.cancel(h.b) },
	} {
		conn := NewConn(h.b.Listener("PLAINTEXT"), "127.0.0.1")
		req, err := wire.ParseProduce(9, produceOf(9, -1).AppendTo(nil))
		if err != nil {
			t.Fatal(err)
		}
		seq, _ := conn.begin(nil, 0)
		header := wire.RequestHeader{Key: 0, Version: 9}
		op := &parkedProduce{conn: conn, seq: seq, reply: wire.NewProduceReply(header, req.Topics)}
		op.reply.End()
		op.mu.left = 1
		end(op)
		op.park(h.b, h.now, 0, &h.effects)
		if n := len(conn.Take(nil)); n > 1 {
			t.Errorf("got %d replies to one request", n)
		}
		h.effects.Reset()
	}
}
