package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// history is one that holds together.
const history = `{"v":1,"kind":"header","source":"real","class":"fsync","nodes":[1]}
{"kind":"op","process":3,"node":1,"op":"append","topic":"t","partition":0,"start_ns":10,"end_ns":25,` +
	`"outcome":"ok","base":0,"values":["a","b"]}
{"kind":"op","process":4,"node":1,"op":"fetch","topic":"t","partition":0,"start_ns":30,"end_ns":31,` +
	`"outcome":"ok","from":0,"high_watermark":2,"records":[[0,"a","b"]],"final":true}
`

// TestVerify ends with the verdict's exit code.
func TestVerify(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name, history, verdict string
		code                   int
	}{
		{"good", history, "ok", 0},
		{"two values", strings.Replace(history, `[0,"a","b"]`, `[0,"a","c"]`, 1), "violation", 1},
		{"nothing", strings.SplitAfter(history, "\n")[0], "inconclusive", 3},
		{"no history", "{}\n", "", 4},
		{"a value twice", history + strings.SplitAfter(history, "\n")[1], "", 4},
	} {
		name, page := filepath.Join(dir, c.name), filepath.Join(dir, c.name+".html")
		if err := os.WriteFile(name, []byte(c.history), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{
			{"verify", name}, {"verify", name, "--format", "json", "--html", page}, {"verify", "-"},
		} {
			r := gregor(t, c.history, args...)
			if r.code != c.code || !strings.Contains(r.out, c.verdict) || (r.errs == "") != (c.verdict != "") {
				t.Errorf("%s: %v: got %+v, expected exit code %d", c.name, args, r, c.code)
			}
		}
		if _, err := os.Stat(page); (err == nil) != (c.verdict != "") {
			t.Errorf("%s: the page: %v", c.name, err)
		}
	}
	if r := gregor(t, "", "verify", filepath.Join(dir, "missing")); r.code != 4 {
		t.Errorf("a missing file: got %+v, expected exit code 4", r)
	}
	if r := gregor(t, history, "verify", "-", "--html", filepath.Join(dir, "no", "page")); r.code != 4 {
		t.Errorf("a page that cannot be written: got %+v, expected exit code 4", r)
	}
}
