//go:build linux

package load_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gregor-log/gregor/bench/limit"
	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/gregortest"
)

// first is a record for a new topic.
func first(t *testing.T, address string) load.First {
	t.Helper()
	b, err := load.NewRecord(100, time.Now().UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	return load.First{Address: address, Topic: topic, Create: true, Batch: b, Patience: 30 * time.Second}
}

// TestFirst: the record is in the log, and a topic that is there already is no error.
func TestFirst(t *testing.T) {
	f := first(t, gregortest.Start(t).Addr())
	for want := int64(1); want < 3; want++ {
		c, err := f.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if ends, err := c.EndOffsets(topic, 1); err != nil || ends[0] != want {
			t.Errorf("got the ends %v, %v, expected %d", ends, err, want)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestFirstTriesAgain: a server that closes connections at first is asked again; one that never answers well is named
// with what it did, and so is what ends the context.
func TestFirstTriesAgain(t *testing.T) {
	broker := gregortest.Start(t).Addr()
	l, err := limit.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if n < 3 {
				c.Close()
			} else {
				go forward(c, broker)
			}
		}
	}()
	c, err := first(t, l.Addr().String()).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	f := first(t, broker)
	f.Topic, f.Configs = "load-more", map[string]string{"segment.bytes": "none"}
	if _, err := f.Run(t.Context()); !errors.Is(err, load.ErrNoAck) || !errors.Is(err, load.ErrRefused) {
		t.Errorf("got %v, expected ErrRefused at once", err)
	}
	f = first(t, "127.0.0.1:1")
	f.Patience = 20 * time.Millisecond
	if _, err := f.Run(t.Context()); !errors.Is(err, load.ErrNoAck) || !strings.Contains(err.Error(), "refused") {
		t.Errorf("got %v, expected that nobody listens", err)
	}
	over, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("it is gone")
	cancel(gone)
	if _, err := f.Run(over); !errors.Is(err, gone) {
		t.Errorf("got %v, expected %v", err, gone)
	}
}

// forward passes bytes on in both directions.
func forward(c net.Conn, to string) {
	defer c.Close()
	other, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer other.Close()
	go func() { _, _ = other.(*net.TCPConn).ReadFrom(c) }()
	_, _ = c.(*net.TCPConn).ReadFrom(other)
}
