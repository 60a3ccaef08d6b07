package broker

import (
	"log/slog"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/env"
	"github.com/gregor-log/gregor/core/vfs"
	"github.com/gregor-log/gregor/core/wire"
)

// harness is a driver for tests: one goroutine, virtual time, tasks that run when the test says so, on files in memory.
// It does what the package comment asks of a driver, and looks at every reply as it leaves (see wireTest).
type harness struct {
	*testing.T
	mem      *vfs.Mem
	fs       vfs.FS // mem, or what stands before it
	b        *Broker
	now      base.Instant
	effects  Effects
	tasks    []Task
	deadline base.Mono
	clients  map[*Conn]*testClient
	quiet    bool // tasks wait for runTasks instead of running at once
	config   []config.KV
	opens    uint64
}

// epoch is when tests begin, in Unix milliseconds.
const epoch = 1_700_000_000_000

// newHarness opens a broker on an empty disk, with Kafka's defaults but for 1 partition and what more says.
func newHarness(t *testing.T, more ...config.KV) *harness {
	t.Helper()
	return newHarnessOn(t, func(fs vfs.FS) vfs.FS { return fs }, more...)
}

// newHarnessOn is newHarness with something between the broker and its disk.
func newHarnessOn(t *testing.T, wrap func(vfs.FS) vfs.FS, more ...config.KV) *harness {
	t.Helper()
	mem := vfs.NewMem(vfs.MemOptions{Capacity: 1 << 40})
	h := &harness{
		T: t, mem: mem, fs: wrap(mem), clients: make(map[*Conn]*testClient),
		now: base.Instant{Mono: 1, Wall: epoch},
		config: append([]config.KV{
			{Name: "listeners", Value: "PLAINTEXT://127.0.0.1:9092"}, {Name: "log.dirs", Value: "data"},
			{Name: "num.partitions", Value: "1"}, {Name: "gregor.group.gather.ms", Value: "0"},
		}, more...),
	}
	h.open()
	t.Cleanup(func() { h.checkLeaks() })
	return h
}

// open opens a broker on what the disk holds.
func (h *harness) open() {
	h.Helper()
	cfg, _, err := config.ParseBroker(h.config)
	if err != nil {
		h.Fatal(err)
	}
	h.opens++
	h.b, err = Open(Options{
		FS: h.fs, Config: cfg, Advertised: []config.Endpoint{{Name: "PLAINTEXT", Host: "127.0.0.1", Port: 9092}},
		Rand: env.NewSeeded(h.opens, "harness"), Log: slog.New(slog.DiscardHandler), Now: h.now, OpenFiles: 64,
		Parallel: func(n int, work func(int)) {
			for i := range n {
				work(i)
			}
		},
	}, &h.effects)
	if err != nil {
		h.Fatal(err)
	}
	h.carryOut()
}

// restart closes the broker cleanly and opens it again. All clients are gone.
func (h *harness) restart() {
	h.Helper()
	h.closeClients()
	h.runTasks()
	if err := h.b.Close(); err != nil {
		h.Fatal(err)
	}
	h.open()
}

// kill ends the broker as SIGKILL does and opens it again.
func (h *harness) kill() {
	h.Helper()
	if err := h.b.Abandon(); err != nil {
		h.Fatal(err)
	}
	h.clients, h.tasks = make(map[*Conn]*testClient), nil
	h.mem.Kill()
	h.open()
}

func (h *harness) closeClients() {
	for _, c := range h.sortedClients() {
		c.close()
	}
}

// sortedClients returns the clients in the order in which they connected.
func (h *harness) sortedClients() []*testClient {
	var all []*testClient
	for _, c := range h.clients {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *testClient) int { return a.number - b.number })
	return all
}

// checkLeaks ends all connections; then nothing may wait on anything any more.
func (h *harness) checkLeaks() {
	h.Helper()
	h.quiet = false
	h.runTasks()
	h.closeClients()
	h.runTasks()
	for _, p := range h.b.partitions() {
		if len(p.mu.fetches)+len(p.mu.acks) > 0 {
			h.Errorf("%s is left with %d fetches and %d acks waiting", p.tp, len(p.mu.fetches), len(p.mu.acks))
		}
	}
	for _, x := range h.b.timers.mu.heap {
		switch x.owner.(type) {
		case *chore, *purge, *shard: // a coordinator waits for its members
		default:
			h.Errorf("a timer of %T is left", x.owner)
		}
	}
}

