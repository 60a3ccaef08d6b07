package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// memberOutcome is what became of one member of a group.
type memberOutcome struct {
	Member   string `json:"member_id,omitempty"`
	Instance string `json:"instance_id,omitempty"`
	failure
}

// title implements reported.
func (o memberOutcome) title() string {
	if o.Instance != "" {
		return "instance " + o.Instance
	}
	return "member " + o.Member
}

// groupDeleteMembers is group delete-members.
type groupDeleteMembers struct {
	client             *clientFlags
	format             *cli.Choice
	members, instances []string
	reason             string
	all, yes, dry      bool
}

func newGroupDeleteMembersCommand() *cobra.Command {
	f := &groupDeleteMembers{}
	c := &cobra.Command{
		Use:   "delete-members GROUP",
		Short: "Remove members from a group, such as static ones that will not return",
		Example: "  gregor group delete-members billing --instance billing-3 --yes\n" +
			"  gregor group delete-members billing --all --yes",
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return f.run(c, args[0]) },
	}
	c.Flags().StringArrayVar(&f.members, "member", nil, "`id` of a member; repeatable")
	c.Flags().StringArrayVar(&f.instances, "instance", nil, "instance `id` of a static member; repeatable")
	c.Flags().BoolVarP(&f.all, "all", "a", false, "remove all members")
	c.Flags().StringVar(&f.reason, "reason", "removed with gregor group delete-members", "reason for the broker's log")
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVar(&f.dry, "dry-run", false, "say who would be removed, and remove nobody")
	f.format = cli.AddFormat(c)
	f.client = addClientFlags(c)
	c.ValidArgsFunction = completeGroups(f.client, 1)
	return c
}

func (f *groupDeleteMembers) run(c *cobra.Command, group string) error {
	if f.all == (len(f.members)+len(f.instances) > 0) {
		return cli.Usagef("expected --member, --instance or --all")
	}
	if !f.dry && !f.yes {
		if err := confirm(c, "Remove members of "+group+"?"); err != nil {
			return err
		}
	}
	client, err := f.client.connect(c)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(c.Context(), f.client.timeout)
	defer cancel()
	outcomes, err := f.choose(ctx, kadm.NewClient(client), group)
	if err != nil {
		return err
	}
	if !f.dry {
		if err := f.remove(ctx, client, group, outcomes); err != nil {
			return err
		}
	}
	done := "removed"
	if f.dry {
		done = "would be removed"
	}
	body := map[string]any{"group": group, "members": outcomes, "dry_run": f.dry}
	return report(c, f.format, outcomes, body, func(_ int, o memberOutcome) error {
		_, err := fmt.Fprintf(c.OutOrStdout(), "%s %s\n", o.title(), done)
		return err
	})
}

// choose returns the members that are meant, those with an error that the group does not have.
func (f *groupDeleteMembers) choose(ctx context.Context, admin *kadm.Client, group string) ([]memberOutcome, error) {
	described, err := admin.DescribeGroups(ctx, group)
	if err != nil {
		return nil, fmt.Errorf("describe group %s: %w", group, err)
	}
	var there groupOutcome
	there.Group = group
	there.failDescribed(described[group])
	if there.Error != "" {
		return nil, fmt.Errorf("group %s: %s: %s", group, there.Error, there.Message)
	}
	outcomes := []memberOutcome{}
	members, instances := map[string]bool{}, map[string]bool{}
	for _, m := range described[group].Members {
		members[m.MemberID] = true
		o := memberOutcome{Member: m.MemberID}
		if m.InstanceID != nil {
			o.Instance, instances[*m.InstanceID] = *m.InstanceID, true
		}
		if f.all {
			outcomes = append(outcomes, o)
		}
	}
	for _, id := range distinct(f.members) {
		o := memberOutcome{Member: id}
		if !members[id] {
			o.fail(kerr.UnknownMemberID, "")
		}
		outcomes = append(outcomes, o)
	}
	for _, id := range distinct(f.instances) {
		o := memberOutcome{Instance: id}
		if !instances[id] {
			o.fail(kerr.UnknownMemberID, "")
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, nil
}

// remove has the members that nothing is wrong with leave the group. Kafka's order of the answers is that of the
// request.
func (f *groupDeleteMembers) remove(
	ctx context.Context, client *kgo.Client, group string, outcomes []memberOutcome,
) error {
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group = group
	var asked []*memberOutcome
	for i := range outcomes {
		o := &outcomes[i]
		if o.Error != "" {
			continue
		}
		m := kmsg.NewLeaveGroupRequestMember()
		m.MemberID, m.Reason = o.Member, &f.reason
		if o.Instance != "" {
			m.InstanceID = &o.Instance
		}
		req.Members = append(req.Members, m)
		asked = append(asked, o)
	}
	if len(asked) == 0 {
		return nil
	}
	resp, err := req.RequestWith(ctx, client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return fmt.Errorf("remove members of %s: %w", group, err)
	}
	if len(resp.Members) != len(asked) {
		return fmt.Errorf("remove members of %s: got answers for %d, expected %d", group, len(resp.Members), len(asked))
	}
	for i, m := range resp.Members {
		asked[i].fail(kerr.ErrorForCode(m.ErrorCode), "")
	}
	return nil
}
