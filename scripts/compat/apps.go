package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/scripts/internal/node"
)

// The applications run on both brokers, are stopped in between, and go on; what they leave on the brokers is compared
// by a script.
const (
	connectTopic = "connect-lines"
	wordsTopic   = "wordcount-lines"
	countsTopic  = "wordcount-counts"
	wordsApp     = "wordcount"
)

// connectLines is how many lines the source has before the restart, and once more after it.
const connectLines = 50

// workerProperties are those of Connect's worker: address, offsets, and the address of its own interface.
const workerProperties = `bootstrap.servers=%s
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.storage.StringConverter
offset.storage.file.filename=%s
offset.flush.interval.ms=500
plugin.discovery=service_load
listeners=http://%s
consumer.fetch.max.wait.ms=100
`

// The connectors: each has its file.
const (
	sourceProperties = `name=source
connector.class=org.apache.kafka.connect.file.FileStreamSourceConnector
tasks.max=1
file=%s
topic=` + connectTopic + "\n"
	sinkProperties = `name=sink
connector.class=org.apache.kafka.connect.file.FileStreamSinkConnector
tasks.max=1
file=%s
topics=` + connectTopic + "\n"
)

// connectCheck is that of Connect, and streamsCheck that of Streams.
func (w *world) connectCheck() check {
	what := "standalone: a file to a topic to a file, stopped and started again in between; nothing lost, nothing twice"
	return check{client: "Connect", what: what, body: func(ctx context.Context) error {
		return w.both(func(s *side) error { return s.runConnect(ctx) })
	}}
}

func (w *world) streamsCheck() check {
	what := "word count, at least once, two threads; stopped, its state removed, and started again in between"
	return check{client: "Streams", what: what, body: func(ctx context.Context) error {
		return w.both(func(s *side) error { return s.runStreams(ctx) })
	}}
}

// runConnect has a worker copy a file to a topic and the topic to another file, in two runs.
func (s *side) runConnect(ctx context.Context) error {
	if err := s.createTopic(ctx, connectTopic, nil); err != nil {
		return err
	}
	dir := filepath.Join(s.files, "connect")
	name := func(file string) string { return filepath.Join(dir, file) }
	free, err := node.FreeAddresses(1)
	if err != nil {
		return err
	}
	err = errors.Join(
		os.MkdirAll(dir, 0o755),
		os.WriteFile(name("worker.properties"),
			fmt.Appendf(nil, workerProperties, s.address, name("offsets"), free[0]), 0o644),
		os.WriteFile(name("source.properties"), fmt.Appendf(nil, sourceProperties, name("in.txt")), 0o644),
		os.WriteFile(name("sink.properties"), fmt.Appendf(nil, sinkProperties, name("out.txt")), 0o644),
	)
	var text strings.Builder
	for round := 1; round <= 2 && err == nil; round++ {
		for i := range connectLines {
			fmt.Fprintf(&text, "line %d of round %d\n", i, round)
		}
		if err = os.WriteFile(name("in.txt"), []byte(text.String()), 0o644); err == nil {
			err = s.connectRound(ctx, dir, text.String())
		}
	}
	return err
}

// connectRound runs the worker until its sink has all lines, and stops it.
func (s *side) connectRound(ctx context.Context, dir, want string) error {
	cmd := s.apps.java.command("connect-"+s.name, "-Xmx256m", "-XX:TieredStopAtLevel=1",
		"org.apache.kafka.connect.cli.ConnectStandalone", filepath.Join(dir, "worker.properties"),
		filepath.Join(dir, "source.properties"), filepath.Join(dir, "sink.properties"))
	worker, err := startProcess(cmd)
	if err != nil {
		return err
	}
	reached := awaitFile(ctx, filepath.Join(dir, "out.txt"), want, worker.gone)
	a, err := worker.end(syscall.SIGTERM)
	if err := errors.Join(reached, err); err != nil {
		return fmt.Errorf("%w\n%s%s", err, cut(a.stdout, 2000), cut(a.stderr, 2000))
	}
	got, err := os.ReadFile(filepath.Join(dir, "out.txt"))
	if err == nil && string(got) != want {
		err = fmt.Errorf("the sink's file is not the source's: %w", diff(string(got), want))
	}
	return err
}

// awaitFile waits until a file is as long as it should be.
func awaitFile(ctx context.Context, file, want string, gone chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		got, err := os.ReadFile(file)
		if err == nil && len(got) >= len(want) {
			return nil
		}
		select {
		case <-gone:
			return fmt.Errorf("the worker ended when the sink had %d bytes of %d", len(got), len(want))
		case <-ctx.Done():
			return fmt.Errorf("got %d bytes in the sink's file, expected %d: %w", len(got), len(want), ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// poem is what is counted, a line in each round for each time that it is said.
const poem = "the quick brown fox jumps over the lazy dog and the dog does not mind the fox"

// runStreams counts words in two runs. The second one finds no state on the disk: it has the counts from the broker.
func (s *side) runStreams(ctx context.Context) error {
	admin := kadm.NewClient(s.client)
	if _, err := admin.CreateTopic(ctx, 2, 1, nil, wordsTopic); err != nil {
		return fmt.Errorf("create topic %s: %w", wordsTopic, err)
	}
	if err := s.createTopic(ctx, countsTopic, nil); err != nil {
		return err
	}
	state := filepath.Join(s.files, "streams")
	for range 2 {
		words := 0
		for i := range 20 {
			r := &kgo.Record{Topic: wordsTopic, Partition: int32(i % 2), Value: []byte(poem)}
			if err := s.manual(ctx, r); err != nil {
				return err
			}
			words += len(strings.Fields(poem))
		}
		a, err := s.apps.run(ctx, "", "WordCount", s.address, wordsApp, state, wordsTopic, countsTopic,
			fmt.Sprint(words))
		if err := failure(a, err); err != nil {
			return err
		}
		if want := fmt.Sprintf("counted %d words\n", words); a.stdout != want {
			return fmt.Errorf("got %q, expected %q", a.stdout, want)
		}
		if err := os.RemoveAll(state); err != nil {
			return err
		}
	}
	return nil
}

// manual produces a record to the partition that it names.
func (s *side) manual(ctx context.Context, r *kgo.Record) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(s.address), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return err
	}
	defer client.Close()
	return client.ProduceSync(ctx, r).FirstErr()
}
