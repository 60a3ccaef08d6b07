package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/bench/matrix"
	"github.com/gregor-log/gregor/bench/study"
)

// TestBenchList: rows and studies stand apart, as text and as JSON, and each can be asked for by its name.
func TestBenchList(t *testing.T) {
	text := ok(t, "", "bench", "list")
	rows, studies, found := strings.Cut(text, "\n\nSTUDY")
	if !found || !strings.HasPrefix(rows, "ROW") || !strings.Contains(rows, "\nfetch-4k ") ||
		strings.Contains(rows, "\nzero-copy ") || !strings.Contains(studies, "\nzero-copy ") {
		t.Errorf("got %s", text)
	}
	var got struct{ Rows, Studies []named }
	if err := json.Unmarshal([]byte(ok(t, "", "bench", "list", "--format", "json")), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Rows) != len(matrix.Rows()) || len(got.Studies) != len(study.Subjects()) {
		t.Errorf("got %d rows and %d studies", len(got.Rows), len(got.Studies))
	}
	for _, s := range got.Studies {
		if found, err := study.Find(s.Name); err != nil || len(found) != 1 || s.About == "" {
			t.Errorf("%+v: got %v, %v", s, found, err)
		}
	}
}
