//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gregor-log/gregor/bench/result"
)

// study is what one or several rows come from: one sample has a figure for each.
type study struct {
	name string
	rows []*row
	// most is how many pairs are taken at most, 0 for as many as were asked for; limit is how long all may take.
	most  int
	limit time.Duration
	// fresh says that each sample starts a broker of its own.
	fresh bool
	// open prepares one of the two brokers.
	open func(ctx context.Context, h *host) (subject, error)
	// seconds is how long a profile is taken.
	seconds int
}

// subject is a broker that is ready to be measured.
type subject interface {
	// warm has the broker work for about that long.
	warm(ctx context.Context, d time.Duration) error
	// sample measures once.
	sample(ctx context.Context) (sample, error)
	close() error
}

// sample is one measurement of one side.
type sample struct {
	// figures are by row.
	figures []float64
	// facts are the other figures, under the same keys each time.
	facts []fact
}

type fact struct {
	key   string
	value float64
}

func (b *bench) studies() []*study {
	return []*study{
		b.startStudy(), b.javaStudy(), b.killStudy(), b.roundStudy(), b.heartbeatStudy(), b.commitStudy(),
		b.topicStudy(1), b.topicStudy(100), b.idleStudy(),
	}
}

// take measures a study.
func (b *bench) take(ctx context.Context, s *study) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.limit,
		fmt.Errorf("the row is not measured within %v", s.limit))
	defer cancel()
	fmt.Fprintln(os.Stderr, "measuring", s.name)
	var subjects [2]subject
	hosts := [2]*host{b.gregorHost(), b.kafkaHost()}
	for i, h := range hosts {
		defer func() { err = errors.Join(err, h.stop()) }()
		if subjects[i], err = s.open(ctx, h); err != nil {
			return b.explain(ctx, s, h, err)
		}
		defer func() { err = errors.Join(err, subjects[i].close()) }()
		if err := subjects[i].warm(ctx, b.warmth(h)); err != nil {
			return b.explain(ctx, s, h, err)
		}
	}
	pairs := b.pairs
	if s.most > 0 {
		pairs = min(pairs, s.most)
	}
	for n := range pairs {
		var samples [2]sample
		for k := range 2 {
			i := (n + k) % 2 // who begins alternates
			if samples[i], err = subjects[i].sample(ctx); err != nil {
				return b.explain(ctx, s, hosts[i], err)
			}
		}
		s.note(samples)
	}
	return b.profiled(ctx, s, hosts[0], subjects[0])
}

// warmth is how long a broker works before it is measured: a moment for ours, which has nothing to compile.
func (b *bench) warmth(h *host) time.Duration {
	if h.name == kafkaName {
		return b.warm
	}
	return min(b.warm, 2*time.Second)
}

func (b *bench) explain(ctx context.Context, s *study, h *host, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = errors.Join(cause, err)
	}
	return fmt.Errorf("%s: %s: %w", s.name, h.name, err)
}

// note adds a pair to the rows.
func (s *study) note(samples [2]sample) {
	for i, r := range s.rows {
		p := result.Pair{Gregor: samples[0].figures[i], Raw: samples[1].figures[i]}
		r.pairs = append(r.pairs, p)
		fmt.Fprintf(os.Stderr, "    %-16s gregor %10.4g   kafka %10.4g   %s\n", r.name, p.Gregor, p.Raw, r.unit)
	}
	for side, x := range samples {
		for _, f := range x.facts {
			s.rows[0].addFact(sideNames[side]+"_"+f.key, f.value)
		}
	}
}

// profiled takes one more sample of gregor under the profiler, if that was asked for.
func (b *bench) profiled(ctx context.Context, s *study, h *host, x subject) error {
	if b.profile == "" {
		return nil
	}
	if err := os.MkdirAll(b.profile, 0o755); err != nil {
		return err
	}
	if s.fresh {
		if err := h.stop(); err != nil {
			return err
		}
	}
	h.profile(ctx, filepath.Join(b.profile, s.name+".pprof"), s.seconds)
	if _, err := x.sample(ctx); err != nil {
		return b.explain(ctx, s, h, err)
	}
	return h.profileTaken()
}
