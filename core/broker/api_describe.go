package broker

import (
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/replication/meta"
)

// DescribeCluster (API key 60): versions 0-2. Version 1 may ask for controllers, which is not this endpoint's to answer
// (KIP-919), 2 for fenced brokers (KIP-1073).
func (c *call) describeCluster(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.DescribeClusterRequest)
	res := kmsg.NewPtrDescribeClusterResponse()
	const brokers, controllers = 1, 2
	res.EndpointType = brokers
	res.ClusterAuthorizedOperations = notAsked
	if req.Version >= 1 && req.EndpointType != brokers {
		code := kerr.UnsupportedEndpointType.Code
		message := fmt.Sprintf("Unsupported endpoint type %d", req.EndpointType)
		if req.EndpointType == controllers {
			code, message = kerr.MismatchedEndpointType.Code,
				"The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER"
		}
		res.ErrorCode, res.ErrorMessage = code, &message
		return res
	}
	if req.IncludeClusterAuthorizedOperations {
		res.ClusterAuthorizedOperations = clusterOperations
	}
	res.ClusterID, res.ControllerID = c.b.clusterID, int32(c.b.nodeID)
	for node := range c.b.Image().Brokers() {
		if node.Fenced && !req.IncludeFencedBrokers {
			continue
		}
		host, port := endpointOf(node, c.conn.listener)
		found := kmsg.NewDescribeClusterResponseBroker()
		found.NodeID, found.Host, found.Port, found.Rack = int32(node.ID), host, port, orNil(node.Rack)
		found.IsFenced = node.Fenced
		res.Brokers = append(res.Brokers, found)
	}
	return res
}

// DescribeTopicPartitions (API key 75): version 0 (KIP-966). Topics come in the order of their names, at most so many
// partitions in one response; the cursor says where the next one begins.
func (c *call) describeTopicPartitions(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.DescribeTopicPartitionsRequest)
	image := c.b.Image()
	res := kmsg.NewPtrDescribeTopicPartitionsResponse()
	res.Topics = []kmsg.DescribeTopicPartitionsResponseTopic{}
	left := max(int(min(req.ResponsePartitionLimit, c.b.config().DescribePartitions)), 1)
	first := int32(0)
	from := ""
	if req.Cursor != nil {
		from, first = req.Cursor.Topic, req.Cursor.Partition
	}
	names := topicNames(image, req, from)
	if req.Cursor != nil && (first < 0 || len(req.Topics) > 0 && (len(names) == 0 || names[0] != from)) {
		return refusedTopicPartitions(req)
	}
	for _, name := range names {
		if name != from {
			first = 0
		}
		if left <= 0 {
			res.NextCursor = cursorAt(name, first)
			return res
		}
		t, next := c.b.partitionsOf(image, name, first, left)
		res.Topics = append(res.Topics, t)
		left -= len(t.Partitions)
		if next >= 0 {
			res.NextCursor = cursorAt(name, next)
			return res
		}
	}
	return res
}

// refusedTopicPartitions answers a cursor that is none: of a negative partition, or at a topic that is not asked for.
func refusedTopicPartitions(req *kmsg.DescribeTopicPartitionsRequest) kmsg.Response {
	res := kmsg.NewPtrDescribeTopicPartitionsResponse()
	res.Topics = make([]kmsg.DescribeTopicPartitionsResponseTopic, 0, len(req.Topics))
	for i := range req.Topics {
		t := kmsg.NewDescribeTopicPartitionsResponseTopic()
		t.Topic, t.ErrorCode, t.AuthorizedOperations = &req.Topics[i].Topic, kerr.InvalidRequest.Code, notAsked
		res.Topics = append(res.Topics, t)
	}
	return res
}

func cursorAt(topic string, partition int32) *kmsg.DescribeTopicPartitionsResponseNextCursor {
	next := kmsg.NewDescribeTopicPartitionsResponseNextCursor()
	next.Topic, next.Partition = topic, partition
	return &next
}

