package world

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gregor-log/gregor/netsim/clock"
)

func drawOptions(seed uint64) DrawOptions {
	return DrawOptions{Seed: seed, From: 100, To: clock.Time(time.Minute), Nodes: 2, Clients: 5}
}

// TestDraw draws the same schedule from the same seed, in the order of time, within its bounds, and with an entry that
// ends a process for certain.
func TestDraw(t *testing.T) {
	for seed := range uint64(300) {
		o := drawOptions(seed)
		list := Draw(o)
		if !slices.Equal(list, Draw(o)) {
			t.Fatalf("seed %d: got two schedules", seed)
		}
		if !slices.IsSortedFunc(list, func(a, b Fault) int { return int(a.At - b.At) }) || !ends(list) {
			t.Errorf("seed %d: got %v", seed, list)
		}
		for _, f := range list {
			if f.At < o.From || f.At > o.To || f.Node < 0 || f.Node > 1 || f.Client < -1 || f.Client > 4 || f.For < 0 {
				t.Errorf("seed %d: got %v", seed, f)
			}
		}
	}
}

// TestDrawKeepsStreamsApart leaves one kind out: all entries of the others stay as they were.
func TestDrawKeepsStreamsApart(t *testing.T) {
	o := drawOptions(7)
	o.Keep = true
	all := Draw(o)
	for _, without := range []FaultKind{Hold, ResetUp, SlowSync} {
		var want []Fault
		o.Kinds = nil
		for k := range faultKinds {
			if k != without {
				o.Kinds = append(o.Kinds, k)
			}
		}
		for _, f := range all {
			if f.Kind != without {
				want = append(want, f)
			}
		}
		if got := Draw(o); !slices.Equal(got, want) || len(got) == len(all) {
			t.Errorf("without %v: got %d entries, expected %d of %d", without, len(got), len(want), len(all))
		}
	}
}

// TestDrawWithoutEnds draws no end of a process where no kind of fault may do that.
func TestDrawWithoutEnds(t *testing.T) {
	o := drawOptions(1)
	o.Kinds = []FaultKind{Hold}
	for _, f := range Draw(o) {
		if f.Kind != Hold {
			t.Errorf("got %v", f)
		}
	}
	o.Kinds = []FaultKind{PowerLoss}
	if list := Draw(o); !ends(list) {
		t.Errorf("got %v, expected a loss of power", list)
	}
}

// TestFaultNames names every kind of fault, and every entry on a line.
func TestFaultNames(t *testing.T) {
	seen := make(map[string]bool)
	for k := range faultKinds {
		line := Fault{Kind: k, At: 1}.String()
		if seen[k.String()] || !strings.Contains(line, k.String()) || strings.Contains(line, "\n") {
			t.Errorf("fault %d: got %q in %q", k, k, line)
		}
		seen[k.String()] = true
	}
	if got := faultKinds.String(); got != "fault(23)" {
		t.Errorf("got %q of a kind that there is not", got)
	}
}
