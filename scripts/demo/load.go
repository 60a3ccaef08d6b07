package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/consistency/history"
)

// topics is the number of topics that are loaded.
const topics = 2

// Settings of the producers. Batches are small beside the input, so that a kill strikes among many of them.
const (
	producerBatch    = 256 << 10
	producerBuffered = 64 << 20
	producerPatience = 2 * time.Minute
	producerBackoff  = 20 * time.Millisecond
	// together is how many records share the instant at which they were handed to the producer.
	together = 256
)

// load is one pass of the whole input into one topic.
type load struct {
	index      int
	topic      string
	codec      kgo.CompressionCodec
	codecName  string
	partitions int

	// took is from the first record to the last acknowledgement. began is when, on the chronicle's clock.
	began, took time.Duration
	// lines and bytes count what was acknowledged.
	lines, bytes atomic.Int64
	// samples are counts of lines over time, acks the instants of acknowledgements, since the load began.
	samples []sample
	acks    []time.Duration
	kills   []kill
}

// sample is how many lines had been acknowledged at an instant.
type sample struct {
	at    time.Duration
	lines int64
}

// chunk is the context of records that were handed over together: the earliest instant at which they may have been
// sent.
type chunk struct {
	context.Context
	start time.Duration
}

// lane is one producer of a load. A second one with larger batches is there for the files with lines that do not fit
// into those of the first.
type lane struct {
	client *kgo.Client
	tally  *tally
}

// lanes is the most producers that a load has.
const lanes = 2

// wide reports whether a file belongs into the second lane.
func (f *file) wide() bool { return f.longest > producerBatch/2 }

// openLanes makes the producers of a load.
func (d *demo) openLanes(l *load) ([]lane, error) {
	sizes := []int{producerBatch}
	if slices.ContainsFunc(d.input.files, (*file).wide) {
		sizes = append(sizes, d.maxBatch())
	}
	var opened []lane
	for i, size := range sizes {
		client, err := d.producer(l, size)
		if err != nil {
			return opened, err
		}
		opened = append(opened, lane{client, &tally{
			demo: d, load: l, op: history.NewOp(history.Append), sent: make(map[producing]int32),
			process: int32(i*topics + l.index),
		}})
	}
	return opened, nil
}

// producer returns a client for a load: idempotent, acks=all, and patient while the broker is away.
func (d *demo) producer(l *load, batch int) (*kgo.Client, error) {
	return kgo.NewClient(
		kgo.SeedBrokers(d.broker.Address),
		kgo.ClientID("demo-load"),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)),
		kgo.ProducerBatchCompression(l.codec),
		kgo.ProducerBatchMaxBytes(int32(batch)),
		kgo.MaxBufferedRecords(1<<20),
		kgo.MaxBufferedBytes(max(producerBuffered, 2*batch)),
		kgo.ProducerLinger(5*time.Millisecond),
		kgo.RecordDeliveryTimeout(producerPatience),
		kgo.RetryBackoffFn(func(int) time.Duration { return producerBackoff }),
		kgo.RequestRetries(1<<20),
		kgo.MetadataMinAge(50*time.Millisecond),
	)
}

// maxBatch returns the size that holds the longest line as a batch of its own.
func (d *demo) maxBatch() int { return d.input.longest + 64<<10 }

// run loads the whole input while the broker is killed and started again, and writes what was acknowledged when.
func (d *demo) load(ctx context.Context, l *load, progress func(lines int64)) error {
	opened, err := d.openLanes(l)
	defer func() {
		for _, lane := range opened {
			lane.client.Close()
		}
	}()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	l.began = d.book.Now()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		d.watch(ctx, l, cancel, progress)
	}()
	for _, f := range d.input.files {
		to := opened[0]
		if f.wide() {
			to = opened[1]
		}
		if err := d.send(ctx, l, f, to); err != nil {
			return err
		}
	}
	for _, lane := range opened {
		if err := lane.client.Flush(ctx); err != nil {
			return errors.Join(context.Cause(ctx), err)
		}
	}
	l.took = d.book.Now() - l.began
	cancel(nil)
	<-watched
	l.samples = append(l.samples, sample{l.took, l.lines.Load()})
	for _, lane := range opened {
		if err := lane.tally.end(); err != nil {
			return err
		}
	}
	l.measureKills()
	return nil
}

