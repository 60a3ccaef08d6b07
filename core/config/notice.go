package config

import "strings"

// NoticeKind says why a property is worth a line of the log.
type NoticeKind int8

// The kinds of notices. UnknownName and Removed are what --check-config treats as errors.
const (
	// UnknownName is a property that neither Kafka nor gregor has.
	UnknownName NoticeKind = iota
	// Removed is a property of an older Kafka that the present one has no more.
	Removed
	// Awaited is a property of a feature that gregor does not have yet.
	Awaited
	// Unused is a property that has no effect in gregor by design.
	Unused
	// Skipped is a part of a value that gregor leaves aside: a controller's listener.
	Skipped
)

// Notice is one thing to tell the operator about server.properties. It never holds a value, which may be secret.
type Notice struct {
	// Kind sorts the notices.
	Kind NoticeKind
	// Name is the property.
	Name string
	// Text is a whole sentence without the full stop.
	Text string
}

// removedNames are properties of Kafka 3 that Kafka 4 dropped; a full stop at the end makes a prefix.
var removedNames = []string{
	"advertised.host.name", "advertised.port", "auto.include.jmx.reporter", "broker.id.generation.enable",
	"control.plane.listener.name", "delegation.token.master.key", "group.coordinator.new.enable", "host.name",
	"inter.broker.protocol.version", "log.message.downconversion.enable", "log.message.format.version",
	"log.message.timestamp.difference.max.ms", "offsets.commit.required.acks", "password.encoder.", "port",
	"quota.consumer.default", "quota.producer.default", "reserved.broker.max.id", "zookeeper.",
}

// openPrefixes begin the names of properties for which plug-ins make up the rest.
var openPrefixes = []string{"config.providers.", "metrics.jmx.", "rlmm.config.", "rsm.config."}

// authorizerNames are the properties of Kafka's own authorizer. They are in no table of Kafka's, so DescribeConfigs
// gives them no type and hides their values.
var authorizerNames = []string{"allow.everyone.if.no.acl.found", "super.users"}

// notices looks at each given pair once, in the order of the last places of the names.
func notices(pairs []KV) []Notice {
	var out []Notice
	last := map[string]int{}
	for i, kv := range pairs {
		last[kv.Name] = i
	}
	for i, kv := range pairs {
		if last[kv.Name] != i {
			continue
		}
		if notice, ok := noticeOf(kv); ok {
			out = append(out, notice)
		}
	}
	return out
}

func noticeOf(kv KV) (Notice, bool) {
	key := BrokerKey(kv.Name)
	switch {
	case key == nil:
		return strangeName(kv.Name)
	case kv.Name == "log.cleanup.policy" && strings.Contains(kv.Value, "compact"):
		n := awaited(kv.Name+"=compact", logCompaction)
		return Notice{n.Kind, kv.Name, n.Text}, true
	case key.Status == Works || isDefault(key, kv.Value):
		return Notice{}, false
	case key.Status == Later:
		return awaited(kv.Name, key.Why), true
	}
	return Notice{Unused, kv.Name, kv.Name + " is accepted and has no effect: " + key.Why}, true
}

func awaited(name, feature string) Notice {
	return Notice{Awaited, name, name + " is accepted and has no effect until gregor has " + feature}
}

// isDefault reports whether the value is the one that an absent property has: it is not worth a notice.
func isDefault(key *Key, text string) bool {
	given, err := key.parse(text)
	if err != nil || key.Default == null || key.Default == required {
		return false
	}
	return given.text == key.Default
}

func strangeName(name string) (Notice, bool) {
	for _, each := range authorizerNames {
		if name == each {
			return awaited(name, acls), true
		}
	}
	for _, prefix := range openPrefixes {
		if strings.HasPrefix(name, prefix) {
			return Notice{Unused, name, name + " is accepted and has no effect: " + noJavaClasses}, true
		}
	}
	for _, each := range removedNames {
		if name == each || strings.HasSuffix(each, ".") && strings.HasPrefix(name, each) {
			return Notice{Removed, name, name + " was removed in Kafka 4 and has no effect"}, true
		}
	}
	text := name + " is not a known property"
	prefix, base := "", strings.TrimSpace(name)
	if _, key, ok := splitOverride(base); ok {
		prefix, base = strings.TrimSuffix(base, key), key
	}
	if near := nearest(base); near != "" {
		text += "; the nearest is " + prefix + near
	}
	return Notice{UnknownName, name, text}, true
}
