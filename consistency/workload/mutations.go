package workload

import (
	"encoding/binary"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/netsim/clock"
	"github.com/gregor-log/gregor/netsim/world"
)

// half is the middle of a run, when mutations begin.
func half(plan *Plan) clock.Time {
	return clock.Time(plan.For / 2)
}

// setLostAck has a disk lose the last acknowledged batch of a log when its process is killed. Other losses are left
// out, and so is what may trim a log, so that nothing excuses it.
func setLostAck(m *mutant, plan *Plan, o *world.Options) {
	keepOnly(plan, o, world.Kill, world.Stop, world.Pause)
	for i := range 4 {
		at := half(plan).Add(time.Duration(i) * plan.For / 10)
		o.Faults = append(o.Faults, world.Fault{At: at, Kind: world.Kill, For: 50 * time.Millisecond})
	}
	o.Hooks.Start = func(n *world.Node) {
		if m.done || m.run.w.Now() < half(plan) {
			return
		}
		for _, t := range m.run.topics {
			for _, p := range t.Partitions {
				if !t.Doomed() && m.run.w.Ledger().LastAcked(p) && n.TruncateLast(p) {
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

// setTwice has one request of a producer that is not idempotent, and does not send again, served twice.
func setTwice(m *mutant, plan *Plan, o *world.Options) {
	plan.Resends = false
	for i := range plan.Producers {
		plan.Producers[i].Idempotent, plan.Producers[i].Acks, plan.Producers[i].Bad = false, 0, 0
	}
	o.Hooks.Frame = func(_ *world.Node, frame []byte) int {
		produces := len(frame) > 2 && binary.BigEndian.Uint16(frame) == uint16(kmsg.Produce)
		if m.done || !produces || m.run.w.Now() < half(plan) {
			return 1
		}
		m.done = true
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
