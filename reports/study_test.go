package reports_test

import (
	"strings"
	"testing"

	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/reports"
)

// studied is a study with bars, one of which could not be measured, and lines.
func studied(t *testing.T) *result.Study {
	t.Helper()
	bars := &result.Panel{Title: "Appends", Unit: "mb_per_s", Log: true}
	bars.Add("1 KB", "disk", 1000)
	bars.Add("1 KB", "disk", 1200)
	bars.Add("1 KB", "memory", 2345)
	bars.At("1 KB", "tmpfs").Failure = "no such folder"
	lines := &result.Panel{Title: "Time of a call", Unit: "us", X: "GB"}
	for _, gb := range []float64{1, 10, 100} {
		p := lines.At(result.Number(gb), "append")
		p.X, p.Samples = gb, []float64{3 * gb, 3 * gb}
	}
	if err := lines.FitSlopes(); err != nil {
		t.Fatal(err)
	}
	return &result.Study{
		Name: "stores", What: "a log in several places", Rounds: 2, Panels: []*result.Panel{bars, lines},
		Notes: []string{"One thread."},
	}
}

// TestStudyPage: a study has its section, with charts, figures, slopes and what failed.
func TestStudyPage(t *testing.T) {
	p, err := reports.Bench(&result.Run{
		Arguments: []string{"bench", "study", "stores"}, Machine: map[string]any{"cpu": "some"},
		Studies: []*result.Study{studied(t)},
	})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := p.Render(&out); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	for _, want := range []string{
		`id="stores"`, "A log in several places", "1 KB, tmpfs: no such folder", ">2345<", "1.0000", "One thread.",
		"Time of a call", "not measured", "gregor bench study stores",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "NaN") {
		t.Error("the page shows figures that are none")
	}
	if got := strings.Count(page, "<svg"); got != 4 { // two charts, each for light and dark
		t.Errorf("got %d drawings, expected 4", got)
	}
}

// TestStudyPageWithoutFigures: a study that failed at once has a page all the same.
func TestStudyPageWithoutFigures(t *testing.T) {
	p, err := reports.Studies(&result.Run{Studies: []*result.Study{{
		Name: "loops", What: "loops", Failure: "no client", Panels: []*result.Panel{{Title: "Rates", Unit: "mb_per_s"}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := p.Render(&out); err != nil || !strings.Contains(out.String(), "no client") {
		t.Errorf("got %s, %v", out.String(), err)
	}
}
