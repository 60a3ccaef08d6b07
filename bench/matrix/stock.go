//go:build linux

package matrix

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gregor-log/gregor/bench/load"
	"github.com/gregor-log/gregor/bench/peer"
	"github.com/gregor-log/gregor/bench/result"
)

// Tools are what rows need that not every machine has.
type Tools struct {
	// Uncache has the kernel forget what it holds of the files on a folder's disk; nil is this machine's way, for which
	// one must be root.
	Uncache func(dir string) error
	// Client is this program as a client with franz-go; what it is to do follows as arguments.
	Client []string
	// Java is the program that runs Kafka's own client, "java" if it is empty, and Libs the folder of Kafka's jars.
	Java, Libs string
}

// ErrTools reports that what a row needs is not there.
var ErrTools = errors.New("not what the row needs on this machine")

// stock is a row of a client as applications use it, in a process of its own: it makes the records, the batches and the
// requests, or takes them apart, so the figure is that of client and broker together. No raw loop speaks enough of the
// protocol for such a client.
type stock struct {
	java   bool
	record int // size of a value in bytes
	// records is how many Kafka's own producer sends; franz-go's sends as many as it can in a window.
	records int64
	// fetches says that it consumes what is there.
	fetches bool
	tools   Tools
}

const (
	stockParts  = 4
	stockWarm   = 500 * time.Millisecond
	stockWindow = 2 * time.Second
	stockRounds = 3 // Kafka's tools take seconds to start and to join a group
	// stockWarmUp is the part of the records of Kafka's own producer that its figure leaves out.
	stockWarmUp = 4
)

func stockRows() []*Row {
	const small, large = 100, 1000 // sizes of a record
	const fewer, more = 500_000, 2_000_000
	return []*Row{
		stockProduceRow("stock-franz-produce", "produce records of 1 KB with franz-go as applications use it",
			&stock{record: large}),
		stockProduceRow("stock-franz-produce-100b", "the same with records of 100 B", &stock{record: small}),
		stockFetchRow("stock-franz-fetch", "consume a topic from its start with franz-go as applications use it",
			&stock{record: fetchRecord, fetches: true}),
		stockProduceRow("stock-java-produce", "produce records of 1 KB with Kafka's own ProducerPerformance",
			&stock{java: true, record: large, records: fewer}),
		stockProduceRow("stock-java-produce-100b", "the same with records of 100 B",
			&stock{java: true, record: small, records: more}),
		stockFetchRow("stock-java-fetch", "consume a topic from its start with Kafka's own ConsumerPerformance",
			&stock{java: true, record: fetchRecord, fetches: true}),
	}
}

func stockProduceRow(name, what string, w *stock) *Row {
	settings := []result.Setting{
		setting("record_bytes", w.record), setting("partitions", stockParts), setting("acks", 1),
		setting("linger_ms", int(load.StockLinger.Milliseconds())), setting("batch_bytes_at_most", load.StockBatch),
		setting("in_flight", load.StockInFlight), setting("buffer_bytes", load.StockBuffer),
		{Key: "compression", Value: "none"}, {Key: "idempotence", Value: "off"},
		{Key: "latency", Value: "a record's, the wait in the client's buffer included"},
	}
	if w.java {
		settings = append(settings, setting("records", int(w.records)),
			setting("records_of_warm_up", int(w.records/stockWarmUp)), javaCPU)
	}
	return &Row{
		Name: name, What: what, Unit: "records_per_s", Durability: "page-cache", work: w, MostRounds: stockRounds,
		Settings: settings,
		Aims:     []result.Aim{{Against: "kafka", AtLeast: 1}},
	}
}

