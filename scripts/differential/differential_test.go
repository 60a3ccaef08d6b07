package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func startTest(t *testing.T) *local {
	t.Helper()
	l, err := startLocal(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.stop)
	return l
}

func scripts(t *testing.T) []string {
	t.Helper()
	files, err := scriptFiles("testdata", nil)
	if err != nil || len(files) < 10 {
		t.Fatalf("got %d scripts, expected at least 10: %v", len(files), err)
	}
	return files
}

// gregor gives the answers that Apache Kafka 4.3.1 gave, but for the differences that the scripts give reasons for.
func TestGregorAnswersAsKafka(t *testing.T) {
	l := startTest(t)
	for _, name := range scripts(t) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			s, err := readScript(name)
			if err != nil {
				t.Fatal(err)
			}
			found, err := s.compare(l.address)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range found {
				t.Error(d)
			}
		})
	}
}

func TestScriptsAreWrittenAsRead(t *testing.T) {
	for _, name := range scripts(t) {
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := readScript(name)
		if err != nil {
			t.Fatal(err)
		}
		s.path = filepath.Join(t.TempDir(), "again.txt")
		if err := s.write(); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(s.path); err != nil || string(got) != string(want) {
			t.Errorf("%s changes when it is written again: %v", name, err)
		}
	}
}

// A comparison that never fails proves nothing: what is not as the script has it must be found.
func TestDifferencesAreFound(t *testing.T) {
	l := startTest(t)
	for _, test := range []struct{ name, text, want string }{
		{"same", "> create a@ 1\n\n> ListOffsets 7\n> {Topics:[{Topic:a@ Partitions:[{Timestamp:-1}]}]}\n" +
			"v7 {Topics:[{Topic:a@ Partitions:[{Timestamp:-1}]}]}", ""},
		{"value", "> create a@ 1\n\n> ListOffsets 7\n> {Topics:[{Topic:a@ Partitions:[{Timestamp:-1}]}]}\n" +
			"v7 {Topics:[{Topic:a@ Partitions:[{Timestamp:-1 Offset:1}]}]}", "Offset:1"},
		{"version", "> ListOffsets 3-4\n> {Topics:[{Topic:none@ Partitions:[{Timestamp:-1}]}]}\n" +
			"v3 {Topics:[{Topic:none@ Partitions:[{ErrorCode:3 Timestamp:-1 Offset:-1 LeaderEpoch:-1}]}]}", "v3-v4"},
		{"closed", "> raw\n> 0003 7fff 00000001 ffff\nanswered", "+ closed"},
		{"silence", "> Produce 9 noreply\n> {Acks:1}\nno answer", "+ v9 an answer"},
		{"reason gone", "> raw\n> 0003 7fff 00000001 ffff\nclosed\n~ because\n~|closed", "answers as Kafka does"},
	} {
		path := filepath.Join(t.TempDir(), "s.txt")
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := readScript(path)
		if err != nil {
			t.Fatal(err)
		}
		found, err := s.compare(l.address)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if text := strings.Join(found, "\n"); test.want == "" && text != "" || !strings.Contains(text, test.want) {
			t.Errorf("%s: got %q, expected it to contain %q", test.name, text, test.want)
		}
	}
}

func TestBadScriptsAreErrors(t *testing.T) {
	l := startTest(t)
	for _, text := range []string{
		"> Nonsense 1", "> Metadata x", "> Metadata 1 2", "> Metadata 9\n> {Nonsense:1}", "> Metadata 9\n> {Topics:[}",
		"> Metadata 9\n> {Topics:1}", "> Metadata 9\n> {AllowAutoTopicCreation:x}",
		"> DeleteRecords 2\n> {TimeoutMillis:x}",
		"> Produce 13\n> {Topics:[{TopicID:id(none@)}]}", "> Produce 9\n> {Topics:[{Partitions:[{Records:1}]}]}",
		"> Produce 9\n> {Topics:[{Partitions:[{Records:batch(v=a nonsense=1)}]}]}", "> raw\n> zz",
		"> Heartbeat 4\n> {MemberID:member(nobody)}", "> answer conn=a", "> await g@ Stable", "> await g@ Stable x",
	} {
		path := filepath.Join(t.TempDir(), "s.txt")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := readScript(path)
		if err == nil {
			_, err = s.compare(l.address)
		}
		if err == nil {
			t.Errorf("%q: got no error", text)
		}
	}
}

func TestNotation(t *testing.T) {
	n, err := parseNode(`{A:1 B:[x "y z" {C:f(a, b)}] D:{}}`)
	if err != nil {
		t.Fatal(err)
	}
	if len(n.fields) != 3 || n.fields[0].word != "1" || n.fields[2].kind != '{' {
		t.Fatalf("got %+v", n)
	}
	if b := n.fields[1].items; len(b) != 3 || b[1].word != "y z" || b[2].fields[0].word != "f(a, b)" {
		t.Errorf("got %+v", n)
	}
	for _, bad := range []string{"{A:1", "[1", "{A}", "{A:1} x", `"x`} {
		if _, err := parseNode(bad); err == nil {
			t.Errorf("%q: got no error", bad)
		}
	}
}

// Ids of members become the names that they were kept under, and what members say the words that make it.
func TestMembersAreNamed(t *testing.T) {
	const id = "c-01234567-89ab-cdef-0123-456789abcdef"
	run := &run{suffix: "-x", version: 4, members: []member{
		{template: "m$v", name: "m3", id: "three"}, {template: "m$v", name: "m4", id: id},
	}}
	for _, test := range []struct{ text, want string }{
		{"three", "member(m3)"}, {id, "member(m$v)"}, {"d" + id[1:], "d-UUID"}, {"nobody", "nobody"},
	} {
		if got := run.maskMembers(test.text); got != test.want {
			t.Errorf("%s: got %s, expected %s", test.text, got, test.want)
		}
	}
	if got, err := run.text("member(m$v)"); got != id || err != nil {
		t.Errorf("got %s and error %v, expected %s", got, err, id)
	}
	for _, test := range []struct{ word, want string }{
		{"subscription(t@, u@)", "subscription(t@, u@)"}, {"text(a@)", "text(a@)"}, {"hex(00ff)", "hex(00ff)"},
	} {
		p, err := run.bytes(test.word)
		if err != nil {
			t.Fatal(err)
		}
		if got := run.renderBytes("MemberAssignment", p); got != test.want {
			t.Errorf("%s: got %s, expected %s", test.word, got, test.want)
		}
	}
}

func TestDifferenceKeepsWhatIsCommon(t *testing.T) {
	got := difference([]string{"a", "b", "c", "d"}, []string{"a", "x", "c", "d", "e"})
	want := []string{"    - b", "    + x", "    + e", ""}
	if !slices.Equal(strings.Split(got, "\n"), want) {
		t.Errorf("got %q, expected %q", got, want)
	}
}
