//go:build unix

package gregortest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/gregor-log/gregor/gregortest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// patience bounds what a test waits for; none is expected to take a hundredth of it.
const patience = 30 * time.Second

// client returns a client of a broker until the test ends, and a context that bounds it.
func client(t testing.TB, b *gregortest.Broker, more ...kgo.Opt) (context.Context, *kgo.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(b.Addrs()...)}, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return ctx, cl
}

// roundTrip produces one record to a topic and consumes it.
func roundTrip(t testing.TB, b *gregortest.Broker, topic, value string) {
	t.Helper()
	ctx, cl := client(t, b, kgo.ConsumeTopics(topic), kgo.AllowAutoTopicCreation())
	if err := cl.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte(value)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	got := cl.PollFetches(ctx).Records()
	if len(got) != 1 || string(got[0].Value) != value {
		t.Fatalf("got %v, expected the one record %q", got, value)
	}
}

// Fifty brokers run side by side, and none sees what another holds.
func TestFiftyAtOnce(t *testing.T) {
	for i := range 50 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			roundTrip(t, gregortest.Start(t, gregortest.Topic("t", 1)), "t", fmt.Sprint("value ", i))
		})
	}
}

// Topics have what was asked for, and the broker's properties hold.
func TestTopicsAndProperties(t *testing.T) {
	b := gregortest.Start(t, gregortest.Topic("wide", 12, "retention.ms", "60000", "cleanup.policy", "delete"),
		gregortest.Topic("narrow", 1), gregortest.Property("message.max.bytes", "2000"), gregortest.OnDisk())
	ctx, cl := client(t, b)
	adm := kadm.NewClient(cl)
	topics, err := adm.ListTopics(ctx)
	if err != nil || len(topics["wide"].Partitions) != 12 || len(topics["narrow"].Partitions) != 1 {
		t.Fatalf("got %v and %v", topics, err)
	}
	configs, err := adm.DescribeTopicConfigs(ctx, "wide")
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	for _, c := range configs[0].Configs {
		found[c.Key] = c.MaybeValue()
	}
	if found["retention.ms"] != "60000" || found["max.message.bytes"] != "2000" {
		t.Errorf("got retention.ms %s and max.message.bytes %s", found["retention.ms"], found["max.message.bytes"])
	}
}

// A directory outlives its broker: the next one finds the records.
func TestDirOutlivesTheBroker(t *testing.T) {
	dir := t.TempDir()
	first := gregortest.Start(t, gregortest.Dir(dir), gregortest.Topic("t", 1))
	ctx, cl := client(t, first)
	if err := cl.ProduceSync(ctx, &kgo.Record{Topic: "t", Value: []byte("kept")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	cl.Close()
	first.Close()
	first.Close()
	_, cl = client(t, gregortest.Start(t, gregortest.Dir(dir)), kgo.ConsumeTopics("t"))
	got := cl.PollFetches(ctx).Records()
	if len(got) != 1 || string(got[0].Value) != "kept" {
		t.Fatalf("got %v, expected what the first broker was given", got)
	}
}

// watched is a test that is told of failures and output instead of failing.
type watched struct {
	testing.TB
	failure string
	output  strings.Builder
}

var errFatal = errors.New("fatal")

func (w *watched) Fatalf(format string, args ...any) {
	w.failure = fmt.Sprintf(format, args...)
	panic(errFatal)
}

func (w *watched) Output() io.Writer { return &w.output }

// try starts a broker for a watched test.
func (w *watched) try(more ...gregortest.Option) {
	defer func() {
		if r := recover(); r != nil && r != errFatal {
			panic(r)
		}
	}()
	gregortest.Start(w, more...)
}

// What cannot be started fails the test, with the reason.
func TestFailures(t *testing.T) {
	for want, option := range map[string]gregortest.Option{
		"the nearest is num.partitions":   gregortest.Property("num.partitons", "3"),
		"was removed in Kafka 4":          gregortest.Property("zookeeper.connect", "x"),
		"Invalid value x":                 gregortest.Property("num.partitions", "x"),
		"create topic a b: INVALID_TOPIC": gregortest.Topic("a b", 1),
		"expected pairs":                  gregortest.Topic("t", 1, "retention.ms"),
		"without a comma":                 gregortest.Dir("a,b"),
		"the broker did not start":        gregortest.Property("listeners", "PLAINTEXT://256.0.0.1:1"),
	} {
		w := &watched{TB: t}
		w.try(option)
		if !strings.HasPrefix(w.failure, "gregortest: ") || !strings.Contains(w.failure, want) {
			t.Errorf("got %q, expected %q", w.failure, want)
		}
	}
}

// The broker's log goes to the test's output only if it is asked for.
func TestLogs(t *testing.T) {
	quiet, loud := &watched{TB: t}, &watched{TB: t}
	quiet.try()
	loud.try(gregortest.Logs())
	if quiet.output.Len() != 0 || !strings.Contains(loud.output.String(), "msg=listening") {
		t.Errorf("got %q and %q", quiet.output.String(), loud.output.String())
	}
}

// BenchmarkStart measures a broker in memory from the call to its first answer, and its end.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		gregortest.Start(b, gregortest.Topic("t", 1)).Close()
	}
}
