//go:build linux

package main

import (
	"context"
	"errors"
	"time"

	"github.com/gregor-log/gregor/bench/limit"
	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/result"
)

const (
	syncConnections = 8
	syncInFlight    = 5
	syncBatch       = 4 << 10
	syncWindow      = time.Second
	// syncTarget is how many acknowledgements share a sync, at least, with 40 requests in flight.
	syncTarget = 8
)

// fsyncRow measures acknowledgements that wait for a sync, on one partition. Syncs are counted by the broker's file
// system.
func (b *bench) fsyncRow(ctx context.Context) error {
	const name = "fsync-40-in-flight"
	if !b.wanted(name) {
		return nil
	}
	var acks, syncs, rawAcks, rawSyncs float64
	row, err := b.compare(ctx, comparison{
		row: result.Row{
			Name: name, Unit: "acks_per_s",
			Settings: result.Fields{
				{Key: "durability", Value: "fsync"}, {Key: "validation", Value: "full"},
				{Key: "batch_bytes", Value: syncBatch}, {Key: "connections", Value: syncConnections},
				{Key: "in_flight", Value: syncInFlight}, {Key: "partitions", Value: 1},
			},
		},
		gregor: func(ctx context.Context) (sample, error) {
			s, err := b.syncSample(ctx)
			acks += float64(s.load.Requests)
			syncs += float64(s.counters.Syncs)
			return s, err
		},
		raw: func(context.Context) (sample, error) {
			r, err := limit.GroupSyncs(b.dir, syncBatch, syncConnections*syncInFlight, syncWindow)
			rawAcks += float64(r.Acks)
			rawSyncs += float64(r.Syncs)
			return sample{figure: r.AcksPerSecond()}, err
		},
	})
	if err != nil {
		return err
	}
	row.Facts.Add("raw_acks_per_sync", rawAcks/rawSyncs)
	one, err := limit.Syncs(b.dir, syncBatch, syncWindow)
	if err != nil {
		return err
	}
	row.Facts.Add("raw_one_writer_syncs_per_s", one.AcksPerSecond())
	row.Note = "the raw loop is a group commit of 40 writers without sockets and protocol"
	if b.broker == "" {
		rate, _ := row.Medians()
		row.Facts.Add("syncs_per_s", rate*syncs/acks)
		row.Target = result.Target{Figure: "acks/sync", Bound: result.AtLeast, Value: syncTarget}
		row.Reached = acks / syncs
	}
	b.add(row)
	return nil
}

func (b *bench) syncSample(ctx context.Context) (s sample, err error) {
	i := instance{
		partitions: 1, topic: map[string]string{"flush.messages": "1"}, counted: true, countSyncs: true,
	}
	if b.profile != "" {
		i.profile = "fsync"
	}
	broker, err := b.startBroker(ctx, i)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, broker.end(i.profile != "")) }()
	batch, err := load.NewBatch(syncBatch, fetchRecord, time.Now().UnixMilli())
	if err != nil {
		return s, err
	}
	var failed error
	p := load.Produce{
		Address: broker.address, Topic: broker.topic, Partitions: 1, Connections: syncConnections,
		InFlight: syncInFlight, Batch: batch, Acks: 1, Window: load.Window{Warm: warmUp, For: syncWindow},
	}
	p.Window.During = broker.during(&s, &failed)
	if s.load, err = p.Run(ctx); err != nil {
		return s, err
	}
	s.figure = s.load.RequestsPerSecond()
	return s, errors.Join(failed, checkEnds(broker, 1, s.load.All*int64(batch.Records)))
}
