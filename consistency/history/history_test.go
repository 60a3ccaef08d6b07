package history

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/gregor-log/gregor/base"
)

// golden is a small history in the form that the package comment shows.
const golden = `{"v":1,"kind":"header","source":"sim","seed":18446744073709551615,"class":"fsync","nodes":[1,2],` +
	`"replication":2,"min_insync":1,"trims":true,"resends":true,"markers":["tx"],"build":"gregor \"dev\""}
{"kind":"op","process":3,"node":1,"op":"append","topic":"t","partition":0,"start_ns":10,"end_ns":25,` +
	`"outcome":"ok","acks":-1,"producer_id":9,"producer_epoch":0,"sequence":4,"base":40,"values":["a","b\u0001"]}
{"kind":"op","process":4,"node":-1,"op":"append","topic":"t","partition":0,"start_ns":10,"end_ns":25,` +
	`"outcome":"unknown","error":"REQUEST_TIMED_OUT","acks":1,"values":["é"]}
{"kind":"op","process":4,"node":1,"op":"fetch","topic":"t","partition":1,"start_ns":20,"end_ns":31,` +
	`"outcome":"ok","final":true,"from":40,"high_watermark":45,"log_start":0,"records":[[40,"a","c"],[44,"d"]]}
{"kind":"event","event":"power_loss","node":1,"time_ns":50,"detail":"3 sectors"}
{"kind":"op","process":5,"node":1,"op":"end","topic":"t","partition":0,"start_ns":40,"end_ns":44,` +
	`"outcome":"ok","offset":42}
{"kind":"op","process":6,"node":1,"op":"commit","group":"g","topic":"t","partition":0,"start_ns":50,"end_ns":52,` +
	`"outcome":"ok","offset":42,"values":["6.1"]}
{"kind":"op","process":6,"node":-1,"op":"commit","group":"g","topic":"t","partition":1,"start_ns":53,"end_ns":54,` +
	`"outcome":"unknown"}
{"kind":"op","process":7,"node":1,"op":"committed","group":"h","topic":"t","partition":0,"start_ns":60,` +
	`"end_ns":61,"outcome":"ok","final":true,"offset":42,"values":["6.1"]}
`

// goldenOps are the operations of golden.
func goldenOps() []*Op {
	acked := NewOp(Append)
	acked.Process, acked.Node, acked.Topic, acked.Start, acked.End = 3, 1, "t", 10, 25
	acked.Outcome, acked.Offset, acked.ProducerID, acked.ProducerEpoch, acked.Sequence = OK, 40, 9, 0, 4
	acked.Values.AddString("a")
	acked.Values.AddString("b\x01")
	lost := NewOp(Append)
	lost.Process, lost.Topic, lost.Start, lost.End, lost.Outcome = 4, "t", 10, 25, Unknown
	lost.Acks, lost.Error = 1, "REQUEST_TIMED_OUT"
	lost.Values.AddString("é")
	fetch := NewOp(Fetch)
	fetch.Process, fetch.Node, fetch.Topic, fetch.Partition, fetch.Start, fetch.End = 4, 1, "t", 1, 20, 31
	fetch.Outcome, fetch.Final, fetch.Offset, fetch.HighWatermark, fetch.LogStart = OK, true, 40, 45, 0
	fetch.AddRecord(40, "a")
	fetch.AddRecord(41, "c")
	fetch.AddRecord(44, "d")
	end := NewOp(End)
	end.Process, end.Node, end.Topic, end.Start, end.End, end.Outcome, end.Offset = 5, 1, "t", 40, 44, OK, 42
	return append([]*Op{acked, lost, fetch, end}, goldenCommits()...)
}

