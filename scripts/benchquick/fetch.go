//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/bench/limit"
	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/result"
)

const (
	fetchTarget  = 0.9
	fetchBatch   = 64 << 10
	fetchSpan    = 1 << 20
	fetchLog     = 256 << 20 // in the page cache as a whole, and no segment rolls
	fetchRecord  = 1024
	fetchChecked = 61 // a prime, so that all spans have their turn
	fetchWindow  = 600 * time.Millisecond
)

// fetchSetup is a broker and a raw loop with the same batches in the page cache.
type fetchSetup struct {
	batch  load.Batch
	broker *subject
	raw    *process
}

// rawArgs returns how to start a raw loop.
func rawArgs(flags ...string) ([]string, error) {
	self, err := os.Executable()
	return append([]string{self, serveArg, "raw"}, flags...), err
}

func (b *bench) fetchRows(ctx context.Context) (err error) {
	var setup *fetchSetup
	for _, connections := range []int{1, 2, 4} {
		name := fmt.Sprintf("fetch-1mb-%d", connections)
		if !b.wanted(name) {
			continue
		}
		if setup == nil {
			if setup, err = b.newFetchSetup(ctx, instance{}); err != nil {
				return err
			}
			defer func() { err = errors.Join(err, setup.end()) }()
		}
		row, err := b.compare(ctx, comparison{
			row: result.Row{
				Name: name, Unit: "mb_per_s",
				Settings: result.Fields{
					{Key: "span_bytes", Value: fetchSpan}, {Key: "batch_bytes", Value: fetchBatch},
					{Key: "connections", Value: connections}, {Key: "in_flight", Value: 1},
					{Key: "partitions", Value: 1},
				},
				Target: result.Target{Figure: "ratio", Bound: result.AtLeast, Value: fetchTarget},
			},
			gregor: func(ctx context.Context) (sample, error) {
				return setup.sample(ctx, setup.broker.address, setup.broker.topic, setup.broker.process, connections)
			},
			raw: func(ctx context.Context) (sample, error) {
				return setup.sample(ctx, setup.raw.address, topicName, setup.raw, connections)
			},
		})
		if err != nil {
			return err
		}
		if err := b.fetchFacts(ctx, row, connections); err != nil {
			return err
		}
		b.add(row)
	}
	return nil
}

// fetchFacts adds what a request allocates.
func (b *bench) fetchFacts(ctx context.Context, row *result.Row, connections int) (err error) {
	if b.broker != "" {
		return nil
	}
	i := instance{counted: true}
	if b.profile != "" {
		i.profile = row.Name
	}
	setup, err := b.newFetchSetup(ctx, i)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, setup.raw.kill(), setup.broker.end(i.profile != ""))
	}()
	s, err := setup.sample(ctx, setup.broker.address, topicName, setup.broker.process, connections)
	if err != nil {
		return err
	}
	addAllocations(row, s)
	return nil
}

// newFetchSetup starts both sides and gives both the same log.
func (b *bench) newFetchSetup(ctx context.Context, i instance) (*fetchSetup, error) {
	f := &fetchSetup{}
	var err error
	if f.batch, err = load.NewBatch(fetchBatch, fetchRecord, time.Now().UnixMilli()); err != nil {
		return nil, err
	}
	i.partitions = 1
	if f.broker, err = b.startBroker(ctx, i); err != nil {
		return nil, err
	}
	for range fetchLog / fetchBatch {
		if err := produceOne(f.broker.conn, f.broker.topic, f.batch.Bytes); err != nil {
			return nil, err
		}
	}
	f.raw, err = b.start(ctx, func(dir, address string) ([]string, error) {
		source := filepath.Join(dir, "source.log")
		if err := f.batch.WriteLog(source, fetchLog/fetchBatch); err != nil {
			return nil, err
		}
		return rawArgs("-kind", string(limit.Spans), "-address", address, "-source", source,
			"-batch-bytes", strconv.Itoa(fetchBatch), "-batch-records", strconv.Itoa(f.batch.Records),
			"-span-bytes", strconv.Itoa(fetchSpan))
	})
	return f, err
}

func (f *fetchSetup) end() error {
	return errors.Join(f.broker.end(false), f.raw.kill())
}

// produceOne appends one batch to partition 0.
func produceOne(c *load.Conn, topic string, records []byte) error {
	part := kmsg.NewProduceRequestTopicPartition()
	part.Records = records
	t := kmsg.NewProduceRequestTopic()
	t.Topic, t.Partitions = topic, append(t.Partitions, part)
	req := kmsg.NewPtrProduceRequest()
	req.SetVersion(9)
	req.Acks, req.TimeoutMillis, req.Topics = 1, 30_000, append(req.Topics, t)
	res, err := c.Ask(req)
	if err != nil {
		return err
	}
	if code := res.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode; code != 0 {
		return fmt.Errorf("%w: code %d", load.ErrRefused, code)
	}
	return nil
}

// sample measures one side.
func (f *fetchSetup) sample(ctx context.Context, address, topic string, of *process, connections int) (sample, error) {
	var s sample
	var failed error
	l := load.Fetch{
		Address: address, Topic: topic, Connections: connections, InFlight: 1, BatchBytes: fetchBatch,
		BatchRecords: int64(f.batch.Records), Batches: fetchLog / fetchBatch, SpanBatches: fetchSpan / fetchBatch,
		CheckEvery: fetchChecked, Window: load.Window{Warm: warmUp, For: fetchWindow},
	}
	if of != nil {
		l.Window.During = of.watch(&s, &failed)
	}
	var err error
	if s.load, err = l.Run(ctx); err != nil {
		return s, err
	}
	s.figure = s.load.MBPerSecond()
	return s, failed
}
