package checker

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/gregor-log/gregor/consistency/history"
	"github.com/gregor-log/gregor/consistency/model"
)

// garble changes an operation in a way that may be legal or not. It keeps to what the format allows.
func garble(rng *rand.Rand, s *story) {
	op := s.ops[rng.IntN(len(s.ops))]
	near := func() int64 { return rng.Int64N(7) - 3 }
	switch rng.IntN(9) {
	case 0:
		if op.Offset >= 0 {
			op.Offset = max(0, op.Offset+near())
		}
	case 1:
		op.HighWatermark = max(-1, op.HighWatermark+near())
	case 2:
		shift := min(rng.Int64N(100), op.Start) // earlier
		op.Start, op.End = op.Start-shift, op.End-shift
	case 3:
		shift := rng.Int64N(100) // later
		op.Start, op.End = op.Start+shift, op.End+shift
	case 4:
		op.End = op.Start + (op.End-op.Start)/2
	case 5:
		if op.Kind == history.Append {
			op.Outcome, op.Offset = history.Outcome(2+rng.IntN(2)), -1
		}
	case 6:
		op.Final = !op.Final
	case 7:
		other := s.ops[rng.IntN(len(s.ops))]
		if op.Kind == history.Fetch && other.Values.Len() > 0 && op.Values.Len() > 0 {
			at, value := rng.IntN(op.Values.Len()), string(other.Values.At(0))
			edit(op, func(i int, _ int64, old string) (string, bool) {
				if i == at {
					return value, true
				}
				return old, true
			})
		}
	case 8:
		at := rng.IntN(1 + op.Values.Len())
		if op.Kind == history.Fetch {
			edit(op, func(i int, _ int64, old string) (string, bool) { return old, i != at })
		}
	}
}

// TestOpinionsAgreeOnAnything garbles histories without knowing whether they stay legal: whatever they become, the two
// opinions may not contradict each other, and the file says the same as the memory.
func TestOpinionsAgreeOnAnything(t *testing.T) {
	verdicts := make(map[Verdict]int)
	for seed := range uint64(1500) {
		rng := rand.New(rand.NewPCG(seed, 3))
		s := draw(t, 5000+seed, testClasses[seed%3], int(seed/3%3))
		s.header.Preexisting = seed%7 == 0
		for range 1 + rng.IntN(5) {
			garble(rng, s)
		}
		options := Options{Window: model.Limits{Ops: 3 + int(seed%50)}}
		r := s.check(options)
		verdicts[r.Verdict]++
		if r.Verdict == HarnessFailed {
			t.Errorf("seed %d: the opinions contradict each other:\n%s", seed, r.Text())
		}
		if seed%10 != 0 {
			continue
		}
		again, err := Verify(bytes.NewReader(s.file()), options)
		if err != nil || again.Verdict != r.Verdict || again.Counts != r.Counts || again.Porcupine != r.Porcupine {
			t.Errorf("seed %d: the file is judged otherwise: %v\n%s\n%s", seed, err, r.Text(), again.Text())
		}
	}
	if verdicts[OK] < 100 || verdicts[Violation] < 100 {
		t.Errorf("got %v, expected a hundred of either", verdicts)
	}
}
