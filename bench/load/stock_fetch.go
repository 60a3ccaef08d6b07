//go:build linux

package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// ErrConsumed reports a consumer that did not get what the log holds.
var ErrConsumed = errors.New("consumer did not get every record once")

// StockFetch is an application that consumes a topic of one partition from its start to its end with franz-go, again
// and again, with a new client each time: once to warm up, then as often as begins in the window.
type StockFetch struct {
	Address, Topic string
	// Records is how many the topic holds.
	Records int64
	Window  Window
}

// Run consumes. The window ends with the pass that is under way, and Elapsed is the time of the passes: connecting
// and asking for offsets are part of it. Bytes are those of the values; there are no latencies.
func (f StockFetch) Run(ctx context.Context) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, f.Window.last())
	defer cancel()
	if f.Window.Warm > 0 {
		if _, err := f.pass(ctx); err != nil {
			return Result{}, err
		}
	}
	var r Result
	var cpu stockCPU
	end := cpu.around(f.Window).During()
	start := time.Now()
	for r.Elapsed < f.Window.For {
		bytes, err := f.pass(ctx)
		if err != nil {
			return Result{}, err
		}
		r.Elapsed = time.Since(start)
		r.Bytes, r.Records = r.Bytes+bytes, r.Records+f.Records
	}
	end()
	r.Requests, r.All, r.ClientCPU = r.Records, r.Records, cpu.used
	return r, nil
}

// pass consumes everything once and returns the bytes of the values.
func (f StockFetch) pass(ctx context.Context) (int64, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(f.Address), kgo.ConsumePartitions(
		map[string]map[int32]kgo.Offset{f.Topic: {0: kgo.NewOffset().AtStart()}}))
	if err != nil {
		return 0, err
	}
	defer client.Close()
	var next, bytes int64
	for next < f.Records {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return 0, fmt.Errorf("consume with franz-go after %d of %d records: %w", next, f.Records, err)
		}
		for records := fetches.RecordIter(); !records.Done(); next++ {
			record := records.Next()
			if record.Offset != next {
				return 0, fmt.Errorf("%w: got offset %d, expected %d", ErrConsumed, record.Offset, next)
			}
			bytes += int64(len(record.Value))
		}
	}
	if next != f.Records {
		return 0, fmt.Errorf("%w: got %d, expected %d", ErrConsumed, next, f.Records)
	}
	return bytes, nil
}
