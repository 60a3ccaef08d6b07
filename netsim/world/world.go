package world

import (
	"fmt"
	"time"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/env"
	"github.com/gregor-log/gregor/netsim/clock"
	"github.com/gregor-log/gregor/netsim/link"
)

// Options say what a world is made of. Everything that is random in it comes from Seed.
type Options struct {
	Seed uint64
	// Nodes are the brokers.
	Nodes []NodeOptions
	// Net are the usual properties of the network.
	Net Net
	// Faults are the schedule.
	Faults []Fault
	// Lossless says that the durability class survives loss of power, and not only the end of a process.
	Lossless bool
	// Hooks let a test make the world, and with it the broker, wrong on purpose.
	Hooks Hooks
	// GoOn lets a run go on after a violation, without further checks.
	GoOn bool
	// EachSecond is told the hash of all that happened up to a second's end, and the number of events.
	EachSecond func(second int64, hash string, events uint64)
	// Served is told of each frame of a client as a node's process takes it in hand: its header and body. It may not
	// change it.
	Served func(n *Node, c *Client, frame []byte)
	// Event is told of starts and ends of processes, which is what a history needs.
	Event func(Happening)
	// Log is told what happens, for people; nil means that nobody listens.
	Log func(at clock.Time, format string, args ...any)
}

// NodeOptions say what one broker is made of.
type NodeOptions struct {
	ID base.NodeID
	// Properties are the broker's configuration; node.id, listeners and log.dirs are set by the world.
	Properties []config.KV
	// Clock are the node's clocks.
	Clock clock.Clock
	// SyncMin and SyncMean say how long syncs take, OpenFiles how many sealed segments may be open.
	SyncMin, SyncMean time.Duration
	OpenFiles         int
	// MostRequests is how many requests of one connection may be under way before it is no longer read.
	MostRequests int
}

// Net are the properties that all paths have where no fault changes them.
type Net struct {
	// Min and Mean are the latency of a path: each path draws its own least one from Min.
	Min, Mean time.Duration
	// Split is how many sends in a thousand arrive in pieces.
	Split int
	// Window is how many bytes a connection has on its way in one direction at most.
	Window int
}

// Hooks are places at which a world can be made wrong. A nil hook costs nothing.
type Hooks struct {
	// Reply may change the bytes that a broker sends, before they are on their way.
	Reply func(n *Node, p []byte)
	// Frame is asked how often a frame of a client is served; once is right.
	Frame func(n *Node, frame []byte) int
	// Rewrite returns the frame to serve instead of a client's.
	Rewrite func(n *Node, frame []byte) []byte
	// Sync is asked whether the syncs of a task really happen.
	Sync func(n *Node) bool
	// Start may change the disk of a node whose process was killed or lost its power, before the next one starts.
	Start func(n *Node)
	// Release is asked whether a reply that was sent is given back to the broker.
	Release func(n *Node) bool
	// TaskDone is asked whether the broker is told of a task's end.
	TaskDone func(n *Node) bool
	// Greet says in which order clients are greeted, which happens each second.
	Greet func(clients int) []int
}

// Happening is the start or the end of a process.
type Happening struct {
	At   clock.Time
	Node base.NodeID
	// Kind is "kill", "power_loss" or "restart"; or the name of a fault.
	Kind string
	// Detail says more, for people.
	Detail string
}

// World is one simulated world. It is used by one goroutine.
type World struct {
	opts    Options
	now     clock.Time
	until   clock.Time
	stopped bool
	events  queue
	trace   trace

	nodes   []*Node
	clients []*Client
	conns   []*Conn
	tasks   taskTable
	faults  []*activeFault
	landed  map[string]int
	healed  bool
	// buffer is where replies are gathered.
	buffer []byte

	ledger *Ledger
	oracle oracle
	stats  Stats
	first  *Violation
}

// Stats are counts of a run.
type Stats struct {
	// Events counts deliveries, timers, ends of tasks and faults.
	Events uint64
	// Restarts counts starts of processes after the first, and EpochBumps those after which leader epochs are new.
	Restarts, EpochBumps int
	// Requests counts requests that were sent, Answers those that were answered.
	Requests, Answers int
}

// New makes a world. Its nodes start with it, at instant 0.
func New(o Options) (*World, error) {
	w := &World{
		opts: o, trace: newTrace(), landed: make(map[string]int),
		buffer: make([]byte, 0, gatherSize),
	}
	w.ledger = newLedger(w)
	w.oracle.init(w)
	for i := range o.Nodes {
		n, err := newNode(w, &o.Nodes[i])
		if err != nil {
			return nil, fmt.Errorf("node %d: %w", o.Nodes[i].ID, err)
		}
		w.nodes = append(w.nodes, n)
		w.plan(0, evStart, int32(i), n.life)
	}
	for i := range o.Faults {
		w.faults = append(w.faults, &activeFault{Fault: o.Faults[i]})
		w.plan(o.Faults[i].At, evFault, int32(i), 0)
	}
	w.plan(clock.Time(second), evSecond, 0, 0)
	return w, nil
}

