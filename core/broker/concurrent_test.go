package broker

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/env"
	"github.com/gregor-log/gregor/core/vfs"
	"github.com/gregor-log/gregor/core/wire"
)

// crowd drives a broker with many goroutines at once, as the real driver does: one a connection, one for tasks, one for
// deadlines. It is what the race detector looks at.
type crowd struct {
	*testing.T
	b     *Broker
	clock env.Clock
	tasks chan Task
	tick  chan struct{}
	quit  chan struct{}
	done  sync.WaitGroup
}

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	cfg, _, err := config.ParseBroker([]config.KV{
		kv("listeners", "PLAINTEXT://127.0.0.1:9092"), kv("log.dirs", "data"), kv("log.flush.interval.messages", "1"),
		kv("log.retention.check.interval.ms", "1"), kv("log.flush.offset.checkpoint.interval.ms", "2"),
		kv("max.incremental.fetch.session.cache.slots", "3"),
	})
	if err != nil {
		t.Fatal(err)
	}
	c := &crowd{
		T: t, clock: env.NewClock(), tasks: make(chan Task, 1000), tick: make(chan struct{}, 1),
		quit: make(chan struct{}),
	}
	var effects Effects
	c.b, err = Open(Options{
		FS: vfs.NewMem(vfs.MemOptions{}), Config: cfg, Rand: env.NewSeeded(1, "crowd"), Now: c.clock.Now(),
		Advertised: []config.Endpoint{{Name: "PLAINTEXT", Host: "127.0.0.1", Port: 9092}}, OpenFiles: 4,
		Log: slog.New(slog.DiscardHandler),
		Parallel: func(n int, work func(i int)) {
			for i := range n {
				work(i)
			}
		},
	}, &effects)
	if err != nil {
		t.Fatal(err)
	}
	c.carryOut(&effects)
	c.done.Go(c.runTasks)
	c.done.Go(c.runDeadlines)
	return c
}

func (c *crowd) carryOut(out *Effects) {
	for _, conn := range out.Ready {
		conn.Owner.(*crowdClient).take()
	}
	for _, task := range out.Tasks {
		c.tasks <- task
	}
	out.Reset()
	select {
	case c.tick <- struct{}{}:
	default:
	}
}

func (c *crowd) runTasks() {
	var out Effects
	for task := range c.tasks {
		if task == nil {
			return
		}
		task.Run()
		c.b.Step(c.clock.Now(), Input{Kind: TaskDone, Task: task}, &out)
		for _, conn := range out.Ready {
			conn.Owner.(*crowdClient).take()
		}
		more := slices.Clone(out.Tasks)
		out.Reset()
		for _, t := range more { // never waits for itself
			go func() { c.tasks <- t }()
		}
	}
}

func (c *crowd) runDeadlines() {
	var out Effects
	for {
		select {
		case <-c.tick:
			c.b.Step(c.clock.Now(), Input{Kind: Deadline}, &out)
			c.carryOut(&out)
		case <-c.quit:
			return
		}
	}
}

// end waits for the goroutines. Nobody else may call the broker any more.
func (c *crowd) end() {
	close(c.quit)
	c.tasks <- nil
	c.done.Wait()
}

// crowdClient is one connection, used by one goroutine.
type crowdClient struct {
	crowd   *crowd
	conn    *Conn
	taking  sync.Mutex
	frames  chan []byte
	effects Effects
	next    int32
}

func (c *crowd) connect() *crowdClient {
	x := &crowdClient{crowd: c, conn: NewConn(c.b.Listener("PLAINTEXT"), "127.0.0.1"), frames: make(chan []byte, 100)}
	x.conn.Owner = x
	return x
}

// take takes the replies that are ready, in order.
func (x *crowdClient) take() {
	x.taking.Lock()
	defer x.taking.Unlock()
	for _, reply := range x.conn.Take(nil) {
		var frame []byte
		for i := range reply.Parts() {
			p, span := reply.Part(i)
			if span != nil {
				p = make([]byte, span.Length)
				if _, err := span.File.ReadAt(p, span.Offset); err != nil {
					x.crowd.Errorf("span: %v", err)
				}
			}
			frame = append(frame, p...)
		}
		reply.Release()
		x.frames <- frame
	}
}

func (x *crowdClient) send(req kmsg.Request) {
	x.next++
	frame := kmsg.NewRequestFormatter().AppendRequest(nil, req, x.next)[wire.LengthSize:]
	x.crowd.b.Step(x.crowd.clock.Now(), Input{Kind: Frame, Conn: x.conn, Frame: frame}, &x.effects)
	x.crowd.carryOut(&x.effects)
}

func (x *crowdClient) ask(req kmsg.Request) kmsg.Response {
	x.send(req)
	return wireTest(x.crowd.T, req, x.next, <-x.frames)
}

func (x *crowdClient) close() {
	x.crowd.b.Step(x.crowd.clock.Now(), Input{Kind: Closed, Conn: x.conn}, &x.effects)
	x.crowd.carryOut(&x.effects)
}

