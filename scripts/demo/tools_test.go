package main

import (
	"fmt"
	"strings"
	"testing"
)

const goodSeed = `{"seed":1,"verdict":"ok","trace_sha256":"aa","events":1000,"sim_seconds":60,"wall_seconds":0.5,` +
	`"acked_records":70,"faults":{"kill":2,"power_loss":1},"leader_changes":3,"violation":null,` +
	`"repro":"again 1"}` + "\n"

func TestSeeds(t *testing.T) {
	for name, c := range map[string]struct {
		printed
		good, seeds int
		failed      string
	}{
		"ok": {printed{stdout: goodSeed + goodSeed}, 2, 2, ""},
		"violation": {printed{stdout: goodSeed + `{"seed":2,"verdict":"violation","violation":{"name":"lost-ack",` +
			`"at_us":5,"detail":"gone"},"repro":"gregor sim run --seed 2"}` + "\n", code: 1}, 1, 2,
			"seed 2: lost-ack: gone (gregor sim run --seed 2)"},
		"inconclusive": {printed{stdout: `{"seed":3,"verdict":"inconclusive","repro":"again"}`, code: 3}, 0, 1,
			"seed 3: inconclusive (again)"},
		"exit code":    {printed{stdout: goodSeed, code: 4}, 1, 1, "exit code 4 after 1 seeds"},
		"no seeds":     {printed{problems: "no such command"}, 0, 0, "exit code 0 after 0 seeds: no such command"},
		"other output": {printed{stdout: "seed 1 ok\n"}, 0, 0, "not the output that was expected"},
	} {
		d := &demo{}
		good := d.judgeSeeds(&c.printed)
		if good != c.good || len(d.found.seeds) != c.seeds {
			t.Errorf("%s: got %d ok of %d, expected %d of %d", name, good, len(d.found.seeds), c.good, c.seeds)
		}
		text := ""
		for _, f := range d.found.failures {
			text += f.where + ": " + f.text + "\n"
		}
		if c.failed == "" && text != "" || !strings.Contains(text, c.failed) {
			t.Errorf("%s: got failures %q, expected %q", name, text, c.failed)
		}
	}
}

func TestSeedsAreAddedUp(t *testing.T) {
	d := &demo{options: options{seeds: "1-2"}}
	p := &printed{stdout: goodSeed + goodSeed}
	d.judgeSeeds(p)
	d.found.sim = p
	section := d.simSection()
	text := ""
	for _, part := range section.Parts {
		text += strings.Join(strings.Fields(sprint(part)), " ") + "\n"
	}
	for _, want := range []string{"1-2: 2 ok", "2,000", "140", "120 s, computed in 1 s", "4 kill, 2 power_loss"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q lacks %q", text, want)
		}
	}
}

// sprint writes a part of a page with all that is in it.
func sprint(part any) string { return fmt.Sprintf("%+v", part) }
