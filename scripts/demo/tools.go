package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/consistency/checker"
)

// printed is what a command printed, and its exit code.
type printed struct {
	// command is what was typed, with the program's plain name.
	command          string
	stdout, problems string
	code             int
}

// tool runs a command of gregor to its end. An exit code other than 0 is no error.
func (d *demo) tool(ctx context.Context, args ...string) (*printed, error) {
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, d.bin, args...)
	cmd.Env = append(os.Environ(), "GREGOR_NO_PROGRESS=1", "NO_COLOR=1")
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return &printed{
		command: d.plain("gregor " + strings.Join(args, " ")), stdout: d.plain(out.String()),
		problems: d.plain(strings.TrimSpace(errs.String())), code: cmd.ProcessState.ExitCode(),
	}, nil
}

// plain takes this run's folders out of a text.
func (d *demo) plain(text string) string {
	return strings.ReplaceAll(text, d.out+string(os.PathSeparator), "")
}

// verifyLog checks the broker's directory, offline.
func (d *demo) verifyLog(ctx context.Context) error {
	s := d.say.begin("log verify", -1)
	p, err := d.tool(ctx, "log", "verify", "--deep", d.broker.Data)
	if err != nil {
		return err
	}
	d.found.logVerify = p
	if p.code != 0 {
		d.fail("log verify", "exit code %d: %s", p.code, firstLine(p.problems+"\n"+p.stdout))
	}
	s.end("%s", lastLine(p.stdout+"\n"+p.problems))
	return nil
}

// verifyHistory has the history of the run judged.
func (d *demo) verifyHistory(ctx context.Context) error {
	s := d.say.begin("verify history", -1)
	p, err := d.tool(ctx, "verify", "--format", "json", "--html", d.path("porcupine.html"), d.path(historyName))
	if err != nil {
		return err
	}
	d.found.verify = p
	var report checker.Report
	if err := json.Unmarshal([]byte(p.stdout), &report); err != nil {
		d.fail("verify", "exit code %d, and no report: %s", p.code, firstLine(p.problems+"\n"+p.stdout))
		s.end("failed")
		return nil
	}
	d.found.report = &report
	if report.Verdict != checker.OK || p.code != 0 {
		d.fail("verify", "verdict %s, exit code %d", report.Verdict, p.code)
	}
	s.end("%s: %d operations, %d records acknowledged, %d read", report.Verdict, report.Counts.Operations,
		report.Counts.AckedRecords, report.Counts.ReadRecords)
	return nil
}

// benchRows are the rows that are measured, and benchCount how often: enough to see what gregor bench does, in seconds.
var benchRows = []string{"produce-64k", "produce-tiny", "fetch-64k"}

const benchCount = "2"

// bench measures gregor beside raw loops. A machine that is too noisy for that is no failure of gregor's.
func (d *demo) bench(ctx context.Context) error {
	s := d.say.begin("beside raw loops", -1)
	out := d.path("bench")
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	args := append([]string{"bench"}, benchRows...)
	p, err := d.tool(ctx, append(args, "--count", benchCount, "--dir", d.out, "--out", out)...)
	if err != nil {
		return err
	}
	d.found.bench = p
	if d.found.measured, err = result.ReadRun(out); err != nil {
		d.fail("bench", "exit code %d: %s; %v", p.code, firstLine(p.problems), err)
	}
	const noisy = 4
	if p.code != 0 && p.code != noisy {
		d.fail("bench", "exit code %d: %s", p.code, firstLine(p.problems+"\n"+p.stdout))
	}
	s.end("%d rows", len(benchRows))
	return nil
}

// simulated is what gregor sim run prints for a seed.
type simulated struct {
	Seed          uint64         `json:"seed"`
	Verdict       string         `json:"verdict"`
	Trace         string         `json:"trace_sha256"`
	Events        int64          `json:"events"`
	SimSeconds    float64        `json:"sim_seconds"`
	WallSeconds   float64        `json:"wall_seconds"`
	AckedRecords  int64          `json:"acked_records"`
	Faults        map[string]int `json:"faults"`
	LeaderChanges int            `json:"leader_changes"`
	Violation     *struct {
		Name   string `json:"name"`
		AtUs   int64  `json:"at_us"`
		Detail string `json:"detail"`
	} `json:"violation"`
	Repro string `json:"repro"`
}

// simulate runs simulated seeds.
func (d *demo) simulate(ctx context.Context) error {
	s := d.say.begin("simulate", -1)
	p, err := d.tool(ctx, "sim", "run", "--seeds", d.seeds, "--format", "json")
	if err != nil {
		return err
	}
	d.found.sim = p
	good := d.judgeSeeds(p)
	s.end("%d of %d seeds ok", good, len(d.found.seeds))
	return nil
}

// judgeSeeds reads what was printed of the seeds, and returns how many are ok.
func (d *demo) judgeSeeds(p *printed) int {
	in, good := json.NewDecoder(strings.NewReader(p.stdout)), 0
	for {
		var one simulated
		if err := in.Decode(&one); err != nil {
			if !errors.Is(err, io.EOF) {
				d.fail("sim", "not the output that was expected: %v", err)
			}
			break
		}
		d.found.seeds = append(d.found.seeds, one)
		switch {
		case one.Verdict == "ok":
			good++
		case one.Violation != nil:
			d.fail("sim", "seed %d: %s: %s (%s)", one.Seed, one.Violation.Name, one.Violation.Detail, one.Repro)
		default:
			d.fail("sim", "seed %d: %s (%s)", one.Seed, one.Verdict, one.Repro)
		}
	}
	if p.code != 0 || len(d.found.seeds) == 0 {
		d.fail("sim", "exit code %d after %d seeds: %s", p.code, len(d.found.seeds), firstLine(p.problems))
	}
	return good
}

// firstLine returns the first line with anything in it.
func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

// lastLine returns the last line with anything in it.
func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// fail notes that something does not hold.
func (d *demo) fail(where, format string, args ...any) {
	d.found.failures = append(d.found.failures, failure{where, fmt.Sprintf(format, args...)})
}
