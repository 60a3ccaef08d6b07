//go:build linux

package matrix

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gregor-log/gregor/bench/limit"
	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
)

// catchUp is a row of one consumer that reads a log from the disk, beside a producer that is not to notice.
type catchUp struct {
	bytes   int64 // of the log
	dir     string
	uncache func(dir string) error
}

const (
	catchUpLog     = 4 << 30
	catchUpBatch   = 64 << 10
	catchUpSpan    = 1 << 20
	catchUpChecked = 64
	catchUpLongest = 10 * time.Minute // for a log to be read
	liveRate       = 100e6            // bytes a second
	liveWindow     = 3 * time.Second  // of the producer alone
)

// ErrNoRoom reports a disk that is too full.
var ErrNoRoom = errors.New("no room")

func catchUpRows() []*Row {
	return []*Row{{
		Name: "catch-up",
		What: "one consumer reads a log from the disk, not the page cache, beside a producer to another topic; " +
			"inflation is the producer's p99 meanwhile over its p99 before",
		Unit: "mb_per_s", work: &catchUp{}, MostRounds: 2,
		Settings: []result.Setting{
			setting("batch_bytes", catchUpBatch), setting("fetch_bytes", catchUpSpan), setting("record_bytes", 1024),
			setting("connections", 1), setting("in_flight", 1), setting("producer_mb_per_s", liveRate/1e6),
			setting("producer_batch_bytes", catchUpBatch), setting("acks", 1),
			{Key: "producer_durability", Value: "page-cache"},
			{Key: "latency", Value: "fetches: closed loop; producer: open loop, from the intended start"},
			{Key: "cache", Value: "dropped by /proc/sys/vm/drop_caches behind a sync; the machine's host may have one"},
			{Key: "limit", Value: "sendfile of the same log from the disk, with no producer beside it"},
		},
		Aims: []result.Aim{
			{Against: "kafka", AtLeast: 1.1}, {Against: "kafka", Of: "inflation", AtMost: 0.25},
			{Against: result.Limit, AtLeast: 0.9},
		},
	}}
}

var (
	_ workload = (*catchUp)(nil)
	_ adapting = (*catchUp)(nil)
)

// adapt chooses the size of the log: each side has one.
func (w *catchUp) adapt(o *Options) ([]result.Setting, error) {
	free, _, err := room(o.Dir)
	if err != nil {
		return nil, err
	}
	const loop, profiled, twice = 1, 1, 2 // as much again for what the producer writes
	share := int64(twice * (len(o.Peers) + loop + profiled))
	w.bytes = min(cmp.Or(o.ColdBytes, catchUpLog), free/share) / catchUpSpan * catchUpSpan
	if w.bytes < catchUpSpan {
		return nil, fmt.Errorf("%w: %s has %d bytes free, expected %d at least", ErrNoRoom, o.Dir, free,
			share*catchUpSpan)
	}
	w.dir, w.uncache = o.Dir, o.Tools.Uncache
	if w.uncache == nil {
		w.uncache = func(dir string) error { return uncache(dir, dropCaches) }
	}
	return []result.Setting{{Key: "log_bytes", Value: fmt.Sprint(w.bytes)}}, nil
}

// fresh is false: the log is filled once.
func (w *catchUp) fresh() bool { return false }

func (w *catchUp) window() load.Window { return load.Window{Warm: 2 * warmUp, For: liveWindow} }

func (w *catchUp) figure(r *load.Result) float64 { return r.MBPerSecond() }

func (w *catchUp) newBatch() (load.Batch, error) {
	return load.NewBatch(catchUpBatch, 1024, time.Now().UnixMilli())
}

func (w *catchUp) loop(dir string) ([]string, error) {
	b, err := w.newBatch()
	if err != nil {
		return nil, err
	}
	source := filepath.Join(dir, "source.log")
	if err := b.WriteLog(source, int(w.bytes/catchUpBatch)); err != nil {
		return nil, err
	}
	return []string{
		"--kind", string(limit.Spans), "--source", source, "--topic", loopTopic,
		"--batch-bytes", strconv.Itoa(catchUpBatch), "--batch-records", strconv.Itoa(b.Records),
		"--span-bytes", strconv.Itoa(catchUpSpan),
	}, nil
}

