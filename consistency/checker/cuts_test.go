package checker

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/consistency/history"
)

// fate is a history with faults. want is the finding expected by class; a class that is not named expects none.
type fate struct {
	tell func(s *story)
	want map[string]string
}

// tails are losses at the end of the log, and what may not come with them.
var tails = map[string]fate{
	"the tail goes with the power": {func(s *story) {
		s.append(1, 2, 0, "a b")
		s.append(3, 4, 2, "c")
		s.powerLoss(10)
		s.final("a b")
	}, map[string]string{"fsync": LostAck}},
	"the tail goes with the process": {func(s *story) {
		s.append(1, 2, 0, "a b")
		s.append(3, 4, 2, "c")
		s.event(history.EventKill, 10)
		s.final("a b")
	}, map[string]string{"fsync": LostAck, "page-cache": LostAck}},
	"offsets are used again": {func(s *story) {
		s.append(1, 2, 0, "a b")
		s.append(3, 4, 2, "c")
		s.fetch(5, 6, 0, 3, "a b c")
		s.powerLoss(10)
		s.append(11, 12, 2, "x y")
		s.final("a b x y")
	}, map[string]string{"fsync": InconsistentOffsets}},
	"a change below a survivor": {func(s *story) {
		s.append(1, 2, 0, "a")
		s.append(3, 4, 1, "b")
		s.append(5, 6, 2, "c")
		s.powerLoss(10)
		s.lost(11, 12, "x")
		s.final("a x c")
	}, map[string]string{"fsync": InconsistentOffsets, "page-cache": InconsistentOffsets,
		"memory": InconsistentOffsets}},
	"a change below a survivor, never seen before": {func(s *story) {
		s.append(1, 2, 0, "a")
		s.lost(3, 4, "b")
		s.append(5, 6, 2, "c")
		s.powerLoss(10)
		s.append(11, 12, 1, "x")
		s.final("a x c")
	}, map[string]string{"fsync": ReorderedAcks, "page-cache": ReorderedAcks, "memory": ReorderedAcks}},
	"a hole below a survivor": {func(s *story) {
		s.append(1, 2, 0, "a")
		s.append(3, 4, 1, "b")
		s.append(5, 6, 2, "c")
		s.powerLoss(10)
		s.final("a - c")
	}, map[string]string{"fsync": LostAck, "page-cache": OffsetGap, "memory": OffsetGap}},
}

// spans are operations under way at a loss, and what comes after it.
var spans = map[string]fate{
	"acknowledged after the loss": {func(s *story) {
		s.append(1, 2, 0, "a")
		s.powerLoss(10)
		s.append(11, 12, 1, "b")
		s.final("a")
	}, map[string]string{"fsync": LostAck, "page-cache": LostAck, "memory": LostAck}},
	"under way at the loss, kept": {func(s *story) {
		s.append(1, 2, 0, "a")
		s.append(9, 30, 1, "b")
		s.powerLoss(10)
		s.final("a b")
	}, nil},
	"under way at the loss, gone": {func(s *story) {
		s.append(1, 2, 0, "a")
		s.append(9, 30, 1, "b")
		s.powerLoss(10)
		s.append(40, 50, 1, "c")
		s.final("a c")
	}, map[string]string{"fsync": InconsistentOffsets}},
	"under way at the loss, fits nowhere": {func(s *story) {
		s.append(1, 2, 0, "a")
		s.append(9, 30, 0, "b")
		s.powerLoss(10)
		s.final("a")
	}, map[string]string{"fsync": InconsistentOffsets, "page-cache": InconsistentOffsets,
		"memory": InconsistentOffsets}},
	"a read under way at the loss shows the tail": {func(s *story) {
		s.append(1, 2, 0, "a")
		s.append(3, 4, 1, "b")
		s.fetch(9, 30, 0, 2, "a b")
		s.powerLoss(10)
		s.append(40, 50, 1, "c")
		s.final("a c")
	}, map[string]string{"fsync": InconsistentOffsets}},
	"lost and tried again": {func(s *story) {
		s.append(1, 2, 0, "a")
		as(s.append(3, 40, 1, "b"), 5, 0)
		s.fetch(5, 6, 0, 3, "a x b").Values = values("a x b")
		s.lost(3, 4, "x")
		s.powerLoss(10)
		s.final("a b")
	}, map[string]string{"fsync": Duplicate}},
	"the log goes on above the survivors": {func(s *story) {
		s.append(1, 2, 0, "a")
		s.append(3, 4, 1, "b")
		s.powerLoss(10)
		s.append(11, 12, 1, "c")
		s.powerLoss(20)
		s.append(21, 22, 2, "d")
		s.final("a c d")
	}, map[string]string{"fsync": InconsistentOffsets}},
	"nothing survives": {func(s *story) {
		s.append(1, 2, 0, "a")
		s.powerLoss(10)
		s.append(11, 12, 0, "b")
		s.final("b")
	}, map[string]string{"fsync": InconsistentOffsets}},
}

func TestTails(t *testing.T) { checkFates(t, tails) }

func TestSpans(t *testing.T) { checkFates(t, spans) }

