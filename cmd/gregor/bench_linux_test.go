package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gregor-log/gregor/bench/matrix"
	"github.com/gregor-log/gregor/bench/result"
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

// TestBenchFailure: where a row could not be measured the exit code is that of the harness, and the folder holds what
// was measured, with the reason.
func TestBenchFailure(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	got := gregor(t, "", "bench", "start", "--count", "1", "--peer-command", "other=/bin/false", "--dir", t.TempDir(),
		"-o", dir)
	if got.code != 4 || !strings.Contains(got.out, "start: other") {
		t.Errorf("got %+v", got)
	}
	if out := ok(t, "", "bench", "verify", dir); !strings.Contains(out, "ok: 1 rows, 1 samples") {
		t.Errorf("got %s", out)
	}
	if text, err := os.ReadFile(strings.TrimSpace(ok(t, "", "report", dir))); err != nil ||
		!strings.Contains(string(text), "Without other: ") {
		t.Errorf("got %s, %v", text, err)
	}
}

// TestBenchInterrupted: a run that is interrupted leaves the rows that it has measured, in a folder that is whole.
func TestBenchInterrupted(t *testing.T) {
	t.Setenv("CI", "")
	dir := filepath.Join(t.TempDir(), "run")
	c := exec.CommandContext(t.Context(), os.Args[0], "bench", "start", "e2e-1k", "--count", "1000", "--dir",
		t.TempDir(), "-o", dir)
	errs, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	seen := bufio.NewScanner(errs)
	for seen.Scan() && !strings.HasPrefix(seen.Text(), "start (1 of 2): ") {
		continue
	}
	if err := c.Process.Signal(syscall.SIGINT); err != nil { // e2e-1k takes half a minute
		t.Fatal(err)
	}
	rest, err := io.ReadAll(errs)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Wait() // the code is looked at
	if code := c.ProcessState.ExitCode(); code != 130 ||
		!strings.Contains(string(rest), "interrupt; 1 of 2 rows are kept in "+dir) {
		t.Errorf("got exit code %d and %s", code, rest)
	}
	if out := ok(t, "", "bench", "verify", dir); !strings.Contains(out, "ok: 1 rows, 3 samples") {
		t.Errorf("got %s", out)
	}
	r, err := result.ReadRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Rows) != 1 || r.Rows[0].Row != "start" || r.Rows[0].Failure != "" {
		t.Errorf("got %+v", r.Rows)
	}
	once := func(l result.Limited) bool { return strings.Contains(l.Failure, "ended before") }
	if !slices.ContainsFunc(r.Limits, once) {
		t.Errorf("got limits %+v, expected to read that they were not taken again", r.Limits)
	}
}
