package world

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/broker"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/env"
	"github.com/gregor-log/gregor/netsim/clock"
	"github.com/gregor-log/gregor/netsim/disk"
)

// dataDir is where a node's broker keeps its files.
const dataDir = "/data"

// Node is one machine with a disk, clocks and, while it is up, a broker's process.
type Node struct {
	w     *World
	index int32
	opts  NodeOptions
	cfg   *config.Broker
	name  string
	disk  *disk.Disk
	clock clock.Clock
	// rand draws what the node's own timing needs; chance is the broker's source, a new one for each process.
	rand env.Source

	// life counts the processes: events of an earlier one are void.
	life  uint32
	state nodeState
	// broker is nil while the process is not running.
	broker   *broker.Broker
	listener *broker.Listener
	effects  broker.Effects
	// deadline is when the broker's earliest deadline is due as an event that is planned, 0 for none.
	deadline clock.Time

	paused   bool
	deferred []event
	// since is when the process was started or last went on after a pause.
	since clock.Time
	// running counts the tasks that are under way; chores are those that wait for the one before.
	running     int
	chores      []broker.Task
	choreAtWork bool

	// failed are connections to be ended after the step.
	failed []*Conn

	// starts counts the processes that came up, down says how the last one ended, restart when a process that stops in
	// good order is to be started again.
	starts  int
	down    ending
	restart clock.Time
	// troubles says for each life what its disk did to it. cuts counts the losses that the durability class allows, and
	// cutsAt says how many there had been when each life began; losing says that the next start finds another.
	troubles []trouble
	cuts     int
	cutsAt   []int
	losing   bool
	// inspected is the life of the last process whose start was followed by an inspection of the disk.
	inspected uint32
}

// trouble is what a disk did to a process.
type trouble struct {
	// failed says that calls failed, dropped that a failed sync dropped what was written.
	failed, dropped bool
}

// trouble returns what the disk did to a process so far.
func (n *Node) trouble(life uint32) trouble {
	if life == n.life {
		return trouble{failed: n.disk.Injected() > 0, dropped: n.disk.Dropped()}
	}
	return n.troubles[life]
}

// nodeState says what a node is doing.
type nodeState uint8

const (
	stateDown     nodeState = iota // the machine runs, the process does not
	stateUp                        // the broker serves
	stateStopping                  // it finishes what is under way, for a clean stop
	stateDark                      // the machine has no power
)

// ending is a way in which a process ends.
type ending uint8

const (
	endNone ending = iota
	endClean
	endKill
	endPower
	endFailed // it could not start, or went wrong
)

func newNode(w *World, o *NodeOptions) (*Node, error) {
	n := &Node{w: w, index: int32(len(w.nodes)), opts: *o, name: fmt.Sprintf("n%d", o.ID), clock: o.Clock}
	n.rand = w.source("node/%d", o.ID)
	n.disk = disk.New(disk.Options{
		Rand: w.source("disk/%d", o.ID), Now: func() int64 { return n.clock.Now(w.now).Wall },
	})
	pairs := append([]config.KV{
		{Name: "process.roles", Value: "broker,controller"},
		{Name: "node.id", Value: fmt.Sprint(o.ID)},
		{Name: "listeners", Value: fmt.Sprintf("PLAINTEXT://%s:9092", n.name)},
		{Name: "log.dirs", Value: dataDir},
	}, o.Properties...)
	cfg, _, err := config.ParseBroker(pairs)
	n.cfg = cfg
	return n, err
}

// ID returns the broker's id.
func (n *Node) ID() base.NodeID { return n.opts.ID }

// Disk returns the node's disk.
func (n *Node) Disk() *disk.Disk { return n.disk }

// Up reports that the broker serves.
func (n *Node) Up() bool { return n.state == stateUp && !n.paused }

// Since returns when the process was started, or last went on after a pause.
func (n *Node) Since() clock.Time { return n.since }

// Life returns the number of the node's process.
func (n *Node) Life() uint32 { return n.life }

// Cuts returns how many losses there were that the durability class allows, before the process that runs.
func (n *Node) Cuts() int { return n.cuts }

// Broker returns the broker, nil while its process does not run.
func (n *Node) Broker() *broker.Broker { return n.broker }

// doNode does an event of the node itself.
func (w *World) doNode(n *Node, e *event) {
	switch {
	case e.gen != n.life && e.kind != evResume:
		return // of an earlier process
	case e.kind == evStart:
		w.count(e, nil, n, 0)
		n.start()
	case e.kind == evResume:
		if n.paused && e.gen == n.life {
			w.count(e, nil, n, 0)
			n.resume()
		}
	case n.postpone(e):
	case e.kind == evDeadline && e.at == n.deadline && n.state == stateUp:
		n.deadline = 0
		w.count(e, nil, n, 0)
		n.step(broker.Input{Kind: broker.Deadline})
	}
}

// postpone keeps an event for the end of a pause. It reports false if the process is not paused.
func (n *Node) postpone(e *event) bool {
	if n.paused {
		n.deferred = append(n.deferred, *e)
	}
	return n.paused
}

