package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// groupReset is group reset-offsets.
type groupReset struct {
	client               *clientFlags
	format               *cli.Choice
	topics               []string
	allTopics, allGroups bool
	mode                 resetMode
	execute, dry, export bool

	wanted []topicPartitions
	admin  *kadm.Client
	// logs are the partitions' offsets of each topic that was asked about, or why there are none.
	logs   map[string]*partitionLog
	failed map[string]error
}

// resetGroup is what becomes of one group.
type resetGroup struct {
	groupOutcome
	Offsets []resetOffset `json:"offsets"`
}

// resetOffset is what becomes of one partition's offset. Current is -1 if there is none.
type resetOffset struct {
	partitionOutcome
	Current int64 `json:"current_offset"`
	New     int64 `json:"new_offset"`
}

// groupResetHelp is the command's help.
const groupResetHelp = `
Set the offsets from which groups without members go on. Nothing is changed without --execute: the command prints what
would be. One of these says which offsets:

  --to-earliest, --to-latest   the log's start, its end
  --to-offset N                offset N
  --shift-by N                 N after the current one, or before it if N is negative
  --to-current                 the current one, and the end where there is none
  --to-datetime TIME           the first record from a time on: 2026-01-31T12:00:00.000, in UTC unless a zone follows
  --by-duration DURATION       the first record of the last P1DT6H30M (or 30h30m)
  --from-file FILE             those of a CSV file, as --export prints it; - for stdin

An offset outside of the log becomes the log's start or its end, which stderr tells. Offsets are changed of all
partitions of the topics that --topic names, or, with --all-topics, of those that the group has offsets of.
`

func newGroupResetCommand() *cobra.Command {
	f := &groupReset{logs: map[string]*partitionLog{}, failed: map[string]error{}}
	c := &cobra.Command{
		Use:   "reset-offsets GROUP...",
		Short: "Set from where groups go on; without --execute, say what would be",
		Long:  strings.TrimSpace(groupResetHelp),
		Example: "  gregor group reset-offsets billing --topic orders --to-earliest --execute\n" +
			"  gregor group reset-offsets billing --topic orders:0,3-5 --shift-by -100\n" +
			"  gregor group reset-offsets billing --all-topics --to-current --export > offsets.csv\n" +
			"  gregor group reset-offsets billing --from-file offsets.csv --execute",
		Args: arguments(cobra.ArbitraryArgs),
		RunE: f.run,
	}
	c.Flags().StringArrayVarP(&f.topics, "topic", "t", nil,
		"`topic` or topic:partitions, such as orders:0,3-5; repeatable")
	c.Flags().BoolVar(&f.allTopics, "all-topics", false, "all partitions that the group has offsets of")
	c.Flags().BoolVar(&f.allGroups, "all-groups", false, "all groups")
	f.mode.addFlags(c)
	c.Flags().BoolVar(&f.execute, "execute", false, "change the offsets")
	c.Flags().BoolVar(&f.dry, "dry-run", false, "change nothing, as without --execute")
	c.Flags().BoolVar(&f.export, "export", false, "print CSV, which --from-file reads")
	f.format = cli.AddFormat(c)
	f.client = addClientFlags(c)
	c.ValidArgsFunction = completeGroups(f.client, manyNames)
	completeFlag(c, "topic", completeTopics(f.client, 1))
	return c
}

func (f *groupReset) run(c *cobra.Command, names []string) error {
	if err := f.check(c, names); err != nil {
		return err
	}
	admin, ctx, end, err := f.client.admin(c)
	if err != nil {
		return err
	}
	defer end()
	f.admin = admin
	names = distinct(names)
	if f.allGroups {
		listed, err := admin.ListGroups(ctx)
		if err != nil {
			return fmt.Errorf("list groups: %w", err)
		}
		names = listed.Groups()
		slices.Sort(names)
	}
	if err := f.mode.load(c.InOrStdin(), names); err != nil {
		return err
	}
	described := kadm.DescribedGroups{}
	if len(names) > 0 {
		if described, err = admin.DescribeGroups(ctx, names...); partial(err) != nil {
			return fmt.Errorf("describe groups: %w", err)
		}
	}
	fetched := admin.FetchManyOffsets(ctx, names...)
	groups := make([]resetGroup, 0, len(names))
	for _, name := range names {
		g, err := f.group(c, ctx, name, described[name], fetched[name])
		if err != nil {
			return err
		}
		groups = append(groups, g)
	}
	return f.print(c, groups)
}

