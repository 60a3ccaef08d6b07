package config

import (
	"math/rand"
	"slices"
	"strings"
	"testing"
)

func TestNotices(t *testing.T) {
	tests := []struct {
		given string
		kind  NoticeKind
		want  string
	}{
		{"num.partitionz=1", UnknownName, "num.partitionz is not a known property; the nearest is num.partitions"},
		{"log_retention_ms=1", UnknownName,
			"log_retention_ms is not a known property; the nearest is log.retention.ms"},
		{"retention.ms=1", UnknownName, "retention.ms is not a known property; the nearest is log.retention.ms"},
		{"qqqqqqqqqq=1", UnknownName, "qqqqqqqqqq is not a known property"},
		{"=1", UnknownName, " is not a known property"},
		{"listener.name.plaintext.max.conections=1", UnknownName, "listener.name.plaintext.max.conections is not a " +
			"known property; the nearest is listener.name.plaintext.max.connections"},
		{"zookeeper.connect=h", Removed, "zookeeper.connect was removed in Kafka 4 and has no effect"},
		{"port=1", Removed, "port was removed in Kafka 4 and has no effect"},
		{"group.consumer.max.size=5", Awaited, "group.consumer.max.size is accepted and has no effect until " +
			"gregor has the consumer group protocol (KIP-848)"},
		{"log.cleanup.policy=compact", Awaited, "log.cleanup.policy=compact is accepted and has no effect until " +
			"gregor has log compaction"},
		{"super.users=User:a", Awaited, "super.users is accepted and has no effect until gregor has ACLs"},
		{"listener.name.plaintext.ssl.protocol=x", Awaited,
			"listener.name.plaintext.ssl.protocol is accepted and has no effect until gregor has TLS"},
		{"listener.name.plaintext.scram-sha-256.sasl.jaas.config=x", Awaited,
			"listener.name.plaintext.scram-sha-256.sasl.jaas.config is accepted and " +
				"has no effect until gregor has SASL"},
		{"num.io.threads=5", Unused,
			"num.io.threads is accepted and has no effect: there are no pools of threads to size"},
		{"rsm.config.bucket=x", Unused,
			"rsm.config.bucket is accepted and has no effect: gregor loads no Java classes"},
		{"listeners=PLAINTEXT://:1,CONTROLLER://:2", Skipped, "the controller's listener CONTROLLER is not opened: " +
			"gregor's controller needs no socket of its own"},
		{"listener.name.ssl.max.connections=5", Skipped,
			"listener.name.ssl.max.connections is for a listener that is not in listeners"},
	}
	for _, test := range tests {
		_, found, err := ParseBroker(pairs(test.given))
		name, _, _ := strings.Cut(test.given, "=")
		if err != nil || !slices.Equal(found, []Notice{{test.kind, name, test.want}}) {
			t.Errorf("%s: got %v, %v, expected %s", test.given, found, err, test.want)
		}
	}
	quiet := []string{"num.io.threads=8", "group.max.size= 2147483647 ", "num.partitions=5", "log.cleaner.enable=TRUE"}
	if _, found, err := ParseBroker(pairs(quiet...)); err != nil || len(found) > 0 {
		t.Errorf("got %v, %v, expected silence about defaults and what works", found, err)
	}
}

// TestNoticesKeepTheOrder has one notice a name, in the order of the file, also beside an error.
func TestNoticesKeepTheOrder(t *testing.T) {
	_, found, err := ParseBroker(pairs("zz=1", "port=1", "zz=2", "num.partitions=x", "aa=1"))
	var got []string
	for _, notice := range found {
		got = append(got, notice.Name)
	}
	if err == nil || !slices.Equal(got, []string{"port", "zz", "aa"}) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestRemovedNamesAreNotInTheTables(t *testing.T) {
	for _, key := range BrokerKeys() {
		for _, name := range slices.Concat(removedNames, openPrefixes, authorizerNames) {
			if key.Name == name || strings.HasSuffix(name, ".") && strings.HasPrefix(key.Name, name) {
				t.Errorf("%s is in the tables and hidden by %s", key.Name, name)
			}
		}
	}
}

// plainDistance is the distance by its definition, without limit or table.
func plainDistance(a, b string) int {
	if a == "" || b == "" {
		return len(a) + len(b)
	}
	if a[0] == b[0] {
		return plainDistance(a[1:], b[1:])
	}
	return 1 + min(plainDistance(a[1:], b), plainDistance(a, b[1:]), plainDistance(a[1:], b[1:]))
}

func TestDistance(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	word := func() string {
		letters := make([]byte, random.Intn(7))
		for i := range letters {
			letters[i] = "abc"[random.Intn(3)]
		}
		return string(letters)
	}
	for range 20000 {
		a, b, limit := word(), word(), random.Intn(9)
		if got, want := distance(a, b, limit), min(plainDistance(a, b), limit); got != want {
			t.Fatalf("distance(%q, %q, %d): got %d, expected %d", a, b, limit, got, want)
		}
	}
}
