//go:build linux

package matrix_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gregor-log/gregor/bench/matrix"
	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/server"
	"github.com/gregor-log/gregor/core/vfs"
	"github.com/gregor-log/gregor/gregortest"
)

// between passes on what clients send to a broker as each of them has it passed, and what the broker answers as it
// comes. What it returns ends the broker for all of them, as if its process had died.
func between(t *testing.T, broker string, pass func(to io.Writer, from io.Reader)) (address string, die func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open struct {
		sync.Mutex
		all []net.Conn
	}
	die = func() {
		l.Close()
		open.Lock()
		defer open.Unlock()
		for _, c := range open.all {
			c.Close()
		}
	}
	t.Cleanup(die)
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", broker)
			if err != nil {
				client.Close()
				return
			}
			open.Lock()
			open.all = append(open.all, client, server)
			open.Unlock()
			go func() {
				defer server.Close()
				pass(server, client)
			}()
			go func() {
				defer client.Close()
				_, _ = io.Copy(client, server) // until either has enough
			}()
		}
	}()
	return l.Addr().String(), die
}

// full is a broker whose disk is full from when the function is called.
func full(t *testing.T) (address string, fill func()) {
	t.Helper()
	cfg, _, err := config.ParseBroker([]config.KV{
		{Name: "listeners", Value: "PLAINTEXT://127.0.0.1:0"}, {Name: "log.dirs", Value: "memory:"},
	})
	if err != nil {
		t.Fatal(err)
	}
	disk := vfs.NewFaults(vfs.NewMem(vfs.MemOptions{Now: func() int64 { return time.Now().UnixMilli() }}), nil)
	s, err := server.Start(context.Background(), server.Options{
		Config: cfg, FS: disk, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		disk.SetHook(nil)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = s.Shutdown(ctx) // a broker whose disk has failed does not stop cleanly
	})
	return s.Addresses()[0].String(), func() {
		disk.SetHook(func(op vfs.Op) vfs.Decision {
			if op.Kind == vfs.OpWrite && strings.HasSuffix(op.Name, ".log") {
				return vfs.Decision{Err: vfs.ErrNoSpace}
			}
			return vfs.Decision{}
		})
	}
}

// kept writes what was measured to a folder, which must hold together whatever happened.
func kept(t *testing.T, m *result.Measurement) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	if err := (&result.Run{Version: result.Version, Rows: []*result.Measurement{m}}).Write(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := result.ReadRun(dir); err != nil {
		t.Error(err)
	}
}

// TestTroubleInTheMiddle: a peer that dies, or whose disk is full, behind its first sample is named in the row's
// failure and left out; gregor is measured to the end. Where gregor itself is in trouble the row ends.
func TestTroubleInTheMiddle(t *testing.T) {
	for _, c := range []struct {
		name, want string
		start      func(t *testing.T) (address string, begin func())
		first      bool
	}{
		{"dies", "other", func(t *testing.T) (string, func()) {
			var armed atomic.Bool
			var die func()
			var address string
			address, die = between(t, gregortest.Start(t).Addr(), func(to io.Writer, from io.Reader) {
				const some = 64 << 10 // of a sample
				if _, err := io.CopyN(to, from, some); err == nil && armed.Load() {
					die()
				}
				_, _ = io.Copy(to, from)
			})
			return address, func() { armed.Store(true) }
		}, false},
		{"disk", "KAFKA_STORAGE_ERROR", full, false},
		{"own disk", "KAFKA_STORAGE_ERROR", full, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			address, begin := c.start(t)
			sides := []peer.Peer{
				{Name: result.Gregor, Address: gregortest.Start(t).Addr()}, {Name: "other", Address: address},
			}
			troubled := sides[1]
			if c.first {
				sides = sides[:1]
				sides[0].Address = address
				troubled = sides[0]
			}
			m, err := matrix.Measure(t.Context(), row(t, "produce-tiny"), matrix.Options{
				Dir: t.TempDir(), Rounds: 2, Peers: sides, Window: short, Loop: loops(t), Drift: anyDrift,
				Progress: func(s matrix.Step) {
					if s.Side == troubled.Name {
						begin()
					}
				},
			})
			if err != nil || !strings.Contains(m.Failure, c.want) {
				t.Errorf("got %q, %v, expected %s", m.Failure, err, c.want)
			}
			rounds := 2
			if c.first {
				rounds = 1
			} else if s := m.Side("other"); s.Missing == "" || len(s.Samples) > 0 {
				t.Errorf("got %d samples, missing %q", len(s.Samples), s.Missing)
			}
			if got := len(m.Side(result.Gregor).Samples); got != rounds || m.Rounds != rounds {
				t.Errorf("got %d samples of gregor in %d rounds, expected %d", got, m.Rounds, rounds)
			}
			kept(t, m)
		})
	}
}

