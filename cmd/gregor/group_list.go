package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// listedGroup is one group of group list. Members is -1 where the broker does not tell.
type listedGroup struct {
	Group        string `json:"group"`
	State        string `json:"state"`
	ProtocolType string `json:"protocol_type"`
	Members      int    `json:"members"`
	Coordinator  int32  `json:"coordinator"`
}

// groupList is group list.
type groupList struct {
	client *clientFlags
	format *cli.Choice
	states []string
}

func newGroupListCommand() *cobra.Command {
	f := &groupList{}
	c := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List consumer groups",
		Example: "  gregor group list --state Stable,PreparingRebalance",
		Args:    arguments(cobra.NoArgs),
		RunE:    func(c *cobra.Command, _ []string) error { return f.run(c) },
	}
	c.Flags().StringSliceVar(&f.states, "state", nil, "list groups in one of these `states` only; repeatable")
	must(c.RegisterFlagCompletionFunc("state",
		cobra.FixedCompletions(groupStates, cobra.ShellCompDirectiveNoFileComp)))
	f.format = cli.AddFormat(c)
	f.client = addClientFlags(c)
	return c
}

func (f *groupList) run(c *cobra.Command) error {
	states, err := parseStates(f.states)
	if err != nil {
		return cli.Usagef("--state: %w", err)
	}
	admin, ctx, end, err := f.client.admin(c)
	if err != nil {
		return err
	}
	defer end()
	found, err := admin.ListGroups(ctx, states...)
	if err != nil {
		return fmt.Errorf("list groups: %w", err)
	}
	groups, err := countMembers(ctx, admin, found)
	if err != nil {
		return err
	}
	if f.format.String() == cli.JSON {
		return cli.WriteJSON(c, map[string]any{"groups": groups})
	}
	table := cli.NewTable("GROUP", "STATE", "PROTOCOL-TYPE", ">MEMBERS", ">COORDINATOR")
	for _, g := range groups {
		table.Add(g.Group, orDash(g.State), orDash(g.ProtocolType), number(int64(g.Members)), g.Coordinator)
	}
	return table.Write(c.OutOrStdout())
}

// countMembers asks for the groups' members.
func countMembers(ctx context.Context, admin *kadm.Client, found kadm.ListedGroups) ([]listedGroup, error) {
	groups := make([]listedGroup, 0, len(found))
	if len(found) == 0 { // asking for no group in particular would ask for all
		return groups, nil
	}
	described, err := admin.DescribeGroups(ctx, found.Groups()...)
	if partial(err) != nil {
		return nil, fmt.Errorf("describe groups: %w", err)
	}
	for _, g := range found.Sorted() {
		each := listedGroup{g.Group, g.State, g.ProtocolType, -1, g.Coordinator}
		if d, ok := described[g.Group]; ok && d.Err == nil {
			each.Members = len(d.Members)
		}
		groups = append(groups, each)
	}
	return groups, nil
}

// orDash returns a dash for a text that is empty.
func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// number writes a number of which those below 0 say that nobody knows it.
func number(n int64) string {
	if n < 0 {
		return "-"
	}
	return fmt.Sprint(n)
}
