package ledger

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/gregor-log/gregor/base"
)

// twin does what a Ledger does for one group and one partition, a record at a time, without intervals, and remembers
// everything that it was told.
type twin struct {
	acked    map[int64]bool
	saw      map[int64][]*twinHold
	holds    []*twinHold
	commits  []*twinCommit
	failures map[string]int
	again    int64
	reasons  map[string]int64
	seen     int64
}

type twinHold struct {
	generation         int32
	floor, began, next int64
	told, any, gone    bool
	how                string
}

type twinCommit struct {
	offset, best int64
	newest       int32
	good         bool
}

func newTwin() *twin {
	return &twin{
		acked: make(map[int64]bool), saw: make(map[int64][]*twinHold), failures: make(map[string]int),
		reasons: make(map[string]int64),
	}
}

// best returns the highest offset that is known to be committed.
func (w *twin) best() int64 {
	best := None
	for _, c := range w.commits {
		if c.good {
			best = max(best, c.offset)
		}
	}
	return best
}

func (w *twin) newest() int32 {
	newest := int32(-1)
	for _, h := range w.holds {
		newest = max(newest, h.generation)
	}
	return newest
}

func (w *twin) assigned(generation int32) *twinHold {
	for _, h := range w.holds {
		if !h.gone && h.generation == generation {
			w.failures["owned-twice"]++
		}
	}
	h := &twinHold{generation: generation, floor: w.best()}
	w.holds = append(w.holds, h)
	return h
}

func (w *twin) began(h *twinHold, offset int64) {
	h.told, h.began = true, offset
	known := offset == None
	for i := len(w.commits) - 1; i >= 0 && !known && offset >= h.floor; i-- {
		if w.commits[i].offset == offset {
			w.commits[i].good, known = true, true
		}
	}
	switch {
	case offset < h.floor:
		w.failures["lost-commit"]++
	case !known:
		w.failures["garbage-offset"]++
	}
}

func (w *twin) sees(h *twinHold, first, next, logStart int64) {
	if h.gone {
		w.failures["not-held"]++
	}
	expected := first
	if h.any {
		expected = h.next
	} else if h.told {
		expected = max(h.began, 0)
	}
	hole := false
	for offset := expected; offset < first; offset++ {
		hole = hole || offset >= logStart
	}
	if hole {
		w.failures["skipped-record"]++
	}
	if h.any && first < expected {
		w.failures["record-again"]++
	}
	if first < h.floor {
		w.failures["below-the-commit"]++
	}
	for offset := first; offset < next; offset++ {
		w.seen++
		if len(w.saw[offset]) > 0 {
			w.again++
			w.reasons[w.reason(h, offset)]++
		}
		w.saw[offset] = append(w.saw[offset], h)
	}
	h.any, h.next = true, next
}

// reason returns how the holding ended that was given the partition last, of those that saw an offset before.
func (w *twin) reason(h *twinHold, offset int64) string {
	for _, other := range slices.Backward(w.holds) {
		switch {
		case other == h || !slices.Contains(w.saw[offset], other):
		case other.gone:
			return other.how
		default:
			return "still held by another"
		}
	}
	return "seen by the same holder"
}

func (w *twin) judge(start, end int64) (passed int64) {
	lost, last := false, int64(-1)
	for offset := start; offset < end; offset++ {
		missing := len(w.saw[offset]) == 0
		if missing && !lost {
			w.failures["lost-record"]++
		}
		lost = missing
	}
	for offset := range w.saw {
		last = max(last, offset)
	}
	if last >= end {
		w.failures["phantom-record"]++
	}
	for offset := range start {
		if len(w.saw[offset]) == 0 {
			passed++
		}
	}
	last = -1
	for offset := range w.acked {
		last = max(last, offset)
	}
	if last >= end {
		w.failures["lost-append"]++
	}
	return passed
}

