package main

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// health is what gregor cluster health found. Partitions are written as topic and number.
type health struct {
	Healthy    bool     `json:"healthy"`
	Reasons    []string `json:"reasons"`
	ClusterID  string   `json:"cluster_id"`
	Controller int32    `json:"controller"`
	Brokers    []int32  `json:"brokers"`
	Partitions int      `json:"partitions"`
	// Leaderless have no leader; Offline have replicas that do not serve; Under have fewer in-sync replicas than
	// replicas.
	Leaderless []string `json:"partitions_without_leader"`
	Offline    []string `json:"partitions_with_offline_replicas"`
	Under      []string `json:"under_replicated_partitions"`
	// Coordinator is the broker that coordinates the probe's group, -1 if none does.
	Coordinator int32 `json:"coordinator"`
}

// clusterHealth is cluster health.
type clusterHealth struct {
	client      *clientFlags
	format      *cli.Choice
	watch, wait bool
}

// clusterHealthHelp is the command's help.
const clusterHealthHelp = `
Say whether the cluster is healthy: brokers answer and know a controller, every partition has a leader, all its replicas
are online and in sync, and consumer groups have a coordinator (asking for one has a broker create the topic of
offsets). The exit code is 0 if it is and else 1.

--watch says it again whenever something changes; --exit-when-healthy waits until the cluster is healthy.
`

func newClusterHealthCommand() *cobra.Command {
	f := &clusterHealth{}
	c := &cobra.Command{
		Use:     "health",
		Short:   "Say whether the cluster is healthy, and what is wrong with it",
		Long:    strings.TrimSpace(clusterHealthHelp),
		Example: "  gregor cluster health --watch --exit-when-healthy",
		Args:    arguments(cobra.NoArgs),
		RunE:    func(c *cobra.Command, _ []string) error { return f.run(c) },
	}
	c.Flags().BoolVarP(&f.watch, "watch", "w", false, "say it again whenever something changes, until Ctrl-C")
	c.Flags().BoolVarP(&f.wait, "exit-when-healthy", "e", false, "wait until the cluster is healthy, and exit then")
	f.format = cli.AddFormat(c)
	f.client = addClientFlags(c)
	return c
}

// healthPause is the time between two looks.
const healthPause = 500 * time.Millisecond

func (f *clusterHealth) run(c *cobra.Command) error {
	client, err := f.client.client(c)
	if err != nil {
		return err
	}
	defer client.Close()
	var last *health
	for {
		found := f.ask(c.Context(), client)
		if c.Context().Err() != nil {
			if f.watch && !f.wait {
				return nil
			}
			return context.Cause(c.Context())
		}
		ends := found.Healthy && f.wait || !f.watch && !f.wait
		if f.watch && (last == nil || !reflect.DeepEqual(found, *last)) || ends && !f.watch {
			if err := f.print(c, found); err != nil {
				return err
			}
		}
		if ends {
			return cli.Exit(map[bool]int{true: cli.CodeOK, false: cli.CodeFailed}[found.Healthy])
		}
		last = &found
		select {
		case <-c.Context().Done():
		case <-time.After(healthPause):
		}
	}
}

// ask looks once.
func (f *clusterHealth) ask(ctx context.Context, client *kgo.Client) health {
	ctx, cancel := context.WithTimeout(ctx, f.client.timeout)
	defer cancel()
	h := health{
		Reasons: []string{}, Controller: -1, Brokers: []int32{}, Leaderless: []string{}, Offline: []string{},
		Under: []string{}, Coordinator: -1,
	}
	if err := f.client.reach(ctx, client); err != nil {
		h.Reasons = append(h.Reasons, err.Error())
		return h
	}
	admin := kadm.NewClient(client)
	metadata, err := admin.Metadata(ctx)
	if err != nil {
		h.Reasons = append(h.Reasons, fmt.Sprintf("no metadata: %v", err))
		return h
	}
	h.judge(metadata)
	h.coordinate(ctx, admin)
	h.Healthy = len(h.Reasons) == 0
	return h
}

// judge looks at the metadata.
func (h *health) judge(m kadm.Metadata) {
	h.ClusterID, h.Controller = m.Cluster, m.Controller
	h.Brokers = append(h.Brokers, m.Brokers.NodeIDs()...)
	slices.Sort(h.Brokers)
	for _, t := range m.Topics.Sorted() {
		for _, p := range t.Partitions.Sorted() {
			h.Partitions++
			name := fmt.Sprintf("%s %d", t.Topic, p.Partition)
			if p.Leader < 0 || !slices.Contains(h.Brokers, p.Leader) {
				h.Leaderless = append(h.Leaderless, name)
			}
			if len(p.OfflineReplicas) > 0 {
				h.Offline = append(h.Offline, name)
			}
			if len(p.ISR) < len(p.Replicas) {
				h.Under = append(h.Under, name)
			}
		}
	}
	if len(h.Brokers) == 0 {
		h.Reasons = append(h.Reasons, "no broker is registered")
	}
	if h.Controller < 0 {
		h.Reasons = append(h.Reasons, "no controller is known")
	}
	for _, kind := range []struct {
		names []string
		what  string
	}{
		{h.Leaderless, "have no leader"}, {h.Offline, "have offline replicas"}, {h.Under, "are under-replicated"},
	} {
		if n := len(kind.names); n > 0 {
			h.Reasons = append(h.Reasons, fmt.Sprintf("%d of %d partitions %s", n, h.Partitions, kind.what))
		}
	}
}

// probeGroup is the group whose coordinator is asked for. It never comes to be.
const probeGroup = "gregor-cluster-health"

// coordinatorWait is how long a cluster may take to have a coordinator: the first to be asked for makes its topic.
const coordinatorWait = 2 * time.Second

// coordinate asks for a coordinator.
func (h *health) coordinate(ctx context.Context, admin *kadm.Client) {
	ctx, cancel := context.WithTimeout(ctx, coordinatorWait)
	defer cancel()
	for {
		found := admin.FindGroupCoordinators(ctx, probeGroup)[probeGroup]
		if found.Err == nil {
			h.Coordinator = found.NodeID
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(healthPause / 10):
			if kerr.IsRetriable(found.Err) {
				continue
			}
		}
		h.Reasons = append(h.Reasons, fmt.Sprintf("consumer groups have no coordinator: %v", found.Err))
		return
	}
}

// mostNamed bounds how many partitions of a kind are named in text.
const mostNamed = 10

func (f *clusterHealth) print(c *cobra.Command, h health) error {
	if f.format.String() == cli.JSON {
		return cli.WriteJSON(c, h)
	}
	var b strings.Builder
	if h.Healthy {
		fmt.Fprintf(&b, "healthy: cluster %s, %d brokers, %d partitions, coordinator %d\n", h.ClusterID, len(h.Brokers),
			h.Partitions, h.Coordinator)
	} else {
		fmt.Fprintf(&b, "unhealthy: %s\n", strings.Join(h.Reasons, "; "))
	}
	for _, kind := range []struct {
		what  string
		names []string
	}{
		{"no leader", h.Leaderless}, {"offline replicas", h.Offline}, {"under-replicated", h.Under},
	} {
		for _, name := range kind.names[:min(len(kind.names), mostNamed)] {
			fmt.Fprintf(&b, "  %s: %s\n", kind.what, name)
		}
		if more := len(kind.names) - mostNamed; more > 0 {
			fmt.Fprintf(&b, "  %s: %d more\n", kind.what, more)
		}
	}
	_, err := fmt.Fprint(c.OutOrStdout(), b.String())
	return err
}
