//go:build linux

package matrix_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/matrix"
	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
	"github.com/gregor-log/gregor/gregortest"
)

func client(what string, arguments []string) error {
	flags := flag.NewFlagSet(what, flag.ContinueOnError)
	address, topic := flags.String("address", "", ""), flags.String("topic", "", "")
	var w load.Window
	flags.DurationVar(&w.Warm, "warm", 0, "")
	flags.DurationVar(&w.For, "for", 0, "")
	record, records := flags.Int("record-bytes", 0, ""), flags.Int64("records", 0, "")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	return matrix.Tell(os.Stdout, &w, func() (load.Result, error) {
		ctx := context.Background()
		if what == "fetch" {
			return load.StockFetch{Address: *address, Topic: *topic, Records: *records, Window: w}.Run(ctx)
		}
		return load.StockProduce{Address: *address, Topic: *topic, Record: *record, Window: w}.Run(ctx)
	})
}

// boastful is a folder of jars whose name has the stand-in for Java claim more than it did.
const boastful = "boastful"

func tool(name string, arguments []string) error {
	given := func(flag string) (value string) {
		if at := slices.Index(arguments, flag); at >= 0 && at+1 < len(arguments) {
			return arguments[at+1]
		}
		return ""
	}
	var records, size int
	if _, err := fmt.Sscan(given("--num-records"), &records); err != nil {
		return err
	}
	start := time.Now()
	seed := kgo.SeedBrokers(given("--bootstrap-server"))
	if strings.HasSuffix(name, ".ConsumerPerformance") {
		return consumeInGroup(records, seed, kgo.ConsumeTopics(given("--topic")), kgo.ConsumerGroup(given("--group")))
	}
	if _, err := fmt.Sscan(given("--record-size"), &size); err != nil {
		return err
	}
	c, err := kgo.NewClient(seed, kgo.DefaultProduceTopic(given("--topic")))
	if err != nil {
		return err
	}
	defer c.Close()
	sent := records
	if strings.Contains(os.Args[2], boastful) {
		sent--
	}
	for range sent {
		c.Produce(context.Background(), &kgo.Record{Value: make([]byte, size)}, nil)
	}
	if err := c.Flush(context.Background()); err != nil {
		return err
	}
	rate := float64(records) / time.Since(start).Seconds()
	const line = "%d %srecords sent, %f records/sec (1.00 MB/sec), 9.42 ms avg latency, 368.00 ms max latency, " +
		"4 ms 50th, 36 ms 95th, 49 ms 99th, 53 ms 99.9th.\n"
	fmt.Println("1 records sent, 1.0 records/sec (0.00 MB/sec), 6.2 ms avg latency, 368.0 ms max latency.")
	fmt.Printf(line, records, "", rate)
	fmt.Printf(line, records/2, "steady state ", rate)
	return nil
}

