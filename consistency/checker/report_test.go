package checker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gregor-log/gregor/consistency/history"
)

// file writes a story as a history file.
func (s *story) file() []byte {
	s.t.Helper()
	var out bytes.Buffer
	w := history.NewWriter(&out, s.header)
	for _, op := range s.ops {
		if err := w.Op(op); err != nil {
			s.t.Fatal(err)
		}
	}
	for _, e := range s.events {
		if err := w.Event(e); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		s.t.Fatal(err)
	}
	return out.Bytes()
}

func TestVerify(t *testing.T) {
	s := tell(t, "fsync")
	legal(s)
	s.event(history.EventPowerLoss, 35)
	steps := 0
	r, err := Verify(bytes.NewReader(s.file()), Options{Progress: func(done, total int) { steps += done - total }})
	if err != nil || r.Verdict != OK || r.Verdict.ExitCode() != 0 || steps != 0 {
		t.Fatalf("got %v, %+v after %d steps", err, r, steps)
	}
	want := Counts{
		Operations: 10, Events: 1, Partitions: 1, AppendsOK: 3, AppendsFailed: 1, AppendsUnknown: 2, AckedRecords: 4,
		Fetches: 3, ReadRecords: 14, Ends: 1,
	}
	if r.Counts != want {
		t.Errorf("got %+v, expected %+v", r.Counts, want)
	}
	if r.Porcupine != (SecondOpinion{Windows: 1, Legal: 1}) {
		t.Errorf("got %+v", r.Porcupine)
	}
}

func TestVerifyErrors(t *testing.T) {
	reused := tell(t, "fsync")
	reused.append(1, 2, 0, "a")
	reused.append(3, 4, 1, "a")
	strange := tell(t, "wishful")
	for name, row := range map[string]struct {
		file []byte
		want error
		text string
	}{
		"not a history":  {[]byte("hello"), history.ErrSyntax, "line 1"},
		"bad line":       {append(reused.file(), "{}"...), history.ErrSyntax, "line 4"},
		"value reused":   {reused.file(), ErrReused, `"a" in lines 2 and 3`},
		"unknown class":  {strange.file(), ErrClass, "quorum+fsync"},
		"line too long":  {bytes.Repeat([]byte{'x'}, 200), history.ErrTooLong, "line 1"},
		"nothing at all": {nil, history.ErrNoHeader, "empty"},
	} {
		_, err := Verify(bytes.NewReader(row.file), Options{MaxLine: 190})
		if !errors.Is(err, row.want) || !strings.Contains(err.Error(), row.text) {
			t.Errorf("%s: got %v, expected %v with %q", name, err, row.want, row.text)
		}
	}
}

func TestExitCodes(t *testing.T) {
	for verdict, want := range map[Verdict]int{OK: 0, Violation: 1, Inconclusive: 3, HarnessFailed: 4, "": 4} {
		if got := verdict.ExitCode(); got != want {
			t.Errorf("%q: got %d, expected %d", verdict, got, want)
		}
	}
}

// broken is a history with two findings.
func broken(t *testing.T) *story {
	s := tell(t, "fsync")
	legal(s)
	s.end(70, 71, 5)
	s.fetch(70, 71, 2, 6, "c - e")
	s.event(history.EventKill, 35)
	return s
}

func TestRendering(t *testing.T) {
	r := broken(t).check(Options{})
	for _, want := range []string{
		"verdict     violation\n", "found       stale-end: 1\n", "found       offset-gap: 1\n",
		"  t-0: the log's end is told as 5, although all below 6 were taken before\n",
		"    line 11: process 3 end of log: 5, ok, 70..71 ns, node 1\n",
		"    line 8: process 1 append 1 records at 5..5, ok, 40..50 ns, node 1\n",
	} {
		if !strings.Contains(r.Text(), want) {
			t.Errorf("the text lacks %q:\n%s", want, r.Text())
		}
	}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back struct {
		Verdict  string
		Findings []struct {
			Name, Topic string
			Offset      int64
			Ops         []struct{ Line int }
		}
		FindingCounts map[string]int `json:"finding_counts"`
		Porcupine     struct{ Illegal int }
	}
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if back.Verdict != "violation" || len(back.Findings) != 2 || back.Findings[0].Name != OffsetGap ||
		back.Findings[1].Ops[0].Line != 11 || back.FindingCounts[StaleEnd] != 1 || back.Porcupine.Illegal != 1 {
		t.Errorf("got %s", data)
	}
	again, err := json.Marshal(broken(t).check(Options{}))
	if err != nil || !bytes.Equal(data, again) {
		t.Errorf("the same history gives another report: %v\n%s\n%s", err, data, again)
	}
}

func TestHTML(t *testing.T) {
	for name, row := range map[string]struct {
		s    *story
		want []string
	}{
		"bad": {broken(t), []string{
			"<html", "end of log is 5", "append 2 records at 0", "kill", "node 1", "stale-end", "findings",
			"t-0, process 3",
		}},
		"good":  {func() *story { s := tell(t, "fsync"); legal(s); return s }(), []string{"append 2 records at 0"}},
		"empty": {tell(t, "fsync"), []string{"no operations to draw"}},
	} {
		var page bytes.Buffer
		if err := row.s.check(Options{}).WriteHTML(&page); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, want := range row.want {
			if !strings.Contains(page.String(), want) {
				t.Errorf("%s: the page lacks %q", name, want)
			}
		}
	}
}

