package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
)

// epochMs is the time of the first record of what is made here: old enough for masks to leave alone.
const epochMs = 1_700_000_000_000

// recentMs is the time of the first record where times have to be recent.
var recentMs = time.Now().Add(-time.Hour).UnixMilli()

// spec is a topic of one partition that is filled with batches of known bytes.
type spec struct {
	name string
	// configs are added to those of all such topics.
	configs map[string]string
	codec   batch.Codec
	// batches and records are how many, and how many in each batch.
	batches, records int
	// step is the time between records, in milliseconds.
	step int64
	// producers is how many idempotent producers take turns; 0 for plain batches.
	producers int
	// stamped says that the broker sets the times, and squeezed that it compresses anew: then two brokers' files are
	// not the same, nor, for stamped, the times of records.
	stamped, squeezed bool
	// recent says that records have times of today: producers that wrote nothing for a day are forgotten.
	recent bool
	// whole says that all batches come at once, before the first stop: Apache Kafka does not recover a segment that it
	// went on with after a start if it fills its indexes to the last entry.
	whole bool
	// start is what DeleteRecords makes the first offset.
	start int64
}

// until returns how many batches there are when so many of the other topics' are left.
func (sp spec) until(left int) int {
	if sp.whole {
		return sp.batches
	}
	return sp.batches - left
}

// common are the configurations of all of them: small segments, indexes with many entries, nothing expires.
var common = map[string]string{
	"internal.segment.bytes": "8192", "index.interval.bytes": "512", "segment.index.bytes": "65536",
	"retention.ms": "-1", "file.delete.delay.ms": "0",
}

// specs are the topics that directories are made of.
var specs = []spec{
	{name: "none", codec: batch.None, batches: 40, records: 8, step: 7},
	{name: "gzip", codec: batch.Gzip, batches: 60, records: 12, step: 7},
	{name: "snappy", codec: batch.Snappy, batches: 60, records: 12, step: 7},
	{name: "lz4", codec: batch.LZ4, batches: 60, records: 12, step: 7},
	{name: "zstd", codec: batch.Zstd, batches: 60, records: 12, step: 7},
	{name: "idempotent", codec: batch.LZ4, batches: 60, records: 9, step: 7, producers: 3, recent: true},
	{name: "backwards", codec: batch.None, batches: 40, records: 5, step: -11},
	{
		name: "rolled-by-time", codec: batch.None, batches: 30, records: 2, step: 5000,
		configs: map[string]string{"segment.ms": "60000"},
	},
	{
		name: "rolled-by-index", codec: batch.None, batches: 40, records: 2, step: 7,
		configs: map[string]string{"segment.index.bytes": "96", "index.interval.bytes": "0"},
		whole:   true,
	},
	{name: "deleted", codec: batch.Snappy, batches: 60, records: 10, step: 7, start: 333},
	{
		name: "append-time", codec: batch.Zstd, batches: 40, records: 6, step: 7, stamped: true,
		configs: map[string]string{"message.timestamp.type": "LogAppendTime"},
	},
	{
		name: "made-zstd", codec: batch.None, batches: 40, records: 8, step: 7, squeezed: true,
		configs: map[string]string{"compression.type": "zstd"},
	},
	{
		name: "made-plain", codec: batch.Gzip, batches: 40, records: 8, step: 7,
		configs: map[string]string{"compression.type": "uncompressed"},
	},
}

// made is the record at an offset: with and without key, value and headers.
func (sp spec) made(offset int64) record {
	r := record{Offset: offset, Time: epochMs + offset*sp.step}
	if sp.recent {
		r.Time = recentMs + offset*sp.step
	}
	if offset%7 != 3 {
		r.Key = ptr(fmt.Sprintf("key %d of %s", offset, sp.name))
	}
	if offset%11 != 5 {
		r.Value = ptr(strings.Repeat(fmt.Sprintf("%s %d é ", sp.name, offset*offset), int(offset%9)))
	}
	if offset%5 == 2 {
		r.Headers = [][2]string{{"a", fmt.Sprint(offset)}, {"empty", ""}}
	}
	return r
}

// expected are the records of the first n batches, those that DeleteRecords took away left out.
func (sp spec) expected(batches int) []record {
	var all []record
	for o := sp.start; o < int64(batches*sp.records); o++ {
		all = append(all, sp.made(o))
	}
	return all
}

func ptr(text string) *string { return &text }

// bytes returns a text's bytes; nil for a null.
func bytesOf(text *string) []byte {
	if text == nil {
		return nil
	}
	return []byte(*text)
}

// build makes the batch at an index.
func (sp spec) build(index int) (batch.Batch, error) {
	o := batch.NewOptions()
	o.Codec = sp.codec
	if sp.producers > 0 {
		who, turn := index%sp.producers, index/sp.producers
		o.ProducerID, o.ProducerEpoch = base.ProducerID(5000+who), base.ProducerEpoch(who)
		// The first producer's sequence numbers run over the end of their range.
		first := int32(0)
		if who == 0 {
			first = 1<<31 - 50
		}
		o.BaseSequence = batch.AddSequence(first, int32(turn*sp.records))
	}
	var b batch.Builder
	b.Reset(o)
	for i := range sp.records {
		r := sp.made(int64(index*sp.records + i))
		var headers []batch.Header
		for _, h := range r.Headers {
			headers = append(headers, batch.Header{Key: h[0], Value: []byte(h[1])})
		}
		b.Append(r.Time, bytesOf(r.Key), bytesOf(r.Value), headers...)
	}
	return b.Build()
}

