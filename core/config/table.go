package config

import (
	"slices"
	"strings"
)

// Group is a part of the broker's table, for the documentation.
type Group struct {
	// Title heads the group.
	Title string
	// Keys are the group's properties, in an order that is easy to read.
	Keys []Key
}

// Groups returns the broker's table by subject. The caller must not change it.
func Groups() []Group {
	return []Group{
		{"gregor's own", gregorKeys},
		{"Node, topics and requests", serverKeys},
		{"Logs", logKeys},
		{"Listeners and connections", networkKeys},
		{"Replication", replicationKeys},
		{"Groups", groupKeys},
		{"Share groups", shareKeys},
		{"Producers and transactions", txnKeys},
		{"Metadata quorum", quorumKeys},
		{"Quotas", quotaKeys},
		{"Metrics", metricsKeys},
		{"Tiered storage", remoteKeys},
		{"Authentication", securityKeys},
		{"TLS", tlsKeys},
		{"Internal", internalKeys},
	}
}

// table is a list of properties with an index by name.
type table struct {
	keys   []*Key
	byName map[string]*Key
}

func newTable(lists ...[]Key) *table {
	t := &table{byName: map[string]*Key{}}
	for _, list := range lists {
		for i := range list {
			t.keys = append(t.keys, &list[i])
			t.byName[list[i].Name] = &list[i]
		}
	}
	return t
}

// sorted returns the table's properties by name.
func (t *table) sorted() []*Key {
	keys := slices.Clone(t.keys)
	slices.SortFunc(keys, func(a, b *Key) int { return strings.Compare(a.Name, b.Name) })
	return keys
}

var (
	topics  = newTable(topicKeys, gregorTopicKeys)
	brokers = newTable(gregorKeys, serverKeys, logKeys, networkKeys, replicationKeys, groupKeys, shareKeys, txnKeys,
		quorumKeys, quotaKeys, metricsKeys, remoteKeys, securityKeys, tlsKeys, internalKeys)
	sortedTopics  = topics.sorted()
	sortedBrokers = brokers.sorted()
)

// TopicKeys returns the properties of topics, by name. The caller must not change them.
func TopicKeys() []*Key {
	return slices.Clone(sortedTopics)
}

// BrokerKeys returns the properties of brokers, by name. The caller must not change them.
func BrokerKeys() []*Key {
	return slices.Clone(sortedBrokers)
}

// TopicKey returns the topic's property of that name; nil if there is none.
func TopicKey(name string) *Key {
	return topics.byName[name]
}

// BrokerKey returns the broker's property of that name. A listener's override (listener.name.NAME.KEY, with or without
// a SASL mechanism before KEY) has the row of KEY. It returns nil if there is no such property.
func BrokerKey(name string) *Key {
	if key := brokers.byName[name]; key != nil {
		return key
	}
	_, base, ok := splitOverride(name)
	if !ok {
		return nil
	}
	return brokers.byName[base]
}

// listenerPrefix begins the name of a property that holds for one listener only (KIP-103).
const listenerPrefix = "listener.name."

// mechanismKeys are the properties that a listener's override gives for one SASL mechanism: between the listener and
// the key stands the mechanism's name (KIP-86, KIP-255).
var mechanismKeys = []string{
	"sasl.jaas.config", "sasl.login.callback.handler.class", "sasl.login.class", "sasl.server.callback.handler.class",
	"connections.max.reauth.ms",
}

// splitOverride splits listener.name.NAME.KEY into the listener's name, in lower case as it stands, and the key.
func splitOverride(name string) (listener, key string, ok bool) {
	rest, ok := strings.CutPrefix(name, listenerPrefix)
	if !ok {
		return "", "", false
	}
	listener, key, ok = strings.Cut(rest, ".")
	if !ok {
		return "", "", false
	}
	for _, each := range mechanismKeys {
		if strings.HasSuffix(key, each) {
			return listener, each, true
		}
	}
	return listener, key, true
}

// synonymFamilies are the broker properties that say the same in different units, the strongest first.
var synonymFamilies = [][]string{
	{"log.roll.ms", "log.roll.hours"},
	{"log.roll.jitter.ms", "log.roll.jitter.hours"},
	{"log.retention.ms", "log.retention.minutes", "log.retention.hours"},
}

// synonyms returns the names under which a broker's property may be given, the strongest first.
func synonyms(name string) []string {
	for _, family := range synonymFamilies {
		if slices.Contains(family, name) {
			return family
		}
	}
	if name == "log.flush.interval.ms" { // and not the other way round: the scheduler's interval stands for itself
		return []string{name, "log.flush.scheduler.interval.ms"}
	}
	return []string{name}
}

// describedSynonyms adds to the synonyms what a listener's override stands in for.
func describedSynonyms(name string) []string {
	if _, base, ok := splitOverride(name); ok {
		return []string{name, base}
	}
	return synonyms(name)
}
