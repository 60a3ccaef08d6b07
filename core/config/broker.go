package config

import (
	"errors"
	"maps"
	"slices"

	"github.com/gregor-log/gregor/base"
)

// Broker holds a broker's properties, resolved from the layers below a topic's. It never changes and is safe for
// concurrent use; times are in milliseconds, sizes in bytes, as in Kafka. A field's comment names its property.
type Broker struct {
	// NodeID is node.id (or broker.id), 1 if not given.
	NodeID base.NodeID
	// ClusterID is gregor.cluster.id; empty if one is to be drawn when a directory is formatted.
	ClusterID string
	// Rack is broker.rack; empty if there is none.
	Rack string

	// LogDirs is log.dirs, else log.dir; at least one, each once, in the order given.
	LogDirs []string
	// RecoveryThreads is num.recovery.threads.per.data.dir.
	RecoveryThreads int32
	// RetentionCheckMs is log.retention.check.interval.ms.
	RetentionCheckMs int64
	// FlushCheckMs is log.flush.scheduler.interval.ms.
	FlushCheckMs int64
	// InitialTaskDelayMs is log.initial.task.delay.ms.
	InitialTaskDelayMs int64
	// RecoveryPointMs is log.flush.offset.checkpoint.interval.ms.
	RecoveryPointMs int64
	// LogStartMs is log.flush.start.offset.checkpoint.interval.ms.
	LogStartMs int64
	// HighWatermarkMs is replica.high.watermark.checkpoint.interval.ms.
	HighWatermarkMs int64

	// NumPartitions is num.partitions, at least 1.
	NumPartitions int32
	// ReplicationFactor is default.replication.factor.
	ReplicationFactor int16
	// AutoCreateTopics is auto.create.topics.enable.
	AutoCreateTopics bool
	// DeleteTopics is delete.topic.enable.
	DeleteTopics bool
	// Defaults is what a topic without overrides has. It is valid.
	Defaults Topic

	// Listeners are the sockets to open, without those of controllers; at least one.
	Listeners []Listener
	// Advertised are the addresses for clients, in the order of advertised.listeners; at least one.
	Advertised []Endpoint
	// InterBroker is the name of the listener between brokers; one of Advertised.
	InterBroker string
	// SendBuffer is socket.send.buffer.bytes, -1 for the system's.
	SendBuffer int32
	// ReceiveBuffer is socket.receive.buffer.bytes, -1 for the system's.
	ReceiveBuffer int32
	// RequestMaxBytes is socket.request.max.bytes, at least 1.
	RequestMaxBytes int32
	// MaxConnections is max.connections over all listeners.
	MaxConnections int32
	// MaxConnectionsPerIP is max.connections.per.ip; IPLimits has the exceptions to it.
	MaxConnectionsPerIP int32
	// IPLimits is max.connections.per.ip.overrides, in the order given; each host once.
	IPLimits []IPLimit
	// MaxIdleMs is connections.max.idle.ms; negative for never.
	MaxIdleMs int64

	// FetchMaxBytes is fetch.max.bytes, at least 1024.
	FetchMaxBytes int32
	// FetchSessions is max.incremental.fetch.session.cache.slots; 0 for none.
	FetchSessions int32
	// DescribePartitions is max.request.partition.size.limit, at least 1.
	DescribePartitions int32
	// ProducerIDExpirationMs is producer.id.expiration.ms.
	ProducerIDExpirationMs int64
	// ProducerIDCheckMs is producer.id.expiration.check.interval.ms.
	ProducerIDCheckMs int64

	// GroupMinSessionMs is group.min.session.timeout.ms.
	GroupMinSessionMs int32
	// GroupMaxSessionMs is group.max.session.timeout.ms.
	GroupMaxSessionMs int32
	// GroupInitialDelayMs is group.initial.rebalance.delay.ms.
	GroupInitialDelayMs int32
	// GroupGatherMs is gregor.group.gather.ms.
	GroupGatherMs int32
	// GroupMaxSize is group.max.size, at least 1.
	GroupMaxSize int32
	// OffsetMetadataMaxBytes is offset.metadata.max.bytes.
	OffsetMetadataMaxBytes int32
	// OffsetsRetentionMs is offsets.retention.minutes, in milliseconds.
	OffsetsRetentionMs int64
	// OffsetsCheckMs is offsets.retention.check.interval.ms, at least 1.
	OffsetsCheckMs int64
	// OffsetsPartitions is offsets.topic.num.partitions, from 1 to 10,000.
	OffsetsPartitions int32
	// OffsetsReplicas is offsets.topic.replication.factor, at least 1. Where there are fewer brokers, there are as many
	// replicas as brokers.
	OffsetsReplicas int16
	// OffsetsSegmentBytes is offsets.topic.segment.bytes, at least 1 MiB.
	OffsetsSegmentBytes int64
	// OffsetsCodec is offsets.topic.compression.codec: what the coordinator compresses its records with.
	OffsetsCodec Codec

	layers Layers
	values values
}

