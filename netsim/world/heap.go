package world

import "github.com/gregor-log/gregor/netsim/clock"

// eventKind says what happens. The order of the constants is part of the trace: new kinds go to the end.
type eventKind uint8

const (
	evSyn       eventKind = iota // a client's wish to connect reaches a machine
	evOpened                     // the machine's consent reaches the client
	evUp                         // bytes of a client, or the end of them, reach a machine
	evDown                       // bytes of a broker reach a client
	evResetUp                    // a reset reaches a machine
	evResetDown                  // a reset reaches a client
	evTaskRun                    // a broker's task does its work
	evTaskDone                   // it is handed back
	evDeadline                   // a broker's earliest deadline has come
	evWake                       // a client's timer
	evFault                      // an entry of the schedule begins
	evFaultEnd                   // it ends
	evStart                      // a broker's process starts
	evResume                     // a paused process goes on
	evSecond                     // a second of the world is over
)

var eventNames = [...]string{
	"syn", "opened", "up", "down", "reset_up", "reset_down", "task_run", "task_done", "deadline", "wake", "fault",
	"fault_end", "start", "resume", "second",
}

func (k eventKind) String() string {
	return eventNames[k]
}

// event is something that will happen at an instant. Events of one instant happen in the order in which they were
// planned.
type event struct {
	at  clock.Time
	seq uint64
	// id is the connection, node, client, task or fault that it happens to; gen tells its earlier lives from this one.
	id   int32
	gen  uint32
	kind eventKind
}

func (e *event) before(other *event) bool {
	if e.at != other.at {
		return e.at < other.at
	}
	return e.seq < other.seq
}

// queue is the events to come: a heap of four children a node, which needs half the levels of one with two and keeps
// the children that are compared in one line of the cache.
type queue struct {
	heap []event
	seq  uint64
}

const arity = 4

// plan adds an event.
func (q *queue) plan(e event) {
	q.seq++
	e.seq = q.seq
	q.heap = append(q.heap, e)
	at := len(q.heap) - 1
	for at > 0 {
		parent := (at - 1) / arity
		if !e.before(&q.heap[parent]) {
			break
		}
		q.heap[at] = q.heap[parent]
		at = parent
	}
	q.heap[at] = e
}

// next takes the earliest event. It reports false if there is none.
func (q *queue) next() (event, bool) {
	n := len(q.heap) - 1
	if n < 0 {
		return event{}, false
	}
	first, last := q.heap[0], q.heap[n]
	q.heap = q.heap[:n]
	if n == 0 {
		return first, true
	}
	at := 0
	for {
		child := at*arity + 1
		if child >= n {
			break
		}
		least := child
		for c := child + 1; c < min(child+arity, n); c++ {
			if q.heap[c].before(&q.heap[least]) {
				least = c
			}
		}
		if !q.heap[least].before(&last) {
			break
		}
		q.heap[at] = q.heap[least]
		at = least
	}
	q.heap[at] = last
	return first, true
}
