//go:build linux

package matrix

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gregor-log/gregor/bench/limit"
	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
)

// ErrLost reports a log that does not hold what was acknowledged.
var ErrLost = errors.New("acknowledged records are not in the log")

// produce is a row of Produce requests.
type produce struct {
	batch, record         int // sizes in bytes; a batch of 0 is a single record
	connections, inFlight int
	length                time.Duration // of a sample
	acks                  int16
}

// A window is so long that it writes less than what Linux keeps dirty before it writes back (10 % of 24 GB): burst.
const (
	warmUp      = 200 * time.Millisecond
	bulkWindow  = 600 * time.Millisecond
	smallWindow = 2 * time.Second
)

func produceRows() []*Row {
	make := func(name, what string, w *produce, kafka, limit float64) *Row {
		unit := "mb_per_s"
		if w.batch == 0 {
			unit = "requests_per_s"
		}
		return &Row{
			Name: name, What: what, Unit: unit, Durability: "page-cache", work: w,
			Settings: []result.Setting{
				setting("batch_bytes", w.batch), setting("record_bytes", w.record),
				setting("connections", w.connections), setting("partitions", w.connections),
				setting("in_flight", w.inFlight), setting("acks", int(w.acks)),
				{Key: "validation", Value: "full"}, {Key: "latency", Value: "closed loop"},
			},
			Aims: []result.Aim{{Against: "kafka", AtLeast: kafka}, {Against: result.Limit, AtLeast: limit}},
		}
	}
	return []*Row{
		make("produce-large", "produce batches of 1 MB, written to the page cache before they are acknowledged",
			&produce{batch: 1 << 20, record: 1024, connections: 2, inFlight: 3, length: bulkWindow, acks: 1}, 3.5, 0.9),
		make("produce-64k", "produce batches of 64 KB with records of 1 KB",
			&produce{batch: 64 << 10, record: 1024, connections: 4, inFlight: 5, length: bulkWindow, acks: 1}, 2.5,
			0.9),
		make("produce-16k", "produce batches of 16 KB with records of 100 B, each of which is looked at",
			&produce{batch: 16 << 10, record: 100, connections: 4, inFlight: 5, length: bulkWindow, acks: 1}, 3, 0.75),
		make("produce-tiny", "produce one record of 100 B with each request",
			&produce{record: 100, connections: 8, inFlight: 5, length: smallWindow, acks: 1}, 3, 1),
	}
}

var _ workload = (*produce)(nil)

func (w *produce) fresh() bool { return true }

func (w *produce) window() load.Window { return load.Window{Warm: warmUp, For: w.length} }

func (w *produce) loop(dir string) ([]string, error) {
	return []string{"--kind", string(limit.Store), "--dir", dir}, nil
}

func (w *produce) figure(r *load.Result) float64 {
	if w.batch == 0 {
		return r.RequestsPerSecond()
	}
	return r.MBPerSecond()
}

func (w *produce) open(ctx context.Context, i *peer.Instance, loop bool) (subject, error) {
	t, err := newTopic(ctx, i, loop, int32(w.connections), nil)
	if err != nil {
		return nil, err
	}
	return &producing{work: w, address: i.Address, topic: t}, nil
}

// producing is a side with an empty topic.
type producing struct {
	work    *produce
	address string
	topic   *topic
}

func (p *producing) sample(ctx context.Context, over load.Window) (load.Result, error) {
	w := p.work
	b, err := w.newBatch()
	if err != nil {
		return load.Result{}, err
	}
	r, err := load.Produce{
		Address: p.address, Topic: p.topic.name, Partitions: int32(w.connections), Connections: w.connections,
		InFlight: w.inFlight, Batch: b, Acks: w.acks, Window: over,
	}.Run(ctx)
	if err != nil {
		return r, err
	}
	return r, p.checkEnds(r.All * int64(b.Records))
}

func (w *produce) newBatch() (load.Batch, error) {
	now := time.Now().UnixMilli()
	if w.batch == 0 {
		return load.NewRecord(w.record, now)
	}
	return load.NewBatch(w.batch, w.record, now)
}

// checkEnds compares the log's offsets with what was acknowledged.
func (p *producing) checkEnds(records int64) error {
	if p.topic.conn == nil {
		return nil
	}
	ends, err := p.topic.conn.EndOffsets(p.topic.name, int32(p.work.connections))
	if err != nil {
		return err
	}
	var have int64
	for _, end := range ends {
		have += end
	}
	if have != records {
		return fmt.Errorf("%w: got %d, expected %d", ErrLost, have, records)
	}
	return nil
}

func (p *producing) close() error { return p.topic.drop() }
