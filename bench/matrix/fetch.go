//go:build linux

package matrix

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gregor-log/gregor/bench/limit"
	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
)

// fetch is a row of Fetch requests for a log that is in the page cache.
type fetch struct {
	batch       int // bytes of each batch
	span        int // bytes that a request asks for
	connections int
}

const (
	fetchLog     = 256 << 20 // in the page cache as a whole, and no segment rolls
	fetchRecord  = 1000
	fetchChecked = 61 // every so many responses are read whole and checked: a prime, so that all spans have their turn
	fetchWindow  = time.Second
)

func fetchRows() []*Row {
	make := func(name, what string, w *fetch, kafka, limit float64) *Row {
		return &Row{
			Name: name, What: what, Unit: "mb_per_s", work: w,
			Settings: []result.Setting{
				setting("batch_bytes", w.batch), setting("fetch_bytes", w.span), setting("log_bytes", fetchLog),
				setting("connections", w.connections), setting("partitions", 1), setting("in_flight", 1),
				{Key: "latency", Value: "closed loop"},
			},
			Aims: []result.Aim{{Against: "kafka", AtLeast: kafka}, {Against: result.Limit, AtLeast: limit}},
		}
	}
	return []*Row{
		make("fetch-1m", "fetch 1 MB at a time of what is in the page cache",
			&fetch{batch: 64 << 10, span: 1 << 20, connections: 2}, 1, 0.95),
		make("fetch-64k", "fetch 64 KB at a time", &fetch{batch: 64 << 10, span: 64 << 10, connections: 2}, 2, 0.9),
		make("fetch-4k", "fetch 4 KB at a time", &fetch{batch: 4 << 10, span: 4 << 10, connections: 2}, 3, 0.8),
	}
}

var _ workload = (*fetch)(nil)

// fresh is false: what is read is what was read before.
func (w *fetch) fresh() bool { return false }

func (w *fetch) window() load.Window { return load.Window{Warm: warmUp, For: fetchWindow} }

func (w *fetch) figure(r *load.Result) float64 { return r.MBPerSecond() }

// newBatch builds a batch of now: what is older than retention.ms a broker may delete while it is read.
func (w *fetch) newBatch() (load.Batch, error) {
	return load.NewBatch(w.batch, fetchRecord, time.Now().UnixMilli())
}

func (w *fetch) loop(dir string) ([]string, error) {
	b, err := w.newBatch()
	if err != nil {
		return nil, err
	}
	source := filepath.Join(dir, "source.log")
	if err := b.WriteLog(source, fetchLog/w.batch); err != nil {
		return nil, err
	}
	return []string{
		"--kind", string(limit.Spans), "--source", source, "--topic", loopTopic,
		"--batch-bytes", strconv.Itoa(w.batch), "--batch-records", strconv.Itoa(b.Records),
		"--span-bytes", strconv.Itoa(w.span),
	}, nil
}

func (w *fetch) open(ctx context.Context, i *peer.Instance, loop bool) (subject, error) {
	t, err := newTopic(ctx, i, loop, 1, nil)
	if err != nil {
		return nil, err
	}
	b, err := w.newBatch()
	if err == nil && !loop {
		err = fill(ctx, i.Address, t, b, fetchLog/w.batch)
	}
	if err != nil {
		return nil, errors.Join(err, t.drop())
	}
	return &fetching{work: w, address: i.Address, topic: t, records: int64(b.Records)}, nil
}

// fill appends a batch so many times to a topic of one partition.
func fill(ctx context.Context, address string, t *topic, b load.Batch, times int) error {
	const patience = 3 * time.Minute // a broker that has just been started is slow, and nothing is measured yet
	p := load.Produce{
		Address: address, Topic: t.name, Partitions: 1, Connections: 1, InFlight: 5, Batch: b, Acks: 1,
		Requests: int64(times), Window: load.Window{Patience: patience},
	}
	got, err := p.Run(ctx)
	if err == nil && got.All != int64(times) {
		err = fmt.Errorf("%w: got %d answers to %d requests", load.ErrAnswer, got.All, times)
	}
	return err
}

// fetching is a side with a full log.
type fetching struct {
	work    *fetch
	address string
	topic   *topic
	records int64 // of a batch
}

func (f *fetching) sample(ctx context.Context, over load.Window) (load.Result, error) {
	w := f.work
	return load.Fetch{
		Address: f.address, Topic: f.topic.name, Connections: w.connections, InFlight: 1,
		BatchBytes: int64(w.batch), BatchRecords: f.records, Batches: int64(fetchLog / w.batch),
		SpanBatches: int64(w.span / w.batch), CheckEvery: fetchChecked,
		Window: over,
	}.Run(ctx)
}

func (f *fetching) close() error { return f.topic.drop() }
