package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/magiconair/properties"
	"github.com/spf13/cobra"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/vfs"
)

// brokerFlags are the flags of gregor broker.
type brokerFlags struct {
	file, clusterID string
	overrides       []string
	check           bool
	shutdown        time.Duration
	level, format   *cli.Choice
}

// brokerHelp is the command's help.
const brokerHelp = `
Run a broker with a server.properties of Kafka's own property names until SIGTERM or SIGINT.

Properties of features that gregor does not have yet are accepted with a line of the log; unknown ones are a warning
with the nearest known name, and an error with --check-config. Empty log directories are formatted. Logs go to stderr:
text on a terminal, one JSON object a line otherwise. SIGHUP reads the file anew: what may change while a broker runs
takes effect, what may not is named in the log.

The exit code is 2 for a configuration that is not valid, and 1 for a log directory that cannot be used (locked,
read-only, full, of another node or cluster; it is left as it was) or an address in use. A second signal ends the
broker at once, with 130 or 143.
`

func newBrokerCommand() *cobra.Command {
	f := &brokerFlags{}
	c := &cobra.Command{
		Use:   "broker -c FILE",
		Short: "Run a broker with Kafka's own properties",
		Long:  strings.TrimSpace(brokerHelp),
		Example: "  gregor broker -c server.properties --override log.dirs=data\n" +
			"  gregor broker -c server.properties --check-config",
		Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c) },
	}
	c.Flags().StringVarP(&f.file, "config", "c", "", "file of properties")
	c.Flags().StringArrayVar(&f.overrides, "override", nil, "property `name=value`, before the file's; repeatable")
	c.Flags().StringVar(&f.clusterID, "cluster-id", "", "id to give to empty log directories, and to expect in others")
	c.Flags().BoolVar(&f.check, "check-config", false, "check the properties, unknown ones being errors, and exit")
	c.Flags().DurationVar(&f.shutdown, "shutdown-timeout", shutdownTimeout, "how long clients have to end at a stop")
	f.level = cli.AddLogLevel(c, "info")
	f.format = cli.AddFormat(c)
	return c
}

func (f *brokerFlags) run(c *cobra.Command) error {
	began := time.Now()
	if f.file == "" {
		return cli.Usagef("name a file of properties with -c; gregor dev runs a broker without one")
	}
	pairs, err := f.pairs()
	if err != nil {
		return cli.Usage(err)
	}
	cfg, notices, err := config.ParseBroker(pairs)
	if f.check {
		return f.report(c, notices, err)
	}
	if f.shutdown <= 0 {
		return cli.Usagef("--shutdown-timeout %v: expected more than 0s", f.shutdown)
	}
	log := cli.NewLogger(c.ErrOrStderr(), f.level.String())
	reload := &reloader{log: log, pairs: f.pairs}
	if !c.Flags().Changed("log-level") {
		reload.level = func(name string) { cli.SetLevel(log, cmp.Or(name, f.level.String())) }
	}
	if cfg != nil && reload.level != nil {
		reload.level(cfg.LogLevel())
	}
	logNotices(log, notices)
	if err != nil {
		return cli.Usage(fmt.Errorf("%s: %w", f.file, err))
	}
	tuneProcess(false)
	err = serve(c.Context(), serving{
		cfg: cfg, fs: vfs.NewOS(), log: log, began: began, reload: reload, shutdown: f.shutdown,
	})
	return startError(c.Context(), err)
}

// startError gives an error of the configuration that only showed at the start its exit code.
func startError(ctx context.Context, err error) error {
	if errors.Is(err, config.ErrInvalidConfig) && ctx.Err() == nil {
		return cli.Usage(err)
	}
	return err
}

// pairs reads the file and adds what the flags say.
func (f *brokerFlags) pairs() ([]config.KV, error) {
	loader := properties.Loader{Encoding: properties.ISO_8859_1, DisableExpansion: true}
	file, err := loader.LoadFile(f.file)
	if err != nil {
		return nil, err
	}
	var pairs []config.KV
	for _, name := range file.Keys() {
		pairs = append(pairs, config.KV{Name: name, Value: file.GetString(name, "")})
	}
	more, err := parsePairs(f.overrides)
	if err != nil {
		return nil, err
	}
	pairs = append(pairs, more...)
	if f.clusterID != "" {
		pairs = append(pairs, config.KV{Name: "gregor.cluster.id", Value: f.clusterID})
	}
	return pairs, nil
}

// parsePairs reads name=value texts.
func parsePairs(texts []string) ([]config.KV, error) {
	var pairs []config.KV
	for _, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, fmt.Errorf("got property %q, expected name=value", text)
		}
		pairs = append(pairs, config.KV{Name: name, Value: value})
	}
	return pairs, nil
}

// logNotices tells of properties that do not do what they may be expected to.
func logNotices(log *slog.Logger, notices []config.Notice) {
	for _, n := range notices {
		level := slog.LevelInfo
		if n.Kind == config.UnknownName || n.Kind == config.Removed {
			level = slog.LevelWarn
		}
		log.Log(context.Background(), level, n.Text, "property", n.Name)
	}
}

// noticeKinds are the names of notices in JSON.
var noticeKinds = map[config.NoticeKind]string{
	config.UnknownName: "unknown", config.Removed: "removed", config.Awaited: "awaited", config.Unused: "unused",
	config.Skipped: "skipped",
}

// checked is one notice or error in the report of --check-config.
type checked struct {
	Kind     string `json:"kind"`
	Property string `json:"property,omitempty"`
	Text     string `json:"text"`
}

// report prints what --check-config found.
func (f *brokerFlags) report(c *cobra.Command, notices []config.Notice, bad error) error {
	report := struct {
		File   string    `json:"file"`
		Valid  bool      `json:"valid"`
		Errors []checked `json:"errors"`
		Notes  []checked `json:"notes"`
	}{File: f.file, Errors: []checked{}, Notes: []checked{}}
	for _, err := range unjoin(bad) {
		report.Errors = append(report.Errors, checked{Kind: "invalid", Text: err.Error()})
	}
	for _, n := range notices {
		each := checked{Kind: noticeKinds[n.Kind], Property: n.Name, Text: n.Text}
		if n.Kind == config.UnknownName || n.Kind == config.Removed {
			report.Errors = append(report.Errors, each)
		} else {
			report.Notes = append(report.Notes, each)
		}
	}
	report.Valid = len(report.Errors) == 0
	if f.format.String() == cli.JSON {
		if err := cli.WriteJSON(c, report); err != nil {
			return err
		}
		return cli.Exit(map[bool]int{true: cli.CodeOK, false: cli.CodeUsage}[report.Valid])
	}
	out := c.OutOrStdout()
	for _, e := range report.Errors {
		fmt.Fprintf(out, "error: %s\n", e.Text)
	}
	for _, n := range report.Notes {
		fmt.Fprintf(out, "note: %s\n", n.Text)
	}
	if !report.Valid {
		fmt.Fprintf(out, "%s: %d errors\n", f.file, len(report.Errors))
		return cli.Exit(cli.CodeUsage)
	}
	fmt.Fprintf(out, "%s: ok\n", f.file)
	return nil
}

// unjoin returns the errors that one error joins.
func unjoin(err error) []error {
	var many interface{ Unwrap() []error }
	switch {
	case err == nil:
		return nil
	case errors.As(err, &many):
		return many.Unwrap()
	}
	return []error{err}
}
