package workload

import (
	"fmt"
	"io"
	"time"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/env"
	"github.com/gregor-log/gregor/netsim/clock"
	"github.com/gregor-log/gregor/netsim/world"
)

// Options say what to do beside a plan.
type Options struct {
	// Mutation makes something wrong on purpose: see Mutations. "" for nothing.
	Mutation string
	// History is where the run's history is written, nil for none. A run with a history goes on after a violation, so
	// that the history is whole.
	History io.Writer
	// EachSecond is told the trace's hash at the end of each simulated second.
	EachSecond func(second int64, hash string, events uint64)
	// Log is told what happens.
	Log func(at clock.Time, format string, args ...any)
}

// run is one run under way.
type run struct {
	plan   *Plan
	w      *world.World
	record *recorder
	// housekeeping is a stream of chance that all clients share.
	housekeeping env.Source

	admin     *admin
	producers []*producer
	readers   []*reader
	probers   []*prober
	finals    []*reader

	log     func(at clock.Time, format string, args ...any)
	book    *book
	members []*member
	simples []*simple
	warden  *warden
	meals   []*eating

	// ready says that all topics are there; topics are those that the clients know, createdAt when each was first seen
	// to be created.
	ready     bool
	topics    []*world.Topic
	createdAt map[*world.Topic]clock.Time
	epochs    []told
	healing   bool
	// atLeave are the counts when the clients leave: what is stopped and started after that proves nothing.
	atLeave *world.Stats
}

// told is a leader epoch, since when it is known, and whether a broker has contradicted it.
type told struct {
	epoch   int32
	at      clock.Time
	doubted bool
}

// How long what must happen after healing may take, in the world's time.
const (
	drainTime = 120 * time.Second
	readTime  = 120 * time.Second
	leaveTime = 5 * time.Second
	stopTime  = 60 * time.Second
)

// Run makes a run. An error means that there was none.
func Run(plan *Plan, o Options) (*Result, error) {
	r := &run{plan: plan, createdAt: make(map[*world.Topic]clock.Time), log: o.Log}
	options := world.Options{
		Seed: plan.Seed, Nodes: []world.NodeOptions{plan.Node}, Net: plan.Net, Faults: plan.Faults,
		Lossless: plan.Class == Fsync, GoOn: o.History != nil, EachSecond: o.EachSecond, Log: o.Log,
		Event:  func(h world.Happening) { r.record.event(h) },
		Served: func(n *world.Node, c *world.Client, frame []byte) { r.book.served(n, c, frame) },
	}
	r.book = newBook(r)
	m, err := mutate(o.Mutation, plan, &options)
	if err != nil {
		return nil, err
	}
	r.record = newRecorder(plan, o.History)
	if r.w, err = world.New(options); err != nil {
		return nil, fmt.Errorf("seed %d: %w", plan.Seed, err)
	}
	if m != nil {
		m.begin(r)
	}
	r.housekeeping = r.w.Source("housekeeping")
	r.clients()
	m.join(r)
	r.phases()
	if o.Log != nil && r.w.Violation() != nil {
		r.w.Ledger().Dump()
	}
	if err := r.record.finish(r); err != nil {
		return nil, fmt.Errorf("seed %d: history: %w", plan.Seed, err)
	}
	return r.result(o.Mutation), nil
}

func (r *run) clients() {
	r.admin = newAdmin(r)
	for _, plan := range r.plan.Producers {
		p := newProducer(r, plan)
		p.wakeIn(clock.Uniform(p.rand, plan.Pause))
		r.producers = append(r.producers, p)
	}
	for _, plan := range r.plan.Readers {
		rd := newReader(r, plan, false)
		rd.wakeIn(clock.Uniform(rd.rand, plan.Pause))
		r.readers = append(r.readers, rd)
	}
	for _, plan := range r.plan.Probers {
		p := newProber(r, plan)
		p.wakeIn(clock.Uniform(p.rand, plan.Pause))
		r.probers = append(r.probers, p)
	}
	r.groupClients()
}

