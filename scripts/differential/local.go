package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/server"
	"github.com/gregor-log/gregor/core/vfs"
)

// local is a gregor in this process, in memory.
type local struct {
	address string
	server  *server.Server
}

// startLocal starts gregor as the scripts want it: the configuration that their answers were recorded with.
func startLocal(ctx context.Context, log string) (*local, error) {
	cfg, _, err := config.ParseBroker([]config.KV{
		{Name: "node.id", Value: "1"}, {Name: "listeners", Value: "PLAINTEXT://127.0.0.1:0"},
		{Name: "log.dirs", Value: "memory"}, {Name: "num.partitions", Value: "4"},
		{Name: "offsets.topic.replication.factor", Value: "1"},
		{Name: "group.initial.rebalance.delay.ms", Value: "0"}, {Name: "group.min.session.timeout.ms", Value: "1000"},
	})
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	level := slog.LevelError
	if log != "" {
		level = slog.LevelDebug
	}
	s, err := server.Start(ctx, server.Options{
		Config: cfg, FS: vfs.NewMem(vfs.MemOptions{Capacity: 1 << 40}),
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})),
	})
	if err != nil {
		return nil, err
	}
	return &local{address: s.Addresses()[0].String(), server: s}, nil
}

func (l *local) stop() {
	if err := l.server.Shutdown(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "differential: stop gregor:", err)
	}
}
