//go:build linux

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/scripts/internal/node"
)

const (
	idleConnections = 5000
	// idleBefore are opened before memory is looked at for the first time.
	idleBefore = 200
	// idleRest is how long the connections are idle before memory is looked at again.
	idleRest = 2 * time.Second
)

// idleStudy measures what a connection weighs that asked for the versions once, as each client does, and then is idle.
func (b *bench) idleStudy() *study {
	return &study{
		name: "idle", limit: 10 * time.Minute, seconds: 4, most: 3, fresh: true,
		rows: []*row{{
			name: "idle", unit: "KiB/connection", aim: aim{atMost: 24},
			what: fmt.Sprintf("growth of the broker's resident memory by %d connections that have asked for "+
				"ApiVersions and are idle", idleConnections),
		}},
		open: func(_ context.Context, h *host) (subject, error) { return &idle{host: h}, nil },
	}
}

// idle starts a fresh broker for each sample: memory that was freed would be used again.
type idle struct{ host *host }

var _ subject = (*idle)(nil)

// warm does nothing: a fresh broker is measured.
func (x *idle) warm(context.Context, time.Duration) error { return nil }

func (x *idle) sample(ctx context.Context) (s sample, err error) {
	r, err := x.host.start(ctx)
	if err != nil {
		return s, err
	}
	before, err := x.open(ctx, r.address, idleBefore)
	defer before.close()
	if err != nil {
		return s, err
	}
	empty, err := node.UsageOf(r.pid)
	if err != nil {
		return s, err
	}
	rest, err := x.open(ctx, r.address, idleConnections)
	defer rest.close()
	if err != nil {
		return s, err
	}
	select {
	case <-ctx.Done():
		return s, ctx.Err()
	case <-time.After(idleRest):
	}
	full, err := node.UsageOf(r.pid)
	s.figures = []float64{float64(full.Resident-empty.Resident) / (1 << 10) / idleConnections}
	s.facts = []fact{{"rss_mib", float64(full.Resident) / (1 << 20)}}
	return s, err
}

type conns []*conn

func (all conns) close() {
	for _, c := range all {
		c.close()
	}
}

// open opens connections, each of which asks for the versions.
func (x *idle) open(ctx context.Context, address string, n int) (conns, error) {
	var all conns
	for range n {
		c, err := dial(ctx, address)
		if err != nil {
			return all, err
		}
		all = append(all, c)
		req := kmsg.NewPtrApiVersionsRequest()
		req.Version, req.ClientSoftwareName, req.ClientSoftwareVersion = 3, clientName, "1"
		res, err := c.ask(req)
		if err != nil {
			return all, err
		}
		if err := codeError("ApiVersions", res.(*kmsg.ApiVersionsResponse).ErrorCode); err != nil {
			return all, err
		}
	}
	return all, nil
}

func (x *idle) close() error { return nil }
