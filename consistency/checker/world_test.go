package checker

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/consistency/history"
)

// world is a small partition log with clients, faults and a clock, that draws legal histories: each operation takes
// effect at one instant, which the history does not tell.
type world struct {
	rng    *rand.Rand
	class  string
	logs   [][]string
	bounds [][]int // where batches begin, for a loss to cut at
	// pending are operations that have not taken effect.
	pending []*deed
	// flying are operations that took effect and whose answer is under way.
	flying []*deed
	done   []*history.Op
	events []history.Event
	now    int64
	down   int64 // until when the node is down
	values int
	// resends says that producers without idempotence send again too.
	resends bool
	seqs    map[base.ProducerID]int32
}

// deed is an operation on its way.
type deed struct {
	op     *history.Op
	effect int64
	// silent says that nobody is told of the outcome.
	silent bool
}

// draw returns the story of a run.
func draw(t *testing.T, seed uint64, class string, faults int) *story {
	rng := rand.New(rand.NewPCG(seed, 1))
	w := &world{rng: rng, class: class, logs: make([][]string, 1+rng.IntN(2)), seqs: make(map[base.ProducerID]int32)}
	w.bounds, w.resends = make([][]int, len(w.logs)), seed%5 == 0
	horizon := w.plan()
	for range faults {
		w.runTo(w.now + 1 + rng.Int64N(horizon/int64(faults)))
		w.fault()
	}
	w.runTo(1 << 40)
	w.final()
	s := tell(t, class)
	s.ops, s.events, s.header.Resends = w.done, w.events, w.resends
	return s
}

// plan draws what every process will ask for, and returns when the last begins.
func (w *world) plan() int64 {
	horizon := int64(0)
	for process := range int32(2 + w.rng.IntN(5)) {
		for lane, lanes := 0, 1+w.rng.IntN(2); lane < lanes; lane++ {
			now := w.rng.Int64N(50)
			for range 10 + w.rng.IntN(20) {
				length := 1 + w.rng.Int64N(60)
				op := w.ask(process)
				op.Start, op.End = now, now+length
				d := &deed{op: op, effect: now + w.rng.Int64N(length+1)}
				if d.silent = w.rng.IntN(20) == 0; d.silent && op.Kind == history.Append {
					// It may take effect long after its client has given up, or never.
					d.effect += w.rng.Int64N(200)
					if w.rng.IntN(3) == 0 {
						d.effect = -1
					}
				}
				w.pending = append(w.pending, d)
				now += length + 1 + w.rng.Int64N(20)
				horizon = max(horizon, now)
			}
		}
	}
	return horizon
}

// ask draws one operation.
func (w *world) ask(process int32) *history.Op {
	op := history.NewOp([]history.Kind{history.Append, history.Append, history.Fetch, history.End}[w.rng.IntN(4)])
	op.Process, op.Node, op.Topic, op.Partition = process, 1, "t", w.rng.Int32N(int32(len(w.logs)))
	op.Outcome = history.Fail
	if op.Kind == history.Append {
		for range 1 + w.rng.IntN(3) {
			op.Values.AddString(fmt.Sprintf("v%d", w.values))
			w.values++
		}
		if process%2 == 0 {
			op.ProducerID, op.ProducerEpoch = base.ProducerID(int32(100)*process+op.Partition), 0
		}
	}
	if op.Kind == history.Fetch {
		op.Offset = w.rng.Int64N(60)
	}
	return op
}

// runTo lets everything take effect up to an instant.
func (w *world) runTo(until int64) {
	for {
		next := -1
		for i, d := range w.pending {
			if d.effect >= 0 && (next < 0 || d.effect < w.pending[next].effect) {
				next = i
			}
		}
		if next < 0 || w.pending[next].effect > until {
			break
		}
		d := w.pending[next]
		if d.effect < w.down {
			d.effect = w.down + w.rng.Int64N(20)
			d.op.End = max(d.op.End, d.effect+w.rng.Int64N(20))
			continue
		}
		w.now = d.effect
		w.pending = append(w.pending[:next], w.pending[next+1:]...)
		w.apply(d)
		w.flying = append(w.flying, d)
	}
	if until < 1<<40 {
		w.now = until
		return
	}
	for _, d := range append(w.pending, w.flying...) {
		w.settle(d)
	}
}

