//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gregor-log/gregor/bench/limit"
	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/result"
)

// produceCase is one produce row.
type produceCase struct {
	name                  string
	batch, record         int // sizes in bytes; a batch of 0 is a single record
	connections, inFlight int
	partitions            int32
	validation            string
	unit                  string
	warm, window          time.Duration
}

// A window is as long as some 2 GB take at most, so that no write-back sets in; see the package comment.
var produceCases = []produceCase{
	{name: "produce-1mb", batch: 1 << 20, record: 1024, connections: 2, inFlight: 3, validation: "full"},
	{name: "produce-1mb-header", batch: 1 << 20, record: 1024, connections: 2, inFlight: 3, validation: "header"},
	{name: "produce-64kb", batch: 64 << 10, record: 1024, connections: 2, inFlight: 5, validation: "full"},
	{name: "produce-64kb-header", batch: 64 << 10, record: 1024, connections: 2, inFlight: 5, validation: "header"},
	{name: "produce-100b", record: 100, connections: 8, inFlight: 5, validation: "full"},
}

const (
	produceTarget = 0.8
	warmUp        = 100 * time.Millisecond
	bulkWindow    = 600 * time.Millisecond
	smallWindow   = time.Second
)

// complete fills in what follows from the rest.
func (c produceCase) complete() produceCase {
	c.partitions = int32(c.connections)
	c.unit, c.warm, c.window = "mb_per_s", warmUp, bulkWindow
	if c.batch == 0 {
		c.unit, c.window = "requests_per_s", smallWindow
	}
	return c
}

func (c produceCase) settings() result.Fields {
	return result.Fields{
		{Key: "durability", Value: "page-cache"}, {Key: "validation", Value: c.validation},
		{Key: "batch_bytes", Value: c.batch}, {Key: "record_bytes", Value: c.record},
		{Key: "connections", Value: c.connections}, {Key: "in_flight", Value: c.inFlight},
		{Key: "partitions", Value: int(c.partitions)},
	}
}

func (b *bench) produceRows(ctx context.Context) error {
	for _, c := range produceCases {
		c = c.complete()
		if !b.wanted(c.name) {
			continue
		}
		row, err := b.compare(ctx, comparison{
			row: result.Row{
				Name: c.name, Unit: c.unit, Settings: c.settings(),
				Target: result.Target{Figure: "ratio", Bound: result.AtLeast, Value: produceTarget},
			},
			gregor: func(ctx context.Context) (sample, error) { return b.produceSample(ctx, c, instance{}) },
			raw:    func(ctx context.Context) (sample, error) { return b.produceRaw(ctx, c, limit.Store) },
		})
		if err != nil {
			return err
		}
		if err := b.produceFacts(ctx, c, row); err != nil {
			return err
		}
		b.add(row)
	}
	return nil
}

// produceFacts adds what the load generator reaches alone, and what a request allocates.
func (b *bench) produceFacts(ctx context.Context, c produceCase, row *result.Row) error {
	alone, err := b.produceRaw(ctx, c, limit.Discard)
	if err != nil {
		return err
	}
	row.Facts.Add("recv_discard_"+c.unit, alone.figure)
	if b.broker != "" {
		return nil
	}
	i := instance{counted: true}
	if b.profile != "" {
		i.profile = c.name
	}
	s, err := b.produceSample(ctx, c, i)
	if err != nil {
		return err
	}
	addAllocations(row, s)
	return nil
}

// addAllocations adds what the broker's process allocated a request: the difference of the runtime's counters over the
// window of a run of its own, divided by the requests that were answered in it.
func addAllocations(row *result.Row, s sample) {
	n := float64(max(s.load.Requests, 1))
	row.Facts.Add("allocations_per_request", float64(s.counters.Allocations)/n)
	row.Facts.Add("allocated_bytes_per_request", float64(s.counters.AllocatedBytes)/n)
}

func (c produceCase) load(address, topic string) (load.Produce, error) {
	now := time.Now().UnixMilli()
	var batch load.Batch
	var err error
	if c.batch == 0 {
		batch, err = load.NewRecord(c.record, now)
	} else {
		batch, err = load.NewBatch(c.batch, c.record, now)
	}
	return load.Produce{
		Address: address, Topic: topic, Partitions: c.partitions, Connections: c.connections, InFlight: c.inFlight,
		Batch: batch, Acks: 1, Window: load.Window{Warm: c.warm, For: c.window},
	}, err
}

// figure is what the row shows of a result.
func (c produceCase) figure(r *load.Result) float64 {
	if c.unit == "mb_per_s" {
		return r.MBPerSecond()
	}
	return r.RequestsPerSecond()
}

// errLost reports a log that does not hold what was acknowledged.
var errLost = errors.New("acknowledged records are not in the log")

// produceSample measures a broker and sees to it that its log holds what was acknowledged.
func (b *bench) produceSample(ctx context.Context, c produceCase, i instance) (s sample, err error) {
	i.partitions, i.topic = c.partitions, map[string]string{validationKey: c.validation}
	broker, err := b.startBroker(ctx, i)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, broker.end(i.profile != "")) }()
	p, err := c.load(broker.address, broker.topic)
	if err != nil {
		return s, err
	}
	var failed error
	p.Window.During = broker.during(&s, &failed)
	if s.load, err = p.Run(ctx); err != nil {
		return s, err
	}
	s.figure = c.figure(&s.load)
	return s, errors.Join(failed, checkEnds(broker, c.partitions, s.load.All*int64(p.Batch.Records)))
}

// checkEnds compares the log's offsets with what was acknowledged.
func checkEnds(broker *subject, partitions int32, records int64) error {
	ends, err := broker.conn.EndOffsets(broker.topic, partitions)
	if err != nil {
		return err
	}
	var have int64
	for _, end := range ends {
		have += end
	}
	if have != records {
		return fmt.Errorf("%w: got %d, expected %d", errLost, have, records)
	}
	return nil
}

// produceRaw measures a raw loop under the same load.
func (b *bench) produceRaw(ctx context.Context, c produceCase, kind limit.Kind) (s sample, err error) {
	server, err := b.start(ctx, func(dir, address string) ([]string, error) {
		return rawArgs("-kind", string(kind), "-address", address, "-dir", dir)
	})
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, server.kill()) }()
	p, err := c.load(server.address, topicName)
	if err != nil {
		return s, err
	}
	var failed error
	p.Window.During = server.watch(&s, &failed)
	if s.load, err = p.Run(ctx); err != nil {
		return s, err
	}
	s.figure = c.figure(&s.load)
	return s, failed
}
