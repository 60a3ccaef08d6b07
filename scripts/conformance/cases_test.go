package main

import (
	"regexp"
	"slices"
	"testing"
)

var everything = regexp.MustCompile("")

// The lists that are part of the program hold together.
func TestListsOfCases(t *testing.T) {
	for _, s := range suites {
		t.Run(s.name, func(t *testing.T) {
			baseline, err := baselineOf(s.name)
			if err != nil || len(baseline) == 0 {
				t.Fatalf("got %d cases and %v", len(baseline), err)
			}
			w, err := choose(s.name, everything, false)
			if err != nil {
				t.Fatal(err)
			}
			if len(w.cases)+len(w.later) != len(baseline) || !slices.Equal(w.leftOut, later(&w, baseline)) {
				t.Errorf("got %d cases and %q left out, expected %d in all", len(w.cases), w.leftOut, len(baseline))
			}
			all, err := choose(s.name, everything, true)
			if err != nil || !slices.Equal(all.cases, baseline) || len(all.leftOut) > 0 {
				t.Errorf("all: got %d cases, %q left out and %v", len(all.cases), all.leftOut, err)
			}
		})
	}
	known := func(line string) bool {
		return slices.ContainsFunc(suites, func(s *suite) bool {
			return regexp.MustCompile("^" + s.name + "\t").MatchString(line)
		})
	}
	for _, line := range lines(laterText) {
		if !known(line) {
			t.Errorf("later.txt: got %q, expected a suite first", line)
		}
	}
}

// later returns the later cases in the baseline's order.
func later(w *wanted, baseline []string) []string {
	return slices.DeleteFunc(slices.Clone(baseline), func(name string) bool { return w.later[name] == "" })
}

func TestLaterCasesAreOfTheBaseline(t *testing.T) {
	given := laterText
	t.Cleanup(func() { laterText = given })
	for _, c := range []struct {
		name, text string
		good       bool
	}{
		{"nothing", "", true},
		{"a case", "# why\n\nkgo\tTestA\tACLs\n", true},
		{"of another suite", "java\tTestX\tACLs\n", true},
		{"not of the baseline", "kgo\tTestX\tACLs\n", false},
		{"twice", "kgo\tTestA\tACLs\nkgo\tTestA\tSASL\n", false},
		{"another reason", "kgo\tTestA\tlazy\n", false},
		{"no reason", "kgo\tTestA\n", false},
		{"no tabs", "kgo TestA ACLs\n", false},
	} {
		laterText = c.text
		if _, err := laterOf("kgo", []string{"TestA", "TestB"}); (err == nil) != c.good {
			t.Errorf("%s: got %v, expected it to be good: %v", c.name, err, c.good)
		}
	}
}

func TestOnlyWhatPassedPasses(t *testing.T) {
	w := wanted{
		cases: []string{"a", "b", "c", "d", "e", "f"}, leftOut: []string{"g"},
		later: map[string]string{"e": "ACLs", "f": "ACLs", "g": "ACLs"},
	}
	s := w.judge([]outcome{
		{name: "a", verdict: passed}, {name: "b", verdict: failed}, {name: "c", verdict: skipped},
		{name: "e", verdict: passed}, {name: "f", verdict: failed}, {name: "z", verdict: failed},
	})
	if s.baseline != 7 || s.later != 3 || s.passed != 1 || s.failed != 3 || !slices.Equal(s.early, []string{"e"}) {
		t.Errorf("got %+v", s)
	}
	var names []string
	for _, o := range s.failures {
		names = append(names, o.name+" "+string(o.verdict))
	}
	if !slices.Equal(names, []string{"b fail", "c skip", "d missing"}) {
		t.Errorf("got failures %q", names)
	}
	if err := verdictOf([]score{s}); err == nil {
		t.Error("three failures make no failure in all")
	}
	if err := verdictOf([]score{{passed: 4}}); err != nil {
		t.Errorf("no failure: got %v", err)
	}
}

func TestCommandLine(t *testing.T) {
	for _, args := range [][]string{{"-suite", "kgo,none"}, {"-case", "("}, {"more"}, {"-unknown"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%q: accepted", args)
		}
	}
	for _, c := range []struct {
		args  []string
		names []string
		whole bool
	}{
		{nil, []string{"kgo", "kafka-go", "confluent-kafka-go", "librdkafka", "java"}, true},
		{[]string{"-suite", "java,kgo"}, []string{"java", "kgo"}, false},
		{[]string{"-against", "127.0.0.1:9092"}, []string{
			"kgo", "kafka-go", "confluent-kafka-go", "librdkafka", "java",
		}, false},
		{[]string{"-suite", "kgo", "-case", "Group"}, []string{"kgo"}, false},
	} {
		o, err := parse(c.args)
		if err != nil {
			t.Errorf("%q: %v", c.args, err)
			continue
		}
		var names []string
		for _, s := range o.suites {
			names = append(names, s.name)
		}
		if !slices.Equal(names, c.names) || o.whole != c.whole {
			t.Errorf("%q: got %q, whole %v", c.args, names, o.whole)
		}
	}
}
