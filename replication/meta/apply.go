package meta

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gregor-log/gregor/base"
)

// ErrRecordDoesNotFit reports a record that cannot follow the image it was applied to: it names a topic that is not
// there, creates one that is, takes an epoch backwards. The log is damaged or was applied at the wrong place.
var ErrRecordDoesNotFit = errors.New("metadata record does not fit the image")

// Apply returns the image after records, and what they changed. last is the place of the last of them; with no records
// the image only moves there. Offsets must rise by at least one a record. On an error there is no image: all records
// are applied or none, and m is what it was. The cost is the number of records times the logarithm of the image, plus
// the partitions of each topic touched, so a log is replayed batch by batch rather than record by record.
func (m *Image) Apply(last Position, records ...Record) (*Image, *Delta, error) {
	if last.Offset < m.position.Offset+base.Offset(len(records)) || last.Epoch < m.position.Epoch {
		return nil, nil, fmt.Errorf("%w: got %d records up to offset %d of epoch %d after offset %d of epoch %d",
			ErrRecordDoesNotFit, len(records), last.Offset, last.Epoch, m.position.Offset, m.position.Epoch)
	}
	b := builder{from: m, image: *m, owned: make(map[base.UUID]*Topic), removed: make(map[base.UUID]bool)}
	for i, rec := range records {
		if err := b.apply(rec); err != nil {
			return nil, nil, fmt.Errorf("%w: record %d of %d before offset %d: %v: %w",
				ErrRecordDoesNotFit, i+1, len(records), last.Offset+1, rec.Type(), err)
		}
	}
	b.image.position = last
	next := b.image // on its own: a pointer into the builder would keep it, and with it all images before
	return &next, b.delta(), nil
}

// builder is an image while records are applied to it.
type builder struct {
	from  *Image
	image Image
	// owned are the topics that were copied or made here, which nobody else sees yet; they are changed in place.
	owned map[base.UUID]*Topic
	// removed are the ids of topics that a record removed.
	removed map[base.UUID]bool
	// touched* list what records named, each once, in the order of the records.
	touchedTopics   []base.UUID
	touchedBrokers  []base.NodeID
	touchedConfigs  []ConfigResource
	touchedFeatures []string
	seen            map[any]struct{}
}

// firstTouch reports whether key was not touched before.
func (b *builder) firstTouch(key any) bool {
	if _, ok := b.seen[key]; ok {
		return false
	}
	if b.seen == nil {
		b.seen = make(map[any]struct{})
	}
	b.seen[key] = struct{}{}
	return true
}

func (b *builder) apply(rec Record) error {
	switch rec := rec.(type) {
	case *TopicRecord:
		return b.topic(rec)
	case *PartitionRecord:
		return b.partition(rec)
	case *PartitionChangeRecord:
		return b.partitionChange(rec)
	case *RemoveTopicRecord:
		return b.removeTopic(rec)
	case *RegisterBrokerRecord:
		return b.registerBroker(rec)
	case *BrokerRegistrationChangeRecord:
		return b.brokerChange(rec)
	case *UnregisterBrokerRecord:
		return b.unregisterBroker(rec)
	case *ConfigRecord:
		return b.config(rec)
	case *FeatureLevelRecord:
		return b.feature(rec)
	case *ProducerIDsRecord:
		return b.producerIDs(rec)
	}
	return nil // NoOpRecord; the set of records is closed
}

func (b *builder) config(rec *ConfigRecord) error {
	if rec.Name == "" {
		return errors.New("got a config without a name")
	}
	if rec.Resource.Type == ResourceTopic && b.image.Topic(rec.Resource.Name) == nil {
		return fmt.Errorf("got config %q of unknown topic %q", rec.Name, rec.Resource.Name)
	}
	entries, _ := b.image.configs.get(rec.Resource)
	i, ok := findConfig(entries, rec.Name)
	switch {
	case rec.Value == nil && ok:
		entries = slices.Delete(slices.Clone(entries), i, i+1)
	case rec.Value != nil && ok:
		entries = slices.Clone(entries)
		entries[i].Value = *rec.Value
	case rec.Value != nil:
		entries = slices.Insert(slices.Clip(entries), i, ConfigEntry{rec.Name, *rec.Value})
	}
	b.setConfigs(rec.Resource, entries)
	return nil
}

// setConfigs makes entries, which are sorted and owned by the image, the configs of resource.
func (b *builder) setConfigs(resource ConfigResource, entries []ConfigEntry) {
	if len(entries) == 0 {
		b.image.configs = b.image.configs.drop(resource)
	} else {
		b.image.configs = b.image.configs.put(resource, entries)
	}
	if b.firstTouch(resource) {
		b.touchedConfigs = append(b.touchedConfigs, resource)
	}
}

// findConfig returns where name is in entries, or where it belongs.
func findConfig(entries []ConfigEntry, name string) (int, bool) {
	return slices.BinarySearchFunc(entries, name, func(e ConfigEntry, name string) int {
		return strings.Compare(e.Name, name)
	})
}

// featureKey keeps feature names apart from other keys of builder.seen.
type featureKey string

func (b *builder) feature(rec *FeatureLevelRecord) error {
	if rec.Name == "" || rec.Level < 0 {
		return fmt.Errorf("got feature %q at level %d, expected a name and a level of at least 0", rec.Name, rec.Level)
	}
	if rec.Level == 0 {
		b.image.features = b.image.features.drop(rec.Name)
	} else {
		b.image.features = b.image.features.put(rec.Name, rec.Level)
	}
	if b.firstTouch(featureKey(rec.Name)) {
		b.touchedFeatures = append(b.touchedFeatures, rec.Name)
	}
	return nil
}

func (b *builder) producerIDs(rec *ProducerIDsRecord) error {
	if rec.NextProducerID <= b.image.nextProducerID {
		return fmt.Errorf("got next producer id %d, expected more than %d", rec.NextProducerID, b.image.nextProducerID)
	}
	b.image.nextProducerID = rec.NextProducerID
	return nil
}
