package broker

import (
	"fmt"
	"io"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/config"
)

// This file makes the requests that most tests need.

// kv is one property of the broker's configuration.
func kv(name, value string) config.KV {
	return config.KV{Name: name, Value: value}
}

// create makes a topic with configs in pairs and returns its id.
func (h *harness) create(name string, partitions int, configs ...string) [16]byte {
	h.Helper()
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = name, int32(partitions), 1
	for i := 0; i < len(configs); i += 2 {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = configs[i], &configs[i+1]
		t.Configs = append(t.Configs, c)
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Topics = append(req.Topics, t)
	made := ask[*kmsg.CreateTopicsResponse](h, 7, req).Topics[0]
	if made.ErrorCode != 0 {
		h.Fatalf("create %s: got error %d: %v", name, made.ErrorCode, *made.ErrorMessage)
	}
	return made.TopicID
}

// drop deletes a topic.
func (h *harness) drop(name string) {
	h.Helper()
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TopicNames = []string{name}
	if t := ask[*kmsg.DeleteTopicsResponse](h, 5, req).Topics[0]; t.ErrorCode != 0 {
		h.Fatalf("delete %s: got error %d", name, t.ErrorCode)
	}
}

// recipe says how a batch is made.
type recipe struct {
	values     []string
	keys       []string
	timestamps []int64 // the last one holds for all that follow; the harness's epoch if none
	codec      batch.Codec
	producer   base.ProducerID // 0 stands for none
	epoch      base.ProducerEpoch
	sequence   int32
	txn        bool
	patch      func(batch.Batch) // changes the header before its CRC is made
}

// values is a recipe of records without keys.
func values(v ...string) recipe {
	return recipe{values: v}
}

// numbered is a recipe of one batch of an idempotent producer.
func numbered(id base.ProducerID, epoch base.ProducerEpoch, sequence int32, v ...string) recipe {
	return recipe{values: v, producer: id, epoch: epoch, sequence: sequence}
}

func (r recipe) batch() batch.Batch {
	options := batch.NewOptions()
	options.Codec, options.Transactional = r.codec, r.txn
	if r.producer != 0 {
		options.ProducerID, options.ProducerEpoch, options.BaseSequence = r.producer, r.epoch, r.sequence
	}
	var b batch.Builder
	b.Reset(options)
	ts := int64(epoch)
	for i, v := range r.values {
		if i < len(r.timestamps) {
			ts = r.timestamps[i]
		}
		var key []byte
		if i < len(r.keys) {
			key = []byte(r.keys[i])
		}
		b.Append(ts, key, []byte(v))
	}
	built, err := b.Build()
	if err != nil {
		panic(err)
	}
	made := append(batch.Batch(nil), built...)
	if r.patch != nil {
		r.patch(made)
		made.UpdateCRC()
	}
	return made
}

// part is one partition's record set of a produce request.
type part struct {
	topic   string
	id      [16]byte
	index   int32
	records []byte
}

// produceOf makes a produce request of parts; those that follow each other with one topic share it.
func produceOf(version, acks int16, parts ...part) *kmsg.ProduceRequest {
	req := kmsg.NewPtrProduceRequest()
	req.Version, req.Acks, req.TimeoutMillis = version, acks, 1000
	for _, p := range parts {
		n := len(req.Topics)
		if n == 0 || req.Topics[n-1].Topic != p.topic || req.Topics[n-1].TopicID != p.id {
			t := kmsg.NewProduceRequestTopic()
			t.Topic, t.TopicID = p.topic, p.id
			req.Topics = append(req.Topics, t)
			n++
		}
		x := kmsg.NewProduceRequestTopicPartition()
		x.Partition, x.Records = p.index, p.records
		req.Topics[n-1].Partitions = append(req.Topics[n-1].Partitions, x)
	}
	return req
}

// produce appends one batch to a partition by name and returns its result.
func (h *harness) produce(topic string, index int32, r recipe) kmsg.ProduceResponseTopicPartition {
	h.Helper()
	req := produceOf(9, 1, part{topic: topic, index: index, records: r.batch()})
	return ask[*kmsg.ProduceResponse](h, 9, req).Topics[0].Partitions[0]
}

// mustProduce is produce without an error.
func (h *harness) mustProduce(topic string, index int32, r recipe) base.Offset {
	h.Helper()
	p := h.produce(topic, index, r)
	if p.ErrorCode != 0 {
		h.Fatalf("produce to %s-%d: got error %d: %v", topic, index, p.ErrorCode, text(p.ErrorMessage))
	}
	return base.Offset(p.BaseOffset)
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// want is one partition of a fetch request.
type want struct {
	topic  string
	id     [16]byte
	index  int32
	offset int64
	max    int32 // 0 stands for a megabyte
}

// fetchOf makes a fetch request without a session that does not wait.
func fetchOf(version int16, wants ...want) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.Version, req.MaxBytes, req.MinBytes, req.SessionEpoch = version, 1<<26, 1, -1
	for _, w := range wants {
		n := len(req.Topics)
		if n == 0 || req.Topics[n-1].Topic != w.topic || req.Topics[n-1].TopicID != w.id {
			t := kmsg.NewFetchRequestTopic()
			t.Topic, t.TopicID = w.topic, w.id
			req.Topics = append(req.Topics, t)
			n++
		}
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.FetchOffset, p.PartitionMaxBytes = w.index, w.offset, w.max
		if w.max == 0 {
			p.PartitionMaxBytes = 1 << 20
		}
		req.Topics[n-1].Partitions = append(req.Topics[n-1].Partitions, p)
	}
	return req
}

// fetch fetches from one partition by name.
func (h *harness) fetch(topic string, index int32, offset int64) kmsg.FetchResponseTopicPartition {
	h.Helper()
	res := ask[*kmsg.FetchResponse](h, 12, fetchOf(12, want{topic: topic, index: index, offset: offset}))
	return res.Topics[0].Partitions[0]
}

// recordsOf decodes the record batches of a fetched partition: "offset=value", "offset=key:value" with a key. Half a
// batch at the end is told as "...".
func recordsOf(raw []byte) []string {
	var found []string
	for len(raw) > 0 {
		b, rest, err := batch.Parse(raw)
		if err != nil {
			return append(found, "...")
		}
		raw = rest
		it := b.Records(batch.DefaultMaxInflated)
		for it.Next() {
			r := it.Record()
			if r.Key == nil {
				found = append(found, fmt.Sprintf("%d=%s", r.Offset, r.Value))
			} else {
				found = append(found, fmt.Sprintf("%d=%s:%s", r.Offset, r.Key, r.Value))
			}
		}
		if err := it.Err(); err != nil {
			panic(err)
		}
		it.Close()
	}
	return found
}

// content returns all records of a partition, as the log holds them.
func (h *harness) content(topic string, index int32) []string {
	h.Helper()
	log := h.b.topics.partition(topic, index).log
	found, err := log.Read(log.Start(), 1<<40, log.End(), true)
	if err != nil {
		h.Fatal(err)
	}
	defer found.Span.Release()
	raw := make([]byte, found.Span.Length)
	if len(raw) == 0 {
		return nil
	}
	if _, err := found.Span.File.ReadAt(raw, found.Span.Offset); err != nil && err != io.EOF {
		h.Fatal(err)
	}
	return recordsOf(raw)
}
