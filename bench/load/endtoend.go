//go:build linux

package load

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sys/unix"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/bench/limit"
	"github.com/gregor-log/gregor/core/batch"
)

// EndToEnd is a producer of one record a request at a fixed rate, and consumers that read each as soon as they can, of
// one partition of an empty topic.
//
// It is an open loop: record i is due at the beginning plus i intervals, whatever happened to those before it, and its
// latency counts from then until the consumer has it. A broker that stops for a second is charged with that second for
// every record that was due meanwhile, so there is no coordinated omission.
type EndToEnd struct {
	Address string
	Topic   string
	// Record is the size of each record's value in bytes, at least 8: it begins with the time at which it was due.
	Record int
	// Rate is how many are due a second.
	Rate float64
	// Consumers is how many read everything, each on a connection of its own; 0 is one.
	Consumers int
	Acks      int16
	Window    Window
}

// EndToEndResult is what came of it.
type EndToEndResult struct {
	// Result counts the records that were due in the window, once for each consumer, with their latency from due to
	// received.
	Result
	// Late is how late the producer sent them, in nanoseconds: what of the latency is the load generator's own.
	Late *hdrhistogram.Histogram
	// Received is how many records a second the slowest consumer got, from the beginning until it had all. It is less
	// than the rate if the broker does not keep up with that.
	Received float64
}

const stampSize = 8

// Run produces and consumes over the window, and ends when the consumer has everything.
func (e EndToEnd) Run(ctx context.Context) (EndToEndResult, error) {
	producing, err := limit.Dial(ctx, e.Address)
	if err != nil {
		return EndToEndResult{}, err
	}
	defer producing.Close()
	conns := []*net.TCPConn{producing}
	for range max(e.Consumers, 1) {
		c, err := limit.Dial(ctx, e.Address)
		if err != nil {
			return EndToEndResult{}, err
		}
		defer c.Close()
		conns = append(conns, c)
	}
	for _, c := range conns {
		stop := context.AfterFunc(ctx, func() { _ = c.Close() }) // ends a wait
		defer stop()
		if err := c.SetDeadline(time.Now().Add(e.Window.last())); err != nil {
			return EndToEndResult{}, err
		}
	}
	return e.drive(ctx, conns)
}

// drive runs all ends: the producer on the first connection, a consumer on each other. One that fails ends the others.
func (e EndToEnd) drive(ctx context.Context, conns []*net.TCPConn) (EndToEndResult, error) {
	beat, err := newBeat(&e)
	if err != nil {
		return EndToEndResult{}, err
	}
	producing := conns[0]
	works := []func() error{
		func() error { return beat.send(producing) }, func() error { return beat.acknowledged(producing) },
	}
	window := newSpan(beat.start, e.Window)
	var meters []*meter
	var tails []*tail
	for _, c := range conns[1:] {
		m := newMeter(window)
		meters = append(meters, m)
		tails = append(tails, &tail{load: &e, conn: c, start: beat.start, meter: m})
		works = append(works, tails[len(tails)-1].read)
	}
	var all sync.WaitGroup
	errs := make([]error, len(works))
	for i, work := range works {
		all.Go(func() {
			if errs[i] = work(); errs[i] != nil {
				for _, c := range conns {
					_ = c.Close() // the others' errors follow from this
				}
			}
		})
	}
	observe(ctx, window, e.Window.During)
	all.Wait()
	err = first(errs)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("%w: %w", ErrStalled, err)
	}
	return EndToEndResult{merge(meters, window), beat.late, e.received(tails)}, err
}

// received is the rate at which the slowest consumer got its records.
func (e *EndToEnd) received(tails []*tail) float64 {
	took := e.Window.Warm + e.Window.For
	for _, t := range tails {
		took = max(took, t.last)
	}
	return float64(e.total()) / took.Seconds()
}

// first returns the error that is not of a connection which was closed from here, if there is one.
func first(errs []error) error {
	var closed error
	for _, err := range errs {
		switch {
		case errors.Is(err, net.ErrClosed):
			closed = err
		case err != nil:
			return err
		}
	}
	return closed
}

// total is how many records are due in the whole run.
func (e *EndToEnd) total() int64 {
	return int64((e.Window.Warm + e.Window.For).Seconds() * e.Rate)
}

// due is when record i is, behind the beginning.
func (e *EndToEnd) due(i int64) time.Duration {
	return time.Duration(float64(i) / e.Rate * float64(time.Second))
}

// beat is the producer.
type beat struct {
	load  *EndToEnd
	start time.Time
	// frame is the request; batch is the batch in it, and the time in its record's value stands at stamp.
	frame []byte
	batch batch.Batch
	stamp int
	late  *hdrhistogram.Histogram
}

func newBeat(e *EndToEnd) (*beat, error) {
	value := make([]byte, max(e.Record, stampSize))
	binary.BigEndian.PutUint64(value, mark)
	var builder batch.Builder
	builder.Reset(batch.NewOptions())
	builder.Append(time.Now().UnixMilli(), nil, value)
	built, err := builder.Build()
	if err != nil {
		return nil, err
	}
	p := Produce{Topic: e.Topic, Batch: Batch{Bytes: built, Records: 1}, Acks: e.Acks}
	b := &beat{load: e, frame: p.request(0), late: hdrhistogram.New(shortest, longest, digits)}
	b.stamp = marked(b.frame)
	// The batch is the last but the empty tags of partition, topic and request.
	const tags = 3
	if b.batch, _, err = batch.Parse(b.frame[len(b.frame)-tags-len(built):]); err != nil {
		return nil, err
	}
	b.start = time.Now()
	return b, nil
}

