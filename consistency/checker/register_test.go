package checker

import (
	"slices"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/consistency/history"
)

// legal is a small history with a bit of everything, and nothing wrong.
func legal(s *story) {
	as(s.append(10, 20, 0, "a b"), 7, 0)
	as(s.append(12, 25, 2, "c"), 7, 2)
	s.failed(13, 26, "no")
	s.lost(14, 28, "d e")
	s.lost(15, 29, "gone")
	s.fetch(30, 31, 0, 5, "a b c d e")
	s.end(32, 33, 5)
	s.append(40, 50, 5, "f")
	s.fetch(60, 61, 3, 6, "d e f")
	s.final("a b c d e f")
}

// register is the checker's own mutations: each row is a legal history and one wrong turn of it, which must be rejected
// by this name.
var register = []struct {
	name  string
	label string
	bad   func(s *story)
}{
	{LostAck, "missing at the end", func(s *story) {
		s.ops = s.ops[:len(s.ops)-1]
		s.final("a b c d e")
	}},
	{LostAck, "passed over", func(s *story) {
		s.ops = s.ops[:len(s.ops)-1]
		s.final("a b - d e f")
	}},
	{LostAck, "below the log's start", func(s *story) {
		s.ops = s.ops[:len(s.ops)-1]
		op := s.fetch(1000, 1001, 2, 6, "c d e f")
		op.LogStart, op.Final = 2, true
	}},
	{LostAck, "without an offset told", func(s *story) { s.append(41, 51, -1, "g") }},
	{LostWrite, "shown, then gone", func(s *story) {
		s.lost(62, 63, "g")
		s.fetch(70, 71, 6, 7, "g")
	}},
	{InconsistentOffsets, "two reads", func(s *story) {
		s.lost(62, 63, "x")
		s.fetch(70, 71, 3, 6, "d e x")
	}},
	{InconsistentOffsets, "two acknowledgements", func(s *story) { s.append(41, 51, 5, "g") }},
	{InconsistentOffsets, "acknowledged and read", func(s *story) { s.ops[7].Offset = 4 }},
	{AbortedRead, "", func(s *story) {
		s.fetch(70, 71, 6, 7, "no")
	}},
	{GarbageRead, "never written", func(s *story) { s.fetch(70, 71, 6, 7, "x") }},
	{GarbageRead, "of another partition", func(s *story) {
		s.append(62, 63, 0, "x").Partition = 1
		s.fetch(70, 71, 6, 7, "x")
	}},
	{GarbageRead, "before it was written", func(s *story) {
		s.fetch(34, 35, 5, 6, "f")
	}},
	{ReadBeyondCommitted, "", func(s *story) { s.ops[8].HighWatermark = 5 }},
	{ReorderedAcks, "", func(s *story) {
		s.ops[7].Offset = 6
		s.append(52, 59, 5, "g")
		s.ops[8].Values, s.ops[8].Offsets = history.Values{}, nil
		s.ops[9] = s.final("a b c d e g f")
		s.ops = s.ops[:len(s.ops)-1]
	}},
	{ReorderedAcks, "a read had shown more", func(s *story) {
		s.lost(20, 21, "h i")
		s.fetch(35, 36, 6, 8, "h i")
		s.ops[9] = s.final("a b c d e f h i")
		s.ops = s.ops[:len(s.ops)-1]
	}},
	{NonmonotonicSend, "", func(s *story) {
		as(s.ops[0], 7, 3)
	}},
	{Duplicate, "", func(s *story) {
		as(s.ops[7], 8, 0)
		s.ops[9] = s.final("a b c d e f f")
		s.ops = s.ops[:len(s.ops)-1]
	}},
	{TornAppend, "not next to each other", func(s *story) {
		s.append(41, 51, 4, "g")
		s.ops[7].Offset = 6
		s.ops[5].HighWatermark = 4
		s.ops[5].Values, s.ops[5].Offsets = history.Values{}, nil
		s.ops[6].Offset = 4
		s.ops[8].Values, s.ops[8].Offsets = history.Values{}, nil
		s.ops[9] = s.final("a b c d g e f")
		s.ops = s.ops[:len(s.ops)-1]
	}},
	{TornAppend, "an end amid a batch", func(s *story) { s.end(14, 16, 1) }},
	{OffsetGap, "in a fetch", func(s *story) { s.fetch(70, 71, 2, 6, "c - e") }},
	{OffsetGap, "at a fetch's begin", func(s *story) { s.fetch(70, 71, 2, 6, "- d e") }},
	{OffsetGap, "between acknowledgements", func(s *story) { s.append(62, 63, 9, "g") }},
	{NonmonotonicRead, "", func(s *story) { s.fetch(70, 71, 3, 4, "d") }},
	{NonmonotonicRead, "behind its own append", func(s *story) { s.fetch(70, 71, 3, 5, "d").Process = 1 }},
	{StaleEnd, "", func(s *story) { s.end(70, 71, 5) }},
}

func TestRegister(t *testing.T) {
	if r := func() *Report { s := tell(t, "fsync"); legal(s); return s.check(Options{}) }(); r.Verdict != OK {
		t.Fatalf("the legal history:\n%s", r.Text())
	}
	tried := make(map[string]bool)
	for _, row := range register {
		s := tell(t, "fsync")
		legal(s)
		row.bad(s)
		r := s.check(Options{})
		if r.Verdict != Violation || r.FindingCounts[row.name] == 0 {
			t.Errorf("%s %s: expected a violation of that name, got\n%s", row.name, row.label, r.Text())
		}
		tried[row.name] = true
	}
	for _, row := range shelfRegister {
		tried[row.name] = true // TestShelfRegister
	}
	for _, name := range names {
		if !tried[name] && name != NotLinearizable {
			t.Errorf("%s has no mutation", name)
		}
	}
}

