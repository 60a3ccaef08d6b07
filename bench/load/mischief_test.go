//go:build linux

package load_test

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gregor-log/gregor/bench/limit"
	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/gregortest"
)

// between puts something between clients and a broker that does what it likes with the n-th response of all, counted
// from 1: it returns what goes on to the client, nil for nothing.
func between(t *testing.T, broker string, change func(n int64, frame []byte) []byte) string {
	t.Helper()
	l, err := limit.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var count atomic.Int64
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
			go func() {
				defer server.Close()
				_, _ = io.Copy(server, client) // until either has enough
			}()
			go func() {
				defer client.Close()
				for {
					frame := make([]byte, 4)
					if _, err := io.ReadFull(server, frame); err != nil {
						return
					}
					frame = append(frame, make([]byte, binary.BigEndian.Uint32(frame))...)
					if _, err := io.ReadFull(server, frame[4:]); err != nil {
						return
					}
					if _, err := client.Write(change(count.Add(1), frame)); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// broker starts a broker with the topic of the tests.
func broker(t *testing.T) string {
	t.Helper()
	return gregortest.Start(t, gregortest.Topic(topic, 1)).Addr()
}

func endToEnd(address string) load.EndToEnd {
	return load.EndToEnd{
		Address: address, Topic: topic, Record: 100, Rate: 2000, Acks: 1,
		Window: load.Window{Warm: 50 * time.Millisecond, For: 450 * time.Millisecond},
	}
}

// TestEndToEnd sees every record once, through a broker that behaves.
func TestEndToEnd(t *testing.T) {
	got, err := endToEnd(broker(t)).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.All != 1000 || got.Requests < 890 || got.Latency.TotalCount() != got.Requests ||
		got.Late.TotalCount() != 1000 {
		t.Errorf("got %d records, %d of them in the window, %d latencies, %d sends", got.All, got.Requests,
			got.Latency.TotalCount(), got.Late.TotalCount())
	}
}

// TestRelay: the raw loop hands on every record.
func TestRelay(t *testing.T) {
	o := limit.Options{Kind: limit.Relay, Source: limit.Source{Topic: topic}}
	e := endToEnd(serve(t, o))
	e.Consumers = 3
	if got, err := e.Run(t.Context()); err != nil || got.All != 3000 {
		t.Errorf("got %d records, %v, expected 1000 at each of 3 consumers", got.All, err)
	}
}

// TestStallsAreCharged holds one fetch's response up: every record that was due meanwhile is late, not one alone. Of
// 1,000 records 400 are due while nothing comes, so a fifth of all are late by half of that time at least.
func TestStallsAreCharged(t *testing.T) {
	const stall, records = 200 * time.Millisecond, 150
	var stalled atomic.Bool
	address := between(t, broker(t), func(n int64, frame []byte) []byte {
		if n >= 300 && len(frame) > records && stalled.CompareAndSwap(false, true) {
			<-time.After(stall) // this is the fault
		}
		return frame
	})
	got, err := endToEnd(address).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	worst, fifth := time.Duration(got.Latency.Max()), time.Duration(got.Latency.ValueAtQuantile(80))
	if !stalled.Load() || worst < stall*9/10 || fifth < stall/4 {
		t.Errorf("one response was held up for %v: got %v at the most, and a fifth of the records later than %v", stall,
			worst, fifth)
	}
}

// TestMischief: a broker that loses, changes or repeats one response in many is caught, whatever the load.
func TestMischief(t *testing.T) {
	const records = 150 // a response that is larger holds some
	drop := func(large bool) func(int64, []byte) []byte {
		var dropped atomic.Bool
		return func(n int64, frame []byte) []byte {
			if n >= 300 && len(frame) > records == large && dropped.CompareAndSwap(false, true) {
				return nil
			}
			return frame
		}
	}
	corrupt := func(n int64, frame []byte) []byte {
		if n >= 300 && len(frame) > records {
			frame[len(frame)-20] ^= 1
		}
		return frame
	}
	refuse := func(n int64, frame []byte) []byte {
		if code := 4 + 4 + 1 + 1 + 1 + len(topic) + 1 + 4; n >= 300 && len(frame) < 80 {
			frame[code+1] = 3
		}
		return frame
	}
	produce := func(address string) error {
		b, err := load.NewRecord(100, 1)
		if err != nil {
			return err
		}
		_, err = load.Produce{
			Address: address, Topic: topic, Partitions: 1, Connections: 1, InFlight: 5, Batch: b, Acks: 1,
			Requests: 1000,
		}.Run(t.Context())
		return err
	}
	both := func(address string) error {
		_, err := endToEnd(address).Run(t.Context())
		return err
	}
	impatient := func(address string) error {
		e := endToEnd(address)
		e.Window.Patience = time.Second
		_, err := e.Run(t.Context())
		return err
	}
	for _, c := range []struct {
		name   string
		change func(int64, []byte) []byte
		load   func(string) error
		want   error
	}{
		{"produce, dropped", drop(false), produce, load.ErrAnswer},
		{"produce, refused", refuse, produce, load.ErrRefused},
		{"end to end, acknowledgement dropped", drop(false), both, load.ErrAnswer},
		{"end to end, records dropped", drop(true), impatient, load.ErrStalled},
		{"end to end, corrupted", corrupt, both, load.ErrAnswer},
		{"end to end, refused", refuse, both, load.ErrRefused},
	} {
		if err := c.load(between(t, broker(t), c.change)); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, expected %v", c.name, err, c.want)
		}
	}
}
