//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// streams is NATS with JetStream: of its two servers one syncs each message before it is acknowledged.
type streams struct {
	lazy, synced string // addresses
}

func (s *streams) name() string { return "nats" }

// stream is a connection with a stream of its own, on a file store.
type stream struct {
	conn    *nats.Conn
	js      jetstream.JetStream
	stream  jetstream.Stream
	subject string
	failed  atomic.Int64 // messages that were not acknowledged
}

func (s *streams) create(ctx context.Context, name string, durable bool, inFlight int) (log, error) {
	address := s.lazy
	if durable {
		address = s.synced
	}
	c, err := nats.Connect("nats://" + address)
	if err != nil {
		return nil, err
	}
	x := &stream{conn: c, subject: name}
	x.js, err = jetstream.New(c, jetstream.WithPublishAsyncMaxPending(inFlight),
		jetstream.WithPublishAsyncErrHandler(func(jetstream.JetStream, *nats.Msg, error) { x.failed.Add(1) }))
	if err == nil {
		x.stream, err = x.js.CreateStream(ctx, jetstream.StreamConfig{
			Name: name, Subjects: []string{name}, Storage: jetstream.FileStorage,
		})
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return x, nil
}

// send waits while as many messages are in flight as may be.
func (x *stream) send(_ context.Context, value []byte) error {
	const patience = 10 * time.Second
	_, err := x.js.PublishAsync(x.subject, value, jetstream.WithStallWait(patience))
	return err
}

func (x *stream) flush(ctx context.Context) error {
	select {
	case <-x.js.PublishAsyncComplete():
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if n := x.failed.Load(); n > 0 {
		return fmt.Errorf("%w: %d messages", errNotAcknowledged, n)
	}
	return nil
}

func (x *stream) count(ctx context.Context) (int64, error) {
	info, err := x.stream.Info(ctx)
	if err != nil {
		return 0, err
	}
	return int64(info.State.Msgs), nil
}

func (x *stream) consume(ctx context.Context, ready chan<- struct{}, got func([]byte) bool) error {
	c, err := x.js.OrderedConsumer(ctx, x.subject, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return err
	}
	messages, err := c.Messages()
	if err != nil {
		return err
	}
	defer messages.Stop()
	stop := context.AfterFunc(ctx, messages.Stop) // ends a wait
	defer stop()
	close(ready)
	for {
		m, err := messages.Next()
		if err != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		if !got(m.Data()) {
			return nil
		}
	}
}

func (x *stream) drop(ctx context.Context) error {
	err := x.js.DeleteStream(ctx, x.subject)
	x.conn.Close()
	return err
}
