package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gregor-log/gregor/scripts/internal/node"
)

// broker starts a fresh broker for a job, or takes the one that runs, and returns what ends it.
func (o *options) broker(ctx context.Context, j *job) (end func() error, err error) {
	if o.against != "" {
		_, port, _ := strings.Cut(j.suite.address, ":")
		if port != "" && !strings.HasSuffix(o.against, ":"+port) {
			return nil, fmt.Errorf("got %s, expected a broker at %s, which stands in the tests", o.against,
				j.suite.address)
		}
		j.address = o.against
		return func() error { return nil }, warm(ctx, j.address)
	}
	dir := filepath.Join(j.out, "broker")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	settings := maps.Clone(common)
	maps.Copy(settings, j.broker)
	address := j.suite.address
	if address == "" {
		free, err := node.FreeAddresses(1)
		if err != nil {
			return nil, err
		}
		address = free[0]
	}
	n, err := node.NewAt(ctx, o.binary, dir, address, settings)
	if err != nil {
		return nil, err
	}
	if _, err := n.Start(); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	j.address = n.Address
	end = func() error {
		stopped := n.Stop()
		return errors.Join(stopped, n.Close(), os.RemoveAll(n.Data))
	}
	if err := warm(ctx, j.address); err != nil {
		return nil, errors.Join(err, end())
	}
	return end, nil
}

// warm waits until the broker coordinates groups: the clients of some suites ask for their coordinator again only after
// seconds. A broker without groups is as it is.
func warm(ctx context.Context, address string) error {
	_ = node.AwaitGroups(ctx, address) // the cases tell what it cannot do
	return context.Cause(ctx)
}

// programs returns what a suite needs, in order.
func (s *suite) programs() []string { return slices.Sorted(maps.Keys(s.needs)) }
