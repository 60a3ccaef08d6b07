package workload

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/netsim/clock"
	"github.com/gregor-log/gregor/netsim/world"
)

// half is the middle of a run, when mutations begin.
func half(plan *Plan) clock.Time {
	return clock.Time(plan.For / 2)
}

// setLostAck has a disk lose the last acknowledged batch of a log when its process is killed, which it is again and
// again until there is one. Other losses are left out, and so is what may trim a log, so that nothing excuses it.
func setLostAck(m *mutant, plan *Plan, o *world.Options) {
	keepOnly(plan, o, world.Kill, world.Stop, world.Pause)
	for i := range 10 {
		at := half(plan).Add(time.Duration(i) * plan.For / 20)
		o.Faults = append(o.Faults, world.Fault{At: at, Kind: world.Kill, For: 50 * time.Millisecond})
	}
	o.Hooks.Start = func(n *world.Node) {
		if m.done || m.run.w.Now() < half(plan) {
			return
		}
		for _, t := range m.run.topics {
			for _, p := range t.Partitions {
				if !t.Doomed() && n.CutAcked(p) {
					m.done = true
					return
				}
			}
		}
	}
}

// setLyingSync has no sync do anything, and the power go.
func setLyingSync(_ *mutant, plan *Plan, o *world.Options) {
	plan.setClass(Fsync)
	o.Lossless, o.Nodes[0] = true, plan.Node
	keepOnly(plan, o, world.PowerLoss)
	for i := range 3 {
		at := half(plan).Add(time.Duration(i) * plan.For / 10)
		o.Faults = append(o.Faults, world.Fault{At: at, Kind: world.PowerLoss, For: 50 * time.Millisecond})
	}
	o.Hooks.Sync = func(*world.Node) bool { return false }
}

// keepOnly leaves all faults out but those of some kinds.
func keepOnly(plan *Plan, o *world.Options, kinds ...world.FaultKind) {
	o.Faults = nil
	for _, f := range plan.Faults {
		for _, kind := range kinds {
			if f.Kind == kind {
				o.Faults = append(o.Faults, f)
			}
		}
	}
	for i := range plan.Topics {
		plan.Topics[i].unexpire()
	}
	for i := range plan.Probers {
		plan.Probers[i].Trims = false
	}
	plan.Trims = false
}

// setTwice has the requests of a producer served twice that wants no answers and sends nothing again.
func setTwice(m *mutant, plan *Plan, o *world.Options) {
	plan.Resends = false
	careless := ProducerPlan{InFlight: 1, Pause: 20 * time.Millisecond, Open: 1, Records: 3, ValueSize: 20}
	plan.Producers = append(plan.Producers, careless)
	name := fmt.Sprintf("c%d", len(plan.Producers)) // the admin is c0, and producers come next
	o.Hooks.Frame = func(_ *world.Node, frame []byte) int {
		const offClient = 10 // key, version, correlation id, length of the client id
		mine := binary.BigEndian.Uint16(frame) == uint16(kmsg.Produce) && bytes.HasPrefix(frame[offClient:],
			[]byte(name)) &&
			int(binary.BigEndian.Uint16(frame[offClient-2:])) == len(name)
		if !mine || m.run.w.Now() < half(plan) {
			return 1
		}
		return 2
	}
}

// setFlippedBit flips a bit of what a broker sends, once in a while.
func setFlippedBit(m *mutant, plan *Plan, o *world.Options) {
	count := 0
	o.Hooks.Reply = func(_ *world.Node, p []byte) {
		if m.run.w.Now() < half(plan) {
			return
		}
		if count++; count%10 == 0 {
			p[len(p)-1] ^= 0x40
		}
	}
}

// setLostTask keeps the ends of tasks from the broker.
func setLostTask(m *mutant, plan *Plan, o *world.Options) {
	plan.setClass(Fsync)
	o.Lossless, o.Nodes[0] = true, plan.Node
	o.Hooks.TaskDone = func(*world.Node) bool { return m.run.w.Now() < half(plan) }
}
