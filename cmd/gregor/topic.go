package main

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

func newTopicCommand() *cobra.Command {
	return newGroup("topic", "List, describe, create, alter and delete topics",
		newTopicListCommand(), newTopicDescribeCommand(), newTopicCreateCommand(), newTopicAlterCommand(),
		newTopicDeleteCommand())
}

// manyTopics is no limit on the number of topics that are named.
const manyTopics = math.MaxInt

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

// outcome is what became of one topic of a command that changes several.
type outcome struct {
	Topic string `json:"topic"`
	// Error is Kafka's name of the error, empty for success.
	Error   string `json:"error,omitempty"`
	Message string `json:"message,omitempty"`
	// Unchanged says that there was nothing to do, which --if-exists and --if-not-exists make a success.
	Unchanged string `json:"unchanged,omitempty"`
	// Partitions and Replicas are what a created topic got, where the broker tells.
	Partitions int32 `json:"partitions,omitempty"`
	Replicas   int16 `json:"replication_factor,omitempty"`
}

// fail notes an error and the broker's words on it.
func (o *outcome) fail(err error, message string) {
	if err == nil {
		return
	}
	var known *kerr.Error
	o.Error, o.Message = "UNKNOWN_SERVER_ERROR", err.Error()
	if errors.As(err, &known) {
		o.Error, o.Message = known.Message, cmp.Or(message, known.Description)
	}
}

// printOutcomes prints what became of topics and returns an error if one of them failed. done is what happened to the
// others: "created".
func printOutcomes(c *cobra.Command, format *cli.Choice, outcomes []outcome, done string, dry bool) error {
	failed := 0
	for _, o := range outcomes {
		if o.Error != "" {
			failed++
		}
	}
	if format.String() == cli.JSON {
		err := cli.WriteJSON(c, map[string]any{"topics": outcomes, "failed": failed, "dry_run": dry})
		if err == nil && failed > 0 {
			err = cli.Exit(cli.CodeFailed)
		}
		return err
	}
	if dry {
		done = "would be " + done
	}
	for _, o := range outcomes {
		if o.Error != "" {
			cli.Notef(c, "gregor: topic %s: %s: %s", o.Topic, o.Error, o.Message)
			continue
		}
		if _, err := fmt.Fprintf(c.OutOrStdout(), "%s %s\n", o.Topic, cmp.Or(o.Unchanged, done)); err != nil {
			return err
		}
	}
	if failed > 0 {
		return cli.Exit(cli.CodeFailed)
	}
	return nil
}