// TestTwin gives both the same events, sensible ones and others, and demands the same failures and counts.
func TestTwin(t *testing.T) {
	kinds := make(map[string]int)
	for seed := range uint64(3000) {
		kinds = addUp(kinds, compare(t, seed))
	}
	for _, name := range []string{
		"lost-commit", "garbage-offset", "commit-went-back", "skipped-record", "record-again", "below-the-commit",
		"stale-commit", "owned-twice", "not-held", "lost-record", "lost-append", "phantom-record", "none",
	} {
		if kinds[name] < 20 {
			t.Errorf("%s happened %d times in all runs, expected more: got %v", name, kinds[name], kinds)
		}
	}
}

func addUp(sum, more map[string]int) map[string]int {
	if len(more) == 0 {
		more = map[string]int{"none": 1}
	}
	for name, n := range more {
		sum[name] += n
	}
	return sum
}

// compare runs one seed and returns the failures.
func compare(t *testing.T, seed uint64) map[string]int {
	t.Helper()
	s := newStory(seed)
	for range 10 + s.rand.IntN(60) {
		s.step()
	}
	start := s.rand.Int64N(4)
	end := max(s.end+s.rand.Int64N(2)*s.rand.Int64N(3)-s.rand.Int64N(2)*s.rand.Int64N(2), start)
	passed := s.twin.judge(start, end)
	s.ledger.Judge("g", tp, start, end)
	s.ledger.JudgeLog(tp, end)
	found, n := s.ledger.Failures()
	got := make(map[string]int)
	for _, f := range found {
		got[f.Name]++
	}
	want := s.twin.failures
	if n <= mostFailures && !maps.Equal(got, want) {
		t.Fatalf("seed %d: got %v, expected %v\n%v", seed, got, want, found)
	}
	c := s.ledger.Counts("g")
	distinct := int64(len(s.twin.saw))
	if c.Again != s.twin.again || c.Sightings != s.twin.seen || c.Distinct != distinct || c.Passed != passed ||
		!maps.Equal(c.Reasons, s.twin.reasons) {
		t.Fatalf("seed %d: got %+v, expected %d seen, %d again %v, %d different, %d passed", seed, c, s.twin.seen,
			s.twin.again, s.twin.reasons, distinct, passed)
	}
	if best := s.ledger.Position("g", tp); best != s.twin.best() {
		t.Fatalf("seed %d: got position %d, expected %d", seed, best, s.twin.best())
	}
	return want
}

var tp = base.TopicPartition{Topic: "t", Partition: 1}

func at(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// TestStoryNamesWho: a failure says who saw and committed what, and when.
func TestStoryNamesWho(t *testing.T) {
	l := New()
	for offset := range int64(4) {
		l.Appended(tp, offset, "producer 7", at(int(offset)))
	}
	a := l.Assigned("g", "ann", 3, tp, at(10))
	l.Began(a, None, at(11))
	l.Saw(a, 0, 2, 0, at(12))
	c := l.Committing(a, 2, at(13))
	l.Committed(c, 3, at(14))
	l.Gone(a, "killed", at(15))
	b := l.Assigned("g", "bob", 4, tp, at(20))
	l.Began(b, 2, at(21))
	l.Saw(b, 3, 4, 0, at(22))
	l.Judge("g", tp, 0, 4)
	found, n := l.Failures()
	if n != 2 || found[0].Name != "skipped-record" || found[1].Name != "lost-record" {
		t.Fatalf("got %v, expected a skipped and a lost record", found)
	}
	const want = `lost-record: group g, t-1, offset 2: offset 2 never seen, of a log from 0 to 3; 1 was acknowledged
  offset 2: produced by producer 7, acknowledged by 0.003 s
  ann, generation 3, held it from 0.010 s to 0.015 s (killed); was told that nothing is committed; ` +
		`saw offsets 0 to 1 from 0.012 s to 0.012 s
  bob, generation 4, held it from 0.020 s and still does; was told that 2 is committed; ` +
		`saw offset 3 from 0.022 s to 0.022 s
  ann commits 2 at 0.013 s: acknowledged at 0.014 s, generation 3
`
	if got := fmt.Sprint(found[1]); got != want {
		t.Errorf("got:\n%s\nexpected:\n%s", got, want)
	}
}
