package main

import (
	"testing"
	"time"

	"github.com/gregor-log/gregor/scripts/internal/node"
)

func TestGrowthIsFound(t *testing.T) {
	flat := peaks{resident: 100 << 20, files: 100}
	for name, c := range map[string]struct {
		second peaks
		grown  bool
	}{
		"same":        {flat, false},
		"little more": {peaks{resident: 150 << 20, files: 130}, false},
		"memory":      {peaks{resident: 160 << 20, files: 100}, true},
		"files":       {peaks{resident: 100 << 20, files: 142}, true},
		"less":        {peaks{resident: 1 << 20, files: 5}, false},
	} {
		if text := grown(flat, c.second); (text != "") != c.grown {
			t.Errorf("%s: got %q", name, text)
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
	for _, args := range [][]string{{"-producers", "0"}, {"-for", "-1s"}, {"more"}, {"-rate", "-1"}} {
		if err := new(soak).parse(args); err == nil {
			t.Errorf("%q: accepted", args)
		}
	}
	s := new(soak)
	if err := s.parse([]string{"-for", "1m", "-end-every", "5s"}); err != nil || s.length != time.Minute {
		t.Errorf("got %v, %v", s.length, err)
	}
}
