//go:build linux

package matrix

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
)

// largestDrift is how much the limit may change within a round.
const largestDrift = 0.10

// mostTries is how many rounds are tried for so many that were asked for: half as many again.
func mostTries(rounds int) int { return rounds + (rounds+1)/2 }

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
	// unsteady are the rounds whose limit drifted.
	unsteady []unsteady
	// answered are the sides that have had a sample, whether or not its round was kept.
	answered map[string]bool
	// fell are the errors of sides that were given up, but for those that only refused.
	fell error
}

// unsteady is a round that was thrown away for its limit, and by which part that had changed.
type unsteady struct {
	round []taken
	limit taken
	drift float64
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
	if r.row.life == nil {
		// The first one finds cold caches and memory that the machine has never used.
		if _, err := r.limit(ctx); err != nil {
			return err
		}
	}
	before, err := r.limit(ctx)
	if err != nil {
		return err
	}
	for tries := 0; r.into.Rounds < r.Rounds && tries < mostTries(r.Rounds); tries++ {
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
	return r.fillUp()
}

// fillUp makes up for rounds that no steady limit stands beside with the least unsteady of those that there are, and
// says so: figures with a warning tell more than none.
func (r *run) fillUp() error {
	missing := r.Rounds - r.into.Rounds
	if missing <= 0 {
		return nil
	}
	steady, all := r.into.Rounds, r.into.Rounds+r.into.Dropped
	slices.SortFunc(r.unsteady, func(a, b unsteady) int { return cmp.Compare(a.drift, b.drift) })
	used := r.unsteady[:min(missing, len(r.unsteady))]
	for _, u := range used {
		r.into.Dropped--
		r.add(u.round, u.limit)
	}
	err := fmt.Errorf("%w: %d of %d rounds had a steady limit", ErrNoisy, steady, all)
	if len(used) > 0 {
		err = fmt.Errorf("%w; in the least unsteady ones, which were taken too, it changed by up to %.0f %%", err,
			100*used[len(used)-1].drift)
	}
	return err
}

// note adds to the settings what is known by now, and says of sides that did not keep up with a rate that they did not.
func (r *run) note() error {
	if p, ok := r.row.work.(pacing); ok {
		r.into.Notes = append(r.into.Notes, p.offered().notes(r.into)...)
	}
	n, ok := r.row.work.(noting)
	if !ok {
		return nil
	}
	more, err := n.notes(r.into)
	r.into.Settings = append(r.into.Settings, more...)
	return err
}

// offer is a rate that a load does not wait with: a side that is slower falls behind.
type offer struct {
	figure, unit string // the extra figure that tells the rate a side came to
	rate         float64
}

// keptUp is the part of the rate that a side comes to at least in each sample; the last answers are always a little
// late.
const keptUp = 0.99

// notes names the sides that did not keep up: their latencies grow with the window, and say nothing of another one.
func (o offer) notes(m *result.Measurement) []string {
	var all []string
	for _, s := range m.Sides {
		if len(s.Samples) == 0 {
			continue
		}
		got := slices.MinFunc(s.Samples, func(a, b result.Sample) int {
			return cmp.Compare(a.Extra[o.figure], b.Extra[o.figure])
		}).Extra[o.figure]
		if got < keptUp*o.rate {
			all = append(all, fmt.Sprintf("%s did not keep up with the rate that was offered, got %s, expected %s %s: "+
				"its latencies are those of a queue", s.Name, result.Number(got), result.Number(o.rate),
				result.UnitText(o.unit)))
		}
	}
	return all
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
			r.answered[r.Peers[i].Name] = true
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
	if !r.cannot(s, reason) {
		r.fell = errors.Join(r.fell, reason)
	}
	s.Missing, s.Samples, s.Latency = reason.Error(), []result.Sample{}, nil
	if kept := r.kept[s.Name]; kept != nil {
		delete(r.kept, s.Name)
		r.fell = errors.Join(r.fell, kept.end())
	}
}

// cannot reports whether a side's error says that it is not made for the row: an answer to the first that it was asked,
// and not what a broker says whose disk is full or broken.
func (r *run) cannot(s *result.Side, reason error) bool {
	if errors.Is(reason, ErrElsewhere) {
		return true
	}
	return errors.Is(reason, load.ErrRefused) && !errors.Is(reason, kerr.KafkaStorageError) && !r.answered[s.Name]
}

// ErrNoisy reports a machine whose raw loops change from one moment to the next.
var ErrNoisy = errors.New("noisy machine")

// keep adds a round to the measurement if its limit was steady.
func (r *run) keep(round []taken, before, after taken) {
	mean := (before.Figure + after.Figure) / 2
	change := math.Abs(after.Figure - before.Figure)
	after.Figure = mean
	if change > cmp.Or(r.Drift, largestDrift)*mean {
		r.into.Dropped++
		r.unsteady = append(r.unsteady, unsteady{round, after, change / mean})
		return
	}
	r.add(round, after)
}

// add takes the samples of a round, with that of the limit around it, into the measurement.
func (r *run) add(round []taken, limit taken) {
	r.into.Rounds++
	for i, t := range round {
		if s := r.into.Sides[i]; s.Missing == "" {
			add(s, t)
		}
	}
	if s := r.into.Side(result.Limit); s != nil {
		add(s, limit)
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
