//go:build linux

package load_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gregor-log/gregor/bench/load"
)

// thousandth does something to one in 1,000 responses, beginning with the hundredth.
func thousandth(fault func(frame []byte) []byte) func(int64, []byte) []byte {
	return func(n int64, frame []byte) []byte {
		if n%1000 == 100 {
			return fault(frame)
		}
		return frame
	}
}

// patient is a window for loads of so many requests; what is unanswered is not waited for much longer.
var patient = load.Window{For: 100 * time.Millisecond, Patience: 2 * time.Second}

// producing sends single records, so many in flight.
func producing(inFlight int) func(context.Context, string) (load.Result, error) {
	return func(ctx context.Context, address string) (load.Result, error) {
		b, err := load.NewRecord(100, 1)
		if err != nil {
			return load.Result{}, err
		}
		return load.Produce{
			Address: address, Topic: topic, Partitions: 1, Connections: 1, InFlight: inFlight, Batch: b, Acks: 1,
			Window: patient, Requests: 1500,
		}.Run(ctx)
	}
}

// fetching reads what filled has written, so many requests in flight, and checks every n-th response as a whole.
func fetching(inFlight, every int) func(context.Context, string) (load.Result, error) {
	return func(ctx context.Context, address string) (load.Result, error) {
		b, err := load.NewBatch(4<<10, 100, 1)
		if err != nil {
			return load.Result{}, err
		}
		return load.Fetch{
			Address: address, Topic: topic, Connections: 1, InFlight: inFlight, BatchBytes: int64(len(b.Bytes)),
			BatchRecords: int64(b.Records), Batches: verified, SpanBatches: 1, CheckEvery: every, Window: patient,
			Requests: 3500,
		}.Run(ctx)
	}
}

func ending(ctx context.Context, address string) (load.Result, error) {
	e := endToEnd(address)
	e.Window.Patience = patient.Patience
	got, err := e.Run(ctx)
	return got.Result, err
}

// TestThousandthIsCaught: of a broker that drops or corrupts one response in 1,000 there is no figure, but an error.
func TestThousandthIsCaught(t *testing.T) {
	drop := func([]byte) []byte { return nil }
	flip := func(from int) func([]byte) []byte { // a bit of the byte so far from the beginning, or the end
		return func(frame []byte) []byte {
			frame[(len(frame)+from)%len(frame)] ^= 4
			return frame
		}
	}
	const throttle, highWatermark, records = -3, 4 + 4 + 1 + 4 + 2 + 4 + 1 + 1 + len(topic) + 1 + 4 + 2 + 7, -1000
	for _, c := range []struct {
		name  string
		load  func(context.Context, string) (load.Result, error)
		fault func([]byte) []byte
		want  []error // one of these
	}{
		{"produce one by one, dropped", producing(1), drop, []error{load.ErrStalled}},
		{"produce, dropped", producing(5), drop, []error{load.ErrAnswer}},
		{"produce, corrupted", producing(5), flip(throttle), []error{load.ErrAnswer}},
		{"fetch one by one, dropped", fetching(1, 0), drop, []error{load.ErrStalled}},
		{"fetch, dropped", fetching(2, 0), drop, []error{load.ErrAnswer}},
		{"fetch, corrupted before the records", fetching(2, 0), flip(highWatermark), []error{load.ErrAnswer}},
		{"fetch, corrupted records, all read", fetching(2, 1), flip(records), []error{load.ErrAnswer}},
		{"fetch, corrupted records, every third read", fetching(2, 3), flip(records), []error{load.ErrAnswer}},
		{"end to end, dropped", ending, drop, []error{load.ErrAnswer, load.ErrStalled}},
		{"end to end, corrupted", ending, flip(-20), []error{load.ErrAnswer}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			address := between(t, serving(t, c.name), thousandth(c.fault))
			_, err := c.load(t.Context(), address)
			for _, want := range c.want {
				if errors.Is(err, want) {
					return
				}
			}
			t.Errorf("got %v, expected %v", err, c.want)
		})
	}
}

// serving returns a broker, with something in it for a fetch.
func serving(t *testing.T, name string) string {
	if name[:5] == "fetch" {
		return filled(t).Address
	}
	return broker(t)
}

