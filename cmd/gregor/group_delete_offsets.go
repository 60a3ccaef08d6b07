package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// groupDeleteOffsets is group delete-offsets.
type groupDeleteOffsets struct {
	client   *clientFlags
	format   *cli.Choice
	topics   []string
	yes, dry bool
}

func newGroupDeleteOffsetsCommand() *cobra.Command {
	f := &groupDeleteOffsets{}
	c := &cobra.Command{
		Use:     "delete-offsets GROUP",
		Short:   "Delete a group's offsets of topics that none of its members reads",
		Example: "  gregor group delete-offsets billing --topic orders --topic events:0,3-5 --yes",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE:    func(c *cobra.Command, args []string) error { return f.run(c, args[0]) },
	}
	c.Flags().StringArrayVarP(&f.topics, "topic", "t", nil,
		"`topic` or topic:partitions, such as orders:0,3-5; repeatable")
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVar(&f.dry, "dry-run", false, "say what would be deleted, and delete nothing")
	f.format = cli.AddFormat(c)
	f.client = addClientFlags(c)
	c.ValidArgsFunction = completeGroups(f.client, 1)
	completeFlag(c, "topic", completeTopics(f.client, 1))
	return c
}

func (f *groupDeleteOffsets) run(c *cobra.Command, group string) error {
	wanted, err := parseTopicPartitions(f.topics)
	if err != nil {
		return cli.Usagef("--topic: %w", err)
	}
	if len(wanted) == 0 {
		return cli.Usagef("expected --topic")
	}
	if !f.dry && !f.yes {
		if err := confirm(c, "Delete the offsets of "+group+"?"); err != nil {
			return err
		}
	}
	admin, ctx, end, err := f.client.admin(c)
	if err != nil {
		return err
	}
	defer end()
	outcomes, err := f.choose(ctx, admin, group, wanted)
	if err != nil {
		return err
	}
	if !f.dry {
		if err := f.delete(ctx, admin, group, outcomes); err != nil {
			return err
		}
	}
	done := "deleted"
	if f.dry {
		done = "would be deleted"
	}
	body := map[string]any{"group": group, "offsets": outcomes, "dry_run": f.dry}
	return report(c, f.format, outcomes, body, func(_ int, o partitionOutcome) error {
		_, err := fmt.Fprintf(c.OutOrStdout(), "%s %d %s\n", o.Topic, o.Partition, done)
		return err
	})
}

// choose returns the partitions that are meant: of a topic without any, those that the group has offsets of.
func (f *groupDeleteOffsets) choose(
	ctx context.Context, admin *kadm.Client, group string, wanted []topicPartitions,
) ([]partitionOutcome, error) {
	fetched, err := admin.FetchOffsets(ctx, group)
	if err != nil {
		return nil, fmt.Errorf("fetch offsets of %s: %w", group, err)
	}
	outcomes := []partitionOutcome{}
	for _, t := range wanted {
		partitions := t.partitions
		if partitions == nil {
			for p := range fetched[t.topic] {
				partitions = append(partitions, p)
			}
			slices.Sort(partitions)
		}
		if len(partitions) == 0 {
			return nil, fmt.Errorf("group %s has no offsets of topic %s", group, t.topic)
		}
		for _, p := range partitions {
			o := partitionOutcome{Topic: t.topic, Partition: p}
			if _, ok := fetched.Lookup(t.topic, p); !ok {
				o.fail(kerr.UnknownTopicOrPartition, "the group has no offset of it")
			}
			outcomes = append(outcomes, o)
		}
	}
	return outcomes, nil
}

// delete deletes the offsets of the partitions that nothing is wrong with.
func (f *groupDeleteOffsets) delete(
	ctx context.Context, admin *kadm.Client, group string, outcomes []partitionOutcome,
) error {
	var set kadm.TopicsSet
	for _, o := range outcomes {
		if o.Error == "" {
			set.Add(o.Topic, o.Partition)
		}
	}
	if len(set) == 0 {
		return nil
	}
	responses, err := admin.DeleteOffsets(ctx, group, set)
	if err != nil {
		return fmt.Errorf("delete offsets of %s: %w", group, err)
	}
	for i := range outcomes {
		o := &outcomes[i]
		if err, ok := responses.Lookup(o.Topic, o.Partition); ok {
			o.fail(err, "")
		} else {
			o.fail(kerr.UnknownServerError, "the broker did not answer for this partition")
		}
	}
	return nil
}
