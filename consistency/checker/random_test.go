package checker

import (
	"math/rand/v2"
	"testing"

	"github.com/gregor-log/gregor/consistency/model"
)

var testClasses = []string{"fsync", "page-cache", "memory"}

// TestRandomLegalHistories checks that no legal history is rejected, and that the opinions agree on it.
func TestRandomLegalHistories(t *testing.T) {
	verdicts := make(map[Verdict]int)
	for seed := range uint64(600) {
		class := testClasses[seed%3]
		s := draw(t, seed, class, int(seed/3%4))
		r := s.check(Options{Window: model.Limits{Ops: 5 + int(seed%40)}})
		verdicts[r.Verdict]++
		// A hole that a loss left may have more candidates than Porcupine is asked to try.
		if r.Verdict != OK && !(r.Verdict == Inconclusive && r.Porcupine.Undecided > 0 && r.Counts.Unseen == 0) {
			t.Fatalf("seed %d, %s:\n%s", seed, class, r.Text())
		}
	}
	if verdicts[OK] < 500 {
		t.Errorf("got %v, expected at least 500 ok", verdicts)
	}
}

// TestRandomMutations breaks legal histories in ways that are certainly illegal.
func TestRandomMutations(t *testing.T) {
	applied := make(map[string]int)
	for seed := range uint64(200) {
		class := testClasses[seed%3]
		for _, m := range mutations {
			s := draw(t, seed, class, int(seed/3%3))
			cuts, _ := mustContract(t, class).cuts(s.history().Events)
			b := &breaker{story: s, rng: rand.New(rand.NewPCG(seed, 2)), cuts: cuts}
			if !m.apply(b) {
				continue
			}
			applied[m.label]++
			r := s.check(Options{Window: model.Limits{Ops: 5 + int(seed%40)}})
			found := false
			for _, name := range m.names {
				found = found || r.FindingCounts[name] > 0
			}
			if r.Verdict != Violation || !found {
				t.Fatalf("seed %d, %s, %s: expected a violation of %v, got\n%s", seed, class, m.label, m.names,
					r.Text())
			}
		}
	}
	for _, m := range mutations {
		if applied[m.label] < 50 {
			t.Errorf("%s was applied to %d histories only", m.label, applied[m.label])
		}
	}
}

func mustContract(t *testing.T, class string) *Contract {
	contract, err := ContractOf(class, 1)
	if err != nil {
		t.Fatal(err)
	}
	return &contract
}
