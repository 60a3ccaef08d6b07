//go:build linux

package matrix_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/bench/matrix"
	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/gregortest"
)

// broker is a peer that is this program, as a broker on the disk; before says what a shell does before it becomes it.
func broker(t *testing.T, name, before string) peer.Peer {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "starts")
	text := fmt.Sprintf("#!/bin/sh\n[ $1 = run ] || exit 0\n%s\n%s=\"$2 $3\" exec %s\n", before, serveVariable, self)
	if err := os.WriteFile(file, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return peer.Program(name, file)
}

// lives measures a row that starts its sides.
func lives(t *testing.T, name string, rounds int, peers ...peer.Peer) *result.Measurement {
	t.Helper()
	m, err := matrix.Measure(t.Context(), row(t, name), matrix.Options{
		Dir: t.TempDir(), Rounds: rounds, Peers: peers, Window: short, LogBytes: 5<<20 + 1, Drift: anyDrift,
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestLives takes each row that starts its sides: gregor and the other one have a sample of each round, one that nobody
// can start has a reason instead, and the row has not failed for that.
func TestLives(t *testing.T) {
	running := gregortest.Start(t).Addr()
	for _, name := range []string{"start", "rss-idle", "rss-load", "recovery"} {
		other := broker(t, "other", "")
		other.Address = running // it runs also: the row wants one of its own all the same
		m := lives(t, name, 1, broker(t, result.Gregor, ""), other, peer.Peer{Name: "kafka", Address: running})
		if m.Failure != "" {
			t.Errorf("%s: got %s", name, m.Failure)
		}
		for _, s := range m.Sides {
			if s.Name == "kafka" {
				if len(s.Samples) > 0 || !strings.Contains(s.Missing, "--peer-command kafka=PROGRAM") {
					t.Errorf("%s: got %d samples, missing %q", name, len(s.Samples), s.Missing)
				}
				continue
			}
			if len(s.Samples) != m.Rounds || s.Missing != "" {
				t.Errorf("%s, %s: got %d samples in %d rounds, missing %q", name, s.Name, len(s.Samples), m.Rounds,
					s.Missing)
			}
			for _, x := range s.Samples {
				// One that nobody wants anything of may use less of a processor than is counted.
				known := x.ServerCPU != nil && (*x.ServerCPU > 0 || name == "rss-idle") || s.Name == result.Limit
				if x.Figure <= 0 || x.Requests <= 0 || x.Elapsed <= 0 || !known {
					t.Errorf("%s, %s: got %+v", name, s.Name, x)
				}
			}
		}
		if bounded := m.Side(result.Limit) != nil; bounded != (name == "recovery") {
			t.Errorf("%s: a raw loop stands beside it: %v", name, bounded)
		}
		r := result.Run{Version: result.Version, Rows: []*result.Measurement{m}}
		if err := r.Write(t.TempDir()); err != nil {
			t.Error(err)
		}
	}
}

// TestRecovery says how large the log was, and how much of it nobody had flushed.
func TestRecovery(t *testing.T) {
	m := lives(t, "recovery", 1, broker(t, result.Gregor, ""))
	found := make(map[string]string)
	for _, s := range m.Settings {
		found[s.Key] = s.Value
	}
	if found["log_bytes"] != fmt.Sprint(5<<20) || !strings.HasPrefix(found["gregor_unflushed"], "from offset 0 of ") {
		t.Errorf("got settings %v", found)
	}
	for _, s := range row(t, "recovery").Settings {
		if s.Key == "log_bytes" {
			t.Errorf("the row itself has %v", s)
		}
	}
}

// TestLivesThatFail: a side that does not start, or not again, or loses its log is in the row's failure.
func TestLivesThatFail(t *testing.T) {
	for _, c := range []struct{ row, before, says string }{
		{"start", "echo no heap; exit 3", "no heap"},
		{"rss-load", "exit 4", "exit status 4"},
		{"recovery", `[ ! -e "$2/again" ] || { echo torn; exit 5; }; touch "$2/again"`, "torn"},
		{"recovery", `rm -rf "$2"/log/bench-*`, matrix.ErrLost.Error()},
	} {
		m := lives(t, c.row, 1, broker(t, "other", c.before))
		if !strings.Contains(m.Failure, c.says) || m.Rounds != 0 {
			t.Errorf("%s, %s: got failure %q in %d rounds", c.row, c.before, m.Failure, m.Rounds)
		}
	}
}
