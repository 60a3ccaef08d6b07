package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

func newTopicCommand() *cobra.Command {
	return newGroup("topic", "List, describe, create, alter and delete topics",
		newTopicListCommand(), newTopicDescribeCommand(), newTopicCreateCommand(), newTopicAlterCommand(),
		newTopicDeleteCommand())
}

// manyNames is no limit on the number of names in a command line.
const manyNames = math.MaxInt

// listedTopic is one topic of topic list.
type listedTopic struct {
	Name       string `json:"topic"`
	ID         string `json:"id"`
	Partitions int    `json:"partitions"`
	Replicas   int    `json:"replication_factor"`
	Internal   bool   `json:"internal"`
}

func newTopicListCommand() *cobra.Command {
	var flags *clientFlags
	var internal bool
	var format *cli.Choice
	c := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List topics",
		Args:    arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			admin, ctx, end, err := flags.admin(c)
			if err != nil {
				return err
			}
			defer end()
			details, err := admin.ListTopicsWithInternal(ctx)
			if err != nil {
				return fmt.Errorf("list topics: %w", err)
			}
			return printTopics(c, format, details, internal)
		},
	}
	c.Flags().BoolVarP(&internal, "internal", "i", false, "list internal topics as well")
	format = cli.AddFormat(c)
	flags = addClientFlags(c)
	return c
}

func printTopics(c *cobra.Command, format *cli.Choice, details kadm.TopicDetails, internal bool) error {
	topics := []listedTopic{}
	table := cli.NewTable("NAME", ">PARTITIONS", ">REPLICAS")
	for _, t := range details.Sorted() {
		if t.Err != nil {
			return fmt.Errorf("topic %s: %w", t.Topic, t.Err)
		}
		if t.IsInternal && !internal {
			continue
		}
		each := listedTopic{
			Name: t.Topic, ID: base.UUID(t.ID).String(), Partitions: len(t.Partitions), Internal: t.IsInternal,
		}
		for _, p := range t.Partitions.Sorted() {
			each.Replicas = max(each.Replicas, len(p.Replicas))
		}
		topics = append(topics, each)
	}
	slices.SortFunc(topics, func(a, b listedTopic) int { return cmp.Compare(a.Name, b.Name) })
	if format.String() == cli.JSON {
		return cli.WriteJSON(c, map[string]any{"topics": topics})
	}
	for _, t := range topics {
		table.Add(t.Name, t.Partitions, t.Replicas)
	}
	return table.Write(c.OutOrStdout())
}
