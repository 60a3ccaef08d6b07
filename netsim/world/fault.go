package world

import (
	"fmt"
	"time"

	"github.com/gregor-log/gregor/netsim/clock"
	"github.com/gregor-log/gregor/netsim/disk"
)

// FaultKind is one way in which the world goes wrong.
type FaultKind uint8

// The kinds of faults. N and M are the fields of Fault.
const (
	// Kill ends a process, once one runs; it is started again after For.
	Kill FaultKind = iota
	// KillInCall ends it inside its N-th call to the disk that changes something, M thousandths into a write.
	KillInCall
	// PowerLoss ends a machine; M thousandths of what was not synced survive. It comes back after For.
	PowerLoss
	// PowerLossInCall does so inside the N-th changing call.
	PowerLossInCall
	// Stop ends a process in good order; it is started again after For.
	Stop
	// Pause stops a process for For; its kernel goes on, and so do its clocks.
	Pause
	// Hold lets nothing pass between a client (all clients if Client is -1) and a node for For: HoldUp only towards the
	// node, HoldDown only towards the client.
	Hold
	HoldUp
	HoldDown
	// ResetUp breaks a client's connection after N more bytes towards the node, ResetDown towards the client.
	ResetUp
	ResetDown
	// Vanish has a client's machine forget its connections without a word.
	Vanish
	// Stall holds up by For what is on its way to the node on a client's connection, StallDown what comes from it.
	Stall
	StallDown
	// Slow limits what comes from the node to a client to N bytes a second for For.
	Slow
	// ClockSet moves a node's wall clock by N nanoseconds, ClockDrift has it run N millionths too fast from then on.
	ClockSet
	ClockDrift
	// SlowSync has a node's syncs take N nanoseconds on average for For.
	SlowSync
	// ReadErrors, WriteErrors, SyncErrors and NoSpace have calls to a node's disk fail, M in a thousand, for For. If
	// any did, the process is then killed and started again, as an operator would.
	ReadErrors
	WriteErrors
	SyncErrors
	NoSpace
	// Writeback is no fault: a node's kernel makes durable what is dirty.
	Writeback
	faultKinds
)

var faultNames = [faultKinds]string{
	"kill", "kill_in_call", "power_loss", "power_loss_in_call", "stop", "pause", "hold", "hold_up", "hold_down",
	"reset_up", "reset_down", "vanish", "stall", "stall_down", "slow", "clock_set", "clock_drift", "slow_sync",
	"read_errors", "write_errors", "sync_errors", "no_space", "writeback",
}

// String returns the kind's name.
func (k FaultKind) String() string {
	if k >= faultKinds {
		return fmt.Sprintf("fault(%d)", uint8(k))
	}
	return faultNames[k]
}

// Fault is one entry of a schedule.
type Fault struct {
	At   clock.Time
	Kind FaultKind
	// Node and Client count from 0; Client is -1 for all.
	Node, Client int
	For          time.Duration
	N, M         int64
}

// String returns the entry as one line.
func (f Fault) String() string {
	return fmt.Sprintf("%12.6fs %-18s node %d client %2d for %v n %d m %d", time.Duration(f.At).Seconds(), f.Kind,
		f.Node, f.Client, f.For, f.N, f.M)
}

// activeFault is an entry and what has become of it.
type activeFault struct {
	Fault
	// armed says that the fault waits to strike inside a call; began that it holds until its end.
	armed, began bool
	injected     int
}

func (f *activeFault) node(w *World) *Node {
	return w.nodes[f.Node]
}

// land counts a fault that has had an effect.
func (w *World) land(kind string) {
	w.landed[kind]++
}

// Landed returns how often each kind of fault has had an effect, by its name.
func (w *World) Landed() map[string]int {
	return w.landed
}

