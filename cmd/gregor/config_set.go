package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// configAlter is config set and config delete.
type configAlter struct {
	client *clientFlags
	format *cli.Choice
	dry    bool
	// done is what happened: "set", "deleted".
	done string
	// read reads the arguments behind the entity.
	read func(args []string) ([]kadm.AlterConfig, error)
}

// alteredEntity is what became of the entity whose properties were altered.
type alteredEntity struct {
	entityOutcome
	Names []string `json:"names"`
}

// configSetHelp is the command's help.
const configSetHelp = `
Set properties of an entity: topic/NAME, broker/ID, broker/default (all brokers), logger/ID (a broker's log levels).

NAME+=VALUE adds values to a list, and NAME-=VALUE takes them from it. Either all properties are set or none. A broker
may take a name that it does not know; stderr tells of those, with the nearest one that it does.
`

func newConfigSetCommand() *cobra.Command {
	f := &configAlter{done: "set", read: readSettings}
	c := &cobra.Command{
		Use:   "set ENTITY NAME=VALUE...",
		Short: "Set properties",
		Long:  strings.TrimSpace(configSetHelp),
		Example: "  gregor config set topic/orders retention.ms=3600000 cleanup.policy+=compact\n" +
			"  gregor config set broker/default log.retention.ms=86400000 --dry-run",
		Args: arguments(cobra.MinimumNArgs(2)),
	}
	return f.complete(c, "have the broker check everything and set nothing")
}

func newConfigDeleteCommand() *cobra.Command {
	f := &configAlter{done: "deleted", read: readDeletions}
	c := &cobra.Command{
		Use:     "delete ENTITY NAME...",
		Short:   "Unset properties, so that they have again what stands behind",
		Example: "  gregor config delete topic/orders retention.ms",
		Args:    arguments(cobra.MinimumNArgs(2)),
	}
	return f.complete(c, "have the broker check everything and delete nothing")
}

// complete gives a command what set and delete share.
func (f *configAlter) complete(c *cobra.Command, dry string) *cobra.Command {
	c.Flags().BoolVar(&f.dry, "dry-run", false, dry)
	f.format = cli.AddFormat(c)
	f.client = addClientFlags(c)
	c.ValidArgsFunction = completeEntities(f.client, 1)
	c.RunE = f.run
	return c
}

// readSettings reads NAME=VALUE, NAME+=VALUE and NAME-=VALUE.
func readSettings(args []string) ([]kadm.AlterConfig, error) {
	pairs, err := parsePairs(args)
	if err != nil {
		return nil, cli.Usage(err)
	}
	var out []kadm.AlterConfig
	for _, kv := range pairs {
		a := kadm.AlterConfig{Op: kadm.SetConfig, Name: kv.Name, Value: kadm.StringPtr(kv.Value)}
		if name, ok := strings.CutSuffix(kv.Name, "+"); ok {
			a.Op, a.Name = kadm.AppendConfig, name
		} else if name, ok := strings.CutSuffix(kv.Name, "-"); ok {
			a.Op, a.Name = kadm.SubtractConfig, name
		}
		out = append(out, a)
	}
	return out, nil
}

// readDeletions reads names.
func readDeletions(args []string) ([]kadm.AlterConfig, error) {
	var out []kadm.AlterConfig
	for _, name := range distinct(args) {
		if strings.Contains(name, "=") {
			return nil, cli.Usagef("got %q, expected the name of a property", name)
		}
		out = append(out, kadm.AlterConfig{Op: kadm.DeleteConfig, Name: name})
	}
	return out, nil
}

func (f *configAlter) run(c *cobra.Command, args []string) error {
	e, err := parseEntity(args[0])
	if err != nil {
		return err
	}
	alterations, err := f.read(args[1:])
	if err != nil {
		return err
	}
	client, err := f.client.connect(c)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(c.Context(), f.client.timeout)
	defer cancel()
	changed := alteredEntity{}
	for _, a := range alterations {
		changed.Names = append(changed.Names, a.Name)
	}
	warn(c, ctx, client, e, changed.Names)
	if changed.entityOutcome, err = alterEntity(ctx, client, e, alterations, f.dry); err != nil {
		return err
	}
	done := f.done
	if f.dry {
		done = "would be " + done
	}
	things := []alteredEntity{changed}
	body := map[string]any{"entities": things, "dry_run": f.dry}
	return report(c, f.format, things, body, func(_ int, a alteredEntity) error {
		for _, name := range distinct(a.Names) {
			if _, err := fmt.Fprintf(c.OutOrStdout(), "%s %s %s\n", a.Entity, name, done); err != nil {
				return err
			}
		}
		return nil
	})
}

// warn tells of names that the broker does not know. It says nothing where it cannot find out: whether the names are
// right is the broker's to say.
func warn(c *cobra.Command, ctx context.Context, client *kgo.Client, e entity, names []string) {
	// Of all brokers, only what is set is told, so one of them is asked for what there is.
	asked := e
	if e == (entity{kind: kmsg.ConfigResourceTypeBroker}) {
		brokers, err := kadm.NewClient(client).ListBrokers(ctx)
		if err != nil || len(brokers) == 0 {
			return
		}
		asked.name = fmt.Sprint(slices.Min(brokers.NodeIDs()))
	}
	found, err := describeEntities(ctx, client, []entity{asked}, false)
	if err != nil || found[0].Error != "" {
		return
	}
	for _, name := range unknownNames(names, found[0].Configs) {
		cli.Notef(c, "gregor: %s: %v", e, errUnknownProperty(name, found[0].Configs))
	}
}