// step hands one input to the broker and carries out what it asks for.
func (h *harness) step(in Input) {
	h.b.Step(h.now, in, &h.effects)
	h.carryOut()
}

func (h *harness) carryOut() {
	for _, conn := range h.effects.Ready {
		for _, reply := range conn.Take(nil) {
			h.clients[conn].sent(reply)
		}
	}
	h.tasks = append(h.tasks, h.effects.Tasks...)
	h.deadline = h.effects.Deadline
	closing := slices.Clone(h.effects.Close)
	h.effects.Reset()
	for _, conn := range closing {
		if c := h.clients[conn]; c != nil {
			c.hungUp = true
			c.close()
		}
	}
	if !h.quiet {
		h.runTasks()
	}
}

// runTasks runs the tasks that wait, and those that they lead to. It returns how many there were.
func (h *harness) runTasks() int {
	n := 0
	for len(h.tasks) > 0 {
		h.runTask()
		n++
	}
	return n
}

// runTask runs the oldest task.
func (h *harness) runTask() {
	t := h.tasks[0]
	h.tasks = h.tasks[1:]
	t.Run()
	h.step(Input{Kind: TaskDone, Task: t})
}

// advance lets time pass, stopping at every deadline on the way.
func (h *harness) advance(d time.Duration) {
	until := h.now.Mono.Add(d)
	for h.deadline != 0 && h.deadline <= until {
		h.moveTo(h.deadline)
		h.step(Input{Kind: Deadline})
	}
	h.moveTo(until)
}

func (h *harness) moveTo(at base.Mono) {
	if at > h.now.Mono {
		h.now.Wall += at.Sub(h.now.Mono).Milliseconds()
		h.now.Mono = at
	}
}

// testClient is one connection. Requests leave as frames and replies come back as frames.
type testClient struct {
	h      *harness
	conn   *Conn
	number int
	// hungUp says that the broker closed the connection.
	hungUp      bool
	correlation int32
	// asked are the requests that wait for an answer, in order.
	asked   []askedRequest
	answers []kmsg.Response
	raw     [][]byte // the frames that came
}

type askedRequest struct {
	req         kmsg.Request
	correlation int32
}

var clientNumbers int

// connect makes a connection.
func (h *harness) connect() *testClient {
	clientNumbers++
	c := &testClient{h: h, conn: NewConn(h.b.Listener("PLAINTEXT"), "127.0.0.1"), number: clientNumbers}
	h.clients[c.conn] = c
	return c
}

// close ends the connection, as the client or the driver does.
func (c *testClient) close() {
	if c.h.clients[c.conn] != nil {
		delete(c.h.clients, c.conn)
		c.h.step(Input{Kind: Closed, Conn: c.conn})
	}
}

// send sends a request at the version that it is set to.
func (c *testClient) send(req kmsg.Request) {
	c.correlation++
	f := kmsg.NewRequestFormatter(kmsg.FormatterClientID("harness"))
	frame := f.AppendRequest(nil, req, c.correlation)
	if p, ok := req.(*kmsg.ProduceRequest); !ok || p.Acks != 0 {
		c.asked = append(c.asked, askedRequest{req: req, correlation: c.correlation})
	}
	c.sendFrame(frame[wire.LengthSize:])
}

// sendFrame sends bytes as a frame. The bytes are overwritten afterwards: they were only lent.
func (c *testClient) sendFrame(frame []byte) {
	lent := slices.Clone(frame)
	c.h.step(Input{Kind: Frame, Conn: c.conn, Frame: lent})
	for i := range lent {
		lent[i] = 0xdb
	}
}

