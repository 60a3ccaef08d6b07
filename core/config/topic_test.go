package config

import (
	"errors"
	"math"
	"testing"
)

func TestTopicTakesEveryProperty(t *testing.T) {
	b := parsed(t)
	got, err := TopicFrom(b, map[string]string{
		"segment.bytes": "1048576", "segment.ms": "2", "segment.jitter.ms": "3", "segment.index.bytes": "4",
		"index.interval.bytes": "5", "flush.messages": "6", "flush.ms": "7", "retention.ms": "8",
		"retention.bytes": "9", "file.delete.delay.ms": "10", "max.message.bytes": "11",
		"message.timestamp.type": "LogAppendTime", "message.timestamp.before.max.ms": "12",
		"message.timestamp.after.max.ms": "13", "compression.type": "gzip", "compression.gzip.level": "9",
		"cleanup.policy": "compact,delete", "min.cleanable.dirty.ratio": "0.25", "min.compaction.lag.ms": "14",
		"max.compaction.lag.ms": "15", "delete.retention.ms": "16", "min.insync.replicas": "17",
		"unclean.leader.election.enable": "true", "gregor.validation": "header", "unknown": "x",
	})
	want := Topic{
		SegmentBytes: 1 << 20, SegmentMs: 2, SegmentJitterMs: 3, IndexBytes: 4, IndexIntervalBytes: 5, FlushMessages: 6,
		FlushMs: 7, RetentionMs: 8, RetentionBytes: 9, FileDeleteDelayMs: 10, MaxMessageBytes: 11,
		TimestampType: LogAppendTime, BeforeMaxMs: 12, AfterMaxMs: 13, Compression: Gzip, CompressionLevel: 9,
		Delete: true, Compact: true, MinCleanableRatio: 0.25, MinCompactionLagMs: 14, MaxCompactionLagMs: 15,
		DeleteRetentionMs: 16, MinInsyncReplicas: 17, UncleanLeaderElection: true, Validation: ValidateHeader,
	}
	if err != nil || got != want {
		t.Errorf("got\n%+v, %v\nexpected\n%+v", got, err, want)
	}
	if got, err := TopicFrom(b, map[string]string{}); err != nil || got != b.Defaults {
		t.Errorf("without overrides: got %+v, %v", got, err)
	}
}

func TestTopicCompression(t *testing.T) {
	tests := []struct {
		name, level string
		codec       Codec
		want        int32
	}{
		{"producer", "", Producer, 0},
		{"uncompressed", "", Uncompressed, 0},
		{"gzip", "compression.gzip.level", Gzip, 5},
		{"snappy", "", Snappy, 0},
		{"lz4", "compression.lz4.level", LZ4, 5},
		{"zstd", "compression.zstd.level", Zstd, 5},
	}
	for _, test := range tests {
		overrides := map[string]string{"compression.type": test.name}
		if test.level != "" {
			overrides[test.level] = "5"
		}
		got, err := TopicFrom(parsed(t), overrides)
		if err != nil || got.Compression != test.codec || got.CompressionLevel != test.want {
			t.Errorf("%s: got codec %d level %d, %v", test.name, got.Compression, got.CompressionLevel, err)
		}
	}
}

func TestTopicSegments(t *testing.T) {
	b := parsed(t)
	tests := []struct {
		overrides map[string]string
		bytes     int32
		ms        int64
	}{
		{map[string]string{"internal.segment.bytes": "100"}, 100, 604800000},
		{map[string]string{"internal.segment.bytes": "100", "segment.bytes": "2000000"}, 100, 604800000},
		{map[string]string{"cleanup.policy": "compact", "max.compaction.lag.ms": "5"}, 1 << 30, 5},
		{map[string]string{"max.compaction.lag.ms": "5"}, 1 << 30, 604800000},
		{map[string]string{"cleanup.policy": "compact", "segment.ms": "4"}, 1 << 30, 4},
	}
	for _, test := range tests {
		topic, err := TopicFrom(b, test.overrides)
		if err != nil || topic.SegmentBytes != test.bytes || topic.MaxSegmentMs() != test.ms {
			t.Errorf("%v: got %d bytes, %d ms, %v", test.overrides, topic.SegmentBytes, topic.MaxSegmentMs(), err)
		}
	}
}

