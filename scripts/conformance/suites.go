package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// suite is somebody else's test code, run as it stands.
type suite struct {
	name, title, version string
	// broker is what the broker is set to besides common; address is where it has to listen, "" for anywhere.
	broker  map[string]string
	address string
	// needs are programs that it cannot do without, each with the Debian package that has it.
	needs map[string]string
	run   func(context.Context, *job) ([]outcome, error)
}

// job is one run of a suite.
type job struct {
	*suite
	wanted
	// address is the broker's; out is a folder of the job's own, cache one that outlives it.
	address, out, cache string
	// log takes all that the suite prints.
	log *os.File
}

// common are the settings of the broker for every suite: one node, which makes topics as they are asked for.
var common = map[string]string{
	"num.partitions":                   "4",
	"auto.create.topics.enable":        "true",
	"offsets.topic.replication.factor": "1",
	"group.initial.rebalance.delay.ms": "0",
}

const (
	franzModule     = "github.com/twmb/franz-go"
	segmentModule   = "github.com/segmentio/kafka-go"
	confluentModule = "github.com/confluentinc/confluent-kafka-go/v2"
)

// suites are all, in the order in which they are run.
var suites = []*suite{
	{
		name: "kgo", title: "franz-go kgo", version: "v1.22.2",
		run: (&goSuite{module: franzModule, version: "v1.22.2", runs: []goRun{
			{pkg: "/pkg/kgo", limit: 15 * time.Minute, each: 4 * time.Minute, env: kgoEnv},
		}}).run,
	},
	{
		name: "kafka-go", title: "segmentio kafka-go", version: "v0.4.51",
		address: "localhost:9092", // it stands in the tests
		broker:  map[string]string{"message.max.bytes": "200000000"},
		run:     (&goSuite{module: segmentModule, version: "v0.4.51", runs: segmentRuns}).run,
	},
	{
		name: "confluent-kafka-go", title: "confluent-kafka-go, both group protocols", version: "v2.11.1",
		needs: map[string]string{"gcc": "gcc"},
		run: (&goSuite{module: confluentModule, version: "v2.11.1", cgo: true, runs: append(
			confluentRuns("classic"), confluentRuns("consumer")...)}).run,
	},
	{
		name: "librdkafka", title: "librdkafka, smoke tests", version: "2.15.1",
		broker: map[string]string{"group.initial.rebalance.delay.ms": "1000"},
		needs: map[string]string{
			"npm": "npm", "gcc": "gcc", "g++": "g++", "make": "make", "bash": "bash",
		},
		run: runLibrdkafka,
	},
	{
		name: "java", title: "Kafka's Java clients and tools", version: "2.1.1 to 4.3.1",
		needs: map[string]string{"java": "openjdk-17-jre-headless", "mvn": "maven"},
		run:   runJava,
	},
}

func kgoEnv(address string) []string {
	return []string{"KGO_SEEDS=" + address, "KGO_TEST_RF=1", "KGO_TEST_RECORDS=50000", "KGO_LOG_LEVEL=none"}
}

// segmentEnv tells kafka-go which users and requests to expect; tests of the network itself ask servers elsewhere.
func segmentEnv(version string) func(string) []string {
	return func(string) []string { return []string{"KAFKA_VERSION=" + version, "KAFKA_SKIP_NETTEST=1"} }
}

// segmentRuns are those of kafka-go. Some tests of transactions are left out by it from Kafka 3 on: "pre3." has them.
var segmentRuns = []goRun{
	{
		env: segmentEnv("4.0.0"), limit: 10 * time.Minute, each: 2 * time.Minute,
		broken: []string{ // they call a function that is nil
			"TestReaderConsumerGroup/verify_offset_committed",
			"TestReaderConsumerGroup/verify_offset_committed_when_using_interval_committer",
			"TestReaderConsumerGroup/consumer_group_commits_on_close",
		},
	},
	{prefix: "pre3.", env: segmentEnv("2.8.0"), limit: 2 * time.Minute, each: time.Minute},
	{prefix: "sasl.", pkg: "/sasl", env: segmentEnv("4.0.0"), limit: 2 * time.Minute, each: time.Minute},
	{prefix: "compress.", pkg: "/compress", env: segmentEnv("4.0.0"), limit: 4 * time.Minute, each: 2 * time.Minute},
	{prefix: "topics.", pkg: "/topics", env: segmentEnv("4.0.0"), limit: time.Minute, each: time.Minute},
}

// confluentRuns are those of confluent-kafka-go with one of the two group protocols.
func confluentRuns(protocol string) []goRun {
	r := goRun{
		prefix: protocol + ".", pkg: "/kafka", parent: "TestIntegration", limit: 8 * time.Minute, each: 2 * time.Minute,
		env: func(string) []string { return []string{"TEST_CONSUMER_GROUP_PROTOCOL=" + protocol} },
		files: func(address string) map[string]string {
			return map[string]string{"testconf.json": fmt.Sprintf(confluentConfig, address, protocol)}
		},
	}
	alone := r
	alone.parent, alone.limit = "", 3*time.Minute
	return []goRun{r, alone}
}

// confluentConfig is testconf.json for an address and a group's name.
const confluentConfig = `{
  "Brokers": "%s",
  "TopicName": "test",
  "GroupID": "testgroup-%s",
  "PerfMsgCount": 1000,
  "PerfMsgSize": 100,
  "Config": ["api.version.request=true"]
}
`