// ask sends a request and returns its answer, which must come at once or from a task.
func (c *testClient) ask(req kmsg.Request) kmsg.Response {
	c.h.Helper()
	before := len(c.answers)
	c.send(req)
	if len(c.answers) != before+1 {
		c.h.Fatalf("%s v%d: got %d answers, expected one (closed: %v)", kmsg.Key(req.Key()).Name(), req.GetVersion(),
			len(c.answers)-before, c.hungUp)
	}
	return c.answers[before]
}

// ask sends a request in a version on a connection of its own and returns the answer.
func ask[R kmsg.Response](h *harness, version int16, req kmsg.Request) R {
	h.Helper()
	c := h.connect()
	defer c.close()
	req.SetVersion(version)
	return c.ask(req).(R)
}

// sent takes a reply as it leaves: whole, in order, and decodable to its last byte.
func (c *testClient) sent(reply *wire.Reply) {
	h := c.h
	h.Helper()
	frame := replyBytes(h, reply)
	reply.Release()
	c.raw = append(c.raw, frame)
	if len(c.asked) == 0 {
		h.Fatalf("a reply to nothing: % x", frame)
	}
	asked := c.asked[0]
	c.asked = c.asked[1:]
	c.answers = append(c.answers, wireTest(h.T, asked.req, asked.correlation, frame))
}

// replyBytes returns a reply as the client gets it, and checks that its parts add up to its length.
func replyBytes(h *harness, reply *wire.Reply) []byte {
	h.Helper()
	var frame []byte
	for i := range reply.Parts() {
		p, span := reply.Part(i)
		if span == nil {
			frame = append(frame, p...)
			continue
		}
		records := make([]byte, span.Length)
		if n, err := span.File.ReadAt(records, span.Offset); int64(n) != span.Length {
			h.Fatalf("span: got %d of %d bytes: %v", n, span.Length, err)
		}
		frame = append(frame, records...)
	}
	size := int64(len(frame))
	if size != reply.Size() || size-wire.LengthSize != int64(int32(be32(frame))) {
		h.Fatalf("got parts of %d bytes, a size of %d and a frame length of %d", size, reply.Size(), be32(frame))
	}
	return frame
}

func be32(p []byte) uint32 {
	return uint32(p[0])<<24 | uint32(p[1])<<16 | uint32(p[2])<<8 | uint32(p[3])
}

// wireTest looks at a reply: the correlation id is that of the oldest request without one, the response decodes to its
// last byte, and no error code is one that Kafka does not have or that says nothing.
func wireTest(t *testing.T, req kmsg.Request, correlation int32, frame []byte) kmsg.Response {
	t.Helper()
	name, version := kmsg.Key(req.Key()).Name(), req.GetVersion()
	if got := int32(be32(frame[wire.LengthSize:])); got != correlation {
		t.Fatalf("%s v%d: got correlation id %d, expected %d", name, version, got, correlation)
	}
	body := frame[wire.LengthSize+4:]
	if wire.FlexibleHeader(req.Key(), version) {
		if body[0] != 0 {
			t.Fatalf("%s v%d: got %d tagged fields in the header, expected none", name, version, body[0])
		}
		body = body[1:]
	}
	res := req.ResponseKind()
	res.SetVersion(version)
	if err := res.ReadFrom(body); err != nil {
		t.Fatalf("%s v%d: %v: % x", name, version, err, body)
	}
	if again := res.AppendTo(nil); len(again) != len(body) {
		t.Fatalf("%s v%d: got %d bytes, but %d are decoded: % x", name, version, len(body), len(again), body)
	}
	eachErrorCode(reflect.ValueOf(res), func(code int16) {
		if code != 0 && (kerr.TypedErrorForCode(code) == nil || code == kerr.UnknownServerError.Code) {
			t.Errorf("%s v%d: got error code %d: %+v", name, version, code, res)
		}
	})
	return res
}

// eachErrorCode visits every field of that name.
func eachErrorCode(v reflect.Value, visit func(int16)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			eachErrorCode(v.Elem(), visit)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Struct {
			for i := range v.Len() {
				eachErrorCode(v.Index(i), visit)
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name == "ErrorCode" {
				visit(int16(v.Field(i).Int()))
			} else if v.Type().Field(i).IsExported() {
				eachErrorCode(v.Field(i), visit)
			}
		}
	}
}
