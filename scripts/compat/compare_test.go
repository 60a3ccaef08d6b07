package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestDiff(t *testing.T) {
	if err := diff("a\nb", "a\nb"); err != nil {
		t.Errorf("the same: got %v", err)
	}
	err := diff("a\nb\nc\nd\n", "a\nc\nx\nd\n")
	if err == nil || !strings.HasSuffix(err.Error(), "differ:\n- b\n+ x") {
		t.Errorf("got %v, expected - b and + x", err)
	}
}

func TestEdits(t *testing.T) {
	for _, c := range []struct{ a, b, want string }{
		{"", "", ""},
		{"a b c", "a b c", ""},
		{"a", "b", "- a|+ b"},
		{"a b", "a b c", "+ c"},
		{"x a b", "a b", "- x"},
		{"a b c d e", "a c b d f", "- b|+ b|- e|+ f"},
	} {
		got := strings.Join(edits(strings.Fields(c.a), strings.Fields(c.b)), "|")
		if got != c.want {
			t.Errorf("%q, %q: got %q, expected %q", c.a, c.b, got, c.want)
		}
	}
}

// TestJudge has every way in which two answers may differ: each must be seen, and nothing else.
func TestJudge(t *testing.T) {
	said := func(code int, stdout, stderr string) answer {
		return answer{code: code, stdout: stdout, stderr: stderr}
	}
	for _, c := range []struct {
		name          string
		command       command
		gregor, kafka answer
		want          string
	}{
		{"the same", command{}, said(0, "a\n", "b\n"), said(0, "a\n", "b\n"), ""},
		{"other output", command{}, said(0, "a\n", ""), said(0, "b\n", ""), "- a\n+ b"},
		{"other error output", command{}, said(0, "", "a\n"), said(0, "", ""), "- a"},
		{"other exit code", command{}, said(1, "", ""), said(0, "", ""), "exit code 1"},
		{"Kafka fails against the script", command{}, said(1, "", ""), said(1, "", ""), "does not expect"},
		{"Kafka works against the script", command{fails: true}, said(0, "", ""), said(0, "", ""), "does not expect"},
		{"both fail as they must", command{fails: true}, said(1, "", "x"), said(1, "", "x"), ""},
		{"numbers count", command{}, said(0, "1 a", ""), said(0, "2 a", ""), "- 1 a"},
		{"numbers do not count", command{loose: true}, said(0, "1 a", ""), said(0, "2 a", ""), ""},
		{"words count beside numbers", command{loose: true}, said(0, "1 a", ""), said(0, "2 b", ""), "- N a"},
		{"order counts", command{}, said(0, "a\nb", ""), said(0, "b\na", ""), "differ"},
		{"order does not count", command{unordered: true}, said(0, "a\nb", ""), said(0, "b\na", ""), ""},
		{"lines count in any order", command{unordered: true}, said(0, "a\na", ""), said(0, "a\nb", ""), "+ b"},
		{
			"objects in any order", command{objects: true},
			said(0, `[{"a":1},{"b":2},{"c":3}]`, ""), said(0, `[{"b":2},{"c":3},{"a":1}]`, ""), "",
		},
		{"objects count", command{objects: true}, said(0, `[{"a":1}]`, ""), said(0, `[{"a":2}]`, ""), `- "a":1`},
		{"lines count once", command{once: true}, said(0, "a\nb\na", ""), said(0, "b\na", ""), ""},
		{"every line counts once", command{once: true}, said(0, "a\nb", ""), said(0, "a\na", ""), "- b"},
		{"refused", command{awaits: "groups"}, said(1, "", "does not support LIST_GROUPS"), answer{}, ""},
		{"not refused any more", command{awaits: "groups"}, said(0, "all is well", ""), answer{}, "compare it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{met: make(map[string]int)}
			err := w.judge(c.command, c.gregor, c.kafka)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, expected %q", err, c.want)
			}
		})
	}
}

func TestSettle(t *testing.T) {
	own := known{gregor: regexp.MustCompile(`^own\.`)}
	missing := known{kafka: `^extra `}
	pair := known{gregor: regexp.MustCompile(`^(\w+\(\d\)): NO$`), kafka: `^$1: `}
	for _, c := range []struct {
		name          string
		d             known
		gregor, kafka string
		g, k          string
		met           int
	}{
		{"only gregor has it", own, "a,own.x,b", "a,b", "a,b", "a,b", 1},
		{"Kafka has it: not settled", own, "a", "a,own.x", "a", "a,own.x", 0},
		{"only Kafka has it", missing, "a", "a,extra x,extra y", "a", "a", 2},
		{"gregor has it: not settled", missing, "a,extra x", "a", "a,extra x", "a", 0},
		{"both, in their own words", pair, "P(1): 2,Q(2): NO", "P(1): 2,Q(2): 0 to 3", "P(1): 2", "P(1): 2", 2},
		{"of another name: not settled", pair, "Q(2): NO", "R(2): 0 to 3", "", "R(2): 0 to 3", 1},
		{"nothing", pair, "a", "a", "a", "a", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, k, met := c.d.settle(split(c.gregor), split(c.kafka))
			if strings.Join(g, ",") != c.g || strings.Join(k, ",") != c.k || met != c.met {
				t.Errorf("got %q and %q, %d times, expected %q and %q, %d times", g, k, met, c.g, c.k, c.met)
			}
		})
	}
}

func split(text string) []string { return strings.Split(text, ",") }

