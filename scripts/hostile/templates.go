package main

import (
	"bytes"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/wire"
)

// The topics: the good client has one to itself, the hostile frames are about the other.
const (
	goodTopic   = "good"
	targetTopic = "target"
)

// template is a well-formed request frame, with its length, from which mutations begin.
type template struct {
	key, version int16
	frame        []byte
	// records says where the record batch of a Produce request lies in frame; 0 where there is none.
	records, recordsEnd int
}

// templates makes the requests: every advertised API in its lowest and highest served version. None of them, as it is,
// makes or deletes a topic, or changes the broker.
func templates(apis []kmsg.ApiVersionsResponseApiKey, id [16]byte) []template {
	var all []template
	for _, api := range apis {
		least := api.MinVersion
		if api.ApiKey == int16(kmsg.Produce) {
			least = 3 // lower ones are advertised alone
		}
		for _, version := range slices.Compact([]int16{least, (least + api.MaxVersion) / 2, api.MaxVersion}) {
			req := kmsg.RequestForKey(api.ApiKey)
			req.SetVersion(version)
			fill(req, id)
			all = append(all, newTemplate(req))
		}
	}
	for codec := batch.None; codec <= batch.Zstd; codec++ {
		all = append(all, newTemplate(produce(records(codec, 5, 40), id)))
	}
	return all
}

func newTemplate(req kmsg.Request) template {
	t := template{key: req.Key(), version: req.GetVersion()}
	t.frame = kmsg.NewRequestFormatter(kmsg.FormatterClientID("hostile")).AppendRequest(nil, req, 0)
	if p, ok := req.(*kmsg.ProduceRequest); ok {
		b := p.Topics[0].Partitions[0].Records
		t.records = bytes.Index(t.frame, b)
		t.recordsEnd = t.records + len(b)
	}
	return t
}

// records builds a batch of n records of a codec.
func records(codec batch.Codec, n, size int) []byte {
	o := batch.NewOptions()
	o.Codec = codec
	var b batch.Builder
	b.Reset(o)
	for range n {
		b.Append(1_700_000_000_000, []byte("key"), make([]byte, size))
	}
	built, err := b.Build()
	if err != nil {
		panic(err) // the options and sizes are ours
	}
	return slices.Clone(built)
}

func produce(records []byte, id [16]byte) *kmsg.ProduceRequest {
	req := kmsg.NewPtrProduceRequest()
	req.Version = 13
	fill(req, id)
	req.Topics[0].Partitions[0].Records = records
	return req
}

// fill gives a request content that gets far in the broker.
func fill(r kmsg.Request, id [16]byte) {
	switch req := r.(type) {
	case *kmsg.ProduceRequest:
		req.Acks, req.TimeoutMillis = -1, 1000
		p := kmsg.ProduceRequestTopicPartition{Records: records(batch.None, 3, 20)}
		req.Topics = []kmsg.ProduceRequestTopic{{
			Topic: targetTopic, TopicID: id, Partitions: []kmsg.ProduceRequestTopicPartition{p},
		}}
	case *kmsg.FetchRequest:
		req.MaxBytes, req.SessionEpoch = 1<<20, -1
		p := kmsg.NewFetchRequestTopicPartition()
		p.PartitionMaxBytes = 1 << 12
		req.Topics = []kmsg.FetchRequestTopic{{
			Topic: targetTopic, TopicID: id, Partitions: []kmsg.FetchRequestTopicPartition{p},
		}}
	case *kmsg.ListOffsetsRequest:
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Timestamp = 1_700_000_000_000
		req.Topics = []kmsg.ListOffsetsRequestTopic{{
			Topic: targetTopic, Partitions: []kmsg.ListOffsetsRequestTopicPartition{p},
		}}
	case *kmsg.MetadataRequest:
		req.Topics = []kmsg.MetadataRequestTopic{{Topic: kmsg.StringPtr(targetTopic)}}
	case *kmsg.CreateTopicsRequest:
		req.ValidateOnly, req.TimeoutMillis = true, 1000
		req.Topics = []kmsg.CreateTopicsRequestTopic{{Topic: "made", NumPartitions: 1, ReplicationFactor: 1}}
	case *kmsg.DeleteTopicsRequest:
		req.TopicNames, req.TimeoutMillis = []string{"absent"}, 1000
		req.Topics = []kmsg.DeleteTopicsRequestTopic{{Topic: kmsg.StringPtr("absent")}}
	case *kmsg.DescribeConfigsRequest:
		req.Resources = []kmsg.DescribeConfigsRequestResource{{
			ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: targetTopic,
		}}
	default:
		fillRest(r)
	}
}

// fillRest is fill for the APIs that are about a topic by its name.
func fillRest(r kmsg.Request) {
	switch req := r.(type) {
	case *kmsg.OffsetForLeaderEpochRequest:
		req.Topics = []kmsg.OffsetForLeaderEpochRequestTopic{{
			Topic: targetTopic, Partitions: []kmsg.OffsetForLeaderEpochRequestTopicPartition{{CurrentLeaderEpoch: -1}},
		}}
	case *kmsg.DeleteRecordsRequest:
		req.TimeoutMillis = 1000
		req.Topics = []kmsg.DeleteRecordsRequestTopic{{
			Topic: targetTopic, Partitions: []kmsg.DeleteRecordsRequestTopicPartition{{Offset: 1}},
		}}
	case *kmsg.IncrementalAlterConfigsRequest:
		req.ValidateOnly = true
		req.Resources = []kmsg.IncrementalAlterConfigsRequestResource{{
			ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: targetTopic,
			Configs: []kmsg.IncrementalAlterConfigsRequestResourceConfig{{
				Name: "retention.bytes", Value: kmsg.StringPtr("1000000000"),
			}},
		}}
	case *kmsg.AlterConfigsRequest:
		req.ValidateOnly = true
		req.Resources = []kmsg.AlterConfigsRequestResource{{
			ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: targetTopic,
		}}
	case *kmsg.CreatePartitionsRequest:
		req.ValidateOnly, req.TimeoutMillis = true, 1000
		req.Topics = []kmsg.CreatePartitionsRequestTopic{{Topic: targetTopic, Count: 3}}
	case *kmsg.DescribeProducersRequest:
		req.Topics = []kmsg.DescribeProducersRequestTopic{{Topic: targetTopic, Partitions: []int32{0, 1}}}
	case *kmsg.DescribeLogDirsRequest:
		req.Topics = []kmsg.DescribeLogDirsRequestTopic{{Topic: targetTopic, Partitions: []int32{0, 1}}}
	case *kmsg.DescribeTopicPartitionsRequest:
		req.ResponsePartitionLimit = 10
		req.Topics = []kmsg.DescribeTopicPartitionsRequestTopic{{Topic: targetTopic}}
	case *kmsg.FindCoordinatorRequest:
		req.CoordinatorKey, req.CoordinatorKeys = "group", []string{"group"}
	case *kmsg.ApiVersionsRequest:
		req.ClientSoftwareName, req.ClientSoftwareVersion = "hostile", "1"
	case *kmsg.InitProducerIDRequest:
		req.TransactionTimeoutMillis = 1000
	}
}

// headerAt says where in a frame, with its length, the fields of its header stand.
const (
	keyAt         = wire.LengthSize
	versionAt     = keyAt + 2
	correlationAt = versionAt + 2
	bodyAt        = correlationAt + 4
)
