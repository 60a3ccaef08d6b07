package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// topicCreate is topic create.
type topicCreate struct {
	client      *clientFlags
	format      *cli.Choice
	partitions  int32
	replicas    int16
	configs     []string
	unless, dry bool
}

func newTopicCreateCommand() *cobra.Command {
	f := &topicCreate{}
	c := &cobra.Command{
		Use:     "create TOPIC...",
		Short:   "Create topics",
		Example: "  gregor topic create orders -p 12 --config retention.ms=86400000",
		Args:    arguments(cobra.MinimumNArgs(1)),
		RunE:    f.run,
	}
	c.Flags().Int32VarP(&f.partitions, "partitions", "p", -1, "number of partitions; -1 for the broker's default")
	c.Flags().Int16VarP(&f.replicas, "replication-factor", "r", -1, "number of replicas; -1 for the broker's default")
	c.Flags().StringArrayVar(&f.configs, "config", nil, "property `name=value` of the topics; repeatable")
	c.Flags().BoolVar(&f.unless, "if-not-exists", false, "a topic that exists is no error")
	c.Flags().BoolVar(&f.dry, "dry-run", false, "have the broker check everything and create nothing")
	f.format = cli.AddFormat(c)
	f.client = addClientFlags(c)
	return c
}

func (f *topicCreate) run(c *cobra.Command, topics []string) error {
	if f.partitions == 0 || f.partitions < -1 {
		return cli.Usagef("--partitions %d: expected at least 1, or -1 for the broker's default", f.partitions)
	}
	if f.replicas == 0 || f.replicas < -1 {
		return cli.Usagef("--replication-factor %d: expected at least 1, or -1 for the broker's default", f.replicas)
	}
	pairs, err := parsePairs(f.configs)
	if err != nil {
		return cli.Usage(err)
	}
	configs := make(map[string]*string, len(pairs))
	for _, kv := range pairs {
		configs[kv.Name] = kadm.StringPtr(kv.Value)
	}
	admin, ctx, end, err := f.client.admin(c)
	if err != nil {
		return err
	}
	defer end()
	create := admin.CreateTopics
	if f.dry {
		create = admin.ValidateCreateTopics
	}
	found, err := create(ctx, f.partitions, f.replicas, configs, topics...)
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	outcomes := make([]outcome, 0, len(topics))
	for _, name := range distinct(topics) {
		r := found[name]
		o := outcome{Topic: name}
		switch {
		case f.unless && errors.Is(r.Err, kerr.TopicAlreadyExists):
			o.Unchanged = "exists"
		case r.Err == nil:
			o.Partitions, o.Replicas = max(r.NumPartitions, 0), max(r.ReplicationFactor, 0)
		default:
			o.fail(r.Err, r.ErrMessage)
		}
		outcomes = append(outcomes, o)
	}
	return printOutcomes(c, f.format, outcomes, "created", f.dry)
}

// distinct returns the names in their order, each once.
func distinct(names []string) []string {
	var out []string
	seen := make(map[string]bool)
	for _, name := range names {
		if !seen[name] {
			out, seen[name] = append(out, name), true
		}
	}
	return out
}
