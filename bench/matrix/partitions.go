//go:build linux

package matrix

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/gregor-log/gregor/bench/limit"
	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
)

// partitions is a row of Produce requests that go round many partitions: first at a constant rate, then as many as go.
type partitions struct {
	many       int
	perRequest int
	rate       float64 // bytes a second of the first part
}

const (
	partitionsBatch       = 1 << 10
	partitionsRecord      = 200
	partitionsConnections = 4
	partitionsInFlight    = 5
	partitionsWindow      = 2 * time.Second
	// constantRate is the setting of the constant load, and the extra figure of what it came to.
	constantRate = "constant_mb_per_s"
)

func partitionRows() []*Row {
	w := &partitions{many: 10_000, perRequest: 100, rate: 10e6}
	return []*Row{{
		Name: "partitions-10k",
		What: fmt.Sprintf("produce to %d partitions, a batch to %d of them with each request: the latencies are of a "+
			"constant rate, the figure is of as much as goes", w.many, w.perRequest),
		Unit: "mb_per_s", Durability: "page-cache", work: w, MostRounds: 2,
		Settings: []result.Setting{
			setting("partitions", w.many), setting("batch_bytes", partitionsBatch),
			setting("record_bytes", partitionsRecord), setting("batches_per_request", w.perRequest),
			setting("connections", partitionsConnections), setting("in_flight", partitionsInFlight), setting("acks", 1),
			setting(constantRate, int(w.rate/1e6)),
			{Key: "latency", Value: "open loop at the constant rate, from the intended start"},
			{Key: result.OnePartition, Value: "gregor with as many batches a request, all to one partition"},
			{Key: "limit", Value: "stores each request as one frame, in a file for each connection"},
		},
		Aims: []result.Aim{{Against: "kafka", AtLeast: 2}, {Against: result.OnePartition, AtLeast: 0.8}},
	}}
}

var (
	_ workload = (*partitions)(nil)
	_ adapting = (*partitions)(nil)
	_ pacing   = (*partitions)(nil)
)

// adapt adds gregor once more.
func (w *partitions) adapt(o *Options) ([]result.Setting, error) {
	if len(o.Peers) == 0 {
		return nil, nil
	}
	again := o.Peers[0]
	again.Name = result.OnePartition
	o.Peers = append([]peer.Peer{o.Peers[0], again}, o.Peers[1:]...)
	return nil, nil
}

// fresh is false: so many partitions take a broker seconds to create.
func (w *partitions) fresh() bool { return false }

func (w *partitions) window() load.Window { return load.Window{Warm: warmUp, For: partitionsWindow} }

func (w *partitions) figure(r *load.Result) float64 { return r.MBPerSecond() }

func (w *partitions) offered() offer { return offer{constantRate, "mb_per_s", w.rate / 1e6} }

func (w *partitions) loop(dir string) ([]string, error) {
	s := load.Spread{Topic: loopTopic, PerRequest: w.perRequest}
	return []string{
		"--kind", string(limit.Store), "--dir", dir, "--ack-bytes", strconv.Itoa(s.AnswerBytes()),
	}, nil
}

// discard asks for answers of the same size.
func (w *partitions) discard() []string {
	s := load.Spread{Topic: loopTopic, PerRequest: w.perRequest}
	return []string{"--kind", string(limit.Discard), "--ack-bytes", strconv.Itoa(s.AnswerBytes())}
}

func (w *partitions) open(ctx context.Context, i *peer.Instance, loop bool) (subject, error) {
	s := &spreading{work: w, address: i.Address, partitions: int32(w.many)}
	if i.Name == result.OnePartition {
		s.partitions = 1
	}
	// Kafka's controller takes less than 10,000 records of metadata at once.
	const atOnce = 5000
	began := time.Now()
	var err error
	if s.topic, err = newTopic(ctx, i, loop, min(s.partitions, atOnce), nil); err != nil {
		return nil, err
	}
	for have := int32(atOnce); have < s.partitions && !loop; {
		have = min(have+atOnce, s.partitions)
		if err := s.topic.conn.GrowTopic(ctx, s.topic.name, have); err != nil {
			return nil, errors.Join(err, s.topic.drop())
		}
	}
	s.created = time.Since(began)
	if err := s.touch(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("first batches: %w", err), s.topic.drop())
	}
	return s, nil
}

