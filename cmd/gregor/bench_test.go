package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/bench/result"
)

// writeRun writes a run of one row with these figures of gregor's.
func writeRun(t *testing.T, figures ...float64) string {
	t.Helper()
	m := &result.Measurement{
		Row: "fetch-4k", What: "fetch", Unit: "mb_per_s", Rounds: len(figures),
		Sides: []*result.Side{{Name: result.Gregor}}, Aims: []result.Aim{{Against: result.Limit, AtLeast: 1}},
	}
	for _, f := range figures {
		m.Sides[0].Samples = append(m.Sides[0].Samples, result.Sample{
			Figure: f, Requests: 1, Bytes: 1e9, Elapsed: 1,
		})
	}
	r := result.Run{Version: result.Version, Began: "2026-11-22T10:00:00Z", Rows: []*result.Measurement{m}}
	dir := filepath.Join(t.TempDir(), "run")
	if err := r.Write(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestBenchResults verifies, compares and draws folders of results, and finds one that was edited.
func TestBenchResults(t *testing.T) {
	before, after := writeRun(t, 100, 101, 102, 103, 104, 105), writeRun(t, 200, 201, 202, 203, 204, 205)
	if out := ok(t, "", "bench", "verify", before); !strings.Contains(out, "ok: 1 rows, 6 samples") {
		t.Errorf("got %s", out)
	}
	if out := ok(t, "", "bench", "compare", before, after); !strings.Contains(out, "+97.6% (p=0.002 n=6+6)") {
		t.Errorf("got %s", out)
	}
	if out := ok(t, "", "bench", "compare", before, before); !strings.Contains(out, "~ (p=1.000 n=6+6)") {
		t.Errorf("got %s", out)
	}
	page := strings.TrimSpace(ok(t, "", "report", before))
	if text, err := os.ReadFile(page); err != nil || !strings.Contains(string(text), "fetch-4k") {
		t.Errorf("got %s, %v", text, err)
	}
	edit(t, before, `"figure": 100`, `"figure": 900`)
	for _, command := range [][]string{{"bench", "verify", before}, {"report", before}} {
		if got := gregor(t, "", command...); got.code != 1 || !strings.Contains(got.errs, "not as it was written") {
			t.Errorf("%v: got %+v", command, got)
		}
	}
}

// edit replaces something in a run's file.
func edit(t *testing.T, dir, what, by string) {
	t.Helper()
	file := filepath.Join(dir, result.RunFile)
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), what) {
		t.Fatalf("%s lacks %s, %v", file, what, err)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), what, by, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestBenchUsage refuses what cannot be measured before anything is started.
func TestBenchUsage(t *testing.T) {
	for _, command := range [][]string{
		{"bench", "no-such-row"}, {"bench", "fetch-4k", "--count", "0"}, {"bench", "fetch-4k", "--peer", "kafka"},
		{"bench", "fetch-4k", "--peer", "gregor=127.0.0.1:1"}, {"bench"},
		{"bench", "fetch-4k", "--peer", "memory=127.0.0.1:1"}, {"bench", "catch-up", "--cold-log", "1KiB"},
		{"bench", "catch-up", "--cold-log", "much"}, {"bench", "recovery", "--recovery-log", "1KiB"},
		{"bench", "start", "--peer-command", "kafka"}, {"bench", "start", "--peer-command", "kafka="},
		{"bench", "start", "--peer-command", "limit=a"},
		{"bench", "start", "--peer-command", "kafka=a", "--peer-command", "kafka=b"},
	} {
		if got := gregor(t, "", command...); got.code != 2 {
			t.Errorf("%v: got %+v, expected a usage error", command, got)
		}
	}
}

// TestBenchStudy studies what takes moments, verifies the folder and draws it.
func TestBenchStudy(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	out := ok(t, "", "bench", "study", "zero-copy", "--count", "1", "--dir", t.TempDir(), "-o", dir)
	if !strings.Contains(out, "Processor time of the sending thread") || !strings.Contains(out, " s/GB ") {
		t.Errorf("got %s", out)
	}
	if out := ok(t, "", "bench", "verify", dir); !strings.Contains(out, "ok: 1 studies") {
		t.Errorf("got %s", out)
	}
	page := strings.TrimSpace(ok(t, "", "report", dir))
	if text, err := os.ReadFile(page); err != nil || !strings.Contains(string(text), `id="zero-copy"`) ||
		!strings.Contains(string(text), "scaling governor") {
		t.Errorf("got %s, %v", page, err)
	}
	edit(t, dir, `"scaling_governor": "`, `"scaling_governor": "not-`)
	if got := gregor(t, "", "bench", "verify", dir); got.code != 1 ||
		!strings.Contains(got.errs, "not as it was written") {
		t.Errorf("got %+v, expected to find the machine edited", got)
	}
	for _, command := range [][]string{{"no-such-study"}, {"jacobs", "--count", "0"}, {}} {
		if got := gregor(t, "", append([]string{"bench", "study"}, command...)...); got.code != 2 {
			t.Errorf("%v: got %+v, expected a usage error", command, got)
		}
	}
}
