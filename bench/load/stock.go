//go:build linux

package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/bench/result"
)

// What a stock client is set to, whoever wrote it, so that all do the same work: ProducerPerformance of Kafka is given
// the same. Buffers and requests in flight are the defaults of Kafka's own producer.
const (
	StockLinger   = 5 * time.Millisecond
	StockBatch    = 64 << 10
	StockInFlight = 5
	StockBuffer   = 32 << 20
)

// StockProduce is an application that produces with franz-go as fast as the client takes records: each is copied,
// given to a partition, batched and sent by the client. The latency is a record's, from when it was handed over until
// it was acknowledged, so it includes the wait in the client's buffer.
type StockProduce struct {
	Address, Topic string
	// Record is the size of each record's value in bytes.
	Record int
	Window Window
}

// Run produces over the window and waits for all acknowledgements. Requests count records here.
func (p StockProduce) Run(ctx context.Context) (Result, error) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(p.Address), kgo.DefaultProduceTopic(p.Topic), kgo.RequiredAcks(kgo.LeaderAck()),
		kgo.DisableIdempotentWrite(), kgo.ProducerLinger(StockLinger), kgo.ProducerBatchMaxBytes(StockBatch),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.MaxProduceRequestsInflightPerBroker(StockInFlight),
		kgo.MaxBufferedRecords(StockBuffer), kgo.MaxBufferedBytes(StockBuffer),
	)
	if err != nil {
		return Result{}, err
	}
	defer client.Close()
	// A record that is not acknowledged in time is an error of its own, so a flush ends.
	ctx, cancel := context.WithTimeout(ctx, p.Window.last())
	defer cancel()
	start := time.Now()
	window := newSpan(start, p.Window)
	s := &stockProducing{meter: newMeter(window), size: int64(p.Record)}
	var cpu stockCPU
	var group sync.WaitGroup
	group.Go(func() { observe(ctx, window, cpu.around(p.Window).During) })
	value := stockValue(p.Record)
	for now := start; !s.meter.over(now) && s.failed() == nil; now = time.Now() {
		client.Produce(ctx, &kgo.Record{Value: value}, s.promise(now))
	}
	flushed := client.Flush(ctx)
	group.Wait()
	if err := errors.Join(s.failed(), flushed); err != nil {
		return Result{}, fmt.Errorf("produce with franz-go: %w", err)
	}
	s.meter.result.ClientCPU, s.meter.result.Elapsed = cpu.used, window.elapsed()
	return s.meter.result, nil
}

// stockProducing counts what is acknowledged.
type stockProducing struct {
	size int64
	mu   sync.Mutex
	// meter and err are guarded by mu, but for what of the meter never changes.
	meter *meter
	err   error
}

func (s *stockProducing) promise(sent time.Time) func(*kgo.Record, error) {
	return func(_ *kgo.Record, err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if err != nil {
			if s.err == nil {
				s.err = err
			}
			return
		}
		s.meter.count(sent, time.Now(), 1, s.size)
	}
}

func (s *stockProducing) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// stockValue is what all records hold.
func stockValue(size int) []byte {
	value := make([]byte, size)
	for i := range value {
		value[i] = byte('a' + i%23)
	}
	return value
}

// stockCPU is what this process used over a window.
type stockCPU struct{ used time.Duration }

// around returns the window with a hook that measures, and calls the window's own.
func (c *stockCPU) around(w Window) Window {
	own := w.During
	w.During = func() func() {
		ended := func() {}
		if own != nil {
			ended = own()
		}
		before, _ := result.CPUOf(0) // this process has one
		return func() {
			after, _ := result.CPUOf(0)
			c.used = after - before
			ended()
		}
	}
	return w
}
