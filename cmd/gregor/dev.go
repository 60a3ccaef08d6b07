package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/gregor-log/gregor/cmd/gregor/internal/cli"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/server"
	"github.com/gregor-log/gregor/core/vfs"
)

// memoryData is what --data begins with where records stay in memory.
const memoryData = "memory:"

// devFlags are the flags of gregor dev.
type devFlags struct {
	brokers, port int
	data          string
	settings      []string
	level, format *cli.Choice
}

// devHelp is the command's help.
const devHelp = `
Run a broker in this process, on this machine's loopback address, until Ctrl-C.

By default its records are in memory and gone when it ends, so that there is nothing to clean up; --data DIR keeps
them in a directory, in Kafka's own format. --data memory:2GiB bounds the memory; without a size it is half of the
machine's.

Groups wait for more members after their first for a moment alone: --set group.initial.rebalance.delay.ms=3000 is
Kafka's default.

Its health and metrics are on a page whose address it prints; --set gregor.admin.listener=HOST:PORT chooses another,
and an empty value none.
`

func newDevCommand() *cobra.Command {
	f := &devFlags{}
	c := &cobra.Command{
		Use:   "dev",
		Short: "Run a broker with nothing to format or configure",
		Long:  strings.TrimSpace(devHelp),
		Example: "  gregor dev\n" +
			"  gregor dev --port 0 --data data --set num.partitions=3 --set log.flush.interval.messages=1",
		Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c) },
	}
	c.Flags().IntVar(&f.brokers, "brokers", 1, "how many brokers; only 1 until there are clusters")
	c.Flags().IntVar(&f.port, "port", 9092, "port to listen on; 0 for any that is free")
	c.Flags().StringVar(&f.data, "data", memoryData, "where records are kept: a `directory`, or memory:")
	c.Flags().StringArrayVar(&f.settings, "set", nil, "property `name=value` of the broker; repeatable")
	f.level = cli.AddLogLevel(c, "warn")
	f.format = cli.AddFormat(c)
	return c
}

func (f *devFlags) run(c *cobra.Command) error {
	began := time.Now()
	if f.brokers != 1 {
		return cli.Usagef("--brokers %d: one broker in a process is all there is until gregor has clusters", f.brokers)
	}
	if f.port < 0 || f.port > 65535 {
		return cli.Usagef("--port %d: expected 0 to 65535", f.port)
	}
	fs, dir, err := f.store()
	if err != nil {
		return cli.Usage(err)
	}
	settings, err := parsePairs(f.settings)
	if err != nil {
		return cli.Usage(err)
	}
	cfg, notices, err := config.ParseBroker(append([]config.KV{
		{Name: "listeners", Value: "PLAINTEXT://127.0.0.1:" + strconv.Itoa(f.port)}, {Name: "log.dirs", Value: dir},
		{Name: "gregor.admin.listener", Value: "127.0.0.1:0"},
		{Name: "group.initial.rebalance.delay.ms", Value: "0"},
	}, settings...))
	log := cli.NewLogger(c.ErrOrStderr(), f.level.String())
	logNotices(log, notices)
	if err != nil {
		return cli.Usage(err)
	}
	tuneProcess(f.inMemory())
	ready := func(s *server.Server, admin *server.Admin) { f.greet(c, s, admin, began) }
	err = serve(c.Context(), serving{cfg: cfg, fs: fs, log: log, began: began, ready: ready})
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w (--port 0 takes any that is free)", err)
	}
	return startError(c.Context(), err)
}

func (f *devFlags) inMemory() bool {
	return strings.HasPrefix(f.data, memoryData)
}

// store returns what the records are kept on, and the name of the log directory there.
func (f *devFlags) store() (vfs.FS, string, error) {
	if f.data == "" {
		return nil, "", fmt.Errorf("--data is empty, expected a directory or %s", memoryData)
	}
	if !f.inMemory() {
		dir, err := filepath.Abs(f.data)
		if strings.Contains(dir, ",") {
			err = fmt.Errorf("--data %s: a log directory's name cannot hold a comma", dir)
		}
		return vfs.NewOS(), dir, err
	}
	capacity := physicalMemory() / 2
	if text := strings.TrimPrefix(f.data, memoryData); text != "" {
		var err error
		if capacity, err = cli.ParseSize(text); err != nil {
			return nil, "", fmt.Errorf("--data %s: %w", f.data, err)
		}
	}
	now := func() int64 { return time.Now().UnixMilli() }
	return vfs.NewMem(vfs.MemOptions{Capacity: capacity, Now: now}), memoryData, nil
}

// greet says that the broker is ready and what to do next.
func (f *devFlags) greet(c *cobra.Command, s *server.Server, admin *server.Admin, began time.Time) {
	address, pages := s.Addresses()[0].String(), ""
	if admin != nil {
		pages = "http://" + admin.Addr().String() + "/"
	}
	ready := time.Since(began).Milliseconds()
	if f.format.String() == cli.JSON {
		err := cli.WriteJSON(c, map[string]any{
			"bootstrap": address, "admin": pages, "data": f.data, "cluster_id": s.Broker().ClusterID(),
			"ready_ms": ready,
		})
		if err != nil {
			cli.Notef(c, "gregor: %v", err)
		}
		return
	}
	where := "in memory, gone when it ends"
	if !f.inMemory() {
		where = "in " + f.data
	}
	at := ""
	if address != defaultBrokers {
		at = " -b " + address
	}
	if pages != "" {
		pages = "Health and metrics: " + pages + "\n"
	}
	fmt.Fprintf(c.OutOrStdout(), "gregor %s is ready at %s after %d ms, its records are %s.\n%s\n"+
		"A first record, in another terminal:\n\n"+
		"    echo 'hello' | gregor produce first%s\n"+
		"    gregor consume first -o start -e%s\n"+
		"    gregor topic describe first%s\n\n"+
		"Ctrl-C ends it.\n", build().Version, address, ready, where, pages, at, at, at)
}
