package result_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/perf/benchfmt"

	"github.com/gregor-log/gregor/bench/result"
)

// someRun is a run with a row of three rounds.
func someRun() *result.Run {
	side := func(name string, figures ...float64) *result.Side {
		s := &result.Side{Name: name, Latency: hdrhistogram.New(1, 1e9, 3)}
		cpu := 0.5
		for _, f := range figures {
			s.Samples = append(s.Samples, result.Sample{
				Figure: f, Requests: 10, Records: 20, Bytes: 1e9, Elapsed: 1, ClientCPU: 0.25, ServerCPU: &cpu,
				P50: 100, P99: 200, P999: 300,
			})
			if err := s.Latency.RecordValue(100_000); err != nil {
				panic(err)
			}
		}
		return s
	}
	m := &result.Measurement{
		Row: "produce-large", What: "produce", Unit: "mb_per_s", Durability: "page-cache", Rounds: 3,
		Sides: []*result.Side{
			side(result.Gregor, 90, 110, 100), side("kafka", 50, 50, 40), side(result.Limit, 100, 200, 100),
			side(result.ClientAlone, 500), {Name: "absent", Samples: []result.Sample{}, Missing: "needs a program"},
		},
		Aims: []result.Aim{
			{Against: "kafka", AtLeast: 2}, {Against: result.Limit, AtLeast: 0.95}, {Against: "other", AtLeast: 1},
		},
	}
	return &result.Run{
		Command: "gregor bench", Version: result.Version, Arguments: []string{"bench", "produce-large"},
		Began: "2026-11-22T10:00:00Z", Machine: map[string]any{"cpu": "some"}, Rows: []*result.Measurement{m},
	}
}

func TestRatiosAreOfRounds(t *testing.T) {
	m := someRun().Rows[0]
	if got, ok := m.Ratio("kafka"); !ok || got != (result.Interval{Median: 2.2, Low: 1.8, High: 2.5}) {
		t.Errorf("got %v, %v", got, ok)
	}
	for i, want := range []string{"met", "missed", "not measured"} {
		if got := m.Reached(m.Aims[i]); got != want {
			t.Errorf("%s: got %s, expected %s", m.AimText(m.Aims[i]), got, want)
		}
	}
	m.Sides[1].Samples = m.Sides[1].Samples[:2]
	if _, ok := m.Ratio("kafka"); ok {
		t.Error("sides with different numbers of samples were compared")
	}
}

// TestExtraFigures: aims may be of figures that only some sides have, and benchstat reads those too.
func TestExtraFigures(t *testing.T) {
	run := someRun()
	m := run.Rows[0]
	for i, inflation := range []float64{1, 2, 3} {
		m.Sides[0].Samples[i].Extra = map[string]float64{"inflation": inflation, "create_s": 1}
		m.Sides[1].Samples[i].Extra = map[string]float64{"inflation": 10 * inflation}
	}
	if got := m.ExtraNames(); !slices.Equal(got, []string{"create_s", "inflation"}) {
		t.Errorf("got %v", got)
	}
	if got := m.Side("kafka").Extra("inflation"); got != 20 {
		t.Errorf("got a median of %v, expected 20", got)
	}
	for want, aim := range map[string]result.Aim{
		"met":          {Against: "kafka", Of: "inflation", AtMost: 0.25},
		"missed":       {Against: "kafka", Of: "inflation", AtMost: 0.05},
		"not measured": {Against: result.Limit, Of: "inflation", AtMost: 0.25},
	} {
		if got := m.Reached(aim); got != want {
			t.Errorf("%s: got %s, expected %s", m.AimText(aim), got, want)
		}
	}
	dir := filepath.Join(t.TempDir(), "run")
	if err := run.Write(dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, result.BenchFile))
	if err != nil || !strings.Contains(string(text), " 1 create-s 3 inflation\n") {
		t.Errorf("got %s, %v", text, err)
	}
	if got, err := result.ReadRun(dir); err != nil || got.Rows[0].Sides[0].Samples[2].Extra["inflation"] != 3 {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestDirectory writes a run, and reads it back as it was.
func TestDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	run := someRun()
	if err := run.Write(dir); err != nil {
		t.Fatal(err)
	}
	got, err := result.ReadRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got.Began != run.Began || len(got.Rows) != 1 || got.Rows[0].Side("kafka").Samples[2].Figure != 40 {
		t.Errorf("got %+v", got)
	}
	if err := run.Write(dir); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v from a second run in one folder, expected ErrExist", err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "latency", "produce-large-gregor.hgrm"))
	if err != nil || !strings.Contains(string(text), "Percentile") {
		t.Errorf("got %q, %v", text, err)
	}
	if text, err = os.ReadFile(filepath.Join(dir, "omb", "produce-large-gregor.json")); err != nil ||
		!strings.Contains(string(text), `"aggregatedPublishLatency99pct": 0.1`) {
		t.Errorf("got %s, %v", text, err)
	}
}

