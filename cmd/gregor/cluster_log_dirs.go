package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// logDir is one log directory of a broker. Sizes that nobody knows are -1.
type logDir struct {
	Broker int32  `json:"broker"`
	Dir    string `json:"dir"`
	failure
	Bytes      int64       `json:"size_bytes"`
	Total      int64       `json:"volume_bytes"`
	Usable     int64       `json:"usable_bytes"`
	Partitions []logDirLog `json:"partitions"`
}

// title implements reported.
func (l logDir) title() string { return fmt.Sprintf("broker %d directory %s", l.Broker, l.Dir) }

// logDirLog is a partition's log in a directory. One that is a future log is being moved there.
type logDirLog struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Bytes     int64  `json:"size_bytes"`
	Lag       int64  `json:"offset_lag"`
	Future    bool   `json:"is_future"`
}

// clusterLogDirs is cluster log-dirs.
type clusterLogDirs struct {
	client     *clientFlags
	format     *cli.Choice
	topics     []string
	partitions bool
}

func newClusterLogDirsCommand() *cobra.Command {
	f := &clusterLogDirs{}
	c := &cobra.Command{
		Use:     "log-dirs",
		Short:   "Show the brokers' log directories and what is in them",
		Example: "  gregor cluster log-dirs --partitions --topic orders",
		Args:    arguments(cobra.NoArgs),
		RunE:    func(c *cobra.Command, _ []string) error { return f.run(c) },
	}
	c.Flags().StringArrayVarP(&f.topics, "topic", "t", nil, "count and show this `topic` only; repeatable")
	c.Flags().BoolVarP(&f.partitions, "partitions", "p", false, "show each partition")
	f.format = cli.AddFormat(c)
	f.client = addClientFlags(c)
	completeFlag(c, "topic", completeTopics(f.client, 1))
	return c
}

func (f *clusterLogDirs) run(c *cobra.Command) error {
	admin, ctx, end, err := f.client.admin(c)
	if err != nil {
		return err
	}
	defer end()
	wanted, err := f.wanted(ctx, admin)
	if err != nil {
		return err
	}
	described, err := admin.DescribeAllLogDirs(ctx, wanted)
	if partial(err) != nil {
		return fmt.Errorf("describe log directories: %w", err)
	}
	dirs := []logDir{}
	for _, d := range described.Sorted() {
		each := logDir{
			Broker: d.Broker, Dir: d.Dir, Bytes: d.Size(), Total: d.TotalBytes, Usable: d.UsableBytes,
			Partitions: []logDirLog{},
		}
		each.fail(d.Err, "")
		for _, p := range d.Topics.Sorted() {
			each.Partitions = append(each.Partitions, logDirLog{p.Topic, p.Partition, p.Size, p.OffsetLag, p.IsFuture})
		}
		dirs = append(dirs, each)
	}
	return f.print(c, dirs)
}

// wanted returns the partitions of the topics that are asked for; nil for all.
func (f *clusterLogDirs) wanted(ctx context.Context, admin *kadm.Client) (kadm.TopicsSet, error) {
	if len(f.topics) == 0 {
		return nil, nil
	}
	details, err := admin.ListTopicsWithInternal(ctx, distinct(f.topics)...)
	if err == nil {
		err = details.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("describe topics %s: %w", strings.Join(f.topics, ", "), err)
	}
	return details.TopicsSet(), nil
}

func (f *clusterLogDirs) print(c *cobra.Command, dirs []logDir) error {
	table := cli.NewTable(">BROKER", "DIRECTORY", ">PARTITIONS", ">SIZE", ">VOLUME", ">USABLE")
	if f.partitions {
		table = cli.NewTable(">BROKER", "DIRECTORY", "TOPIC", ">PARTITION", ">SIZE", ">LAG", "FUTURE")
	}
	err := report(c, f.format, dirs, map[string]any{"log_dirs": dirs}, func(_ int, d logDir) error {
		if !f.partitions {
			table.Add(d.Broker, d.Dir, len(d.Partitions), cli.FormatSize(d.Bytes), knownSize(d.Total),
				knownSize(d.Usable))
			return nil
		}
		for _, p := range d.Partitions {
			future := "-"
			if p.Future {
				future = "future"
			}
			table.Add(d.Broker, d.Dir, p.Topic, p.Partition, cli.FormatSize(p.Bytes), number(p.Lag), future)
		}
		return nil
	})
	if f.format.String() == cli.JSON {
		return err
	}
	if written := table.Write(c.OutOrStdout()); written != nil {
		return written
	}
	return err
}

// knownSize writes a size, or a dash where nobody knows it.
func knownSize(n int64) string {
	if n < 0 {
		return "-"
	}
	return cli.FormatSize(n)
}
