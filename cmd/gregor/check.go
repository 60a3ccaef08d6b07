package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

func newCheckCommand() *cobra.Command {
	return newGroup("check", "Check whether brokers are ready, for people and for monitoring", newCheckReadyCommand())
}

// The formats of gregor check besides text and json.
const (
	nagiosFormat     = "nagios"
	prometheusFormat = "prometheus"
)

// nagiosCritical is the exit code by which Nagios and its like know a failure; theirs differ from all other commands'.
const nagiosCritical = 2

// readiness is what gregor check ready found.
type readiness struct {
	Ready      bool   `json:"ready"`
	Reason     string `json:"reason,omitempty"`
	ClusterID  string `json:"cluster_id,omitempty"`
	Controller int32  `json:"controller"`
	Brokers    int    `json:"brokers"`
	Topics     int    `json:"topics"`
	Partitions int    `json:"partitions"`
	Leaderless int    `json:"partitions_without_leader"`
	WaitedMs   int64  `json:"waited_ms"`
}

// checkReady is gregor check ready.
type checkReady struct {
	client *clientFlags
	format *cli.Choice
}

// checkReadyHelp is the command's help.
const checkReadyHelp = `
Wait until a broker answers, knows a controller and every partition has a leader, at most for --timeout. The exit code
is 0 when that is so and else 1; with --format nagios it is 2, as Nagios wants it.
`

func newCheckReadyCommand() *cobra.Command {
	f := &checkReady{}
	c := &cobra.Command{
		Use:   "ready",
		Short: "Wait until a broker serves, at most for --timeout",
		Long:  strings.TrimSpace(checkReadyHelp),
		Example: "  gregor check ready && ./load\n" +
			"  gregor check ready --timeout 1s --format prometheus > gregor.prom",
		Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c) },
	}
	f.format = cli.AddFormat(c, nagiosFormat, prometheusFormat)
	f.client = addClientFlags(c)
	return c
}

func (f *checkReady) run(c *cobra.Command) error {
	client, err := f.client.client(c)
	if err != nil {
		return err
	}
	defer client.Close()
	began := time.Now()
	found := f.wait(c.Context(), client)
	if c.Context().Err() != nil {
		return context.Cause(c.Context())
	}
	found.WaitedMs = time.Since(began).Milliseconds()
	if err := f.print(c, found); err != nil {
		return err
	}
	switch {
	case found.Ready:
		return nil
	case f.format.String() == nagiosFormat:
		return cli.Exit(nagiosCritical)
	}
	return cli.Exit(cli.CodeFailed)
}

// wait asks again and again until all is ready or the time is over. What it finds is the last answer that came in time:
// a question that the end of the time cut short says nothing of what is wrong.
func (f *checkReady) wait(ctx context.Context, client *kgo.Client) readiness {
	ctx, cancel := context.WithTimeout(ctx, f.client.timeout)
	defer cancel()
	const pause = 50 * time.Millisecond
	var found readiness
	for first := true; ; first = false {
		asked := f.ask(ctx, client)
		if first || ctx.Err() == nil {
			found = asked
		}
		if asked.Ready {
			return asked
		}
		select {
		case <-ctx.Done():
			return found
		case <-time.After(pause):
		}
	}
}

// ask asks once.
func (f *checkReady) ask(ctx context.Context, client *kgo.Client) readiness {
	found := readiness{Controller: -1}
	if err := f.client.reach(ctx, client); err != nil {
		found.Reason = err.Error()
		return found
	}
	metadata, err := kadm.NewClient(client).Metadata(ctx)
	if err != nil {
		found.Reason = err.Error()
		return found
	}
	found.ClusterID, found.Controller, found.Brokers = metadata.Cluster, metadata.Controller, len(metadata.Brokers)
	found.Topics = len(metadata.Topics)
	for _, t := range metadata.Topics {
		for _, p := range t.Partitions {
			found.Partitions++
			if p.Leader < 0 {
				found.Leaderless++
			}
		}
	}
	switch {
	case found.Brokers == 0:
		found.Reason = "no broker is registered"
	case found.Controller < 0:
		found.Reason = "no controller is known"
	case found.Leaderless > 0:
		found.Reason = fmt.Sprintf("%d of %d partitions have no leader", found.Leaderless, found.Partitions)
	}
	found.Ready = found.Reason == ""
	return found
}

func (f *checkReady) print(c *cobra.Command, r readiness) error {
	out := c.OutOrStdout()
	var err error
	switch f.format.String() {
	case cli.JSON:
		return cli.WriteJSON(c, r)
	case nagiosFormat:
		state := map[bool]string{true: "OK", false: "CRITICAL"}[r.Ready]
		_, err = fmt.Fprintf(out, "GREGOR %s - %s | brokers=%d partitions=%d leaderless=%d waited=%dms\n", state,
			strings.ReplaceAll(cmp.Or(r.Reason, "ready"), "|", "/"), r.Brokers, r.Partitions, r.Leaderless, r.WaitedMs)
	case prometheusFormat:
		_, err = fmt.Fprint(out, prometheusText(r))
	default:
		text := fmt.Sprintf("not ready after %d ms: %s", r.WaitedMs, r.Reason)
		if r.Ready {
			text = fmt.Sprintf("ready: cluster %s, %d brokers, %d partitions of %d topics", r.ClusterID, r.Brokers,
				r.Partitions, r.Topics)
		}
		_, err = fmt.Fprintln(out, text)
	}
	return err
}

// prometheusText writes the readiness in Prometheus' text format.
func prometheusText(r readiness) string {
	var b strings.Builder
	for _, m := range []struct {
		name, help string
		value      int
	}{
		{"gregor_ready", "1 if the cluster is ready to serve clients.", map[bool]int{true: 1}[r.Ready]},
		{"gregor_brokers", "Brokers that are registered.", r.Brokers},
		{"gregor_topics", "Topics, internal ones included.", r.Topics},
		{"gregor_partitions", "Partitions of all topics.", r.Partitions},
		{"gregor_partitions_without_leader", "Partitions that nobody can read or write.", r.Leaderless},
	} {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s gauge\n%s %d\n", m.name, m.help, m.name, m.name, m.value)
	}
	return b.String()
}
