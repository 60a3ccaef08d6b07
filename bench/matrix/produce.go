//go:build linux

package matrix

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/gregor-log/gregor/bench/limit"
	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/core/batch"
)

// produce is a row of Produce requests.
type produce struct {
	batch, record         int // sizes in bytes; a batch of 0 is a single record
	connections, inFlight int
	length                time.Duration // of a sample
	acks                  int16
	partitions            int               // as many as connections if it is 0
	configs               map[string]string // of the topic
	kind                  limit.Kind        // of the raw loop; Store if it is ""
	codec                 batch.Codec       // batch is the size before it
	header                bool              // gregor takes the header's word for the records
	beyond                *beyond           // nil for a row that stays within what the kernel keeps dirty
}

// A window is so long that it writes less than what Linux keeps dirty before it writes back (10 % of 24 GB): burst.
const (
	warmUp      = 200 * time.Millisecond
	bulkWindow  = 500 * time.Millisecond
	smallWindow = time.Second
)

func produceRows() []*Row {
	make := func(name, what string, w *produce, kafka, limit float64) *Row {
		unit, durability := "mb_per_s", "page-cache"
		if w.counts() {
			unit = "requests_per_s"
		}
		if w.configs[flushMessages] == "1" {
			durability = "fsync"
		}
		return &Row{
			Name: name, What: what, Unit: unit, Durability: durability, work: w,
			Settings: []result.Setting{
				setting("batch_bytes", w.batch), setting("record_bytes", w.record),
				setting("connections", w.connections), setting("partitions", int(w.parts())),
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
		make("fsync-1", "produce batches of 3 KB to one partition, each on the disk before it is acknowledged",
			durable(&produce{connections: 8, inFlight: 5, partitions: 1}), 10, 0.85),
		make("fsync-100", "the same to a hundred partitions, each with a file of its own to sync, as in the raw loop",
			durable(&produce{connections: 100, inFlight: 1, partitions: 100}), 10, 0.85),
	}
}

// flushMessages is the configuration of a topic that says how many records may wait for a sync.
const flushMessages = "flush.messages"

// durable completes a row whose requests are acknowledged once they are on the disk.
func durable(w *produce) *produce {
	w.batch, w.record, w.length, w.acks, w.kind = 3<<10, 1000, smallWindow, 1, limit.Durable
	w.configs = map[string]string{flushMessages: "1"}
	return w
}

// counts reports whether the figure is of requests rather than bytes.
func (w *produce) counts() bool { return w.batch == 0 || w.kind == limit.Durable }

var _ workload = (*produce)(nil)

func (w *produce) fresh() bool { return true }

func (w *produce) window() load.Window { return load.Window{Warm: warmUp, For: w.length} }

func (w *produce) loop(dir string) ([]string, error) {
	arguments := []string{"--kind", string(cmp.Or(w.kind, limit.Store)), "--dir", dir}
	if w.beyond != nil {
		arguments = append(arguments, "--flush")
	}
	if w.kind == limit.Durable {
		arguments = append(arguments, "--files", strconv.Itoa(w.partitions))
	}
	return arguments, nil
}

func (w *produce) discard() []string { return []string{"--kind", string(limit.Discard)} }

func (w *produce) parts() int32 { return int32(cmp.Or(w.partitions, w.connections)) }

func (w *produce) figure(r *load.Result) float64 {
	if w.counts() {
		return r.RequestsPerSecond()
	}
	return r.MBPerSecond()
}

func (w *produce) open(ctx context.Context, i *peer.Instance, loop bool) (subject, error) {
	t, err := newTopic(ctx, i, loop, w.parts(), w.configsOf(i.Name))
	if err != nil {
		return nil, err
	}
	if w.beyond != nil {
		if err := t.noteRoom(); err != nil {
			return nil, errors.Join(err, t.drop())
		}
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
	w.beyond.begin(&over)
	r, err := load.Produce{
		Address: p.address, Topic: p.topic.name, Partitions: w.parts(), Connections: w.connections,
		InFlight: w.inFlight, Batch: b, Acks: w.acks, Window: over,
	}.Run(ctx)
	if err != nil {
		return r, err
	}
	return r, p.readBack(ctx, b, r.All)
}

func (w *produce) newBatch() (load.Batch, error) {
	now := time.Now().UnixMilli()
	switch {
	case w.batch == 0:
		return load.NewRecord(w.record, now)
	case w.codec != batch.None:
		return load.NewCompressed(w.codec, w.batch, w.record, now)
	}
	return load.NewBatch(w.batch, w.record, now)
}

func (p *producing) close() error { return p.topic.drop() }