// TestEveryByteOfAnAnswerCounts corrupts each byte of the response to a Produce request in turn: none goes unseen.
func TestEveryByteOfAnAnswerCounts(t *testing.T) {
	const size = 4 + 4 + 1 + 1 + 1 + len(topic) + 1 + 4 + 2 + 8 + 8 + 8 + 1 + 1 + 1 + 1 + 4 + 1
	address := broker(t)
	for position := range size {
		var corrupted atomic.Bool
		produce := func(n int64, frame []byte) []byte {
			if n == 20 {
				if len(frame) != size {
					t.Errorf("got a response of %d bytes, expected %d", len(frame), size)
				}
				frame[position] ^= 1
				corrupted.Store(true)
			}
			return frame
		}
		b, err := load.NewRecord(100, 1)
		if err != nil {
			t.Fatal(err)
		}
		_, err = load.Produce{
			Address: between(t, address, produce), Topic: topic, Partitions: 1, Connections: 1, InFlight: 5, Batch: b,
			Acks: 1, Requests: 40, Window: load.Window{Patience: time.Second},
		}.Run(t.Context())
		caught := errors.Is(err, load.ErrAnswer) || errors.Is(err, load.ErrRefused)
		if !corrupted.Load() || !caught && !errors.Is(err, load.ErrStalled) {
			t.Errorf("byte %d: got %v", position, err)
		}
	}
}

// TestThousandthIsCharged holds one response in 1,000 up. Each shows in the latencies, and the latencies of requests
// that go one by one are no longer than the window with what it waited for at its end: so the rate is none that only
// leaves the slow ones out.
func TestThousandthIsCharged(t *testing.T) {
	const delay, most = 150 * time.Millisecond, 700 * time.Millisecond
	for name, run := range map[string]func(string) (load.Result, error){
		"produce": func(address string) (load.Result, error) {
			b, err := load.NewRecord(100, 1)
			if err != nil {
				return load.Result{}, err
			}
			return load.Produce{
				Address: address, Topic: topic, Partitions: 1, Connections: 1, InFlight: 1, Batch: b, Acks: 1,
				Window: load.Window{For: most},
			}.Run(t.Context())
		},
		"fetch": func(address string) (load.Result, error) {
			b, err := load.NewBatch(4<<10, 100, 1)
			if err != nil {
				return load.Result{}, err
			}
			return load.Fetch{
				Address: address, Topic: topic, Connections: 1, InFlight: 1, BatchBytes: int64(len(b.Bytes)),
				BatchRecords: int64(b.Records), Batches: verified, SpanBatches: 1, Window: load.Window{For: most},
			}.Run(t.Context())
		},
	} {
		var delayed atomic.Int64
		address := between(t, serving(t, name), thousandth(func(frame []byte) []byte {
			delayed.Add(1)
			<-time.After(delay) // this is the fault
			return frame
		}))
		got, err := run(address)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		late, all := int64(0), time.Duration(got.Latency.Mean()*float64(got.Latency.TotalCount()))
		for _, bar := range got.Latency.Distribution() {
			if bar.From >= int64(delay*9/10) {
				late += bar.Count
			}
		}
		if delayed.Load() == 0 || late < delayed.Load() || got.Requests < 99 || all > most+2*delay+most/10 {
			t.Errorf("%s: %d responses were late by %v, got %d such latencies, and %v of all in a window of %v", name,
				delayed.Load(), delay, late, all, most)
		}
	}
}

// TestStallAtTheEnd: the request whose answer comes only after the window is in the latencies, but not in the rate.
func TestStallAtTheEnd(t *testing.T) {
	const stall, most = 600 * time.Millisecond, 250 * time.Millisecond
	address := between(t, broker(t), func(n int64, frame []byte) []byte {
		if n == 5 {
			<-time.After(stall) // this is the fault
		}
		return frame
	})
	b, err := load.NewRecord(100, 1)
	if err != nil {
		t.Fatal(err)
	}
	got, err := load.Produce{
		Address: address, Topic: topic, Partitions: 1, Connections: 1, InFlight: 1, Batch: b, Acks: 1,
		Window: load.Window{For: most},
	}.Run(t.Context())
	if err != nil || got.Requests != 4 || got.All != 5 || time.Duration(got.Latency.Max()) < stall*9/10 {
		t.Errorf("got %d requests of %d, %v at the most, %v, expected 4 of 5 and %v", got.Requests, got.All,
			time.Duration(got.Latency.Max()), err, stall)
	}
}

// TestMostBytes ends a window at so many bytes: its hook is called, and its length is what it took.
func TestMostBytes(t *testing.T) {
	const most = 100_000
	b, err := load.NewBatch(1000, 100, 1)
	if err != nil {
		t.Fatal(err)
	}
	ended := false
	got, err := load.Produce{
		Address: broker(t), Topic: topic, Partitions: 1, Connections: 2, InFlight: 3, Batch: b, Acks: 1,
		Window: load.Window{For: time.Minute, MostBytes: most, During: func() func() {
			return func() { ended = true }
		}},
	}.Run(t.Context())
	if err != nil || got.Bytes < most || got.Bytes > most+6*1000 || got.Elapsed <= 0 || got.Elapsed > 50*time.Second ||
		!ended {
		t.Errorf("got %d bytes in %v, %v, the hook's end called: %v", got.Bytes, got.Elapsed, err, ended)
	}
}