// TestBenchmarksAreGoBenchmarks reads the samples as benchstat does.
func TestBenchmarksAreGoBenchmarks(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if err := someRun().Write(dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, result.BenchFile))
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for r := benchfmt.NewReader(bytes.NewReader(text), "bench.txt"); r.Scan(); {
		b, ok := r.Result().(*benchfmt.Result)
		if !ok {
			t.Fatalf("got %v", r.Result())
		}
		count++
		if v, ok := b.Value("B/s"); string(b.Name.Base()) != "ProduceLarge" || !ok || v <= 0 {
			t.Errorf("got %s with %v", b.Name, b.Values)
		}
		if v, ok := b.Value("server-cpu-s/GB"); !ok || v != 0.5 {
			t.Errorf("got %s with %v", b.Name, b.Values)
		}
	}
	if count != 10 {
		t.Errorf("got %d results, expected 10", count)
	}
}

// TestDamagedDirectories: a file that is missing, cut short or edited is found, and so are figures that cannot be.
func TestDamagedDirectories(t *testing.T) {
	for name, damage := range map[string]func(dir string) error{
		"no sums":    func(dir string) error { return os.Remove(filepath.Join(dir, result.SumsFile)) },
		"empty sums": func(dir string) error { return os.WriteFile(filepath.Join(dir, result.SumsFile), nil, 0o600) },
		"missing":    func(dir string) error { return os.Remove(filepath.Join(dir, result.BenchFile)) },
		"cut":        func(dir string) error { return os.Truncate(filepath.Join(dir, result.RunFile), 100) },
		"edited": func(dir string) error {
			file := filepath.Join(dir, result.RunFile)
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			return os.WriteFile(file, bytes.Replace(text, []byte(`"figure": 90`), []byte(`"figure": 99`), 1), 0o600)
		},
		"outside": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, result.SumsFile), []byte("00  ../run.json\n"), 0o600)
		},
	} {
		dir := filepath.Join(t.TempDir(), "run")
		if err := someRun().Write(dir); err != nil {
			t.Fatal(err)
		}
		if err := damage(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := result.ReadRun(dir); !errors.Is(err, result.ErrDirectory) {
			t.Errorf("%s: got %v, expected ErrDirectory", name, err)
		}
	}
	for name, change := range map[string]func(*result.Measurement){
		"a sample too few": func(m *result.Measurement) { m.Sides[0].Samples = m.Sides[0].Samples[:2] },
		"no figure":        func(m *result.Measurement) { m.Sides[1].Samples[0].Figure = 0 },
		"no time":          func(m *result.Measurement) { m.Sides[1].Samples[0].Elapsed = -1 },
	} {
		dir, run := filepath.Join(t.TempDir(), "run"), someRun()
		change(run.Rows[0])
		if err := run.Write(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := result.ReadRun(dir); !errors.Is(err, result.ErrDirectory) {
			t.Errorf("%s: got %v, expected ErrDirectory", name, err)
		}
	}
}

// TestRatesOfLatencies: a rate stands beside the latencies of the same load, and the name says when that is not the one
// which the row's figure is of.
func TestRatesOfLatencies(t *testing.T) {
	dir, run := filepath.Join(t.TempDir(), "run"), someRun()
	for i := range run.Rows[0].Sides[1].Samples {
		run.Rows[0].Sides[1].Samples[i].LatencyRate = float64(7 + i)
	}
	if err := run.Write(dir); err != nil {
		t.Fatal(err)
	}
	for side, want := range map[string]struct {
		workload string
		rates    []float64
	}{
		result.Gregor: {"produce-large", []float64{20, 20, 20}},
		"kafka":       {"produce-large at a constant rate", []float64{7, 8, 9}},
	} {
		text, err := os.ReadFile(filepath.Join(dir, "omb", "produce-large-"+side+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Workload    string
			PublishRate []float64
			P99         float64 `json:"aggregatedPublishLatency99pct"`
		}
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if got.Workload != want.workload || !slices.Equal(got.PublishRate, want.rates) || got.P99 == 0 {
			t.Errorf("%s: got %+v, expected %+v", side, got, want)
		}
	}
}

// TestReference: the run that the repository keeps is older than some of what runs hold now, and reads all the same.
func TestReference(t *testing.T) {
	r, err := result.ReadRun(filepath.Join("..", "..", "reports", "reference"))
	if err != nil || len(r.Rows) == 0 {
		t.Errorf("got %v", err)
	}
}
