//go:build linux

package load_test

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/gregor-log/gregor/bench/limit"
	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/gregortest"
)

// spread is a load with 4 batches a request.
func spread(t *testing.T, address string, partitions int32) load.Spread {
	t.Helper()
	b, err := load.NewBatch(1000, 100, time.Now().UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	return load.Spread{
		Address: address, Topic: topic, Partitions: partitions, PerRequest: 4, Connections: 2, InFlight: 3, Batch: b,
		Acks: 1, Window: load.Window{Warm: 10 * time.Millisecond, For: 100 * time.Millisecond},
	}
}

// ends returns how many records each partition has.
func ends(t *testing.T, address string, partitions int32) []int64 {
	t.Helper()
	c, err := load.Dial(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	all, err := c.EndOffsets(topic, partitions)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestSpreadReachesAllPartitions: what was acknowledged is in the log, in every partition, in a closed loop and in an
// open one; with one partition it is all there.
func TestSpreadReachesAllPartitions(t *testing.T) {
	for _, partitions := range []int32{1, 8, 24} {
		for _, rate := range []float64{0, 500} {
			address := gregortest.Start(t, gregortest.Topic(topic, int(partitions))).Addr()
			s := spread(t, address, partitions)
			s.Rate = rate
			got, err := s.Run(t.Context())
			if err != nil {
				t.Fatalf("%d partitions, rate %v: %v", partitions, rate, err)
			}
			sum := int64(0)
			for i, end := range ends(t, address, partitions) {
				sum += end
				if end == 0 && got.All >= int64(partitions) {
					t.Errorf("partition %d of %d has nothing after %d requests", i, partitions, got.All)
				}
			}
			if want := got.All * 4 * int64(s.Batch.Records); sum != want || got.All == 0 {
				t.Errorf("%d partitions, rate %v: got %d records, expected %d", partitions, rate, sum, want)
			}
			if got.Bytes != got.Requests*4000 {
				t.Errorf("got %d bytes of %d requests", got.Bytes, got.Requests)
			}
		}
	}
}

// TestSpreadKeepsItsRate: the number of requests is what was due, and one that stalls is charged for all that were due
// meanwhile.
func TestSpreadKeepsItsRate(t *testing.T) {
	address := gregortest.Start(t, gregortest.Topic(topic, 4)).Addr()
	const stall = 60 * time.Millisecond
	slow := between(t, address, func(n int64, frame []byte) []byte {
		if n == 20 {
			<-time.After(stall)
		}
		return frame
	})
	s := spread(t, slow, 4)
	s.Connections, s.Rate, s.Window = 1, 1000, load.Window{For: 200 * time.Millisecond}
	got, err := s.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.All < 195 || got.All > 202 {
		t.Errorf("got %d requests in 200 ms at 1,000 a second", got.All)
	}
	if p90 := time.Duration(got.Latency.ValueAtQuantile(90)); p90 < stall/4 {
		t.Errorf("got 90%% within %v, expected what was due in a stall of %v to be charged with it", p90, stall)
	}
}

// TestSpreadEndsWhenTold: the load ends long before its window does.
func TestSpreadEndsWhenTold(t *testing.T) {
	s := spread(t, gregortest.Start(t, gregortest.Topic(topic, 4)).Addr(), 4)
	told := make(chan struct{})
	close(told)
	for _, rate := range []float64{0, 100} {
		s.Rate, s.Until, s.Window.For = rate, told, time.Hour
		got, err := s.Run(t.Context())
		if err != nil || got.All < 1 || got.All > int64(s.Connections*s.InFlight) || got.Elapsed > time.Minute {
			t.Errorf("got %d requests in %v, %v", got.All, got.Elapsed, err)
		}
	}
}

// TestSpreadFindsBadAnswers: an error of the last partition, a wrong correlation id, an answer of another size, and an
// error that the broker itself answers.
func TestSpreadFindsBadAnswers(t *testing.T) {
	address := gregortest.Start(t, gregortest.Topic(topic, 4)).Addr()
	s := spread(t, address, 4)
	const result, tail = 33, 6
	for name, c := range map[string]struct {
		change func([]byte) []byte
		want   error
	}{
		"code": {func(f []byte) []byte {
			binary.BigEndian.PutUint16(f[len(f)-tail-result+4:], 3)
			return f
		}, load.ErrRefused},
		"correlation": {func(f []byte) []byte {
			f[7]++
			return f
		}, load.ErrAnswer},
		"size": {func([]byte) []byte { return []byte{0, 0, 0, 6, 0, 0, 0, 0, 0, 1} }, load.ErrAnswer},
	} {
		for _, rate := range []float64{0, 200} {
			s.Rate, s.Connections = rate, 1
			s.Address = between(t, address, func(_ int64, f []byte) []byte { return c.change(f) })
			if _, err := s.Run(t.Context()); !errors.Is(err, c.want) {
				t.Errorf("%s, rate %v: got %v, expected %v", name, rate, err, c.want)
			}
		}
	}
	s.Address, s.Partitions, s.PerRequest = address, 5, 5
	if _, err := s.Run(t.Context()); !errors.Is(err, load.ErrRefused) {
		t.Errorf("got %v for a partition that is not there, expected ErrRefused", err)
	}
}

// TestSpreadFindsWrongResults: another partition's index, one partition twice, base offsets that repeat, go back, leave
// a gap or leave out part of a batch, and another topic, each in a late answer only. Results in another order are no
// fault, and whole batches between two are none where connections share partitions.
func TestSpreadFindsWrongResults(t *testing.T) {
	const result, tail, index, offset = 33, 6, 0, 6
	last := func(f []byte) []byte { return f[len(f)-tail-result:] } // the last result
	add := func(by int64) func([]byte) {
		return func(f []byte) {
			p := last(f)[offset:]
			binary.BigEndian.PutUint64(p, binary.BigEndian.Uint64(p)+uint64(by))
		}
	}
	b := int64(spread(t, "", 4).Batch.Records)
	for name, c := range map[string]struct {
		change     func([]byte)
		sole, with error // of one connection, and of two that share the partitions
	}{
		"another index": {func(f []byte) { last(f)[index+3] = 9 }, load.ErrAnswer, load.ErrAnswer},
		"below 0":       {func(f []byte) { last(f)[index] = 0xff }, load.ErrAnswer, load.ErrAnswer},
		"one twice":     {func(f []byte) { last(f)[index+3]-- }, load.ErrAnswer, load.ErrAnswer},
		"repeated":      {add(-b), load.ErrAnswer, nil},
		"back":          {add(-1 << 40), load.ErrAnswer, load.ErrAnswer},
		"gap":           {add(b), load.ErrAnswer, nil},
		"part":          {add(1), load.ErrAnswer, load.ErrAnswer},
		"topic":         {func(f []byte) { f[11]++ }, load.ErrAnswer, load.ErrAnswer},
		"zeros":         {func(f []byte) { clear(f[8:]) }, load.ErrAnswer, load.ErrAnswer},
		"order": {func(f []byte) {
			one, other := last(f)[:result], last(f[:len(f)-result])[:result]
			for i := range one {
				one[i], other[i] = other[i], one[i]
			}
		}, nil, nil},
	} {
		for connections, want := range map[int]error{1: c.sole, 2: c.with} {
			if connections > 1 && (name == "repeated" || name == "gap") {
				continue // as may be, or as if the other connection had been there
			}
			s := spread(t, "", 4)
			address := gregortest.Start(t, gregortest.Topic(topic, 4)).Addr()
			s.Connections, s.Address = connections, between(t, address, func(n int64, f []byte) []byte {
				if n == 10 {
					c.change(f)
				}
				return f
			})
			if got, err := s.Run(t.Context()); !errors.Is(err, want) || got.All < 9 {
				t.Errorf("%s, %d connections: got %v after %d requests, expected %v", name, connections, err, got.All,
					want)
			}
		}
	}
}

// TestSpreadTakesUnevenPartitions: the last request goes round to partitions that another connection has, and a request
// has several batches for one partition.
func TestSpreadTakesUnevenPartitions(t *testing.T) {
	for _, partitions := range []int32{2, 3, 7, 10} {
		s := spread(t, gregortest.Start(t, gregortest.Topic(topic, int(partitions))).Addr(), partitions)
		for _, s.Connections = range []int{1, 2, 3} {
			if got, err := s.Run(t.Context()); err != nil || got.All == 0 {
				t.Errorf("%d partitions, %d connections: got %d requests, %v", partitions, s.Connections, got.All, err)
			}
		}
	}
}

// TestLoopsAnswerSpread: the raw loop answers as many bytes as a broker does.
func TestLoopsAnswerSpread(t *testing.T) {
	s := spread(t, "", 4)
	s.Address = serve(t, limit.Options{
		Kind: limit.Store, Dir: t.TempDir(), FileBytes: 1 << 20, AckBytes: s.AnswerBytes(),
	})
	if got, err := s.Run(t.Context()); err != nil || got.Requests == 0 {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestFetchOnce reads a log once on each connection and says how long that took.
func TestFetchOnce(t *testing.T) {
	source := writeLog(t, 18)
	f := fetch(serve(t, limit.Options{Kind: limit.Spans, Source: source}), source, 18, 1)
	f.Once, f.Window = true, load.Window{Warm: time.Hour, For: time.Minute}
	got, err := f.Run(t.Context())
	if err != nil || got.All != 4*int64(f.Connections) || got.Requests != got.All || got.Checked != got.All {
		t.Errorf("got %+v, %v, expected each span once", got, err)
	}
	if got.Elapsed <= 0 || got.Elapsed > time.Minute {
		t.Errorf("got %v", got.Elapsed)
	}
}

// TestGrowTopic gives a topic more partitions, and fewer, which is refused.
func TestGrowTopic(t *testing.T) {
	address := broker(t)
	c, err := load.Dial(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.GrowTopic(t.Context(), topic, 7); err != nil {
		t.Fatal(err)
	}
	if got := ends(t, address, 7); len(got) != 7 {
		t.Errorf("got %d partitions", len(got))
	}
	if err := c.GrowTopic(t.Context(), topic, 3); !errors.Is(err, load.ErrRefused) {
		t.Errorf("got %v, expected ErrRefused", err)
	}
}
