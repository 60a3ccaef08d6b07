package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// franzCodecs are franz-go's codecs by name.
var franzCodecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

// franzChecks check franz-go, which this program links: producing with and without idempotence, and consuming assigned
// partitions from everywhere.
func (w *world) franzChecks() []check {
	what := "produce with and without idempotence, every codec, acks 0, 1 and all, times of the client's own"
	roundTrips := func(ctx context.Context) error {
		var errs []error
		for _, codec := range codecs {
			for _, mode := range []string{"idempotent", "all", "leader", "none"} {
				topic := "franz-" + mode + "-" + codec
				if err := w.gregor.franzRoundTrip(ctx, topic, codec, mode); err != nil {
					errs = append(errs, fmt.Errorf("%s: %w", topic, err))
				}
			}
		}
		return errors.Join(errs...)
	}
	offsets := "consume assigned partitions from the start, the end, an offset, before the end, a time, out of range"
	return []check{
		{client: "franz-go", what: what, body: roundTrips},
		{client: "franz-go", what: offsets, body: w.checkFranzOffsets},
	}
}

// franzRoundTrip produces and reads back.
func (s *side) franzRoundTrip(ctx context.Context, topic, codec, mode string) error {
	if err := s.createTopic(ctx, topic, map[string]*string{"retention.ms": ptr("-1")}); err != nil {
		return err
	}
	all := plainRecords(codec)
	for i := range all {
		all[i].Time = epochMs + int64(i)
	}
	options := map[string][]kgo.Opt{
		"idempotent": nil,
		"all":        {kgo.DisableIdempotentWrite()},
		"leader":     {kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.LeaderAck())},
		"none":       {kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.NoAck())},
	}
	if err := s.franzSend(ctx, topic, codec, all, options[mode]...); err != nil {
		return err
	}
	got, err := s.franzRead(ctx, topic, kgo.NewOffset().AtStart(), len(all))
	if err != nil {
		return err
	}
	return sameRecords(got, all)
}

// franzProduce produces with idempotence, as is the default.
func franzProduce(ctx context.Context, s *side, topic, codec string, all []record) error {
	return s.franzSend(ctx, topic, codec, all)
}

func (s *side) franzSend(ctx context.Context, topic, codec string, all []record, options ...kgo.Opt) error {
	client, err := kgo.NewClient(append(options, kgo.SeedBrokers(s.address), kgo.DefaultProduceTopic(topic),
		kgo.ProducerBatchCompression(franzCodecs[codec]), kgo.ProducerBatchMaxBytes(8000))...)
	if err != nil {
		return err
	}
	defer client.Close()
	var records []*kgo.Record
	for _, r := range all {
		k := &kgo.Record{Key: bytesOf(r.Key), Value: bytesOf(r.Value)}
		if r.Time != 0 {
			k.Timestamp = time.UnixMilli(r.Time)
		}
		for _, h := range r.Headers {
			k.Headers = append(k.Headers, kgo.RecordHeader{Key: h[0], Value: []byte(h[1])})
		}
		records = append(records, k)
	}
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("produce: %w", err)
	}
	return nil
}

// franzRead consumes n records of partition 0 from an offset.
func (s *side) franzRead(ctx context.Context, topic string, from kgo.Offset, n int) ([]record, error) {
	ctx, cancel := context.WithTimeout(ctx, patience/4)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(s.address),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: from}}))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	var found []record
	for len(found) < n {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return found, fmt.Errorf("after %d of %d records: %w", len(found), n, err)
		}
		fetches.EachRecord(func(k *kgo.Record) { found = append(found, fromFranz(k)) })
	}
	return found, nil
}

func fromFranz(k *kgo.Record) record {
	r := record{Partition: k.Partition, Offset: k.Offset, Time: k.Timestamp.UnixMilli()}
	if k.Key != nil {
		r.Key = ptr(string(k.Key))
	}
	if k.Value != nil {
		r.Value = ptr(string(k.Value))
	}
	for _, h := range k.Headers {
		r.Headers = append(r.Headers, [2]string{h.Key, string(h.Value)})
	}
	return r
}

// checkFranzOffsets reads records a second apart from several offsets, which both brokers must take for the same.
func (w *world) checkFranzOffsets(ctx context.Context) error {
	sp := spec{name: "franz-offsets", records: 10, step: 1000}
	err := w.both(func(s *side) error {
		if err := s.createTopic(ctx, sp.name, map[string]*string{"retention.ms": ptr("-1")}); err != nil {
			return err
		}
		for i := range 10 {
			b, err := sp.build(i)
			if err != nil {
				return err
			}
			if _, err := s.produce(ctx, sp.name, 0, b); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	all := sp.expected(10)
	at := kgo.NewOffset
	var errs []error
	for _, c := range []struct {
		name  string
		from  kgo.Offset
		first int
	}{
		{"the start", at().AtStart(), 0},
		{"offset 37", at().At(37), 37},
		{"3 after the start", at().AtStart().Relative(3), 3},
		{"5 before the end", at().AtEnd().Relative(-5), 95},
		{"a record's time", at().AfterMilli(epochMs + 42_000), 42},
		{"a time between records", at().AfterMilli(epochMs + 42_001), 43},
		{"a time before all", at().AfterMilli(0), 0},
		{"beyond the end, reset to the start", at().At(1000), 0},
	} {
		err := w.both(func(s *side) error {
			got, err := s.franzRead(ctx, sp.name, c.from, len(all)-c.first)
			if err != nil {
				return err
			}
			return sameRecords(got, all[c.first:])
		})
		if err != nil {
			errs = append(errs, fmt.Errorf("from %s: %w", c.name, err))
		}
	}
	return errors.Join(errs...)
}
