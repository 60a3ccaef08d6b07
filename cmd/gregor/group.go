package main

import (
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

func newGroupCommand() *cobra.Command {
	return newGroup("group", "List, describe and delete consumer groups, and reset their offsets",
		newGroupListCommand(), newGroupDescribeCommand(), newGroupDeleteCommand(), newGroupResetCommand(),
		newGroupDeleteOffsetsCommand(), newGroupDeleteMembersCommand())
}

// The states of groups that matter here.
const (
	stateDead  = "Dead"
	stateEmpty = "Empty"
)

// groupStates are the states of groups of all types in Kafka's words.
var groupStates = []string{
	"PreparingRebalance", "CompletingRebalance", "Stable", stateDead, stateEmpty, "Assigning", "Reconciling",
	"NotReady",
}

// parseStates reads names of states in any case, as Kafka's tool does.
func parseStates(names []string) ([]string, error) {
	var out []string
	for _, name := range names {
		i := slices.IndexFunc(groupStates, func(s string) bool { return strings.EqualFold(s, name) })
		if i < 0 {
			return nil, fmt.Errorf("got state %q, expected %s", name, cli.Alternatives(groupStates))
		}
		out = append(out, groupStates[i])
	}
	return out, nil
}

// failDescribed notes why a group could not be described. One that there is not was Dead, and no error, before version
// 6 of DescribeGroups (KIP-1043).
func (o *groupOutcome) failDescribed(g kadm.DescribedGroup) {
	if g.Err == nil && g.State == stateDead && len(g.Members) == 0 {
		g.Err, g.ErrMessage = kerr.GroupIDNotFound, fmt.Sprintf("Group %s not found.", o.Group)
	}
	o.fail(g.Err, g.ErrMessage)
}

// partial returns an error unless it is one of some brokers only, or of a few requests, which stand in the answer.
func partial(err error) error {
	var some *kadm.ShardErrors
	if errors.As(err, &some) && !some.AllFailed {
		return nil
	}
	return err
}

// completeGroups offers the ids of groups that a command's arguments may be.
func completeGroups(f *clientFlags, most int) cobra.CompletionFunc {
	return completeNames(f, most, func(ctx context.Context, admin *kadm.Client) ([]string, error) {
		groups, err := admin.ListGroups(ctx)
		return groups.Groups(), partial(err)
	})
}