// phases is the run from its beginning to its end.
func (r *run) phases() {
	r.w.Run(clock.Time(r.plan.For))
	if r.over() {
		return
	}
	r.healing = true
	r.w.Heal()
	for _, p := range r.producers {
		p.finish()
	}
	for _, m := range r.members {
		m.quiet()
	}
	for _, s := range r.simples {
		s.leave()
	}
	drained := func() bool {
		for _, p := range r.producers {
			if !p.finished() {
				return false
			}
		}
		return r.ready
	}
	if !r.until(drainTime, drained) {
		r.stuck("stuck-producer", drainTime)
		return
	}
	r.settleGroups()
	if r.over() || !r.readAll() {
		return
	}
	r.leave()
}

// over reports that the run ends here.
func (r *run) over() bool {
	return r.w.Violation() != nil && !r.record.on()
}

// until runs the world until something holds, for a time at most. It reports whether it did.
func (r *run) until(d time.Duration, holds func() bool) bool {
	for end := r.w.Now().Add(d); !holds(); {
		if r.over() || r.w.Now() >= end {
			return r.over()
		}
		r.w.Run(r.w.Now().Add(50 * time.Millisecond))
	}
	return true
}

// stuck reports what has not happened in its time.
func (r *run) stuck(name string, d time.Duration) {
	if r.over() {
		return
	}
	detail := ""
	for _, p := range r.producers {
		if !p.finished() {
			detail += fmt.Sprintf("; %s has %d batches without an answer", p.client.Name(), len(p.open))
		}
	}
	for _, rd := range r.finals {
		for _, pos := range rd.positions {
			if !rd.isOver(pos) {
				detail += fmt.Sprintf("; %s is at offset %d of %v, expected %d", rd.client.Name(), pos.offset,
					pos.partition,
					pos.end)
			}
		}
	}
	r.w.Violate(name, "not done %v after all faults have ended%s", d, detail)
}

// readAll has fresh readers read every log whole.
func (r *run) readAll() bool {
	for _, rd := range r.readers {
		rd.leave()
	}
	plan := ReaderPlan{MinBytes: 1, MaxBytes: 256 << 10, PartBytes: 64 << 10, MaxWait: 100 * time.Millisecond,
		Pause: 10 * time.Millisecond}
	for _, t := range r.topics {
		rd := newReader(r, plan, true)
		for _, p := range t.Partitions {
			rd.assign(p, latest)
		}
		rd.wakeIn(0)
		r.finals = append(r.finals, rd)
	}
	done := func() bool {
		for _, rd := range r.finals {
			if !rd.finished() {
				return false
			}
		}
		return true
	}
	if !r.until(readTime, done) {
		r.stuck("stuck-reader", readTime)
		return false
	}
	return !r.over()
}

// leave has all clients leave and the brokers stop, start and stop again.
func (r *run) leave() {
	stats := r.w.Stats()
	r.atLeave = &stats
	sessions := []*session{&r.admin.session}
	for _, p := range r.producers {
		sessions = append(sessions, &p.session)
	}
	for _, rd := range r.finals {
		sessions = append(sessions, &rd.session)
	}
	for _, p := range r.probers {
		sessions = append(sessions, &p.session)
	}
	for _, m := range r.members {
		sessions = append(sessions, &m.session)
	}
	sessions = append(sessions, &r.warden.session)
	for _, s := range sessions {
		s.leave()
	}
	r.w.Run(r.w.Now().Add(leaveTime))
	for range 2 {
		for _, n := range r.w.Nodes() {
			n.Stop()
			if !r.until(stopTime, n.Stopped) {
				r.stuck("stuck-stop", stopTime)
			}
			if r.over() {
				return
			}
			n.Start()
		}
		r.w.Run(r.w.Now().Add(time.Second))
		r.audit()
		if r.over() {
			return
		}
	}
}

// nodeID is the broker that a request went to.
func (r *run) nodeID(node int) base.NodeID {
	return r.w.Nodes()[node].ID()
}
