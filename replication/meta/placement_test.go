package meta

import (
	"reflect"
	"slices"
	"testing"

	"github.com/gregor-log/gregor/base"
)

// racksImage is an image with brokers from 1 on: one rack name each, fenced if it ends in "!".
func racksImage(t *testing.T, names ...string) *Image {
	t.Helper()
	m := NewImage()
	for i, name := range names {
		fenced := name != "" && name[len(name)-1] == '!'
		if fenced {
			name = name[:len(name)-1]
		}
		m, _ = apply(t, m, broker(base.NodeID(i+1), BrokerEpoch(i), name, fenced))
	}
	return m
}

// place is placeReplicas for what can be placed.
func place(t *testing.T, m *Image, partitions, factor int, seed uint64) [][]base.NodeID {
	t.Helper()
	placed, err := placeReplicas(m, partitions, factor, seed)
	if err != nil {
		t.Fatal(err)
	}
	for p, replicas := range placed {
		if len(replicas) != factor || repeats(sorted(nil, replicas)) || !m.Broker(replicas[0]).Active() {
			t.Fatalf("partition %d: got %v", p, replicas)
		}
	}
	return placed
}

// TestPlacement checks what is promised of placement, for many shapes of cluster and seeds.
func TestPlacement(t *testing.T) {
	tests := []struct {
		name    string
		brokers []string
		factor  int
		// evenly says that each active broker leads as often as any other.
		evenly bool
	}{
		{"one broker", []string{""}, 1, true},
		{"three without racks", []string{"", "", ""}, 3, true},
		{"five without racks", []string{"", "", "", "", ""}, 2, true},
		{"three racks of two", []string{"a", "b", "c", "a", "b", "c"}, 3, true},
		{"three racks of three", []string{"a", "b", "c", "a", "b", "c", "a", "b", "c"}, 3, true},
		{"two racks, three replicas", []string{"a", "b", "a", "b"}, 3, true},
		{"four racks, two replicas", []string{"a", "b", "c", "d"}, 2, true},
		{"unequal racks", []string{"a", "a", "a", "b", "b", "c"}, 3, false},
		{"one fenced", []string{"", "", "!", ""}, 3, true},
		{"one fenced, needed", []string{"", "", "!", ""}, 4, true},
		{"a rack fenced", []string{"a", "b!", "c", "a", "b!", "c"}, 3, false},
		{"all but one fenced", []string{"a!", "b", "c!"}, 2, true},
	}
	for _, test := range tests {
		m := racksImage(t, test.brokers...)
		racks, _, active := racksOf(m)
		partitions := 12 * active * len(racks)
		for seed := range uint64(20) {
			leads := map[base.NodeID]int{}
			for p, replicas := range place(t, m, partitions, test.factor, seed) {
				leads[replicas[0]]++
				checkSpread(t, m, test.name, p, replicas)
			}
			for id, n := range leads {
				if test.evenly && n != partitions/active {
					t.Errorf("%s, seed %d: broker %d leads %d of %d", test.name, seed, id, n, partitions)
				}
			}
			if len(leads) != active {
				t.Errorf("%s, seed %d: %d leaders of %d active brokers", test.name, seed, len(leads), active)
			}
		}
	}
}

// checkSpread checks that no rack has two replicas more than another that had a broker left, and that fenced brokers
// are used only where their rack has no other.
func checkSpread(t *testing.T, m *Image, name string, p int, replicas []base.NodeID) {
	t.Helper()
	racks, _, _ := racksOf(m)
	for _, r := range racks {
		used := func(of []base.NodeID) (n int) {
			for _, id := range of {
				if slices.Contains(replicas, id) {
					n++
				}
			}
			return n
		}
		if used(r.fenced) > 0 && used(r.unfenced) < len(r.unfenced) {
			t.Fatalf("%s, partition %d: %v uses fenced brokers of rack %q", name, p, replicas, r.name)
		}
		r.taken = used(r.fenced) + used(r.unfenced)
	}
	for _, more := range racks {
		for _, less := range racks {
			if more.taken > less.taken+1 && less.taken < len(less.fenced)+len(less.unfenced) {
				t.Fatalf("%s, partition %d: %v has %d in rack %q and %d in %q", name, p, replicas,
					more.taken, more.name, less.taken, less.name)
			}
		}
	}
}

// TestPlacementIsRepeatable places twice with a seed and compares; another seed places otherwise.
func TestPlacementIsRepeatable(t *testing.T) {
	m := racksImage(t, "a", "b", "c", "a", "b", "c")
	one, same, other := place(t, m, 50, 3, 7), place(t, m, 50, 3, 7), place(t, m, 50, 3, 8)
	if !reflect.DeepEqual(one, same) || reflect.DeepEqual(one, other) {
		t.Errorf("got %v, %v, %v", one, same, other)
	}
}

// TestHeirsAreMixed fences each broker in turn: those that would lead in its place are several.
func TestHeirsAreMixed(t *testing.T) {
	placed := place(t, racksImage(t, "", "", "", "", "", ""), 360, 3, 1)
	heirs := map[base.NodeID]map[base.NodeID]int{}
	for _, replicas := range placed {
		if heirs[replicas[0]] == nil {
			heirs[replicas[0]] = map[base.NodeID]int{}
		}
		heirs[replicas[0]][replicas[1]]++
	}
	for leader, of := range heirs {
		for heir, n := range of {
			if n > 30 || len(of) < 5 {
				t.Errorf("broker %d would take %d of the %d partitions of broker %d", heir, n, 60, leader)
			}
		}
	}
}

// TestCordonedBrokersAreLeftOut cordons directories of a broker, one and then both.
func TestCordonedBrokersAreLeftOut(t *testing.T) {
	m := racksImage(t, "", "")
	dirs := []base.UUID{id(1), id(2)}
	cordon := func(cordoned []base.UUID) *Image {
		next, _ := apply(t, m, &BrokerRegistrationChangeRecord{
			BrokerID: 2, BrokerEpoch: 1, LogDirs: dirs, CordonedLogDirs: cordoned,
		})
		return next
	}
	if _, err := placeReplicas(cordon(dirs[:1]), 1, 2, 0); err != nil {
		t.Error(err)
	}
	if placed, err := placeReplicas(cordon(dirs), 1, 2, 0); err == nil {
		t.Errorf("got %v", placed)
	}
	for _, replicas := range place(t, cordon(dirs), 10, 1, 0) {
		if replicas[0] != 1 {
			t.Errorf("got %v", replicas)
		}
	}
}
