//go:build linux

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/gregor-log/gregor/bench/result"
)

// TestKeep puts results where others were: what was there is gone, the copy is whole, and the overview's chart stands
// beside it for both backgrounds.
func TestKeep(t *testing.T) {
	sample := []result.Sample{{Figure: 1000, Requests: 1, Bytes: 1e9, Elapsed: 1}}
	arguments := []string{"bench", "--dir", "/one/machine", "some"}
	r := result.Run{Version: result.Version, Arguments: arguments, Rows: []*result.Measurement{{
		Row: "some", What: "produce", Unit: "mb_per_s", Rounds: 1,
		Sides: []*result.Side{{Name: result.Gregor, Samples: sample}, {Name: result.Limit, Samples: sample}},
		Aims:  []result.Aim{{Against: result.Limit, AtLeast: 1}},
	}}}
	out, reference := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "reference")
	if err := r.Write(out); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(out, "report.html"), []byte("--dir /one/machine"), 0o600); err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(reference, "old")
	if err := os.MkdirAll(old, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := keep(out, reference); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Errorf("what was there before is there still: %v", err)
	}
	kept, err := result.ReadRun(reference)
	if err != nil || kept.Arguments[2] != "DIR" {
		t.Errorf("got %+v, %v, expected no path", kept, err)
	}
	page, err := os.ReadFile(filepath.Join(reference, "report.html"))
	if err != nil || string(page) != "--dir DIR" {
		t.Errorf("got %s, %v", page, err)
	}
	for _, name := range []string{"overview-1-light.svg", "overview-1-dark.svg"} {
		content, err := os.ReadFile(filepath.Join(reference, name))
		if err != nil || !bytes.Contains(content, []byte("<svg")) {
			t.Errorf("%s: got %d bytes, %v", name, len(content), err)
		}
	}
}
