//go:build linux

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/gregor-log/gregor/scripts/internal/node"
)

const (
	topicsCreated = 10_000
	// topicsBefore are created before the clock starts, so that the code for it is compiled.
	topicsBefore = 500
)

// topicStudy measures how long it takes to create topics, so many with each request, and what they weigh.
func (b *bench) topicStudy(each int) *study {
	name := fmt.Sprintf("topics-%d", each)
	return &study{
		name: name, limit: 40 * time.Minute, seconds: 8, most: 3, fresh: true,
		rows: []*row{
			{
				name: name, unit: "s", aim: aim{ratio: 0.1},
				what: fmt.Sprintf("time to create %d topics of one partition over one connection, %d with each "+
					"request, one request after another, until the last one is served", topicsCreated, each),
			},
			{
				name: name + "-rss", unit: "MiB", aim: aim{ratio: 0.2},
				what: fmt.Sprintf("the broker's resident memory with these and %d more", topicsBefore),
			},
		},
		open: func(_ context.Context, h *host) (subject, error) { return &topics{host: h, each: each}, nil },
	}
}

// topics starts a fresh broker for each sample.
type topics struct {
	host *host
	each int
}

var _ subject = (*topics)(nil)

// warm does nothing: each broker is warmed by itself.
func (x *topics) warm(context.Context, time.Duration) error { return nil }

func (x *topics) sample(ctx context.Context) (s sample, err error) {
	r, err := x.host.start(ctx)
	if err != nil {
		return s, err
	}
	c, err := dial(ctx, r.address)
	if err != nil {
		return s, err
	}
	defer c.close()
	if err := x.create(c, "before", topicsBefore); err != nil {
		return s, err
	}
	empty, err := node.UsageOf(r.pid)
	if err != nil {
		return s, err
	}
	cpu, err := cpuOf(r.pid)
	if err != nil {
		return s, err
	}
	start := time.Now()
	if err := x.create(c, "topic", topicsCreated); err != nil {
		return s, err
	}
	told := time.Since(start)
	if err := c.awaitServed(ctx, fmt.Sprintf("topic-%d", topicsCreated-1)); err != nil {
		return s, err
	}
	took := time.Since(start)
	after, err := cpuOf(r.pid)
	if err != nil {
		return s, err
	}
	full, err := node.UsageOf(r.pid)
	s.figures = []float64{took.Seconds(), float64(full.Resident) / (1 << 20)}
	s.facts = []fact{
		{"answered_s", told.Seconds()}, {"cpu_s", after - cpu}, {"open_files", float64(full.Files)},
		{"rss_before_mib", float64(empty.Resident) / (1 << 20)},
	}
	return s, err
}

// create creates n topics, some with each request.
func (x *topics) create(c *conn, prefix string, n int) error {
	for i := 0; i < n; i += x.each {
		var names []string
		for j := i; j < min(i+x.each, n); j++ {
			names = append(names, fmt.Sprintf("%s-%d", prefix, j))
		}
		if err := c.createTopics(1, names...); err != nil {
			return err
		}
	}
	return nil
}

func (x *topics) close() error { return nil }
