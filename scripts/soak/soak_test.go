package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/reports"
	"github.com/gregor-log/gregor/scripts/internal/ledger"
	"github.com/gregor-log/gregor/scripts/internal/node"
)

// usages are samples a second apart.
func usages(n int, resident func(i int) int64, files func(i int) int) []sample {
	var list []sample
	for i := range n {
		usage := node.Usage{Resident: resident(i), Files: files(i)}
		list = append(list, sample{at: time.Duration(i) * time.Second, usage: usage})
	}
	return list
}

func TestGrowthIsFound(t *testing.T) {
	const mb = 1 << 20
	flatBytes, flatFiles := func(int) int64 { return 100 * mb }, func(int) int { return 100 }
	for name, c := range map[string]struct {
		resident func(int) int64
		files    func(int) int
		grown    string
	}{
		"same":         {flatBytes, flatFiles, ""},
		"teeth":        {func(i int) int64 { return int64(50+i%30*3) * mb }, flatFiles, ""},
		"falling":      {func(i int) int64 { return int64(500-i) * mb }, func(i int) int { return 500 - i }, ""},
		"early growth": {func(i int) int64 { return int64(min(i, 90)) * mb }, flatFiles, ""},
		"memory":       {func(i int) int64 { return int64(100+i) * mb }, flatFiles, "resident memory rises by 1038"},
		"files":        {flatBytes, func(i int) int { return 100 + i }, "open files rise by 99"},
		"teeth that grow": {func(i int) int64 { return int64(50+i%30*3+i*3) * mb }, flatFiles,
			"resident memory rises by"},
	} {
		s := &soak{}
		s.mu.samples = usages(200, c.resident, c.files)
		text := s.secondHalf().grown()
		if c.grown == "" && text != "" || !strings.HasPrefix(text, c.grown) {
			t.Errorf("%s: got %q, expected %q", name, text, c.grown)
		}
	}
}

func TestARunWithoutEndsOrSamplesFails(t *testing.T) {
	s := &soak{}
	s.flat()
	if len(s.mu.failures) != 1 {
		t.Errorf("no samples: got %q", s.mu.failures)
	}
	s = &soak{}
	for i := range 20 {
		s.mu.samples = append(s.mu.samples, sample{at: time.Duration(i), usage: node.Usage{Resident: 1, Files: 1}})
	}
	s.flat()
	if len(s.mu.failures) != 1 {
		t.Errorf("no ends: got %q", s.mu.failures)
	}
	s.mu.ends, s.mu.failures = append(s.mu.ends, end{}), nil
	s.flat()
	if len(s.mu.failures) != 0 {
		t.Errorf("flat: got %q", s.mu.failures)
	}
}

func TestCommandLine(t *testing.T) {
	for _, args := range [][]string{
		{"-producers", "0"}, {"-for", "-1s"}, {"more"}, {"-rate", "-1"}, {"-sabotage", "all"}, {"-groups", "0"},
	} {
		if err := new(soak).parse(args); err == nil {
			t.Errorf("%q: accepted", args)
		}
	}
	s := new(soak)
	if err := s.parse([]string{"-for", "1m", "-end-every", "5s"}); err != nil || s.length != time.Minute {
		t.Errorf("got %v, %v", s.length, err)
	}
}

// TestGroupSection: the page tells what the groups did.
func TestGroupSection(t *testing.T) {
	l := ledger.New()
	s := &soak{crowd: &crowd{
		book: l, session: 6 * time.Second, rebalance: 12 * time.Second, life: time.Minute,
		plans: []plan{{name: "g", size: 2, balancer: "sticky", static: true, topics: []string{"ledger", "passing"}}},
	}}
	s.crowd.mu.fates = map[string]int{"killed": 2, "left": 1}
	tp := base.TopicPartition{Topic: "ledger", Partition: 3}
	h := l.Assigned("g", "ann", 1, tp, 0)
	l.Began(h, ledger.None, 0)
	l.Saw(h, 0, 1500, 0, 0)
	l.Committed(l.Committing(h, 1000, 0), 1, 0)
	l.Gone(h, "killed", 0)
	h = l.Assigned("g", "bob", 2, tp, 0)
	l.Began(h, 1000, 0)
	l.Saw(h, 1000, 2000, 0, 0)
	l.Judge("g", tp, 0, 2000)
	for i := range 20 {
		s.mu.samples = append(s.mu.samples, sample{at: time.Duration(i) * time.Second, seen: int64(i * 100)})
	}
	s.mu.ends = []end{{at: 5 * time.Second, ready: 6 * time.Second, killed: true}, {at: 7 * time.Second}}
	section, err := s.groupSection()
	if err != nil {
		t.Fatal(err)
	}
	text := s.groupVerdict().Text + "\n"
	for _, part := range section.Parts {
		text += fmt.Sprintf("%+v\n", part)
		if fold, ok := part.(reports.Fold); ok {
			text += fmt.Sprintf("%+v\n", fold.Parts[0])
		}
	}
	for _, want := range []string{
		"records were seen 2,500 times, 500 of them again, and not committed before; 0 failures",
		"1 group with 2 members", "2 killed; 1 left", "2 in 2 generations", "2,500: 2,000 different ones",
		"500 killed", "1 acknowledged, 0 refused, 0 never answered", struckNote,
		"[g 2 sticky, static ledger, passing 2 2 2,500 500 0 1 0 0]",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("got no %q in:\n%.2000s", want, text)
		}
	}
	l.Judge("g", tp, 0, 2001)
	section, err = s.groupSection()
	if text := fmt.Sprintf("%+v", section.Parts[len(section.Parts)-1]); err != nil ||
		!strings.Contains(text, "lost-record: group g, ledger-3, offset 2000") {
		t.Errorf("got %v and %s, expected the lost record", err, text)
	}
}
