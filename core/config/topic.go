package config

import (
	"maps"
	"strconv"
)

// Codec is a compression codec, numbered as in a batch's attributes.
type Codec int8

// The codecs, and Producer, which keeps each batch as it was sent.
const (
	Producer Codec = iota - 1
	Uncompressed
	Gzip
	Snappy
	LZ4
	Zstd
)

// TimestampType says whose clock stamps records, numbered as in a batch's attributes.
type TimestampType int8

// The timestamp types.
const (
	CreateTime TimestampType = iota
	LogAppendTime
)

// Validation says how far records are checked when they are appended.
type Validation int8

// The ways of validation (gregor.validation).
const (
	// ValidateFull walks every record, inflating where needed, as Kafka does.
	ValidateFull Validation = iota
	// ValidateHeader trusts the batch's CRC.
	ValidateHeader
)

// Topic holds a topic's properties: its overrides over the broker's defaults. It is a plain value; times are in
// milliseconds, sizes in bytes, as in Kafka. A field's comment names its property.
type Topic struct {
	// SegmentBytes is internal.segment.bytes, else segment.bytes; at least 1.
	SegmentBytes int32
	// SegmentMs is segment.ms, at least 1. See MaxSegmentMs.
	SegmentMs int64
	// SegmentJitterMs is segment.jitter.ms.
	SegmentJitterMs int64
	// IndexBytes is segment.index.bytes: at least 4, which is less than one entry.
	IndexBytes int32
	// IndexIntervalBytes is index.interval.bytes.
	IndexIntervalBytes int32
	// FlushMessages is flush.messages, at least 1; the largest int64 for never.
	FlushMessages int64
	// FlushMs is flush.ms; the largest int64 for never.
	FlushMs int64
	// RetentionMs is retention.ms, -1 for ever.
	RetentionMs int64
	// RetentionBytes is retention.bytes; negative for no limit.
	RetentionBytes int64
	// FileDeleteDelayMs is file.delete.delay.ms.
	FileDeleteDelayMs int64
	// MaxMessageBytes is max.message.bytes.
	MaxMessageBytes int32
	// TimestampType is message.timestamp.type.
	TimestampType TimestampType
	// BeforeMaxMs is message.timestamp.before.max.ms; the largest int64 for no limit.
	BeforeMaxMs int64
	// AfterMaxMs is message.timestamp.after.max.ms; the largest int64 for no limit.
	AfterMaxMs int64
	// Compression is compression.type.
	Compression Codec
	// CompressionLevel is the level of Compression's codec in the scale of its own; 0 where it has none.
	CompressionLevel int32
	// Delete says that cleanup.policy contains delete; with neither, nothing is ever removed.
	Delete bool
	// Compact says that cleanup.policy contains compact.
	Compact bool
	// MinCleanableRatio is min.cleanable.dirty.ratio, from 0 to 1.
	MinCleanableRatio float64
	// MinCompactionLagMs is min.compaction.lag.ms.
	MinCompactionLagMs int64
	// MaxCompactionLagMs is max.compaction.lag.ms, at least 1.
	MaxCompactionLagMs int64
	// DeleteRetentionMs is delete.retention.ms.
	DeleteRetentionMs int64
	// MinInsyncReplicas is min.insync.replicas, at least 1.
	MinInsyncReplicas int32
	// UncleanLeaderElection is unclean.leader.election.enable.
	UncleanLeaderElection bool
	// Validation is gregor.validation; compacted topics are walked whatever it says.
	Validation Validation
}

// MaxSegmentMs is the age at which a segment is closed: a compacted topic closes segments in time to compact them.
func (t Topic) MaxSegmentMs() int64 {
	if t.Compact {
		return min(t.SegmentMs, t.MaxCompactionLagMs)
	}
	return t.SegmentMs
}

