package config

import (
	"maps"
	"slices"
	"strings"
)

// OpKind is what an alteration does to a property. The numbers are those of IncrementalAlterConfigs (KIP-339).
type OpKind int8

// The kinds of alteration.
const (
	// OpSet gives the property a value.
	OpSet OpKind = iota
	// OpDelete takes the property's value away, so that its default counts again.
	OpDelete
	// OpAppend adds elements to a list, if it does not hold them yet.
	OpAppend
	// OpSubtract takes elements out of a list.
	OpSubtract
)

// Op is one alteration of one property.
type Op struct {
	// Name is the property's name.
	Name string
	// Kind says what is done.
	Kind OpKind
	// Value is the text to set, or elements separated by commas; nil only where Kind is OpDelete.
	Value *string
}

// CreateTopicConfigs returns the overrides of a topic to be created with values, of which only Name and Value are used;
// the last of a name counts. It fails with Kafka's message for CreateTopics.
func CreateTopicConfigs(b *Broker, values []Op) (map[string]string, error) {
	overrides := map[string]string{}
	var nulls []string
	for _, v := range values {
		if v.Value == nil {
			nulls = append(nulls, v.Name)
			continue
		}
		overrides[v.Name] = *v.Value
	}
	if len(nulls) > 0 {
		return nil, configError("Null value not supported for topic configs: " + strings.Join(nulls, ","))
	}
	if err := ValidateTopic(b, overrides); err != nil {
		return nil, err
	}
	return overrides, nil
}

// AlterTopic applies IncrementalAlterConfigs to a topic's overrides and returns the new ones; current is not changed.
// For the older AlterConfigs, which replaces all, current is nil and every op is OpSet. All ops are applied, or none
// and an *Error is returned.
func AlterTopic(b *Broker, current map[string]string, ops []Op) (map[string]string, error) {
	if err := checkOps(ops); err != nil {
		return nil, err
	}
	altered := cloned(current)
	for _, op := range ops {
		key := TopicKey(op.Name)
		if op.Kind >= OpAppend && (key == nil || key.Type != List) {
			verb := "APPEND"
			if op.Kind == OpSubtract {
				verb = "SUBTRACT"
			}
			return nil, configError("Can't " + verb + " to key " + op.Name + " because its type is not LIST.")
		}
		apply(altered, key, op)
	}
	if err := ValidateTopic(b, altered); err != nil {
		return nil, err
	}
	return altered, nil
}

// AlterBroker applies IncrementalAlterConfigs to the dynamic layer of this broker, or, with all set, to that of all
// brokers; it returns the layer's new content. It is used as AlterTopic is. The caller hands the result to With.
func AlterBroker(b *Broker, all bool, current map[string]string, ops []Op) (map[string]string, error) {
	if err := checkOps(ops); err != nil {
		return nil, err
	}
	altered := cloned(current)
	for _, op := range ops {
		key := BrokerKey(op.Name)
		if op.Kind >= OpAppend {
			if key == nil {
				return nil, configError("Unknown config name: " + op.Name)
			}
			if key.Type != List {
				verb := "append"
				if op.Kind == OpSubtract {
					verb = "subtract"
				}
				return nil, configError("Config value " + verb + " is not allowed for config key: " + op.Name)
			}
		}
		apply(altered, key, op)
	}
	if err := checkDynamic(altered, all); err != nil {
		return nil, err
	}
	layers := b.layers
	if all {
		layers.DynamicDefault = altered
	} else {
		layers.DynamicBroker = altered
	}
	if _, _, err := resolve(layers); err != nil {
		return nil, requestError(err.Error())
	}
	return altered, nil
}

func cloned(layer map[string]string) map[string]string {
	if layer == nil {
		return map[string]string{}
	}
	return maps.Clone(layer)
}

