package config

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
)

// ops reads "name op value" texts; op is = - + or ~ for set, delete, append and subtract; value <null> is nil.
func ops(texts ...string) []Op {
	var out []Op
	for _, each := range texts {
		parts := strings.SplitN(each, " ", 3)
		op := Op{Name: parts[0], Kind: OpKind(strings.Index("=-+~", parts[1]))}
		if parts[2] != "<null>" {
			op.Value = &parts[2]
		}
		out = append(out, op)
	}
	return out
}

// TestAlterTopic applies one op after the other to one property; the results are those of Kafka 4.3.1.
func TestAlterTopic(t *testing.T) {
	b := parsed(t, "log.cleanup.policy=compact") // a list that is not set begins with Kafka's default, not with this
	tests := []struct {
		name  string
		steps []string // op and value, and after "->" the text that is left; none if it is not set
	}{
		{"cleanup.policy", []string{"+ compact -> delete,compact", "~ compact -> delete", "~ delete -> ",
			"~ delete -> ", "+ compact -> compact", "- <null>", "~ compact -> delete"}},
		{"cleanup.policy", []string{"= delete,delete -> delete,delete", "+ compact -> delete,delete,compact",
			"~ compact -> delete,delete", "~ delete -> delete"}},
		{"cleanup.policy", []string{"= compact , delete -> compact , delete", "~ compact -> compact , delete"}},
		{"cleanup.policy", []string{"+ compact, delete -> delete,compact, delete"}},
		{"cleanup.policy", []string{"+ compact,, -> delete,compact", "+ , -> delete,compact"}},
		{"leader.replication.throttled.replicas", []string{"+ 1:1 -> 1:1", "+ 1:1,1:1,2:2 -> 1:1,2:2",
			"~ 3:3 -> 1:1,2:2", "~ 1:1,2:2 -> ", "+ 1:1 -> 1:1"}},
		{"retention.ms", []string{"=  77  ->  77 ", "- 5", "= 1 -> 1"}},
	}
	for _, test := range tests {
		var current map[string]string
		for _, step := range test.steps {
			op, want, isSet := strings.Cut(step, " -> ")
			next, err := AlterTopic(b, current, ops(test.name+" "+op))
			if err != nil {
				t.Errorf("%s %s: %v", test.name, step, err)
				break
			}
			if got, ok := next[test.name]; got != want || ok != isSet {
				t.Errorf("%s %v at %s: got %q, %v", test.name, test.steps, step, got, ok)
			}
			current = next
		}
	}
}

// TestAlterTopicRefuses has Kafka 4.3.1's messages and error codes.
func TestAlterTopicRefuses(t *testing.T) {
	tests := []struct {
		ops  []string
		kind error
		want string
	}{
		{[]string{"foo = 1"}, ErrInvalidConfig, "Unknown topic config name: foo"},
		{[]string{"retention.ms + 5"}, ErrInvalidConfig,
			"Can't APPEND to key retention.ms because its type is not LIST."},
		{[]string{"foo ~ 5"}, ErrInvalidConfig, "Can't SUBTRACT to key foo because its type is not LIST."},
		{[]string{"cleanup.policy + foo"}, ErrInvalidConfig,
			"Invalid value foo for configuration cleanup.policy: String must be one of: compact, delete"},
		{[]string{"cleanup.policy + "}, ErrInvalidConfig, "Configuration 'cleanup.policy' values must not be empty."},
		{[]string{"retention.ms = <null>", "cleanup.policy + <null>", "x - <null>"}, ErrInvalidRequest,
			"Null value not supported for : retention.ms,cleanup.policy"},
		{[]string{"retention.ms = <null>", "retention.ms = 2"}, ErrInvalidRequest,
			"Error due to duplicate config keys"},
		{[]string{"retention.ms ? 2"}, ErrInvalidRequest, "Unknown operation type for config key: retention.ms"},
	}
	current := map[string]string{"flush.ms": "5"}
	for _, test := range tests {
		got, err := AlterTopic(parsed(t), current, ops(test.ops...))
		if err == nil || err.Error() != test.want || !errors.Is(err, test.kind) || got != nil {
			t.Errorf("%v: got %v, %v, expected %s", test.ops, got, err, test.want)
		}
	}
	next, err := AlterTopic(parsed(t), current, ops("retention.ms = 1", "flush.ms - <null>", "unknown - <null>"))
	if err != nil || !maps.Equal(next, map[string]string{"retention.ms": "1"}) {
		t.Errorf("got %v, %v", next, err)
	}
	if !maps.Equal(current, map[string]string{"flush.ms": "5"}) {
		t.Errorf("the old overrides became %v", current)
	}
}

