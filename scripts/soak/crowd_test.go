package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/gregortest"
	"github.com/gregor-log/gregor/scripts/internal/chronicle"
	"github.com/gregor-log/gregor/scripts/internal/ledger"
)

// failures collects what a crowd fails with.
type failures struct {
	sync.Mutex
	list []string
}

func (f *failures) add(format string, args ...any) {
	f.Lock()
	defer f.Unlock()
	f.list = append(f.list, fmt.Sprintf(format, args...))
}

// small is a crowd of three groups whose members live for a second or two, on a broker in memory.
func small(t *testing.T, sabotage string) (*crowd, *failures, *kgo.Client) {
	t.Helper()
	broker := gregortest.Start(t, gregortest.Topic("ledger", 4), gregortest.Topic("passing", 2),
		gregortest.Property("group.min.session.timeout.ms", "100"),
		gregortest.Property("offsets.topic.num.partitions", "2"))
	found := &failures{}
	c := &crowd{
		broker: broker.Addr(), clock: chronicle.NewClock(), book: ledger.New(), plans: plans(3, "ledger", "passing"),
		life: time.Second, session: 500 * time.Millisecond, rebalance: time.Second, sabotage: sabotage, fail: found.add,
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(c.broker), kgo.ProducerLinger(5*time.Millisecond),
		kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return c, found, client
}

// run lets the crowd read what is produced until it is enough, and judges it.
func (c *crowd) run(t *testing.T, client *kgo.Client, enough func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 80*time.Second)
	defer cancel()
	reading, leave := context.WithCancel(ctx)
	defer leave()
	c.start(reading)
	for n := 0; !enough(); n++ {
		value := fmt.Sprintf("%d ", n)
		r := &kgo.Record{Topic: c.topics()[n%2], Key: []byte(value[:len(value)-1]), Value: []byte(value)}
		if err := client.ProduceSync(ctx, r).FirstErr(); err != nil {
			t.Fatal(err)
		}
		tp := base.TopicPartition{Topic: r.Topic, Partition: r.Partition}
		c.book.Appended(tp, r.Offset, "the test", c.clock.Now())
	}
	admin := kadm.NewClient(client)
	if err := c.settle(ctx, admin); err != nil {
		t.Fatal(err)
	}
	leave()
	c.done.Wait()
	if err := c.compare(ctx, admin); err != nil {
		t.Fatal(err)
	}
	c.report()
}

// TestTheLedgerIsSilent: nothing is wrong with groups whose members come and go.
func TestTheLedgerIsSilent(t *testing.T) {
	c, found, client := small(t, sabotageNone)
	c.run(t, client, func() bool {
		sum := c.add()
		return sum.Generations >= 12 && sum.Again > 0
	})
	if len(found.list) > 0 {
		t.Fatalf("got %d failures, the first: %s", len(found.list), found.list[0])
	}
}

// TestTheLedgerSpeaks: what is wrong on purpose is found and named.
func TestTheLedgerSpeaks(t *testing.T) {
	for sabotage, want := range map[string]string{
		sabotageSkip:   "skipped-record: group group-0",
		sabotageCommit: "lost-commit: group group-0",
	} {
		t.Run(sabotage, func(t *testing.T) {
			c, found, client := small(t, sabotage)
			c.run(t, client, func() bool {
				_, n := c.book.Failures()
				return n > 0
			})
			if all := strings.Join(found.list, "\n"); !strings.Contains(all, want) {
				t.Fatalf("got %s\nexpected %q", all, want)
			}
		})
	}
}

// TestPlans: as many groups and members as were asked for, of all kinds.
func TestPlans(t *testing.T) {
	all := plans(50, "ledger", "passing")
	if n := members(all); len(all) != 50 || n != 200 {
		t.Errorf("got %d groups with %d members, expected 50 with 200", len(all), n)
	}
	kinds := make(map[string]int)
	for _, p := range all {
		kinds[p.balancer]++
		kinds[fmt.Sprint("static ", p.static)]++
		kinds[fmt.Sprint("topics ", len(p.topics))]++
		if got := balancer(p.balancer).ProtocolName(); got != p.balancer {
			t.Errorf("got assignor %s, expected %s", got, p.balancer)
		}
	}
	for _, kind := range append([]string{"static true", "static false", "topics 1", "topics 2"}, balancers...) {
		if kinds[kind] < 10 {
			t.Errorf("%s: got %d groups, expected at least 10", kind, kinds[kind])
		}
	}
}

// frameOf returns a request as a client sends it.
func frameOf(req kmsg.Request) []byte {
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID("c")).AppendRequest(nil, req, 42)
}

// TestLies: a commit is answered in the form of its version, and nothing else is.
func TestLies(t *testing.T) {
	commit := kmsg.NewPtrOffsetCommitRequest()
	topic := kmsg.NewOffsetCommitRequestTopic()
	topic.Topic = "t"
	topic.Partitions = []kmsg.OffsetCommitRequestTopicPartition{{Partition: 3, Offset: 5}}
	commit.Topics = append(commit.Topics, topic)
	always, never := func() bool { return true }, func() bool { return false }
	for version := range int16(10) {
		commit.SetVersion(version)
		got := lieTo(frameOf(commit), always)
		if len(got) < 8 || int(binary.BigEndian.Uint32(got)) != len(got)-4 || binary.BigEndian.Uint32(got[4:]) != 42 {
			t.Fatalf("version %d: got frame %x", version, got)
		}
		body := got[8:]
		if commit.IsFlexible() {
			body = body[1:]
		}
		resp := commit.ResponseKind().(*kmsg.OffsetCommitResponse)
		if err := resp.ReadFrom(body); err != nil || len(resp.Topics) != 1 || resp.Topics[0].Topic != "t" ||
			len(resp.Topics[0].Partitions) != 1 || resp.Topics[0].Partitions[0].Partition != 3 {
			t.Fatalf("version %d: got %v, %+v", version, err, resp)
		}
	}
	if got := lieTo(frameOf(commit), never); got != nil {
		t.Errorf("an honest one: got %x", got)
	}
	if got := lieTo(frameOf(kmsg.NewPtrHeartbeatRequest()), always); got != nil {
		t.Errorf("a heartbeat: got %x", got)
	}
	if got := lieTo([]byte{0, 0, 0, 1, 8}, always); got != nil {
		t.Errorf("a short frame: got %x", got)
	}
	if _, err := readFrame(bytes.NewReader([]byte{255, 255, 255, 255})); err == nil {
		t.Error("a frame of 4 GB was read")
	}
}
