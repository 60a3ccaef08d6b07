package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// eachCommand calls visit for every command.
func eachCommand(c *cobra.Command, visit func(*cobra.Command)) {
	visit(c)
	for _, below := range c.Commands() {
		eachCommand(below, visit)
	}
}

// TestVariables wants of every flag an environment variable, in its help and in no other flag's unless they are shared,
// and that the variable sets it.
func TestVariables(t *testing.T) {
	owners, flags := map[string]string{}, 0
	eachCommand(newRootCommand(), func(c *cobra.Command) {
		c.InitDefaultHelpFlag()
		help := c.UsageString()
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Name == "help" {
				return
			}
			flags++
			name := cli.EnvOf(f)
			if !strings.HasPrefix(name, "GREGOR_") || !strings.Contains(help, "[$"+name+"]") {
				t.Errorf("%s --%s: got variable %q, expected one that the help names", c.CommandPath(), f.Name, name)
			}
			if owner := owners[name]; owner != "" && owner != f.Name {
				t.Errorf("%s belongs to --%s and to --%s", name, owner, f.Name)
			}
			owners[name] = f.Name
			command := strings.ToUpper(strings.ReplaceAll(c.Name(), "-", "_"))
			if strings.Count(name, "_") > 1 && !strings.Contains(name, command) &&
				name != "GREGOR_LOG_LEVEL" && name != "GREGOR_NO_PROGRESS" {
				t.Errorf("%s --%s: got %s, expected the command's name in it", c.CommandPath(), f.Name, name)
			}
		})
	})
	if flags < 180 {
		t.Errorf("got %d flags, expected all of them", flags)
	}
	t.Setenv("GREGOR_CONSUME_OFFSET", "nonsense")
	if r := gregor(t, "", "consume", "t"); r.code != cli.CodeUsage || !strings.Contains(r.errs, `"nonsense"`) {
		t.Errorf("got %+v, expected the variable's value to be refused", r)
	}
	t.Setenv("GREGOR_TOPIC_CREATE_PARTITIONS", "many")
	r := gregor(t, "", "topic", "create", "t")
	if r.code != cli.CodeUsage || !strings.Contains(r.errs, "GREGOR_TOPIC_CREATE_PARTITIONS") {
		t.Errorf("got %+v, expected an error that names the variable", r)
	}
}

// TestBootstrapServer wants --bootstrap-server wherever a command has --brokers for addresses.
func TestBootstrapServer(t *testing.T) {
	commands := 0
	eachCommand(newRootCommand(), func(c *cobra.Command) {
		f := c.Flags().Lookup("brokers")
		if f == nil || f.Value.Type() != "stringSlice" {
			return
		}
		commands++
		err := c.ParseFlags([]string{"--bootstrap-server", "h:1,h:2"})
		if err != nil || f.Value.String() != "[h:1,h:2]" {
			t.Errorf("%s: got %s and %v", c.CommandPath(), f.Value, err)
		}
		if !strings.Contains(f.Usage, "--bootstrap-server") {
			t.Errorf("%s: the help does not tell of --bootstrap-server", c.CommandPath())
		}
	})
	if commands != 23 {
		t.Errorf("got %d commands with --brokers, expected 23", commands)
	}
}

// TestHelp wants of every command one line on what it does, and of those that do something more than that one form of
// output the flag for it.
func TestHelp(t *testing.T) {
	eachCommand(newRootCommand(), func(c *cobra.Command) {
		if c.Short == "" || strings.HasSuffix(c.Short, ".") || len(c.Short) > 80 {
			t.Errorf("%s: got the line %q, expected up to 80 characters and no full stop", c.CommandPath(), c.Short)
		}
		plain := []string{"gregor", "topic", "log", "check", "help", "completion", "sim", "group", "config", "cluster"}
		if c.Flags().Lookup("format") == nil && !slices.Contains(plain, c.Name()) && c.Parent() != nil &&
			c.Parent().Name() != "sim" && !c.Hidden {
			t.Errorf("%s: there is no --format", c.CommandPath())
		}
	})
	if out := ok(t, ""); !strings.Contains(out, "Brokers:") || !strings.Contains(out, "produce") {
		t.Errorf("gregor alone: got %s", out)
	}
	if out := ok(t, "", "help", "consume"); out != ok(t, "", "consume", "--help") {
		t.Error("help consume and consume --help differ")
	}
}

// TestCompletionScripts makes scripts for all shells.
func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if out := ok(t, "", "completion", shell); len(out) < 2000 || !strings.Contains(out, "gregor") {
			t.Errorf("%s: got %d bytes", shell, len(out))
		}
	}
}

// TestVersion tells of the build and the APIs.
func TestVersion(t *testing.T) {
	for _, out := range []string{ok(t, "", "version"), ok(t, "", "version", "--format", "json")} {
		for _, want := range []string{"version", "commit", "go1", "Produce", "ApiVersions", "InitProducerId"} {
			if !strings.Contains(strings.Replace(out, "gregor  ", "version ", 1), want) {
				t.Errorf("there is no %q in\n%s", want, out)
			}
		}
	}
	apis, err := servedAPIs()
	if err != nil || len(apis) < 15 ||
		apis[0] != (servedAPI{Key: 0, Name: "Produce", Min: apis[0].Min, Max: apis[0].Max}) {
		t.Errorf("got %v and %v", apis, err)
	}
}