// checkFates judges each history under each class.
func checkFates(t *testing.T, fates map[string]fate) {
	for name, row := range fates {
		for _, class := range []string{"fsync", "page-cache", "memory"} {
			s := tell(t, class)
			row.tell(s)
			r, want := s.check(Options{}), row.want[class]
			if (want == "") != (r.Verdict == OK) || (want != "" && r.FindingCounts[want] == 0) ||
				r.Verdict == HarnessFailed {
				t.Errorf("%s, %s: expected %q, got\n%s", name, class, want, r.Text())
			}
		}
	}
}

func values(text string) history.Values {
	var v history.Values
	for _, value := range strings.Fields(text) {
		v.AddString(value)
	}
	return v
}

func TestContracts(t *testing.T) {
	events := func(names ...string) []history.Event {
		var list []history.Event
		for i, name := range names {
			name, node, _ := strings.Cut(name, " ")
			e := history.Event{Time: int64(i), Name: name, Node: base.NoNode}
			if node != "" {
				fmt.Sscan(node, &e.Node)
			}
			list = append(list, e)
		}
		return list
	}
	for _, row := range []struct {
		class  string
		min    int
		events []history.Event
		want   []int64
	}{
		{"memory", 1, events("kill 1", "restart 1", "power_loss 1"), []int64{0, 2}},
		{"", 1, events("kill 1", "restart 1", "power_loss 1"), []int64{2}},
		{"page-cache", 1, events("kill 1", "power_loss 1", "fault", "power_loss"), []int64{1, 3}},
		{"fsync", 1, events("power_loss", "kill"), nil},
		{"quorum", 2, events("power_loss 1", "restart 1", "power_loss 2", "restart 2", "power_loss 3"), nil},
		{"quorum", 2, events("power_loss 1", "kill 3", "power_loss 2", "restart", "power_loss 3"), []int64{2}},
		{"quorum", 1, events("kill", "power_loss 1"), []int64{1}},
		{"quorum", 3, events("power_loss"), []int64{0}},
		{"quorum+fsync", 2, events("power_loss", "power_loss 1"), nil},
	} {
		contract, err := ContractOf(row.class, row.min)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := contract.cuts(row.events); !slices.Equal(got, row.want) {
			t.Errorf("%s with min.insync.replicas %d, %v: got cuts %v, expected %v", row.class, row.min, row.events,
				got, row.want)
		}
	}
}

// fact is a claim of the twin: in an incarnation, an offset holds the value of an append of another incarnation.
type fact struct {
	inc, offset, value, written int
}

// explains is the dumb twin of the offset sweep: it tries every length that could have survived every cut.
func explains(facts []fact, cuts, length int) bool {
	kept := make([]int, cuts)
	for {
		if explainsWith(facts, kept) {
			return true
		}
		at := 0
		for at < cuts && kept[at] == length {
			kept[at] = 0
			at++
		}
		if at == cuts {
			return false
		}
		kept[at]++
	}
}

func explainsWith(facts []fact, kept []int) bool {
	survives := func(from, to, offset int) bool {
		return !slices.ContainsFunc(kept[from:to], func(length int) bool { return length <= offset })
	}
	for _, a := range facts {
		if a.written > a.inc || !survives(a.written, a.inc, a.offset) {
			return false
		}
		for _, b := range facts {
			from, to := min(a.inc, b.inc), max(a.inc, b.inc)
			if a.offset == b.offset && a.value != b.value && survives(from, to, a.offset) {
				return false
			}
		}
	}
	return true
}

// TestOffsetsAgainstTwin draws logs through losses of power, and reads of them, some of them wrong.
func TestOffsetsAgainstTwin(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	counts := [2]int{}
	for range 4000 {
		const cuts, length = 3, 4
		s, facts, log, written := tell(t, "page-cache"), []fact(nil), []int(nil), make(map[int]int)
		for inc := range cuts + 1 {
			now := int64(100 * inc)
			for len(log) < length && rng.IntN(4) > 0 {
				value := len(written)
				written[value] = inc
				s.append(now+1, now+2, int64(len(log)), fmt.Sprint(value))
				facts = append(facts, fact{inc, len(log), value, inc})
				log = append(log, value)
			}
			for at, value := range log {
				if rng.IntN(3) == 0 {
					continue
				}
				if rng.IntN(12) == 0 {
					value = rng.IntN(len(written))
				}
				s.fetch(now+50, now+60, int64(at), length, fmt.Sprint(value))
				facts = append(facts, fact{inc, at, value, written[value]})
			}
			s.powerLoss(now + 99)
			log = log[:rng.IntN(len(log)+1)]
		}
		s.events = s.events[:2*cuts]
		want := explains(facts, cuts, length)
		r := s.check(Options{})
		if got := r.FindingCounts[InconsistentOffsets] == 0; got != want {
			t.Fatalf("%v: the twin says %v, the sweep\n%s", facts, want, r.Text())
		}
		if want {
			counts[1]++
		} else {
			counts[0]++
		}
	}
	if counts[0] < 500 || counts[1] < 500 {
		t.Errorf("%d wrong and %d right logs are too few to compare", counts[0], counts[1])
	}
}
