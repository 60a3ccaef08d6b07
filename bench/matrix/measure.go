//go:build linux

package matrix

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
)

// Options say how to measure.
type Options struct {
	// Dir is a folder on the disk to measure; what is made in it is removed again.
	Dir string
	// Rounds is how many rounds a row takes; one with long samples may take fewer (Row.MostRounds).
	Rounds int
	// Peers are measured in each round; the first is gregor.
	Peers []peer.Peer
	// Loop returns a peer that is a raw loop: the program of it, and its arguments behind its address.
	Loop func(arguments func(dir string) ([]string, error)) peer.Peer
	// Profiled, which may be nil, returns gregor with its profiles on an address: each row has one more sample of it.
	Profiled func(admin string) peer.Peer
	// Memory is gregor with its records in memory, for the rows that compare with that.
	Memory peer.Peer
	// ColdBytes is the size of the log that is read from the disk, as far as there is room for it; 0 is 4 GiB.
	ColdBytes int64
	// Uncache has the kernel forget what it holds of the files on Dir's disk; nil is the way of this machine.
	Uncache func(dir string) error
	// Tools are what rows of stock clients need.
	Tools Tools
	// Window is how long a sample is, a row's own length if it is zero.
	Window load.Window
	// Progress, which may be nil, is told of each sample.
	Progress func(Step)
}

// Step is one sample that was taken.
type Step struct {
	Row, Side string
	Unit      string
	Figure    float64
	// Done of Total samples are there; rounds that are taken again count once more.
	Done, Total int
}

// largestDrift is how much the limit may change within a round.
const largestDrift = 0.10

// mostTries is how many times as many rounds as were asked for are tried.
const mostTries = 3

// Measure measures a row. A row that cannot be measured has its reason in the measurement; the error is for what
// concerns the whole run.
func Measure(ctx context.Context, row *Row, o Options) (*result.Measurement, error) {
	m := &result.Measurement{
		Row: row.Name, What: row.What, Unit: row.Unit, Durability: row.Durability,
		Settings: slices.Clone(row.Settings), Aims: row.Aims,
	}
	if row.MostRounds > 0 {
		o.Rounds = min(o.Rounds, row.MostRounds)
	}
	if w, ok := row.work.(adapting); ok {
		found, err := w.adapt(&o)
		m.Settings = slices.Concat(m.Settings, found)
		if err != nil {
			m.Failure = err.Error()
			return m, nil
		}
	}
	add := func(name string) { m.Sides = append(m.Sides, &result.Side{Name: name, Samples: []result.Sample{}}) }
	for _, p := range o.Peers {
		add(p.Name)
	}
	r := &run{Options: o, row: row, into: m, kept: make(map[string]*side)}
	if row.bounded() {
		add(result.Limit)
		r.loop = o.Loop(row.work.loop)
	}
	if row.discard() != nil {
		add(result.ClientAlone)
	}
	row.use(o.Tools)
	before := result.ReadCPU()
	err := row.Lacks(o.Tools)
	if err == nil {
		err = errors.Join(r.rounds(ctx), r.fell)
	}
	if err == nil {
		err = r.profile(ctx)
	}
	err = errors.Join(err, r.end(), r.note())
	m.StealPercent = result.ReadCPU().StealSince(before)
	if err != nil {
		m.Failure = err.Error()
	}
	if ctx.Err() != nil {
		return m, context.Cause(ctx)
	}
	return m, nil
}

// run is one row being measured.
type run struct {
	Options
	row  *Row
	into *result.Measurement
	loop peer.Peer
	// kept are the sides that run on from sample to sample.
	kept map[string]*side
	done int
	// written is the most bytes that a sample has written.
	written int64
	// fell are the errors of sides that were given up, but for those that only refused.
	fell error
}

// side is one that runs and is ready.
type side struct {
	instance *peer.Instance
	subject  subject
}

// taken is a sample with its latencies.
type taken struct {
	result.Sample
	latency *hdrhistogram.Histogram
}

func (r *run) rounds(ctx context.Context) error {
	if err := r.clientAlone(ctx); err != nil {
		return err
	}
	// The first one finds cold caches and memory that the machine has never used.
	if _, err := r.limit(ctx); err != nil {
		return err
	}
	before, err := r.limit(ctx)
	if err != nil {
		return err
	}
	for tries := 0; r.into.Rounds < r.Rounds && tries < mostTries*r.Rounds; tries++ {
		round, err := r.peers(ctx, tries)
		if err != nil {
			return err
		}
		after, err := r.limit(ctx)
		if err != nil {
			return err
		}
		r.keep(round, before, after)
		before = after
	}
	if r.into.Rounds < r.Rounds {
		return fmt.Errorf("%w: %d of %d rounds had a steady limit", ErrNoisy, r.into.Rounds,
			r.into.Rounds+r.into.Dropped)
	}
	return nil
}

// note adds to the settings what is known by now.
func (r *run) note() error {
	n, ok := r.row.work.(noting)
	if !ok {
		return nil
	}
	more, err := n.notes(r.into)
	r.into.Settings = append(r.into.Settings, more...)
	return err
}

// limit takes the figure of the raw loop; it is nothing for a row that has none.
func (r *run) limit(ctx context.Context) (taken, error) {
	if !r.row.bounded() {
		return taken{}, nil
	}
	return r.take(ctx, r.loop, true)
}

// peers takes a sample of each peer that has not been given up.
func (r *run) peers(ctx context.Context, turn int) ([]taken, error) {
	round := make([]taken, len(r.Peers))
	for k := range r.Peers {
		i := (turn + k) % len(r.Peers) // who begins moves on
		if r.into.Sides[i].Missing != "" {
			continue
		}
		var err error
		if round[i], err = r.take(ctx, r.Peers[i], false); err == nil {
			continue
		}
		if i == 0 || ctx.Err() != nil { // without the first there is nothing to compare
			return nil, err
		}
		r.giveUp(i, err)
	}
	return round, nil
}

