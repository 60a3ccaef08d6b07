package ledger

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// story is a run of random events that a ledger and its twin are told of.
type story struct {
	rand   *rand.Rand
	ledger *Ledger
	twin   *twin
	// wild is one in how many events is a wrong one, 0 for none.
	wild    int
	clock   int
	end     int64
	holds   []both
	commits []bothCommits
	// stored is what the imagined coordinator has.
	stored     int64
	generation int32
}

// both is a holding in either.
type both struct {
	h *Holding
	w *twinHold
}

type bothCommits struct {
	c *Commit
	w *twinCommit
}

func newStory(seed uint64) *story {
	r := rand.New(rand.NewPCG(seed, 2))
	return &story{rand: r, ledger: New(), twin: newTwin(), wild: []int{0, 30, 6}[seed%3], stored: None}
}

// odd says whether what comes next is to be wrong.
func (s *story) odd() bool { return s.wild > 0 && s.rand.IntN(s.wild) == 0 }

// step tells both of one event.
func (s *story) step() {
	s.clock += 1 + s.rand.IntN(700)
	switch s.rand.IntN(8) {
	case 0, 1:
		for range 1 + s.rand.IntN(5) {
			s.ledger.Appended(tp, s.end, "p", at(s.clock))
			s.twin.acked[s.end] = true
			s.end++
		}
	case 2:
		s.assign()
	case 3, 4, 5:
		s.see()
	case 6:
		s.commit()
	case 7:
		s.answer()
	}
}

// assign takes the partition from its holder, at times, and gives it to another.
func (s *story) assign() {
	if n := len(s.holds); n > 0 && s.rand.IntN(4) > 0 {
		s.gone(s.holds[n-1])
	}
	if s.generation++; s.odd() {
		s.generation--
	}
	b := both{s.ledger.Assigned("g", fmt.Sprint("m", len(s.holds)), s.generation, tp, at(s.clock)),
		s.twin.assigned(s.generation)}
	s.holds = append(s.holds, b)
	began := s.stored
	if s.odd() {
		began = s.rand.Int64N(s.end+2) - 1
	}
	if s.rand.IntN(20) > 0 {
		s.ledger.Began(b.h, began, at(s.clock))
		s.twin.began(b.w, began)
	}
}

func (s *story) gone(b both) {
	how := []string{"left", "killed"}[s.rand.IntN(2)]
	s.ledger.Gone(b.h, how, at(s.clock))
	if !b.w.gone {
		b.w.gone, b.w.how = true, how
	}
}

// pick returns the last holding, or at times another.
func (s *story) pick() (both, bool) {
	if len(s.holds) == 0 {
		return both{}, false
	}
	b := s.holds[len(s.holds)-1]
	if s.odd() {
		b = s.holds[s.rand.IntN(len(s.holds))]
	}
	return b, s.odd() || !b.w.gone
}

// see lets a holder see what comes next.
func (s *story) see() {
	b, ok := s.pick()
	if !ok {
		return
	}
	first := max(b.w.began, 0)
	if b.w.any {
		first = b.w.next
	}
	logStart := s.rand.Int64N(3)
	if s.odd() {
		first = max(first+s.rand.Int64N(7)-3, 0)
	}
	next := min(first+1+s.rand.Int64N(5), s.end)
	if s.odd() {
		next += 2
	}
	if next > first {
		s.ledger.Saw(b.h, first, next, logStart, at(s.clock))
		s.twin.sees(b.w, first, next, logStart)
	}
}

func (s *story) commit() {
	b, ok := s.pick()
	if !ok || !b.w.any {
		return
	}
	w := &twinCommit{offset: b.w.next, best: s.twin.best(), newest: s.twin.newest()}
	s.twin.commits = append(s.twin.commits, w)
	s.commits = append(s.commits, bothCommits{s.ledger.Committing(b.h, b.w.next, at(s.clock)), w})
	if s.rand.IntN(4) > 0 && !s.odd() {
		s.stored = max(s.stored, b.w.next)
		s.answer()
	}
}

// answer answers the last commit.
func (s *story) answer() {
	n := len(s.commits)
	if n == 0 {
		return
	}
	c := s.commits[n-1]
	s.commits = s.commits[:n-1]
	if c.w.offset > s.stored && !s.odd() {
		s.ledger.Refused(c.c, at(s.clock))
		return
	}
	generation := c.w.newest
	if s.odd() {
		generation -= s.rand.Int32N(2)
	}
	s.ledger.Committed(c.c, generation, at(s.clock))
	c.w.good = true
	if generation >= 0 && generation < c.w.newest {
		s.twin.failures["stale-commit"]++
	}
	if c.w.offset < c.w.best {
		s.twin.failures["commit-went-back"]++
	}
}

// TestSpansAgainstASet compares spans with a set of numbers.
func TestSpansAgainstASet(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		var s spans
		set := make(map[int64]bool)
		for range 30 {
			first := r.Int64N(60)
			add := span{first, first + 1 + r.Int64N(8)}
			var again, want []int64
			s.add(add, func(part span) {
				for offset := part.first; offset < part.next; offset++ {
					again = append(again, offset)
				}
			})
			for offset := add.first; offset < add.next; offset++ {
				if set[offset] {
					want = append(want, offset)
				}
				set[offset] = true
			}
			if !slices.Equal(again, want) {
				t.Fatalf("add %v: got %v there before, expected %v", add, again, want)
			}
		}
		for i := 1; i < len(s); i++ {
			if s[i].first <= s[i-1].next {
				t.Fatalf("got %v, expected gaps", s)
			}
		}
		missing := make(map[int64]bool)
		for _, gap := range s.missing(span{5, 70}) {
			for offset := gap.first; offset < gap.next; offset++ {
				missing[offset] = true
			}
		}
		for offset := int64(5); offset < 70; offset++ {
			if missing[offset] == set[offset] {
				t.Fatalf("offset %d: got missing %v, expected %v", offset, missing[offset], !set[offset])
			}
		}
		if s.size() != int64(len(set)) {
			t.Fatalf("got %d, expected %d", s.size(), len(set))
		}
	}
}
