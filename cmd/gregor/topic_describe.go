package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// described is one topic of topic describe.
type described struct {
	outcome
	ID         string               `json:"id"`
	Internal   bool                 `json:"internal"`
	Partitions []describedPartition `json:"partitions"`
	Configs    []describedConfig    `json:"configs"`
}

// describedPartition is one partition of a described topic. An offset is -1 where no leader tells it.
type describedPartition struct {
	Partition   int32   `json:"partition"`
	Leader      int32   `json:"leader"`
	LeaderEpoch int32   `json:"leader_epoch"`
	Replicas    []int32 `json:"replicas"`
	ISR         []int32 `json:"isr"`
	Offline     []int32 `json:"offline_replicas"`
	Start       int64   `json:"start_offset"`
	End         int64   `json:"end_offset"`
}

// describedConfig is one property of a described topic.
type describedConfig struct {
	Name   string  `json:"name"`
	Value  *string `json:"value"`
	Source string  `json:"source"`
}

// topicDescribe is topic describe.
type topicDescribe struct {
	client *clientFlags
	format *cli.Choice
	all    bool
}

func newTopicDescribeCommand() *cobra.Command {
	f := &topicDescribe{}
	c := &cobra.Command{
		Use:   "describe TOPIC...",
		Short: "Describe topics: partitions, offsets and altered properties",
		Args:  arguments(cobra.MinimumNArgs(1)),
		RunE:  f.run,
	}
	c.Flags().BoolVar(&f.all, "all-configs", false, "show all properties, not only those altered for the topic")
	f.format = cli.AddFormat(c)
	f.client = addClientFlags(c)
	c.ValidArgsFunction = completeTopics(f.client, manyNames)
	return c
}

func (f *topicDescribe) run(c *cobra.Command, names []string) error {
	names = distinct(names)
	admin, ctx, end, err := f.client.admin(c)
	if err != nil {
		return err
	}
	defer end()
	details, err := admin.ListTopicsWithInternal(ctx, names...)
	if err != nil {
		return fmt.Errorf("describe topics: %w", err)
	}
	topics := make([]described, 0, len(names))
	var there []string
	for _, name := range names {
		t := describe(name, details[name])
		if t.Error == "" {
			there = append(there, name)
		}
		topics = append(topics, t)
	}
	if len(there) > 0 {
		if err := f.complete(ctx, admin, there, topics); err != nil {
			return err
		}
	}
	return f.print(c, topics)
}

// describe says what the metadata tells of a topic.
func describe(name string, d kadm.TopicDetail) described {
	t := described{ID: base.UUID(d.ID).String(), Internal: d.IsInternal, Partitions: []describedPartition{},
		Configs: []describedConfig{}}
	t.Topic = name
	t.fail(d.Err, "")
	for _, p := range d.Partitions.Sorted() {
		t.Partitions = append(t.Partitions, describedPartition{
			Partition: p.Partition, Leader: p.Leader, LeaderEpoch: p.LeaderEpoch, Replicas: full(p.Replicas),
			ISR: full(p.ISR), Offline: full(p.OfflineReplicas), Start: -1, End: -1,
		})
	}
	return t
}

// full returns ids as a list that is not nil, which JSON would write as null.
func full(ids []int32) []int32 {
	return append([]int32{}, ids...)
}

// complete adds offsets and properties to the topics that exist.
func (f *topicDescribe) complete(ctx context.Context, admin *kadm.Client, names []string, topics []described) error {
	starts, err := admin.ListStartOffsets(ctx, names...)
	if err != nil && starts == nil {
		return fmt.Errorf("list start offsets: %w", err)
	}
	ends, err := admin.ListEndOffsets(ctx, names...)
	if err != nil && ends == nil {
		return fmt.Errorf("list end offsets: %w", err)
	}
	configs, err := admin.DescribeTopicConfigs(ctx, names...)
	if err != nil {
		return fmt.Errorf("describe configs: %w", err)
	}
	for i := range topics {
		t := &topics[i]
		for j := range t.Partitions {
			p := &t.Partitions[j]
			if o, ok := starts.Lookup(t.Topic, p.Partition); ok && o.Err == nil {
				p.Start = o.Offset
			}
			if o, ok := ends.Lookup(t.Topic, p.Partition); ok && o.Err == nil {
				p.End = o.Offset
			}
		}
		for _, r := range configs {
			if r.Name == t.Topic {
				t.fail(r.Err, r.ErrMessage)
				t.Configs = f.configs(r.Configs)
			}
		}
	}
	return nil
}

func (f *topicDescribe) configs(found []kadm.Config) []describedConfig {
	out := []describedConfig{}
	for _, each := range found {
		if f.all || each.Source == kmsg.ConfigSourceDynamicTopicConfig {
			out = append(out, describedConfig{Name: each.Key, Value: each.Value, Source: each.Source.String()})
		}
	}
	slices.SortFunc(out, func(a, b describedConfig) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func (f *topicDescribe) print(c *cobra.Command, topics []described) error {
	return report(c, f.format, topics, map[string]any{"topics": topics}, func(i int, t described) error {
		if i > 0 {
			fmt.Fprintln(c.OutOrStdout())
		}
		return t.write(c.OutOrStdout())
	})
}

// write prints a topic for people.
func (t *described) write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "topic       %s\nid          %s\npartitions  %d\n", t.Topic, t.ID, len(t.Partitions))
	for _, each := range t.Configs {
		value := "(hidden)"
		if each.Value != nil {
			value = *each.Value
		}
		fmt.Fprintf(&b, "config      %s=%s (%s)\n", each.Name, value, each.Source)
	}
	b.WriteString("\n")
	table := cli.NewTable(">PARTITION", ">LEADER", ">EPOCH", "REPLICAS", "ISR", ">START", ">END")
	for _, p := range t.Partitions {
		table.Add(p.Partition, p.Leader, p.LeaderEpoch, nodes(p.Replicas), nodes(p.ISR), p.Start, p.End)
	}
	if err := table.Write(&b); err != nil {
		return err
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// nodes writes node ids as "1,2,3".
func nodes(ids []int32) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(ids), " ", ","), "[]")
}
