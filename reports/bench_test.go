package reports_test

import (
	"strings"
	"testing"

	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/reports"
)

// measured is a row of one round.
func measured(name string, gregor, limit float64) *result.Measurement {
	sample := func(figure float64) []result.Sample {
		return []result.Sample{{Figure: figure, Requests: 1, Bytes: 1e9, Elapsed: 1, ClientCPU: 0.25, P50: 7}}
	}
	return &result.Measurement{
		Row: name, What: "produce", Unit: "mb_per_s", Rounds: 1,
		Sides: []*result.Side{
			{Name: result.Gregor, Samples: sample(gregor)}, {Name: "kafka"},
			{Name: result.Limit, Samples: sample(limit)},
		},
		Aims: []result.Aim{{Against: result.Limit, AtLeast: 0.9}, {Against: "kafka", AtLeast: 2}},
	}
}

// TestBenchPage: the worst row stands first, what failed before all, and each row has its figures.
func TestBenchPage(t *testing.T) {
	failed := measured("broken", 1, 1)
	failed.Failure = "kafka: nobody answers"
	failed.Hottest = []result.Hot{{Where: "system call pwrite", Percent: 61.25}}
	extra := measured("good", 950, 1000)
	extra.Sides[0].Samples[0].Extra = map[string]float64{"create_s": 4.25}
	extra.Notes = []string{"kafka did not keep up"}
	p, err := reports.Bench(&result.Run{
		Began: "2026-11-22T10:00:00Z", Binary: "0123456789abcdef", Arguments: []string{"bench", "suite"},
		Machine:  map[string]any{"cpu": "some", "scaling_governor": "powersave"},
		Cautions: []string{"too few processors"},
		Rows:     []*result.Measurement{extra, measured("bad", 123, 1000), failed},
	})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := p.Render(&out); err != nil {
		t.Fatal(err)
	}
	at := -1
	for _, want := range []string{
		"Beware: too few processors.", "nobody answers", "0.123 times limit, aim &gt;= 0.9x limit",
		"0.95 times limit", `id="broken"`, "system call pwrite", "61.2 %", `id="bad"`, "0.12 (0.12–0.12)",
		`id="good"`, "Kafka did not keep up.", "create s", "4.25",
		"scaling governor", "powersave", "gregor bench suite",
	} {
		next := strings.Index(out.String(), want)
		if next <= at {
			t.Errorf("%q stands at %d, expected it behind %d", want, next, at)
		}
		at = next
	}
	if strings.Contains(out.String(), "NaN") {
		t.Error("the page shows figures that are none")
	}
}

// TestBenchPageWithoutFigures: a run in which everything failed has a page all the same.
func TestBenchPageWithoutFigures(t *testing.T) {
	p, err := reports.Bench(&result.Run{Rows: []*result.Measurement{{Row: "r", What: "w", Failure: "no"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Render(new(strings.Builder)); err != nil {
		t.Fatal(err)
	}
}

// TestBenchLives: times and memory stand in a chart of their own, an aim without another side is told in the row's
// unit, and a side that could not be measured has its reason.
func TestBenchLives(t *testing.T) {
	started := measured("start", 30, 1)
	started.Unit, started.Aims = "ms", []result.Aim{{AtMost: 20}, {Against: "kafka", AtMost: 0.02}}
	started.Sides[1].Missing = "needs --peer-command kafka=PROGRAM"
	started.Sides[2].Name = "other"
	p, err := reports.Bench(&result.Run{Rows: []*result.Measurement{started}})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := p.Render(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"30 ms, aim &lt;= 20 ms", "start, recovery and memory", "Without kafka: needs --peer-command",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(out.String(), "median latency as a multiple") {
		t.Error("the page has a chart of latencies")
	}
}
