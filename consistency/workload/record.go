package workload

import (
	"io"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/consistency/history"
	"github.com/gregor-log/gregor/netsim/clock"
	"github.com/gregor-log/gregor/netsim/world"
)

// outcome is what became of an append.
type outcome uint8

const (
	acked outcome = iota
	failed
	unknown
)

// recorder writes a run's history, or nothing at all.
type recorder struct {
	plan *Plan
	w    *history.Writer
	op   history.Op
	err  error
	key  []byte
}

func newRecorder(p *Plan, out io.Writer) *recorder {
	r := &recorder{plan: p}
	if out == nil {
		return r
	}
	r.w = history.NewWriter(out, history.Header{
		Source: "sim", Seed: p.Seed, Class: p.Class, Nodes: []base.NodeID{p.Node.ID}, Trims: p.Trims,
		Resends: p.Resends,
	})
	return r
}

// on reports that there is a history.
func (r *recorder) on() bool { return r.w != nil }

// takes reports whether what happens in a partition is written. A topic that is to be deleted is left out, since nobody
// can read it in the end.
func (r *recorder) takes(p *world.Partition) bool {
	return r.w != nil && p.TopicPartition.Topic != doomedTopic
}

func (r *recorder) begin(kind history.Kind, s *session, p *world.Partition, start clock.Time) *history.Op {
	r.op.Reset(kind)
	r.op.Process, r.op.Topic, r.op.Partition = int32(s.client.Index()), p.TopicPartition.Topic, p.Partition
	r.op.Start, r.op.End = int64(start), int64(s.now())
	return &r.op
}

func (r *recorder) write() {
	if err := r.w.Op(&r.op); err != nil && r.err == nil {
		r.err = err
	}
}

// append writes an append and what became of it.
func (r *recorder) append(p *producer, s *sending, o outcome, at base.Offset) {
	if !r.takes(s.partition) {
		return
	}
	if s.attempts == 0 {
		s.start = p.now()
	}
	op := r.begin(history.Append, &p.session, s.partition, s.start)
	a := p.ledger().Append(s.id)
	op.Acks, op.ProducerID, op.ProducerEpoch, op.Sequence = p.plan.Acks, a.ProducerID, a.Epoch, a.Sequence
	switch o {
	case acked:
		op.Outcome, op.Offset, op.Node = history.OK, int64(at), p.run.nodeID(0)
	case failed:
		op.Outcome = history.Fail
	default:
		op.Outcome = history.Unknown
	}
	for i := range a.Count {
		r.key = world.AppendKey(r.key[:0], s.id, i)
		op.Values.Add(r.key)
	}
	r.write()
}

// fetch writes what a fetch showed of one partition.
func (r *recorder) fetch(s *session, req *world.Request, f *world.Fetched, seen []world.Seen, final bool) {
	if !r.takes(f.Partition) {
		return
	}
	op := r.begin(history.Fetch, s, f.Partition, req.Sent)
	op.Outcome, op.Final, op.Node, op.Offset = history.OK, final, s.run.nodeID(req.Node), int64(f.From)
	op.HighWatermark = int64(f.High)
	if req.Version >= 5 {
		op.LogStart = int64(f.Start)
	}
	for _, batch := range seen {
		for i := range s.ledger().Append(batch.ID).Count {
			if at := batch.Base + base.Offset(i); at >= f.From {
				r.key = world.AppendKey(r.key[:0], batch.ID, i)
				op.Offsets = append(op.Offsets, int64(at))
				op.Values.Add(r.key)
			}
		}
	}
	r.write()
}

// end writes what ListOffsets told of a log's end.
func (r *recorder) end(s *session, req *world.Request, p *world.Partition, at base.Offset, final bool) {
	if !r.takes(p) {
		return
	}
	op := r.begin(history.End, s, p, req.Sent)
	op.Outcome, op.Final, op.Node, op.Offset = history.OK, final, s.run.nodeID(req.Node), int64(at)
	r.write()
}

// commit writes a commit or a deletion of an offset, and what became of it.
func (r *recorder) commit(s *session, c *world.Commit, o outcome, start clock.Time) {
	if r.w == nil || c.Partition.Topic == doomedTopic {
		return
	}
	op := r.offset(history.Commit, s, c.Group, c.Partition, start)
	switch o {
	case acked:
		op.Outcome, op.Node = history.OK, s.run.nodeID(0)
	case failed:
		op.Outcome = history.Fail
	default:
		op.Outcome = history.Unknown
	}
	if !c.None {
		op.Offset = c.Offset
		op.Values.AddString(c.Metadata)
	}
	r.write()
}

// committed writes what a coordinator told of one offset: o, which is the commit c if that is known.
func (r *recorder) committed(s *session, req *world.Request, g *world.GroupRequest, i int, o *toldOffset,
	c *world.Commit, final bool,
) {
	tp := g.Fetches[i].Partition
	if r.w == nil || tp.Topic == doomedTopic {
		return
	}
	op := r.offset(history.Committed, s, g.Group, tp, req.Sent)
	op.Outcome, op.Final, op.Node = history.OK, final, s.run.nodeID(req.Node)
	if op.Offset = o.Offset.Offset; c != nil {
		op.Values.AddString(c.Metadata)
	} else if op.Offset >= 0 {
		op.Values.AddString("unknown")
	}
	r.write()
}

func (r *recorder) offset(kind history.Kind, s *session, group string, tp base.TopicPartition, start clock.Time,
) *history.Op {
	r.op.Reset(kind)
	r.op.Process, r.op.Group = int32(s.client.Index()), group
	r.op.Topic, r.op.Partition = tp.Topic, tp.Partition
	r.op.Start, r.op.End = int64(start), int64(s.now())
	return &r.op
}

// event writes what happened to a node.
func (r *recorder) event(h world.Happening) {
	if r.w == nil {
		return
	}
	e := history.Event{Time: int64(h.At), Node: h.Node, Name: h.Kind, Detail: h.Detail}
	if err := r.w.Event(e); err != nil && r.err == nil {
		r.err = err
	}
}

// finish writes the appends that nobody knows the end of, and whatever is still in memory.
func (r *recorder) finish(run *run) error {
	if r.w == nil {
		return nil
	}
	for _, p := range run.producers {
		for _, s := range p.open {
			r.append(p, s, unknown, base.NoOffset)
		}
	}
	if r.err != nil {
		return r.err
	}
	return r.w.Flush()
}
