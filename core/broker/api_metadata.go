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
	if !c.metadataRequestValid(req) {
		return refusedMetadata(req, kerr.InvalidRequest.Code)
	}
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
	c.metadataTopics(image, req, res)
	return res
}

// metadataRequestValid reports that each topic is named in a way that the version has: by name below version 12.
func (c *call) metadataRequestValid(req *kmsg.MetadataRequest) bool {
	for i := range req.Topics {
		t := &req.Topics[i]
		byID := t.TopicID != [16]byte{}
		if byID && c.header.Version < 12 || !byID && t.Topic == nil {
			return false
		}
	}
	return true
}

// refusedMetadata answers an error of the whole request, which versions before 13 tell with each topic.
func refusedMetadata(req *kmsg.MetadataRequest, code int16) *kmsg.MetadataResponse {
	res := kmsg.NewPtrMetadataResponse()
	res.ErrorCode, res.ControllerID, res.AuthorizedOperations = code, int32(base.NoNode), notAsked
	res.Topics = make([]kmsg.MetadataResponseTopic, 0, len(req.Topics))
	for i := range req.Topics {
		t := missingTopic(&req.Topics[i], code)
		if t.Topic == nil {
			t.Topic = new(string)
		}
		t.TopicID = req.Topics[i].TopicID
		res.Topics = append(res.Topics, t)
	}
	return res
}

// metadataTopics answers for the topics that were asked for, each once. If any is asked for by its id, those asked for
// by name are left out (as in Kafka).
func (c *call) metadataTopics(image *meta.Image, req *kmsg.MetadataRequest, res *kmsg.MetadataResponse) {
	create := c.b.config().AutoCreateTopics && (req.Version < 4 || req.AllowAutoTopicCreation)
	byID := make(map[base.UUID]bool)
	for i := range req.Topics {
		id := base.UUID(req.Topics[i].TopicID)
		if id.IsZero() || byID[id] {
			continue
		}
		byID[id] = true
		if t := image.TopicByID(id); t != nil {
			res.Topics = append(res.Topics, c.b.describeTopic(t, req))
		} else {
			asked := kmsg.MetadataRequestTopic{TopicID: req.Topics[i].TopicID}
			res.Topics = append(res.Topics, missingTopic(&asked, kerr.UnknownTopicID.Code))
		}
	}
	if len(byID) > 0 {
		return
	}
	byName := make(map[string]bool)
	for i := range req.Topics {
		if name := *req.Topics[i].Topic; !byName[name] {
			byName[name] = true
			res.Topics = append(res.Topics, c.metadataTopic(image, req, &req.Topics[i], create))
		}
	}
}

// missingTopic answers for a topic that is not there.
func missingTopic(asked *kmsg.MetadataRequestTopic, code int16) kmsg.MetadataResponseTopic {
	missing := kmsg.NewMetadataResponseTopic()
	missing.ErrorCode, missing.Topic, missing.TopicID = code, asked.Topic, asked.TopicID
	missing.AuthorizedOperations = notAsked
	missing.Partitions = []kmsg.MetadataResponseTopicPartition{}
	return missing
}

// metadataTopic answers for one topic that was asked for by name.
func (c *call) metadataTopic(image *meta.Image, req *kmsg.MetadataRequest, asked *kmsg.MetadataRequestTopic,
	create bool) kmsg.MetadataResponseTopic {
	name := *asked.Topic
	if t := image.Topic(name); t != nil {
		return c.b.describeTopic(t, req)
	}
	missing := missingTopic(asked, unknownTopic)
	missing.IsInternal = meta.IsInternal(name)
	if req.IncludeTopicAuthorizedOperations {
		missing.AuthorizedOperations = topicOperations
	}
	if meta.CheckTopicName(name) != "" {
		missing.ErrorCode = invalidTopic
	} else if create && !missing.IsInternal {
		c.autoCreate(name)
	}
	return missing
}

// autoCreate begins the creation of a topic that a client asked about. The client is told that there is none, asks
// again and then finds it, or is told the same again if it cannot be made (as in Kafka).
func (c *call) autoCreate(name string) {
	b, cfg := c.b, c.b.config()
	b.change(c.now, c.out, func(do decider) {
		_, refused := do.Do(meta.CreateTopic{
			Name: name, ID: b.uuid(), Partitions: -1, ReplicationFactor: -1, Seed: b.rand.Uint64(),
			Defaults: meta.Defaults{Partitions: cfg.NumPartitions, ReplicationFactor: cfg.ReplicationFactor},
		})
		if refused != nil && refused.Code != kerr.TopicAlreadyExists {
			b.log.Debug("topic is not created automatically", "topic", name, "cause", refused.Error())
		}
	}, func(_ base.Instant, err error, _ *Effects) {
		if err != nil {
			b.log.Error("automatic creation failed", "topic", name, "cause", err.Error())
		}
	})
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
