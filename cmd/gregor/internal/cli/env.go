package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gregor-log/gregor/base"
)

// EnvPrefix begins the name of every environment variable.
const EnvPrefix = "GREGOR_"

// Annotations of flags.
const (
	// envAnnotation holds the name of a flag's variable.
	envAnnotation = "gregor_env"
	// sharedAnnotation marks a flag that means the same in all commands, and so has one variable for all.
	sharedAnnotation = "gregor_shared"
)

// Share gives flags one environment variable for all commands that have them: GREGOR_BROKERS rather than
// GREGOR_CONSUME_BROKERS.
func Share(flags *pflag.FlagSet, names ...string) {
	for _, name := range names {
		must(flags.SetAnnotation(name, sharedAnnotation, nil))
	}
}

// must holds what only a mistake in the definition of a command breaks.
func must(err error) {
	base.Assert(err == nil, "definition of a command: %v", err)
}

// Bind gives every flag of the commands below root its environment variable, and says so in the flag's help. It is
// called once, when all commands are in place.
func Bind(root *cobra.Command) {
	bindFlags(root, root.PersistentFlags())
	bindFlags(root, root.Flags())
	for _, c := range root.Commands() {
		Bind(c)
	}
}

func bindFlags(c *cobra.Command, flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" || f.Annotations[envAnnotation] != nil {
			return
		}
		name := envName(c, f)
		must(flags.SetAnnotation(f.Name, envAnnotation, []string{name}))
		f.Usage += " [$" + name + "]"
	})
}

// envName returns the variable of a flag: its command's words and its own, unless it is shared.
func envName(c *cobra.Command, f *pflag.Flag) string {
	_, shared := f.Annotations[sharedAnnotation]
	words := strings.Fields(c.CommandPath())[1:]
	if shared {
		words = nil
	}
	name := strings.Join(append(words, f.Name), "_")
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// EnvOf returns the name of the environment variable of a flag, "" before Bind.
func EnvOf(f *pflag.Flag) string {
	if names := f.Annotations[envAnnotation]; len(names) > 0 {
		return names[0]
	}
	return ""
}

// Apply sets the flags of a command that were not given from the environment. An empty variable counts as not set. The
// variable of a flag that may come more than once holds one value a line.
func Apply(c *cobra.Command) error {
	var err error
	c.Flags().VisitAll(func(f *pflag.Flag) {
		name := EnvOf(f)
		if err != nil || f.Changed || name == "" {
			return
		}
		text := os.Getenv(name)
		if text == "" {
			return
		}
		values := []string{text}
		if _, ok := f.Value.(pflag.SliceValue); ok {
			values = strings.Split(strings.TrimSpace(text), "\n")
		}
		for _, value := range values {
			if e := c.Flags().Set(f.Name, value); e != nil {
				err = Usagef("%s: %w", name, e)
			}
		}
	})
	if err != nil {
		return fmt.Errorf("environment variable %w", err)
	}
	return nil
}