// consumeInGroup consumes so many records as a member of a group, which commits.
func consumeInGroup(records int, options ...kgo.Opt) error {
	c, err := kgo.NewClient(append(options, kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		return err
	}
	defer c.Close()
	start := time.Now()
	var consumed, bytes int
	for consumed < records {
		fetches := c.PollFetches(context.Background())
		if err := fetches.Err(); err != nil {
			return err
		}
		for all := fetches.RecordIter(); !all.Done(); consumed++ {
			bytes += len(all.Next().Value)
		}
	}
	if err := c.CommitUncommittedOffsets(context.Background()); err != nil {
		return err
	}
	fmt.Println("start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, " +
		"rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec")
	fmt.Printf("2026-11-22 13:59:46:455, 2026-11-22 13:59:52:555, %.4f, 1.0, %d, 1.0, 3, %d, 1.0, 1.0\n",
		float64(bytes)/(1<<20), consumed, time.Since(start).Milliseconds())
	return nil
}

// tools are this program as all clients, with a folder that looks like Kafka's jars.
func tools(t *testing.T, folder string) matrix.Tools {
	t.Helper()
	libs := filepath.Join(t.TempDir(), folder)
	err := errors.Join(os.Mkdir(libs, 0o755), os.WriteFile(filepath.Join(libs, "kafka-tools-4.3.1.jar"), nil, 0o644))
	if err != nil {
		t.Fatal(err)
	}
	return matrix.Tools{Client: []string{os.Args[0], "client"}, Java: os.Args[0], Libs: libs}
}

// TestStockClients measures every row of stock clients on two brokers: no raw loop, a sample of each side, processor
// time of the client's own process, and nothing left behind.
func TestStockClients(t *testing.T) {
	atOnce := gregortest.Property("group.initial.rebalance.delay.ms", "0")
	brokers := []*gregortest.Broker{gregortest.Start(t, atOnce), gregortest.Start(t, atOnce)}
	for _, name := range []string{
		"stock-franz-produce", "stock-franz-produce-100b", "stock-franz-fetch",
		"stock-java-produce", "stock-java-fetch",
	} {
		m, err := matrix.Measure(t.Context(), row(t, name), matrix.Options{
			Dir: t.TempDir(), Rounds: 1, Window: load.Window{For: time.Second}, Loop: loops(t), Tools: tools(t, "libs"),
			Peers: []peer.Peer{
				{Name: result.Gregor, Address: brokers[0].Addr()}, {Name: "other", Address: brokers[1].Addr()},
			},
		})
		if err != nil || m.Failure != "" || m.Rounds != 1 || len(m.Sides) != 2 {
			t.Fatalf("%s: got %d rounds of %d sides, failure %q, %v", name, m.Rounds, len(m.Sides), m.Failure, err)
		}
		for _, s := range m.Sides {
			x := s.Samples[0]
			if x.Figure <= 0 || x.Records <= 0 || x.Bytes <= 0 || x.ClientCPU <= 0 || x.ServerCPU == nil {
				t.Errorf("%s of %s: got %+v", name, s.Name, x)
			}
			if produces := m.Durability != ""; produces != (x.P50 > 0 && x.P50 <= x.P99 && x.P99 <= x.P999) {
				t.Errorf("%s of %s: got latencies %v, %v, %v", name, s.Name, x.P50, x.P99, x.P999)
			}
		}
		run := result.Run{Version: result.Version, Rows: []*result.Measurement{m}}
		dir := filepath.Join(t.TempDir(), "out")
		if err := run.Write(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := result.ReadRun(dir); err != nil {
			t.Error(err)
		}
	}
	for _, b := range brokers {
		for _, left := range append(topics(t, b), groups(t, b)...) {
			if strings.HasPrefix(left, "bench-") {
				t.Errorf("%s is left", left)
			}
		}
	}
}

// groups returns the names of a broker's groups.
func groups(t *testing.T, b *gregortest.Broker) []string {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	found, err := kadm.NewClient(c).ListGroups(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return found.Groups()
}

// TestBoastfulClient: a tool that says more was acknowledged than is in the log gives no figure.
func TestBoastfulClient(t *testing.T) {
	m, err := matrix.Measure(t.Context(), row(t, "stock-java-produce"), matrix.Options{
		Dir: t.TempDir(), Rounds: 1, Window: short, Loop: loops(t), Tools: tools(t, boastful),
		Peers: []peer.Peer{{Name: result.Gregor, Address: gregortest.Start(t).Addr()}},
	})
	if err != nil || !strings.Contains(m.Failure, matrix.ErrLost.Error()) || m.Rounds != 0 {
		t.Errorf("got %q after %d rounds, %v", m.Failure, m.Rounds, err)
	}
}

// TestWithoutTools: a row whose tools are not there says so, and others do not ask for them.
func TestWithoutTools(t *testing.T) {
	complete := tools(t, "libs")
	for _, c := range []struct {
		row   string
		tools matrix.Tools
		want  error
	}{
		{"produce-tiny", matrix.Tools{}, nil},
		{"stock-franz-fetch", matrix.Tools{}, matrix.ErrTools},
		{"stock-franz-fetch", matrix.Tools{Client: complete.Client}, nil},
		{"stock-java-fetch", complete, nil},
		{"stock-java-fetch", matrix.Tools{Java: complete.Java}, matrix.ErrTools},
		{"stock-java-fetch", matrix.Tools{Java: complete.Java, Libs: t.TempDir()}, matrix.ErrTools},
		{"stock-java-fetch", matrix.Tools{Java: "no-such-java", Libs: complete.Libs}, matrix.ErrTools},
	} {
		if got := row(t, c.row).Lacks(c.tools); !errors.Is(got, c.want) {
			t.Errorf("%s with %+v: got %v, expected %v", c.row, c.tools, got, c.want)
		}
	}
	m, err := matrix.Measure(t.Context(), row(t, "stock-java-fetch"), matrix.Options{Loop: loops(t)})
	if err != nil || !strings.Contains(m.Failure, matrix.ErrTools.Error()) {
		t.Errorf("got %q, %v", m.Failure, err)
	}
}