// TestDifferences holds the table: each entry has its reason, and patterns that compile and match one side alone.
func TestDifferences(t *testing.T) {
	var seen []string
	for _, d := range differences {
		if d.name == "" || d.what == "" || d.why == "" || slices.Contains(seen, d.name) {
			t.Errorf("%q: got no name of its own, no text or no reason", d.name)
		}
		seen = append(seen, d.name)
		if d.gregor == nil && d.kafka == "" {
			t.Errorf("%s: matches nothing", d.name)
		}
		if regexp.MustCompile(d.kafka); d.gregor != nil && d.gregor.MatchString("") {
			t.Errorf("%s: matches an empty line", d.name)
		}
	}
}

func TestSameRecords(t *testing.T) {
	full := record{Partition: 1, Offset: 2, Time: 3, Key: ptr("k"), Value: ptr("v"), Headers: [][2]string{{"a", "b"}}}
	if err := sameRecords([]record{full}, []record{full}); err != nil {
		t.Errorf("the same: got %v", err)
	}
	for i, change := range []func(*record){
		func(r *record) { r.Partition++ },
		func(r *record) { r.Offset++ },
		func(r *record) { r.Time++ },
		func(r *record) { r.Key = nil },
		func(r *record) { r.Value = ptr("") },
		func(r *record) { r.Headers = nil },
	} {
		other := full
		change(&other)
		if sameRecords([]record{other}, []record{full}) == nil {
			t.Errorf("change %d: got no error between %v and %v", i, other, full)
		}
	}
	null, empty := record{}, record{Key: ptr("")}
	if sameRecords([]record{null}, []record{empty}) == nil {
		t.Error("a null key and an empty one: got no error")
	}
	err := sameRecords([]record{full}, []record{full, full})
	if err == nil || !strings.Contains(err.Error(), "1 records") {
		t.Errorf("one record of two: got %v", err)
	}
}

func TestParseReaders(t *testing.T) {
	want := []record{
		{
			Partition: 1, Offset: 7, Time: 1700, Key: ptr("k"), Value: ptr("é\nv"),
			Headers: [][2]string{{"h", "x"}, {"e", ""}},
		},
		{Partition: 0, Offset: 8, Time: 1800},
	}
	kcat, err := parseKcat(
		`{"topic":"t","partition":1,"offset":7,"ts":1700,"headers":["h","x","e",""],"key":"k","payload":"é\nv"}
		{"topic":"t","partition":0,"offset":8,"ts":1800,"key":null,"payload":null}
`)
	console, errConsole := parseConsole("CreateTime:1700\x01Partition:1\x01Offset:7\x01h:x\x03e:\x01k\x01é\nv\x02" +
		"CreateTime:1800\x01Partition:0\x01Offset:8\x01NO_HEADERS\x01\x04\x01\x04\x02")
	if err := errors.Join(err, errConsole, sameRecords(kcat, want), sameRecords(console, want)); err != nil {
		t.Error(err)
	}
	for _, text := range []string{
		"CreateTime:1\x01Partition:0\x02",
		"CreateTime:x\x01Partition:0\x01Offset:1\x01\x01\x01\x02",
	} {
		if got, err := parseConsole(text); err == nil {
			t.Errorf("%q: got %v, expected an error", text, got)
		}
	}
	if got, err := parseKcat("{"); err == nil {
		t.Errorf("half an object: got %v, expected an error", got)
	}
}

func TestDumpPatterns(t *testing.T) {
	for _, line := range []string{
		"Mismatches in :/d/0.index", "Found timestamp mismatch in :/d/0.timeindex", "baseOffset: 0 isvalid: false",
		"/d/0.index was found to be corrupt", "125 invalid bytes found", "Exception in thread",
	} {
		if !complaint.MatchString(line) {
			t.Errorf("%q: got no complaint", line)
		}
	}
	fine := "baseOffset: 0 lastOffset: 7 count: 8 baseSequence: -1 position: 0 magic: 2 compresscodec: zstd crc: 1 " +
		"isvalid: true"
	if complaint.MatchString(fine) {
		t.Errorf("%q: got a complaint", fine)
	}
	start := "Non-consecutive offsets in /d/5.log\n  -1 is followed by 5\n"
	if got := segmentStart.ReplaceAllString(start, ""); got != "" {
		t.Errorf("a segment's start: got %q", got)
	}
	gap := "Non-consecutive offsets in /d/5.log\n  7 is followed by 9\n"
	if got := segmentStart.ReplaceAllString(gap, ""); got != gap {
		t.Errorf("a gap: got %q", got)
	}
	dump := fmt.Sprintf("%s\n%s\nDumping x\n", fine, strings.Replace(fine, "zstd", "none", 1))
	if got := batchCodecs(dump); !slices.Equal(got, []string{"none", "zstd"}) {
		t.Errorf("got codecs %q, expected none and zstd", got)
	}
}

// TestUnderWay: a move is asked for again until it has ended, also in the moment in which Kafka does not know of it.
func TestUnderWay(t *testing.T) {
	for answer, want := range map[string]bool{
		"Reassignment of replica t-0-1 is still in progress.":                 true,
		"Partition t-1 on broker 1 is not being moved from log dir /a to /b.": true,
		"Reassignment of replica t-0-1 completed successfully.":               false,
	} {
		if got := isUnderWay(answer); got != want {
			t.Errorf("%s: got %v", answer, got)
		}
	}
}
