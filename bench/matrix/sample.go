//go:build linux

package matrix

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
)

// take takes one sample of a side and tells of it.
func (r *run) take(ctx context.Context, p peer.Peer, loop bool) (t taken, err error) {
	if r.row.life != nil {
		t, err = r.takeLife(ctx, p, loop)
	} else {
		t, err = r.takeWork(ctx, p, loop)
	}
	if err != nil {
		return t, err
	}
	r.done++
	if r.Progress != nil {
		r.Progress(Step{r.row.Name, p.Name, r.row.Unit, t.Figure, r.done, max(r.row.Samples(r.Options), r.done)})
	}
	return t, nil
}

// takeWork takes one sample of a side, and starts it if it does not run.
func (r *run) takeWork(ctx context.Context, p peer.Peer, loop bool) (t taken, err error) {
	if err := r.settle(); err != nil {
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
	if got.Requests == 0 || !(t.Figure > 0) {
		return t, fmt.Errorf("%s: %w: got no answer in its window", p.Name, load.ErrStalled)
	}
	if r.row.Durability != "" && p.Name != result.ClientAlone && got.Requests > 0 {
		r.written = max(r.written, got.All*(got.Bytes/got.Requests))
	}
	return t, nil
}

// settle has nothing of the sample before left to do for the disk, and the memory ready for the next. The order counts:
// a host takes back within seconds what is free.
func (r *run) settle() error {
	if r.row.Durability != "" {
		unix.Sync()
	}
	_, err := prime(r.written + r.written/4)
	return err
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
		ClientCPU: u.client.Seconds(), LatencyRate: r.LatencyRate,
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
