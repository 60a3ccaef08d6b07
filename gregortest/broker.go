//go:build unix

package gregortest

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/server"
	"github.com/gregor-log/gregor/core/vfs"
)

// patience bounds a clean stop, so that a test that left a connection busy ends.
const patience = 10 * time.Second

// Broker is a broker that runs until its test ends.
type Broker struct {
	t       testing.TB
	running *server.Server
	once    sync.Once
}

// Start runs a broker until the test ends. What cannot be started fails the test at once and says why.
func Start(t testing.TB, more ...Option) *Broker {
	t.Helper()
	var o options
	for _, each := range more {
		each(&o)
	}
	fs, dir := o.store(t)
	cfg, notices, err := config.ParseBroker(append([]config.KV{
		{Name: "listeners", Value: "PLAINTEXT://127.0.0.1:0"}, {Name: "log.dirs", Value: dir},
		{Name: "num.partitions", Value: "1"}, {Name: "group.initial.rebalance.delay.ms", Value: "0"},
		{Name: "offsets.topic.num.partitions", Value: "1"}, {Name: "offsets.topic.replication.factor", Value: "1"},
	}, o.properties...))
	if err != nil {
		t.Fatalf("gregortest: %v", err)
	}
	for _, n := range notices {
		if n.Kind == config.UnknownName || n.Kind == config.Removed {
			t.Fatalf("gregortest: %s", n.Text)
		}
	}
	log := slog.New(slog.DiscardHandler)
	if o.logs {
		log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	running, err := server.Start(context.Background(), server.Options{Config: cfg, FS: fs, Log: log})
	if err != nil {
		t.Fatalf("gregortest: the broker did not start: %v", err)
	}
	b := &Broker{t: t, running: running}
	t.Cleanup(b.Close)
	if err := createTopics(b.Addr(), o.topics); err != nil {
		t.Fatalf("gregortest: %v", err)
	}
	return b
}

// store returns what the records are kept on, and the log directory there.
func (o *options) store(t testing.TB) (vfs.FS, string) {
	dir := o.dir
	if o.onDisk && dir == "" {
		dir = t.TempDir()
	}
	if dir == "" {
		return vfs.NewMem(vfs.MemOptions{Now: func() int64 { return time.Now().UnixMilli() }}), "memory:"
	}
	if strings.Contains(dir, ",") {
		t.Fatalf("gregortest: directory %s: expected a name without a comma", dir)
	}
	return vfs.NewOS(), dir
}

// Addr returns the address to bootstrap from, as in "127.0.0.1:40123".
func (b *Broker) Addr() string {
	return b.running.Addresses()[0].String()
}

// Addrs returns the addresses of all listeners, for clients that take a list; there is one, unless the property
// listeners says otherwise.
func (b *Broker) Addrs() []string {
	var found []string
	for _, a := range b.running.Addresses() {
		found = append(found, net.Addr(a).String())
	}
	return found
}

// Close stops the broker cleanly, before the test's end does: to start another on its directory, say. A stop that is
// not clean fails the test. Further calls do nothing.
func (b *Broker) Close() {
	b.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := b.running.Shutdown(ctx); err != nil {
			b.t.Errorf("gregortest: the broker did not stop cleanly: %v", err)
		}
	})
}
