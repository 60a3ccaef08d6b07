package cli

import (
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/gregor-log/gregor/base"
)

// AddLogLevel adds --log-level to a command.
func AddLogLevel(c *cobra.Command, otherwise string) *Choice {
	choice := AddChoice(c, "log-level", "least level of the lines to log", otherwise,
		[]string{"debug", "info", "warn", "error"})
	Share(c.Flags(), "log-level")
	return choice
}

// NewLogger returns a logger for a stream: text on a terminal, one JSON object a line otherwise.
func NewLogger(w io.Writer, level string) *slog.Logger {
	o := &slog.HandlerOptions{Level: levelOf(level)}
	if IsTerminal(w) {
		return slog.New(slog.NewTextHandler(w, o))
	}
	return slog.New(slog.NewJSONHandler(w, o))
}

// levelOf returns the level of one of --log-level's words.
func levelOf(name string) slog.Level {
	var level slog.Level
	err := level.UnmarshalText([]byte(name))
	base.Assert(err == nil, "log level %q: %v", name, err)
	return level
}
