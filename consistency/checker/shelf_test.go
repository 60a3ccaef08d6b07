package checker

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gregor-log/gregor/consistency/history"
)

// commit adds an acknowledged commit of group g, whose value says its offset. An offset of -1 is a deletion.
func (s *story) commit(start, end, offset int64) *history.Op {
	op := s.add(history.Commit, start, end)
	op.Group, op.Offset = "g", offset
	if offset >= 0 {
		op.Values.AddString(fmt.Sprintf("c%d", offset))
	}
	return op
}

// told adds an answer to OffsetFetch.
func (s *story) told(start, end, offset int64) *history.Op {
	op := s.commit(start, end, offset)
	op.Kind, op.Process = history.Committed, 5
	return op
}

// commits is a legal history of one group's offset.
func commits(s *story) {
	s.told(1, 2, -1)
	s.commit(3, 5, 10)
	s.told(6, 7, 10)
	s.commit(8, 20, 20)
	s.told(9, 12, 20)
	s.told(13, 14, 20)
	s.commit(22, 24, 30).Outcome = history.Unknown
	s.commit(26, 27, 40)
	s.told(28, 29, 40)
	s.commit(30, 31, 50).Outcome = history.Fail
	s.told(50, 51, 40)
}

// shelfRegister are mutations of that history, with the finding that each must lead to.
var shelfRegister = []struct {
	name, label string
	bad         func(s *story)
}{
	{LostCommit, "none after a commit", func(s *story) { s.told(70, 71, -1) }},
	{LostCommit, "none, and deleted before", func(s *story) {
		s.commit(60, 61, -1)
		s.commit(62, 63, 70)
		s.told(70, 71, -1)
	}},
	{StaleOffset, "an offset that was overwritten", func(s *story) { s.told(70, 71, 20) }},
	{StaleOffset, "an offset that was deleted", func(s *story) {
		s.commit(60, 61, -1)
		s.told(70, 71, 40)
	}},
	{GarbageOffset, "a plausible zero", func(s *story) { s.told(70, 71, 0) }},
	{GarbageOffset, "before it was committed", func(s *story) { s.told(1, 2, 40) }},
	{AlteredOffset, "another offset", func(s *story) { s.told(70, 71, 40).Offset = 41 }},
	{AbortedOffset, "a refused commit", func(s *story) { s.told(70, 71, 50) }},
	{NotLinearizable, "back and forth", func(s *story) {
		s.commit(60, 90, 60)
		s.commit(61, 91, 61)
		s.told(70, 71, 60)
		s.told(72, 73, 61)
		s.told(74, 75, 60)
	}},
	{NotLinearizable, "an unknown one is read, overwritten and read", func(s *story) {
		s.told(52, 53, 30)
		s.commit(54, 90, 60)
		s.told(60, 61, 60)
		s.told(62, 63, 30)
	}},
}

func TestShelfRegister(t *testing.T) {
	s := tell(t, "fsync")
	commits(s)
	if r := s.check(Options{}); r.Verdict != OK || r.Offsets.Windows == 0 || r.Counts.CommitsOK != 3 {
		t.Fatalf("the legal history:\n%s", r.Text())
	}
	for _, row := range shelfRegister {
		s := tell(t, "fsync")
		commits(s)
		row.bad(s)
		r := s.check(Options{})
		if r.Verdict != Violation || r.FindingCounts[row.name] == 0 || len(r.FindingCounts) != 1 {
			t.Errorf("%s, %s: got\n%s", row.name, row.label, r.Text())
		}
	}
}

// TestShelfTwins are histories that look like those mutations and are legal.
func TestShelfTwins(t *testing.T) {
	for name, change := range map[string]func(s *story){
		"an unknown one appears late": func(s *story) { s.told(70, 71, 30) },
		"a deletion":                  func(s *story) { s.commit(60, 61, -1); s.told(70, 71, -1) },
		"a deletion of unknown outcome": func(s *story) {
			s.commit(60, 61, -1).Outcome = history.Unknown
			s.told(70, 71, -1)
		},
		"an unknown deletion not made": func(s *story) {
			s.commit(60, 61, -1).Outcome = history.Unknown
			s.told(70, 71, 40)
		},
		"a kill": func(s *story) {
			s.event(history.EventKill, 60)
			s.event(history.EventRestart, 61)
		},
		"another group":     func(s *story) { s.told(70, 71, -1).Group = "h" },
		"another partition": func(s *story) { s.told(70, 71, -1).Partition = 1 },
		"while another is committed": func(s *story) {
			s.commit(60, 90, 60)
			s.told(70, 71, 60)
			s.told(72, 73, 60)
		},
	} {
		s := tell(t, "fsync")
		commits(s)
		change(s)
		if r := s.check(Options{}); r.Verdict != OK {
			t.Errorf("%s: got\n%s", name, r.Text())
		}
	}
}

