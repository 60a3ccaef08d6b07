package world

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/gregor-log/gregor/core/env"
	"github.com/gregor-log/gregor/netsim/clock"
)

// DrawOptions say which schedule to draw.
type DrawOptions struct {
	Seed uint64
	// From and To are the instants between which faults begin.
	From, To clock.Time
	// Nodes and Clients are how many there are.
	Nodes, Clients int
	// Kinds are the kinds to draw from; nil means all.
	Kinds []FaultKind
	// Keep takes every kind; otherwise each is left out of half of all seeds (swarm testing: a run without some kinds
	// goes deeper into what the others do).
	Keep bool
}

// rate says how often a kind of fault comes in a minute, at least and at most, and how long it lasts.
type rate struct {
	kind          FaultKind
	least, most   int64
	short, long   time.Duration
	nLeast, nMost int64
	mLeast, mMost int64
	allClients    bool // half of them strike all clients at once
}

// rates are the kinds of faults in the order in which they are drawn.
var rates = []rate{
	{kind: Kill, least: 1, most: 20, short: time.Millisecond, long: 5 * time.Second},
	{kind: KillInCall, least: 1, most: 20, short: time.Millisecond, long: 5 * time.Second, nLeast: 1, nMost: 400,
		mMost: 1000},
	{kind: PowerLoss, least: 1, most: 15, short: 10 * time.Millisecond, long: 5 * time.Second, mMost: 1000},
	{kind: PowerLossInCall, least: 1, most: 15, short: 10 * time.Millisecond, long: 5 * time.Second, nLeast: 1,
		nMost: 400, mMost: 1000},
	{kind: Stop, least: 1, most: 10, short: time.Millisecond, long: 3 * time.Second},
	{kind: Pause, least: 1, most: 20, short: time.Millisecond, long: 10 * time.Second},
	{kind: Hold, least: 1, most: 15, short: 10 * time.Millisecond, long: 15 * time.Second, allClients: true},
	{kind: HoldUp, least: 1, most: 15, short: 10 * time.Millisecond, long: 15 * time.Second, allClients: true},
	{kind: HoldDown, least: 1, most: 15, short: 10 * time.Millisecond, long: 15 * time.Second, allClients: true},
	{kind: ResetUp, least: 2, most: 60, nMost: 2000},
	{kind: ResetDown, least: 2, most: 60, nMost: 2000},
	{kind: Vanish, least: 1, most: 20},
	{kind: Stall, least: 1, most: 30, short: 100 * time.Millisecond, long: 30 * time.Second},
	{kind: StallDown, least: 1, most: 30, short: 100 * time.Millisecond, long: 30 * time.Second},
	{kind: Slow, least: 1, most: 10, short: time.Second, long: 10 * time.Second, nLeast: 200, nMost: 1 << 20},
	{kind: ClockSet, least: 1, most: 10, nLeast: int64(time.Millisecond), nMost: int64(time.Hour)},
	{kind: ClockDrift, least: 1, most: 10, nLeast: 1, nMost: 10_000},
	{kind: SlowSync, least: 1, most: 10, short: time.Second, long: 10 * time.Second, nLeast: int64(time.Millisecond),
		nMost: int64(2 * time.Second)},
	{kind: ReadErrors, least: 1, most: 4, short: 10 * time.Millisecond, long: 2 * time.Second, mLeast: 1, mMost: 1000},
	{kind: WriteErrors, least: 1, most: 4, short: 10 * time.Millisecond, long: 2 * time.Second, mLeast: 1, mMost: 1000},
	{kind: SyncErrors, least: 1, most: 4, short: 10 * time.Millisecond, long: 2 * time.Second, mLeast: 1, mMost: 1000},
	{kind: NoSpace, least: 1, most: 4, short: 10 * time.Millisecond, long: 2 * time.Second, mLeast: 1, mMost: 1000},
	{kind: Writeback, least: 2, most: 60},
}

// Draw returns a schedule in the order of time. Each kind has a stream of chance of its own, so that leaving one out
// leaves the others as they were. If no entry is certain to end a process, one is added that is.
func Draw(o DrawOptions) []Fault {
	var list []Fault
	for i := range rates {
		r := &rates[i]
		if !o.takes(r.kind) {
			continue
		}
		s := env.NewSeeded(o.Seed, fmt.Sprintf("faults/%v", r.kind))
		if off := clock.Chance(s, 1, 2); off && !o.Keep && r.kind != Writeback {
			continue
		}
		for range r.count(s, o.To.Sub(o.From)) {
			list = append(list, r.draw(s, &o))
		}
	}
	if !ends(list) {
		list = append(list, o.drawEnd()...)
	}
	slices.SortStableFunc(list, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
	return list
}

// ends reports that some process ends for certain other than in good order, without which a run proves little: a fault
// inside a call may find no call, and the power may go while nothing runs.
func ends(list []Fault) bool {
	has := func(kind FaultKind) bool {
		return slices.ContainsFunc(list, func(f Fault) bool { return f.Kind == kind })
	}
	return has(Kill) || has(PowerLoss) && !has(Stop)
}

// drawEnd draws an entry in the middle of the run that ends a process, if there is a kind for it.
func (o *DrawOptions) drawEnd() []Fault {
	for i := range rates {
		if r := &rates[i]; (r.kind == Kill || r.kind == PowerLoss) && o.takes(r.kind) {
			f := r.draw(env.NewSeeded(o.Seed, "faults/last"), o)
			f.At = o.From.Add(o.To.Sub(o.From) / 2)
			return []Fault{f}
		}
	}
	return nil
}

// takes reports whether a kind is to be drawn.
func (o *DrawOptions) takes(kind FaultKind) bool {
	return o.Kinds == nil || slices.Contains(o.Kinds, kind)
}

// count draws how often a fault strikes in a time.
func (r *rate) count(s clock.Source, d time.Duration) int64 {
	const minute = int64(time.Minute)
	thousandths := clock.LogUniform(s, r.least*1000, r.most*1000)
	expected := thousandths * int64(d/time.Millisecond) / (minute / int64(time.Millisecond))
	n := expected / 1000
	if clock.Chance(s, expected%1000, 1000) {
		n++
	}
	return n
}

// draw draws one entry.
func (r *rate) draw(s clock.Source, o *DrawOptions) Fault {
	f := Fault{
		At: o.From.Add(clock.Uniform(s, o.To.Sub(o.From))), Kind: r.kind, Node: int(clock.Below(s, int64(o.Nodes))),
		Client: int(clock.Below(s, int64(o.Clients))),
	}
	if r.long > 0 {
		f.For = time.Duration(clock.LogUniform(s, int64(r.short), int64(r.long)))
	}
	if r.nMost > 0 {
		f.N = clock.LogUniform(s, max(r.nLeast, 1), r.nMost)
		if (r.kind == ClockSet || r.kind == ClockDrift) && clock.Chance(s, 1, 2) {
			f.N = -f.N
		}
	}
	if r.mMost > 0 {
		f.M = clock.Between(s, r.mLeast, r.mMost)
	}
	if r.allClients && clock.Chance(s, 1, 2) {
		f.Client = -1
	}
	return f
}