func stockFetchRow(name, what string, w *stock) *Row {
	settings := []result.Setting{
		setting("record_bytes", w.record), setting("batch_bytes", stockBatches.batch),
		setting("log_bytes", fetchLog), setting("partitions", 1),
	}
	if w.java {
		settings = append(settings, result.Setting{Key: "time", Value: "without that of joining the group"}, javaCPU)
	}
	return &Row{
		Name: name, What: what, Unit: "mb_per_s", work: w, MostRounds: stockRounds, Settings: settings,
		Aims: []result.Aim{{Against: "kafka", AtLeast: 1}},
	}
}

// javaCPU says what is known of the processor time where a tool does not tell when its window begins.
var javaCPU = result.Setting{Key: "processor time", Value: "of the whole process, the JVM's start included"}

// stockBatches are what the topics to consume are filled with.
var stockBatches = &fetch{batch: 64 << 10}

// Lacks returns what the row needs and the machine does not have, nil if it can be measured.
func (r *Row) Lacks(t Tools) error {
	if _, cold := r.work.(*catchUp); cold && t.Uncache == nil {
		if err := unix.Access(dropFile, unix.W_OK); err != nil {
			return fmt.Errorf("%w: only root may drop the page cache: %s: %w", ErrTools, dropFile, err)
		}
	}
	w, ok := r.work.(*stock)
	switch {
	case !ok:
		return nil
	case !w.java && len(t.Client) == 0:
		return fmt.Errorf("%w: got no program of the client with franz-go", ErrTools)
	case !w.java:
		return nil
	case t.Libs == "":
		return fmt.Errorf("%w: got no folder of Kafka's jars, expected --kafka-libs or KAFKA_LIBS", ErrTools)
	}
	if jars, err := filepath.Glob(filepath.Join(t.Libs, "kafka-tools-[0-9]*.jar")); err != nil || len(jars) == 0 {
		return errors.Join(fmt.Errorf("%w: got no kafka-tools in %s", ErrTools, t.Libs), err)
	}
	if _, err := exec.LookPath(t.java()); err != nil {
		return fmt.Errorf("%w: got no Java: %w", ErrTools, err)
	}
	return nil
}

// adapt takes the tools.
func (w *stock) adapt(o *Options) ([]result.Setting, error) {
	w.tools = o.Tools
	return nil, nil
}

func (t Tools) java() string {
	if t.Java == "" {
		return "java"
	}
	return t.Java
}

var _ workload = (*stock)(nil)

func (w *stock) loop(string) ([]string, error) { return nil, nil }

func (w *stock) fresh() bool { return !w.fetches }

func (w *stock) window() load.Window { return load.Window{Warm: stockWarm, For: stockWindow} }

func (w *stock) figure(r *load.Result) float64 {
	switch {
	case r.StatedRate > 0:
		return r.StatedRate
	case w.fetches:
		return r.MBPerSecond()
	}
	return r.RecordsPerSecond()
}

func (w *stock) open(ctx context.Context, i *peer.Instance, _ bool) (subject, error) {
	partitions := int32(stockParts)
	if w.fetches {
		partitions = 1
	}
	t, err := newTopic(ctx, i, false, partitions, nil)
	if err != nil {
		return nil, err
	}
	s := &stocked{work: w, address: i.Address, topic: t}
	if w.fetches {
		b, err := stockBatches.newBatch()
		if err == nil {
			err = fill(ctx, i.Address, t, b, fetchLog/stockBatches.batch)
		}
		if err != nil {
			return nil, errors.Join(err, t.drop())
		}
		s.records = int64(b.Records) * int64(fetchLog/stockBatches.batch)
	}
	return s, nil
}

// stocked is a side with a topic.
type stocked struct {
	work    *stock
	address string
	topic   *topic
	records int64 // that are there to consume
}

func (s *stocked) sample(ctx context.Context, over load.Window) (load.Result, error) {
	sample := s.franz
	if s.work.java {
		sample = s.java
	}
	r, err := sample(ctx, over)
	if err != nil || s.work.fetches {
		return r, err
	}
	_, err = s.topic.checkEnds(stockParts, r.All)
	return r, err
}

func (s *stocked) close() error { return s.topic.drop() }
