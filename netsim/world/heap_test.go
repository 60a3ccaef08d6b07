package world

import (
	"slices"
	"testing"

	"github.com/gregor-log/gregor/core/env"
	"github.com/gregor-log/gregor/netsim/clock"
)

// TestQueueAgainstSort holds the heap against a slice that is sorted, over random plans and takings.
func TestQueueAgainstSort(t *testing.T) {
	s := env.NewSeeded(1, "queue")
	var q queue
	var twin []event
	seq := uint64(0)
	for range 20_000 {
		if len(twin) == 0 || clock.Chance(s, 11, 20) {
			seq++
			e := event{at: clock.Time(clock.Below(s, 50)), id: int32(seq)}
			q.plan(e)
			e.seq = seq
			twin = append(twin, e)
			continue
		}
		slices.SortFunc(twin, func(a, b event) int {
			if a.before(&b) {
				return -1
			}
			return 1
		})
		got, ok := q.next()
		if !ok || got != twin[0] {
			t.Fatalf("got %+v, %v, expected %+v", got, ok, twin[0])
		}
		twin = twin[1:]
	}
	for range twin {
		q.next()
	}
	if e, ok := q.next(); ok {
		t.Errorf("got %+v of an empty queue", e)
	}
}

// TestQueueKeepsOrderOfOneInstant has events of one instant come in the order in which they were planned.
func TestQueueKeepsOrderOfOneInstant(t *testing.T) {
	var q queue
	for i := range int32(1000) {
		q.plan(event{at: 7, id: i})
	}
	for i := range int32(1000) {
		if e, _ := q.next(); e.id != i {
			t.Fatalf("got event %d, expected %d", e.id, i)
		}
	}
}

// TestTraceTellsEventsApart changes one thing of an event at a time: each must change the hash.
func TestTraceTellsEventsApart(t *testing.T) {
	sum := func(e event, payload string, state, extra uint64, times int) string {
		tr := newTrace()
		for range times {
			tr.add(&e, []byte(payload), state, extra)
		}
		return tr.sum()
	}
	e := event{at: 1, seq: 2, id: 3, kind: evUp}
	seen := map[string]string{sum(e, "a", 5, 6, 1): "as it is"}
	for name, got := range map[string]string{
		"instant": sum(event{at: 2, seq: 2, id: 3, kind: evUp}, "a", 5, 6, 1),
		"order":   sum(event{at: 1, seq: 3, id: 3, kind: evUp}, "a", 5, 6, 1),
		"id":      sum(event{at: 1, seq: 2, id: 4, kind: evUp}, "a", 5, 6, 1),
		"kind":    sum(event{at: 1, seq: 2, id: 3, kind: evDown}, "a", 5, 6, 1),
		"bytes":   sum(e, "b", 5, 6, 1),
		"length":  sum(e, "aa", 5, 6, 1),
		"state":   sum(e, "a", 6, 6, 1),
		"extra":   sum(e, "a", 5, 7, 1),
		"twice":   sum(e, "a", 5, 6, 2),
		"often":   sum(e, "a", 5, 6, 1000),
	} {
		if other, ok := seen[got]; ok {
			t.Errorf("%s: got the hash of %s", name, other)
		}
		seen[got] = name
	}
	asked := newTrace()
	for range 1000 {
		asked.add(&e, []byte("a"), 5, 6)
		asked.sum()
	}
	if asked.sum() != sum(e, "a", 5, 6, 1000) {
		t.Error("asking for the hash on the way changes it")
	}
}

// TestEventNames names every kind of event.
func TestEventNames(t *testing.T) {
	seen := make(map[string]bool)
	for k := evSyn; k <= evSecond; k++ {
		if name := k.String(); name == "" || seen[name] {
			t.Errorf("event %d: got name %q", k, name)
		}
		seen[k.String()] = true
	}
}
