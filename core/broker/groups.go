package broker

import (
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/group"
	"github.com/gregor-log/gregor/replication/meta"
)

// offsetsTopic is the topic in which group coordinators keep their state.
const offsetsTopic = "__consumer_offsets"

// groups are the group coordinators of this broker, one for each partition of __consumer_offsets that it leads. A group
// belongs to the partition that its name hashes to.
type groups struct {
	mu struct {
		sync.RWMutex
		// shards are by partition; nil where this broker has none.
		shards []*shard
		topic  base.UUID
		// total is the number of partitions that groups are spread over: what the topic had when it was taken up.
		// Partitions that it is given later are not used until the broker starts again (as in Kafka): with another
		// number, most groups would be looked for where they are not.
		total int32
		// creating says that the topic is being made.
		creating bool
	}
}

// partitions returns the number of partitions that groups are spread over, which t has if it was not taken up yet.
func (g *groups) partitions(t *meta.Topic) int32 {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.mu.topic == t.ID && g.mu.total > 0 {
		return g.mu.total
	}
	return int32(len(t.Partitions))
}

// beginCreating reports that nobody else makes the topic at this moment.
func (g *groups) beginCreating() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.mu.creating {
		return false
	}
	g.mu.creating = true
	return true
}

func (g *groups) endCreating() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mu.creating = false
}

// shardOf returns the coordinator of a group, or the code that Kafka answers where there is none here.
func (g *groups) shardOf(name string) (*shard, int16) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.mu.total == 0 {
		return nil, kerr.NotCoordinator.Code
	}
	if i := int(group.PartitionFor(name, g.mu.total)); i < len(g.mu.shards) && g.mu.shards[i] != nil {
		return g.mu.shards[i], noCode
	}
	return nil, kerr.NotCoordinator.Code
}

// all returns the coordinators in the order of their partitions.
func (g *groups) all() []*shard {
	g.mu.RLock()
	defer g.mu.RUnlock()
	found := make([]*shard, 0, len(g.mu.shards))
	for _, s := range g.mu.shards {
		if s != nil {
			found = append(found, s)
		}
	}
	return found
}

// followGroups makes the coordinators follow the metadata, which is published already: one begins to load where this
// broker came to lead a partition of __consumer_offsets, all end when the topic is deleted, and the offsets of other
// deleted topics go.
func (b *Broker) followGroups(now base.Instant, deleted []*meta.Topic, out *Effects) {
	t := b.topics.find(offsetsTopic, base.UUID{})
	ended, begun := b.groups.follow(b, b.Image(), t)
	for _, s := range ended {
		s.end(b, now, out)
	}
	for _, s := range begun {
		s.begin(b, now, out)
	}
	var topics []group.Topic
	for _, m := range deleted {
		topics = append(topics, group.Topic{Name: m.Name, ID: m.ID})
	}
	if len(topics) == 0 {
		return
	}
	for _, s := range b.groups.all() {
		s.work(b, now, out, func(now base.Instant, out *Effects) {
			switch s.state {
			case shardActive:
				s.machine.TopicsDeleted(now, topics, &s.effects)
			case shardLoading:
				s.missed = append(s.missed, topics...)
			}
		})
	}
}

// follow takes up the topic of offsets as it is, nil if there is none, and returns the coordinators whose partitions
// are gone and those that are new.
func (g *groups) follow(b *Broker, image *meta.Image, t *topic) (ended, begun []*shard) {
	g.mu.Lock()
	defer g.mu.Unlock()
	id := base.UUID{}
	if t != nil {
		id = t.id
	}
	if id != g.mu.topic {
		for _, s := range g.mu.shards {
			if s != nil {
				ended = append(ended, s)
			}
		}
		g.mu.shards, g.mu.topic, g.mu.total = nil, id, 0
	}
	if t == nil {
		return ended, nil
	}
	if m := image.TopicByID(t.id); m != nil && g.mu.total == 0 {
		g.mu.total = int32(len(m.Partitions))
	}
	for _, p := range t.all() {
		for int(p.tp.Partition) >= len(g.mu.shards) {
			g.mu.shards = append(g.mu.shards, nil)
		}
		if g.mu.shards[p.tp.Partition] == nil {
			s := newShard(b, p)
			g.mu.shards[p.tp.Partition] = s
			begun = append(begun, s)
		}
	}
	return ended, begun
}

// groupConfig returns what the configuration says to the coordinators.
func (b *Broker) groupConfig() group.Config {
	cfg := b.config()
	return group.Config{
		MinSessionMs: cfg.GroupMinSessionMs, MaxSessionMs: cfg.GroupMaxSessionMs,
		InitialDelayMs: cfg.GroupInitialDelayMs, GatherMs: cfg.GroupGatherMs, MaxSize: cfg.GroupMaxSize,
		MaxMetadataBytes: cfg.OffsetMetadataMaxBytes, RetentionMs: cfg.OffsetsRetentionMs,
	}
}

// expireOffsets has every coordinator forget the offsets that nobody needs any more.
func (b *Broker) expireOffsets(now base.Instant, out *Effects) {
	for _, s := range b.groups.all() {
		s.work(b, now, out, func(now base.Instant, out *Effects) {
			if s.state == shardActive {
				s.machine.ExpireOffsets(now, &s.effects)
			}
		})
	}
}

// createOffsetsTopic begins the creation of __consumer_offsets. It has as many replicas as the configuration wants, or
// as many as there are brokers if those are fewer.
func (b *Broker) createOffsetsTopic(now base.Instant, out *Effects) {
	if !b.groups.beginCreating() {
		return
	}
	cfg := b.config()
	b.change(now, out, func(do decider) {
		active := int16(0)
		for node := range do.Image().Brokers() {
			if node.Active() {
				active++
			}
		}
		replicas := min(cfg.OffsetsReplicas, max(active, 1))
		_, refused := do.Do(meta.CreateTopic{
			Name: offsetsTopic, ID: b.uuid(), Partitions: cfg.OffsetsPartitions, ReplicationFactor: replicas,
			Seed:    b.rand.Uint64(),
			Configs: entriesOf(offsetsTopicConfigs(cfg)),
		})
		if refused != nil && refused.Code != kerr.TopicAlreadyExists {
			b.grouping.Error("topic of offsets is not created", "cause", refused.Error())
		}
	}, func(_ base.Instant, err error, _ *Effects) {
		b.groups.endCreating()
		if err != nil {
			b.grouping.Error("topic of offsets is not created", "cause", err.Error())
		}
	})
}

// offsetsTopicConfigs are what __consumer_offsets is made with (as in Kafka).
func offsetsTopicConfigs(cfg *config.Broker) map[string]string {
	return map[string]string{
		"cleanup.policy": "compact", "compression.type": "producer",
		"segment.bytes": strconv.FormatInt(cfg.OffsetsSegmentBytes, 10),
	}
}

// GroupStats returns what the coordinators hold. A coordinator that is at work at this moment tells what it held when
// it was last asked.
func (b *Broker) GroupStats() group.Stats {
	var sum group.Stats
	for _, s := range b.groups.all() {
		sum.Add(s.stats())
	}
	return sum
}

// GroupsLoading returns how many coordinators are still reading their logs.
func (b *Broker) GroupsLoading() int {
	n := 0
	for _, s := range b.groups.all() {
		s.mu.Lock()
		if s.mu.loading {
			n++
		}
		s.mu.Unlock()
	}
	return n
}