// second is a second of the world, in nanoseconds.
const second = int64(time.Second)

// source returns a stream of chance of its own.
func (w *World) source(format string, args ...any) env.Source {
	return env.NewSeeded(w.opts.Seed, fmt.Sprintf(format, args...))
}

// Source returns the stream of chance of a purpose, for clients.
func (w *World) Source(purpose string) env.Source {
	return w.source("%s", purpose)
}

// Now returns the world's time.
func (w *World) Now() clock.Time { return w.now }

// Nodes returns the brokers' nodes.
func (w *World) Nodes() []*Node { return w.nodes }

// Ledger returns what is known of every record.
func (w *World) Ledger() *Ledger { return w.ledger }

// Stats returns the counts so far.
func (w *World) Stats() Stats {
	s := w.stats
	s.Events = w.trace.events
	return s
}

// Hash returns the hash of all that happened, in hexadecimal digits.
func (w *World) Hash() string { return w.trace.sum() }

// Stop ends Run after the event that is being done.
func (w *World) Stop() { w.stopped = true }

func (w *World) plan(at clock.Time, kind eventKind, id int32, gen uint32) {
	w.events.plan(event{at: max(at, w.now), kind: kind, id: id, gen: gen})
}

func (w *World) logf(format string, args ...any) {
	if w.opts.Log != nil {
		w.opts.Log(w.now, format, args...)
	}
}

func (w *World) happen(node base.NodeID, kind, detail string) {
	w.logf("node %d: %s %s", node, kind, detail)
	if w.opts.Event != nil {
		w.opts.Event(Happening{At: w.now, Node: node, Kind: kind, Detail: detail})
	}
}

// Run does everything that happens up to an instant, that instant included, or until Stop or a violation. It may be
// called again.
func (w *World) Run(until clock.Time) {
	w.until, w.stopped = until, false
	for !w.stopped {
		if len(w.events.heap) == 0 || w.events.heap[0].at > until {
			w.now = max(w.now, until)
			return
		}
		e, _ := w.events.next()
		w.now = e.at
		w.do(&e)
		if w.first != nil && !w.opts.GoOn {
			return
		}
	}
}

// do does one event.
func (w *World) do(e *event) {
	switch e.kind {
	case evSyn, evOpened, evUp, evDown, evResetUp, evResetDown:
		if c := w.conns[e.id]; c != nil {
			w.doConn(c, e)
		}
	case evTaskRun, evTaskDone:
		w.doTask(e)
	case evDeadline, evStart, evResume:
		w.doNode(w.nodes[e.id], e)
	case evWake:
		w.clients[e.id].wake(e)
	case evFault, evFaultEnd:
		w.doFault(e)
	case evSecond:
		w.second(e)
	}
}

// count takes an event into the trace. Whoever does an event calls it once it is sure that something happens.
func (w *World) count(e *event, payload []byte, n *Node, extra uint64) {
	state := uint64(0)
	if n != nil {
		state = n.disk.Sum()
	}
	w.trace.add(e, payload, state, extra)
}

// second ends a second of the world: those who listen are told the hash, and every client is greeted. In which order is
// part of the trace.
func (w *World) second(e *event) {
	if w.opts.EachSecond != nil {
		w.opts.EachSecond(int64(w.now)/second, w.trace.sum(), w.trace.events)
	}
	order := uint64(0)
	greet := func(i int) {
		order = order*31 + uint64(i) + 1
		w.clients[i].greet()
	}
	if hook := w.opts.Hooks.Greet; hook != nil {
		for _, i := range hook(len(w.clients)) {
			greet(i)
		}
	} else {
		for i := range w.clients {
			greet(i)
		}
	}
	w.count(e, nil, nil, order)
	w.plan(w.now.Add(time.Second), evSecond, 0, 0)
}

// pathOf returns a new path between two machines with the network's usual properties.
func (w *World) pathOf(from, to string) pathEnd {
	net := &w.opts.Net
	p := pathEnd{rand: w.source("path/%s>%s", from, to)}
	p.usual = link.Path{Min: clock.Uniform(p.rand, net.Min), Mean: net.Mean, Split: net.Split}
	p.Path = new(link.Path)
	*p.Path = p.usual
	return p
}
