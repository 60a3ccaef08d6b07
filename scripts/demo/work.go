package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/bench/study"
	"github.com/gregor-log/gregor/consistency/history"
	"github.com/gregor-log/gregor/core/segment"
	"github.com/gregor-log/gregor/scripts/internal/chronicle"
	"github.com/gregor-log/gregor/scripts/internal/node"
)

// segmentBytes is the size of the topics' segments, so that a log has several.
const segmentBytes = 4 << 20

// manyLines is an input that takes long enough for every kill to strike in the middle of its load.
const manyLines = 100_000

// work runs the broker: both loads with their kills, both readings, and the consumer groups.
func (d *demo) work(ctx context.Context) error {
	dir, err := os.MkdirTemp(d.out, "data-*")
	if err != nil {
		return err
	}
	if d.broker, err = node.New(ctx, d.bin, dir, map[string]string{
		"auto.create.topics.enable": "false", "group.initial.rebalance.delay.ms": "500",
	}); err != nil {
		return err
	}
	defer func() { _ = d.broker.Close() }()
	s := d.say.begin("start the broker", -1)
	ready, err := d.broker.Start()
	if err != nil {
		return err
	}
	s.end("ready after %.0f ms", float64(ready)/1e6)
	d.book, err = chronicle.New(chronicle.NewClock(), d.path(historyName), history.Header{
		Source: "real", Class: "page-cache", Nodes: []base.NodeID{nodeID}, Build: d.found.version,
	})
	if err != nil {
		return err
	}
	if err := d.transfer(ctx); err != nil {
		_ = d.broker.Kill() // what failed says more
		return err
	}
	began := time.Now()
	if err := d.broker.Stop(); err != nil {
		return err
	}
	d.found.shutdown = time.Since(began)
	return d.book.Close()
}

// transfer loads and reads back.
func (d *demo) transfer(ctx context.Context) error {
	d.found.loads = []*load{
		{index: 0, topic: "lines", codec: kgo.NoCompression(), codecName: "uncompressed", partitions: d.partitions},
		{index: 1, topic: "lines-zstd", codec: kgo.ZstdCompression(), codecName: "zstd", partitions: d.partitions},
	}
	if err := d.createTopics(ctx); err != nil {
		return err
	}
	for _, l := range d.found.loads {
		s := d.say.begin("load "+l.codecName, d.input.lines)
		if err := d.load(ctx, l, s.set); err != nil {
			return fmt.Errorf("load %s: %w", l.topic, err)
		}
		if len(l.kills) < d.kills && d.input.lines >= manyLines {
			d.fail("load", "%s: the broker was killed %d times, expected %d", l.topic, len(l.kills), d.kills)
		}
		s.end("%.0f lines a second, %.1f MB/s, %d kills", float64(l.lines.Load())/l.took.Seconds(),
			float64(l.bytes.Load())/1e6/l.took.Seconds(), len(l.kills))
	}
	for _, l := range d.found.loads {
		s := d.say.begin("read "+l.codecName, d.input.lines)
		r, err := d.readBack(ctx, l, s.set)
		if err != nil {
			return fmt.Errorf("read %s: %w", l.topic, err)
		}
		d.found.readings = append(d.found.readings, r)
		for _, each := range r.differences {
			d.fail("difference", "%s", each)
		}
		if more := r.found - len(r.differences); more > 0 {
			d.fail("difference", "%s: %d more", l.topic, more)
		}
		stored, err := storedBytes(d.broker.Data, l)
		if err != nil {
			return err
		}
		d.found.stored = append(d.found.stored, stored)
		s.end("%d of %d files as they were, %d differences", r.same, len(d.input.files), r.found)
	}
	return d.listen(ctx)
}

// listen has consumer groups read everything.
func (d *demo) listen(ctx context.Context) error {
	s := d.say.begin("consumer groups", 3*d.input.lines)
	if err := d.groups(ctx, s.set); err != nil {
		return fmt.Errorf("consumer groups: %w", err)
	}
	a := d.found.audience
	failures, n := a.book.Failures()
	for _, f := range failures {
		d.fail("groups", "%s", f)
	}
	if more := n - len(failures); more > 0 {
		d.fail("groups", "%d more", more)
	}
	if a.mu.err != nil {
		d.fail("groups", "%v", a.mu.err)
	}
	s.end("%s", a.summary())
	return nil
}

// createTopics makes both topics. Their limit of a batch is raised where a line needs it.
func (d *demo) createTopics(ctx context.Context) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(d.broker.Address))
	if err != nil {
		return err
	}
	defer client.Close()
	configs := map[string]*string{
		"segment.bytes": kadm.StringPtr(strconv.Itoa(max(segmentBytes, 2*d.maxBatch()))),
	}
	if most := d.maxBatch(); most > defaultMaxMessage {
		configs["max.message.bytes"] = kadm.StringPtr(strconv.Itoa(most))
	}
	for _, l := range d.found.loads {
		made, err := kadm.NewClient(client).CreateTopic(ctx, int32(d.partitions), 1, configs, l.topic)
		if err == nil {
			err = made.Err
		}
		if err != nil {
			return fmt.Errorf("create %s: %w", l.topic, err)
		}
	}
	return nil
}

// defaultMaxMessage is Kafka's default of max.message.bytes.
const defaultMaxMessage = 1048588

// storedBytes returns the bytes of a topic's batches on disk.
func storedBytes(data string, l *load) (int64, error) {
	names, err := filepath.Glob(filepath.Join(data, l.topic+"-[0-9]*", "*"+segment.LogSuffix))
	if err != nil {
		return 0, err
	}
	sum := int64(0)
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return 0, err
		}
		sum += info.Size()
	}
	return sum, nil
}

// study measures disk against memory.
func (d *demo) study(ctx context.Context) error {
	s := d.say.begin("disk and memory", 100)
	d.found.loadAverage = "not known"
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		d.found.loadAverage = strings.Fields(string(text))[0]
	}
	figures, err := study.Run(ctx, study.Config{
		Dir: d.out, Bytes: d.studyBytes,
		Progress: func(done, total int) { s.set(int64(100 * done / total)) },
	})
	if err != nil {
		return fmt.Errorf("disk and memory: %w", err)
	}
	d.found.figures = figures
	s.end("%d figures, %d runs each", len(figures), len(figures[0].Samples))
	return nil
}