// send sends each record when it is due: those that are due at once in one write.
func (b *beat) send(c *net.TCPConn) error {
	runtime.LockOSThread() // it sleeps in the kernel, to the microsecond
	defer runtime.UnlockOSThread()
	const most = 64 << 10
	var out []byte
	total := b.load.total()
	for i := int64(0); i < total; {
		sleepUntil(b.start.Add(b.load.due(i)))
		now := time.Since(b.start)
		for out = out[:0]; i < total && b.load.due(i) <= now && len(out) < most; i++ {
			due := b.load.due(i)
			_ = b.late.RecordValue(min(max(int64(now-due), shortest), longest)) // it is within bounds
			out = b.append(out, due, int32(i))
		}
		if _, err := c.Write(out); err != nil {
			return fmt.Errorf("send Produce: %w", err)
		}
	}
	return nil
}

// append appends the request of a record.
func (b *beat) append(out []byte, due time.Duration, correlation int32) []byte {
	binary.BigEndian.PutUint64(b.frame[b.stamp:], uint64(due))
	binary.BigEndian.PutUint32(b.frame[offCorrelation:], uint32(correlation))
	b.batch.UpdateCRC()
	return append(out, b.frame...)
}

// sleepUntil sleeps in the kernel: the runtime's timers are rounded to milliseconds on an idle machine.
func sleepUntil(at time.Time) {
	for d := time.Until(at); d > 0; d = time.Until(at) {
		t := unix.NsecToTimespec(int64(d))
		_ = unix.Nanosleep(&t, nil) // a signal ends it early; then it sleeps on
	}
}

// acknowledged reads the answers.
func (b *beat) acknowledged(c *net.TCPConn) error {
	all := newAnswers(b.load.Topic, 1)
	for range b.load.total() {
		frame, err := readFrame(c)
		if err != nil {
			return fmt.Errorf("receive Produce: %w", err)
		}
		if err := all.check(frame); err != nil {
			return err
		}
	}
	return nil
}

// tail is the consumer: it waits at the end of the log.
type tail struct {
	load  *EndToEnd
	conn  *net.TCPConn
	start time.Time
	meter *meter
	next  base.Offset
	asked int32
	last  time.Duration // when the last records came, from start
}

// read reads until it has all records.
func (t *tail) read() error {
	format := kmsg.NewRequestFormatter(kmsg.FormatterClientID(clientID))
	f := Fetch{Topic: t.load.Topic, SpanBatches: 1, BatchBytes: 1 << 20}
	for int64(t.next) < t.load.total() {
		t.asked++
		req := f.ask(int64(t.next))
		if _, err := t.conn.Write(format.AppendRequest(nil, req, t.asked)); err != nil {
			return fmt.Errorf("send Fetch: %w", err)
		}
		frame, err := readFrame(t.conn)
		if err != nil {
			return fmt.Errorf("receive Fetch: %w", err)
		}
		now := time.Since(t.start)
		t.last = now
		res := kmsg.NewPtrFetchResponse()
		res.SetVersion(fetchVersion)
		if err := decode(frame[lengthSize:], t.asked, res); err != nil {
			return err
		}
		if err := t.take(res, now); err != nil {
			return err
		}
	}
	return nil
}

// take counts the records of a response: each must be the next one, and whole.
func (t *tail) take(res *kmsg.FetchResponse, now time.Duration) error {
	p, err := only(res)
	if err != nil {
		return err
	}
	for records := p.RecordBatches; len(records) > 0; {
		b, rest, err := batch.Parse(records)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrAnswer, err)
		}
		records = rest
		if b.NextOffset() <= t.next {
			continue // a batch may begin before the offset that was asked for
		}
		if err := errors.Join(b.CheckCRC(), t.each(b, now)); err != nil {
			return fmt.Errorf("%w: batch of offset %d: %w", ErrAnswer, b.BaseOffset(), err)
		}
	}
	return nil
}

// each counts the records of a batch.
func (t *tail) each(b batch.Batch, now time.Duration) error {
	records := b.Records(1 << 20)
	defer records.Close()
	for records.Next() {
		r := records.Record()
		switch {
		case r.Offset < t.next:
			continue
		case r.Offset != t.next || len(r.Value) < stampSize:
			return fmt.Errorf("%w: got offset %d with %d bytes, expected offset %d", ErrAnswer, r.Offset, len(r.Value),
				t.next)
		}
		due := time.Duration(binary.BigEndian.Uint64(r.Value))
		if due != t.load.due(int64(r.Offset)) {
			return fmt.Errorf("%w: offset %d was due after %v, expected %v", ErrAnswer, r.Offset, due,
				t.load.due(int64(r.Offset)))
		}
		t.next++
		t.meter.due(t.start.Add(due), now-due, int64(len(r.Value)))
	}
	return records.Err()
}

// due notes a record that was due at some time and took so long.
func (m *meter) due(at time.Time, took time.Duration, bytes int64) {
	m.result.All++
	if at.Before(m.from) || at.After(m.to) {
		return
	}
	m.result.Requests++
	m.result.Records++
	m.result.Bytes += bytes
	_ = m.result.Latency.RecordValue(min(max(int64(took), shortest), longest)) // it is within bounds
}
