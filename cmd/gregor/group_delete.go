package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// groupDelete is group delete.
type groupDelete struct {
	client            *clientFlags
	format            *cli.Choice
	yes, dry, ifThere bool
}

func newGroupDeleteCommand() *cobra.Command {
	f := &groupDelete{}
	c := &cobra.Command{
		Use:   "delete GROUP...",
		Short: "Delete groups without members, with all their offsets",
		Args:  arguments(cobra.MinimumNArgs(1)),
		RunE:  f.run,
	}
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVar(&f.dry, "dry-run", false, "say what would be deleted, and delete nothing")
	c.Flags().BoolVar(&f.ifThere, "if-exists", false, "a group that does not exist is no error")
	f.format = cli.AddFormat(c)
	f.client = addClientFlags(c)
	c.ValidArgsFunction = completeGroups(f.client, manyNames)
	return c
}

func (f *groupDelete) run(c *cobra.Command, names []string) error {
	names = distinct(names)
	if !f.dry && !f.yes {
		if err := confirm(c, "Delete "+strings.Join(names, ", ")+" with all offsets?"); err != nil {
			return err
		}
	}
	admin, ctx, end, err := f.client.admin(c)
	if err != nil {
		return err
	}
	defer end()
	outcomes := make([]groupOutcome, len(names))
	for i, name := range names {
		outcomes[i].Group = name
	}
	if f.dry {
		err = f.foresee(ctx, admin, names, outcomes)
	} else {
		err = f.delete(ctx, admin, names, outcomes)
	}
	if err != nil {
		return err
	}
	return f.print(c, outcomes)
}

// delete deletes the groups.
func (f *groupDelete) delete(ctx context.Context, admin *kadm.Client, names []string, outcomes []groupOutcome) error {
	responses, err := admin.DeleteGroups(ctx, names...)
	if partial(err) != nil {
		return fmt.Errorf("delete groups: %w", err)
	}
	for i := range outcomes {
		o := &outcomes[i]
		r, ok := responses[o.Group]
		switch {
		case !ok:
			o.fail(cmp.Or(err, errors.New("the broker did not answer for this group")), "")
		case f.ifThere && errors.Is(r.Err, kerr.GroupIDNotFound):
			o.Unchanged = "does not exist"
		default:
			o.fail(r.Err, "")
		}
	}
	return nil
}

// foresee says what deleting would do.
func (f *groupDelete) foresee(ctx context.Context, admin *kadm.Client, names []string, outcomes []groupOutcome) error {
	described, err := admin.DescribeGroups(ctx, names...)
	if partial(err) != nil {
		return fmt.Errorf("describe groups: %w", err)
	}
	for i := range outcomes {
		o := &outcomes[i]
		d, ok := described[o.Group]
		if !ok {
			d.Err = cmp.Or(err, errors.New("the broker did not answer for this group"))
		}
		o.failDescribed(d)
		if f.ifThere && o.Error == kerr.GroupIDNotFound.Message {
			o.failure, o.Unchanged = failure{}, "does not exist"
		}
		if len(d.Members) > 0 {
			o.fail(kerr.NonEmptyGroup, "")
		}
	}
	return nil
}

func (f *groupDelete) print(c *cobra.Command, outcomes []groupOutcome) error {
	done := "deleted"
	if f.dry {
		done = "would be deleted"
	}
	body := map[string]any{"groups": outcomes, "dry_run": f.dry}
	return report(c, f.format, outcomes, body, func(_ int, o groupOutcome) error {
		_, err := fmt.Fprintf(c.OutOrStdout(), "%s %s\n", o.Group, cmp.Or(o.Unchanged, done))
		return err
	})
}