// checkOps refuses what is wrong with a request before any property is looked at.
func checkOps(ops []Op) *Error {
	seen := map[string]bool{}
	var nulls []string
	for _, op := range ops {
		if seen[op.Name] {
			return requestError("Error due to duplicate config keys")
		}
		seen[op.Name] = true
		if op.Kind < OpSet || op.Kind > OpSubtract {
			return requestError("Unknown operation type for config key: " + op.Name)
		}
		if op.Value == nil && op.Kind != OpDelete {
			nulls = append(nulls, op.Name)
		}
	}
	if len(nulls) > 0 {
		return requestError("Null value not supported for : " + strings.Join(nulls, ","))
	}
	return nil
}

// apply does one alteration. Lists are taken apart and joined as Kafka's controller does it, at commas alone: blanks
// belong to the elements, and a list that was never set begins with its default. key may be nil for OpSet and OpDelete.
func apply(layer map[string]string, key *Key, op Op) {
	switch op.Kind {
	case OpSet:
		layer[op.Name] = *op.Value
		return
	case OpDelete:
		delete(layer, op.Name)
		return
	}
	text, ok := layer[op.Name]
	if !ok {
		text, _ = key.fallback()
	}
	list := slices.DeleteFunc(strings.Split(text, ","), func(element string) bool { return element == "" })
	for _, element := range splitOp(*op.Value) {
		i := slices.Index(list, element)
		switch {
		case op.Kind == OpAppend && i < 0:
			list = append(list, element)
		case op.Kind == OpSubtract && i >= 0:
			list = slices.Delete(list, i, i+1)
		}
	}
	layer[op.Name] = strings.Join(list, ",")
}

// splitOp splits as Java's String.split does: empty elements at the end are dropped, but an empty text is one element.
func splitOp(text string) []string {
	kept := strings.TrimRight(text, ",")
	if kept == "" && text != "" {
		return nil
	}
	return strings.Split(kept, ",")
}

// fixedKeys are dynamic in Kafka and not in gregor, which opens its listeners once.
var fixedKeys = []string{"listeners", "listener.security.protocol.map"}

// clusterListenerKeys are the overrides of a listener that may be altered for all brokers.
var clusterListenerKeys = []string{"max.connections", "max.connection.creation.rate", "num.network.threads"}

// checkDynamic checks a dynamic layer by the rules of Kafka's dynamic broker configs. Unknown names pass.
func checkDynamic(layer map[string]string, all bool) *Error {
	var fixed, bare, perBroker []string
	for _, name := range names(layer) {
		listener, base, isOverride := splitOverride(name)
		key := brokers.byName[name]
		switch {
		case isOverride && listener != "":
			if !slices.Contains(clusterListenerKeys, base) {
				perBroker = append(perBroker, name)
			}
		case key == nil:
		case key.Update == ReadOnly || !all && slices.Contains(fixedKeys, name):
			fixed = append(fixed, name)
		case isStore(name):
			bare = append(bare, name)
		case key.Update == PerBroker:
			perBroker = append(perBroker, name)
		}
	}
	if len(fixed) > 0 {
		return requestError("Cannot update these configs dynamically: " + bracketed(fixed))
	}
	if len(bare) > 0 {
		return requestError("These security configs can be dynamically updated only per-listener using the listener " +
			"prefix: " + bracketed(bare))
	}
	for _, name := range names(layer) {
		if key := brokers.byName[name]; key != nil {
			if _, err := key.parse(layer[name]); err != nil {
				return requestError(err.Message)
			}
		}
	}
	if all && len(perBroker) > 0 {
		return requestError("Cannot update these configs at default cluster level, broker id must be specified: " +
			bracketed(perBroker))
	}
	return nil
}

// isStore reports whether a property belongs to a key store or trust store, which only a listener may have altered.
func isStore(name string) bool {
	return name == "ssl.key.password" || strings.HasPrefix(name, "ssl.keystore.") ||
		strings.HasPrefix(name, "ssl.truststore.")
}
