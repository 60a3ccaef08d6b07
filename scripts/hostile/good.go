package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// good is a client that does nothing wrong, the whole time: an idempotent producer that waits for all acks, and a
// consumer that holds every record against what was sent.
//
// Record n, at offset n, is 8 bytes of n, up to 500 random bytes drawn from n, and their CRC-32 in 4 bytes.
type good struct {
	producer, consumer *kgo.Client
	acked, read        atomic.Int64
	slowest            atomic.Int64 // nanoseconds of the slowest request of the producer
}

// errGood reports what a good client must not see.
var errGood = errors.New("the good client was disturbed")

// inFlight is how many records wait for their acks at most.
const inFlight = 20

func newGood(address string) (*good, error) {
	seeds := kgo.SeedBrokers(address)
	p, err := kgo.NewClient(seeds, kgo.DefaultProduceTopic(goodTopic), kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.MaxBufferedRecords(inFlight), kgo.RecordRetries(3), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return nil, err
	}
	c, err := kgo.NewClient(seeds, kgo.FetchMaxWait(200*time.Millisecond), kgo.ConsumePartitions(
		map[string]map[int32]kgo.Offset{goodTopic: {0: kgo.NewOffset().AtStart()}}))
	if err != nil {
		p.Close()
		return nil, err
	}
	return &good{producer: p, consumer: c}, nil
}

// value returns record n.
func value(n int64) []byte {
	r := rand.New(rand.NewPCG(uint64(n), 5))
	p := binary.BigEndian.AppendUint64(nil, uint64(n))
	for range r.IntN(500) {
		p = append(p, byte(r.Uint32()))
	}
	return binary.BigEndian.AppendUint32(p, crc32.ChecksumIEEE(p))
}

// produce sends records until ctx ends, and waits for the last acks.
func (g *good) produce(ctx context.Context, pause time.Duration) error {
	failed := make(chan error, 1)
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for n := int64(0); ; n++ {
		select {
		case <-ctx.Done():
			return errors.Join(g.producer.Flush(context.Background()), first(failed))
		case err := <-failed:
			return err
		case <-tick.C:
		}
		began := time.Now()
		record := &kgo.Record{Value: value(n)}
		g.producer.Produce(context.Background(), record, func(r *kgo.Record, err error) {
			took := int64(time.Since(began))
			for old := g.slowest.Load(); took > old && !g.slowest.CompareAndSwap(old, took); old = g.slowest.Load() {
			}
			if err == nil && r.Offset != n {
				err = fmt.Errorf("%w: record %d was appended at offset %d", errGood, n, r.Offset)
			}
			if err != nil {
				select {
				case failed <- fmt.Errorf("produce record %d: %w", n, err):
				default: // the first failure says it
				}
				return
			}
			g.acked.Add(1)
		})
	}
}

func first(failed <-chan error) error {
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// consume reads records and compares them until ctx ends.
func (g *good) consume(ctx context.Context) error {
	for ctx.Err() == nil {
		fetches := g.consumer.PollFetches(ctx)
		for _, e := range fetches.Errors() {
			if ctx.Err() == nil {
				return fmt.Errorf("%w: fetch: %w", errGood, e.Err)
			}
		}
		for _, r := range fetches.Records() {
			n := g.read.Load()
			if want := value(n); r.Offset != n || string(r.Value) != string(want) {
				return fmt.Errorf("%w: got %d bytes at offset %d, expected record %d of %d bytes", errGood,
					len(r.Value), r.Offset, n, len(want))
			}
			g.read.Add(1)
		}
	}
	return nil
}

// catchUp consumes until all that was acked is read.
func (g *good) catchUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	reading, stop := context.WithCancel(ctx)
	defer stop()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for reading.Err() == nil && g.read.Load() < g.acked.Load() {
			<-tick.C
		}
		stop()
	}()
	err := g.consume(reading)
	stop()
	<-watched
	if err == nil && g.read.Load() != g.acked.Load() {
		err = fmt.Errorf("%w: %d records were acked and %d read", errGood, g.acked.Load(), g.read.Load())
	}
	return err
}

func (g *good) close() {
	g.producer.Close()
	g.consumer.Close()
}