// giveUp leaves a peer out of the row, with the reason. One that refuses what the row asks for cannot do it, and is no
// failure of the row; whatever else happened to it is.
func (r *run) giveUp(i int, reason error) {
	s := r.into.Sides[i]
	s.Missing, s.Samples, s.Latency = reason.Error(), []result.Sample{}, nil
	if !errors.Is(reason, load.ErrRefused) {
		r.fell = errors.Join(r.fell, reason)
	}
}

// ErrNoisy reports a machine whose raw loops change from one moment to the next.
var ErrNoisy = errors.New("noisy machine")

// keep adds a round to the measurement if its limit was steady.
func (r *run) keep(round []taken, before, after taken) {
	mean := (before.Figure + after.Figure) / 2
	if math.Abs(after.Figure-before.Figure) > largestDrift*mean {
		r.into.Dropped++
		return
	}
	r.into.Rounds++
	for i, t := range round {
		if s := r.into.Sides[i]; s.Missing == "" {
			add(s, t)
		}
	}
	if s := r.into.Side(result.Limit); s != nil {
		after.Figure = mean
		add(s, after)
	}
}

func add(s *result.Side, t taken) {
	s.Samples = append(s.Samples, t.Sample)
	switch {
	case s.Latency == nil:
		s.Latency = t.latency
	case t.latency != nil:
		s.Latency.Merge(t.latency)
	}
}

// clientAlone measures the load generator against a server that drops what it gets.
func (r *run) clientAlone(ctx context.Context) error {
	arguments := r.row.discard()
	if arguments == nil {
		return nil
	}
	discard := r.Loop(func(string) ([]string, error) { return arguments, nil })
	discard.Name = result.ClientAlone
	t, err := r.take(ctx, discard, true)
	if err != nil {
		return err
	}
	add(r.into.Side(result.ClientAlone), t)
	return nil
}

// take takes one sample of a side, and starts it if it does not run.
func (r *run) take(ctx context.Context, p peer.Peer, loop bool) (t taken, err error) {
	if err := prime(ctx, r.Dir, r.written+r.written/4); err != nil {
		return t, err
	}
	s := r.kept[p.Name]
	if s == nil {
		if s, err = r.open(ctx, p, loop); err != nil {
			return t, fmt.Errorf("%s: %w", p.Name, err)
		}
		if r.row.work.fresh() {
			defer func() { err = errors.Join(err, s.end()) }()
		} else {
			r.kept[p.Name] = s
		}
	}
	var used usage
	over := r.Window
	if over.For == 0 {
		over = r.row.work.window()
	}
	over.During = used.during(s.instance)
	got, err := s.subject.sample(ctx, over)
	if err != nil {
		return t, fmt.Errorf("%s: %w", p.Name, err)
	}
	if got.ClientCPU > 0 {
		used.client = got.ClientCPU // of a process of its own
	}
	t = taken{sampleOf(&got, &used), got.Latency}
	if tells, ok := s.subject.(telling); ok {
		t.Extra = tells.extra()
	}
	t.Figure = r.row.work.figure(&got)
	if r.row.Durability != "" && got.Requests > 0 {
		r.written = max(r.written, got.All*(got.Bytes/got.Requests))
	}
	r.done++
	if r.Progress != nil {
		total := r.Rounds * len(r.Peers)
		if r.row.bounded() {
			total += 3 + r.Rounds
		}
		r.Progress(Step{r.row.Name, p.Name, r.row.Unit, t.Figure, r.done, max(total, r.done)})
	}
	return t, nil
}

func (r *run) open(ctx context.Context, p peer.Peer, loop bool) (*side, error) {
	i, err := p.Start(ctx, r.Dir)
	if err != nil {
		return nil, err
	}
	subject, err := r.row.work.open(ctx, i, loop)
	if err != nil {
		return nil, errors.Join(err, i.End())
	}
	return &side{i, subject}, nil
}

func (s *side) end() error { return errors.Join(s.subject.close(), s.instance.End()) }

// end ends the sides that were kept.
func (r *run) end() error {
	var err error
	for _, s := range r.kept {
		err = errors.Join(err, s.end())
	}
	return err
}

// usage is the processor time of a window.
type usage struct {
	client, server time.Duration
	known          bool // the server's
}

// during returns a window's hook that reads the processor time at both its ends.
func (u *usage) during(i *peer.Instance) func() func() {
	return func() func() {
		server, known := i.CPU()
		client, _ := result.CPUOf(0) // this process has one
		return func() {
			after, still := i.CPU()
			now, _ := result.CPUOf(0)
			u.client, u.server, u.known = now-client, after-server, known && still
		}
	}
}

func sampleOf(r *load.Result, u *usage) result.Sample {
	s := result.Sample{
		Requests: r.Requests, Records: r.Records, Bytes: r.Bytes, Elapsed: r.Elapsed.Seconds(),
		ClientCPU: u.client.Seconds(),
	}
	microseconds := func(quantile float64) float64 { return float64(r.Latency.ValueAtQuantile(quantile)) / 1e3 }
	switch {
	case r.Stated != nil:
		s.P50, s.P99, s.P999 = r.Stated.P50, r.Stated.P99, r.Stated.P999
	case r.Latency != nil:
		s.P50, s.P99, s.P999 = microseconds(50), microseconds(99), microseconds(99.9)
	}
	if u.known {
		server := u.server.Seconds()
		s.ServerCPU = &server
	}
	return s
}
