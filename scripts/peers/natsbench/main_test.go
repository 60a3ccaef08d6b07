//go:build linux

package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/gregor-log/gregor/gregortest"
)

// serve runs a NATS server in this process until the test ends.
func serve(t *testing.T, sync bool) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), SyncAlways: sync,
		NoSigs: true, NoLog: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("NATS is not ready")
	}
	return s.Addr().String()
}

var little = sizes{message: 100, inFlight: 16, filled: 500, rate: 500, window: 200 * time.Millisecond}

// TestCompare does all work on both and finds a line of figures for each.
func TestCompare(t *testing.T) {
	stores := []store{
		&topics{address: gregortest.Start(t).Addr()}, &streams{lazy: serve(t, false), synced: serve(t, true)},
	}
	var out strings.Builder
	if err := compare(t.Context(), stores, 2, little, &out); err != nil {
		t.Fatal(err)
	}
	for _, w := range append(works(), work{name: "GREGOR"}) {
		if !strings.Contains(out.String(), w.name) {
			t.Errorf("%s is not in\n%s", w.name, out.String())
		}
	}
}

// TestLost: a log that holds fewer messages than were sent gives no figure.
func TestLost(t *testing.T) {
	forgets := &forgetful{topics{address: gregortest.Start(t).Addr()}}
	for _, w := range works()[:3] {
		if got, err := w.run(t.Context(), forgets, little); !errors.Is(err, errLost) {
			t.Errorf("%s: got %v, %v, expected errLost", w.name, got, err)
		}
	}
}

// forgetful drops the first message of each log.
type forgetful struct{ topics }

func (f *forgetful) create(ctx context.Context, name string, durable bool, inFlight int) (log, error) {
	l, err := f.topics.create(ctx, name, durable, inFlight)
	return &forgetting{log: l}, err
}

type forgetting struct {
	log
	forgot bool
}

func (f *forgetting) send(ctx context.Context, value []byte) error {
	if !f.forgot {
		f.forgot = true
		return nil
	}
	return f.log.send(ctx, value)
}