// topicNames returns the topics that a request asks for, from a name on, each once, in order.
func topicNames(image *meta.Image, req *kmsg.DescribeTopicPartitionsRequest, from string) []string {
	var names []string
	if len(req.Topics) == 0 {
		for t := range image.TopicsFrom(from) {
			names = append(names, t.Name)
		}
		return names
	}
	for _, t := range req.Topics {
		if t.Topic >= from {
			names = append(names, t.Topic)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// partitionsOf returns at most limit partitions of a topic, and the first that did not fit, or -1.
func (b *Broker) partitionsOf(image *meta.Image, name string, first int32,
	limit int) (kmsg.DescribeTopicPartitionsResponseTopic, int32) {
	found := kmsg.NewDescribeTopicPartitionsResponseTopic()
	found.Topic, found.AuthorizedOperations = &name, topicOperations
	found.Partitions = []kmsg.DescribeTopicPartitionsResponseTopicPartition{}
	t := image.Topic(name)
	if t == nil {
		found.ErrorCode, found.IsInternal = unknownTopic, meta.IsInternal(name)
		if meta.CheckTopicName(name) != "" {
			found.ErrorCode = invalidTopic
		}
		return found, -1
	}
	found.TopicID, found.IsInternal = t.ID, t.Internal()
	for i := first; int(i) < len(t.Partitions); i++ {
		if len(found.Partitions) == limit {
			return found, i
		}
		found.Partitions = append(found.Partitions, b.describePartition(t, t.Partitions[i]))
	}
	return found, -1
}

func (b *Broker) describePartition(t *meta.Topic,
	m *meta.Partition) kmsg.DescribeTopicPartitionsResponseTopicPartition {
	p := kmsg.NewDescribeTopicPartitionsResponseTopicPartition()
	p.Partition, p.LeaderID, p.LeaderEpoch = m.ID, int32(m.Leader), int32(m.LeaderEpoch)
	p.Replicas, p.ISR = nodeIDs(m.Replicas), nodeIDs(m.ISR)
	p.EligibleLeaderReplicas, p.LastKnownELR = nodeIDs(m.ELR), nodeIDs(m.LastKnownELR)
	p.OfflineReplicas = b.offlineReplicas(t, m)
	if m.Leader == base.NoNode || len(p.OfflineReplicas) == len(m.Replicas) {
		p.LeaderID = int32(base.NoNode)
		p.ErrorCode = kerr.LeaderNotAvailable.Code
	}
	return p
}

// mostTold is how many configs or producers one answer tells before it tells no more: what is named again and again, in
// a few bytes each time, must not make an answer of any size.
const mostTold = 1 << 19

// checkAnswer refuses what comes behind too much.
func (b *Broker) checkAnswer(told int) error {
	if told < b.mostTold {
		return nil
	}
	return coded(kerr.InvalidRequest.Code, "the answer has %d entries already, ask for less at a time", told)
}

// DescribeProducers (API key 61): version 0 (KIP-664). It tells the idempotent producers that a partition remembers.
func (c *call) describeProducers(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.DescribeProducersRequest)
	res := kmsg.NewPtrDescribeProducersResponse()
	told := 0
	for _, asked := range req.Topics {
		t := kmsg.NewDescribeProducersResponseTopic()
		t.Topic = asked.Topic
		for _, index := range asked.Partitions {
			found := c.producersOf(asked.Topic, index, told)
			told += len(found.ActiveProducers)
			t.Partitions = append(t.Partitions, found)
		}
		res.Topics = append(res.Topics, t)
	}
	return res
}

// producersOf tells a partition's producers, in an answer that tells so many already.
func (c *call) producersOf(topic string, index int32,
	told int) kmsg.DescribeProducersResponseTopicPartition {
	found := kmsg.NewDescribeProducersResponseTopicPartition()
	found.Partition = index
	p := c.b.topics.partition(topic, index)
	if p == nil {
		found.ErrorCode = unknownTopic
		if reason := meta.CheckTopicName(topic); reason != "" {
			found.ErrorCode, found.ErrorMessage = invalidTopic, &reason
		} else if c.b.Image().Topic(topic) == nil {
			message := kerr.UnknownTopicOrPartition.Description
			found.ErrorMessage = &message
		}
		return found
	}
	if p.offline() != nil {
		found.ErrorCode = kafkaStorageError
		return found
	}
	if err := c.b.checkAnswer(told); err != nil {
		message := err.Error()
		found.ErrorCode, found.ErrorMessage = codeOf(err), &message
		return found
	}
	for _, info := range p.log.Producers() {
		active := kmsg.NewDescribeProducersResponseTopicPartitionActiveProducer()
		active.ProducerID, active.ProducerEpoch = int64(info.ID), int32(info.Epoch)
		active.LastSequence, active.LastTimestamp = info.LastSequence, info.LastTimestamp
		active.CoordinatorEpoch, active.CurrentTxnStartOffset = info.CoordinatorEpoch, int64(info.TxnFirstOffset)
		found.ActiveProducers = append(found.ActiveProducers, active)
	}
	return found
}