// produceMany appends n batches of one record each and returns how many were acknowledged.
func (x *crowdClient) produceMany(topic string, r *rand.Rand, n int) map[string]bool {
	acked := make(map[string]bool)
	for i := range n {
		value := fmt.Sprintf("%d-%d-%s", r.Uint64(), i, strings.Repeat("x", r.IntN(500)))
		to := part{topic: topic, index: r.Int32N(2), records: values(value).batch()}
		req := produceOf(9, int16(1-2*r.IntN(2)), to)
		p := x.ask(req).(*kmsg.ProduceResponse).Topics[0].Partitions[0]
		if p.ErrorCode == 0 {
			acked[value] = true
		}
	}
	return acked
}

// fetchMany fetches from random offsets, waiting now and then, and closes the connection in the middle of a wait.
func (c *crowd) fetchMany(topic string, r *rand.Rand, n int) {
	for range n {
		x := c.connect()
		req := fetchOf(12, want{topic: topic, offset: r.Int64N(20)}, want{topic: topic, index: 1})
		req.SessionEpoch, req.MinBytes, req.MaxWaitMillis = -r.Int32N(2), r.Int32N(2000), r.Int32N(3)
		if r.IntN(4) == 0 {
			req.MaxWaitMillis, req.MinBytes = 60000, 1<<25
			x.send(req)
		} else {
			x.ask(req)
		}
		x.close()
	}
}

// churn makes and deletes a topic again and again, while others use it.
func (c *crowd) churn(topic string, n int) {
	x := c.connect()
	for range n {
		create := kmsg.NewPtrCreateTopicsRequest()
		create.Version = 7
		create.Topics = []kmsg.CreateTopicsRequestTopic{{Topic: topic, NumPartitions: 2, ReplicationFactor: 1}}
		x.ask(create)
		remove := kmsg.NewPtrDeleteTopicsRequest()
		remove.Version, remove.TopicNames = 5, []string{topic}
		x.ask(remove)
	}
	x.close()
}

// A fetch may end while it is still being parked: its time may be over, or its partitions get records.
func TestFetchThatEndsWhileItParks(t *testing.T) {
	c := newCrowd(t)
	x := c.connect()
	create := kmsg.NewPtrCreateTopicsRequest()
	create.Version = 7
	create.Topics = []kmsg.CreateTopicsRequestTopic{{Topic: "t", NumPartitions: 100, ReplicationFactor: 1}}
	x.ask(create)
	var over atomic.Bool
	var late sync.WaitGroup
	late.Go(func() {
		var out Effects
		for !over.Load() {
			now := c.clock.Now()
			now.Mono = now.Mono.Add(time.Hour)
			c.b.Step(now, Input{Kind: Deadline}, &out)
			c.carryOut(&out)
		}
	})
	req := fetchOf(12)
	for i := range int32(100) {
		req.Topics = append(req.Topics, fetchOf(12, want{topic: "t", index: i}).Topics...)
	}
	req.MaxWaitMillis = 1000
	for range 60 {
		res := x.ask(req).(*kmsg.FetchResponse)
		if len(res.Topics) != 1 || len(res.Topics[0].Partitions) != 100 {
			t.Errorf("got %+v, expected 100 partitions", res)
		}
	}
	over.Store(true)
	late.Wait()
	x.close()
	c.end()
}

func TestManyGoroutinesAtOnce(t *testing.T) {
	c := newCrowd(t)
	x := c.connect()
	create := kmsg.NewPtrCreateTopicsRequest()
	create.Version = 7
	forever := "-1" // the records' timestamps are long ago; those of the other topic go at once
	create.Topics = []kmsg.CreateTopicsRequestTopic{{
		Topic: "t", NumPartitions: 2, ReplicationFactor: 1,
		Configs: []kmsg.CreateTopicsRequestTopicConfig{{Name: "retention.ms", Value: &forever}},
	}}
	x.ask(create)
	var group sync.WaitGroup
	acked := make([]map[string]bool, 4)
	var lost atomic.Int64
	for i := range acked {
		group.Go(func() { acked[i] = c.connect().produceMany("t", rand.New(rand.NewPCG(1, uint64(i))), 150) })
		group.Go(func() { c.fetchMany("t", rand.New(rand.NewPCG(2, uint64(i))), 100) })
		group.Go(func() { c.connect().produceMany("churned", rand.New(rand.NewPCG(3, uint64(i))), 100) })
		group.Go(func() { c.fetchMany("churned", rand.New(rand.NewPCG(4, uint64(i))), 50) })
	}
	group.Go(func() { c.churn("churned", 40) })
	group.Wait()
	have := make(map[string]int)
	for index := range int32(2) {
		log := c.b.topics.partition("t", index).log
		for offset := base.Offset(0); offset < log.End(); {
			req := fetchOf(12, want{topic: "t", index: index, offset: int64(offset)})
			p := x.ask(req).(*kmsg.FetchResponse).Topics[0].Partitions[0]
			if p.ErrorCode != 0 || len(p.RecordBatches) == 0 {
				t.Fatalf("t-%d at %d: got error %d and %d bytes, expected records up to %d", index, offset,
					p.ErrorCode, len(p.RecordBatches), log.End())
			}
			for _, r := range recordsOf(p.RecordBatches) {
				_, value, _ := strings.Cut(r, "=")
				have[value]++
				offset++
			}
		}
	}
	for i := range acked {
		for value := range acked[i] {
			if have[value] != 1 {
				lost.Add(1)
			}
		}
	}
	if n := lost.Load(); n > 0 {
		t.Errorf("%d acknowledged records are not there exactly once", n)
	}
	x.close()
	c.end()
}
