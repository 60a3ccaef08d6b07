//go:build linux

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/gregor-log/gregor/bench/result"
)

// roundsPerSample is how many rebalances make one figure.
const roundsPerSample = 100

// roundStudy measures the coordinator's part of a rebalance alone: its members do nothing but send and read bytes.
func (b *bench) roundStudy() *study {
	return &study{
		name: "rebalance-round", limit: 10 * time.Minute, seconds: 3,
		rows: []*row{{
			name: "rebalance-round", unit: "ms", aim: aim{ratio: 0.33},
			what: fmt.Sprintf("%d members, already known, join at once and sync with an assignment of %d partitions: "+
				"the median of %d such rounds, from the first JoinGroup until the last SyncGroup is answered",
				consumers, partitions, roundsPerSample),
		}},
		open: openRounds,
	}
}

// rounds has one group form one generation after another.
type rounds struct {
	host    *host
	members []*member
}

var _ subject = (*rounds)(nil)

func openRounds(ctx context.Context, h *host) (subject, error) {
	r, err := h.start(ctx)
	if err != nil {
		return nil, err
	}
	x := &rounds{host: h}
	if x.members, err = joinGroup(ctx, r.address, "rounds", consumers); err != nil {
		closeAll(x.members)
		return nil, err
	}
	for _, m := range x.members {
		m.share = partitions / consumers
	}
	return x, nil
}

func (x *rounds) warm(_ context.Context, d time.Duration) error {
	for end := time.Now().Add(d); time.Now().Before(end); {
		if err := x.round(); err != nil {
			return err
		}
	}
	return nil
}

// round has all members join anew: the leader first, since a follower's JoinGroup alone begins no rebalance, and the
// others once it has begun.
func (x *rounds) round() error {
	for i, m := range x.members {
		if m.leader {
			x.members[0], x.members[i] = m, x.members[0]
		}
	}
	leader, others := x.members[0], x.members[1:]
	if err := leader.send(leader.joinRequest()); err != nil {
		return err
	}
	if err := others[0].awaitRebalance(); err != nil {
		return err
	}
	for _, m := range others {
		if err := m.send(m.joinRequest()); err != nil {
			return err
		}
	}
	return agreed(x.members)
}

func (x *rounds) sample(context.Context) (s sample, err error) {
	before, err := cpuOf(x.host.now.pid)
	if err != nil {
		return s, err
	}
	var took []float64
	for range roundsPerSample {
		start := time.Now()
		if err := x.round(); err != nil {
			return s, err
		}
		took = append(took, ms(time.Since(start)))
	}
	after, err := cpuOf(x.host.now.pid)
	s.figures = []float64{result.Median(took)}
	s.facts = []fact{{"cpu_ms_per_round", 1e3 * (after - before) / roundsPerSample}}
	return s, err
}

func (x *rounds) close() error {
	closeAll(x.members)
	return nil
}