// doFault begins or ends an entry of the schedule.
func (w *World) doFault(e *event) {
	f := w.faults[e.id]
	if w.healed || e.kind == evFaultEnd && !f.began {
		return
	}
	w.count(e, nil, f.node(w), uint64(f.Kind))
	if f.Kind == Kill && f.node(w).state != stateUp && f.node(w).state != stateStopping {
		w.plan(w.now.Add(killAgain), evFault, e.id, 0)
		return
	}
	if e.kind == evFaultEnd {
		w.endFault(f)
		return
	}
	w.logf("fault: %s", f.Fault)
	f.begin(w)
	if f.began {
		w.plan(w.now.Add(f.For), evFaultEnd, e.id, 0)
	}
}

// killAgain is how often a process is looked for that is to be killed.
const killAgain = 50 * time.Millisecond

// begin does what the entry says.
func (f *activeFault) begin(w *World) {
	n := f.node(w)
	switch f.Kind {
	case Kill:
		f.strike(n)
	case PowerLoss:
		if n.state != stateDark {
			f.strike(n)
		}
	case KillInCall, PowerLossInCall:
		if n.state != stateDark {
			f.armed = true
			n.disk.CutAfter(int(f.N), int(f.M))
		}
	case Stop:
		if n.state == stateUp && !n.paused {
			w.land(f.Kind.String())
			w.happen(n.opts.ID, f.Kind.String(), "")
			n.restart = w.now.Add(f.For)
			n.stop()
		}
	case Pause:
		if n.state == stateUp && !n.paused {
			w.land(f.Kind.String())
			n.paused = true
			w.plan(w.now.Add(f.For), evResume, n.index, n.life)
		}
	case ClockSet:
		w.land(f.Kind.String())
		n.clock.Set(w.now, time.Duration(f.N))
	case ClockDrift:
		w.land(f.Kind.String())
		n.clock.Drift(w.now, f.N)
	case Writeback:
		n.disk.Writeback()
	case SlowSync, ReadErrors, WriteErrors, SyncErrors, NoSpace:
		f.beginDisk(n)
	default:
		f.beginNet(w)
	}
}

// strike ends a process or a machine, and plans its return.
func (f *activeFault) strike(n *Node) {
	w := n.w
	f.armed = false
	w.land(f.Kind.String())
	if f.Kind == Kill || f.Kind == KillInCall {
		n.kill()
		w.plan(w.now.Add(f.For), evStart, n.index, n.life)
		return
	}
	n.powerLoss(int(f.M))
	f.began = true
	if f.Kind == PowerLossInCall {
		for i := range w.faults {
			if w.faults[i] == f {
				w.plan(w.now.Add(f.For), evFaultEnd, int32(i), 0)
			}
		}
	}
}

// spells are the disk's names for the faults that are spells of it.
var spells = map[FaultKind]disk.Kind{
	ReadErrors: disk.ReadErrors, WriteErrors: disk.WriteErrors, SyncErrors: disk.SyncErrors, NoSpace: disk.NoSpace,
}

func (f *activeFault) beginDisk(n *Node) {
	f.began = true
	if f.Kind == SlowSync {
		n.w.land(f.Kind.String())
		n.opts.SyncMean += time.Duration(f.N)
		return
	}
	f.injected = n.disk.Injected()
	n.disk.Spell(spells[f.Kind], int(f.M))
}

// endFault ends what has lasted for a while.
func (w *World) endFault(f *activeFault) {
	n := f.node(w)
	f.began = false
	switch f.Kind {
	case PowerLoss, PowerLossInCall:
		n.powerOn()
		w.plan(w.now.Add(clock.Exponential(n.rand, restartDelay)), evStart, n.index, n.life)
	case SlowSync:
		n.opts.SyncMean -= time.Duration(f.N)
	case ReadErrors, WriteErrors, SyncErrors, NoSpace:
		n.disk.Calm(spells[f.Kind])
		if n.disk.Injected() == 0 || n.state == stateDark {
			return
		}
		w.land(f.Kind.String())
		if n.state != stateDown {
			n.kill()
			w.plan(w.now.Add(clock.Exponential(n.rand, restartDelay)), evStart, n.index, n.life)
		}
	default:
		f.endNet(w)
	}
}
