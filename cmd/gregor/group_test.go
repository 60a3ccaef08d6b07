package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestDurations reads what Java's Duration reads, and Go's.
func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"P1D": 24 * time.Hour, "PT6H": 6 * time.Hour, "PT0S": 0, "90m": 90 * time.Minute, "1h30m": 90 * time.Minute,
		"P7DT12H30M5.25S": 180*time.Hour + 30*time.Minute + 5250*time.Millisecond,
	} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%s: got %v and %v, expected %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "P", "PT", "P1DT", "1D", "P1H", "PT1D", "P-1D", "P999999D", "P99999D", "P1Y", "PT1.5H", "tomorrow",
	} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q: got %v, expected an error", text, got)
		}
	}
}

// TestOffsetsFile reads back what is exported, of one group and of several, and refuses what does not fit.
func TestOffsetsFile(t *testing.T) {
	row := func(topic string, partition int32, offset int64) resetOffset {
		return resetOffset{partitionOutcome: partitionOutcome{Topic: topic, Partition: partition}, New: offset}
	}
	failed := row("lost", 0, -1)
	failed.fail(io.ErrUnexpectedEOF, "")
	one := resetGroup{Offsets: []resetOffset{row("a", 0, 5), row("a", 1, 1<<62), failed, row("b\"c,", 7, 0)}}
	one.Group = "g"
	two := resetGroup{Offsets: []resetOffset{row("a", 0, 9)}}
	two.Group = "h,i"
	for _, groups := range [][]resetGroup{{one}, {one, two}} {
		var names []string
		var want []listedOffset
		for _, g := range groups {
			names = append(names, g.Group)
			for _, o := range g.Offsets {
				if o.Error == "" {
					want = append(want, listedOffset{g.Group, o.Topic, o.Partition, o.New})
				}
			}
		}
		var file bytes.Buffer
		if err := writeOffsets(&file, groups); err != nil {
			t.Fatal(err)
		}
		got, err := readOffsets(&file, names)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %v and %v, expected %v", got, err, want)
		}
	}
	for text, groups := range map[string][]string{
		"": {"g"}, "a,0": {"g"}, "a,0,-1": {"g"}, "a,x,1": {"g"}, ",0,1": {"g"}, "a,0,1\na,0,2": {"g"},
		"a,0,1": {"g", "h"}, "x,a,0,1": {"g"}, "a,4294967296,1": {"g"}, "a,0,9223372036854775808": {"g"},
		"a,0,\"1": {"g"}, "a,0,1\ng,a,1,1": {"g"},
	} {
		if got, err := readOffsets(strings.NewReader(text), groups); err == nil {
			t.Errorf("%q: got %v, expected an error", text, got)
		}
	}
}

// TestTopicPartitions reads topics with and without partitions.
func TestTopicPartitions(t *testing.T) {
	got, err := parseTopicPartitions([]string{"a", "b:3,0-1"})
	want := []topicPartitions{{"a", nil}, {"b", []int32{0, 1, 3}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v and %v, expected %v", got, err, want)
	}
	for _, text := range []string{"", ":0", "a:", "a:x", "a:1-0"} {
		if got, err := parseTopicPartitions([]string{text}); err == nil {
			t.Errorf("%q: got %v, expected an error", text, got)
		}
	}
	if _, err := parseTopicPartitions([]string{"a:0", "a:1"}); err == nil {
		t.Error("got no error for a topic that is named twice")
	}
	if text := compactPartitions("t", []int32{7, 2, 0, 1, 4}); text != "t 0-2,4,7" {
		t.Errorf("got %q", text)
	}
}

// TestShifted adds at the ends of what an offset can be.
func TestShifted(t *testing.T) {
	const most = 1<<63 - 1
	for _, c := range []struct{ offset, by, want int64 }{
		{5, -2, 3}, {5, -9, -4}, {0, -most - 1, -most - 1}, {most, 1, most}, {most - 1, 1, most},
		{1, most, most}, {3, 0, 3},
	} {
		if got := shifted(c.offset, c.by); got != c.want {
			t.Errorf("%d by %d: got %d, expected %d", c.offset, c.by, got, c.want)
		}
	}
}

// TestTwoMembers has two members share a topic while a third comes and reads to the end: each record is printed, and
// what is printed is committed when they leave.
func TestTwoMembers(t *testing.T) {
	startBroker(t)
	ok(t, "", "topic", "create", "shared", "-p", "4")
	ctx, interrupt := context.WithCancelCause(context.Background())
	lines := make(chan string, 1000)
	var members sync.WaitGroup
	codes := make([]int, 2)
	for i := range codes {
		read, write := io.Pipe()
		members.Add(1)
		go func() {
			defer members.Done()
			args := []string{"consume", "shared", "-g", "pair", "-f", "%v\n", "--assignors", "cooperative-sticky"}
			codes[i] = run(ctx, args, nil, write, io.Discard)
			write.Close()
		}()
		go func() {
			for scanner := bufio.NewScanner(read); scanner.Scan(); {
				lines <- scanner.Text()
			}
		}()
	}
	want := map[string]bool{}
	for p := range 4 {
		for i := range 25 {
			value := strconv.Itoa(p*100 + i)
			want[value] = true
		}
		ok(t, values(p*100, 25), "produce", "shared", "-p", strconv.Itoa(p))
	}
	for len(want) > 0 {
		select {
		case line := <-lines:
			delete(want, line)
		case <-time.After(20 * time.Second):
			t.Fatalf("%d records were not printed", len(want))
		}
	}
	interrupt(&interrupted{signal: os.Interrupt})
	members.Wait()
	if codes[0] != 0 || codes[1] != 0 {
		t.Errorf("got exit codes %v", codes)
	}
	type groups struct{ Groups []describedGroup }
	g := decode[groups](t, ok(t, "", "group", "describe", "pair", "--format", "json")).Groups[0]
	if g.State != stateEmpty || g.Lag != 0 || len(g.Offsets) != 4 {
		t.Errorf("got %+v", g)
	}
	if out := ok(t, "", "consume", "shared", "-g", "pair", "-e"); out != "" {
		t.Errorf("got %q a second time", out)
	}
}

// values are so many numbers from first on, one a line.
func values(first, n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strconv.Itoa(first+i) + "\n")
	}
	return b.String()
}
