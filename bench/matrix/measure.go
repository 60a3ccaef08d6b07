//go:build linux

package matrix

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
	// Tools are what rows of stock clients need.
	Tools Tools
	// Drift is how much a row's limit may change within a round, as a part of it; 0 is a tenth.
	Drift float64
	// Window is how long a sample is, a row's own length if it is zero.
	Window load.Window
	// LogBytes is how much a row writes that fills a log before it measures, the row's own amount if it is zero.
	LogBytes int64
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

// Samples returns how many samples the row takes, as far as that is known before it begins: without the rounds that are
// taken again, or the sides that it finds on the machine.
func (r *Row) Samples(o Options) int {
	rounds, sides := o.Rounds, 0
	if r.MostRounds > 0 {
		rounds = min(rounds, r.MostRounds)
	}
	for _, p := range o.Peers {
		if r.life == nil || p.Command != nil {
			sides++
		}
	}
	n := rounds * sides
	if r.bounded() {
		n += 1 + rounds
		if r.life == nil {
			n++ // see rounds
		}
	}
	if r.discard() != nil {
		n++
	}
	return n
}

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
	found, err := row.adapt(&o)
	m.Settings = slices.Concat(m.Settings, found)
	if err != nil {
		m.Failure = err.Error()
		return m, nil
	}
	add := func(name string) *result.Side {
		m.Sides = append(m.Sides, &result.Side{Name: name, Samples: []result.Sample{}})
		return m.Sides[len(m.Sides)-1]
	}
	for _, p := range o.Peers {
		if s := add(p.Name); row.life != nil && p.Command == nil {
			s.Missing = fmt.Sprintf("needs --peer-command %s=PROGRAM", p.Name)
		}
	}
	r := &run{Options: o, row: row, into: m, kept: make(map[string]*side), answered: make(map[string]bool),
		loop: peer.Peer{Name: result.Limit}}
	if row.bounded() {
		add(result.Limit)
	}
	if row.life == nil && row.bounded() {
		r.loop = o.Loop(row.work.loop)
	}
	if row.discard() != nil {
		add(result.ClientAlone)
	}
	before := result.ReadCPU()
	if err = row.Lacks(o.Tools); err == nil {
		err = r.rounds(ctx)
		err = errors.Join(err, r.fell)
	}
	// What is noisy, or without one of its peers, is profiled too.
	if s := m.Side(result.Gregor); s != nil && len(s.Samples) > 0 && ctx.Err() == nil {
		err = errors.Join(err, r.profile(ctx))
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
