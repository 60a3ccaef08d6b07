package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// topicAlter is topic alter.
type topicAlter struct {
	client        *clientFlags
	format        *cli.Choice
	partitions    int
	configs, drop []string
	dry           bool
}

func newTopicAlterCommand() *cobra.Command {
	f := &topicAlter{}
	c := &cobra.Command{
		Use:   "alter TOPIC...",
		Short: "Add partitions to topics, or set their properties",
		Example: "  gregor topic alter orders --partitions 24\n" +
			"  gregor topic alter orders --config retention.ms=3600000 --delete-config segment.bytes",
		Args: arguments(cobra.MinimumNArgs(1)),
		RunE: f.run,
	}
	c.Flags().IntVarP(&f.partitions, "partitions", "p", 0, "number of partitions to have; it can only grow")
	c.Flags().StringArrayVar(&f.configs, "config", nil, "property `name=value` to set; repeatable")
	c.Flags().StringArrayVar(&f.drop, "delete-config", nil, "`name` of a property to unset; repeatable")
	c.Flags().BoolVar(&f.dry, "dry-run", false, "have the broker check everything and alter nothing")
	f.format = cli.AddFormat(c)
	f.client = addClientFlags(c)
	c.ValidArgsFunction = completeTopics(f.client, manyNames)
	return c
}

func (f *topicAlter) run(c *cobra.Command, topics []string) error {
	topics = distinct(topics)
	alterations, err := f.alterations()
	if err != nil {
		return err
	}
	admin, ctx, end, err := f.client.admin(c)
	if err != nil {
		return err
	}
	defer end()
	outcomes := make([]outcome, len(topics))
	for i, name := range topics {
		outcomes[i].Topic = name
	}
	if len(alterations) > 0 {
		if err := f.setConfigs(ctx, admin, alterations, outcomes); err != nil {
			return err
		}
	}
	if f.partitions > 0 {
		if err := f.grow(ctx, admin, outcomes); err != nil {
			return err
		}
	}
	return printOutcomes(c, f.format, outcomes, "altered", f.dry)
}

// alterations reads the flags.
func (f *topicAlter) alterations() ([]kadm.AlterConfig, error) {
	pairs, err := parsePairs(f.configs)
	if err != nil {
		return nil, cli.Usage(err)
	}
	var out []kadm.AlterConfig
	for _, kv := range pairs {
		out = append(out, kadm.AlterConfig{Op: kadm.SetConfig, Name: kv.Name, Value: kadm.StringPtr(kv.Value)})
	}
	for _, name := range f.drop {
		out = append(out, kadm.AlterConfig{Op: kadm.DeleteConfig, Name: name})
	}
	if f.partitions < 0 {
		return nil, cli.Usagef("--partitions %d: expected at least 1", f.partitions)
	}
	if f.partitions == 0 && len(out) == 0 {
		return nil, cli.Usagef("nothing to alter: give --partitions, --config or --delete-config")
	}
	return out, nil
}

func (f *topicAlter) setConfigs(
	ctx context.Context, admin *kadm.Client, alterations []kadm.AlterConfig, outcomes []outcome,
) error {
	alter := admin.AlterTopicConfigs
	if f.dry {
		alter = admin.ValidateAlterTopicConfigs
	}
	responses, err := alter(ctx, alterations, good(outcomes)...)
	if err != nil {
		return fmt.Errorf("alter configs: %w", err)
	}
	for _, r := range responses {
		for i := range outcomes {
			if outcomes[i].Topic == r.Name {
				outcomes[i].fail(r.Err, r.ErrMessage)
			}
		}
	}
	return nil
}

// grow adds partitions to the topics that nothing has failed for.
func (f *topicAlter) grow(ctx context.Context, admin *kadm.Client, outcomes []outcome) error {
	names := good(outcomes)
	if len(names) == 0 {
		return nil
	}
	update := admin.UpdatePartitions
	if f.dry {
		update = admin.ValidateUpdatePartitions
	}
	responses, err := update(ctx, f.partitions, names...)
	if err != nil {
		return fmt.Errorf("create partitions: %w", err)
	}
	for i := range outcomes {
		if r, ok := responses[outcomes[i].Topic]; ok {
			outcomes[i].fail(r.Err, r.ErrMessage)
		}
	}
	return nil
}

// good returns the topics that nothing has failed for.
func good(outcomes []outcome) []string {
	var names []string
	for _, o := range outcomes {
		if o.Error == "" {
			names = append(names, o.Topic)
		}
	}
	return names
}
