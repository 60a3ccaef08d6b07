package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// patience is how long nothing may come before consume looks whether anything still can.
const patience = time.Second

// poll prints records until all ranges are read, enough is printed, or the context ends. Its end by a signal is the
// usual end of a consumer that was told no other, and no error.
func (f *consumption) poll(ctx context.Context, client *kgo.Client) error {
	for len(f.ranges) > 0 && !f.enough() {
		limited, cancel := context.WithTimeout(ctx, patience)
		fetches := client.PollFetches(limited)
		cancel()
		if ctx.Err() != nil {
			if f.count == 0 && !f.bounded() {
				return nil
			}
			return context.Cause(ctx)
		}
		for _, e := range fetches.Errors() {
			if !errors.Is(e.Err, context.DeadlineExceeded) {
				return fmt.Errorf("consume %s partition %d: %w", e.Topic, e.Partition, e.Err)
			}
		}
		if err := f.take(client, fetches); err != nil {
			return err
		}
		if err := f.out.Flush(); err != nil {
			return err
		}
		if fetches.NumRecords() == 0 {
			if err := f.dropTrimmed(ctx, client); err != nil {
				return err
			}
		}
	}
	return nil
}

// enough reports that as many records are printed as were asked for.
func (f *consumption) enough() bool {
	return f.count > 0 && f.left == 0
}

// bounded reports that some partition has an end to be read to.
func (f *consumption) bounded() bool {
	for _, r := range f.ranges {
		if r.to >= 0 {
			return true
		}
	}
	return false
}

// take prints what came, as far as it is wanted.
func (f *consumption) take(client *kgo.Client, fetches kgo.Fetches) error {
	for it := fetches.RecordIter(); !it.Done(); {
		r := it.Next()
		at := topicPartition{r.Topic, r.Partition}
		wanted, ok := f.ranges[at]
		if !ok || f.enough() {
			continue
		}
		within := wanted.to < 0 || r.Offset < wanted.to
		if within && r.Offset >= wanted.from {
			if err := f.write(r); err != nil {
				return err
			}
		}
		if wanted.to >= 0 && r.Offset >= wanted.to-1 {
			f.finish(client, at)
		}
	}
	return nil
}

// write prints one record, unless it is a marker of a transaction.
func (f *consumption) write(r *kgo.Record) error {
	if r.Attrs.IsControl() {
		return nil
	}
	var err error
	if f.line, err = f.print(f.line[:0], r); err != nil {
		return fmt.Errorf("print offset %d of %s partition %d: %w", r.Offset, r.Topic, r.Partition, err)
	}
	f.left--
	_, err = f.out.Write(f.line)
	return err
}

// finish ends the reading of a partition.
func (f *consumption) finish(client *kgo.Client, at topicPartition) {
	delete(f.ranges, at)
	client.RemoveConsumePartitions(map[string][]int32{at.topic: {at.partition}})
}

// dropTrimmed ends the reading of partitions whose log begins beyond what is wanted by now: retention was faster.
func (f *consumption) dropTrimmed(ctx context.Context, client *kgo.Client) error {
	if !f.bounded() {
		return nil
	}
	topics := make(map[string]bool)
	for at := range f.ranges {
		topics[at.topic] = true
	}
	ctx, cancel := context.WithTimeout(ctx, f.client.timeout)
	defer cancel()
	starts, err := kadm.NewClient(client).ListStartOffsets(ctx, slices.Sorted(maps.Keys(topics))...)
	if err != nil {
		return fmt.Errorf("list start offsets: %w", err)
	}
	for at, r := range f.ranges {
		if o, ok := starts.Lookup(at.topic, at.partition); ok && o.Err == nil && r.to >= 0 && o.Offset >= r.to {
			f.finish(client, at)
		}
	}
	return nil
}