func TestFindingsAreBounded(t *testing.T) {
	s := tell(t, "fsync")
	legal(s)
	for i := range int64(50) {
		s.end(70+i, 71+i, 5)
	}
	r := s.check(Options{MaxFindings: 3})
	if r.FindingCounts[StaleEnd] != 50 || len(r.Findings) != 3 {
		t.Errorf("got %d counted and %d kept, expected 50 and 3", r.FindingCounts[StaleEnd], len(r.Findings))
	}
}

func TestBudget(t *testing.T) {
	s := tell(t, "fsync")
	legal(s)
	if r := s.check(Options{Budget: time.Nanosecond}); r.Verdict != Inconclusive || r.Porcupine.Undecided != 1 {
		t.Errorf("expected inconclusive, got\n%s", r.Text())
	}
}

// TestDisagreement tells each opinion what the other did not find.
func TestDisagreement(t *testing.T) {
	for name, row := range map[string]struct {
		found, shared, illegal, undecided, certain int
		harness                                    bool
	}{
		"both find nothing":           {},
		"both find something":         {found: 1, shared: 1, illegal: 1, certain: 1},
		"the sweep alone":             {found: 1, shared: 1, harness: true},
		"the sweep alone, of its own": {found: 1},
		"the sweep, and a timeout":    {found: 1, shared: 1, undecided: 1},
		"Porcupine alone":             {illegal: 1, certain: 1, harness: true},
		"an inversion alone":          {certain: 1, harness: true},
		"Porcupine alone, on a hole":  {illegal: 1},
	} {
		s := tell(t, "fsync")
		legal(s)
		j, err := newJudge(s.history(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		p := j.partitions()[0]
		v := &view{partition: p}
		p.found, j.shared[0] = row.found, row.shared
		v.compare(row.illegal, row.undecided, row.certain)
		j.report.Counts.AckedRecords = 1
		j.conclude()
		if got := j.report.Verdict == HarnessFailed; got != row.harness {
			t.Errorf("%s: got verdict %s", name, j.report.Verdict)
		}
	}
}

func TestSparseTopics(t *testing.T) {
	for name, row := range map[string]struct {
		change func(s *story)
		want   []string
	}{
		"compacted": {func(s *story) { s.header.Compacted = []string{"t"} }, nil},
		"markers":   {func(s *story) { s.header.Markers = []string{"t"} }, []string{LostAck}},
		"dense":     {func(*story) {}, []string{LostAck, OffsetGap}},
	} {
		s := tell(t, "fsync")
		s.append(1, 2, 0, "a")
		s.append(3, 4, 1, "b")
		s.append(5, 6, 2, "c")
		s.final("a - c")
		row.change(s)
		r := s.check(Options{})
		var got []string
		for _, name := range names {
			if r.FindingCounts[name] > 0 {
				got = append(got, name)
			}
		}
		if !slices.Equal(got, row.want) || (r.Porcupine.Skipped == 0) != (name == "dense") {
			t.Errorf("%s: got %v\n%s", name, got, r.Text())
		}
	}
}

// million is a history of a million operations: eight producers, two consumers, and a final read.
func million() *history.History {
	h := history.New(history.Header{Class: "fsync", Replication: 1})
	op := history.NewOp(history.Append)
	add := func() {
		if err := h.AddOp(op); err != nil {
			panic(err)
		}
	}
	const appends, fetched = 800000, 4
	for i := range int64(appends) {
		op.Reset(history.Append)
		op.Process, op.Topic, op.Start, op.End, op.Outcome, op.Offset = int32(i%8), "t", 10*i, 10*i+75, history.OK, i
		op.Values.AddUint(uint64(i))
		add()
		if i%fetched != fetched-1 {
			continue
		}
		op.Reset(history.Fetch)
		op.Process, op.Topic, op.Start, op.End, op.Outcome = int32(8+i%2), "t", 10*i+76, 10*i+90, history.OK
		op.Offset, op.HighWatermark, op.LogStart = i+1-fetched, i+1, 0
		for at := op.Offset; at <= i; at++ {
			op.AddRecord(at, fmt.Sprint(at))
		}
		add()
	}
	for at := int64(0); at < appends; at += 1000 {
		op.Reset(history.Fetch)
		op.Process, op.Topic, op.Start, op.End, op.Outcome = 10, "t", 1e9+10*at, 1e9+10*at+5, history.OK
		op.Offset, op.HighWatermark, op.LogStart, op.Final = at, appends, 0, true
		for i := range int64(1000) {
			op.AddRecord(at+i, fmt.Sprint(at+i))
		}
		add()
	}
	return h
}

func BenchmarkSweepMillion(b *testing.B) {
	h := million()
	b.ReportAllocs()
	for b.Loop() {
		j, err := newJudge(h, Options{})
		if err == nil {
			err = j.indexValues()
		}
		if err != nil {
			b.Fatal(err)
		}
		for _, p := range j.partitions() {
			p.sweep(func(*view) {})
		}
		if j.conclude(); j.report.Verdict != OK {
			b.Fatal(j.report.Text())
		}
	}
	b.ReportMetric(float64(len(h.Entries)), "operations")
}

func BenchmarkBothOpinionsMillion(b *testing.B) {
	h := million()
	b.ReportAllocs()
	for b.Loop() {
		r, err := Check(h, Options{})
		if err != nil || r.Verdict != OK {
			b.Fatal(err, r.Text())
		}
	}
}
