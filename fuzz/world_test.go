package fuzz

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/vfs"
)

// world is a disk that a broker left: three topics of two partitions, the first with batches of every codec, some of an
// idempotent producer, the last one with records that are not looked at. Brokers start on clones of it.
type world struct {
	once    sync.Once
	disk    *vfs.Mem
	topicID base.UUID
	apis    []kmsg.ApiVersionsResponseApiKey
}

var shared world

const (
	topicName    = "t"
	compactName  = "c"
	trustingName = "h"
	// inWorld is how many records partition 0 of topicName has, two a batch.
	inWorld = 20
)

// get returns the world, made by the first that asks.
func (w *world) get(t testing.TB) *world {
	t.Helper()
	w.once.Do(func() { w.make(t) })
	if w.disk == nil {
		t.Fatal("no world could be made")
	}
	return w
}

func (w *world) make(t testing.TB) {
	m := start(t, vfs.NewMem(vfs.MemOptions{}), 1)
	create := kmsg.NewPtrCreateTopicsRequest()
	create.Version, create.TimeoutMillis = 7, 1000
	trusting := kmsg.CreateTopicsRequestTopicConfig{Name: "gregor.validation", Value: kmsg.StringPtr("header")}
	for _, name := range []string{topicName, compactName, trustingName} {
		topic := kmsg.NewCreateTopicsRequestTopic()
		topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, 2, 1
		if name == trustingName {
			topic.Configs = append(topic.Configs, trusting)
		}
		create.Topics = append(create.Topics, topic)
	}
	res := m.ask(create).(*kmsg.CreateTopicsResponse)
	copy(w.topicID[:], res.Topics[0].TopicID[:])
	versions := kmsg.NewPtrApiVersionsRequest()
	w.apis = m.ask(versions).(*kmsg.ApiVersionsResponse).ApiKeys
	m.ask(kmsg.NewPtrInitProducerIDRequest())
	for i := range inWorld / 2 {
		res := m.ask(produce(sample(batch.Codec(i%5), i, 2))).(*kmsg.ProduceResponse)
		if code := res.Topics[0].Partitions[0].ErrorCode; code != 0 {
			t.Fatal(kerr.ErrorForCode(code))
		}
	}
	m.end()
	w.disk = m.mem
}

// sample is a batch of n records of a codec; those of odd numbers are of producer 1, in sequence.
func sample(codec batch.Codec, number, n int) batch.Batch {
	o := batch.NewOptions()
	o.Codec = codec
	if number%2 == 1 {
		o.ProducerID, o.ProducerEpoch, o.BaseSequence = 1, 0, int32(number/2*n)
	}
	var b batch.Builder
	b.Reset(o)
	for i := range n {
		key, value := fmt.Appendf(nil, "key %d", number), bytes.Repeat([]byte{'a' + byte(i)}, 20)
		b.Append(epoch+int64(number*n+i), key, value, batch.Header{Key: "h", Value: []byte{byte(number)}})
	}
	built, err := b.Build()
	if err != nil {
		panic(err)
	}
	return slices.Clone(built)
}

// produce asks to append records to partition 0 of topicName.
func produce(records []byte) *kmsg.ProduceRequest {
	req := kmsg.NewPtrProduceRequest()
	req.Version, req.Acks, req.TimeoutMillis = 12, -1, 1000
	topic := kmsg.NewProduceRequestTopic()
	topic.Topic = topicName
	partition := kmsg.NewProduceRequestTopicPartition()
	partition.Records = records
	topic.Partitions = append(topic.Partitions, partition)
	req.Topics = append(req.Topics, topic)
	return req
}