// createTopic creates a topic of one partition for each spec, on the broker.
func (s *side) createTopics(ctx context.Context, prefix string) error {
	for _, sp := range specs {
		configs := make(map[string]*string)
		for name, value := range common {
			configs[name] = &value
		}
		for name, value := range sp.configs {
			configs[name] = &value
		}
		admin := kadm.NewClient(s.client)
		if _, err := admin.CreateTopic(ctx, 1, 1, maps.Clone(configs), prefix+sp.name); err != nil {
			return fmt.Errorf("create topic %s%s: %w", prefix, sp.name, err)
		}
	}
	return nil
}

// everything is how many batches are left before the first one of any topic.
const everything = 1 << 10

// fill produces batches of each spec, from where so many of them were left to where so many are.
func (s *side) fill(ctx context.Context, prefix string, from, to int) error {
	for _, sp := range specs {
		first := 0
		if from != everything {
			first = sp.until(from)
		}
		for i := first; i < sp.until(to); i++ {
			b, err := sp.build(i)
			if err != nil {
				return err
			}
			offset, err := s.produce(ctx, prefix+sp.name, 0, b)
			if err != nil {
				return fmt.Errorf("%s%s: %w", prefix, sp.name, err)
			}
			if want := int64(i * sp.records); offset != want {
				return fmt.Errorf("%s%s: got base offset %d, expected %d", prefix, sp.name, offset, want)
			}
		}
	}
	return nil
}

// produce sends one batch, as it is, and returns the offset of its first record. A partition that was created a moment
// ago may have no leader yet, on Kafka: then it tries again.
func (s *side) produce(ctx context.Context, topic string, partition int32, b batch.Batch) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, patience/2)
	defer cancel()
	for {
		offset, err := s.produceOnce(ctx, topic, partition, b)
		if !kerr.IsRetriable(err) || ctx.Err() != nil {
			return offset, err
		}
		select {
		case <-ctx.Done():
			return 0, errors.Join(err, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *side) produceOnce(ctx context.Context, topic string, partition int32, b batch.Batch) (int64, error) {
	id, err := s.topicID(ctx, topic)
	if err != nil {
		return 0, err
	}
	p := kmsg.NewProduceRequestTopicPartition()
	p.Partition, p.Records = partition, b
	t := kmsg.NewProduceRequestTopic()
	t.Topic, t.TopicID, t.Partitions = topic, id, []kmsg.ProduceRequestTopicPartition{p}
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis, req.Topics = -1, 10_000, []kmsg.ProduceRequestTopic{t}
	reply, err := req.RequestWith(ctx, s.client.Broker(1))
	if err != nil {
		return 0, err
	}
	if len(reply.Topics) != 1 || len(reply.Topics[0].Partitions) != 1 {
		return 0, fmt.Errorf("got %d topics in a reply about one partition", len(reply.Topics))
	}
	got := reply.Topics[0].Partitions[0]
	if err := kerr.ErrorForCode(got.ErrorCode); err != nil {
		return 0, fmt.Errorf("produce: %w (%v)", err, got.ErrorMessage)
	}
	return got.BaseOffset, nil
}

// topicID asks for the id of a topic.
func (s *side) topicID(ctx context.Context, topic string) ([16]byte, error) {
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = &topic
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = append(req.Topics, t)
	reply, err := req.RequestWith(ctx, s.client)
	if err != nil {
		return [16]byte{}, err
	}
	if len(reply.Topics) != 1 {
		return [16]byte{}, fmt.Errorf("got %d topics in the metadata of %s", len(reply.Topics), topic)
	}
	return reply.Topics[0].TopicID, kerr.ErrorForCode(reply.Topics[0].ErrorCode)
}

// The topics that scripts read, seeded, and that groups do, grouped: partitions of a hundred records, of known times,
// with every codec.
const seeded, grouped = "seeded", "grouped"

// seed creates and fills them on both brokers, the same.
func (w *world) seed(ctx context.Context) error {
	return w.both(func(s *side) error {
		return errors.Join(s.seed(ctx, seeded, 2), s.seed(ctx, grouped, 3))
	})
}

func (s *side) seed(ctx context.Context, topic string, partitions int32) error {
	sp := spec{name: topic, records: 10, step: 1000}
	configs := map[string]*string{"retention.ms": ptr("-1")}
	if _, err := kadm.NewClient(s.client).CreateTopic(ctx, partitions, 1, configs, topic); err != nil {
		return fmt.Errorf("create topic %s: %w", topic, err)
	}
	for i := range 10 {
		for p := range partitions {
			sp.codec = batch.Codec((i + int(p)) % 5)
			b, err := sp.build(i)
			if err != nil {
				return err
			}
			if _, err := s.produce(ctx, topic, p, b); err != nil {
				return fmt.Errorf("%s: %w", topic, err)
			}
		}
	}
	return nil
}
