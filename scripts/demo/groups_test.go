package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/gregortest"
	"github.com/gregor-log/gregor/scripts/internal/chronicle"
	"github.com/gregor-log/gregor/scripts/internal/member"
)

// TestMain makes the test's binary a consumer if it is started as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == consumerWord {
		if err := consume(os.Stdin, os.Stdout, os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// loaded produces records to topics of three partitions and returns readings that know their ends.
func loaded(t *testing.T, broker *gregortest.Broker, records int) []*reading {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker.Addr()), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var readings []*reading
	for _, topic := range []string{"lines", "lines-zstd"} {
		l := &load{topic: topic}
		r := &reading{load: l, rebuild: newRebuild(&input{}, topic), ends: make(map[int32]int64)}
		for i := range records {
			p := int32(i % 3)
			client.Produce(t.Context(), &kgo.Record{Topic: topic, Partition: p, Value: []byte("x")}, nil)
			r.ends[p]++
		}
		readings = append(readings, r)
	}
	if err := client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return readings
}

// TestGroupsSeeEverything: with one of three consumers killed, as a process, all groups see all records.
func TestGroupsSeeEverything(t *testing.T) {
	broker := gregortest.Start(t, gregortest.Topic("lines", 3), gregortest.Topic("lines-zstd", 3),
		gregortest.Property("group.min.session.timeout.ms", "100"),
		gregortest.Property("group.initial.rebalance.delay.ms", "500"))
	const records = 60_000
	a := newAudience(chronicle.NewClock().Now, 600*time.Millisecond, loaded(t, broker, records))
	if err := a.read(t.Context(), broker.Addr(), func(int64) {}); err != nil {
		t.Fatal(err)
	}
	if failures, n := a.book.Failures(); n > 0 || a.mu.err != nil {
		t.Fatalf("got %v, %v", failures, a.mu.err)
	}
	if a.struck == 0 || a.stable <= a.struck || a.victim() == "nobody" {
		t.Errorf("struck at %v, stable at %v, victim %s", a.struck, a.stable, a.victim())
	}
	d := &demo{}
	d.found.audience = a
	section, err := d.groupSection()
	if err != nil {
		t.Fatal(err)
	}
	text := a.summary() + "\n" + d.groupVerdict().Text + "\n"
	for _, part := range section.Parts {
		text += sprint(part) + "\n"
	}
	for _, want := range []string{
		"three 60000 of 60000, broadcast-a 60000 of 60000, broadcast-b 60000 of 60000, ",
		"3 groups saw every record, 180,000 in all, ", "0 failures",
		"[three 3 lines 60,000 60,000 ", "[broadcast-b 1 lines-zstd 60,000 60,000 0 none ",
		"of which the session is 600ms", "SIGKILL",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("got no %q in:\n%s", want, text)
		}
	}
}

// noted notes what a teller is told.
type noted struct{ list []string }

func (n *noted) note(args ...any) { n.list = append(n.list, fmt.Sprintln(args...)) }

// Assigned implements member.Teller.
func (n *noted) Assigned(tp base.TopicPartition, generation int32) {
	n.note("assigned", tp, generation)
}

// Began implements member.Teller.
func (n *noted) Began(tp base.TopicPartition, offset int64) { n.note("began", tp, offset) }

// Saw implements member.Teller.
func (n *noted) Saw(tp base.TopicPartition, first, next, start int64) {
	n.note("saw", tp, first, next, start)
}

// Committing implements member.Teller.
func (n *noted) Committing(tp base.TopicPartition, offset int64) { n.note("committing", tp, offset) }

// Answered implements member.Teller.
func (n *noted) Answered(tp base.TopicPartition, generation int32, good bool) {
	n.note("answered", tp, generation, good)
}

// Gone implements member.Teller.
func (n *noted) Gone(tp base.TopicPartition, how string) { n.note("gone", tp, how) }

// TestConsumersTell: what a consumer writes is what is told of it.
func TestConsumersTell(t *testing.T) {
	tell := func(to member.Teller) {
		tp := base.TopicPartition{Topic: "a.topic-of_some", Partition: 11}
		to.Assigned(tp, 7)
		to.Began(tp, -1)
		to.Saw(tp, 0, 1<<40, 3)
		to.Committing(tp, 1<<40)
		to.Answered(tp, -1, true)
		to.Answered(tp, 7, false)
		to.Gone(tp, "left, after a commit")
	}
	var out bytes.Buffer
	tell(&teller{out: &out})
	var want, got noted
	tell(&want)
	for line := range strings.Lines(out.String()) {
		if err := retell(strings.TrimSuffix(line, "\n"), &got); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(got.list, want.list) {
		t.Errorf("got %q, expected %q", got.list, want.list)
	}
	for _, line := range []string{"", "saw", "saw t", "saw t 1 2", "saw t one 2 3 4", "gone t 1", "sees t 1 2 3 4"} {
		if err := retell(line, &got); err == nil {
			t.Errorf("%q was taken", line)
		}
	}
}
