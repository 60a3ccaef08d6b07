package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/consistency/history"
)

// reading is one topic read back from its start to its end.
type reading struct {
	load *load
	*rebuild
	took time.Duration
	// fetches counts the answers with records, ends the end of each partition.
	fetches int
	ends    map[int32]int64
}

// readPatience is how long a reader waits for the next record before it gives up.
const readPatience = 30 * time.Second

// errStuck reports a reader that gets nothing although there is more.
var errStuck = errors.New("no records come although there are more")

// readBack reads a topic, puts its files together again, and writes the reads into the history as final ones.
func (d *demo) readBack(ctx context.Context, l *load, progress func(lines int64)) (*reading, error) {
	r := &reading{load: l, rebuild: newRebuild(d.input, l.topic), ends: make(map[int32]int64)}
	began := d.book.Now()
	starts := map[int32]kgo.Offset{}
	for p := range int32(l.partitions) {
		starts[p] = kgo.NewOffset().At(0)
	}
	client, err := kgo.NewClient(
		kgo.SeedBrokers(d.broker.Address),
		kgo.ClientID("demo-read"),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{l.topic: starts}),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchMaxWait(100*time.Millisecond),
		kgo.FetchMaxPartitionBytes(4<<20),
		kgo.FetchMaxBytes(16<<20),
	)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	if err := d.askEnds(ctx, client, r); err != nil {
		return nil, err
	}
	next := make(map[int32]int64)
	op := history.NewOp(history.Fetch)
	for remaining(r.ends, next) > 0 {
		fetches, err := poll(ctx, client)
		if err != nil {
			return nil, fmt.Errorf("%s: %w; read %v of %v", l.topic, err, next, r.ends)
		}
		now := d.book.Now()
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			d.fetched(r, op, &p, next[p.Partition], began, now)
			if n := len(p.Records); n > 0 {
				next[p.Partition] = p.Records[n-1].Offset + 1
			}
		})
		progress(r.records)
	}
	r.took = d.book.Now() - began
	r.finish()
	return r, nil
}

// remaining returns how many partitions are not read to their end.
func remaining(ends, next map[int32]int64) int {
	left := 0
	for p, end := range ends {
		if next[p] < end {
			left++
		}
	}
	return left
}

// poll waits for the next fetches.
func poll(ctx context.Context, client *kgo.Client) (kgo.Fetches, error) {
	limited, cancel := context.WithTimeoutCause(ctx, readPatience, errStuck)
	defer cancel()
	fetches := client.PollFetches(limited)
	if limited.Err() != nil {
		return nil, context.Cause(limited)
	}
	return fetches, fetches.Err()
}

// fetched takes the records of one partition in. The client asks ahead, so the earliest instant at which it may have
// asked is when it was made, which is after the load.
func (d *demo) fetched(r *reading, op *history.Op, p *kgo.FetchTopicPartition, from int64, began, now time.Duration) {
	if len(p.Records) == 0 {
		return
	}
	r.fetches++
	op.Reset(history.Fetch)
	op.Process, op.Node, op.Outcome, op.Final = readerProcess(r.load, p.Partition), nodeID, history.OK, true
	op.Topic, op.Partition, op.Offset = p.Topic, p.Partition, from
	op.Start, op.End = int64(began), int64(now)
	op.HighWatermark, op.LogStart = p.HighWatermark, p.LogStartOffset
	var text []byte
	for _, record := range p.Records {
		r.add(record)
		text = identity(text[:0], r.load.index, d.input, record, lineOf(record))
		op.Offsets = append(op.Offsets, record.Offset)
		op.Values.Add(text)
	}
	d.book.Op(op)
}

// readerProcess returns the process that reads a partition, after those of the loads.
func readerProcess(l *load, partition int32) int32 {
	return lanes*topics + int32(l.index*l.partitions) + partition
}

// askEnds asks for the end of every partition.
func (d *demo) askEnds(ctx context.Context, client *kgo.Client, r *reading) error {
	start := d.book.Now()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, r.load.topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return fmt.Errorf("ends of %s: %w", r.load.topic, err)
	}
	end := d.book.Now()
	for p := range int32(r.load.partitions) {
		found, ok := ends.Lookup(r.load.topic, p)
		if !ok {
			return fmt.Errorf("ends of %s: partition %d is missing", r.load.topic, p)
		}
		r.ends[p] = found.Offset
		op := history.NewOp(history.End)
		op.Process, op.Node, op.Outcome, op.Final = readerProcess(r.load, p), nodeID, history.OK, true
		op.Topic, op.Partition, op.Offset = r.load.topic, p, found.Offset
		op.Start, op.End = int64(start), int64(end)
		d.book.Op(op)
	}
	return nil
}