func (w *catchUp) open(ctx context.Context, i *peer.Instance, loop bool) (subject, error) {
	if i.Foreign && i.PID() == 0 {
		return nil, fmt.Errorf("%w: what is cached of the log of %s cannot be dropped", ErrElsewhere, i.Name)
	}
	b, err := w.newBatch()
	if err != nil {
		return nil, err
	}
	c := &catchingUp{work: w, address: i.Address, batch: b}
	// Segments of whole fetches, and nothing is deleted.
	configs := map[string]string{"segment.bytes": strconv.Itoa(1 << 30), "retention.ms": "-1"}
	if c.log, err = newTopic(ctx, i, loop, 1, configs); err != nil || loop {
		return c, err
	}
	if err = fill(ctx, i.Address, c.log, b, int(w.bytes/catchUpBatch)); err == nil {
		c.live, err = newTopic(ctx, i, loop, 1, configs)
	}
	if err != nil {
		return nil, errors.Join(err, c.log.drop())
	}
	return c, nil
}

// catchingUp is a side with a full log and a topic for the producer, which a raw loop does not have.
type catchingUp struct {
	work      *catchUp
	address   string
	log, live *topic
	batch     load.Batch
	records   int64 // that were produced to live
	told      map[string]float64
}

// sample has the producer run alone, drops the page cache and then has both run.
func (c *catchingUp) sample(ctx context.Context, over load.Window) (load.Result, error) {
	if c.live == nil {
		if err := c.work.uncache(c.work.dir); err != nil {
			return load.Result{}, err
		}
		return c.drain(ctx, over)
	}
	alone, err := c.produce(ctx, over, nil)
	if err != nil {
		return alone, fmt.Errorf("producer alone: %w", err)
	}
	if err := c.work.uncache(c.work.dir); err != nil {
		return alone, err
	}
	got, beside, err := c.both(ctx, over)
	if err != nil {
		return got, err
	}
	before, meanwhile := p99(alone.Latency), p99(beside.Latency)
	c.told = map[string]float64{
		"inflation": meanwhile / before, "producer_p99_alone_us": before, "producer_p99_us": meanwhile,
		"producer_mb_per_s": beside.MBPerSecond(),
	}
	c.records += (alone.All + beside.All) * int64(c.batch.Records)
	_, err = c.live.checkEnds(1, c.records)
	return got, err
}

func p99(h *hdrhistogram.Histogram) float64 { return float64(h.ValueAtQuantile(99)) / 1e3 }

// both has the producer run until the log is read.
func (c *catchingUp) both(ctx context.Context, over load.Window) (got, beside load.Result, err error) {
	done, finished := make(chan struct{}), make(chan error, 1)
	go func() {
		var err error
		beside, err = c.produce(ctx, over, done)
		finished <- err
	}()
	begin := time.NewTimer(over.Warm)
	defer begin.Stop()
	select {
	case <-begin.C:
		got, err = c.drain(ctx, over)
	case <-ctx.Done():
		err = context.Cause(ctx)
	case failed := <-finished:
		return got, beside, fmt.Errorf("producer beside: %w", cmp.Or(failed, load.ErrStalled))
	}
	close(done)
	if failed := <-finished; failed != nil {
		err = errors.Join(err, fmt.Errorf("producer beside: %w", failed))
	}
	return got, beside, err
}

// produce is the producer: for the window, or until it is told. There are latencies, or an error.
func (c *catchingUp) produce(ctx context.Context, over load.Window, until <-chan struct{}) (load.Result, error) {
	over.During = nil
	if until != nil {
		over.For = catchUpLongest
	}
	r, err := load.Spread{
		Address: c.address, Topic: c.live.name, Partitions: 1, PerRequest: 1, Connections: 1, Batch: c.batch, Acks: 1,
		Rate: liveRate / catchUpBatch, Window: over, Until: until,
	}.Run(ctx)
	if err == nil && r.Latency.TotalCount() == 0 {
		err = fmt.Errorf("%w: no request was due in the window", load.ErrStalled)
	}
	return r, err
}

// drain reads the log once.
func (c *catchingUp) drain(ctx context.Context, over load.Window) (load.Result, error) {
	if over.During != nil {
		defer over.During()()
	}
	return load.Fetch{
		Address: c.address, Topic: c.log.name, Connections: 1, InFlight: 1, BatchBytes: catchUpBatch,
		BatchRecords: int64(c.batch.Records), Batches: c.work.bytes / catchUpBatch,
		SpanBatches: catchUpSpan / catchUpBatch, CheckEvery: catchUpChecked, Once: true,
		Window: load.Window{For: catchUpLongest},
	}.Run(ctx)
}

func (c *catchingUp) extra() map[string]float64 { return c.told }

func (c *catchingUp) close() error {
	err := c.log.drop()
	if c.live != nil {
		err = errors.Join(err, c.live.drop())
	}
	return err
}
