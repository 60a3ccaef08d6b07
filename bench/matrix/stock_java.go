//go:build linux

package matrix

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gregor-log/gregor/bench/load"
)

// java has Kafka's own tool do its work. How long it takes is for the tool to say: of the window only the hook is used,
// and a window shorter than the row's own makes for fewer records.
func (s *stocked) java(ctx context.Context, over load.Window) (load.Result, error) {
	if s.work.fetches {
		return s.consumerPerformance(ctx, over)
	}
	return s.producerPerformance(ctx, over)
}

func (s *stocked) producerPerformance(ctx context.Context, over load.Window) (load.Result, error) {
	records := s.work.records
	if over.For < stockWindow {
		records = max(int64(float64(records)*over.For.Seconds()/stockWindow.Seconds()), stockWarmUp)
	}
	out, used, err := s.run(ctx, over.During, "ProducerPerformance",
		"--num-records", strconv.FormatInt(records, 10), "--record-size", strconv.Itoa(s.work.record),
		"--warmup-records", strconv.FormatInt(records/stockWarmUp, 10), "--throughput", "-1", "--command-property",
		"acks=1", fmt.Sprintf("linger.ms=%d", load.StockLinger.Milliseconds()),
		fmt.Sprintf("batch.size=%d", load.StockBatch), fmt.Sprintf("buffer.memory=%d", load.StockBuffer),
		fmt.Sprintf("max.in.flight.requests.per.connection=%d", load.StockInFlight),
		"enable.idempotence=false", "compression.type=none",
	)
	if err != nil {
		return load.Result{}, err
	}
	r, err := producerSummary(out, records)
	r.Bytes, r.ClientCPU = r.Records*int64(s.work.record), used
	return r, err
}

// summary is a line at the end of ProducerPerformance's output: of all records, and of those after the warm-up.
//
//	500000 records sent, 146886.0 records/sec (140.08 MB/sec), 9.42 ms avg latency, 368.00 ms max latency, 4 ms 50th,
//	36 ms 95th, 49 ms 99th, 53 ms 99.9th.
var summary = regexp.MustCompile(`(?m)^(\d+) (steady state )?records sent, ([\d.]+) records/sec .*latency, ` +
	`(\d+) ms 50th, \d+ ms 95th, (\d+) ms 99th, (\d+) ms 99\.9th\.$`)

// producerSummary reads what the tool says: counts and time of the whole run, which is what the processor time is of,
// and rate and latencies of the steady state.
func producerSummary(out string, records int64) (load.Result, error) {
	var r load.Result
	for _, found := range summary.FindAllStringSubmatch(out, -1) {
		rate, err := strconv.ParseFloat(found[3], 64)
		if err != nil || rate <= 0 {
			return r, errors.Join(fmt.Errorf("%w: got %q, expected a rate", ErrClient, found[0]), err)
		}
		if found[2] == "" {
			if found[1] != strconv.FormatInt(records, 10) {
				return r, fmt.Errorf("%w: got %s records acknowledged, expected %d", ErrClient, found[1], records)
			}
			r.Requests, r.Records, r.All = records, records, records
			r.Elapsed = time.Duration(float64(records) / rate * float64(time.Second))
			continue
		}
		var p [3]float64
		for i := range p {
			milliseconds, err := strconv.ParseFloat(found[4+i], 64)
			if err != nil {
				return r, err
			}
			p[i] = milliseconds * 1e3
		}
		r.StatedRate, r.Stated = rate, &load.Percentiles{P50: p[0], P99: p[1], P999: p[2]}
	}
	if r.All == 0 || r.Stated == nil {
		return r, fmt.Errorf("%w: got no summary from ProducerPerformance in %q", ErrClient, out)
	}
	return r, nil
}

func (s *stocked) consumerPerformance(ctx context.Context, over load.Window) (_ load.Result, err error) {
	const patience = 30 * time.Second // for the group, and for records
	group := fmt.Sprintf("%s-%08x", s.topic.name, rand.Uint32())
	defer func() { err = errors.Join(err, s.dropGroup(group)) }()
	out, used, err := s.run(ctx, over.During, "ConsumerPerformance",
		"--num-records", strconv.FormatInt(s.records, 10), "--group", group,
		"--timeout", strconv.FormatInt(patience.Milliseconds(), 10))
	if err != nil {
		return load.Result{}, err
	}
	r, err := consumerSummary(out, s.records)
	r.ClientCPU = used
	return r, err
}

// dropGroup deletes a group of a broker that goes on without us, on a connection of its own, as topic.drop does:
// nothing may be left behind when the run is interrupted either. A tool that was killed could not leave its group,
// which has it as a member until its session is over.
func (s *stocked) dropGroup(group string) error {
	if s.topic.own {
		return nil
	}
	const patience, again = time.Minute, 500 * time.Millisecond // Kafka's session.timeout.ms is 45 s
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := load.Dial(ctx, s.address)
	if err != nil {
		return fmt.Errorf("delete group %s: %w", group, err)
	}
	defer conn.Close()
	for {
		if err = conn.DeleteGroup(group); !errors.Is(err, kerr.NonEmptyGroup) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(again):
		}
	}
}

// consumerSummary reads the line of figures that ConsumerPerformance prints below their names, and checks the count.
func consumerSummary(out string, records int64) (load.Result, error) {
	var names, fields []string
	for line := range strings.Lines(out) {
		cells := strings.Split(strings.TrimSpace(line), ", ")
		switch {
		case cells[0] == "start.time":
			names = cells
		case names != nil && len(cells) == len(names):
			fields = cells
		}
	}
	figure := func(name string) float64 {
		for i := range fields {
			if names[i] == name {
				value, err := strconv.ParseFloat(fields[i], 64)
				if err == nil {
					return value
				}
			}
		}
		return -1
	}
	consumed, took, size := figure("data.consumed.in.nMsg"), figure("fetch.time.ms"), figure("data.consumed.in.MB")
	if took <= 0 || size <= 0 {
		return load.Result{}, fmt.Errorf("%w: got no figures from ConsumerPerformance in %q", ErrClient, out)
	}
	if int64(consumed) != records {
		return load.Result{}, fmt.Errorf("%w: got %v, expected %d", load.ErrConsumed, consumed, records)
	}
	return load.Result{
		Requests: records, Records: records, All: records, Bytes: int64(size * (1 << 20)),
		Elapsed: time.Duration(took * float64(time.Millisecond)),
	}, nil
}
