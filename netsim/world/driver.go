package world

import (
	"time"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/broker"
	"github.com/gregor-log/gregor/netsim/clock"
	"github.com/gregor-log/gregor/netsim/disk"
)

// step hands an input to the broker and carries out what it wants.
func (n *Node) step(in broker.Input) {
	n.broker.Step(n.clock.Now(n.w.now), in, &n.effects)
	if n.disk.Struck() {
		n.struck()
		return
	}
	n.carryOut()
}

// carryOut does what a step asked for.
func (n *Node) carryOut() {
	for i := 0; i < len(n.effects.Ready); i++ {
		if c := n.effects.Ready[i].Owner.(*Conn); c.server == serverOpen {
			c.takeReplies()
			c.pump()
		}
	}
	for i := 0; i < len(n.effects.Close); i++ {
		if c := n.effects.Close[i].Owner.(*Conn); c.server == serverOpen {
			c.closing = true
			c.pump()
		}
	}
	for _, t := range n.effects.Tasks {
		n.begin(t)
	}
	n.arm()
	n.effects.Reset()
	n.endFailed()
}

// arm plans the broker's earliest deadline, unless an earlier one is planned.
func (n *Node) arm() {
	if n.effects.Deadline == 0 || n.state != stateUp {
		return
	}
	at := max(n.clock.When(n.effects.Deadline), n.w.now)
	if at == clock.Never || n.deadline != 0 && n.deadline <= at {
		return
	}
	n.deadline = at
	n.w.plan(at, evDeadline, n.index, n.life)
}

// task is one of a broker's tasks that is under way.
type task struct {
	node *Node
	life uint32
	task broker.Task
	mark disk.Mark
	// urgent tasks are syncs: see begin.
	urgent bool
	done   clock.Time
	next   int32 // of the free ones
}

// taskTable holds tasks by number, and uses numbers again.
type taskTable struct {
	list []task
	free int32 // first free number plus 1
}

func (t *taskTable) add(x task) int32 {
	if t.free == 0 {
		t.list = append(t.list, x)
		return int32(len(t.list) - 1)
	}
	at := t.free - 1
	t.free = t.list[at].next
	t.list[at] = x
	return at
}

func (t *taskTable) remove(at int32) {
	t.list[at] = task{next: t.free}
	t.free = at + 1
}

// drop removes the tasks of a process that has ended.
func (t *taskTable) drop(n *Node) {
	for i := range t.list {
		if t.list[i].node == n {
			t.remove(int32(i))
		}
	}
}

// begin has a task done. Urgent ones are syncs, which run beside each other and take the disk's time: the work happens
// at some instant of it, and covers what was written when the task began. All others run one after the other, as in
// core/server.
func (n *Node) begin(t broker.Task) {
	n.running++
	if !t.Urgent() {
		n.chores = append(n.chores, t)
		n.nextChore()
		return
	}
	n.launch(t, true, n.disk.SyncTime(n.opts.SyncMin, n.opts.SyncMean))
}

func (n *Node) nextChore() {
	if n.choreAtWork || len(n.chores) == 0 {
		return
	}
	t := n.chores[0]
	n.chores = n.chores[1:]
	n.choreAtWork = true
	n.launch(t, false, clock.Exponential(n.rand, time.Millisecond))
}

// launch plans a task that takes a time.
func (n *Node) launch(t broker.Task, urgent bool, takes time.Duration) {
	run := takes
	switch clock.Below(n.rand, 4) {
	case 0:
		run = 0
	case 1, 2:
		run = clock.Uniform(n.rand, takes)
	}
	w := n.w
	id := w.tasks.add(task{
		node: n, life: n.life, task: t, mark: n.disk.Begin(), urgent: urgent, done: w.now.Add(takes),
	})
	w.plan(w.now.Add(run), evTaskRun, id, n.life)
}

// doTask does an event of a task.
func (w *World) doTask(e *event) {
	t := &w.tasks.list[e.id]
	n := t.node
	if n == nil || t.life != e.gen || n.postpone(e) {
		return
	}
	if e.kind == evTaskRun {
		n.runTask(t)
		w.count(e, nil, n, 0)
		if n.disk.Struck() {
			n.struck()
			return
		}
		w.plan(t.done, evTaskDone, e.id, e.gen)
		return
	}
	w.count(e, nil, n, 0)
	done, urgent := t.task, t.urgent
	w.tasks.remove(e.id)
	n.running--
	if !urgent {
		n.choreAtWork = false
	}
	if hook := w.opts.Hooks.TaskDone; hook == nil || hook(n) {
		n.step(broker.Input{Kind: broker.TaskDone, Task: done})
	}
	if n.broker == nil {
		return
	}
	n.nextChore()
	n.stopIfIdle()
}

// runTask does a task's work.
func (n *Node) runTask(t *task) {
	work := t.task
	if hook := n.w.opts.Hooks.Sync; hook != nil && t.urgent && !hook(n) {
		n.disk.Lie(work.Run)
		return
	}
	if t.urgent {
		n.disk.Within(t.mark, work.Run)
		return
	}
	work.Run()
}

// stop begins a clean stop: no more is taken in, and once no task is under way the broker is closed.
func (n *Node) stop() {
	if n.state != stateUp {
		return
	}
	n.state = stateStopping
	for _, c := range n.w.conns {
		if c != nil && c.node == n && c.server == serverOpen {
			c.end(true)
		}
		if n.broker == nil {
			return // struck on the way
		}
	}
	n.stopIfIdle()
}

// stopIfIdle closes the broker if it is stopping and nothing is under way any more.
func (n *Node) stopIfIdle() {
	if n.state != stateStopping || n.running > 0 {
		return
	}
	skip := n.unrecovered()
	err := n.broker.Close()
	if n.disk.Struck() {
		n.struck()
		return
	}
	n.stopped(err, skip)
}

// stopped ends a process that has closed its broker. skip are the partitions that it could not recover.
func (n *Node) stopped(err error, skip []base.TopicPartition) {
	w := n.w
	how := endClean
	switch open := n.disk.OpenFiles(); {
	case err != nil && n.disk.Injected() == 0:
		w.violate("close-failed", "node %d does not close cleanly: %v", n.opts.ID, err)
	case err != nil:
		how = endKill // no partition of its directory can be trusted
	case open != 0:
		w.violate("leak", "node %d has closed its broker, and %d files are still open", n.opts.ID, open)
	default:
		w.ledger.closed(n, skip)
	}
	n.endProcess(how)
	if n.restart > 0 {
		w.plan(n.restart, evStart, n.index, n.life)
	}
}
