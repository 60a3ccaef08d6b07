package main

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// completionTimeout bounds how long a shell waits for names.
const completionTimeout = 300 * time.Millisecond

// completeNames offers what ask finds, without the names that are in the command line already. It says nothing when it
// fails, and waits no longer than completionTimeout.
func completeNames(
	f *clientFlags, most int, ask func(context.Context, *kadm.Client) ([]string, error),
) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		const no = cobra.ShellCompDirectiveNoFileComp
		if len(args) >= most || cli.Apply(c) != nil || f.check() != nil {
			return nil, no
		}
		client, err := kgo.NewClient(kgo.SeedBrokers(f.brokers...), kgo.ClientID("gregor"))
		if err != nil {
			return nil, no
		}
		ctx, cancel := context.WithTimeout(c.Context(), completionTimeout)
		defer cancel()
		// A broker that says nothing holds the client up even when it is closed, so nobody waits for that.
		found := make(chan []string, 1)
		go func() {
			defer client.Close()
			names, err := ask(ctx, kadm.NewClient(client))
			if err != nil {
				names = nil
			}
			found <- names
		}()
		select {
		case names := <-found:
			return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(args, name) }), no
		case <-ctx.Done():
			return nil, no
		}
	}
}

// completeTopics offers the names of topics that a command's arguments may be.
func completeTopics(f *clientFlags, most int) cobra.CompletionFunc {
	return completeNames(f, most, func(ctx context.Context, admin *kadm.Client) ([]string, error) {
		topics, err := admin.ListTopics(ctx)
		return topics.Names(), err
	})
}

// completeFlag completes the value of a flag as names; the command's arguments play no part in it.
func completeFlag(c *cobra.Command, name string, complete cobra.CompletionFunc) {
	must(c.RegisterFlagCompletionFunc(name,
		func(c *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
			return complete(c, nil, begun)
		}))
}

// must holds what only a mistake in the definition of a command breaks.
func must(err error) {
	base.Assert(err == nil, "definition of a command: %v", err)
}