// TestLegalTwins are histories that look like mutations of the register and are legal.
func TestLegalTwins(t *testing.T) {
	for name, change := range map[string]func(s *story){
		"a fetch lags behind": func(s *story) { s.fetch(70, 71, 3, 5, "d e").Process = 9 },
		"a producer that resends": func(s *story) {
			s.header.Resends = true
			s.ops[9] = s.final("a b c d e f f")
			s.ops = s.ops[:len(s.ops)-1]
		},
		"unknown appears late": func(s *story) {
			s.fetch(70, 71, 6, 7, "gone")
			s.ops[9] = s.final("a b c d e f gone")
			s.ops = s.ops[:len(s.ops)-1]
		},
		"swapped while concurrent": func(s *story) {
			s.ops[7].Offset = 6
			s.append(49, 59, 5, "g")
			s.ops[8].Values, s.ops[8].Offsets = history.Values{}, nil
			s.ops[9] = s.final("a b c d e g f")
			s.ops = s.ops[:len(s.ops)-1]
		},
		"an end while appending": func(s *story) { s.end(45, 71, 5) },
		"a trimmed log": func(s *story) {
			s.header.Trims = true
			s.ops = s.ops[:len(s.ops)-1]
			op := s.fetch(1000, 1001, 2, 6, "c d e f")
			op.LogStart, op.Final = 2, true
		},
		"a kill":              func(s *story) { s.event(history.EventKill, 35); s.event(history.EventRestart, 36) },
		"a loss of power":     func(s *story) { s.powerLoss(35) },
		"an empty fetch":      func(s *story) { s.fetch(70, 71, 6, 6, "") },
		"no final mark":       func(s *story) { s.ops[9].Final = false },
		"acks=0":              func(s *story) { op := s.append(41, 51, -1, "g"); op.Acks = 0 },
		"no offset, but read": func(s *story) { s.ops[7].Offset = -1 },
		"several final reads": func(s *story) {
			s.ops = s.ops[:len(s.ops)-1]
			s.fetch(1000, 1001, 0, 6, "a b c").Final = true
			s.fetch(1002, 1003, 2, 6, "c d e f").Final = true
			s.end(1004, 1005, 6).Final = true
		},
	} {
		s := tell(t, "fsync")
		legal(s)
		change(s)
		if r := s.check(Options{}); r.Verdict != OK {
			t.Errorf("%s: expected ok, got\n%s", name, r.Text())
		}
	}
}

func TestInconclusive(t *testing.T) {
	for name, change := range map[string]func(s *story){
		"nothing":       func(s *story) { s.ops = nil },
		"no final read": func(s *story) { s.ops = s.ops[:5] },
		"read not to the end": func(s *story) {
			s.ops[9] = s.fetch(1000, 1001, 0, 6, "a b c")
			s.ops[9].Final = true
			s.ops = s.ops[:len(s.ops)-1]
		},
		"nothing acknowledged": func(s *story) {
			s.ops = []*history.Op{s.ops[4]}
			s.final("gone")
		},
		"too many unknown": func(s *story) {
			s.ops = s.ops[:9]
			for value := 'n'; value <= 'z'; value++ { // 13, one more than a window may have
				s.lost(20, 21, string(value))
			}
			s.append(70, 71, 8, "g")
			s.fetch(1000, 1001, 0, 9, "a b c d e f").Final = true
			s.fetch(1000, 1001, 8, 9, "g").Final = true
		},
	} {
		s := tell(t, "fsync")
		legal(s)
		change(s)
		if r := s.check(Options{}); r.Verdict != Inconclusive || len(r.Reasons) == 0 || r.Verdict.ExitCode() != 3 {
			t.Errorf("%s: expected inconclusive, got\n%s", name, r.Text())
		}
	}
}

// TestNotLinearizable has a hole that unknown appends fill in number and not in size.
func TestNotLinearizable(t *testing.T) {
	s := tell(t, "fsync")
	s.append(1, 2, 0, "a")
	s.lost(3, 4, "b c")
	s.lost(3, 4, "d e")
	s.append(5, 6, 4, "f")
	s.fetch(7, 8, 4, 5, "f")
	if r := s.check(Options{}); r.FindingCounts[NotLinearizable] != 1 {
		t.Errorf("expected %s, got\n%s", NotLinearizable, r.Text())
	}
}

func TestMoreReplicas(t *testing.T) {
	for name, row := range map[string]struct {
		change func(s *story)
		want   string
	}{
		"a session goes back":   {func(s *story) { s.fetch(70, 71, 3, 4, "d") }, ""},
		"a stale end":           {func(s *story) { s.end(70, 71, 5) }, ""},
		"acks=1 may be lost":    {func(s *story) { s.append(70, 71, 6, "g").Acks = 1 }, ""},
		"acks=1 may move":       {func(s *story) { s.append(41, 51, 5, "g").Acks = 1 }, ""},
		"acks=all may not":      {func(s *story) { s.append(70, 71, 6, "g") }, LostAck},
		"acks=all may not move": {func(s *story) { s.append(41, 51, 5, "g") }, InconsistentOffsets},
	} {
		s := tell(t, "quorum")
		s.header.Replication, s.header.MinInsync, s.header.Nodes = 3, 2, []base.NodeID{1, 2, 3}
		legal(s)
		s.powerLoss(55)
		row.change(s)
		r := s.check(Options{})
		if found := slices.Contains([]string{row.want}, ""); found != (r.Verdict == OK) {
			t.Errorf("%s: expected %q, got\n%s", name, row.want, r.Text())
		}
		if row.want != "" && r.FindingCounts[row.want] == 0 {
			t.Errorf("%s: expected %q, got\n%s", name, row.want, r.Text())
		}
	}
}
