//go:build unix

package server

import (
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/broker"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/env"
	"github.com/gregor-log/gregor/core/vfs"
	"github.com/gregor-log/gregor/core/wire"
)

// stepper is a server without sockets, whose broker a test steps by hand.
type stepper struct {
	*testing.T
	s       *Server
	conn    *broker.Conn
	effects broker.Effects
}

func newStepper(t *testing.T) *stepper {
	t.Helper()
	cfg, _, err := config.ParseBroker([]config.KV{
		{Name: "listeners", Value: "PLAINTEXT://127.0.0.1:9092"}, {Name: "log.dirs", Value: "data"},
	})
	if err != nil {
		t.Fatal(err)
	}
	st := &stepper{T: t, s: &Server{clock: env.NewClock(), log: slog.New(slog.DiscardHandler), cfg: cfg}}
	st.s.broker, err = broker.Open(broker.Options{
		FS: vfs.NewMem(vfs.MemOptions{}), Config: cfg, Rand: env.NewSeeded(1, "server"), Log: st.s.log,
		Advertised: []config.Endpoint{{Name: "PLAINTEXT", Host: "127.0.0.1", Port: 9092}},
		Now:        st.s.now(), Parallel: parallel(1), OpenFiles: 64,
	}, &st.effects)
	if err != nil {
		t.Fatal(err)
	}
	st.conn = broker.NewConn(st.s.broker.Listener("PLAINTEXT"), "127.0.0.1")
	st.runTasks()
	return st
}

// request serves one request and returns the tasks that it leads to. Its reply is dropped.
func (st *stepper) request(req kmsg.Request, version int16) []broker.Task {
	req.SetVersion(version)
	frame := kmsg.NewRequestFormatter().AppendRequest(nil, req, 1)[wire.LengthSize:]
	st.s.broker.Step(st.s.now(), broker.Input{Kind: broker.Frame, Conn: st.conn, Frame: frame}, &st.effects)
	return st.effects.Tasks
}

// runTasks runs the tasks of the last step and those that they lead to.
func (st *stepper) runTasks() {
	for len(st.effects.Tasks) > 0 {
		task := st.effects.Tasks[0]
		st.effects.Tasks = st.effects.Tasks[1:]
		task.Run()
		st.s.broker.Step(st.s.now(), broker.Input{Kind: broker.TaskDone, Task: task}, &st.effects)
	}
	for _, reply := range st.conn.Take(nil) {
		reply.Release()
	}
	st.effects.Reset()
}

// createTopic makes a topic whose records are synced at once.
func (st *stepper) createTopic(name string) {
	req := kmsg.NewPtrCreateTopicsRequest()
	every := "1"
	req.Topics = []kmsg.CreateTopicsRequestTopic{{
		Topic: name, NumPartitions: 1, ReplicationFactor: 1,
		Configs: []kmsg.CreateTopicsRequestTopicConfig{{Name: "flush.messages", Value: &every}},
	}}
	st.request(req, 4)
	st.runTasks()
}

// produce appends a record for which no reply is due, and returns the tasks that it leads to.
func (st *stepper) produce(topic string) []broker.Task {
	st.Helper()
	var b batch.Builder
	b.Reset(batch.NewOptions())
	b.Append(st.s.now().Wall, nil, []byte("a"))
	set, err := b.Build()
	if err != nil {
		st.Fatal(err)
	}
	req := kmsg.NewPtrProduceRequest()
	req.Topics = []kmsg.ProduceRequestTopic{{
		Topic: topic, Partitions: []kmsg.ProduceRequestTopicPartition{{Records: set}},
	}}
	return st.request(req, 9)
}

// heldTask is a task of the broker that nobody waits for and that takes until it is let go.
type heldTask struct {
	broker.Task
	let chan struct{}
}

func (t *heldTask) Run() {
	<-t.let
	t.Task.Run()
}

func (t *heldTask) Urgent() bool {
	return false
}

// A task that ends while the pool is being stopped may lead to a sync. That sync runs too: it has taken from its log
// what is not durable, so that the sync of a clean stop does not look at it again.
func TestStopRunsWhatTasksLeadTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStepper(t)
		st.createTopic("t")
		tasks := st.produce("t")
		if len(tasks) != 1 {
			t.Fatalf("got %d tasks, expected a sync", len(tasks))
		}
		held := &heldTask{Task: tasks[0], let: make(chan struct{})}
		st.effects.Reset()
		if tasks := st.produce("t"); len(tasks) != 0 {
			t.Fatalf("got %d tasks during a sync, expected none", len(tasks))
		}
		st.effects.Reset()
		pool := &st.s.tasks
		pool.start(st.s)
		pool.submit(held)
		go pool.stop()
		synctest.Wait() // whoever has nothing to do is gone
		close(held.let)
		synctest.Wait()
		if n := len(pool.mu.urgent) + len(pool.mu.rest); n != 0 {
			t.Errorf("%d tasks are left after the stop", n)
		}
		if err := st.s.broker.Close(); err != nil {
			t.Error(err)
		}
	})
}