// TopicFrom resolves a topic's overrides over the broker's values. It returns the first bad value as an *Error, in the
// order in which Kafka checks them. Overrides of unknown names are left aside: see ValidateTopic.
func TopicFrom(b *Broker, overrides map[string]string) (Topic, error) {
	if len(overrides) == 0 && b.Defaults.SegmentBytes > 0 { // not so while the defaults themselves are resolved
		return b.Defaults, nil
	}
	vs, err := topicValues(b, overrides)
	if err != nil {
		return Topic{}, err
	}
	t := Topic{
		SegmentBytes:          int32(vs["segment.bytes"].num),
		SegmentMs:             vs["segment.ms"].num,
		SegmentJitterMs:       vs["segment.jitter.ms"].num,
		IndexBytes:            int32(vs["segment.index.bytes"].num),
		IndexIntervalBytes:    int32(vs["index.interval.bytes"].num),
		FlushMessages:         vs["flush.messages"].num,
		FlushMs:               vs["flush.ms"].num,
		RetentionMs:           vs["retention.ms"].num,
		RetentionBytes:        vs["retention.bytes"].num,
		FileDeleteDelayMs:     vs["file.delete.delay.ms"].num,
		MaxMessageBytes:       int32(vs["max.message.bytes"].num),
		BeforeMaxMs:           vs["message.timestamp.before.max.ms"].num,
		AfterMaxMs:            vs["message.timestamp.after.max.ms"].num,
		MinCleanableRatio:     vs["min.cleanable.dirty.ratio"].real,
		MinCompactionLagMs:    vs["min.compaction.lag.ms"].num,
		MaxCompactionLagMs:    vs["max.compaction.lag.ms"].num,
		DeleteRetentionMs:     vs["delete.retention.ms"].num,
		MinInsyncReplicas:     int32(vs["min.insync.replicas"].num),
		UncleanLeaderElection: vs["unclean.leader.election.enable"].yes,
	}
	if v := vs["internal.segment.bytes"]; v.set {
		t.SegmentBytes = int32(v.num)
	}
	if vs["message.timestamp.type"].text == "LogAppendTime" {
		t.TimestampType = LogAppendTime
	}
	if vs["gregor.validation"].text == "header" {
		t.Validation = ValidateHeader
	}
	t.Compression, t.CompressionLevel = compression(vs)
	for _, policy := range vs["cleanup.policy"].list {
		t.Delete = t.Delete || policy == "delete"
		t.Compact = t.Compact || policy == "compact"
	}
	return t, nil
}

func compression(vs values) (Codec, int32) {
	switch vs["compression.type"].text {
	case "producer":
		return Producer, 0
	case "gzip":
		return Gzip, int32(vs["compression.gzip.level"].num)
	case "snappy":
		return Snappy, 0
	case "lz4":
		return LZ4, int32(vs["compression.lz4.level"].num)
	case "zstd":
		return Zstd, int32(vs["compression.zstd.level"].num)
	}
	return Uncompressed, 0
}

// topicValues parses all properties of a topic, in the table's order, and checks each.
func topicValues(b *Broker, overrides map[string]string) (values, error) {
	texts := b.topicDefaults()
	maps.Copy(texts, overrides)
	vs := values{}
	for _, key := range topics.keys {
		v, err := key.read(texts)
		if err == nil && v.set && key.Name == "internal.segment.bytes" && v.num < 1 {
			err = badValue(key.Name, v.text, "Value must be at least 1") // Kafka takes any number
		}
		if err != nil {
			return nil, err
		}
		vs[key.Name] = v
	}
	return vs, nil
}

// topicDefaults returns the text of every topic property that has a counterpart at the broker: the value in force.
func (b *Broker) topicDefaults() map[string]string {
	texts := map[string]string{
		"segment.ms":        strconv.FormatInt(b.values.rollMs(), 10),
		"segment.jitter.ms": strconv.FormatInt(b.values.jitterMs(), 10),
		"retention.ms":      strconv.FormatInt(b.values.retentionMs(), 10),
		"flush.ms":          strconv.FormatInt(b.values.flushMs(), 10),
	}
	for _, key := range topics.keys {
		if len(key.Defaults) == 1 {
			texts[key.Name] = b.values[key.Defaults[0]].text
		}
	}
	return texts
}

// ValidateTopic checks a topic's overrides as CreateTopics and AlterConfigs do: the names, each value, and the values
// together with the broker's. It returns nil or an *Error with Kafka's message.
func ValidateTopic(b *Broker, overrides map[string]string) error {
	for _, name := range names(overrides) {
		if TopicKey(name) == nil {
			return configError("Unknown topic config name: " + name)
		}
	}
	vs, err := topicValues(b, overrides)
	if err != nil {
		return err
	}
	least, most := vs["min.compaction.lag.ms"], vs["max.compaction.lag.ms"]
	if least.num > most.num {
		return configError("conflict topic config setting min.compaction.lag.ms (" + least.text +
			") > max.compaction.lag.ms (" + most.text + ")")
	}
	if vs["remote.storage.enable"].yes {
		return configError("Tiered Storage functionality is disabled in the broker. " +
			"Topic cannot be configured with remote log storage.")
	}
	return nil
}

// ValidateTopicValue checks one override by itself: its name and its value. It returns nil or an *Error with Kafka's
// message.
func ValidateTopicValue(name, text string) error {
	key := TopicKey(name)
	if key == nil {
		return configError("Unknown topic config name: " + name)
	}
	if _, err := key.parse(text); err != nil {
		return err
	}
	return nil
}
