package fuzz

import (
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/broker"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/env"
	"github.com/gregor-log/gregor/core/vfs"
	"github.com/gregor-log/gregor/core/wire"
)

// machine is a driver with virtual time and one connection, for a broker on a disk in memory. Tasks run at once.
type machine struct {
	testing.TB
	mem      *vfs.Mem
	b        *broker.Broker
	now      base.Instant
	effects  broker.Effects
	deadline base.Mono
	conn     *broker.Conn
	frames   [][]byte // the replies that came
	hungUp   bool
}

// epoch is when a machine begins, in Unix milliseconds.
const epoch = 1_700_000_000_000

var settings = sync.OnceValues(func() (*config.Broker, error) {
	cfg, _, err := config.ParseBroker([]config.KV{
		{Name: "listeners", Value: "PLAINTEXT://127.0.0.1:9092"}, {Name: "log.dirs", Value: "data"},
		{Name: "log.flush.interval.messages", Value: "3"}, {Name: "message.max.bytes", Value: "100000"},
		{Name: "num.partitions", Value: "2"},
	})
	return cfg, err
})

// start opens a broker on a disk and connects to it. Brokers of the same seed draw the same ids.
func start(t testing.TB, mem *vfs.Mem, seed uint64) *machine {
	t.Helper()
	cfg, err := settings()
	must(t, err)
	m := &machine{TB: t, mem: mem, now: base.Instant{Mono: 1, Wall: epoch}}
	m.b, err = broker.Open(broker.Options{
		FS: mem, Config: cfg, Advertised: []config.Endpoint{{Name: "PLAINTEXT", Host: "127.0.0.1", Port: 9092}},
		Rand: env.NewSeeded(seed, "fuzz"), Log: slog.New(slog.DiscardHandler), Now: m.now, OpenFiles: 4,
		Parallel: func(n int, work func(int)) {
			for i := range n {
				work(i)
			}
		},
	}, &m.effects)
	must(t, err)
	m.conn = broker.NewConn(m.b.Listener("PLAINTEXT"), "127.0.0.1")
	m.carryOut()
	return m
}

// step hands one input to the broker and carries out what it asks for.
func (m *machine) step(in broker.Input) {
	m.b.Step(m.now, in, &m.effects)
	m.carryOut()
}

// mostTasks bounds the tasks that one input may lead to.
const mostTasks = 1000

func (m *machine) carryOut() {
	m.Helper()
	var tasks []broker.Task
	for ran := 0; ; ran++ {
		for _, conn := range m.effects.Ready {
			for _, reply := range conn.Take(nil) {
				m.frames = append(m.frames, m.collect(reply))
			}
		}
		tasks = append(tasks, m.effects.Tasks...)
		m.deadline = m.effects.Deadline
		m.hungUp = m.hungUp || slices.Contains(m.effects.Close, m.conn)
		m.effects.Reset()
		if len(tasks) == 0 {
			return
		}
		if ran > mostTasks {
			m.Fatalf("more than %d tasks follow one another", mostTasks)
		}
		task := tasks[0]
		tasks = tasks[1:]
		task.Run()
		m.b.Step(m.now, broker.Input{Kind: broker.TaskDone, Task: task}, &m.effects)
	}
}

// send hands over a frame without its length, and spoils it afterwards: it was only lent.
func (m *machine) send(frame []byte) {
	lent := slices.Clone(frame)
	m.step(broker.Input{Kind: broker.Frame, Conn: m.conn, Frame: lent})
	for i := range lent {
		lent[i] = 0xdb
	}
}

// mostDeadlines bounds the deadlines within one advance.
const mostDeadlines = 10_000

// advance lets time pass, stopping at every deadline on the way.
func (m *machine) advance(d time.Duration) {
	m.Helper()
	until := m.now.Mono.Add(d)
	for n := 0; m.deadline != 0 && m.deadline <= until; n++ {
		if n > mostDeadlines {
			m.Fatalf("more than %d deadlines in %v", mostDeadlines, d)
		}
		m.moveTo(m.deadline)
		m.step(broker.Input{Kind: broker.Deadline})
	}
	m.moveTo(until)
}

func (m *machine) moveTo(at base.Mono) {
	if at > m.now.Mono {
		m.now.Wall += at.Sub(m.now.Mono).Milliseconds()
		m.now.Mono = at
	}
}

// leave closes the connection, after which it holds nothing.
func (m *machine) leave() {
	m.Helper()
	m.step(broker.Input{Kind: broker.Closed, Conn: m.conn})
	if n := m.conn.Backlog(); n != 0 {
		m.Fatalf("a closed connection is left with %d requests", n)
	}
}

// end closes the connection and then the broker, which must still be able to close cleanly.
func (m *machine) end() {
	m.Helper()
	m.leave()
	must(m, m.b.Close())
}

// collect returns a reply as the client gets it: its parts, bytes and spans, add up to its length.
func (m *machine) collect(reply *wire.Reply) []byte {
	m.Helper()
	defer reply.Release()
	var frame []byte
	for i := range reply.Parts() {
		p, span := reply.Part(i)
		if span != nil {
			p = make([]byte, span.Length)
			if n, err := span.File.ReadAt(p, span.Offset); int64(n) != span.Length {
				m.Fatalf("span: got %d of %d bytes: %v", n, span.Length, err)
			}
		}
		frame = append(frame, p...)
	}
	if size := int64(len(frame)); size != reply.Size() || size-wire.LengthSize != int64(be32(frame)) {
		m.Fatalf("got parts of %d bytes, a size of %d and a frame length of %d", size, reply.Size(), be32(frame))
	}
	return frame
}

func be32(p []byte) int32 {
	return int32(uint32(p[0])<<24 | uint32(p[1])<<16 | uint32(p[2])<<8 | uint32(p[3]))
}

// ask sends a request and returns its answer, for making up a world.
func (m *machine) ask(req kmsg.Request) kmsg.Response {
	m.Helper()
	m.frames = m.frames[:0]
	m.send(kmsg.NewRequestFormatter().AppendRequest(nil, req, 1)[wire.LengthSize:])
	if len(m.frames) != 1 {
		m.Fatalf("%s v%d: got %d answers", kmsg.Key(req.Key()).Name(), req.GetVersion(), len(m.frames))
	}
	return m.decode(req, 1, m.frames[0])
}

// decode takes a reply apart: the correlation id is the request's, and the response decodes to its last byte.
func (m *machine) decode(req kmsg.Request, correlation int32, frame []byte) kmsg.Response {
	m.Helper()
	name, version := kmsg.Key(req.Key()).Name(), req.GetVersion()
	if got := be32(frame[wire.LengthSize:]); got != correlation {
		m.Fatalf("%s v%d: got correlation id %d, expected %d", name, version, got, correlation)
	}
	body := frame[wire.LengthSize+4:]
	if wire.FlexibleHeader(req.Key(), version) {
		if len(body) == 0 || body[0] != 0 {
			m.Fatalf("%s v%d: got header % x, expected no tagged fields", name, version, body)
		}
		body = body[1:]
	}
	res := req.ResponseKind()
	res.SetVersion(version)
	if err := res.ReadFrom(body); err != nil {
		m.Fatalf("%s v%d: %v: % x", name, version, err, body)
	}
	if again := res.AppendTo(nil); len(again) != len(body) {
		m.Fatalf("%s v%d: got %d bytes, but %d are decoded: % x", name, version, len(body), len(again), body)
	}
	return res
}