// IPLimit is one limit of connections from a host.
type IPLimit struct {
	// Host is an address or a name, as given.
	Host string
	// Connections is the most connections from it.
	Connections int32
}

// ParseBroker reads the properties of a file or of flags; where a name comes twice, the last counts. The notices say
// what is unknown, what waits for a feature and what has no effect. The error joins one *Error for each bad value, in
// Kafka's wording; the notices are complete with it, too.
func ParseBroker(pairs []KV) (*Broker, []Notice, error) {
	found := notices(pairs)
	b, skipped, err := resolve(Layers{Static: staticLayer(pairs)})
	return b, append(found, skipped...), err
}

// With returns the broker with other dynamic layers; nil for an empty one. The maps are copied. An error joins what is
// not valid in the layers together.
func (b *Broker) With(dynamicDefault, dynamicBroker map[string]string) (*Broker, error) {
	other, _, err := resolve(Layers{
		Static:         b.layers.Static,
		DynamicDefault: maps.Clone(dynamicDefault),
		DynamicBroker:  maps.Clone(dynamicBroker),
	})
	return other, err
}

// Layers returns the texts that the broker was resolved from. The caller must not change them.
func (b *Broker) Layers() Layers {
	return b.layers
}

// values are the parsed values of all broker properties in force, defaults included, by name.
type values map[string]value

// resolve parses what is in force in the layers and fills in a Broker.
func resolve(layers Layers) (*Broker, []Notice, error) {
	b := &Broker{layers: layers, values: values{}}
	var errs []error
	given := layers.given()
	for _, key := range brokers.keys {
		v, err := key.read(given)
		if err != nil {
			errs = append(errs, err)
		}
		b.values[key.Name] = v
	}
	errs = append(errs, checkOverrides(given)...)
	if len(errs) > 0 {
		return nil, nil, errors.Join(errs...)
	}
	b.fill()
	errs = append(errs, b.check()...)
	skipped, err := b.fillListeners(given)
	if err != nil {
		errs = append(errs, err)
	}
	if len(errs) > 0 {
		return nil, skipped, errors.Join(errs...)
	}
	defaults, err := TopicFrom(b, nil)
	if err != nil {
		return nil, skipped, err
	}
	b.Defaults = defaults
	return b, skipped, nil
}

// read returns the value in force: the one given, else the default, else none.
func (k *Key) read(given map[string]string) (value, *Error) {
	text, ok := given[k.Name]
	if !ok {
		text, ok = k.fallback()
	}
	if !ok {
		return value{}, nil
	}
	return k.parse(text)
}

