package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
)

// defaultBrokers is where clients look for a broker if they are not told.
const defaultBrokers = "127.0.0.1:9092"

// clientFlags are the flags of every command that talks to brokers.
type clientFlags struct {
	brokers []string
	timeout time.Duration
	level   *cli.Choice
}

func addClientFlags(c *cobra.Command) *clientFlags {
	f := &clientFlags{}
	c.Flags().StringSliceVarP(&f.brokers, "brokers", "b", []string{defaultBrokers},
		"`host:port` of brokers to begin with, separated by commas; also --bootstrap-server")
	c.Flags().DurationVar(&f.timeout, "timeout", 10*time.Second, "how long to wait for brokers")
	f.level = cli.AddLogLevel(c, "error")
	cli.Share(c.Flags(), "brokers", "timeout")
	c.Flags().SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "bootstrap-server" {
			name = "brokers"
		}
		return pflag.NormalizedName(name)
	})
	return f
}

// connect makes a client and sees to it that a broker answers.
func (f *clientFlags) connect(c *cobra.Command, more ...kgo.Opt) (*kgo.Client, error) {
	client, err := f.client(c, more...)
	if err != nil {
		return nil, err
	}
	if err := f.reach(c.Context(), client); err != nil {
		client.Close()
		return nil, err
	}
	return client, nil
}

// client makes a client that has not asked anything yet.
func (f *clientFlags) client(c *cobra.Command, more ...kgo.Opt) (*kgo.Client, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	o := append([]kgo.Opt{
		kgo.SeedBrokers(f.brokers...),
		kgo.ClientID("gregor"),
		kgo.SoftwareNameAndVersion("gregor", softwareVersion()),
		kgo.DialTimeout(f.timeout),
		// A topic that was just created is looked for again soon.
		kgo.MetadataMinAge(100 * time.Millisecond),
		kgo.WithLogger(clientLog{cli.NewLogger(c.ErrOrStderr(), f.level.String())}),
	}, more...)
	client, err := kgo.NewClient(o...)
	if err != nil {
		return nil, cli.Usage(err)
	}
	return client, nil
}

// reach asks whether a broker answers.
func (f *clientFlags) reach(ctx context.Context, client *kgo.Client) error {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	if err := client.Ping(ctx); err != nil {
		return f.unreachable(err)
	}
	return nil
}

// admin makes an administrator's client, and a context that the command's timeout ends.
func (f *clientFlags) admin(c *cobra.Command) (*kadm.Client, context.Context, func(), error) {
	client, err := f.connect(c)
	if err != nil {
		return nil, nil, nil, err
	}
	ctx, cancel := context.WithTimeout(c.Context(), f.timeout)
	admin := kadm.NewClient(client)
	admin.SetTimeoutMillis(int32(min(f.timeout.Milliseconds(), 1<<31-1)))
	return admin, ctx, func() { cancel(); client.Close() }, nil
}

// check refuses values of the flags that make no sense.
func (f *clientFlags) check() error {
	if f.timeout <= 0 {
		return cli.Usagef("--timeout %v: expected more than 0", f.timeout)
	}
	for _, address := range f.brokers {
		host, port := address, "9092"
		if h, p, err := net.SplitHostPort(address); err == nil {
			host, port = h, p
		}
		if _, err := strconv.ParseUint(port, 10, 16); err != nil || host == "" {
			return cli.Usagef("--brokers: got %q, expected host:port", address)
		}
	}
	return nil
}

// unreachable says in words that no broker answered.
func (f *clientFlags) unreachable(err error) error {
	at := strings.Join(f.brokers, ", ")
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nobody listens at %s (gregor dev starts a broker): %w", at, err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no broker answered at %s within %v: %w", at, f.timeout, err)
	}
	return fmt.Errorf("no broker at %s: %w", at, err)
}

// softwareVersion returns the version in the characters that KIP-511 allows.
func softwareVersion() string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '.' {
			return r
		}
		return '-'
	}, build().Version), "-.")
}

// clientLog is a slog logger as franz-go wants it.
type clientLog struct{ *slog.Logger }

var clientLevels = map[kgo.LogLevel]slog.Level{
	kgo.LogLevelError: slog.LevelError, kgo.LogLevelWarn: slog.LevelWarn, kgo.LogLevelInfo: slog.LevelInfo,
	kgo.LogLevelDebug: slog.LevelDebug,
}

// Level implements kgo.Logger.
func (l clientLog) Level() kgo.LogLevel {
	for _, level := range []kgo.LogLevel{kgo.LogLevelDebug, kgo.LogLevelInfo, kgo.LogLevelWarn} {
		if l.Enabled(context.Background(), clientLevels[level]) {
			return level
		}
	}
	return kgo.LogLevelError
}

// Log implements kgo.Logger.
func (l clientLog) Log(level kgo.LogLevel, text string, keyvals ...any) {
	l.Logger.Log(context.Background(), clientLevels[level], text, keyvals...)
}
