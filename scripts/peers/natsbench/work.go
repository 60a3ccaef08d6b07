//go:build linux

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gregor-log/gregor/bench/result"
)

// store is one of those that are compared.
type store interface {
	name() string
	// create makes an empty log that takes so many messages before the first is acknowledged. In a durable one a
	// message is on the disk before it is.
	create(ctx context.Context, name string, durable bool, inFlight int) (log, error)
}

// log is a stream or a topic of one partition, and the client that uses it.
type log interface {
	// send hands a message over, and waits while too many are in flight. The value is the callee's from then on.
	send(ctx context.Context, value []byte) error
	// flush waits until all that was sent is acknowledged; an error if any was not.
	flush(ctx context.Context) error
	// count is how many messages the log holds.
	count(ctx context.Context) (int64, error)
	// consume hands over all messages from the first, until got returns false. Ready is closed once it has begun.
	consume(ctx context.Context, ready chan<- struct{}, got func(value []byte) bool) error
	// drop deletes the log and ends its client.
	drop(ctx context.Context) error
}

var (
	errNotAcknowledged = errors.New("messages were not acknowledged")
	errLost            = errors.New("acknowledged messages are not in the log")
)

// work is a line of the table: it measures one store once.
type work struct {
	name, unit string
	run        func(ctx context.Context, s store, of sizes) ([]float64, error)
}

// sizes say how much is done.
type sizes struct {
	message, inFlight, filled, rate int
	window                          time.Duration
}

func works() []work {
	publish := func(durable bool) func(context.Context, store, sizes) ([]float64, error) {
		return func(ctx context.Context, s store, of sizes) ([]float64, error) { return produce(ctx, s, durable, of) }
	}
	return []work{
		{"publish, page cache", "messages/s", publish(false)},
		{"publish, each on the disk", "messages/s", publish(true)},
		{"consume what is there", "messages/s", consume},
		{"end to end, open loop: p50 p99 p99.9", "us", endToEnd},
	}
}

// with has a log of a new name used and deleted again.
func with(ctx context.Context, s store, durable bool, of sizes, use func(log) error) error {
	l, err := s.create(ctx, fmt.Sprintf("bench-%d", time.Now().UnixNano()), durable, of.inFlight)
	if err != nil {
		return err
	}
	return errors.Join(use(l), l.drop(ctx))
}

// produce publishes over the window, waits for all acknowledgements and counts what is there.
func produce(ctx context.Context, s store, durable bool, of sizes) ([]float64, error) {
	var rate float64
	err := with(ctx, s, durable, of, func(l log) error {
		start := time.Now()
		var sent int64
		for ; time.Since(start) < of.window; sent++ {
			if err := l.send(ctx, make([]byte, of.message)); err != nil {
				return err
			}
		}
		if err := l.flush(ctx); err != nil {
			return err
		}
		rate = float64(sent) / time.Since(start).Seconds()
		return holds(ctx, l, sent)
	})
	return []float64{rate}, err
}

// holds compares a log with what was acknowledged.
func holds(ctx context.Context, l log, want int64) error {
	got, err := l.count(ctx)
	if err == nil && got != want {
		err = fmt.Errorf("%w: got %d, expected %d", errLost, got, want)
	}
	return err
}

// consume fills a log and measures how fast all of it is read.
func consume(ctx context.Context, s store, of sizes) ([]float64, error) {
	var rate float64
	err := with(ctx, s, false, of, func(l log) error {
		for range of.filled {
			if err := l.send(ctx, make([]byte, of.message)); err != nil {
				return err
			}
		}
		if err := errors.Join(l.flush(ctx), holds(ctx, l, int64(of.filled))); err != nil {
			return err
		}
		start, left := time.Now(), of.filled
		err := l.consume(ctx, make(chan struct{}), func([]byte) bool { left--; return left > 0 })
		rate = float64(of.filled) / time.Since(start).Seconds()
		return err
	})
	return []float64{rate}, err
}

// endToEnd sends messages at a fixed rate while a consumer waits for them. A latency counts from when the message was
// due, so a store that stalls is charged for all that was due meanwhile.
func endToEnd(ctx context.Context, s store, of sizes) ([]float64, error) {
	h := hdrhistogram.New(1, time.Minute.Nanoseconds(), 3)
	messages := int(float64(of.rate) * of.window.Seconds())
	counted := messages - messages/4 // a consumer that has just begun is not what is measured
	err := with(ctx, s, false, of, func(l log) error {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		ready, consumed := make(chan struct{}), make(chan error, 1)
		start := time.Now()
		go func() {
			left := messages
			var failed error
			err := l.consume(ctx, ready, func(value []byte) bool {
				due := start.Add(time.Duration(binary.BigEndian.Uint64(value)))
				left--
				if left < counted {
					failed = errors.Join(failed, h.RecordValue(int64(time.Since(due))))
				}
				return failed == nil && left > 0
			})
			if err = errors.Join(err, failed); err != nil {
				cancel(err) // a sender need not go on
			}
			consumed <- err
		}()
		select {
		case <-ready:
		case err := <-consumed:
			return err
		}
		err := pace(ctx, l, time.Now(), start, messages, of)
		return errors.Join(err, <-consumed)
	})
	if err == nil && h.TotalCount() != int64(counted) {
		err = fmt.Errorf("%w: got %d, expected %d", errLost, h.TotalCount(), counted)
	}
	us := func(percent float64) float64 { return float64(h.ValueAtQuantile(percent)) / 1e3 }
	return []float64{us(50), us(99), us(99.9)}, err
}

// pace sends each message when it is due, with that instant as the time since origin.
func pace(ctx context.Context, l log, first, origin time.Time, messages int, of sizes) error {
	for i := range messages {
		due := first.Add(time.Duration(i) * time.Second / time.Duration(of.rate))
		time.Sleep(time.Until(due))
		value := make([]byte, of.message)
		binary.BigEndian.PutUint64(value, uint64(due.Sub(origin)))
		if err := l.send(ctx, value); err != nil {
			return err
		}
	}
	return l.flush(ctx)
}

// medians returns the median of each figure over the rounds.
func medians(rounds [][]float64) []float64 {
	var all []float64
	for i := range rounds[0] {
		var column []float64
		for _, r := range rounds {
			column = append(column, r[i])
		}
		all = append(all, result.Median(column))
	}
	return all
}
