package fuzz

import (
	"fmt"

	gofuzz "github.com/google/gofuzz"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/core/batch"
)

// filler fills requests from the fuzzer's bytes. What it draws exists in the world about half the time.
type filler struct {
	*gofuzz.Fuzzer
	world *world
}

func newFiller(data []byte, w *world) *filler {
	f := &filler{Fuzzer: gofuzz.NewFromGoFuzz(data).NilChance(0.1).NumElements(0, 3), world: w}
	f.Funcs(
		func(s *string, c gofuzz.Continue) { *s = text(c) },
		func(n *int8, c gofuzz.Continue) {
			*n = pick(c, -1, 0, 1, 2, 3, 4, 8, 16, 32, -128, 127, int8(c.Intn(256)-128))
		},
		func(n *int16, c gofuzz.Continue) { *n = pick(c, -1, 0, 1, 2, -1<<15, 1<<15-1, int16(c.Uint32())) },
		func(n *int32, c gofuzz.Continue) {
			*n = pick(c, -1, 0, 1, 2, 3, 1000, -1<<31, 1<<31-1, int32(c.Uint32()))
		},
		func(n *int64, c gofuzz.Continue) { *n = offset(c) },
		f.id, f.records, f.tags,
		func(x *kmsg.CreateTopicsRequestTopic, c gofuzz.Continue) {
			c.FuzzNoCustom(x)
			x.NumPartitions = pick[int32](c, -1, 0, 1, 2, 7, -5, 10_001, 1<<31-1)
			x.ReplicationFactor = pick[int16](c, -1, 0, 1, 1, 2)
		},
		func(x *kmsg.CreatePartitionsRequestTopic, c gofuzz.Continue) {
			c.FuzzNoCustom(x)
			x.Count = pick[int32](c, -1, 0, 1, 2, 3, 4, 5, 10_003, 1<<31-1)
		},
		func(x *kmsg.FetchRequest, c gofuzz.Continue) {
			c.FuzzNoCustom(x)
			x.MaxWaitMillis = pick[int32](c, -1, 0, 1, 100, 5000, -1<<31)
			x.MinBytes = pick[int32](c, -1, 0, 1, 100, 1<<31-1)
			x.MaxBytes = pick[int32](c, -1, 0, 1, 1000, 1<<20, 1<<31-1)
			x.SessionID, x.SessionEpoch = pick[int32](c, 0, 0, 0, 1, -1), pick[int32](c, -1, -1, 0, 1, 1<<31-1)
		},
		func(x *kmsg.FetchRequestTopicPartition, c gofuzz.Continue) {
			c.FuzzNoCustom(x)
			if c.Intn(4) > 0 { // something that can be answered with records
				x.Partition, x.CurrentLeaderEpoch, x.LastFetchedEpoch = int32(c.Intn(3)), -1, -1
				x.FetchOffset, x.PartitionMaxBytes = int64(c.Intn(inWorld+1)), 1<<20
			}
		},
		func(x *kmsg.ListOffsetsRequestTopicPartition, c gofuzz.Continue) {
			c.FuzzNoCustom(x)
			if c.Intn(4) > 0 {
				x.Partition, x.CurrentLeaderEpoch = int32(c.Intn(3)), -1
			}
		},
		func(x *kmsg.ProduceRequestTopicPartition, c gofuzz.Continue) {
			c.FuzzNoCustom(x)
			x.Partition = int32(c.Intn(3))
		},
		func(x *kmsg.ProduceRequest, c gofuzz.Continue) {
			c.FuzzNoCustom(x)
			x.Acks, x.TimeoutMillis = pick[int16](c, -1, -1, 1, 1, 0, 2, -7), pick[int32](c, -1, 0, 1000, 5000, -1<<31)
			if c.Intn(4) > 0 {
				x.TransactionID = nil
			}
		},
	)
	return f
}

func pick[T any](c gofuzz.Continue, from ...T) T {
	return from[c.Intn(len(from))]
}

// words are names and values with a meaning: topics, client ids, configuration.
var words = []string{
	topicName, topicName, topicName, compactName, trustingName, trustingName, "new", "", ".", "__cluster_metadata",
	"__consumer_offsets", "a b", "1", "0",
	"-1", "data", "group", "gregor", "retention.ms", "cleanup.policy", "compact", "delete", "compact,delete",
	"compression.type", "zstd", "max.message.bytes", "100", "segment.bytes", "min.insync.replicas", "log.retention.ms",
	"message.timestamp.type", "LogAppendTime", "nonsense.config", "flush.messages", "num.io.threads", "é", "\x00",
	"\xff",
}

func text(c gofuzz.Continue) string {
	if c.Intn(20) == 0 {
		return c.RandString()
	}
	return pick(c, words...)
}

func offset(c gofuzz.Continue) int64 {
	return pick(c, 0, 1, 3, inWorld-1, inWorld, inWorld+1, -1, -2, -3, -4, -5, -6, 1000, epoch, epoch+7, -1<<63,
		1<<63-1, int64(c.Uint64()))
}

// id makes a topic id: one that exists, none, or any.
func (f *filler) id(id *[16]byte, c gofuzz.Continue) {
	switch c.Intn(4) {
	case 0:
		*id = [16]byte{}
	case 1:
		_, _ = c.Read(id[:]) // a source of chance does not fail
	default:
		*id = f.world.topicID
	}
}

// tags gives a structure few fields that nobody knows.
func (f *filler) tags(t *kmsg.Tags, c gofuzz.Continue) {
	*t = kmsg.Tags{}
	if c.Intn(8) == 0 {
		t.Set(1000+uint32(c.Intn(3)), []byte(text(c)))
	}
}

// records makes the bytes of a produce request: mostly a batch, sometimes with a damaged byte or end.
func (f *filler) records(p *[]byte, c gofuzz.Continue) {
	if c.Intn(8) == 0 {
		*p = fmt.Append(nil, text(c))
		return
	}
	b := sample(batch.Codec(c.Intn(5)), c.Intn(40), 1+c.Intn(4))
	switch c.Intn(6) {
	case 0:
		b[c.Intn(len(b))] ^= 1 << c.Intn(8)
	case 1: // what the CRC vouches for is wrong
		b[21+c.Intn(len(b)-21)] ^= 1 << c.Intn(8)
		b.UpdateCRC()
	case 2:
		b = b[:c.Intn(len(b))]
	}
	*p = b
}