func TestCreateTopicConfigs(t *testing.T) {
	tests := []struct {
		ops  []string
		want string
	}{
		{[]string{"foo = 1"}, "Unknown topic config name: foo"},
		{[]string{"retention.ms = <null>", "foo = <null>"},
			"Null value not supported for topic configs: retention.ms,foo"},
		{[]string{"retention.ms = x"}, "Invalid value x for configuration retention.ms: Not a number of type LONG"},
	}
	for _, test := range tests {
		got, err := CreateTopicConfigs(parsed(t), ops(test.ops...))
		if err == nil || err.Error() != test.want || !errors.Is(err, ErrInvalidConfig) || got != nil {
			t.Errorf("%v: got %v, %v, expected %s", test.ops, got, err, test.want)
		}
	}
	got, err := CreateTopicConfigs(parsed(t), ops("cleanup.policy = ", "flush.ms = 1", "flush.ms = 2"))
	if err != nil || !maps.Equal(got, map[string]string{"cleanup.policy": "", "flush.ms": "2"}) {
		t.Errorf("got %v, %v", got, err)
	}
}

// TestAlterBroker has Kafka 4.3.1's messages and error codes; "all" stands for the dynamic default layer.
func TestAlterBroker(t *testing.T) {
	const request, config = "request: ", "config: "
	tests := []struct{ layer, op, want string }{
		{"one", "foo.bar = 1", ""},
		{"one", "super.users = x", ""},
		{"one", "log.retention.ms = 60000", ""},
		{"one", "log.retention.ms = -2", ""},
		{"all", "log.retention.ms = 70000", ""},
		{"all", "leader.replication.throttled.rate = 100", ""},
		{"one", "log.cleanup.policy + compact", ""},
		{"one", "listener.name.plaintext.ssl.keystore.password = x", ""},
		{"all", "listener.name.plaintext.max.connections = 5", ""},
		{"one", "log.retention.hours = 5", request + "Cannot update these configs dynamically: [log.retention.hours]"},
		{"one", "broker.id = 5", request + "Cannot update these configs dynamically: [broker.id]"},
		{"one", "log.retention.ms = abc",
			request + "Invalid value abc for configuration log.retention.ms: Not a number of type LONG"},
		{"all", "num.io.threads = 0",
			request + "Invalid value 0 for configuration num.io.threads: Value must be at least 1"},
		{"one", "log.retention.bytes = <null>", request + "Null value not supported for : log.retention.bytes"},
		{"all", "listeners = PLAINTEXT://:1", request + "Cannot update these configs at default cluster level, " +
			"broker id must be specified: [listeners]"},
		{"one", "listeners = PLAINTEXT://:1", // Kafka takes it
			request + "Cannot update these configs dynamically: [listeners]"},
		{"one", "ssl.keystore.password = x", request + "These security configs can be dynamically updated only " +
			"per-listener using the listener prefix: [ssl.keystore.password]"},
		{"all", "listener.name.plaintext.ssl.keystore.password = x", request + "Cannot update these configs at " +
			"default cluster level, broker id must be specified: [listener.name.plaintext.ssl.keystore.password]"},
		{"one", "listener.name.plaintext.max.connections = x", request + "Invalid value x for configuration " +
			"listener.name.plaintext.max.connections: Not a number of type INT"},
		{"one", "num.io.threads + 5", config + "Config value append is not allowed for config key: num.io.threads"},
		{"one", "num.io.threads ~ 5", config + "Config value subtract is not allowed for config key: num.io.threads"},
		{"one", "foo.bar + x", config + "Unknown config name: foo.bar"},
		{"one", "log.retention.ms = 0",
			request + "log.retention.ms must be unlimited (-1) or, greater than or equal to 1"},
	}
	for _, test := range tests {
		got, err := AlterBroker(parsed(t), test.layer == "all", nil, ops(test.op))
		said := ""
		if err != nil {
			said = request + err.Error()
			if errors.Is(err, ErrInvalidConfig) {
				said = config + err.Error()
			}
		}
		if said != test.want || (got == nil) != (err != nil) {
			t.Errorf("%s %s: got %v, %q, expected %q", test.layer, test.op, got, said, test.want)
		}
	}
}

// TestAlterBrokerStepByStep keeps a layer over several alterations, as the metadata image does.
func TestAlterBrokerStepByStep(t *testing.T) {
	b := parsed(t)
	var layer map[string]string
	steps := []struct{ op, want string }{
		{"log.cleanup.policy + compact", "log.cleanup.policy=delete,compact"},
		{"log.cleanup.policy ~ delete", "log.cleanup.policy=compact"},
		{"message.max.bytes = 5", "log.cleanup.policy=compact message.max.bytes=5"},
		{"log.cleanup.policy - <null>", "message.max.bytes=5"},
	}
	for _, step := range steps {
		next, err := AlterBroker(b, false, layer, ops(step.op))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, name := range slices.Sorted(maps.Keys(next)) {
			got = append(got, name+"="+next[name])
		}
		if strings.Join(got, " ") != step.want {
			t.Errorf("%s: got %v, expected %s", step.op, got, step.want)
		}
		layer = next
	}
	with, err := b.With(nil, layer)
	if err != nil || with.Defaults.MaxMessageBytes != 5 {
		t.Errorf("got %+v, %v", with, err)
	}
}