// resume lets a paused process go on: all that it has missed happens now, in its order.
func (n *Node) resume() {
	n.paused, n.since = false, n.w.now
	missed := n.deferred
	n.deferred = nil
	for i := range missed {
		if missed[i].kind == evDeadline {
			n.deadline = n.w.now
		}
		n.w.plan(n.w.now, missed[i].kind, missed[i].id, missed[i].gen)
	}
	for _, c := range n.w.conns {
		if c != nil && c.node == n && c.atServer() {
			c.pump()
		}
	}
	n.endFailed()
}

// start starts the broker's process. It is an input like any other: the disk may strike inside it.
func (n *Node) start() {
	if n.state != stateDown {
		return
	}
	w := n.w
	if hook := w.opts.Hooks.Start; hook != nil && n.starts > 0 {
		hook(n)
	}
	n.clock.Boot(w.now)
	chance := w.source("broker/%d/%d", n.opts.ID, n.life)
	order := w.source("recovery/%d/%d", n.opts.ID, n.life)
	n.effects = broker.Effects{}
	made, err := broker.Open(broker.Options{
		FS: n.disk.FS(), Config: n.cfg, Advertised: n.cfg.Advertised, Rand: chance, Log: n.logger(),
		Now: n.clock.Now(w.now), OpenFiles: n.opts.OpenFiles, Parallel: inSomeOrder(order),
	}, &n.effects)
	switch {
	case n.disk.Struck():
		n.struck()
		return
	case err != nil:
		n.failedStart(err)
		return
	}
	n.broker, n.state, n.since = made, stateUp, n.w.now
	n.listener = made.Listener("PLAINTEXT")
	n.started()
	n.carryOut()
}

// failedStart ends a process that could not start. Somebody starts it again.
func (n *Node) failedStart(err error) {
	if n.disk.Injected() == 0 {
		n.w.violate("open-failed", "node %d does not start: %v", n.opts.ID, err)
	}
	n.w.logf("node %d does not start: %v", n.opts.ID, err)
	n.endProcess(endFailed)
	n.w.plan(n.w.now.Add(clock.Exponential(n.rand, restartDelay)), evStart, n.index, n.life)
}

// restartDelay is how long it takes on average until somebody starts a broker again that did not start.
const restartDelay = time.Second

// started takes note of a process that came up, and holds what is on the disk against what must be.
func (n *Node) started() {
	w := n.w
	n.starts++
	if n.starts > 1 {
		w.stats.Restarts++
		if n.down != endClean {
			w.stats.EpochBumps++
		}
	}
	w.happen(n.opts.ID, "restart", fmt.Sprintf("process %d", n.starts))
	w.ledger.recovered(n, n.down)
	n.down = endNone
}

// inSomeOrder runs work as goroutines might that each do one piece: in an order that chance decides.
func inSomeOrder(rand env.Source) func(count int, work func(i int)) {
	return func(count int, work func(i int)) {
		order := make([]int, count)
		for i := range order {
			j := int(clock.Below(rand, int64(i+1)))
			order[i], order[j] = order[j], i
		}
		for _, i := range order {
			work(i)
		}
	}
}

// kill ends the process at once: what it wrote stays with the kernel, and its kernel resets its connections.
func (n *Node) kill() {
	if n.state == stateDark {
		return
	}
	n.endProcess(endKill)
	for _, c := range n.w.conns {
		if c != nil && c.node == n && c.server != serverNone {
			c.forget()
			c.resetDown()
			c.up.planned = 0
			c.arm(&c.up, evUp)
		}
	}
}

// powerLoss ends the machine. Nobody is told.
func (n *Node) powerLoss(permille int) {
	n.endProcess(endPower)
	n.disk.PowerLoss(permille)
	n.state = stateDark
	for _, c := range n.w.conns {
		if c != nil && c.node == n {
			c.forget()
		}
	}
}

// powerOn brings the machine back; its process is started some time later.
func (n *Node) powerOn() {
	if n.state == stateDark {
		n.disk.Restart()
		n.state = stateDown
	}
}

// endProcess forgets all that the process held.
func (n *Node) endProcess(how ending) {
	if how == endPower || n.state != stateDown || how == endFailed {
		n.w.ledger.ending(n, how)
	}
	was := n.trouble(n.life)
	for _, f := range n.w.faults {
		if f.Node == int(n.index) {
			f.armed = false
		}
	}
	if how != endPower {
		n.disk.Kill()
	}
	if idle := n.down == endClean && how == endPower && !n.disk.Struck(); !idle {
		n.down = how
	}
	n.life++
	n.troubles = append(n.troubles, was)
	n.state, n.broker, n.deadline = stateDown, nil, 0
	n.paused, n.deferred, n.failed = false, nil, nil
	n.running, n.chores, n.choreAtWork = 0, nil, false
	n.w.tasks.drop(n)
}

// struck ends a process that the disk struck inside a call, in the way that the fault wants.
func (n *Node) struck() {
	for _, f := range n.w.faults {
		if f.armed && f.node(n.w) == n {
			f.strike(n)
			return
		}
	}
	base.Assert(false, "node %d is struck, and no fault did it", n.opts.ID)
}

// logger returns where the broker's own events go.
func (n *Node) logger() *slog.Logger {
	if n.w.opts.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(&logHandler{n: n})
}
