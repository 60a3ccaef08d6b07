package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/scripts/internal/markers"
)

// made are the scores of two suites, one of which has failed.
func made() []score {
	return []score{
		{suite: suites[0], baseline: 4, later: 1, passed: 3, seconds: 61.4},
		{suite: suites[3], baseline: 2, passed: 1, failed: 1, failures: []outcome{
			{name: "0030/do: A & B", verdict: skipped, text: "why\n"},
		}},
	}
}

func TestPages(t *testing.T) {
	text := report(made(), map[string]map[string]int{"kgo": {"ACLs": 1}})
	for _, want := range []string{
		"| franz-go kgo | v1.22.2 | 4 | 1 | 3 | 0 | 61 |\n",
		"| suite | transactions | KIP-848 | share groups | ACLs | SASL | quotas |\n|---|---|---|---|---|---|---|\n",
		"| franz-go kgo | 0 | 0 | 0 | 1 | 0 | 0 |\n",
		"- librdkafka, smoke tests: `0030/do: A & B` (skip)\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page has no %q:\n%s", want, text)
		}
	}
	if good := report(made()[:1], nil); !strings.HasSuffix(good, "## Failed\n\nNone.\n") {
		t.Errorf("nothing failed:\n%s", good)
	}
	if text := block(made()); !strings.Contains(text, "| librdkafka, smoke tests | 2.15.1 | 2 | 0 | 1 | 1 | 0 |\n") {
		t.Errorf("got block\n%s", text)
	}
}

func TestPagesAreWritten(t *testing.T) {
	dir := t.TempDir()
	o := &options{
		pattern: everything, report: filepath.Join(dir, "page"), readme: filepath.Join(dir, "README.md"),
	}
	if err := os.WriteFile(o.readme, []byte("# x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := o.writePages(made()); err == nil {
		t.Error("a README without the lines was accepted")
	}
	begin, end := markers.Lines(blockName)
	if err := os.WriteFile(o.readme, []byte(begin+"\n"+end+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := o.writePages(made()); err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(o.readme)
	if err != nil || !strings.Contains(string(readme), "| franz-go kgo |") {
		t.Errorf("got %q, %v", readme, err)
	}
	page, err := os.ReadFile(o.report)
	if err != nil || !strings.Contains(string(page), "| franz-go kgo | 5 | 4 | 5 | 0 | 2 | 0 |") {
		t.Errorf("got %q, %v", page, err)
	}
}

func TestWhatIsKept(t *testing.T) {
	j := &job{out: t.TempDir()}
	if err := os.Mkdir(filepath.Join(j.out, "failed"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := made()[1]
	if err := j.keep(append(s.failures, outcome{name: "0001", verdict: passed, seconds: 1.5}), &s); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"cases.tsv":              "0030/do: A & B\tskip\t0.00\n0001\tpass\t1.50\n",
		"failed/0030_do_A_B.txt": "0030/do: A & B: skip\n\nwhy\n",
	} {
		if got, err := os.ReadFile(filepath.Join(j.out, name)); err != nil || string(got) != want {
			t.Errorf("%s: got %q and %v, expected %q", name, got, err, want)
		}
	}
}
