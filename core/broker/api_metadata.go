package broker

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/replication/meta"
)

// Metadata (API key 3): versions 0-13. No list of topics means all of them (in version 0, an empty one does), an empty
// list none. Version 4 lets the client forbid automatic creation, 7 brings leader epochs, 8 authorized operations, 10
// topic ids and 12 lookups by id (KIP-516), 13 an error of the whole response. Addresses are those of the listener that
// the request came in on.

// Authorized operations, as bits by the numbers of Kafka's AclOperation, that a broker without an authorizer grants.
const (
	topicOperations   = 1<<3 | 1<<4 | 1<<5 | 1<<6 | 1<<7 | 1<<8 | 1<<10 | 1<<11
	clusterOperations = 1<<5 | 1<<7 | 1<<8 | 1<<9 | 1<<10 | 1<<11 | 1<<12
	// notAsked stands for operations that the client did not ask for.
	notAsked = -1 << 31
)

func (c *call) metadata(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.MetadataRequest)
	image := c.b.Image()
	res := kmsg.NewPtrMetadataResponse()
	for node := range image.Brokers() {
		if !node.Active() {
			continue
		}
		host, port := endpointOf(node, c.conn.listener)
		found := kmsg.NewMetadataResponseBroker()
		found.NodeID, found.Host, found.Port, found.Rack = int32(node.ID), host, port, orNil(node.Rack)
		res.Brokers = append(res.Brokers, found)
	}
	res.ClusterID = &c.b.clusterID
	res.ControllerID = int32(c.b.nodeID)
	res.AuthorizedOperations = notAsked
	if req.IncludeClusterAuthorizedOperations {
		res.AuthorizedOperations = clusterOperations
	}
	res.Topics = []kmsg.MetadataResponseTopic{}
	if req.Topics == nil || req.Version == 0 && len(req.Topics) == 0 {
		for t := range image.Topics() {
			res.Topics = append(res.Topics, c.b.describeTopic(t, req))
		}
		return res
	}
	create := c.b.config().AutoCreateTopics && (req.Version < 4 || req.AllowAutoTopicCreation)
	for i := range req.Topics {
		res.Topics = append(res.Topics, c.metadataTopic(image, req, &req.Topics[i], create))
	}
	return res
}

// metadataTopic answers for one topic that was asked for by name or id.
func (c *call) metadataTopic(image *meta.Image, req *kmsg.MetadataRequest, asked *kmsg.MetadataRequestTopic,
	create bool) kmsg.MetadataResponseTopic {
	missing := kmsg.NewMetadataResponseTopic()
	missing.Topic, missing.TopicID, missing.AuthorizedOperations = asked.Topic, asked.TopicID, notAsked
	missing.Partitions = []kmsg.MetadataResponseTopicPartition{}
	if asked.Topic == nil {
		if t := image.TopicByID(asked.TopicID); t != nil && req.Version >= 12 {
			return c.b.describeTopic(t, req)
		}
		missing.ErrorCode = kerr.UnknownTopicID.Code
		return missing
	}
	missing.TopicID = base.UUID{}
	if t := image.Topic(*asked.Topic); t != nil {
		return c.b.describeTopic(t, req)
	}
	missing.IsInternal = meta.IsInternal(*asked.Topic)
	missing.ErrorCode = kerr.UnknownTopicOrPartition.Code
	if meta.CheckTopicName(*asked.Topic) != "" {
		missing.ErrorCode = kerr.InvalidTopicException.Code
	} else if create && !missing.IsInternal {
		missing.ErrorCode = c.autoCreate(*asked.Topic)
	}
	return missing
}

// autoCreate begins the creation of a topic that a client asked about, and returns what it is told meanwhile: it asks
// again and then finds the topic (as in Kafka).
func (c *call) autoCreate(name string) int16 {
	b, cfg := c.b, c.b.config()
	code := kerr.UnknownTopicOrPartition.Code
	b.change(c.now, c.out, func(do decider) {
		_, refused := do.Do(meta.CreateTopic{
			Name: name, ID: b.uuid(), Partitions: -1, ReplicationFactor: -1, Seed: b.rand.Uint64(),
			Defaults: meta.Defaults{Partitions: cfg.NumPartitions, ReplicationFactor: cfg.ReplicationFactor},
		})
		if refused != nil && refused.Code != kerr.TopicAlreadyExists {
			code = refused.Code.Code
		}
	}, func(_ base.Instant, err error, _ *Effects) {
		if err != nil {
			b.log.Error("automatic creation failed", "topic", name, "cause", err.Error())
		}
	})
	return code
}

// describeTopic returns a topic of the image.
func (b *Broker) describeTopic(t *meta.Topic, req *kmsg.MetadataRequest) kmsg.MetadataResponseTopic {
	found := kmsg.NewMetadataResponseTopic()
	name := t.Name
	found.Topic, found.TopicID, found.IsInternal = &name, t.ID, t.Internal()
	found.AuthorizedOperations = notAsked
	if req.IncludeTopicAuthorizedOperations {
		found.AuthorizedOperations = topicOperations
	}
	found.Partitions = make([]kmsg.MetadataResponseTopicPartition, 0, len(t.Partitions))
	for _, m := range t.Partitions {
		p := kmsg.NewMetadataResponseTopicPartition()
		p.Partition, p.Leader, p.LeaderEpoch = m.ID, int32(m.Leader), int32(m.LeaderEpoch)
		p.Replicas, p.ISR = nodeIDs(m.Replicas), nodeIDs(m.ISR)
		p.OfflineReplicas = b.offlineReplicas(t, m)
		if m.Leader == base.NoNode || len(p.OfflineReplicas) == len(m.Replicas) {
			p.Leader = int32(base.NoNode)
			p.ErrorCode = kerr.LeaderNotAvailable.Code
		}
		found.Partitions = append(found.Partitions, p)
	}
	return found
}

// offlineReplicas returns the replicas that cannot serve: those of brokers that are not active, and this broker's own
// where its log is offline.
func (b *Broker) offlineReplicas(t *meta.Topic, m *meta.Partition) []int32 {
	offline := []int32{}
	image := b.Image()
	for _, id := range m.Replicas {
		node := image.Broker(id)
		down := node == nil || !node.Active()
		if id == b.nodeID {
			p := b.topics.find("", t.ID)
			own := (*partition)(nil)
			if p != nil {
				own = p.partition(m.ID)
			}
			down = own == nil || own.offline() != nil
		}
		if down {
			offline = append(offline, int32(id))
		}
	}
	return offline
}

// endpointOf returns a broker's address on the listener that a client uses.
func endpointOf(node *meta.Broker, l *Listener) (string, int32) {
	for _, e := range node.Endpoints {
		if e.Name == l.Name {
			return e.Host, int32(e.Port)
		}
	}
	return l.Host, l.Port
}

func nodeIDs(ids []base.NodeID) []int32 {
	numbers := make([]int32, len(ids))
	for i, id := range ids {
		numbers[i] = int32(id)
	}
	return numbers
}

func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
