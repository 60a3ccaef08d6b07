//go:build linux

package matrix

import (
	"context"
	"fmt"
	"time"

	"github.com/gregor-log/gregor/bench/limit"
	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
)

// endToEnd is a row of single records at a fixed rate, from when each was due until a consumer has it.
type endToEnd struct {
	rate, consumers int
}

const (
	endToEndRecord = 100
	endToEndWarm   = 500 * time.Millisecond
	// endToEndWindow is enough for the percentiles of thousands of latencies.
	endToEndWindow = 2 * time.Second
)

func endToEndRows() []*Row {
	var rows []*Row
	for _, rate := range []int{1000, 5000, 20_000} {
		rows = append(rows, &Row{
			Name: fmt.Sprintf("e2e-%dk", rate/1000),
			What: fmt.Sprintf("from when a record was due until a consumer has it, %d a second, each with a request "+
				"of its own; the figure is the median", rate),
			Unit: "us", Durability: "page-cache", work: &endToEnd{rate, 1},
			Settings: []result.Setting{
				setting("records_per_s", rate), setting("record_bytes", endToEndRecord), setting("partitions", 1),
				setting("acks", 1), {Key: "latency", Value: "open loop, from the intended start"},
			},
			Aims: []result.Aim{
				{Against: "kafka", Of: "p50", AtMost: 0.33}, {Against: "kafka", Of: "p99", AtMost: 0.2},
				{Against: "kafka", Of: "p999", AtMost: 0.2},
			},
		})
	}
	const fanned, consumers = 200, 100
	return append(rows, &Row{
		Name: "fanout-100",
		What: fmt.Sprintf("the same at %d records a second, each of which %d consumers read", fanned, consumers),
		Unit: "us", Durability: "page-cache", work: &endToEnd{fanned, consumers},
		Settings: []result.Setting{
			setting("records_per_s", fanned), setting("consumers", consumers), setting("record_bytes", endToEndRecord),
			setting("partitions", 1), setting("acks", 1),
			{Key: "latency", Value: "open loop, from the intended start"},
		},
		Aims: []result.Aim{{Against: "kafka", Of: "p99", AtMost: 0.33}},
	})
}

var (
	_ workload = (*endToEnd)(nil)
	_ pacing   = (*endToEnd)(nil)
)

func (w *endToEnd) offered() offer {
	return offer{result.ReceivedRate, "records_per_s", float64(w.rate)}
}

func (w *endToEnd) fresh() bool { return true }

func (w *endToEnd) window() load.Window { return load.Window{Warm: endToEndWarm, For: endToEndWindow} }

func (w *endToEnd) figure(r *load.Result) float64 {
	return float64(r.Latency.ValueAtQuantile(50)) / 1e3
}

func (w *endToEnd) loop(string) ([]string, error) {
	return []string{"--kind", string(limit.Relay), "--topic", loopTopic}, nil
}

func (w *endToEnd) open(ctx context.Context, i *peer.Instance, loop bool) (subject, error) {
	t, err := newTopic(ctx, i, loop, 1, nil)
	if err != nil {
		return nil, err
	}
	return &relaying{work: w, address: i.Address, topic: t}, nil
}

// relaying is a side with an empty topic.
type relaying struct {
	work    *endToEnd
	address string
	topic   *topic
	// received is how many records a second a consumer got in the last sample.
	received float64
}

var _ telling = (*relaying)(nil)

func (x *relaying) sample(ctx context.Context, over load.Window) (load.Result, error) {
	got, err := load.EndToEnd{
		Address: x.address, Topic: x.topic.name, Record: endToEndRecord, Rate: float64(x.work.rate),
		Consumers: x.work.consumers, Acks: 1, Window: over,
	}.Run(ctx)
	x.received = got.Received
	return got.Result, err
}

func (x *relaying) extra() map[string]float64 {
	return map[string]float64{result.ReceivedRate: x.received}
}

func (x *relaying) close() error { return x.topic.drop() }
