package main

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// topicDelete is topic delete.
type topicDelete struct {
	client            *clientFlags
	format            *cli.Choice
	yes, dry, ifThere bool
}

func newTopicDeleteCommand() *cobra.Command {
	f := &topicDelete{}
	c := &cobra.Command{
		Use:   "delete TOPIC...",
		Short: "Delete topics with all their records",
		Args:  arguments(cobra.MinimumNArgs(1)),
		RunE:  f.run,
	}
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVar(&f.dry, "dry-run", false, "say what would be deleted, and delete nothing")
	c.Flags().BoolVar(&f.ifThere, "if-exists", false, "a topic that does not exist is no error")
	f.format = cli.AddFormat(c)
	f.client = addClientFlags(c)
	c.ValidArgsFunction = completeTopics(f.client, manyNames)
	return c
}

func (f *topicDelete) run(c *cobra.Command, topics []string) error {
	topics = distinct(topics)
	if !f.dry && !f.yes {
		if err := confirm(c, "Delete "+strings.Join(topics, ", ")+" with all records?"); err != nil {
			return err
		}
	}
	admin, ctx, end, err := f.client.admin(c)
	if err != nil {
		return err
	}
	defer end()
	var errs map[string]error
	if f.dry {
		errs, err = missing(admin.ListTopicsWithInternal(ctx, topics...))
	} else {
		errs, err = deleted(admin.DeleteTopics(ctx, topics...))
	}
	if err != nil {
		return fmt.Errorf("delete topics: %w", err)
	}
	outcomes := make([]outcome, 0, len(topics))
	for _, name := range topics {
		o := outcome{Topic: name}
		if err := errs[name]; f.ifThere && errors.Is(err, kerr.UnknownTopicOrPartition) {
			o.Unchanged = "does not exist"
		} else {
			o.fail(err, "")
		}
		outcomes = append(outcomes, o)
	}
	return printOutcomes(c, f.format, outcomes, "deleted", f.dry)
}

// missing returns the error of each topic that cannot be described.
func missing(details kadm.TopicDetails, err error) (map[string]error, error) {
	errs := make(map[string]error)
	for name, d := range details {
		errs[name] = d.Err
	}
	return errs, err
}

// deleted returns the error of each topic that was not deleted.
func deleted(responses kadm.DeleteTopicResponses, err error) (map[string]error, error) {
	errs := make(map[string]error)
	for name, r := range responses {
		errs[name] = r.Err
	}
	return errs, err
}

// confirm asks on the terminal. Where there is none, it refuses: what cannot be undone wants --yes.
func confirm(c *cobra.Command, question string) error {
	if !cli.IsTerminal(c.InOrStdin()) || !cli.IsTerminal(c.ErrOrStderr()) {
		return cli.Usagef("%s cannot be undone: confirm with --yes, or look with --dry-run", c.CommandPath())
	}
	fmt.Fprintf(c.ErrOrStderr(), "%s [y/N] ", question)
	answer, err := bufio.NewReader(c.InOrStdin()).ReadString('\n')
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return fmt.Errorf("nothing was done")
}
