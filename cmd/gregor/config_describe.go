package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// configDescribe is config list and config describe.
type configDescribe struct {
	client       *clientFlags
	format       *cli.Choice
	names        []string
	all, verbose bool
}

func newConfigListCommand() *cobra.Command {
	f := &configDescribe{}
	c := &cobra.Command{
		Use:     "list [ENTITY...]",
		Aliases: []string{"ls"},
		Short:   "List what is set on topics and brokers, of all or of some",
		Args:    arguments(cobra.ArbitraryArgs),
		RunE:    f.list,
	}
	f.format = cli.AddFormat(c)
	f.client = addClientFlags(c)
	c.ValidArgsFunction = completeEntities(f.client, manyNames)
	return c
}

// configDescribeHelp is the command's help.
const configDescribeHelp = `
Print properties of entities with the sources of their values:

  topic/NAME, broker/ID, broker/default (all brokers), logger/ID (a broker's log levels)

Without --all those are printed that are set on the entity itself; of loggers all levels. With --verbose there are also
types, documentation, and the values behind each, of which the first counts that is there.
`

func newConfigDescribeCommand() *cobra.Command {
	f := &configDescribe{}
	c := &cobra.Command{
		Use:   "describe ENTITY...",
		Short: "Describe properties, with the sources of their values",
		Long:  strings.TrimSpace(configDescribeHelp),
		Example: "  gregor config describe topic/orders --all\n" +
			"  gregor config describe broker/1 --verbose --name log.retention.ms\n" +
			"  gregor config describe broker/default logger/1",
		Args: arguments(cobra.MinimumNArgs(1)),
		RunE: f.run,
	}
	c.Flags().BoolVarP(&f.all, "all", "a", false, "show all properties, not only those set on the entity")
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "show types, documentation and the values behind each")
	c.Flags().StringArrayVarP(&f.names, "name", "n", nil, "show the property of this `name` only; repeatable")
	f.format = cli.AddFormat(c)
	f.client = addClientFlags(c)
	c.ValidArgsFunction = completeEntities(f.client, manyNames)
	return c
}

func (f *configDescribe) run(c *cobra.Command, args []string) error {
	entities, err := parseEntities(args)
	if err != nil {
		return err
	}
	return f.ask(c, func(ctx context.Context, client *kgo.Client) error {
		found, err := describeEntities(ctx, client, entities, f.verbose)
		if err != nil {
			return err
		}
		for i := range found {
			f.choose(&found[i])
		}
		return report(c, f.format, found, map[string]any{"entities": found}, func(i int, d describedEntity) error {
			if i > 0 {
				fmt.Fprintln(c.OutOrStdout())
			}
			return f.write(c, d)
		})
	})
}

// ask connects and calls run with the time that is left.
func (f *configDescribe) ask(c *cobra.Command, run func(context.Context, *kgo.Client) error) error {
	client, err := f.client.connect(c)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(c.Context(), f.client.timeout)
	defer cancel()
	return run(ctx, client)
}

// choose keeps the properties that are wanted. A name that there is none of is an error.
func (f *configDescribe) choose(d *describedEntity) {
	for _, name := range f.names {
		if !slices.ContainsFunc(d.Configs, func(p property) bool { return p.Name == name }) {
			d.fail(kerr.InvalidConfig, errUnknownProperty(name, d.Configs).Error())
		}
	}
	loggers := strings.HasPrefix(d.Entity, "logger/")
	d.Configs = slices.DeleteFunc(d.Configs, func(p property) bool {
		if len(f.names) > 0 {
			return !slices.Contains(f.names, p.Name)
		}
		return !f.all && !loggers && p.Source != d.own.String()
	})
}

// write prints an entity for people.
func (f *configDescribe) write(c *cobra.Command, d describedEntity) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", d.Entity)
	for _, p := range d.Configs {
		fmt.Fprintf(&b, "  %s=%s (%s)\n", p.Name, shown(p.Value, p.Sensitive), p.marks(f.verbose))
		if !f.verbose {
			continue
		}
		for _, s := range p.Synonyms {
			fmt.Fprintf(&b, "    %s %s=%s\n", s.Source, s.Name, shown(s.Value, p.Sensitive))
		}
		if p.About != "" {
			fmt.Fprintf(&b, "    # %s\n", strings.Join(strings.Fields(p.About), " "))
		}
	}
	_, err := fmt.Fprint(c.OutOrStdout(), b.String())
	return err
}

// marks writes what stands behind a property's value.
func (p property) marks(verbose bool) string {
	marks := []string{p.Source}
	if verbose {
		marks = append(marks, p.Type)
	}
	if verbose && p.ReadOnly {
		marks = append(marks, "read-only")
	}
	return strings.Join(marks, ", ")
}

// shown writes a value that may be hidden, or not there.
func shown(value *string, sensitive bool) string {
	switch {
	case value != nil:
		return *value
	case sensitive:
		return "(hidden)"
	}
	return "(null)"
}

// list prints one line for each property that is set on an entity.
func (f *configDescribe) list(c *cobra.Command, args []string) error {
	entities, err := parseEntities(args)
	if err != nil {
		return err
	}
	return f.ask(c, func(ctx context.Context, client *kgo.Client) error {
		if len(entities) == 0 {
			if entities, err = allEntities(ctx, kadm.NewClient(client), false); err != nil {
				return err
			}
		}
		found, err := describeEntities(ctx, client, entities, false)
		if err != nil {
			return err
		}
		table := cli.NewTable("ENTITY", "NAME", "VALUE")
		set := found[:0]
		for _, d := range found {
			d.Configs = slices.DeleteFunc(d.Configs, func(p property) bool { return p.Source != d.own.String() })
			if len(d.Configs) > 0 || d.Error != "" {
				set = append(set, d)
			}
			for _, p := range d.Configs {
				table.Add(d.Entity, p.Name, shown(p.Value, p.Sensitive))
			}
		}
		err = report(c, f.format, set, map[string]any{"entities": set}, func(int, describedEntity) error { return nil })
		if f.format.String() == cli.JSON {
			return err
		}
		if written := table.Write(c.OutOrStdout()); written != nil {
			return written
		}
		return err
	})
}