// TestShelfCuts lets an offset go back where the class allows it, to one that was committed, and not elsewhere.
func TestShelfCuts(t *testing.T) {
	for _, row := range []struct {
		label, class string
		change       func(s *story)
		want         string
	}{
		{"back to an earlier one", "page-cache", func(s *story) { s.told(70, 71, 20); s.told(72, 73, 20) }, ""},
		{"back to none", "page-cache", func(s *story) { s.told(70, 71, -1) }, ""},
		{"not so with fsync", "fsync", func(s *story) { s.told(70, 71, 20) }, StaleOffset},
		{"nor to none", "fsync", func(s *story) { s.told(70, 71, -1) }, LostCommit},
		{"and not to what was never there", "page-cache", func(s *story) { s.told(70, 71, 7) }, GarbageOffset},
		{"nor to what was refused", "page-cache", func(s *story) { s.told(70, 71, 50) }, AbortedOffset},
		{"what is committed after it stays", "page-cache", func(s *story) { s.commit(70, 71, 80); s.told(72, 73, -1) },
			LostCommit},
		{"what is read after it stays", "page-cache", func(s *story) { s.told(70, 71, 20); s.told(72, 73, 40) },
			NotLinearizable},
	} {
		s := tell(t, row.class)
		commits(s)
		s.powerLoss(60)
		row.change(s)
		r := s.check(Options{})
		if got := r.FindingCounts[row.want]; row.want == "" && r.Verdict != OK || row.want != "" && got == 0 {
			t.Errorf("%s: got\n%s, expected %q", row.label, r.Text(), row.want)
		}
	}
}

// TestShelfReuse refuses a history in which two commits of a group have one value.
func TestShelfReuse(t *testing.T) {
	s := tell(t, "fsync")
	commits(s)
	s.commit(70, 71, 40)
	if _, err := Check(s.history(), Options{}); err == nil {
		t.Errorf("got no error, expected %v", ErrReused)
	}
}

// TestShelfRandom makes long histories of a real register with concurrent clients: they are legal, in many windows that
// are all decided, and a read that is changed to an older value is found.
func TestShelfRandom(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		s := tell(t, "fsync")
		var reads []*history.Op
		value, at, offset := int64(-1), int64(1), int64(0)
		busy := [4]int64{}
		for range 1500 {
			who := rng.IntN(len(busy))
			call := max(busy[who], at) + 1 + rng.Int64N(3)
			at = max(at, call) + rng.Int64N(4)
			effect := at // effects happen in the order of the loop
			busy[who] = effect + 1 + rng.Int64N(6)
			var op *history.Op
			if rng.IntN(2) == 0 {
				offset++
				op, value = s.commit(call, busy[who], offset), offset
				if rng.IntN(20) == 0 {
					op.Outcome = history.Unknown
				}
			} else {
				op = s.told(call, busy[who], value)
				reads = append(reads, op)
			}
			op.Process = int32(who)
		}
		r := s.check(Options{})
		if r.Verdict != OK || r.Offsets.Windows < 2 || r.Offsets.Undecided > 0 {
			t.Fatalf("seed %d: got\n%s", seed, r.Text())
		}
		bad := reads[len(reads)/2+rng.IntN(len(reads)/2)]
		bad.Offset -= 12
		bad.Values.Reset()
		bad.Values.AddString(fmt.Sprintf("c%d", bad.Offset))
		if r := s.check(Options{}); r.Verdict != Violation {
			t.Errorf("seed %d: an older offset is told, and nothing is found:\n%s", seed, r.Text())
		}
	}
}
