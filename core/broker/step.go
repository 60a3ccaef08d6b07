// Package broker is the broker: a value that turns inputs into effects and never waits.
//
// # The driver's duties
//
// A driver owns sockets, threads and time; the broker owns everything else. There are two drivers, core/server over
// real sockets and netsim/world over simulated ones, and both do exactly this:
//
//  1. Open a Broker, and make a Conn for each connection that a client opens.
//  2. Hand each whole frame of a connection to Step, in the order in which they came. The frame belongs to the driver
//     again when Step returns.
//  3. Carry out the effects of each Step: send the replies that Conn.Take returns for each connection in Effects.Ready,
//     in that order; run each task in Effects.Tasks, outside of Step and for as long as it takes, then hand it to Step
//     as TaskDone; take the last replies of the connections in Effects.Close, which another step may have made ready,
//     and close each when they are sent; and call Step with Deadline at Effects.Deadline, the time of the earliest
//     deadline, if it is not zero.
//  4. Call Step with Closed when a connection ends, whoever ended it.
//  5. Stop handing in a connection's frames while Conn.Backlog says that it has enough to do.
//  6. Shut down with Close, once no Step and no task is running.
//
// As code:
//
//	for in := range inputs {
//		effects.Reset()
//		broker.Step(clock.Now(), in, &effects)
//		for _, conn := range effects.Ready {
//			for _, reply := range conn.Take(nil) {
//				send(conn, reply)
//				reply.Release()
//			}
//		}
//		for _, task := range effects.Tasks {
//			start(func() { task.Run(); inputs <- broker.TaskDone(task) })
//		}
//		...
//	}
//
// Step may run on many goroutines at once, each with its own Effects; frames of one connection come one after the
// other. Inside, each partition has its lock, and none is held while effects are carried out.
//
// # Order of replies
//
// Requests of one connection are served one after the other, but one that waits (for acks, or for data to fetch) does
// not hold up the next. Its reply, and all after it, leave the Conn in the order of the requests (Kafka gets the same
// order by serving one request at a time).
//
// # Reading order
//
// step.go, conn.go and timers.go (the machine), partition.go (high watermark, waiting fetches and acks), then one
// api_*.go a request; controller.go (how metadata changes), open.go and close.go.
package broker

import (
	"github.com/gregor-log/gregor/base"
)

// Input is one thing that happened: the driver fills in what its Kind needs.
type Input struct {
	Kind InputKind
	// Conn is set for Frame and Closed.
	Conn *Conn
	// Frame is a request without its length. It is borrowed for the duration of Step.
	Frame []byte
	// Task is set for TaskDone.
	Task Task
}

// InputKind tells inputs apart.
type InputKind uint8

// The inputs.
const (
	// Frame is a whole request that came in on a connection.
	Frame InputKind = iota
	// TaskDone is a task of an earlier step whose Run has returned.
	TaskDone
	// Deadline says that the instant of an earlier Effects.Deadline has come.
	Deadline
	// Closed says that a connection has ended.
	Closed
)

// Task is work that may take long: syncs, checkpoints, deletions. Run does it and may run beside everything else, once;
// the broker takes the outcome from the task when it comes back as TaskDone.
type Task interface {
	// Run does the work. Errors are kept in the task.
	Run()
	// Urgent reports that replies wait for the task.
	Urgent() bool
	// done takes the outcome.
	done(b *Broker, now base.Instant, out *Effects)
}

// Effects is what must happen after a Step. It is filled by Step, read by the driver and used again after Reset.
type Effects struct {
	// Ready lists connections with replies to take and send. One may be listed by several steps before it is taken.
	Ready []*Conn
	// Tasks lists the tasks to run.
	Tasks []Task
	// Close lists connections to close, after the replies that Conn.Take returns now: none follow.
	Close []*Conn
	// Deadline is the time of the earliest deadline that the broker waits for, or 0.
	Deadline base.Mono
}

// Reset empties e and keeps its room.
func (e *Effects) Reset() {
	clear(e.Ready)
	clear(e.Tasks)
	clear(e.Close)
	e.Ready, e.Tasks, e.Close, e.Deadline = e.Ready[:0], e.Tasks[:0], e.Close[:0], 0
}

func (e *Effects) task(t Task) {
	e.Tasks = append(e.Tasks, t)
}

// Step applies one input at an instant and adds to out what must happen. It waits for no
// input, no time and no peer; deleting a topic that a checkpoint lists is the one step that syncs a file.
func (b *Broker) Step(now base.Instant, in Input, out *Effects) {
	switch in.Kind {
	case Frame:
		b.serve(now, in.Conn, in.Frame, out)
	case TaskDone:
		in.Task.done(b, now, out)
	case Deadline:
		b.timers.fire(b, now, out)
	case Closed:
		in.Conn.end(b)
	}
	out.Deadline = b.timers.next()
}
