package config

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Entry is one property as DescribeConfigs shows it. Fields that the client did not ask for are the caller's to leave
// out, as are entries that it did not name (no names, or null, ask for all).
type Entry struct {
	// Name is the property's name.
	Name string
	// Value is its text in canonical form; nil where there is none and where it is sensitive.
	Value *string
	// Source is where the value comes from.
	Source Source
	// ReadOnly says that it cannot be altered.
	ReadOnly bool
	// Sensitive says that it must not be shown.
	Sensitive bool
	// Type is the type of the value.
	Type Type
	// Synonyms are all places where the value is set, the strongest first.
	Synonyms []Synonym
	// Documentation is one sentence; empty for properties that are in no table.
	Documentation string
}

// Synonym is one place where a value is set.
type Synonym struct {
	// Name is the property's name there.
	Name string
	// Value is the text as it was set; nil where it is sensitive.
	Value *string
	// Source is where that is.
	Source Source
}

// DescribeTopic returns the entries of a topic with the given overrides, sorted by name.
func DescribeTopic(b *Broker, overrides map[string]string) ([]Entry, error) {
	vs, err := topicValues(b, overrides)
	if err != nil {
		return nil, err
	}
	var out []Entry
	for _, key := range sortedTopics {
		text, overridden := overrides[key.Name]
		if key.Hidden && !overridden {
			continue
		}
		v := vs[key.Name]
		if overridden && key.Hidden {
			v.text = text // as Kafka does it for what it does not document
		}
		e := Entry{Name: key.Name, Source: SourceDefault, Type: key.Type, Documentation: key.Doc}
		e.Value = shown(v.text, v.set, false)
		if overridden {
			e.Synonyms = append(e.Synonyms, Synonym{key.Name, e.Value, SourceTopic})
		}
		if len(key.Defaults) > 0 {
			e.Synonyms = append(e.Synonyms, b.layers.synonymsOf(key.Defaults[0], false)...)
		}
		if len(e.Synonyms) > 0 {
			e.Source = e.Synonyms[0].Source
		}
		out = append(out, e)
	}
	return out, nil
}

// Describe returns the entries of this broker, sorted by name: its tables without what is hidden, and all that is set.
func (b *Broker) Describe() []Entry {
	given := b.layers.given()
	listed := map[string]bool{}
	for _, name := range names(given) {
		listed[name] = true
	}
	for _, key := range brokers.keys {
		if !key.Hidden {
			listed[key.Name] = true
		}
	}
	var out []Entry
	for _, name := range slices.Sorted(maps.Keys(listed)) {
		e := entryOf(name)
		text, set := given[name]
		if key := brokers.byName[name]; key != nil && !key.Hidden {
			text, set = b.values[name].text, b.values[name].set
		}
		e.Value = shown(text, set, e.Sensitive)
		e.Synonyms = b.layers.synonymsOf(name, e.Sensitive)
		if len(e.Synonyms) > 0 {
			e.Source = e.Synonyms[0].Source
		}
		out = append(out, e)
	}
	return out
}

// DescribeDefault returns the entries of the resource that stands for all brokers, sorted by name: what is in the
// dynamic default layer.
func (b *Broker) DescribeDefault() []Entry {
	var out []Entry
	for _, name := range names(b.layers.DynamicDefault) {
		e := entryOf(name)
		e.Value = shown(b.layers.DynamicDefault[name], true, e.Sensitive)
		e.Synonyms = slices.DeleteFunc(b.layers.synonymsOf(name, e.Sensitive), func(s Synonym) bool {
			return s.Source != SourceDynamicDefault
		})
		if len(e.Synonyms) > 0 {
			e.Source = e.Synonyms[0].Source
		}
		out = append(out, e)
	}
	return out
}

// entryOf returns what the tables say of a broker's property. Of an unknown one nobody knows whether it is secret.
func entryOf(name string) Entry {
	e := Entry{Name: name, Source: SourceDefault, ReadOnly: true, Sensitive: true}
	if key := BrokerKey(name); key != nil {
		e.Type, e.Sensitive = key.Type, key.sensitive()
	}
	if key := brokers.byName[name]; key != nil {
		e.ReadOnly, e.Documentation = key.Update == ReadOnly, key.Doc
	}
	return e
}

func shown(text string, set, sensitive bool) *string {
	if !set || sensitive {
		return nil
	}
	return &text
}

// synonymsOf returns where a broker's property and its synonyms are set. What stands before the first of its own name
// is dropped, as in Kafka: log.retention.minutes does not show log.retention.ms.
func (l Layers) synonymsOf(name string, sensitive bool) []Synonym {
	var out []Synonym
	add := func(layer map[string]string, source Source, each string) {
		if text, ok := layer[each]; ok {
			out = append(out, Synonym{each, shown(text, true, sensitive), source})
		}
	}
	all := describedSynonyms(name)
	for _, each := range all {
		add(l.DynamicBroker, SourceDynamicBroker, each)
	}
	for _, each := range all {
		add(l.DynamicDefault, SourceDynamicDefault, each)
	}
	for _, each := range all {
		add(l.Static, SourceStatic, each)
	}
	for _, each := range all {
		if key := brokers.byName[each]; key != nil && key.Default != required && !key.dynamicOnly() {
			if text, ok := key.fallback(); ok {
				out = append(out, Synonym{each, shown(text, true, sensitive), SourceDefault})
			}
		}
	}
	first := slices.IndexFunc(out, func(s Synonym) bool { return s.Name == name })
	if first < 0 {
		return nil
	}
	return out[first:]
}

// Created is one property of a new topic, as CreateTopics answers from version 5 on (KIP-525).
type Created struct {
	// Name is the property's name.
	Name string
	// Value is the text as it was set, in the topic's unit.
	Value string
	// Source is where it was set.
	Source Source
}

// DescribeCreated returns the properties of a topic that was created with the given overrides, sorted by name. Kafka's
// controller gives this answer, by rules of its own: the text is as it was set, and a value in another unit counts.
func DescribeCreated(b *Broker, overrides map[string]string) []Created {
	var out []Created
	for _, key := range sortedTopics {
		if c, ok := b.created(key, overrides); ok {
			out = append(out, c)
		}
	}
	return out
}

func (b *Broker) created(key *Key, overrides map[string]string) (Created, bool) {
	if text, ok := overrides[key.Name]; ok {
		return Created{key.Name, text, SourceTopic}, true
	}
	layers := []struct {
		texts  map[string]string
		source Source
	}{
		{b.layers.DynamicBroker, SourceDynamicBroker},
		{b.layers.DynamicDefault, SourceDynamicDefault},
		{b.layers.Static, SourceStatic},
	}
	for _, layer := range layers {
		for _, name := range key.Defaults {
			if text, ok := layer.texts[name]; ok {
				return Created{key.Name, inMillis(name, text), layer.source}, true
			}
		}
	}
	text, ok := key.fallback()
	return Created{key.Name, text, SourceDefault}, ok
}

// inMillis converts the text of a property in hours or minutes to milliseconds.
func inMillis(name, text string) string {
	unit := int64(0)
	switch {
	case strings.HasSuffix(name, ".hours"):
		unit = hour
	case strings.HasSuffix(name, ".minutes"):
		unit = minute
	default:
		return text
	}
	n, _ := strconv.ParseInt(trim(text), 10, 32)
	return strconv.FormatInt(n*unit, 10)
}
