package cli

import (
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/config"
)

// AddLogLevel adds --log-level to a command.
func AddLogLevel(c *cobra.Command, otherwise string) *Choice {
	choice := AddChoice(c, "log-level", "least level of the lines to log", otherwise,
		[]string{"debug", "info", "warn", "error"})
	Share(c.Flags(), "log-level")
	return choice
}

// NewLogger returns a logger for a stream: text on a terminal, one JSON object a line otherwise. It is the root of
// loggers whose levels may change while a broker runs (config.LoggersOf). Values of what is named like a secret are
// not shown.
func NewLogger(w io.Writer, level string) *slog.Logger {
	const everything = slog.LevelDebug - 4 // the loggers' own levels decide
	o := &slog.HandlerOptions{Level: everything, ReplaceAttr: redact}
	var handler slog.Handler = slog.NewJSONHandler(w, o)
	if IsTerminal(w) {
		handler = slog.NewTextHandler(w, o)
	}
	return config.NewLoggers(levelOf(level), handler).Logger("root")
}

// SetLevel changes the least level of the lines of a logger that NewLogger made, to one of --log-level's words.
func SetLevel(log *slog.Logger, level string) {
	name := strings.ToUpper(level)
	err := config.LoggersOf(log).Alter([]config.Op{{Name: "root", Kind: config.OpSet, Value: &name}}, false)
	base.Assert(err == nil, "log level %q: %v", level, err)
}

// secrets are parts of the names of attributes whose values are never shown.
var secrets = []string{"password", "secret", "jaas", "token"}

// redact hides the values of secrets. None is logged on purpose; this is for the day on which one is by mistake.
func redact(_ []string, a slog.Attr) slog.Attr {
	name := strings.ToLower(a.Key)
	if slices.ContainsFunc(secrets, func(s string) bool { return strings.Contains(name, s) }) {
		a.Value = slog.StringValue("[hidden]")
	}
	return a
}

// levelOf returns the level of one of --log-level's words.
func levelOf(name string) slog.Level {
	var level slog.Level
	err := level.UnmarshalText([]byte(name))
	base.Assert(err == nil, "log level %q: %v", name, err)
	return level
}
