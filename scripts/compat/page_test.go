package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestMatchAPIs(t *testing.T) {
	key := func(key, first, last int16) kmsg.ApiVersionsResponseApiKey {
		return kmsg.ApiVersionsResponseApiKey{ApiKey: key, MinVersion: first, MaxVersion: last}
	}
	theirs := []kmsg.ApiVersionsResponseApiKey{key(18, 0, 4), key(1, 4, 18), key(0, 3, 13)}
	rows, err := matchAPIs([]kmsg.ApiVersionsResponseApiKey{key(0, 3, 13), key(18, 0, 4)}, theirs)
	if err != nil {
		t.Fatal(err)
	}
	want := []apiRow{
		{key: 0, kafka: versions{3, 13}, gregor: versions{3, 13}, served: true},
		{key: 1, kafka: versions{4, 18}},
		{key: 18, kafka: versions{0, 4}, gregor: versions{0, 4}, served: true},
	}
	if len(rows) != 3 || rows[0] != want[0] || rows[1] != want[1] || rows[2] != want[2] {
		t.Errorf("got %v, expected %v", rows, want)
	}
	for _, c := range []struct {
		ours kmsg.ApiVersionsResponseApiKey
		want string
	}{
		{key(0, 0, 13), "API 0: got versions 0-13, Kafka has 3-13"},
		{key(0, 3, 12), "API 0: got versions 3-12, Kafka has 3-13"},
		{key(8, 2, 9), "API 8 is advertised, and Kafka does not have it"},
	} {
		_, err := matchAPIs([]kmsg.ApiVersionsResponseApiKey{c.ours}, theirs)
		if err == nil || err.Error() != c.want {
			t.Errorf("%v: got %v, expected %s", c.ours, err, c.want)
		}
	}
}

func TestAPINames(t *testing.T) {
	got := apiNames("BROKER (id: 1 rack: null) -> (\n\tProduce(0): 0 to 13 [usable: 13],\n" +
		"\tListPartitionReassignments(46): 0 [usable: 0],\n\tControlledShutdown(7): UNSUPPORTED,\n)\n")
	if len(got) != 2 || got[0] != "Produce" || got[46] != "ListPartitionReassignments" {
		t.Errorf("got %v", got)
	}
}

// madePage is a page of few results, one of them bad.
func madePage() page {
	rep := &report{rows: []row{
		{client: "kcat", what: "consume a|b", commands: 3, took: time.Second},
		{client: "TopicCommand", what: "create", commands: 2},
		{client: "kcat", what: "produce", err: errors.New("lost")},
	}}
	return page{
		rep: rep, kcat: "1.7.1, librdkafka 2.0.2", franz: "v1.20.0",
		apis: []apiRow{
			{key: 0, name: "Produce", kafka: versions{3, 13}, gregor: versions{3, 13}, served: true},
			{key: 8, name: "OffsetCommit", kafka: versions{2, 10}},
		},
		later: []command{
			{words: []string{"GroupsCommand", "--bootstrap-server", "BROKER", "--list"}, awaits: "groups"},
		},
	}
}

func TestPage(t *testing.T) {
	text := madePage().text()
	for _, want := range []string{
		"**3 checks, 5 commands compared, 1 failed.**",
		"serves 1 of the 2 APIs that Apache Kafka advertises to clients, each in all of Kafka's versions.",
		"| kcat | consume a\\|b | 3 | ok |",
		"| kcat | produce | - | FAILED |",
		"| `GroupsCommand --list` | groups |",
		"| 0 | Produce | 3-13 | 3-13 |",
		"| 8 | OffsetCommit | 2-10 | later |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	for _, d := range differences {
		if !strings.Contains(text, cell(d.what)) {
			t.Errorf("the page does not have the difference %q", d.name)
		}
	}
}

func TestBlock(t *testing.T) {
	text := madePage().block()
	for _, want := range []string{
		"3 checks, 5 commands compared, 1 failed.",
		"| kcat 1.7.1, librdkafka 2.0.2 | " + summaries["kcat"] + " | 2 | 1 FAILED |",
		"| TopicCommand | " + summaries["TopicCommand"] + " | 1 | ok |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the block has no %q:\n%s", want, text)
		}
	}
}

func TestTallies(t *testing.T) {
	each, all := madePage().rep.tallies()
	want := []tally{{"kcat", 2, 3, 1, time.Second}, {"TopicCommand", 1, 2, 0, 0}}
	if !slices.Equal(each, want) {
		t.Errorf("got %+v, expected %+v", each, want)
	}
	if all != (tally{"all", 3, 5, 1, time.Second}) {
		t.Errorf("got %+v in all", all)
	}
}

func TestKcatVersion(t *testing.T) {
	text := "kcat - a tool\nVersion 1.7.1 (JSON, Transactions, librdkafka 2.0.2 builtin.features=gzip)\n"
	if got := kcatVersion(text); got != "1.7.1, librdkafka 2.0.2" {
		t.Errorf("got %s", got)
	}
	if got := kcatVersion("?"); got != "of an unknown version" {
		t.Errorf("got %s", got)
	}
}

func TestCheckpointLines(t *testing.T) {
	file := filepath.Join(t.TempDir(), logStarts)
	if err := os.WriteFile(file, []byte("0\n2\na 0 5\nb 0 6\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(addCheckpointLine(file, "a", "a 0 9"), addCheckpointLine(file, "c", "c 0 1")); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "0\n3\nc 0 1\na 0 9\nb 0 6\n" {
		t.Errorf("got %q and error %v", got, err)
	}
	if line, err := checkpointLine(file, "a"); err != nil || line != "a 0 9" {
		t.Errorf("got %q and error %v", line, err)
	}
	err := errors.Join(dropCheckpointLine(file, "b 0"), dropCheckpointLine(file, "a 1"),
		dropCheckpointLine(filepath.Join(t.TempDir(), "absent"), "a 0"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "0\n2\nc 0 1\na 0 9\n" {
		t.Errorf("after a line was dropped: got %q and error %v", got, err)
	}
	if line, err := checkpointLine(file, "absent"); err != nil || line != "" {
		t.Errorf("got %q and error %v", line, err)
	}
}
