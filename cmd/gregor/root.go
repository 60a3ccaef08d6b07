package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// The groups of commands in help.
const (
	groupServe   = "serve"
	groupClient  = "client"
	groupInspect = "inspect"
	groupOther   = "other"
)

// commands are all commands, by group, in the order of help.
var commands = []struct {
	group string
	make  func() *cobra.Command
}{
	{groupServe, newDevCommand},
	{groupServe, newBrokerCommand},
	{groupClient, newTopicCommand},
	{groupClient, newGroupCommand},
	{groupClient, newConfigCommand},
	{groupClient, newClusterCommand},
	{groupClient, newProduceCommand},
	{groupClient, newConsumeCommand},
	{groupInspect, newLogCommand},
	{groupInspect, newSimCommand},
	{groupInspect, newVerifyCommand},
	{groupInspect, newBenchCommand},
	{groupInspect, newReportCommand},
	{groupInspect, newCheckCommand},
	{groupOther, newCompletionCommand},
	{groupOther, newVersionCommand},
}

// newRootCommand makes the whole tree of commands.
func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "gregor",
		Short: "A Kafka wire-compatible broker to read, measure and prove",
		Long: "gregor is a broker that speaks the Kafka protocol, with its tools, in one binary.\n" +
			"It is not affiliated with the Apache Software Foundation.",
		Example: "  gregor dev                                a broker with nothing to configure\n" +
			"  echo hello | gregor produce first         in another terminal: a first record\n" +
			"  gregor consume first -o start -e          read it back",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noSuchCommand,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			return cli.Apply(c)
		},
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return cli.Usage(err) })
	root.AddGroup(
		&cobra.Group{ID: groupServe, Title: "Brokers:"},
		&cobra.Group{ID: groupClient, Title: "Topics and records:"},
		&cobra.Group{ID: groupInspect, Title: "Looking inside and checking:"},
		&cobra.Group{ID: groupOther, Title: "Other:"},
	)
	root.SetHelpCommandGroupID(groupOther)
	for _, each := range commands {
		c := each.make()
		c.GroupID = each.group
		root.AddCommand(c)
	}
	cli.Bind(root)
	return root
}

// newGroup makes a command that only holds others; alone it prints its help.
func newGroup(use, short string, below ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  noSuchCommand,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(below...)
	return c
}

// noSuchCommand refuses arguments of a command that only holds others, and names the nearest of those.
func noSuchCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("unknown command %q for %q", args[0], c.CommandPath())
	if c.SuggestionsMinimumDistance <= 0 {
		c.SuggestionsMinimumDistance = 2
	}
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		text += ", did you mean " + cli.Alternatives(near) + "?"
	}
	return cli.Usagef("%s", text)
}

// arguments makes a wrong number of arguments a usage error.
func arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		return cli.Usage(check(c, args))
	}
}
