package main

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// describedGroup is one group of group describe.
type describedGroup struct {
	groupOutcome
	State        string           `json:"state"`
	ProtocolType string           `json:"protocol_type"`
	Protocol     string           `json:"protocol"`
	Coordinator  int32            `json:"coordinator"`
	Address      string           `json:"coordinator_address"`
	Members      []groupMember    `json:"members"`
	Offsets      []groupPartition `json:"offsets"`
	// Lag is that of all partitions of which it is known.
	Lag int64 `json:"lag"`
}

// groupMember is one member of a described group.
type groupMember struct {
	Member     string          `json:"member_id"`
	Instance   *string         `json:"instance_id"`
	Client     string          `json:"client_id"`
	Host       string          `json:"host"`
	Partitions int             `json:"partitions"`
	Topics     []string        `json:"subscription"`
	Assignment []topicAssigned `json:"assignment"`
}

// topicAssigned is what a member has of one topic.
type topicAssigned struct {
	Topic      string  `json:"topic"`
	Partitions []int32 `json:"partitions"`
}

// groupPartition is one partition that a group has committed an offset of, or that a member reads. Numbers that nobody
// knows are -1.
type groupPartition struct {
	Topic       string `json:"topic"`
	Partition   int32  `json:"partition"`
	Committed   int64  `json:"committed_offset"`
	LeaderEpoch int32  `json:"leader_epoch"`
	Metadata    string `json:"metadata"`
	Start       int64  `json:"start_offset"`
	End         int64  `json:"end_offset"`
	Lag         int64  `json:"lag"`
	Member      string `json:"member_id,omitempty"`
	Error       string `json:"error,omitempty"`
	// host and client are the member's.
	host, client string
}

// groupDescribe is group describe.
type groupDescribe struct {
	client                                *clientFlags
	format                                *cli.Choice
	all, offsets, members, state, verbose bool
}

func newGroupDescribeCommand() *cobra.Command {
	f := &groupDescribe{}
	c := &cobra.Command{
		Use:   "describe GROUP...",
		Short: "Describe groups: state, offsets with their lag, members",
		Example: "  gregor group describe billing\n" +
			"  gregor group describe billing audit --members --verbose\n" +
			"  gregor group describe --all --format json",
		Args: arguments(cobra.ArbitraryArgs),
		RunE: f.run,
	}
	c.Flags().BoolVarP(&f.all, "all", "a", false, "describe all groups")
	c.Flags().BoolVar(&f.offsets, "offsets", false, "show offsets, which is so without --members and --state")
	c.Flags().BoolVar(&f.members, "members", false, "show members")
	c.Flags().BoolVar(&f.state, "state", false, "show nothing more than the state")
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false,
		"show which partitions each member has, and of offsets also the log's start, leader epoch and metadata")
	f.format = cli.AddFormat(c)
	f.client = addClientFlags(c)
	c.ValidArgsFunction = completeGroups(f.client, manyNames)
	return c
}

func (f *groupDescribe) run(c *cobra.Command, names []string) error {
	if f.all != (len(names) == 0) {
		return cli.Usagef("expected names of groups, or --all")
	}
	names = distinct(names)
	admin, ctx, end, err := f.client.admin(c)
	if err != nil {
		return err
	}
	defer end()
	// The call sorts the slice that it is given in an order of its own.
	lags, err := admin.Lag(ctx, slices.Clone(names)...)
	if err != nil {
		return fmt.Errorf("describe groups: %w", err)
	}
	if f.all {
		for _, g := range lags.Sorted() {
			names = append(names, g.Group)
		}
	}
	groups := make([]describedGroup, 0, len(names))
	for _, name := range names {
		groups = append(groups, describeGroup(name, lags[name]))
	}
	return report(c, f.format, groups, map[string]any{"groups": groups}, func(i int, g describedGroup) error {
		if i > 0 {
			fmt.Fprintln(c.OutOrStdout())
		}
		return f.write(c.OutOrStdout(), g)
	})
}

// describeGroup turns what the client found into what is printed.
func describeGroup(name string, l kadm.DescribedGroupLag) describedGroup {
	g := describedGroup{
		State: l.State, ProtocolType: l.ProtocolType, Protocol: l.Protocol, Coordinator: l.Coordinator.NodeID,
		Members: []groupMember{}, Offsets: []groupPartition{},
	}
	g.Group = name
	if l.Coordinator.Host != "" {
		g.Address = net.JoinHostPort(l.Coordinator.Host, strconv.Itoa(int(l.Coordinator.Port)))
	}
	for _, m := range l.Members {
		g.Members = append(g.Members, describeMember(m))
	}
	for _, each := range l.Lag.Sorted() {
		p := describeOffset(each)
		g.Lag += max(p.Lag, 0)
		g.Offsets = append(g.Offsets, p)
	}
	g.failDescribed(kadm.DescribedGroup{State: l.State, Members: l.Members, Err: l.DescribeErr})
	g.fail(l.FetchErr, "")
	return g
}

func describeMember(m kadm.DescribedGroupMember) groupMember {
	out := groupMember{
		Member: m.MemberID, Instance: m.InstanceID, Client: m.ClientID, Host: m.ClientHost, Topics: []string{},
		Assignment: []topicAssigned{},
	}
	if join, ok := m.Join.AsConsumer(); ok {
		out.Topics = append(out.Topics, join.Topics...)
		slices.Sort(out.Topics)
	}
	assigned, ok := m.Assigned.AsConsumer()
	if !ok {
		return out
	}
	for _, t := range assigned.Topics {
		each := topicAssigned{t.Topic, full(t.Partitions)}
		slices.Sort(each.Partitions)
		out.Partitions += len(each.Partitions)
		out.Assignment = append(out.Assignment, each)
	}
	slices.SortFunc(out.Assignment, func(a, b topicAssigned) int { return cmp.Compare(a.Topic, b.Topic) })
	return out
}

func describeOffset(l kadm.GroupMemberLag) groupPartition {
	p := groupPartition{
		Topic: l.Topic, Partition: l.Partition, Committed: l.Commit.At, LeaderEpoch: l.Commit.LeaderEpoch,
		Metadata: l.Commit.Metadata, Start: -1, End: -1, Lag: l.Lag,
	}
	if l.Start.Err == nil {
		p.Start = l.Start.Offset
	}
	if l.End.Err == nil {
		p.End = l.End.Offset
	}
	if p.Committed < 0 { // where it would begin is each consumer's own choice
		p.Lag, p.LeaderEpoch = -1, -1
	}
	if l.Err != nil {
		var problem failure
		problem.fail(l.Err, "")
		p.Error = problem.Error
	}
	if l.Member != nil {
		p.Member, p.host, p.client = l.Member.MemberID, l.Member.ClientHost, l.Member.ClientID
	}
	return p
}

// compactPartitions writes partitions of a topic as "orders 0-3,7".
func compactPartitions(topic string, partitions []int32) string {
	partitions = slices.Clone(partitions)
	slices.Sort(partitions)
	var parts []string
	for i := 0; i < len(partitions); {
		j := i
		for j+1 < len(partitions) && partitions[j+1] == partitions[j]+1 {
			j++
		}
		text := strconv.Itoa(int(partitions[i]))
		if j > i {
			text += "-" + strconv.Itoa(int(partitions[j]))
		}
		parts = append(parts, text)
		i = j + 1
	}
	return topic + " " + strings.Join(parts, ",")
}
