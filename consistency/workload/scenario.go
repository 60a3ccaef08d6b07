package workload

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gregor-log/gregor/netsim/world"
)

// Scenario is a named kind of run.
type Scenario struct {
	Name, About string

	// kinds are the faults to draw from (nil for all), and keep takes them all in every run. class fixes the durability
	// class.
	kinds []world.FaultKind
	keep  bool
	class string
}

// ErrScenario reports the name of a scenario that there is not.
var ErrScenario = errors.New("unknown scenario")

// scenarios are all that there are, the default first.
var scenarios = []Scenario{
	{Name: "swarm", About: "every kind of fault, each left out of half of the seeds"},
	{Name: "calm", About: "no faults; such a run is inconclusive unless it fails", kinds: []world.FaultKind{}},
	{Name: "kill", About: "processes are killed, also inside calls to the disk, or stopped in good order", keep: true,
		kinds: []world.FaultKind{world.Kill, world.KillInCall, world.Stop, world.Writeback}},
	{Name: "power", About: "the power goes, also inside calls to the disk; what was synced must be there", keep: true,
		kinds: []world.FaultKind{world.PowerLoss, world.PowerLossInCall, world.Writeback,
			world.SlowSync}, class: Fsync},
	{Name: "network", About: "connections are cut, held, reset and slow, and a process is killed now and then",
		keep: true,
		kinds: []world.FaultKind{
			world.Kill, world.Hold, world.HoldUp, world.HoldDown, world.ResetUp, world.ResetDown, world.Vanish,
			world.Stall, world.StallDown, world.Slow, world.Pause,
		}},
	{Name: "disk", About: "the disk fails to read, write and sync, or is full", keep: true, kinds: []world.FaultKind{
		world.ReadErrors, world.WriteErrors, world.SyncErrors, world.NoSpace, world.SlowSync, world.Kill,
		world.PowerLoss,
	}},
}

// Scenarios returns all scenarios, the default first.
func Scenarios() []Scenario {
	return scenarios
}

// findScenario returns the scenario of a name, "" for the default.
func findScenario(name string) (*Scenario, error) {
	var names []string
	for i := range scenarios {
		if s := &scenarios[i]; s.Name == name || name == "" {
			return s, nil
		}
		names = append(names, scenarios[i].Name)
	}
	return nil, fmt.Errorf("%w: got %q, expected one of %s", ErrScenario, name, strings.Join(names, ", "))
}