// send hands the records of a file to the producer, which blocks while its buffer is full.
func (d *demo) send(ctx context.Context, l *load, f *file, to lane) error {
	text, err := d.input.read(f)
	if err != nil {
		return err
	}
	recs := records(f, text, l.topic)
	var now time.Time
	var shared *chunk
	for i := range recs {
		if i%together == 0 {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			now, shared = time.Now(), &chunk{ctx, d.book.Now()}
		}
		recs[i].Timestamp, recs[i].Context = now, shared
		to.client.Produce(ctx, &recs[i], to.tally.acked)
	}
	return nil
}

// producing is what sequence numbers are counted by.
type producing struct {
	partition int32
	id        int64
	epoch     int16
}

// tally turns acknowledgements into operations of the history. The client calls it from one goroutine, for the records
// of a batch one after another. An operation is a run of records with consecutive offsets that were acknowledged
// together: a batch, or batches of one partition that follow each other.
type tally struct {
	demo    *demo
	load    *load
	process int32
	op      *history.Op
	text    []byte
	acks    []time.Duration
	// sent counts the records of each producer id, epoch and partition: the sequence number of the next one.
	sent   map[producing]int32
	failed int64
	err    error
}

// acked notes the fate of one record.
func (t *tally) acked(r *kgo.Record, err error) {
	now := t.demo.book.Now()
	if err != nil {
		t.lost(r, err, now)
		return
	}
	next := t.op.Offset + int64(t.op.Values.Len())
	if t.op.Values.Len() == 0 || t.op.Partition != r.Partition || next != r.Offset ||
		t.op.ProducerID != base.ProducerID(r.ProducerID) || t.op.ProducerEpoch != base.ProducerEpoch(r.ProducerEpoch) {
		t.flush()
		t.begin(r, history.OK)
		t.op.Offset = r.Offset
		t.op.ProducerID, t.op.ProducerEpoch = base.ProducerID(r.ProducerID), base.ProducerEpoch(r.ProducerEpoch)
		by := producing{r.Partition, r.ProducerID, r.ProducerEpoch}
		t.op.Sequence = t.sent[by]
	}
	t.text = identity(t.text[:0], t.load.index, t.demo.input, r, lineOf(r))
	t.op.Values.Add(t.text)
	t.op.End = int64(now)
	t.sent[producing{r.Partition, r.ProducerID, r.ProducerEpoch}]++
	t.load.lines.Add(1)
	t.load.bytes.Add(int64(len(r.Value)))
}

// lost notes a record of which nobody knows whether it was stored.
func (t *tally) lost(r *kgo.Record, err error, now time.Duration) {
	t.flush()
	t.begin(r, history.Unknown)
	t.text = identity(t.text[:0], t.load.index, t.demo.input, r, lineOf(r))
	t.op.Values.Add(t.text)
	t.op.End = int64(now)
	t.flush()
	if t.failed++; t.err == nil {
		t.err = err
	}
}

// begin begins an operation with a record.
func (t *tally) begin(r *kgo.Record, outcome history.Outcome) {
	t.op.Reset(history.Append)
	t.op.Process, t.op.Node, t.op.Outcome = t.process, nodeID, outcome
	t.op.Topic, t.op.Partition, t.op.Acks = r.Topic, max(r.Partition, 0), -1
	if shared, ok := r.Context.(*chunk); ok {
		t.op.Start = int64(shared.start)
	}
}

// end writes what is left when all is acknowledged, and hands the instants over.
func (t *tally) end() error {
	t.flush()
	t.load.acks = append(t.load.acks, t.acks...)
	if t.failed > 0 {
		return fmt.Errorf("%d of %d records were not acknowledged, the first: %w", t.failed, t.demo.input.lines, t.err)
	}
	return nil
}

// flush writes the operation that was begun.
func (t *tally) flush() {
	if t.op.Values.Len() == 0 {
		return
	}
	t.demo.book.Op(t.op)
	t.acks = append(t.acks, time.Duration(t.op.End)-t.load.began)
	t.op.Values.Reset()
}
