//go:build linux

package matrix

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
)

// lifecycle is what a row does that starts, kills or weighs its sides, and that so begins before they run. It starts
// all of them itself, those that run elsewhere included.
type lifecycle interface {
	// live measures a side whose folder is prepared and that does not run yet.
	live(ctx context.Context, i *peer.Instance, over load.Window) (lived, error)
}

// bounded is a lifecycle with a raw loop beside it.
type bounded interface {
	lifecycle
	// raw runs the loop in a folder of its own.
	raw(ctx context.Context, dir string) (lived, error)
}

// lived is what a lifecycle has seen of a side.
type lived struct {
	load.Result
	figure float64
	used   usage
	// settings are what was found out about the side alone.
	settings []result.Setting
}

// slowStart is how many rounds a row takes at most in which sides are started that take seconds to.
const slowStart = 3

// bounded reports whether a raw loop bounds the row. Without one it has no limit and no rounds are taken again.
func (r *Row) bounded() bool {
	if r.life == nil {
		_, stock := r.work.(*stock)
		return !stock
	}
	_, ok := r.life.(bounded)
	return ok
}

// takeLife takes one sample of a side by starting it, or of the raw loop.
func (r *run) takeLife(ctx context.Context, p peer.Peer, loop bool) (taken, error) {
	got, err := r.lifeOf(ctx, p, loop)
	if err != nil {
		return taken{}, fmt.Errorf("%s: %w", p.Name, err)
	}
	for _, s := range got.settings {
		r.into.Set(result.Setting{Key: p.Name + "_" + s.Key, Value: s.Value})
	}
	t := taken{Sample: result.Sample{
		Figure: got.figure, Requests: got.Requests, Records: got.Records, Bytes: got.Bytes,
		Elapsed: got.Elapsed.Seconds(), ClientCPU: got.used.client.Seconds(),
	}}
	if got.used.known {
		server := got.used.server.Seconds()
		t.ServerCPU = &server
	}
	return t, nil
}

func (r *run) lifeOf(ctx context.Context, p peer.Peer, loop bool) (got lived, err error) {
	if loop {
		return r.row.life.(bounded).raw(ctx, r.Dir)
	}
	i, err := p.Make(ctx, r.Dir)
	if err != nil {
		return got, err
	}
	defer func() { err = errors.Join(err, i.End()) }()
	over := r.Window
	if over.For == 0 {
		over = load.Window{For: lifeWindow}
	}
	return r.row.life.live(ctx, i, over)
}

// lifeWindow is how long a side is left alone or driven before it is weighed.
const lifeWindow = 2 * time.Second

// birth is how a side is started: what is asked of it first, and for how long it may take to do that.
type birth struct {
	topic    string
	create   bool
	configs  map[string]string
	patience time.Duration
}

// newName returns the name of a new topic, as long as all are.
func newName() string { return fmt.Sprintf("bench-%04x", rand.N(1<<16)) }

// first starts a side and returns when it has acknowledged a record, with a connection to it and how long that took
// from before the process was there. The connection ends with the process.
func (b birth) first(ctx context.Context, i *peer.Instance) (*load.Conn, time.Duration, error) {
	const record = 100
	batch, err := load.NewRecord(record, time.Now().UnixMilli())
	if err != nil {
		return nil, 0, err
	}
	if err := i.Run(ctx); err != nil {
		return nil, 0, err
	}
	const patience = time.Minute
	c, err := load.First{
		Address: i.Address, Topic: b.topic, Create: b.create, Configs: b.configs, Batch: batch,
		Patience: cmp.Or(b.patience, patience),
	}.Run(i.WhileRuns(ctx))
	return c, time.Since(i.Began()), err
}

// wait lets time pass.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// mib is a figure in MiB.
func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }
