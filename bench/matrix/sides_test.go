//go:build linux

package matrix_test

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/bench/matrix"
	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/gregortest"
)

// own is a broker that runs already, as gregor.
func own(b *gregortest.Broker) []peer.Peer {
	return []peer.Peer{{Name: result.Gregor, Address: b.Addr()}}
}

// measure measures a row until a round was kept: every side but the client alone has a sample then. It returns the
// names of all sides that have samples.
func measure(t *testing.T, name string, o matrix.Options) (*result.Measurement, []string) {
	t.Helper()
	o.Dir, o.Rounds, o.Window, o.Loop = t.TempDir(), 1, short, loops(t)
	seen := make(map[string]bool)
	o.Progress = func(s matrix.Step) {
		if s.Figure <= 0 {
			t.Errorf("%s: got %v", s.Side, s.Figure)
		}
		seen[s.Side] = true
	}
	o.Drift = anyDrift
	m, err := matrix.Measure(t.Context(), row(t, name), o)
	if err != nil {
		t.Fatal(err)
	}
	if m.Failure != "" {
		t.Fatalf("got %s", m.Failure)
	}
	for _, s := range m.Sides {
		if s.Name != result.ClientAlone && len(s.Samples) != m.Rounds {
			t.Errorf("%s: got %d samples in %d rounds", s.Name, len(s.Samples), m.Rounds)
		}
	}
	return m, slices.Sorted(maps.Keys(seen))
}

// has fails the test unless all samples of a side have just these extra figures, none of them zero.
func has(t *testing.T, m *result.Measurement, side string, names ...string) {
	t.Helper()
	for _, x := range m.Side(side).Samples {
		if got := slices.Sorted(maps.Keys(x.Extra)); !slices.Equal(got, names) {
			t.Errorf("%s: got %v, expected %v", side, got, names)
		}
		for name, v := range x.Extra {
			if v <= 0 {
				t.Errorf("%s: got %s %v", side, name, v)
			}
		}
	}
}

// TestPartitions: gregor is measured twice, the second time with one partition, each with as much in its log as was
// acknowledged, and nothing is left behind.
func TestPartitions(t *testing.T) {
	b := gregortest.Start(t)
	m, seen := measure(t, "partitions-10k", matrix.Options{Peers: own(b)})
	want := []string{result.ClientAlone, result.Gregor, result.Limit, result.OnePartition}
	if !slices.Equal(seen, want) {
		t.Errorf("got %v, expected %v", seen, want)
	}
	for _, side := range []string{result.Gregor, result.OnePartition} {
		has(t, m, side, "constant_mb_per_s", "create_s")
	}
	has(t, m, result.Limit, "constant_mb_per_s")
	for _, s := range m.Sides {
		for _, x := range s.Samples {
			// The latencies are of the constant load, whose batches are those of the maximal one.
			rate := x.Extra["constant_mb_per_s"] * 1e6 * float64(x.Records) / float64(x.Bytes)
			if math.Abs(x.LatencyRate/rate-1) > 0.01 {
				t.Errorf("%s: got latencies at %v records a second, expected %v", s.Name, x.LatencyRate, rate)
			}
		}
	}
	if left := topics(t, b); len(left) > 0 {
		t.Errorf("topics %v are left", left)
	}
}

// TestCatchUp: the cache is dropped before each sample, the loop's included, the log is read once a sample, and nothing
// is left behind.
func TestCatchUp(t *testing.T) {
	b := gregortest.Start(t)
	dropped, samples := 0, 0
	const log = 32 << 20
	m, seen := measure(t, "catch-up", matrix.Options{
		Peers: own(b), ColdBytes: log + 1, Tools: matrix.Tools{Uncache: func(string) error {
			dropped++
			return nil
		}},
	})
	if want := []string{result.Gregor, result.Limit}; !slices.Equal(seen, want) {
		t.Errorf("got %v, expected %v", seen, want)
	}
	for _, s := range m.Sides {
		samples += len(s.Samples)
		for _, x := range s.Samples {
			if x.Bytes != log || x.Requests != log>>20 {
				t.Errorf("%s: got %d requests of %d bytes, expected a log of %d", s.Name, x.Requests, x.Bytes, log)
			}
		}
	}
	if dropped < samples+2 {
		t.Errorf("the cache was dropped %d times for %d samples and two of the loop", dropped, samples)
	}
	has(t, m, result.Gregor, "inflation", "producer_mb_per_s", "producer_p99_alone_us", "producer_p99_us")
	has(t, m, result.Limit)
	if at := slices.IndexFunc(m.Settings, func(s result.Setting) bool { return s.Key == "log_bytes" }); at < 0 ||
		m.Settings[at].Value != "33554432" {
		t.Errorf("got settings %v", m.Settings)
	}
	if left := topics(t, b); len(left) > 0 {
		t.Errorf("topics %v are left", left)
	}
}

// TestCatchUpThatIsWarm: where the cache cannot be dropped the row has a reason and no figure.
func TestCatchUpThatIsWarm(t *testing.T) {
	m, err := matrix.Measure(t.Context(), row(t, "catch-up"), matrix.Options{
		Dir: t.TempDir(), Rounds: 1, Window: short, Loop: loops(t), Peers: own(gregortest.Start(t)), ColdBytes: 1 << 20,
		Tools: matrix.Tools{Uncache: func(string) error { return matrix.ErrCached }},
	})
	if err != nil || !strings.Contains(m.Failure, matrix.ErrCached.Error()) || m.Rounds != 0 {
		t.Errorf("got %q after %d rounds, %v", m.Failure, m.Rounds, err)
	}
}

// TestMemory: gregor is measured beside the broker in memory; other peers are left out, and so is tmpfs with a reason
// where gregor is not started here.
func TestMemory(t *testing.T) {
	b, inMemory := gregortest.Start(t), gregortest.Start(t)
	for name, more := range map[string][]string{"memory-produce": {result.ClientAlone}, "memory-fetch": nil} {
		m, seen := measure(t, name, matrix.Options{
			Peers:  append(own(b), peer.Peer{Name: "other", Address: "127.0.0.1:1"}),
			Memory: peer.Peer{Name: "any", Address: inMemory.Addr()},
		})
		if want := append(more, result.Gregor, result.Limit, result.Memory); !slices.Equal(seen, want) {
			t.Errorf("%s: got %v, expected %v", name, seen, want)
		}
		last := m.Settings[len(m.Settings)-1]
		if last.Key != result.Tmpfs || !strings.Contains(last.Value, "left out") {
			t.Errorf("%s: got %v", name, last)
		}
	}
	m, err := matrix.Measure(t.Context(), row(t, "memory-fetch"), matrix.Options{
		Dir: t.TempDir(), Rounds: 1, Window: short, Loop: loops(t), Peers: own(b),
	})
	if err != nil || m.Failure != matrix.ErrNoMemory.Error() {
		t.Errorf("got %q, %v, expected ErrNoMemory", m.Failure, err)
	}
}
