package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/consistency/workload"
)

// asGregor is the environment variable that makes this test binary gregor itself, for the processes that it starts.
const asGregor = "TEST_AS_GREGOR"

func TestMain(m *testing.M) {
	if os.Getenv(asGregor) != "" {
		main()
	}
	if err := os.Setenv(asGregor, "1"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// results reads what sim run printed as JSON.
func results(t *testing.T, out string) []workload.Result {
	t.Helper()
	var all []workload.Result
	for lines := bufio.NewScanner(strings.NewReader(out)); lines.Scan(); {
		var one workload.Result
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			t.Fatalf("%v in %s", err, lines.Text())
		}
		all = append(all, one)
	}
	return all
}

// TestSimSeeds gives the same results in one process and in workers, in the order of the seeds.
func TestSimSeeds(t *testing.T) {
	args := []string{"sim", "run", "--seeds", "3-8", "--for", "3s", "--format", "json"}
	one := results(t, ok(t, "", append(args, "--jobs", "1")...))
	many := results(t, ok(t, "", append(args, "--jobs", "3", "--twice")...))
	stdin := results(t, ok(t, "3\n4\n5\n6\n7\n8\n", "sim", "run", "--seeds", "-", "--for", "3s", "--format", "json"))
	if len(one) != 6 || len(many) != 6 || len(stdin) != 6 {
		t.Fatalf("got %d, %d and %d results, expected 6", len(one), len(many), len(stdin))
	}
	for i := range one {
		a, b, c := one[i], many[i], stdin[i]
		if a.Seed != uint64(i+3) || a.Verdict != workload.OK || a.WallSeconds <= 0 {
			t.Errorf("got %+v", a)
		}
		if b.Seed != a.Seed || b.TraceSHA256 != a.TraceSHA256 || c.Seed != a.Seed || c.TraceSHA256 != a.TraceSHA256 {
			t.Errorf("seed %d: got traces %s, %s and %s", a.Seed, a.TraceSHA256, b.TraceSHA256, c.TraceSHA256)
		}
	}
}

// TestSimCodes ends with the exit code of the worst seed, and says which it is.
func TestSimCodes(t *testing.T) {
	for _, row := range []struct {
		args, want string
		code       int
	}{
		{"--seed 1", "seed 1: ok\n", 0},
		{"--seeds 1-3", "3 seeds: 3 ok, 0 violations, 0 inconclusive\n", 0},
		{"--seed 1 --scenario calm", "seed 1: inconclusive: no fault had an effect\n", 3},
		{"--seeds 1-2 --scenario calm", "2 seeds: 0 ok, 0 violations, 2 inconclusive\n", 3},
		{"--seed 1 --mutate M00", "seed 1: violation: lost-ack at ", 1},
		{"--seeds 1-4 --mutate M00 --jobs 2", "4 seeds: 0 ok, 4 violations, 0 inconclusive\n", 1},
		{"--seed 1 --mutate map-order --twice --for 20s", "seed 1: violation: not-repeatable at ", 1},
		{"--seed 1 --trace", "seed 1: ok\n", 0},
		{"--seed 1 --seeds 1-2", "expected one of them", 2},
		{"--seeds 2-1", "expected first-last", 2},
		{"--seeds x", "expected first-last", 2},
		{"--seed 1 --scenario nonsense", "unknown scenario", 2},
		{"--seed 1 --mutate nonsense", "unknown mutation", 2},
		{"--seed 1 --for 1ms", "expected 1s to 24h", 2},
		{"--seeds 1-2 --trace", "--trace is of one seed", 2},
		{"--seed 1 --jobs -1", "expected 0 or more", 2},
		{"--seed 1 --history /dev/null/x", "not a directory", 4},
	} {
		args := append([]string{"sim", "run"}, strings.Fields(row.args)...)
		if !strings.Contains(row.args, "--for") {
			args = append(args, "--for", "3s")
		}
		r := gregor(t, "", args...)
		if r.code != row.code || !strings.Contains(r.out+r.errs, row.want) {
			t.Errorf("%s: got code %d and\n%s%s, expected %d and %q", row.args, r.code, r.out, r.errs, row.code,
				row.want)
		}
		if traced := strings.Contains(r.errs, "restart process 1"); traced != strings.Contains(row.args,
			"--seed 1 --trace") {
			t.Errorf("%s: got trace %v", row.args, traced)
		}
	}
	if r := gregor(t, "x\n", "sim", "run", "--seeds", "-"); r.code != 2 {
		t.Errorf("a word instead of a seed: got %+v", r)
	}
}

// TestSimHistories has verify judge the histories of many seeds at once: it says what the runs said, and finds the
// canary in each.
func TestSimHistories(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "runs")
	ok(t, "", "sim", "run", "--seeds", "1-10", "--for", "3s", "--history", dir)
	out := ok(t, "", "verify", dir)
	if want := "10 histories: 10 ok, 0 violations, 0 inconclusive, 0 without a judgement\n"; !strings.HasSuffix(out,
		want) {
		t.Errorf("got\n%s, expected %q", out, want)
	}
	ok(t, "", "verify", filepath.Join(dir, "seed-000001.jsonl"))
	lost := filepath.Join(t.TempDir(), "lost")
	gregor(t, "", "sim", "run", "--seeds", "1-20", "--for", "3s", "--mutate", "M00", "--history", lost)
	r := gregor(t, "", "verify", lost, filepath.Join(dir, "seed-000001.jsonl"))
	if want := "21 histories: 1 ok, 20 violations"; r.code != 1 || !strings.Contains(r.out, want) {
		t.Errorf("got code %d and\n%s, expected %q", r.code, r.out, want)
	}
	if r = gregor(t, "", "verify", lost, "--format", "json"); strings.Count(r.out, `"verdict":"violation"`) != 20 {
		t.Errorf("got\n%s, expected 20 objects", r.out)
	}
	if r = gregor(t, "", "verify", dir, "--html", "x"); r.code != 2 {
		t.Errorf("a page of many histories: got %+v", r)
	}
	if r = gregor(t, "", "verify", t.TempDir()); r.code != 4 || !strings.Contains(r.errs, "expected histories") {
		t.Errorf("an empty folder: got %+v", r)
	}
	if r = gregor(t, "", "verify", filepath.Join(lost, "none"), dir); r.code != 4 {
		t.Errorf("a file that is not there: got %+v", r)
	}
}

// TestSimList names all scenarios and mutations.
func TestSimList(t *testing.T) {
	text, object := ok(t, "", "sim", "list"), ok(t, "", "sim", "list", "--format", "json")
	for _, s := range workload.Scenarios() {
		if !strings.Contains(text, s.Name) || !strings.Contains(object, `"`+s.Name+`"`) {
			t.Errorf("got no scenario %s", s.Name)
		}
	}
	for _, m := range workload.Mutations() {
		if !strings.Contains(text, m.About) || !strings.Contains(object, `"`+m.Name+`"`) {
			t.Errorf("got no mutation %s", m.Name)
		}
	}
}
