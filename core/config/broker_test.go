package config

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// pairs makes properties of "name=value" texts.
func pairs(texts ...string) []KV {
	var out []KV
	for _, each := range texts {
		name, value, _ := strings.Cut(each, "=")
		out = append(out, KV{name, value})
	}
	return out
}

func parsed(t *testing.T, texts ...string) *Broker {
	t.Helper()
	b, _, err := ParseBroker(pairs(texts...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBrokerWithoutProperties(t *testing.T) {
	b, found, err := ParseBroker(nil)
	if err != nil || len(found) > 0 {
		t.Fatalf("got notices %v, error %v", found, err)
	}
	want := &Broker{
		NodeID: 1, LogDirs: []string{"/tmp/kafka-logs"}, RecoveryThreads: 2, RetentionCheckMs: 300000,
		FlushCheckMs: math.MaxInt64, InitialTaskDelayMs: 30000, RecoveryPointMs: 60000, LogStartMs: 60000,
		HighWatermarkMs: 5000, NumPartitions: 1, ReplicationFactor: 1, AutoCreateTopics: true, DeleteTopics: true,
		Listeners: []Listener{{
			Endpoint: Endpoint{Name: "PLAINTEXT", Port: 9092}, MaxConnections: math.MaxInt32, Congestion: "auto",
		}},
		Advertised: []Endpoint{{Name: "PLAINTEXT", Port: 9092}}, InterBroker: "PLAINTEXT",
		SendBuffer: 102400, ReceiveBuffer: 102400, RequestMaxBytes: 104857600, MaxConnections: math.MaxInt32,
		MaxConnectionsPerIP: math.MaxInt32, MaxIdleMs: 600000, FetchMaxBytes: 57671680, FetchSessions: 1000,
		DescribePartitions: 2000, ProducerIDExpirationMs: 86400000, ProducerIDCheckMs: 600000,
		GroupMinSessionMs: 6000, GroupMaxSessionMs: 1800000, GroupInitialDelayMs: 3000,
		GroupGatherMs: 25, GroupMaxSize: math.MaxInt32,
		OffsetMetadataMaxBytes: 4096, OffsetsRetentionMs: 10080 * minute, OffsetsCheckMs: 600000,
		OffsetsPartitions: 50, OffsetsReplicas: 3, OffsetsSegmentBytes: 100 << 20,
		Defaults: Topic{
			SegmentBytes: 1 << 30, SegmentMs: 7 * 24 * hour, IndexBytes: 10 << 20, IndexIntervalBytes: 4096,
			FlushMessages: math.MaxInt64, FlushMs: math.MaxInt64, RetentionMs: 7 * 24 * hour, RetentionBytes: -1,
			FileDeleteDelayMs: 60000, MaxMessageBytes: 1048588, BeforeMaxMs: math.MaxInt64, AfterMaxMs: hour,
			Compression: Producer, Delete: true, MinCleanableRatio: 0.5, MaxCompactionLagMs: math.MaxInt64,
			DeleteRetentionMs: 24 * hour, MinInsyncReplicas: 1,
		},
		layers: b.layers, values: b.values,
	}
	if !reflect.DeepEqual(b, want) {
		t.Errorf("got\n%+v\nexpected\n%+v", b, want)
	}
}

func TestBrokerTakesEveryProperty(t *testing.T) {
	b := parsed(t, "node.id=7", "gregor.cluster.id=abc", "broker.rack=r", "log.dirs=/b, /a ,/b", "log.dir=/c",
		"num.recovery.threads.per.data.dir=3", "log.retention.check.interval.ms=4",
		"log.flush.scheduler.interval.ms=5", "log.initial.task.delay.ms=6",
		"log.flush.offset.checkpoint.interval.ms=7", "log.flush.start.offset.checkpoint.interval.ms=8",
		"replica.high.watermark.checkpoint.interval.ms=9", "num.partitions=10", "default.replication.factor=11",
		"auto.create.topics.enable=false", "delete.topic.enable=FALSE", "socket.send.buffer.bytes=-1",
		"socket.receive.buffer.bytes=12", "socket.request.max.bytes=13", "max.connections=14",
		"max.connections.per.ip=15", "max.connections.per.ip.overrides=h:1, ::1:2,h : 3", "connections.max.idle.ms=-1",
		"fetch.max.bytes=1024", "max.incremental.fetch.session.cache.slots=0", "max.request.partition.size.limit=16",
		"producer.id.expiration.ms=17", "producer.id.expiration.check.interval.ms=18",
		"group.min.session.timeout.ms=20", "group.max.session.timeout.ms=21", "group.initial.rebalance.delay.ms=22",
		"group.max.size=23", "offset.metadata.max.bytes=24", "offsets.retention.minutes=25",
		"offsets.retention.check.interval.ms=26", "offsets.topic.num.partitions=27",
		"offsets.topic.replication.factor=28", "offsets.topic.segment.bytes=1048576",
		"offsets.topic.compression.codec=4",
		"gregor.tcp.congestion.control=bbr", "listener.name.plaintext.max.connections=19")
	want := *b
	want.NodeID, want.ClusterID, want.Rack, want.LogDirs = 7, "abc", "r", []string{"/b", "/a"}
	want.RecoveryThreads, want.RetentionCheckMs, want.FlushCheckMs, want.InitialTaskDelayMs = 3, 4, 5, 6
	want.RecoveryPointMs, want.LogStartMs, want.HighWatermarkMs = 7, 8, 9
	want.NumPartitions, want.ReplicationFactor, want.AutoCreateTopics, want.DeleteTopics = 10, 11, false, false
	want.SendBuffer, want.ReceiveBuffer, want.RequestMaxBytes, want.MaxConnections = -1, 12, 13, 14
	want.MaxConnectionsPerIP, want.IPLimits, want.MaxIdleMs = 15, []IPLimit{{"h", 3}, {"::1", 2}}, -1
	want.FetchMaxBytes, want.FetchSessions, want.DescribePartitions = 1024, 0, 16
	want.ProducerIDExpirationMs, want.ProducerIDCheckMs = 17, 18
	want.GroupMinSessionMs, want.GroupMaxSessionMs, want.GroupInitialDelayMs, want.GroupMaxSize = 20, 21, 22, 23
	want.OffsetMetadataMaxBytes, want.OffsetsRetentionMs, want.OffsetsCheckMs = 24, 25*minute, 26
	want.OffsetsPartitions, want.OffsetsReplicas, want.OffsetsSegmentBytes, want.OffsetsCodec = 27, 28, 1048576, Zstd
	want.Listeners = []Listener{{Endpoint{"PLAINTEXT", "", 9092}, 19, "bbr"}}
	if !reflect.DeepEqual(b, &want) {
		t.Errorf("got\n%+v\nexpected\n%+v", b, &want)
	}
}

// TestSynonyms has the precedence of properties in different units; the results are those of Kafka 4.3.1.
func TestSynonyms(t *testing.T) {
	retention := func(topic Topic) int64 { return topic.RetentionMs }
	roll := func(topic Topic) int64 { return topic.SegmentMs }
	jitter := func(topic Topic) int64 { return topic.SegmentJitterMs }
	flush := func(topic Topic) int64 { return topic.FlushMs }
	tests := []struct {
		given string
		of    func(Topic) int64
		want  int64
	}{
		{"log.retention.hours=-1", retention, -1},
		{"log.retention.minutes=-1", retention, -1},
		{"log.retention.ms=-1", retention, -1},
		{"log.retention.ms=-5", retention, -1},
		{"log.retention.minutes=5 log.retention.hours=7", retention, 300000},
		{"log.retention.ms=9 log.retention.minutes=5", retention, 9},
		{"log.retention.hours=2147483647", retention, 7730941129200000},
		{"log.retention.minutes=-7 log.retention.hours=5", retention, -1},
		{"log.roll.ms=500 log.roll.hours=3", roll, 500},
		{"log.roll.hours=2147483647", roll, 7730941129200000},
		{"log.roll.jitter.ms=5 log.roll.jitter.hours=1", jitter, 5},
		{"log.roll.jitter.hours=1", jitter, 3600000},
		{"log.flush.interval.ms=5 log.flush.scheduler.interval.ms=7", flush, 5},
		{"log.flush.scheduler.interval.ms=7", flush, 7},
	}
	for _, test := range tests {
		b := parsed(t, strings.Fields(test.given)...)
		if got := test.of(b.Defaults); got != test.want {
			t.Errorf("%s: got %d, expected %d", test.given, got, test.want)
		}
	}
}

// TestBadProperties has what Kafka 4.3.1 says of the same properties, but where gregor's own words are needed.
func TestBadProperties(t *testing.T) {
	tests := []struct{ given, want string }{
		{"num.partitions=0", "Invalid value 0 for configuration num.partitions: Value must be at least 1"},
		{"node.id=-1", "Invalid value -1 for configuration node.id: Value must be at least 0"},
		{"process.roles=foo", "Invalid value foo for configuration process.roles: " +
			"String must be one of: broker, controller"},
		{"log.dirs=", "Configuration 'log.dirs' must not be empty. Valid values include: any non-empty value"},
		{"node.id=1 broker.id=2", "You must set `node.id` to the same value as `broker.id`."},
		{"process.roles=controller",
			"process.roles must contain broker: gregor has no nodes that are controllers alone"},
		{"default.replication.factor=32768", "Invalid value 32768 for configuration default.replication.factor: " +
			"Value must be no more than 32767"},
		{"log.retention.ms=0", "log.retention.ms must be unlimited (-1) or, greater than or equal to 1"},
		{"log.retention.hours=0", "log.retention.ms must be unlimited (-1) or, greater than or equal to 1"},
		{"log.roll.ms=-5", "log.roll.ms must be greater than or equal to 1"},
		{"log.roll.jitter.ms=-1", "log.roll.jitter.ms must be greater than or equal to 0"},
		{"offsets.topic.compression.codec=5", "Unknown compression type id: 5"},
		{"offsets.topic.compression.codec=-1", "Unknown compression type id: -1"},
		{"offsets.topic.segment.bytes=1048575", "Invalid value 1048575 for configuration " +
			"offsets.topic.segment.bytes: Value must be at least 1048576"}, // Kafka never gets the topic made
		{"offsets.topic.num.partitions=10001", "Invalid value 10001 for configuration " +
			"offsets.topic.num.partitions: Value must be no more than 10000"}, // nor so
		{"log.flush.interval.ms=-5", "Invalid value -5 for configuration flush.ms: Value must be at least 0"},
		{"queued.max.request.bytes=5", "queued.max.request.bytes must be larger or equal to socket.request.max.bytes"},
		{"max.connections.per.ip=0", "max.connections.per.ip can be set to zero only if " +
			"max.connections.per.ip.overrides property is set."},
		{"max.connections.per.ip.overrides=127.0.0.1:5,bad", "Error parsing configuration property " +
			`'max.connections.per.ip.overrides': got "bad", expected host:count`},
		{"max.connections.per.ip.overrides=h:x", "Error parsing configuration property " +
			`'max.connections.per.ip.overrides': got "h:x", expected host:count`},
		{"listener.name.plaintext.max.connections=x", "Invalid value x for configuration " +
			"listener.name.plaintext.max.connections: Not a number of type INT"},
		{"gregor.validation=half", "Invalid value half for configuration gregor.validation: " +
			"String must be one of: full, header"},
		{"fetch.max.bytes=1 num.partitions=x", "Invalid value x for configuration num.partitions: Not a number of " +
			"type INT\nInvalid value 1 for configuration fetch.max.bytes: Value must be at least 1024"},
	}
	for _, test := range tests {
		b, _, err := ParseBroker(pairs(strings.Fields(test.given)...))
		if err == nil || err.Error() != test.want || b != nil {
			t.Errorf("%s: got %v, %v, expected %s", test.given, b, err, test.want)
		}
	}
	if parsed(t, "max.connections.per.ip=0", "max.connections.per.ip.overrides=h:5").MaxConnectionsPerIP != 0 {
		t.Error("max.connections.per.ip=0 does not stand beside its overrides")
	}
}

func TestBrokerIDStandsForNodeID(t *testing.T) {
	for _, name := range []string{"node.id", "broker.id"} {
		b := parsed(t, name+"=3")
		if b.NodeID != 3 || b.Layers().Static["node.id"] != "3" || b.Layers().Static["broker.id"] != "3" {
			t.Errorf("%s=3: got node %d, layer %v", name, b.NodeID, b.Layers().Static)
		}
	}
	if got := parsed(t, "num.partitions=3", "num.partitions=5").NumPartitions; got != 5 {
		t.Errorf("got %d, expected the last of two", got)
	}
}

func TestWith(t *testing.T) {
	b := parsed(t, "log.retention.minutes=1", "message.max.bytes=10")
	all := map[string]string{"log.retention.ms": "5", "message.max.bytes": "20", "max.connections": "30"}
	node := map[string]string{"message.max.bytes": "40", "unknown.name": "x"}
	with, err := b.With(all, node)
	if err != nil {
		t.Fatal(err)
	}
	all["log.retention.ms"], node["message.max.bytes"] = "6", "50" // the broker has its own copies
	got := []int64{with.Defaults.RetentionMs, int64(with.Defaults.MaxMessageBytes), int64(with.MaxConnections)}
	if !slices.Equal(got, []int64{5, 40, 30}) || with.Layers().DynamicBroker["message.max.bytes"] != "40" {
		t.Errorf("got %v of %v", got, with.Layers())
	}
	if b.Defaults.RetentionMs != minute || b.Defaults.MaxMessageBytes != 10 {
		t.Error("With changed the broker it was called on")
	}
	back, err := with.With(nil, nil)
	if err != nil || back.Defaults != b.Defaults {
		t.Errorf("without dynamic layers: got %+v, %v", back, err)
	}
	if _, err := b.With(map[string]string{"log.segment.bytes": "3"}, nil); err == nil {
		t.Error("a bad dynamic value was taken")
	}
}
