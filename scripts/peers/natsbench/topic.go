//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// topics is gregor, or any broker of Kafka's protocol, through franz-go.
type topics struct {
	address string
}

func (t *topics) name() string { return "gregor" }

// topic is a client with a topic of its own, of one partition.
type topic struct {
	client *kgo.Client
	admin  *kadm.Client
	name   string
	failed atomic.Int64 // records that were not acknowledged
}

// create makes a client that sends what it has at once: NATS has no linger either.
func (t *topics) create(ctx context.Context, name string, durable bool, inFlight int) (log, error) {
	c, err := kgo.NewClient(
		kgo.SeedBrokers(t.address), kgo.DefaultProduceTopic(name), kgo.RequiredAcks(kgo.LeaderAck()),
		kgo.DisableIdempotentWrite(), kgo.ProducerLinger(0), kgo.MaxBufferedRecords(inFlight),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
	)
	if err != nil {
		return nil, err
	}
	x := &topic{client: c, admin: kadm.NewClient(c), name: name}
	var configs map[string]*string
	if durable {
		configs = map[string]*string{"flush.messages": kadm.StringPtr("1")}
	}
	if _, err := x.admin.CreateTopic(ctx, 1, 1, configs, name); err != nil {
		c.Close()
		return nil, err
	}
	return x, nil
}

// send waits while as many records are buffered or in flight as may be.
func (x *topic) send(ctx context.Context, value []byte) error {
	x.client.Produce(ctx, &kgo.Record{Value: value}, func(_ *kgo.Record, err error) {
		if err != nil {
			x.failed.Add(1)
		}
	})
	return nil
}

func (x *topic) flush(ctx context.Context) error {
	err := x.client.Flush(ctx)
	if n := x.failed.Load(); n > 0 {
		err = errors.Join(err, fmt.Errorf("%w: %d records", errNotAcknowledged, n))
	}
	return err
}

func (x *topic) count(ctx context.Context) (int64, error) {
	ends, err := x.admin.ListEndOffsets(ctx, x.name)
	if err != nil {
		return 0, err
	}
	end, _ := ends.Lookup(x.name, 0)
	return end.Offset, end.Err
}

func (x *topic) consume(ctx context.Context, ready chan<- struct{}, got func([]byte) bool) error {
	x.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{x.name: {0: kgo.NewOffset().AtStart()}})
	close(ready)
	for {
		fetches := x.client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		for all := fetches.RecordIter(); !all.Done(); {
			if !got(all.Next().Value) {
				return nil
			}
		}
	}
}

func (x *topic) drop(ctx context.Context) error {
	_, err := x.admin.DeleteTopic(ctx, x.name)
	x.client.Close()
	return err
}