// check reads the flags.
func (f *groupReset) check(c *cobra.Command, names []string) error {
	if f.allGroups == (len(names) > 0) {
		return cli.Usagef("expected names of groups, or --all-groups")
	}
	if f.execute && f.dry {
		return cli.Usagef("expected --execute or --dry-run, got both")
	}
	if f.export && f.format.String() == cli.JSON {
		return cli.Usagef("--export prints CSV, got --format json as well")
	}
	if err := f.mode.check(c); err != nil {
		return err
	}
	var err error
	if f.wanted, err = parseTopicPartitions(f.topics); err != nil {
		return cli.Usagef("--topic: %w", err)
	}
	chosen := 0
	for _, one := range []bool{len(f.wanted) > 0, f.allTopics, f.mode.file != ""} {
		if one {
			chosen++
		}
	}
	if chosen != 1 {
		return cli.Usagef("expected --topic, --all-topics or --from-file, and one of them only")
	}
	return nil
}

// group finds the new offsets of a group, and sets them if that is wanted.
func (f *groupReset) group(
	c *cobra.Command, ctx context.Context, name string, d kadm.DescribedGroup, fetched kadm.FetchOffsetsResponse,
) (resetGroup, error) {
	g := resetGroup{Offsets: []resetOffset{}}
	g.Group = name
	// A group that there is not yet is made by its first offset.
	if d.Err != nil && !errors.Is(d.Err, kerr.GroupIDNotFound) {
		g.fail(d.Err, d.ErrMessage)
	}
	if g.fail(fetched.Err, ""); g.Error != "" {
		return g, nil
	}
	if d.Err == nil && d.State != stateEmpty && d.State != stateDead {
		g.fail(kerr.NonEmptyGroup, fmt.Sprintf("its offsets can only be reset without members, and its state is %s",
			cmp.Or(d.State, "unknown")))
		return g, nil
	}
	targets, err := f.targets(ctx, name, fetched.Fetched)
	if err != nil {
		return g, err
	}
	for _, t := range targets {
		g.Offsets = append(g.Offsets, f.offset(c, ctx, name, t, fetched.Fetched))
	}
	if f.execute {
		return g, f.commit(ctx, &g)
	}
	return g, nil
}

// commit sets the offsets of the partitions that nothing is wrong with.
func (f *groupReset) commit(ctx context.Context, g *resetGroup) error {
	var offsets kadm.Offsets
	for _, o := range g.Offsets {
		if o.Error == "" {
			offsets.AddOffset(o.Topic, o.Partition, o.New, -1)
		}
	}
	if len(offsets) == 0 {
		return nil
	}
	responses, err := f.admin.CommitOffsets(ctx, g.Group, offsets)
	if err != nil {
		return fmt.Errorf("commit offsets of %s: %w", g.Group, err)
	}
	for i := range g.Offsets {
		o := &g.Offsets[i]
		if r, ok := responses.Lookup(o.Topic, o.Partition); ok {
			o.fail(r.Err, "")
		}
	}
	return nil
}

// print prints what became of all groups, or would.
func (f *groupReset) print(c *cobra.Command, groups []resetGroup) error {
	failed := 0
	table := cli.NewTable("GROUP", "TOPIC", ">PARTITION", ">CURRENT", ">NEW")
	for _, g := range groups {
		if g.Error != "" {
			failed++
			cli.Notef(c, "gregor: group %s: %s: %s", g.Group, g.Error, g.Message)
		}
		for _, o := range g.Offsets {
			if o.Error != "" {
				failed++
				cli.Notef(c, "gregor: group %s: %s: %s: %s", g.Group, o.title(), o.Error, o.Message)
				continue
			}
			table.Add(g.Group, o.Topic, o.Partition, number(o.Current), o.New)
		}
	}
	var err error
	switch {
	case f.export:
		err = writeOffsets(c.OutOrStdout(), groups)
	case f.format.String() == cli.JSON:
		err = cli.WriteJSON(c, map[string]any{"groups": groups, "failed": failed, "dry_run": !f.execute})
	default:
		err = table.Write(c.OutOrStdout())
	}
	if err != nil {
		return err
	}
	if !f.execute && !f.dry && !f.export {
		cli.Notef(c, "gregor: nothing was changed; --execute changes the offsets")
	}
	return cli.Exit(min(failed, cli.CodeFailed))
}