// TestSlowPeer: a row at a fixed rate says of a peer that did not keep up with it, and of no other.
func TestSlowPeer(t *testing.T) {
	const piece, every = 512, 10 * time.Millisecond // a quarter of what the rate needs
	address, _ := between(t, gregortest.Start(t).Addr(), func(to io.Writer, from io.Reader) {
		for err := error(nil); err == nil; {
			_, err = io.CopyN(to, from, piece)
			<-time.After(every) // this is the fault
		}
	})
	m, err := matrix.Measure(t.Context(), row(t, "e2e-1k"), matrix.Options{
		Dir: t.TempDir(), Rounds: 1, Window: short, Loop: newLoops(t), Drift: anyDrift, Peers: []peer.Peer{
			{Name: result.Gregor, Address: gregortest.Start(t).Addr()}, {Name: "slow", Address: address},
		},
	})
	if err != nil || m.Failure != "" {
		t.Fatalf("got %q, %v", m.Failure, err)
	}
	if len(m.Notes) != 1 || !strings.HasPrefix(m.Notes[0], "slow did not keep up") ||
		!strings.Contains(m.Notes[0], "expected 1000 records/s") {
		t.Errorf("got %q", m.Notes)
	}
	if slow, own := m.Side("slow").Extra("received_records_per_s"), m.Side(result.Gregor).Extra(
		"received_records_per_s"); slow > 500 || own < 800 {
		t.Errorf("got %v and %v records a second, expected less than 500 and about 1000", slow, own)
	}
	kept(t, m)
}

// TestSlowestPeer: a peer that answers a few requests in a window is measured over a longer one, the others over
// theirs.
func TestSlowestPeer(t *testing.T) {
	const piece, every = 128 << 10, 120 * time.Millisecond // some four requests a connection in a short window
	address, _ := between(t, gregortest.Start(t).Addr(), func(to io.Writer, from io.Reader) {
		for err := error(nil); err == nil; {
			_, err = io.CopyN(to, from, piece)
			<-time.After(every) // this is the fault
		}
	})
	m, err := matrix.Measure(t.Context(), row(t, "partitions-10k"), matrix.Options{
		Dir: t.TempDir(), Rounds: 1, Window: short, Loop: newLoops(t), Drift: anyDrift, Peers: []peer.Peer{
			{Name: result.Gregor, Address: gregortest.Start(t).Addr()}, {Name: "slow", Address: address},
		},
	})
	if err != nil || m.Failure != "" {
		t.Fatalf("got %q, %v", m.Failure, err)
	}
	for _, s := range m.Sides {
		expected := short.For.Seconds()
		if s.Name == "slow" {
			expected *= 10
		}
		for _, x := range s.Samples {
			if x.Elapsed < 0.99*expected || x.Elapsed > 1.5*expected {
				t.Errorf("%s: got a window of %v s, expected %v", s.Name, x.Elapsed, expected)
			}
		}
	}
	kept(t, m)
}
