package config

import (
	"maps"
	"slices"
)

// Source says where a value comes from. The numbers are those of DescribeConfigs (KIP-226).
type Source int8

// The sources, the strongest first.
const (
	// SourceTopic is a topic's own override.
	SourceTopic Source = 1
	// SourceDynamicBroker is an alteration for one broker.
	SourceDynamicBroker Source = 2
	// SourceDynamicDefault is an alteration for all brokers.
	SourceDynamicDefault Source = 3
	// SourceStatic is server.properties.
	SourceStatic Source = 4
	// SourceDefault is the default of the tables.
	SourceDefault Source = 5
	// SourceLogger is the level of a logger.
	SourceLogger Source = 6
)

// KV is one property as a file or a flag gives it.
type KV struct {
	// Name is the property's name.
	Name string
	// Value is its text, with whatever blanks stand around it.
	Value string
}

// Layers are the texts of a broker's properties, by source; defaults are the tables'. Names that are in no table are
// kept, as Kafka keeps them. A Broker's layers are not changed by anyone.
type Layers struct {
	// Static holds server.properties.
	Static map[string]string
	// DynamicDefault holds what was altered for all brokers: the config resource of type BROKER and the empty name.
	DynamicDefault map[string]string
	// DynamicBroker holds what was altered for this broker.
	DynamicBroker map[string]string
}

// staticLayer makes the static layer of pairs; where a name comes twice, the last one counts. node.id and broker.id are
// two names for one thing, so each stands in for the other.
func staticLayer(pairs []KV) map[string]string {
	layer := map[string]string{}
	for _, kv := range pairs {
		layer[kv.Name] = kv.Value
	}
	node, hasNode := layer["node.id"]
	broker, hasBroker := layer["broker.id"]
	if hasNode && !hasBroker {
		layer["broker.id"] = node
	}
	if hasBroker && !hasNode {
		layer["node.id"] = broker
	}
	return layer
}

// given merges the layers into the texts that are in force, without defaults. A dynamic value drives out all synonyms
// of its name from the layers below.
func (l Layers) given() map[string]string {
	merged := maps.Clone(l.Static)
	if merged == nil {
		merged = map[string]string{}
	}
	for _, layer := range []map[string]string{l.DynamicDefault, l.DynamicBroker} {
		for _, name := range names(layer) {
			for _, synonym := range synonyms(name) {
				delete(merged, synonym)
			}
			merged[name] = layer[name]
		}
	}
	return merged
}

// names returns the names of a layer, sorted.
func names(layer map[string]string) []string {
	return slices.Sorted(maps.Keys(layer))
}