// goldenCommits are those of groups.
func goldenCommits() []*Op {
	commit := NewOp(Commit)
	commit.Process, commit.Node, commit.Group, commit.Topic, commit.Start, commit.End = 6, 1, "g", "t", 50, 52
	commit.Outcome, commit.Offset = OK, 42
	commit.Values.AddString("6.1")
	deletion := NewOp(Commit)
	deletion.Process, deletion.Group, deletion.Topic, deletion.Partition = 6, "g", "t", 1
	deletion.Start, deletion.End, deletion.Outcome = 53, 54, Unknown
	told := NewOp(Committed)
	told.Process, told.Node, told.Group, told.Topic, told.Start, told.End = 7, 1, "h", "t", 60, 61
	told.Outcome, told.Final, told.Offset = OK, true, 42
	told.Values.AddString("6.1")
	return []*Op{commit, deletion, told}
}

func TestWriterGolden(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out, Header{
		Source: "sim", Seed: 1<<64 - 1, Class: "fsync", Nodes: []base.NodeID{1, 2}, Replication: 2, Trims: true,
		Resends: true, Markers: []string{"tx"}, Build: `gregor "dev"`,
	})
	for i, op := range goldenOps() {
		if i == 3 {
			if err := w.Event(Event{Time: 50, Node: 1, Name: EventPowerLoss, Detail: "3 sectors"}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Op(op); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if out.String() != golden {
		t.Errorf("got\n%s\nexpected\n%s", out.String(), golden)
	}
}

// fingerprint prints everything of an operation, independent of its buffers.
func fingerprint(op *Op) string {
	values := make([]string, op.Values.Len())
	for i := range values {
		values[i] = string(op.Values.At(i))
	}
	return fmt.Sprintf("%d %d %s %s %v %s-%d [%d,%d] acks=%d %d/%d/%d at=%d hw=%d start=%d %q %q %v", op.Process,
		op.Node, op.Kind, op.Outcome, op.Final, op.Topic, op.Partition, op.Start, op.End, op.Acks, op.ProducerID,
		op.ProducerEpoch, op.Sequence, op.Offset, op.HighWatermark, op.LogStart, op.Error, values, op.Offsets)
}

func TestReaderGolden(t *testing.T) {
	r, err := NewReader(strings.NewReader(golden), 0)
	if err != nil {
		t.Fatal(err)
	}
	want := Header{
		Source: "sim", Seed: 1<<64 - 1, Class: "fsync", Nodes: []base.NodeID{1, 2}, Replication: 2, MinInsync: 1,
		Trims: true, Resends: true, Markers: []string{"tx"}, Build: `gregor "dev"`,
	}
	if got := r.Header(); !reflect.DeepEqual(got, want) {
		t.Errorf("header: got %+v, expected %+v", got, want)
	}
	ops := goldenOps()
	for number := 2; ; number++ {
		line, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || line.Number != number {
			t.Fatalf("line %d: got number %d, error %v", number, line.Number, err)
		}
		if line.Op == nil {
			if want := (Event{Time: 50, Node: 1, Name: EventPowerLoss, Detail: "3 sectors"}); line.Event != want {
				t.Errorf("event: got %+v, expected %+v", line.Event, want)
			}
			continue
		}
		if got, want := fingerprint(line.Op), fingerprint(ops[0]); got != want {
			t.Errorf("line %d: got\n%s\nexpected\n%s", number, got, want)
		}
		ops = ops[1:]
	}
	if len(ops) != 0 {
		t.Errorf("%d operations were not read", len(ops))
	}
}

// randomOp draws a valid operation.
func randomOp(rng *rand.Rand, op *Op) {
	op.Reset(Kind(1 + rng.IntN(3)))
	op.Process, op.Node = rng.Int32N(9), base.NodeID(rng.Int32N(4)-1)
	op.Topic, op.Partition = []string{"a", "topic.with-all_kinds", "ü\"\\\n"}[rng.IntN(3)], rng.Int32N(3)
	op.Start = rng.Int64N(1 << 40)
	op.End = op.Start + rng.Int64N(1<<20)
	op.Outcome, op.Final = Outcome(1+rng.IntN(3)), rng.IntN(2) == 0
	word := func() string {
		return strings.Repeat(string(rune([]int{'x', 0x1f, '"', 0x7ff, 0x10ffff, '/'}[rng.IntN(6)])), 1+rng.IntN(16))
	}
	switch op.Kind {
	case Append:
		if op.Outcome == OK {
			op.Offset = rng.Int64N(MaxOffset)
		}
		op.Acks = int16(rng.IntN(3) - 1)
		if rng.IntN(2) == 0 {
			op.ProducerID, op.ProducerEpoch = base.ProducerID(rng.Int64()), base.ProducerEpoch(rng.IntN(9))
			op.Sequence = rng.Int32()
		}
		for range 1 + rng.IntN(4) {
			op.Values.AddString(word())
		}
	case Fetch:
		op.Offset = rng.Int64N(1 << 30)
		if op.Outcome != OK {
			return
		}
		op.HighWatermark, op.LogStart = rng.Int64N(1<<30)-1, rng.Int64N(1<<30)-1
		for at, i := op.Offset, rng.IntN(6); i > 0; i-- {
			at += int64(rng.IntN(3))
			op.AddRecord(at, word())
			at++
		}
	case End:
		if op.Outcome == OK {
			op.Offset = rng.Int64N(1 << 30)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var file bytes.Buffer
	w, op := NewWriter(&file, Header{}), NewOp(Append)
	var want []string
	for range 3000 {
		randomOp(rng, op)
		if err := w.Op(op); err != nil {
			t.Fatal(err)
		}
		want = append(want, fingerprint(op))
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(bytes.NewReader(file.Bytes()), 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, expected := range want {
		line, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if got := fingerprint(line.Op); got != expected {
			t.Fatalf("operation %d: got\n%s\nexpected\n%s", i, got, expected)
		}
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last: got %v, expected EOF", err)
	}
}

func TestLoad(t *testing.T) {
	h, err := Load(strings.NewReader(golden), 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Entries) != 7 || len(h.Events) != 1 || len(h.Partitions) != 2 || h.Identities.Len() != 6 ||
		!reflect.DeepEqual(h.Groups, []string{"g", "h"}) || h.Entries[6].Group != 1 {
		t.Fatalf("got %d entries, %d events, %d partitions, %d values", len(h.Entries), len(h.Events),
			len(h.Partitions), h.Identities.Len())
	}
	fetch := &h.Entries[2]
	var got []string
	for _, run := range h.RunsOf(fetch) {
		for i, id := range h.ValuesOf(run) {
			got = append(got, fmt.Sprintf("%d=%s", run.Base+int64(i), h.Identities.Text(id)))
		}
	}
	if want := []string{"40=a", "41=c", "44=d"}; !reflect.DeepEqual(got, want) {
		t.Errorf("records: got %v, expected %v", got, want)
	}
	if fetch.Line != 4 || h.Entries[0].Line != 2 || h.RunsOf(&h.Entries[0])[0].Last() != 41 {
		t.Errorf("got lines %d and %d, last %d, expected 4, 2 and 41", fetch.Line, h.Entries[0].Line,
			h.RunsOf(&h.Entries[0])[0].Last())
	}
	if runs := h.RunsOf(&h.Entries[4]); len(runs) != 1 || string(h.Identities.Text(h.ValuesOf(runs[0])[0])) != "6.1" {
		t.Errorf("commit: got %+v", runs)
	}
	built := New(h.Header)
	for _, op := range goldenOps() {
		if err := built.AddOp(op); err != nil {
			t.Fatal(err)
		}
	}
	for i := range built.Entries {
		built.Entries[i].Line = h.Entries[i].Line
	}
	same := reflect.DeepEqual(built.Entries, h.Entries) && reflect.DeepEqual(built.Runs, h.Runs) &&
		reflect.DeepEqual(built.Values, h.Values)
	if !same {
		t.Errorf("built: got %+v %+v, loaded %+v %+v", built.Entries, built.Runs, h.Entries, h.Runs)
	}
}

func TestEventsInTimeOrder(t *testing.T) {
	h := New(Header{})
	for _, at := range []int64{30, 10, 20, 10} {
		if err := h.AddEvent(Event{Time: at, Name: EventFault, Node: base.NodeID(len(h.Events))}); err != nil {
			t.Fatal(err)
		}
	}
	var got []base.NodeID
	for _, e := range h.Events {
		got = append(got, e.Node)
	}
	if want := []base.NodeID{1, 3, 2, 0}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, expected %v", got, want)
	}
}

func TestInternerAgainstMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	var n Interner
	twin := make(map[string]uint32)
	for range 50000 {
		s := fmt.Sprint(rng.IntN(20000))
		want, known := twin[s]
		if !known {
			want = uint32(len(twin))
			twin[s] = want
		}
		got, err := n.ID([]byte(s))
		if err != nil || got != want || string(n.Text(got)) != s {
			t.Fatalf("%q: got %d %q %v, expected %d", s, got, n.Text(got), err, want)
		}
	}
	if n.Len() != len(twin) {
		t.Errorf("got %d strings, expected %d", n.Len(), len(twin))
	}
}

func TestWriterRefuses(t *testing.T) {
	for name, change := range map[string]func(op *Op){
		"no values":       func(op *Op) { op.Values.Reset() },
		"empty value":     func(op *Op) { op.Values.AddString("") },
		"long value":      func(op *Op) { op.Values.AddString(strings.Repeat("x", MaxValueLen+1)) },
		"not UTF-8":       func(op *Op) { op.Values.AddString("\xff") },
		"no topic":        func(op *Op) { op.Topic = "" },
		"no outcome":      func(op *Op) { op.Outcome = 0 },
		"backwards":       func(op *Op) { op.Start, op.End = 2, 1 },
		"far offset":      func(op *Op) { op.Offset = MaxOffset + 1 },
		"base of failure": func(op *Op) { op.Outcome = Fail },
		"offsets":         func(op *Op) { op.Offsets = []int64{1} },
		"process":         func(op *Op) { op.Process = -1 },
		"end with values": func(op *Op) { op.Kind = End },
		"not ascending":   func(op *Op) { op.Kind, op.Offsets = Fetch, []int64{5, 5} },
		"a group":         func(op *Op) { op.Group = "g" },
		"no group":        func(op *Op) { *op = *goldenOps()[4]; op.Group = "" },
		"long group":      func(op *Op) { *op = *goldenOps()[4]; op.Group = strings.Repeat("g", MaxGroupLen+1) },
		"two values":      func(op *Op) { *op = *goldenOps()[4]; op.Values.AddString("6.2") },
		"value of none":   func(op *Op) { *op = *goldenOps()[4]; op.Offset = -1 },
		"told of failure": func(op *Op) { *op = *goldenOps()[6]; op.Outcome = Unknown },
		"record of group": func(op *Op) { *op = *goldenOps()[6]; op.Offsets = []int64{1} },
	} {
		op := goldenOps()[0]
		change(op)
		var out bytes.Buffer
		w := NewWriter(&out, Header{})
		if err := w.Op(op); !errors.Is(err, ErrBadOp) {
			t.Errorf("%s: got %v, expected ErrBadOp", name, err)
		}
		if err := w.Flush(); err != nil || strings.Count(out.String(), "\n") != 1 {
			t.Errorf("%s: got %q, %v, expected the header alone", name, out.String(), err)
		}
	}
}

// brokenWriter fails from the first byte on.
type brokenWriter struct{}

var errBroken = errors.New("broken")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestWriterErrorSticks(t *testing.T) {
	w := NewWriter(brokenWriter{}, Header{})
	if err := w.Flush(); !errors.Is(err, errBroken) {
		t.Fatalf("got %v", err)
	}
	if err := w.Op(goldenOps()[0]); !errors.Is(err, errBroken) {
		t.Errorf("got %v, expected the first error again", err)
	}
}
