package checker

import (
	"fmt"
	"strings"

	"github.com/gregor-log/gregor/consistency/history"
	"github.com/gregor-log/gregor/consistency/model"
)

// Verdict is the outcome of a check.
type Verdict string

// The verdicts.
const (
	// OK: nothing was found, and there was enough to find something in.
	OK Verdict = "ok"
	// Violation: the history has findings.
	Violation Verdict = "violation"
	// Inconclusive: nothing was found, but something was not looked at; the reasons say what.
	Inconclusive Verdict = "inconclusive"
	// HarnessFailed: the two opinions contradict each other, so one of them is wrong.
	HarnessFailed Verdict = "harness-failed"
)

// The names of findings; the package comment defines them.
const (
	LostAck             = "lost-ack"
	LostWrite           = "lost-write"
	InconsistentOffsets = "inconsistent-offsets"
	AbortedRead         = "aborted-read"
	GarbageRead         = "garbage-read"
	ReadBeyondCommitted = "read-beyond-committed"
	ReorderedAcks       = "reordered-acks"
	NonmonotonicSend    = "nonmonotonic-send"
	Duplicate           = "duplicate"
	TornAppend          = "torn-append"
	OffsetGap           = "offset-gap"
	NonmonotonicRead    = "nonmonotonic-read"
	StaleEnd            = "stale-end"
	NotLinearizable     = "not-linearizable"
	LostCommit          = "lost-commit"
	StaleOffset         = "stale-offset"
	GarbageOffset       = "garbage-offset"
	AlteredOffset       = "altered-offset"
	AbortedOffset       = "aborted-offset"
)

// ExitFailed is the exit code when there is no judgement to trust: Verify failed, or the opinions contradict each
// other.
const ExitFailed = 4

// ExitCode returns the exit code of a program that ends with this verdict: 0 ok, 1 violation, 3 inconclusive, 4 the
// harness itself failed.
func (v Verdict) ExitCode() int {
	switch v {
	case OK:
		return 0
	case Violation:
		return 1
	case Inconclusive:
		return 3
	}
	return ExitFailed
}

// Report is the judgement of one history. Its JSON form is its fields; [Report.Text] is for people.
type Report struct {
	Verdict Verdict `json:"verdict"`
	// Source, Seed, Class and Build are the header's.
	Source string `json:"source,omitempty"`
	Seed   uint64 `json:"seed"`
	Class  string `json:"class"`
	Build  string `json:"build,omitempty"`
	// Findings are the violations, of each name the first few. FindingCounts counts all of them by name.
	Findings      []Finding      `json:"findings"`
	FindingCounts map[string]int `json:"finding_counts"`
	// Reasons say why the verdict is inconclusive.
	Reasons []string `json:"reasons,omitempty"`
	// Disagreements say where the two opinions contradict each other.
	Disagreements []string `json:"disagreements,omitempty"`
	Counts        Counts   `json:"counts"`
	// Porcupine counts what the second opinion did.
	Porcupine SecondOpinion `json:"porcupine"`
	// Offsets counts its windows of what groups have committed.
	Offsets FirstOpinion `json:"porcupine_offsets"`

	h       *history.History
	windows []picture
}

// Finding is one violation.
type Finding struct {
	// Name is one of the names that the package comment defines.
	Name string `json:"name"`
	// Group is whose committed offset it is about, "" for what is about a log.
	Group     string `json:"group,omitempty"`
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	// Offset is where, -1 if nowhere in particular.
	Offset int64 `json:"offset"`
	// Detail says in a sentence what is wrong.
	Detail string `json:"detail"`
	// Ops are the operations that show it.
	Ops []OpRef `json:"ops"`

	entries []uint32
}

// OpRef names an operation of the history.
type OpRef struct {
	// Line is its line in the file.
	Line uint32 `json:"line"`
	// Text describes it.
	Text string `json:"text"`
}

// Counts are what the history holds and what the sweep counts without judging it.
type Counts struct {
	Operations     int `json:"operations"`
	Events         int `json:"events"`
	Partitions     int `json:"partitions"`
	AppendsOK      int `json:"appends_ok"`
	AppendsFailed  int `json:"appends_failed"`
	AppendsUnknown int `json:"appends_unknown"`
	AckedRecords   int `json:"acked_records"`
	Fetches        int `json:"fetches"`
	ReadRecords    int `json:"read_records"`
	Ends           int `json:"ends"`
	CommitsOK      int `json:"commits_ok"`
	CommitsFailed  int `json:"commits_failed"`
	CommitsUnknown int `json:"commits_unknown"`
	OffsetReads    int `json:"offset_reads"`
	// Cuts are the faults that the durability class does not survive.
	Cuts int `json:"cuts"`
	// LostAllowed are acknowledged records that a cut took.
	LostAllowed int `json:"lost_allowed"`
	// Unseen are acknowledged records that no final read covers, so that their loss could not show.
	Unseen int `json:"unseen"`
	// StaleFetches lagged behind what was acknowledged before them, StaleRecordsMax by how much at most.
	StaleFetches    int   `json:"stale_fetches"`
	StaleRecordsMax int64 `json:"stale_records_max"`
	// DuplicatesAllowed are second copies from producers that are not idempotent and resend.
	DuplicatesAllowed int `json:"duplicates_allowed"`
	// Compacted are acknowledged records missing from compacted topics.
	Compacted int `json:"compacted"`
	// Trimmed are acknowledged records below the log's start.
	Trimmed int `json:"trimmed"`
}

