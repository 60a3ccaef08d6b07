//go:build unix

package server_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/server"
	"github.com/gregor-log/gregor/core/vfs"
)

func startServer(t *testing.T, fs vfs.FS, dir string, more ...config.KV) *server.Server {
	t.Helper()
	pairs := append([]config.KV{
		{Name: "listeners", Value: "PLAINTEXT://127.0.0.1:0"}, {Name: "log.dirs", Value: dir},
		{Name: "num.partitions", Value: "4"},
	}, more...)
	cfg, _, err := config.ParseBroker(pairs)
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.Start(context.Background(), server.Options{
		Config: cfg, FS: fs, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestProduceAndConsume(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, vfs.NewOS(), dir)
	addr := s.Addresses()[0].String()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.DefaultProduceTopic("first"), kgo.AllowAutoTopicCreation(),
		kgo.ConsumeTopics("first"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	const n = 10000
	for i := range n {
		cl.Produce(ctx, kgo.StringRecord(fmt.Sprint("value ", i)), func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := cl.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for len(seen) < n {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) { seen[string(r.Value)] = true })
	}
	offsets, err := kadm.NewClient(cl).ListEndOffsets(ctx, "first")
	if err != nil {
		t.Fatal(err)
	}
	t.Log(offsets)
	t0 := time.Now()
	cl.Close()
	t.Log("close", time.Since(t0))
	if err := s.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	t.Log("shutdown", time.Since(t0))
	s = startServer(t, vfs.NewOS(), dir)
	t.Log("start", time.Since(t0))
	defer s.Shutdown(ctx)
	t.Log(s.Broker().Image().TopicCount())
}
