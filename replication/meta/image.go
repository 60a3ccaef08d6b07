package meta

import (
	"cmp"
	"iter"
	"strings"

	"github.com/gregor-log/gregor/base"
)

// Image is the cluster's metadata after the record at its Position. It never changes and may be read by any number of
// goroutines; what its methods return is shared and must not be changed either. The next one is made by Apply.
type Image struct {
	position Position
	// Invariant: topicsByName and topicsByID hold the same topics.
	topicsByName tree[string, *Topic]
	topicsByID   tree[base.UUID, *Topic]
	// similar holds, by similarName, the names of the topics whose name has a '.' or '_', sorted.
	similar tree[string, []string]
	brokers tree[base.NodeID, *Broker]
	// configs holds no resource without configs; the entries are sorted by name.
	configs tree[ConfigResource, []ConfigEntry]
	// features holds no level 0.
	features       tree[string, int16]
	nextProducerID base.ProducerID
	// Invariant: the sum of len(Partitions) over all topics.
	partitions int
}

// NewImage returns the image before the first record, at offset base.NoOffset and epoch base.NoEpoch.
func NewImage() *Image {
	return &Image{
		position:     Position{Offset: base.NoOffset, Epoch: base.NoEpoch},
		topicsByName: newTree[string, *Topic](strings.Compare),
		topicsByID:   newTree[base.UUID, *Topic](base.UUID.Compare),
		similar:      newTree[string, []string](strings.Compare),
		brokers:      newTree[base.NodeID, *Broker](cmp.Compare[base.NodeID]),
		configs:      newTree[ConfigResource, []ConfigEntry](compareResources),
		features:     newTree[string, int16](strings.Compare),
	}
}

// Position is the place of the last record applied.
func (m *Image) Position() Position { return m.position }

// Topic returns the topic of that name, or nil.
func (m *Image) Topic(name string) *Topic {
	t, _ := m.topicsByName.get(name)
	return t
}

// TopicByID returns the topic of that id, or nil.
func (m *Image) TopicByID(id base.UUID) *Topic {
	t, _ := m.topicsByID.get(id)
	return t
}

// Topics yields all topics in the order of their names.
func (m *Image) Topics() iter.Seq[*Topic] { return values(m.topicsByName.all()) }

// TopicsFrom yields the topics in the order of their names, beginning with the first that is not less than name.
func (m *Image) TopicsFrom(name string) iter.Seq[*Topic] { return values(m.topicsByName.from(name)) }

// TopicCount is the number of topics.
func (m *Image) TopicCount() int { return m.topicsByName.len() }

// PartitionCount is the number of partitions of all topics.
func (m *Image) PartitionCount() int { return m.partitions }

// Partition returns a partition of the topic of that name, or nil.
func (m *Image) Partition(topic string, partition int32) *Partition {
	t := m.Topic(topic)
	if t == nil || partition < 0 || int(partition) >= len(t.Partitions) {
		return nil
	}
	return t.Partitions[partition]
}

// Broker returns the registration of a broker, or nil.
func (m *Image) Broker(id base.NodeID) *Broker {
	b, _ := m.brokers.get(id)
	return b
}

// Brokers yields the registered brokers, fenced ones too, in the order of their ids.
func (m *Image) Brokers() iter.Seq[*Broker] { return values(m.brokers.all()) }

// BrokerCount is the number of registered brokers, fenced ones too.
func (m *Image) BrokerCount() int { return m.brokers.len() }

// Config returns the configs of a resource, sorted by name; nil if it has none.
func (m *Image) Config(resource ConfigResource) []ConfigEntry {
	entries, _ := m.configs.get(resource)
	return entries
}

// ConfigValue returns one config of a resource, and whether it is set.
func (m *Image) ConfigValue(resource ConfigResource, name string) (string, bool) {
	entries := m.Config(resource)
	if i, ok := findConfig(entries, name); ok {
		return entries[i].Value, true
	}
	return "", false
}

// ConfigResources yields the resources that have configs, ordered by type and name.
func (m *Image) ConfigResources() iter.Seq[ConfigResource] {
	return func(yield func(ConfigResource) bool) {
		for resource := range m.configs.all() {
			if !yield(resource) {
				return
			}
		}
	}
}

// NextProducerID is the first producer id that is not handed out yet.
func (m *Image) NextProducerID() base.ProducerID { return m.nextProducerID }

// Feature returns the finalized level of a feature; 0 if there is none.
func (m *Image) Feature(name string) int16 {
	level, _ := m.features.get(name)
	return level
}

// Features yields the finalized features in the order of their names.
func (m *Image) Features() iter.Seq[FeatureLevel] {
	return func(yield func(FeatureLevel) bool) {
		for name, level := range m.features.all() {
			if !yield(FeatureLevel{name, level}) {
				return
			}
		}
	}
}

// values yields the values of a sequence of pairs.
func values[K, V any](pairs iter.Seq2[K, V]) iter.Seq[V] {
	return func(yield func(V) bool) {
		for _, v := range pairs {
			if !yield(v) {
				return
			}
		}
	}
}