// SecondOpinion counts Porcupine's windows by result.
type SecondOpinion struct {
	Windows   int `json:"windows"`
	Legal     int `json:"legal"`
	Illegal   int `json:"illegal"`
	Undecided int `json:"undecided"`
	// Inversions are pairs of operations that break real time between windows.
	Inversions int `json:"inversions"`
	// Skipped are partitions that have no dense log to give an opinion of.
	Skipped int `json:"skipped_partitions"`
}

// FirstOpinion counts Porcupine's windows of committed offsets by result.
type FirstOpinion struct {
	Windows   int `json:"windows"`
	Legal     int `json:"legal"`
	Illegal   int `json:"illegal"`
	Undecided int `json:"undecided"`
}

// addCommit counts a commit.
func (c *Counts) addCommit(e *history.Entry) {
	switch e.Outcome {
	case history.OK:
		c.CommitsOK++
	case history.Fail:
		c.CommitsFailed++
	default:
		c.CommitsUnknown++
	}
}

// add counts one entry.
func (c *Counts) add(j *judge, e *history.Entry) {
	c.Operations++
	records := 0
	for _, run := range j.h.RunsOf(e) {
		records += int(run.Count)
	}
	switch {
	case e.Kind == history.Fetch:
		c.Fetches++
		c.ReadRecords += records
	case e.Kind == history.End:
		c.Ends++
	case e.Kind == history.Commit:
		c.addCommit(e)
	case e.Kind == history.Committed:
		c.OffsetReads++
	case e.Outcome == history.Fail:
		c.AppendsFailed++
	case e.Outcome == history.OK:
		c.AppendsOK++
		if j.acked(e) {
			c.AckedRecords += records
		}
	default:
		c.AppendsUnknown++
	}
}

func newReport(h *history.History, contract Contract) *Report {
	return &Report{
		Source: h.Header.Source, Seed: h.Header.Seed, Class: contract.Class, Build: h.Header.Build,
		Findings: []Finding{}, FindingCounts: make(map[string]int), h: h,
		Counts: Counts{Events: len(h.Events), Partitions: len(h.Partitions)},
	}
}

// conclude draws the verdict.
func (j *judge) conclude() {
	r := j.report
	inconclusive := func(count int, format string, args ...any) {
		if count > 0 {
			r.Reasons = append(r.Reasons, fmt.Sprintf(format, args...))
		}
	}
	if r.Counts.AckedRecords+r.Counts.CommitsOK == 0 {
		inconclusive(1, "nothing was acknowledged")
	}
	inconclusive(r.Counts.Unseen, "%d acknowledged records were not covered by a final read", r.Counts.Unseen)
	inconclusive(r.Porcupine.Undecided, "Porcupine left %d of %d windows undecided", r.Porcupine.Undecided,
		r.Porcupine.Windows)
	inconclusive(r.Offsets.Undecided, "Porcupine left %d of %d windows of committed offsets undecided",
		r.Offsets.Undecided, r.Offsets.Windows)
	switch {
	case len(r.Disagreements) > 0:
		r.Verdict = HarnessFailed
	case len(r.FindingCounts) > 0:
		r.Verdict = Violation
	case len(r.Reasons) > 0:
		r.Verdict = Inconclusive
	default:
		r.Verdict = OK
	}
}

// describe says in one line what an entry did.
func describe(h *history.History, e *history.Entry) OpRef {
	var b strings.Builder
	records := int64(0)
	for _, run := range h.RunsOf(e) {
		records += int64(run.Count)
	}
	fmt.Fprintf(&b, "process %d %s", e.Process, e.Kind)
	switch {
	case e.Kind == history.Append && e.Offset >= 0:
		fmt.Fprintf(&b, " %d records at %d..%d", records, e.Offset, e.Offset+records-1)
	case e.Kind == history.Append:
		fmt.Fprintf(&b, " %d records", records)
	case e.Kind == history.Fetch:
		fmt.Fprintf(&b, " from %d: %d records", e.Offset, records)
		if e.HighWatermark >= 0 {
			fmt.Fprintf(&b, ", high watermark %d", e.HighWatermark)
		}
	case e.Kind == history.End:
		fmt.Fprintf(&b, " of log: %d", e.Offset)
	case e.Kind.OfGroup() && e.Offset < 0:
		fmt.Fprintf(&b, " of group %s: none", h.Groups[e.Group])
	case e.Kind.OfGroup():
		fmt.Fprintf(&b, " of group %s: %d as %q", h.Groups[e.Group], e.Offset,
			h.Identities.Text(h.ValuesOf(h.RunsOf(e)[0])[0]))
	}
	fmt.Fprintf(&b, ", %s, %d..%d ns", e.Outcome, e.Start, e.End)
	if e.Node >= 0 {
		fmt.Fprintf(&b, ", node %d", e.Node)
	}
	return OpRef{Line: e.Line, Text: b.String()}
}

// picture is a window of the second opinion that is kept for drawing.
type picture struct {
	window model.Window
	// bad says that Porcupine does not find it legal, or that a finding names one of its operations.
	bad bool
}
