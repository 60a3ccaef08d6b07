package meta

import (
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gregor-log/gregor/base"
)

// AlterConfigs sets and deletes configs of a resource and leaves the others alone (IncrementalAlterConfigs). Who knows
// which configs are lists has turned the operations APPEND and SUBTRACT into Set.
type AlterConfigs struct {
	Resource ConfigResource
	// Set are configs with valid values; no name is twice in Set and Delete.
	Set    []ConfigEntry
	Delete []string
}

// ReplaceConfigs makes Entries all the configs of a resource (the older AlterConfigs).
type ReplaceConfigs struct {
	Resource ConfigResource
	Entries  []ConfigEntry
}

// Decide returns a ConfigRecord for each config that changes, by name; for a broker also for those that are set to the
// value they have, which tells the broker to read again what they name (a key store, say). Errors:
// UNKNOWN_TOPIC_OR_PARTITION, BROKER_ID_NOT_REGISTERED, INVALID_REQUEST and INVALID_CONFIG.
func (c AlterConfigs) Decide(m *Image) ([]Record, *Error) {
	if err := checkResource(m, c.Resource); err != nil {
		return nil, err
	}
	var records []*ConfigRecord
	for _, entry := range c.Set {
		rec, err := setConfig(c.Resource, entry)
		if err != nil {
			return nil, err
		}
		old, ok := m.ConfigValue(c.Resource, rec.Name)
		if !ok || old != *rec.Value || c.Resource.Type == ResourceBroker {
			records = append(records, rec)
		}
	}
	for _, name := range c.Delete {
		if _, ok := m.ConfigValue(c.Resource, name); ok {
			records = append(records, &ConfigRecord{Resource: c.Resource, Name: name})
		}
	}
	slices.SortStableFunc(records, func(a, b *ConfigRecord) int { return strings.Compare(a.Name, b.Name) })
	result := make([]Record, len(records))
	for i, rec := range records {
		result[i] = rec
	}
	return result, nil
}

// Decide returns what AlterConfigs would with the configs that are not among Entries as Delete.
func (c ReplaceConfigs) Decide(m *Image) ([]Record, *Error) {
	keep := slices.Clone(c.Entries)
	sortConfigs(keep)
	change := AlterConfigs{Resource: c.Resource, Set: c.Entries}
	for _, entry := range m.Config(c.Resource) {
		if _, ok := findConfig(keep, entry.Name); !ok {
			change.Delete = append(change.Delete, entry.Name)
		}
	}
	return change.Decide(m)
}

// setConfig returns the record of one config. As Kafka's decoder does, bytes that are not UTF-8 become U+FFFD.
func setConfig(resource ConfigResource, entry ConfigEntry) (*ConfigRecord, *Error) {
	name, value := strings.ToValidUTF8(entry.Name, "\ufffd"), strings.ToValidUTF8(entry.Value, "\ufffd")
	if name == "" || len(name) > maxStringBytes {
		return nil, refuse(kerr.InvalidConfig, "A configuration name of %d bytes is not allowed.", len(name))
	}
	if len(value) > maxStringBytes {
		return nil, refuse(kerr.InvalidConfig, "The configuration value cannot be added because it exceeds the "+
			"maximum value size of %d bytes.", maxStringBytes)
	}
	return &ConfigRecord{Resource: resource, Name: name, Value: &value}, nil
}

// checkResource refuses a resource that is not there, in Kafka's words.
func checkResource(m *Image, resource ConfigResource) *Error {
	switch resource.Type {
	case ResourceTopic:
		if m.Topic(resource.Name) == nil {
			return refuse(kerr.UnknownTopicOrPartition, "The topic '%s' does not exist.", resource.Name)
		}
		return nil
	case ResourceBroker, ResourceBrokerLogger:
		if resource.Name == "" {
			return nil
		}
		id, err := strconv.ParseInt(resource.Name, 10, 32)
		if err != nil || resource.Name != strconv.FormatInt(id, 10) {
			return refuse(kerr.InvalidRequest, "Invalid broker name %s", resource.Name)
		}
		if m.Broker(base.NodeID(id)) == nil {
			return refuse(kerr.BrokerIDNotRegistered, "No node with id %d found.", id)
		}
		return nil
	case ResourceClientMetrics, ResourceGroup:
		if len(resource.Name) > maxStringBytes {
			return refuse(kerr.InvalidRequest, "A resource name of %d bytes is not allowed.", len(resource.Name))
		}
		return nil
	}
	return refuse(kerr.InvalidRequest, "Unexpected resource type %d.", resource.Type)
}

// sortConfigs orders entries by name.
func sortConfigs(entries []ConfigEntry) {
	slices.SortFunc(entries, func(a, b ConfigEntry) int { return strings.Compare(a.Name, b.Name) })
}