// TestTopicDefaultsFollowTheBroker has a topic override over each layer below it.
func TestTopicDefaultsFollowTheBroker(t *testing.T) {
	b := parsed(t, "log.flush.interval.messages=10", "gregor.validation=header", "log.cleanup.policy=")
	b, err := b.With(map[string]string{"log.flush.interval.messages": "20"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	topic, err := TopicFrom(b, map[string]string{"flush.ms": "1"})
	if err != nil || topic.FlushMessages != 20 || topic.FlushMs != 1 || topic.Validation != ValidateHeader ||
		topic.Delete || topic.Compact {
		t.Errorf("got %+v, %v", topic, err)
	}
	if b, err = b.With(nil, map[string]string{"log.flush.interval.messages": "30"}); err != nil {
		t.Fatal(err)
	}
	topic, err = TopicFrom(b, map[string]string{"flush.messages": "40"})
	if err != nil || topic.FlushMessages != 40 || b.Defaults.FlushMessages != 30 || topic.FlushMs != math.MaxInt64 {
		t.Errorf("got %+v over %+v, %v", topic, b.Defaults, err)
	}
}

// TestValidateTopic has the messages that Kafka 4.3.1 gave, in its order: names first, then values in the table's
// order, then the values together.
func TestValidateTopic(t *testing.T) {
	tests := []struct {
		overrides map[string]string
		want      string
	}{
		{map[string]string{"foo.bar": "1", "segment.bytes": "x"}, "Unknown topic config name: foo.bar"},
		{map[string]string{"segment.bytes": "100", "retention.ms": "x"},
			"Invalid value 100 for configuration segment.bytes: Value must be at least 1048576"},
		{map[string]string{"retention.ms": "-2"},
			"Invalid value -2 for configuration retention.ms: Value must be at least -1"},
		{map[string]string{"preallocate": "yes"},
			"Invalid value yes for configuration preallocate: Expected value to be either true or false"},
		{map[string]string{"internal.segment.bytes": ""},
			"Invalid value  for configuration internal.segment.bytes: Not a number of type INT"},
		{map[string]string{"internal.segment.bytes": "-7"}, // Kafka takes it
			"Invalid value -7 for configuration internal.segment.bytes: Value must be at least 1"},
		{map[string]string{"min.compaction.lag.ms": "100", "max.compaction.lag.ms": "50"},
			"conflict topic config setting min.compaction.lag.ms (100) > max.compaction.lag.ms (50)"},
		{map[string]string{"remote.storage.enable": "true"}, "Tiered Storage functionality is disabled in the " +
			"broker. Topic cannot be configured with remote log storage."},
		{map[string]string{"remote.storage.enable": "false", "cleanup.policy": "", "retention.ms": " 77 "}, ""},
	}
	b := parsed(t)
	for _, test := range tests {
		err := ValidateTopic(b, test.overrides)
		if test.want == "" && err == nil {
			continue
		}
		if err == nil || err.Error() != test.want || !errors.Is(err, ErrInvalidConfig) {
			t.Errorf("%v: got %v, expected %s", test.overrides, err, test.want)
		}
	}
	lag := parsed(t, "log.cleaner.max.compaction.lag.ms=50")
	if err := ValidateTopic(lag, map[string]string{"min.compaction.lag.ms": "100"}); err == nil {
		t.Error("a lag beyond the broker's was taken")
	}
}

func TestValidateTopicValue(t *testing.T) {
	if err := ValidateTopicValue("retention.ms", "5"); err != nil {
		t.Error(err)
	}
	tests := []struct{ name, text, want string }{
		{"x", "5", "Unknown topic config name: x"},
		{"retention.ms", "y", "Invalid value y for configuration retention.ms: Not a number of type LONG"},
	}
	for _, test := range tests {
		if err := ValidateTopicValue(test.name, test.text); err == nil || err.Error() != test.want {
			t.Errorf("got %v, expected %s", err, test.want)
		}
	}
}
