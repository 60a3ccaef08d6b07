//go:build linux

package matrix

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
)

// weighed says what counts as memory.
const weighed = "of /proc/PID/status: RssAnon + RssFile + RssShmem; mapped files are in it, the page cache of files " +
	"that are read and written is not"

// noLoop is what a row says that has no raw loop.
var noLoop = result.Setting{Key: "limit", Value: "none: how steady the machine was shows in the intervals alone"}

func footprintRows() []*Row {
	return []*Row{
		{
			Name: "start", What: "from exec on an empty log to the first record that is acknowledged",
			Unit: "ms", Durability: "page-cache", life: starting{}, MostRounds: slowStart,
			Settings: []result.Setting{
				{Key: "from", Value: "exec; folders are prepared before"},
				{Key: "to", Value: "the answer to the first Produce: connection tried each ms, CreateTopics, Produce"},
				setting("record_bytes", 100), setting("partitions", 1), setting("acks", 1), noLoop,
			},
			Aims: []result.Aim{{AtMost: 50}, {Against: "kafka", AtMost: 0.02}},
		},
		{
			Name: "rss-idle", What: "memory of a broker with one topic and one idle connection, two seconds after " +
				"its start",
			Unit: "mib", life: idling{}, MostRounds: slowStart,
			Settings: []result.Setting{
				{Key: "memory", Value: "VmRSS " + weighed}, setting("partitions", 1), setting("connections", 1),
				noLoop,
			},
			Aims: []result.Aim{{Against: "kafka", AtMost: 0.1}},
		},
		{
			Name: "rss-load", What: "the most memory that a broker had while batches of 64 KB were produced to it, " +
				"and then produced and fetched at once",
			Unit: "mib", Durability: "page-cache", life: loading{}, MostRounds: slowStart,
			Settings: []result.Setting{
				{Key: "memory", Value: "VmHWM, the peak since exec, " + weighed}, setting("batch_bytes", loadBatch),
				setting("record_bytes", loadRecord), setting("connections", loadConnections),
				setting("partitions", loadConnections), setting("in_flight", loadInFlight), setting("acks", 1), noLoop,
			},
			Aims: []result.Aim{{Against: "kafka", AtMost: 0.1}},
		},
	}
}

// starting measures how long a broker takes until it works.
type starting struct{}

var _ lifecycle = starting{}

func (starting) live(ctx context.Context, i *peer.Instance, _ load.Window) (lived, error) {
	var got lived
	c, took, err := birth{topic: newName(), create: true}.first(ctx, i)
	if err != nil {
		return got, err
	}
	got.Requests, got.Records, got.Elapsed = 1, 1, took
	got.figure = took.Seconds() * 1e3
	got.used.server, got.used.known = i.CPU()
	return got, c.Close()
}

// idling weighs a broker that nobody wants anything of.
type idling struct{}

var _ lifecycle = idling{}

func (idling) live(ctx context.Context, i *peer.Instance, over load.Window) (got lived, err error) {
	c, _, err := birth{topic: newName(), create: true}.first(ctx, i)
	if err != nil {
		return got, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	end := got.used.during(i)()
	if err := wait(ctx, over.For); err != nil {
		return got, err
	}
	end()
	m, err := i.Memory()
	got.Requests, got.Records, got.Elapsed = 1, 1, over.For
	got.figure = mib(m.Resident)
	return got, err
}

// loading weighs a broker at work.
type loading struct{}

const (
	loadBatch, loadRecord         = 64 << 10, 1024
	loadConnections, loadInFlight = 4, 5
	loadSpan                      = 16 // batches that a fetch asks for: 1 MiB
)

var _ lifecycle = loading{}

// live produces over the window, then again while as many connections fetch what the first partition has.
func (loading) live(ctx context.Context, i *peer.Instance, over load.Window) (got lived, err error) {
	c, _, err := birth{topic: newName(), create: true}.first(ctx, i)
	if err != nil {
		return got, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	topic := newName()
	if err := c.CreateTopic(ctx, topic, loadConnections, nil); err != nil {
		return got, err
	}
	b, err := load.NewBatch(loadBatch, loadRecord, time.Now().UnixMilli())
	if err != nil {
		return got, err
	}
	p := load.Produce{
		Address: i.Address, Topic: topic, Partitions: loadConnections, Connections: loadConnections,
		InFlight: loadInFlight, Batch: b, Acks: 1, Window: over,
	}
	end := got.used.during(i)()
	first, err := p.Run(ctx)
	if err != nil {
		return got, err
	}
	ends, err := c.EndOffsets(topic, loadConnections)
	if err != nil {
		return got, err
	}
	batches := ends[0] / int64(b.Records)
	f := load.Fetch{
		Address: i.Address, Topic: topic, Connections: loadConnections, InFlight: 1, BatchBytes: loadBatch,
		BatchRecords: int64(b.Records), Batches: batches, SpanBatches: min(loadSpan, batches), CheckEvery: fetchChecked,
		Window: over, Growing: true,
	}
	second, err := both(ctx, p, f)
	if err != nil {
		return got, err
	}
	end()
	m, err := i.Memory()
	got.Requests, got.Records = first.Requests+second.Requests, first.Records+second.Records
	got.Bytes, got.Elapsed = first.Bytes+second.Bytes, 2*over.For
	got.figure = mib(m.Peak)
	return got, err
}

// both produces and fetches at the same time, and returns what was produced.
func both(ctx context.Context, p load.Produce, f load.Fetch) (load.Result, error) {
	var produced load.Result
	var perr, ferr error
	var done sync.WaitGroup
	done.Go(func() { produced, perr = p.Run(ctx) })
	done.Go(func() { _, ferr = f.Run(ctx) })
	done.Wait()
	return produced, errors.Join(perr, ferr)
}
