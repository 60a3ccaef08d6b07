package result_test

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/bench/result"
)

func TestRatioIsTheMedianOfPairs(t *testing.T) {
	row := result.Row{Pairs: []result.Pair{{Gregor: 8, Raw: 10}, {Gregor: 90, Raw: 100}, {Gregor: 0.5, Raw: 1}}}
	median, least, largest := row.Ratio()
	if median != 0.8 || least != 0.5 || largest != 0.9 {
		t.Errorf("got %v, %v, %v, expected 0.8, 0.5, 0.9", median, least, largest)
	}
	if got := result.Median([]float64{4, 1, 2, 3}); got != 2.5 {
		t.Errorf("got %v, expected 2.5", got)
	}
}

func TestTargets(t *testing.T) {
	for _, c := range []struct {
		target  result.Target
		reached float64
		want    string
	}{
		{result.Target{}, 0, "-"},
		{result.Target{Figure: "ratio", Bound: result.AtLeast, Value: 0.8}, 0.8, "pass"},
		{result.Target{Figure: "ratio", Bound: result.AtLeast, Value: 0.8}, 0.79, "fail"},
		{result.Target{Figure: "reads", Bound: result.AtMost, Value: 0}, 0, "pass"},
		{result.Target{Figure: "reads", Bound: result.AtMost, Value: 0}, 1, "fail"},
		{result.Target{Figure: "ratio", Bound: result.Near, Value: 0.03}, 0.98, "pass"},
		{result.Target{Figure: "ratio", Bound: result.Near, Value: 0.03}, 1.04, "fail"},
		{result.Target{Figure: "ratio", Bound: result.AtLeast, Value: 0.8}, math.NaN(), "no figure"},
	} {
		row := result.Row{Target: c.target, Reached: c.reached}
		if got := row.Verdict(); got != c.want {
			t.Errorf("%v reached %v: got %s, expected %s", c.target, c.reached, got, c.want)
		}
	}
}

func TestReportIsOneObject(t *testing.T) {
	row := &result.Row{
		Name: "produce", Unit: "mb_per_s", Pairs: []result.Pair{{Gregor: 2000, Raw: 2500}},
		Settings: result.Fields{{Key: "validation", Value: "full"}},
		Facts:    result.Fields{{Key: "steal_percent", Value: math.Inf(1)}, {Key: "bytes", Value: int64(1 << 40)}},
		Target:   result.Target{Figure: "ratio", Bound: result.AtLeast, Value: 0.8}, Reached: 0.8,
	}
	report := result.Report{Command: "bench-quick", Version: "1", Rows: []*result.Row{row}}
	var out bytes.Buffer
	if err := report.WriteJSON(&out); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Command string           `json:"_command"`
		Rows    []map[string]any `json:"rows"`
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"row": "produce", "validation": "full", "gregor_mb_per_s": 2000.0, "raw_mb_per_s": 2500.0, "ratio": 0.8,
		"ratio_min": 0.8, "ratio_max": 0.8, "pairs": 1.0, "pairs_dropped": 0.0, "target": "ratio >= 0.8",
		"reached": 0.8, "verdict": "pass", "steal_percent": nil, "bytes": float64(1 << 40),
	}
	if got.Command != "bench-quick" || len(got.Rows) != 1 || len(got.Rows[0]) != len(want) {
		t.Fatalf("got %v", got)
	}
	for key, value := range want {
		if found, ok := got.Rows[0][key]; !ok || found != value {
			t.Errorf("%s: got %v, expected %v", key, found, value)
		}
	}
	out.Reset()
	if err := report.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2000 MB/s", "0.80 (0.80-0.80, 1)", "ratio >= 0.8", "pass", "validation=full"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("table lacks %q:\n%s", want, out.String())
		}
	}
}

func TestSteal(t *testing.T) {
	before := result.CPU{Busy: 100, Idle: 100, Steal: 10}
	if got := (result.CPU{Busy: 140, Idle: 150, Steal: 20}).StealSince(before); got != 10 {
		t.Errorf("got %v, expected 10", got)
	}
	if got := before.StealSince(before); got != 0 {
		t.Errorf("got %v, expected 0", got)
	}
}