// apply lets one operation take effect now, and fills in its answer.
func (w *world) apply(d *deed) {
	op := d.op
	log := w.logs[op.Partition]
	op.Outcome = history.OK
	switch op.Kind {
	case history.Append:
		if op.ProducerID >= 0 && op.Sequence < 0 {
			op.Sequence = w.seqs[op.ProducerID]
			w.seqs[op.ProducerID] += int32(op.Values.Len())
		}
		op.Offset = int64(len(log))
		w.bounds[op.Partition] = append(w.bounds[op.Partition], len(log))
		for i := range op.Values.Len() {
			log = append(log, string(op.Values.At(i)))
		}
		w.logs[op.Partition] = log
	case history.Fetch:
		w.read(op, log, 1+w.rng.IntN(8))
	case history.End:
		op.Offset = int64(len(log))
	}
}

// read fills in a fetch of at most so many records.
func (w *world) read(op *history.Op, log []string, most int) {
	op.Offset = min(op.Offset, int64(len(log)))
	op.HighWatermark, op.LogStart = int64(len(log)), 0
	for i := int(op.Offset); i < len(log) && i < int(op.Offset)+most; i++ {
		op.AddRecord(int64(i), log[i])
	}
}

// settle writes an operation into the history with what its client knows.
func (w *world) settle(d *deed) {
	op := d.op
	if d.silent || op.Outcome != history.OK {
		op.Outcome = history.Unknown
		if op.Kind != history.Fetch {
			op.Offset = -1
		}
		op.Values, op.Offsets = keepValues(op), nil
	}
	w.done = append(w.done, op)
}

// keepValues returns the values of an append and none of a fetch.
func keepValues(op *history.Op) history.Values {
	if op.Kind == history.Append {
		return op.Values
	}
	return history.Values{}
}

// fault strikes the node now.
func (w *world) fault() {
	name := []string{history.EventKill, history.EventPowerLoss}[w.rng.IntN(2)]
	w.down = w.now + 1 + w.rng.Int64N(40)
	w.events = append(w.events, history.Event{Time: w.now, Node: 1, Name: name},
		history.Event{Time: w.down, Node: 1, Name: history.EventRestart})
	lossy := w.class == "memory" || (w.class == "page-cache" && name == history.EventPowerLoss)
	for p := range w.logs {
		if lossy && len(w.bounds[p]) > 0 && w.rng.IntN(4) > 0 {
			at := w.rng.IntN(len(w.bounds[p]))
			w.logs[p], w.bounds[p] = w.logs[p][:w.bounds[p][at]:w.bounds[p][at]], w.bounds[p][:at]
		}
	}
	w.interrupt()
}

// interrupt decides for everything under way what becomes of it: its connection is gone.
func (w *world) interrupt() {
	var pending, flying []*deed
	for _, d := range w.flying {
		switch under := d.op.End >= w.now; {
		case !under || w.rng.IntN(2) == 0:
			flying = append(flying, d) // answered before, or the answer is on its way already
		case w.rng.IntN(2) == 0 && d.op.Kind == history.Append && !d.silent && (d.op.ProducerID >= 0 || w.resends):
			w.retry(d)
			flying = append(flying, d)
		default:
			d.silent = true
			flying = append(flying, d)
		}
	}
	for _, d := range w.pending {
		if d.op.Start > w.now || d.effect < 0 {
			pending = append(pending, d)
			continue
		}
		if w.rng.IntN(2) == 0 && !d.silent { // sent again after the restart
			d.effect = w.down + w.rng.Int64N(30)
			d.op.End = max(d.op.End, d.effect+w.rng.Int64N(20))
		} else {
			d.effect = -1
		}
		pending = append(pending, d)
	}
	w.pending, w.flying = pending, flying
}

// retry sends an append again whose answer was lost: the broker answers as before if it still has the batch, and
// appends it again if the batch went with the power, or if the producer is not idempotent.
func (w *world) retry(d *deed) {
	log, op := w.logs[d.op.Partition], d.op
	op.End = max(op.End, w.down+20)
	if op.ProducerID >= 0 && int(op.Offset) < len(log) && log[op.Offset] == string(op.Values.At(0)) {
		return
	}
	op.Sequence = -1
	w.apply(d)
}

// final reads every log to its end.
func (w *world) final() {
	start, marked := int64(0), w.rng.IntN(2) == 0
	for _, op := range w.done {
		start = max(start, op.End+300)
	}
	for p, log := range w.logs {
		for at := 0; at == 0 || at < len(log); {
			op := history.NewOp(history.Fetch)
			op.Process, op.Topic, op.Partition, op.Outcome, op.Final = 90+int32(p), "t", int32(p), history.OK, marked
			op.Start, op.End, op.Offset = start, start+5, int64(at)
			w.read(op, log, 1+w.rng.IntN(40))
			w.done = append(w.done, op)
			start, at = start+10, at+max(1, op.Values.Len())
		}
	}
}
