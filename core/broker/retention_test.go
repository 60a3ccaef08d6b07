package broker

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// retentionRun appends to a topic while retention is at work, with one reader that keeps up and one that comes late.
type retentionRun struct {
	*harness
	wrote []wroteRecord // by offset
	read  int64         // the next offset of the reader that keeps up
}

type wroteRecord struct {
	value string
	at    int64 // Unix milliseconds
}

// retentionInterval is how often segments are looked at in these tests.
const retentionInterval = 200 * time.Millisecond

func newRetentionRun(t *testing.T, configs ...string) *retentionRun {
	run := &retentionRun{harness: newHarness(t, kv("log.retention.check.interval.ms", "200"),
		kv("log.initial.task.delay.ms", "0"))}
	run.create("t", 1, append([]string{"internal.segment.bytes", "600"}, configs...)...)
	return run
}

// round appends a record, reads it, and lets 50 ms pass.
func (run *retentionRun) round() {
	run.Helper()
	value := fmt.Sprintf("%d %s", len(run.wrote), strings.Repeat("x", 100))
	at := run.now.Wall
	offset := run.mustProduce("t", 0, recipe{values: []string{value}, timestamps: []int64{at}})
	if int(offset) != len(run.wrote) {
		run.Fatalf("got offset %d, expected %d", offset, len(run.wrote))
	}
	run.wrote = append(run.wrote, wroteRecord{value: value, at: at})
	got := run.fetch("t", 0, run.read)
	want := fmt.Sprintf("%d=%s", offset, value)
	if records := recordsOf(got.RecordBatches); got.ErrorCode != 0 || !slices.Equal(records, []string{want}) {
		run.Fatalf("got error %d and %q, expected %s", got.ErrorCode, records, want)
	}
	run.read++
	run.advance(50 * time.Millisecond)
}

// check holds the log against what was written: it has all of it from its start on, and readers before that are told.
func (run *retentionRun) check() {
	run.Helper()
	start := int64(run.b.topics.partition("t", 0).log.Start())
	var want []string
	for i, w := range run.wrote[start:] {
		want = append(want, fmt.Sprintf("%d=%s", start+int64(i), w.value))
	}
	var got []string
	for at := start; at < int64(len(run.wrote)); at = start + int64(len(got)) {
		found := run.fetch("t", 0, at)
		records := recordsOf(found.RecordBatches)
		if found.ErrorCode != 0 || len(records) == 0 {
			run.Fatalf("offset %d: got error %d and %d records", at, found.ErrorCode, len(records))
		}
		got = append(got, records...) // every record is a batch of its own
	}
	if !slices.Equal(got, want) {
		run.Fatalf("from offset %d: got %d records, expected %d", start, len(got), len(want))
	}
	if start > 0 {
		late := run.fetch("t", 0, start-1)
		if late.ErrorCode != kerr.OffsetOutOfRange.Code {
			run.Errorf("before the start: got error %d, expected OFFSET_OUT_OF_RANGE", late.ErrorCode)
		}
	}
}

// alter sets configs of the topic, in pairs.
func (run *retentionRun) alter(pairs ...string) {
	run.Helper()
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, "t"
	for i := 0; i < len(pairs); i += 2 {
		c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		c.Name, c.Value = pairs[i], &pairs[i+1]
		r.Configs = append(r.Configs, c)
	}
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	req.Resources = append(req.Resources, r)
	if got := ask[*kmsg.IncrementalAlterConfigsResponse](run.harness, 1, req).Resources[0]; got.ErrorCode != 0 {
		run.Fatalf("alter %q: got error %d", pairs, got.ErrorCode)
	}
}

// Retention by size keeps the log within its bound and a segment, whoever writes and reads meanwhile.
func TestRetentionBySizeUnderLoad(t *testing.T) {
	const most, segment = 2000, 600
	run := newRetentionRun(t, "retention.bytes", fmt.Sprint(most))
	perInterval := int64(4 * 200) // what four rounds write at most
	for range 100 {
		run.round()
		if size := run.b.topics.partition("t", 0).log.Size(); size > most+segment+perInterval {
			t.Fatalf("got %d bytes after %d records", size, len(run.wrote))
		}
	}
	run.check()
	if start := run.b.topics.partition("t", 0).log.Start(); start < 50 {
		t.Errorf("got start %d, expected the first half to be gone", start)
	}
	run.kill()
	run.check()
}

// A change of retention.ms acts at the next round of retention, in both directions, and on records written before it.
func TestRetentionMsChangesOnline(t *testing.T) {
	run := newRetentionRun(t)
	log := run.b.topics.partition("t", 0).log
	for range 60 {
		run.round()
	}
	if log.Start() != 0 {
		t.Fatalf("got start %d under retention of a week", log.Start())
	}
	for _, ms := range []int64{1000, 500} {
		run.alter("retention.ms", fmt.Sprint(ms))
		run.advance(retentionInterval)
		for range 40 {
			run.round()
			// Whole segments go, the newest record of which is too old; a segment holds three records.
			oldest := run.wrote[log.Start()].at
			if age := run.now.Wall - oldest; age > ms+retentionInterval.Milliseconds()+3*50+50 {
				t.Fatalf("retention.ms=%d: the oldest record is %d ms old", ms, age)
			}
			if start := log.Start(); start > 0 && run.now.Wall-run.wrote[start-1].at <= ms {
				t.Fatalf("retention.ms=%d: record %d is gone after %d ms", ms, start-1,
					run.now.Wall-run.wrote[start-1].at)
			}
		}
		run.check()
	}
	run.alter("retention.ms", "-1")
	start := log.Start()
	for range 60 {
		run.round()
	}
	if log.Start() != start {
		t.Errorf("got start %d under no retention, expected %d", log.Start(), start)
	}
	run.check()
}

// What was deleted keeps its files for file.delete.delay.ms, under another name, be it segments or a topic.
func TestFileDeleteDelayIsKept(t *testing.T) {
	run := newRetentionRun(t, "retention.bytes", "600", "file.delete.delay.ms", "3000")
	dir := path.Join("data", "t-0")
	files := func(dir, suffix string) (found []string) {
		entries, err := run.mem.List(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Name, suffix) {
				found = append(found, e.Name)
			}
		}
		return found
	}
	for len(files(dir, ".log.deleted")) == 0 {
		run.round()
	}
	first := files(dir, ".log.deleted")[0]
	began := run.now.Mono
	for slices.Contains(files(dir, ".log.deleted"), first) {
		run.round()
	}
	// The round of retention may have come up to 50 ms before it was noticed.
	if kept := run.now.Mono.Sub(began); kept < 2900*time.Millisecond || kept > 3100*time.Millisecond {
		t.Errorf("a deleted segment was kept for %v, expected 3 s", kept)
	}
	run.drop("t")
	began = run.now.Mono
	if got := files("data", "-delete"); len(got) != 1 || !strings.HasPrefix(got[0], "t-0.") {
		t.Fatalf("got %q, expected the topic's directory", got)
	}
	run.advance(2999 * time.Millisecond)
	if got := files("data", "-delete"); len(got) != 1 {
		t.Errorf("got %q after %v, expected it still there", got, run.now.Mono.Sub(began))
	}
	run.advance(2 * time.Millisecond)
	if got := files("data", "-delete"); len(got) != 0 {
		t.Errorf("got %q after %v", got, run.now.Mono.Sub(began))
	}
}
