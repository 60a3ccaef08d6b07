package workload

import (
	"fmt"
	"time"
)

// The verdicts of a run.
const (
	OK           = "ok"
	Violated     = "violation"
	Inconclusive = "inconclusive"
)

// Result is what came of a run: the object that `gregor sim run --format json` prints.
type Result struct {
	Seed        uint64  `json:"seed"`
	Verdict     string  `json:"verdict"`
	TraceSHA256 string  `json:"trace_sha256"`
	Events      uint64  `json:"events"`
	SimSeconds  float64 `json:"sim_seconds"`
	// WallSeconds is set by whoever has a clock.
	WallSeconds  float64        `json:"wall_seconds"`
	AckedRecords int64          `json:"acked_records"`
	Faults       map[string]int `json:"faults"`
	// LeaderChanges counts the starts of brokers after which leader epochs are new; with one broker that is what a
	// change of the leader is.
	LeaderChanges int        `json:"leader_changes"`
	Violation     *Violation `json:"violation,omitempty"`
	// Repro is the command that makes this run again.
	Repro string `json:"repro"`

	// Class is the durability class, and the rest are further counts.
	Class       string `json:"class"`
	Scenario    string `json:"scenario"`
	ReadRecords int64  `json:"read_records"`
	LostRecords int64  `json:"lost_records_allowed"`
	Restarts    int    `json:"restarts"`
	Requests    int    `json:"requests"`
	Inspections int    `json:"inspections"`
	// Forgotten counts batches that were refused as out of order although they were in the log: see
	// world.Ledger.Forgotten.
	Forgotten int `json:"forgotten_batches"`
	// Commits counts commits of offsets that were acknowledged, LostCommits those of them that a loss took which the
	// class allows. Rebalances counts generations that were handed out, Fenced requests of members that were refused
	// because they are not what they say any more.
	Commits     int `json:"commits"`
	LostCommits int `json:"lost_commits_allowed"`
	Rebalances  int `json:"rebalances"`
	Fenced      int `json:"fenced"`
	// Why says why a run is inconclusive.
	Why string `json:"why,omitempty"`
}

// Violation is the first rule that was broken.
type Violation struct {
	Name   string `json:"name"`
	AtUs   int64  `json:"at_us"`
	Detail string `json:"detail"`
}

func (r *run) result(mutation string) *Result {
	stats, counts := r.w.Stats(), r.w.Ledger().Counts()
	res := &Result{
		Seed: r.plan.Seed, Verdict: OK, TraceSHA256: r.w.Hash(), Events: stats.Events,
		SimSeconds: time.Duration(r.w.Now()).Seconds(), AckedRecords: counts.Acked, Faults: r.w.Landed(),
		LeaderChanges: stats.EpochBumps, Class: r.plan.Class, Scenario: r.plan.Scenario, ReadRecords: counts.Read,
		LostRecords: counts.Lost, Restarts: stats.Restarts, Requests: stats.Requests, Inspections: counts.Inspections,
		Forgotten: counts.Forgotten,
		Repro:     Repro(r.plan, mutation),
	}
	g := r.book.Counts()
	res.Commits, res.LostCommits, res.Rebalances, res.Fenced = g.Commits, g.Lost, g.Rebalances, g.Fenced
	if r.atLeave != nil {
		res.Restarts, res.LeaderChanges = r.atLeave.Restarts, r.atLeave.EpochBumps
	}
	switch v := r.w.Violation(); {
	case v != nil:
		res.Verdict = Violated
		res.Violation = &Violation{Name: v.Name, AtUs: int64(v.At) / 1000, Detail: v.Detail}
	case res.Commits == 0 && counts.Acked > 0:
		res.Verdict, res.Why = Inconclusive, "no commit of an offset was acknowledged"
	case counts.Acked == 0:
		res.Verdict, res.Why = Inconclusive, "nothing was acknowledged"
	case len(res.Faults) == 0:
		res.Verdict, res.Why = Inconclusive, "no fault had an effect"
	case res.Rebalances == 0:
		res.Verdict, res.Why = Inconclusive, "no generation of a group was handed out"
	case res.LeaderChanges == 0:
		res.Verdict, res.Why = Inconclusive, "no leader epoch was new"
	}
	return res
}

// Repro returns the command that makes a run again.
func Repro(p *Plan, mutation string) string {
	s := fmt.Sprintf("gregor sim run --seed %d --for %v", p.Seed, p.For)
	if p.Scenario != "" {
		s += " --scenario " + p.Scenario
	}
	if mutation != "" {
		s += " --mutate " + mutation
	}
	return s
}
