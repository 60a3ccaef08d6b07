package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFailuresAreReported fuzzes a module with a target that fails at once and one that cannot: the first ends up in
// the report, with its input, and the second does not.
func TestFailuresAreReported(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"go.mod": "module m\n\ngo 1.25\n",
		"m_test.go": `package m

import "testing"

func FuzzFails(f *testing.F) {
	f.Add([]byte("a needle"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) != 8 {
			t.Fatal("this length is not liked")
		}
	})
}

func FuzzPasses(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {})
}
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	targets, err := list(t.Context(), []string{"."})
	if err != nil || len(targets) != 2 {
		t.Fatalf("got %v (%v), expected two targets", targets, err)
	}
	results := options{budget: time.Second, jobs: 2, workers: 1}.all(t.Context(), targets)
	var report strings.Builder
	results[0].report(&report)
	if results[0].err == nil || !strings.HasPrefix(results[0].summary(), "FAILED . FuzzFails") {
		t.Errorf("got %q, expected a failure", results[0].summary())
	}
	for _, part := range []string{"this length is not liked", "go test fuzz v1", "[]byte("} {
		if !strings.Contains(report.String(), part) {
			t.Errorf("got the report %q, expected %q in it", report.String(), part)
		}
	}
	if results[1].err != nil || !strings.HasPrefix(results[1].summary(), "ok") {
		t.Errorf("got %q, expected no failure", results[1].summary())
	}
}
