package broker

import (
	"errors"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/replication/meta"
)

// CreateTopics (API key 19): versions 2-7. -1 partitions or replicas are the broker's defaults from version 4
// (KIP-464), the response tells configs from 5 (KIP-525) and topic ids from 7 (KIP-516). Each topic succeeds or fails
// by itself. The response follows when the topics are committed and their logs are open.

func (c *call) createTopics(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.CreateTopicsRequest)
	b, res := c.b, kmsg.NewPtrCreateTopicsResponse()
	var made []int // the topics of res that wait to be committed
	create := func(do decider) {
		if refused := meta.CheckPartitionsPerRequest(c.b.partitionsAsked(req)); refused != nil {
			for i := range req.Topics { // each as often as it is named
				t := refusedTopic(req.Topics[i].Topic, refused.Code.Code, refused.Message)
				res.Topics = append(res.Topics, t)
			}
			return
		}
		seen := make(map[string]int)
		for i := range req.Topics {
			seen[req.Topics[i].Topic]++
		}
		for i := range req.Topics {
			if name := req.Topics[i].Topic; seen[name] == 1 && name != MetadataPartition.Topic {
				made = append(made, len(res.Topics))
				res.Topics = append(res.Topics, b.createTopic(&req.Topics[i], do))
			}
		}
		for i := range req.Topics { // those named twice are told once, after the others (as in Kafka)
			if name := req.Topics[i].Topic; seen[name] > 1 {
				seen[name] = 0
				res.Topics = append(res.Topics, refusedTopic(name, kerr.InvalidRequest.Code, "Duplicate topic name."))
			}
		}
		if seen[MetadataPartition.Topic] == 1 { // the last of all, and whatever else is wrong with it
			res.Topics = append(res.Topics, refusedTopic(MetadataPartition.Topic, kerr.InvalidRequest.Code,
				"Creation of internal topic "+MetadataPartition.Topic+" is prohibited."))
		}
	}
	if req.ValidateOnly {
		create(b.dryRun())
		return res
	}
	reply := c.pending()
	b.change(c.now, c.out, create, func(_ base.Instant, err error, out *Effects) {
		for _, i := range made {
			if t := &res.Topics[i]; err != nil && t.ErrorCode == noCode {
				code, message := codeAndMessage(err)
				*t = refusedTopic(t.Topic, code, *message)
			}
		}
		reply.reply(res, out)
	})
	return nil
}

// partitionsAsked returns how many partitions a request would create. Topics that are named twice create none,
// nor does the metadata's own.
func (b *Broker) partitionsAsked(req *kmsg.CreateTopicsRequest) int64 {
	seen := make(map[string]int)
	for i := range req.Topics {
		seen[req.Topics[i].Topic]++
	}
	var sum int64
	for i := range req.Topics {
		switch t := &req.Topics[i]; {
		case seen[t.Topic] > 1 || t.Topic == MetadataPartition.Topic:
		case len(t.ReplicaAssignment) > 0:
			sum += int64(len(t.ReplicaAssignment))
		case t.NumPartitions == -1:
			sum += int64(b.config().NumPartitions)
		default:
			sum += int64(max(t.NumPartitions, 0))
		}
	}
	return sum
}

// dryRun returns a decider that decides against the metadata as it is, and changes nothing.
func (b *Broker) dryRun() decider {
	b.controller.mu.Lock()
	image := b.controller.mu.machine.Image()
	b.controller.mu.Unlock()
	return meta.NewController(image, b.controller.epoch)
}

func refusedTopic(name string, code int16, message string) kmsg.CreateTopicsResponseTopic {
	t := kmsg.NewCreateTopicsResponseTopic()
	t.Topic, t.ErrorCode, t.ErrorMessage = name, code, &message
	t.NumPartitions, t.ReplicationFactor = -1, -1
	t.Configs = []kmsg.CreateTopicsResponseTopicConfig{}
	return t
}

// createTopic decides the creation of one topic.
func (b *Broker) createTopic(asked *kmsg.CreateTopicsRequestTopic, do decider) kmsg.CreateTopicsResponseTopic {
	cfg := b.config()
	cmd := meta.CreateTopic{
		Name: asked.Topic, ID: b.uuid(), Partitions: asked.NumPartitions, ReplicationFactor: asked.ReplicationFactor,
		Defaults: meta.Defaults{Partitions: cfg.NumPartitions, ReplicationFactor: cfg.ReplicationFactor},
		Seed:     b.rand.Uint64(),
	}
	for _, a := range asked.ReplicaAssignment {
		cmd.Assignments = append(cmd.Assignments, meta.Assignment{Partition: a.Partition, Replicas: nodes(a.Replicas)})
	}
	ops := make([]config.Op, 0, len(asked.Configs))
	for _, set := range asked.Configs {
		ops = append(ops, config.Op{Name: set.Name, Value: set.Value})
	}
	// A topic that exists, or whose name cannot be, is told so before its configs are looked at.
	set, configErr := config.CreateTopicConfigs(cfg, ops)
	if configErr == nil {
		cmd.Configs = entriesOf(set)
	} else if _, refused := cmd.Decide(do.Image()); refused == nil || !namesTopic(refused) {
		code, message := configCode(configErr)
		return refusedTopic(asked.Topic, code, message)
	}
	decided, refused := do.Do(cmd)
	if refused != nil {
		return refusedTopic(asked.Topic, refused.Code.Code, refused.Message)
	}
	return createdTopic(cfg, decided.Image.Topic(asked.Topic), set)
}

// namesTopic reports an error that is about the topic's name.
func namesTopic(refused *meta.Error) bool {
	return refused.Code == kerr.TopicAlreadyExists || refused.Code == kerr.InvalidTopicException
}

func createdTopic(cfg *config.Broker, made *meta.Topic, set map[string]string) kmsg.CreateTopicsResponseTopic {
	t := kmsg.NewCreateTopicsResponseTopic()
	t.Topic, t.TopicID = made.Name, made.ID
	t.NumPartitions = int32(len(made.Partitions))
	t.ReplicationFactor = int16(len(made.Partitions[0].Replicas))
	t.Configs = []kmsg.CreateTopicsResponseTopicConfig{}
	for _, d := range config.DescribeCreated(cfg, set) {
		entry := kmsg.NewCreateTopicsResponseTopicConfig()
		entry.Name, entry.Value = d.Name, &d.Value
		entry.Source = int8(d.Source)
		t.Configs = append(t.Configs, entry)
	}
	return t
}

// entriesOf returns configs in the order of their names.
func entriesOf(set map[string]string) []meta.ConfigEntry {
	entries := make([]meta.ConfigEntry, 0, len(set))
	for _, name := range slices.Sorted(maps.Keys(set)) {
		entries = append(entries, meta.ConfigEntry{Name: name, Value: set[name]})
	}
	return entries
}

// configCode returns how a bad configuration is answered.
func configCode(err error) (int16, string) {
	if errors.Is(err, config.ErrInvalidRequest) {
		return kerr.InvalidRequest.Code, err.Error()
	}
	return kerr.InvalidConfig.Code, err.Error()
}

func nodes(ids []int32) []base.NodeID {
	found := make([]base.NodeID, len(ids))
	for i, id := range ids {
		found[i] = base.NodeID(id)
	}
	return found
}
