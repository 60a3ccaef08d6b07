package checker

import (
	"strings"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/consistency/history"
)

// story builds a history by hand. Each operation takes from start to end; by default it is process 1 on t-0.
type story struct {
	t      *testing.T
	header history.Header
	ops    []*history.Op
	events []history.Event
}

func tell(t *testing.T, class string) *story {
	return &story{t: t, header: history.Header{Source: "sim", Class: class, Replication: 1}}
}

func (s *story) add(kind history.Kind, start, end int64) *history.Op {
	op := history.NewOp(kind)
	op.Process, op.Node, op.Topic, op.Start, op.End, op.Outcome = 1, 1, "t", start, end, history.OK
	s.ops = append(s.ops, op)
	return op
}

// append adds an append of values, separated by blanks, acknowledged at an offset.
func (s *story) append(start, end, at int64, values string) *history.Op {
	op := s.add(history.Append, start, end)
	op.Offset = at
	for _, value := range strings.Fields(values) {
		op.Values.AddString(value)
	}
	return op
}

// lost adds an append whose outcome nobody knows.
func (s *story) lost(start, end int64, values string) *history.Op {
	op := s.append(start, end, -1, values)
	op.Outcome = history.Unknown
	return op
}

// failed adds an append that has definitely not happened.
func (s *story) failed(start, end int64, values string) *history.Op {
	op := s.append(start, end, -1, values)
	op.Outcome = history.Fail
	return op
}

// fetch adds a fetch from an offset; "-" in values leaves an offset out.
func (s *story) fetch(start, end, from, highWatermark int64, values string) *history.Op {
	op := s.add(history.Fetch, start, end)
	op.Process, op.Offset, op.HighWatermark, op.LogStart = 2, from, highWatermark, 0
	for i, value := range strings.Fields(values) {
		if value != "-" {
			op.AddRecord(from+int64(i), value)
		}
	}
	return op
}

// final adds a fetch of the whole log after everything.
func (s *story) final(values string) *history.Op {
	op := s.fetch(1000, 1001, 0, int64(len(strings.Fields(values))), values)
	op.Final = true
	return op
}

// end adds a question for the log's end.
func (s *story) end(start, end, offset int64) *history.Op {
	op := s.add(history.End, start, end)
	op.Process, op.Offset = 3, offset
	return op
}

// event adds an event on node 1.
func (s *story) event(name string, at int64) {
	s.events = append(s.events, history.Event{Time: at, Node: 1, Name: name})
}

// powerLoss adds a loss of power and the restart after it.
func (s *story) powerLoss(at int64) {
	s.event(history.EventPowerLoss, at)
	s.event(history.EventRestart, at+1)
}

// as makes an append that of an idempotent producer.
func as(op *history.Op, producer base.ProducerID, sequence int32) {
	op.ProducerID, op.ProducerEpoch, op.Sequence = producer, 0, sequence
}

// history returns what was told.
func (s *story) history() *history.History {
	s.t.Helper()
	h := history.New(s.header)
	for _, op := range s.ops {
		if err := h.AddOp(op); err != nil {
			s.t.Fatal(err)
		}
	}
	for _, e := range s.events {
		if err := h.AddEvent(e); err != nil {
			s.t.Fatal(err)
		}
	}
	return h
}

// check judges what was told.
func (s *story) check(options Options) *Report {
	s.t.Helper()
	r, err := Check(s.history(), options)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}