// partitionsPatience is how long a broker may take for what is due in a window: one that is slower than the constant
// rate is to show that in its latencies.
const partitionsPatience = 3 * time.Minute

// touch sends each request once, over a second: a broker may make a log's files when its first batch comes, which takes
// seconds for thousands of them and is not what the row is about.
func (s *spreading) touch(ctx context.Context) error {
	over := load.Window{For: time.Second}
	l, err := s.load(over)
	if err != nil {
		return err
	}
	l.Rate = float64(s.work.many/s.work.perRequest) / over.For.Seconds()
	got, err := l.Run(ctx)
	s.records += got.All * int64(l.PerRequest*l.Batch.Records)
	return err
}

// load returns the load in a closed loop.
func (s *spreading) load(over load.Window) (load.Spread, error) {
	b, err := load.NewBatch(partitionsBatch, partitionsRecord, time.Now().UnixMilli())
	over.Patience = partitionsPatience
	return load.Spread{
		Address: s.address, Topic: s.topic.name, Partitions: s.partitions, PerRequest: s.work.perRequest,
		Connections: partitionsConnections, InFlight: partitionsInFlight, Batch: b, Acks: 1, Window: over,
	}, err
}

// spreading is a side with a topic that grows from sample to sample.
type spreading struct {
	work       *partitions
	address    string
	topic      *topic
	partitions int32
	created    time.Duration
	records    int64   // acknowledged so far
	constant   float64 // MB/s that the last constant load came to
}

// sample returns the figures of the maximal load with the latencies of the constant one.
func (s *spreading) sample(ctx context.Context, over load.Window) (load.Result, error) {
	most, err := s.load(over)
	if err != nil {
		return load.Result{}, err
	}
	w, b := s.work, most.Batch
	constant := most
	constant.Rate, constant.Window.During = w.rate/float64(w.perRequest*len(b.Bytes)), nil
	steady, err := constant.Run(ctx)
	if err == nil && steady.Requests == 0 {
		err = fmt.Errorf("%w: got no answer in the window", load.ErrStalled)
	}
	if err != nil {
		return steady, fmt.Errorf("at %g MB/s: %w", w.rate/1e6, err)
	}
	got, all, err := patiently(ctx, most)
	if err != nil {
		return got, err
	}
	s.constant = steady.MBPerSecond()
	got.Latency, got.LatencyRate = steady.Latency, steady.RecordsPerSecond()
	s.records += (steady.All + all) * int64(w.perRequest*b.Records)
	_, err = s.topic.checkEnds(s.partitions, s.records)
	return got, err
}

// A side that gives fewAnswers or less in a window is measured over one that is longer times as long.
const fewAnswers, longer = 20, 10

// patiently runs a load, and once more for a side that is so slow that its figure would be chance. It returns how many
// requests were answered in both.
func patiently(ctx context.Context, l load.Spread) (got load.Result, all int64, err error) {
	for range 2 {
		if got, err = l.Run(ctx); err != nil {
			return got, 0, err
		}
		if all += got.All; got.Requests > fewAnswers {
			break
		}
		l.Window.For *= longer
	}
	return got, all, nil
}

// extra tells what the constant load came to, and how long the topic took to create where there is one.
func (s *spreading) extra() map[string]float64 {
	told := map[string]float64{constantRate: s.constant}
	if s.topic.conn != nil {
		told["create_s"] = s.created.Seconds()
	}
	return told
}

func (s *spreading) close() error { return s.topic.drop() }
