package workload

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gregor-log/gregor/netsim/clock"
	"github.com/gregor-log/gregor/netsim/world"
)

// Mutation is something that a run does wrong on purpose, to prove that it is found.
type Mutation struct {
	// Name is how it is asked for, About what it does, and Found the violation that must be reported; "" where it may
	// be one of several.
	Name, About, Found string

	set func(m *mutant, plan *Plan, o *world.Options)
}

// mutant is a mutation under way in one run.
type mutant struct {
	run  *run
	done bool
	// joins adds clients to the run's own.
	joins func(*run)
}

// ErrMutation reports the name of a mutation that there is not.
var ErrMutation = errors.New("unknown mutation")

// mutations is the register.
var mutations = []Mutation{
	{Name: "M00", Found: "lost-ack",
		About: "the canary: a killed broker's disk loses the last batch that it acknowledged",
		set:   setLostAck},
	{Name: "map-order", Found: NotRepeatable,
		About: "clients are greeted in the order of a map, which is another one each time",
		set:   func(_ *mutant, _ *Plan, o *world.Options) { o.Hooks.Greet = orderOfMap }},
	{Name: "lying-sync", About: "syncs say that all went well and do nothing", set: setLyingSync},
	{Name: "twice", Found: "duplicate", About: "a produce request is served twice", set: setTwice},
	{Name: "flipped-bit", Found: "", About: "a bit of a reply is flipped now and then", set: setFlippedBit},
	{Name: "pinned", Found: "leak", About: "a reply that was sent is not given back",
		set: func(m *mutant, _ *Plan, o *world.Options) {
			o.Hooks.Release = func(*world.Node) bool {
				return m.run == nil ||
					m.run.w.Now() < clock.Time(m.run.plan.For/2)
			}
		}},
	{Name: "lost-task", Found: "stuck-producer", About: "the broker is not told that its syncs have ended",
		set: setLostTask},
	{Name: "M49", Found: "stale-commit",
		About: "a commit of an earlier generation is accepted", set: setStaleCommit},
	{Name: "unwritten-commit", Found: "lost-commit",
		About: "a commit is acknowledged before it is written", set: setUnwritten},
	{Name: "kept-member", Found: "member-kept",
		About: "a member that has crashed is kept after its session", set: setKept},
	{Name: "reused-generation", Found: "generation-reused",
		About: "a killed broker comes back with an earlier generation of a group", set: setReused},
	{Name: "assigned-twice", Found: "partition-owned-twice",
		About: "two members of a generation get the same partitions", set: setAssignedTwice},
}

// Mutations returns the register.
func Mutations() []Mutation {
	return mutations
}

// mutate makes a plan and a world wrong. It returns nil for no mutation.
func mutate(name string, plan *Plan, o *world.Options) (*mutant, error) {
	if name == "" {
		return nil, nil
	}
	var names []string
	for i := range mutations {
		if mutations[i].Name == name {
			m := new(mutant)
			mutations[i].set(m, plan, o)
			return m, nil
		}
		names = append(names, mutations[i].Name)
	}
	return nil, fmt.Errorf("%w: got %q, expected one of %s", ErrMutation, name, strings.Join(names, ", "))
}

func (m *mutant) begin(r *run) { m.run = r }

// join adds clients, if the mutation has any.
func (m *mutant) join(r *run) {
	if m != nil && m.joins != nil {
		m.joins(r)
	}
}

// orderOfMap is an order that nobody has chosen: that of a map.
func orderOfMap(n int) []int {
	numbers := make(map[int]bool, n)
	for i := range n {
		numbers[i] = true
	}
	order := make([]int, 0, n)
	for i := range numbers {
		order = append(order, i)
	}
	return order
}