// checkOverrides parses the properties that are given for one listener.
func checkOverrides(given map[string]string) []error {
	var errs []error
	for _, name := range names(given) {
		_, base, ok := splitOverride(name)
		if !ok || brokers.byName[base] == nil {
			continue
		}
		key := *brokers.byName[base]
		key.Name = name
		if _, err := key.parse(given[name]); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// fill sets the fields that are one property each.
func (b *Broker) fill() {
	v := b.values
	b.NodeID = base.NodeID(v.int32("node.id"))
	b.ClusterID = v.text("gregor.cluster.id")
	b.Rack = v.text("broker.rack")
	b.LogDirs = v.list("log.dirs")
	if !v["log.dirs"].set {
		b.LogDirs = v.list("log.dir")
	}
	b.RecoveryThreads = v.int32("num.recovery.threads.per.data.dir")
	b.RetentionCheckMs = v.int64("log.retention.check.interval.ms")
	b.FlushCheckMs = v.int64("log.flush.scheduler.interval.ms")
	b.InitialTaskDelayMs = v.int64("log.initial.task.delay.ms")
	b.RecoveryPointMs = v.int64("log.flush.offset.checkpoint.interval.ms")
	b.LogStartMs = v.int64("log.flush.start.offset.checkpoint.interval.ms")
	b.HighWatermarkMs = v.int64("replica.high.watermark.checkpoint.interval.ms")
	b.NumPartitions = v.int32("num.partitions")
	b.ReplicationFactor = int16(v.int32("default.replication.factor"))
	b.AutoCreateTopics = v.bool("auto.create.topics.enable")
	b.DeleteTopics = v.bool("delete.topic.enable")
	b.SendBuffer = v.int32("socket.send.buffer.bytes")
	b.ReceiveBuffer = v.int32("socket.receive.buffer.bytes")
	b.RequestMaxBytes = v.int32("socket.request.max.bytes")
	b.MaxConnections = v.int32("max.connections")
	b.MaxConnectionsPerIP = v.int32("max.connections.per.ip")
	b.MaxIdleMs = v.int64("connections.max.idle.ms")
	b.FetchMaxBytes = v.int32("fetch.max.bytes")
	b.FetchSessions = v.int32("max.incremental.fetch.session.cache.slots")
	b.DescribePartitions = v.int32("max.request.partition.size.limit")
	b.ProducerIDExpirationMs = v.int64("producer.id.expiration.ms")
	b.ProducerIDCheckMs = v.int64("producer.id.expiration.check.interval.ms")
	b.fillGroups()
}

// fillGroups sets the fields of the group coordinator.
func (b *Broker) fillGroups() {
	v := b.values
	b.GroupMinSessionMs = v.int32("group.min.session.timeout.ms")
	b.GroupMaxSessionMs = v.int32("group.max.session.timeout.ms")
	b.GroupInitialDelayMs = v.int32("group.initial.rebalance.delay.ms")
	b.GroupGatherMs = v.int32("gregor.group.gather.ms")
	b.GroupMaxSize = v.int32("group.max.size")
	b.OffsetMetadataMaxBytes = v.int32("offset.metadata.max.bytes")
	b.OffsetsRetentionMs = v.int64("offsets.retention.minutes") * minute
	b.OffsetsCheckMs = v.int64("offsets.retention.check.interval.ms")
	b.OffsetsPartitions = v.int32("offsets.topic.num.partitions")
	b.OffsetsReplicas = int16(v.int32("offsets.topic.replication.factor"))
	b.OffsetsSegmentBytes = v.int64("offsets.topic.segment.bytes")
	b.OffsetsCodec = Codec(v.int32("offsets.topic.compression.codec"))
}

// of returns the value of a property that the tables have; anything else is a slip in this package.
func (vs values) of(name string, types ...Type) value {
	key := brokers.byName[name]
	base.Assert(key != nil && slices.Contains(types, key.Type), "no broker property %s of type %v", name, types)
	return vs[name]
}

func (vs values) int32(name string) int32   { return int32(vs.of(name, Int, Short).num) }
func (vs values) int64(name string) int64   { return vs.of(name, Int, Long).num }
func (vs values) bool(name string) bool     { return vs.of(name, Boolean).yes }
func (vs values) text(name string) string   { return vs.of(name, String).text }
func (vs values) list(name string) []string { return vs.of(name, List).list }
