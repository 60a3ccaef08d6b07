package meta

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gregor-log/gregor/base"
)

// ErrInvariant reports an image that no sequence of records can lead to: a fault of this package.
var ErrInvariant = errors.New("metadata invariant broken")

// CheckInvariants verifies everything that the comments on Image, Topic and Partition promise. It walks the whole
// image, so it is for tests and simulators.
func (m *Image) CheckInvariants() error {
	partitions, withSimilar := 0, 0
	for name, t := range m.topicsByName.all() {
		if name != t.Name || m.TopicByID(t.ID) != t {
			return fmt.Errorf("%w: topic %q is %q by its entry, %v by its id", ErrInvariant, name, t.Name, t.ID)
		}
		for i, p := range t.Partitions {
			if p == nil || int(p.ID) != i {
				return fmt.Errorf("%w: topic %q has %v as partition %d", ErrInvariant, name, p, i)
			}
			if err := p.check(); err != nil {
				return fmt.Errorf("%w: partition %s-%d: %w", ErrInvariant, name, i, err)
			}
		}
		partitions += len(t.Partitions)
		if names, ok := m.similar.get(similarName(name)); ok {
			if _, found := slices.BinarySearch(names, name); !found {
				return fmt.Errorf("%w: topic %q is not among similar names %q", ErrInvariant, name, names)
			}
			withSimilar++
		}
	}
	listed := 0
	for _, names := range m.similar.all() {
		listed += len(names)
	}
	if m.topicsByID.len() != m.topicsByName.len() || partitions != m.partitions || listed != withSimilar {
		return fmt.Errorf("%w: %d names and %d ids, %d of %d partitions, %d of %d similar names", ErrInvariant,
			m.topicsByName.len(), m.topicsByID.len(), partitions, m.partitions, withSimilar, listed)
	}
	return m.checkRest()
}

func (m *Image) checkRest() error {
	for id, b := range m.brokers.all() {
		if id != b.ID || id < 0 {
			return fmt.Errorf("%w: broker %d is %d by its entry", ErrInvariant, b.ID, id)
		}
	}
	for resource, entries := range m.configs.all() {
		for i := range entries {
			if i > 0 && entries[i-1].Name >= entries[i].Name {
				return fmt.Errorf("%w: configs of %v are not sorted: %v", ErrInvariant, resource, entries)
			}
		}
		if len(entries) == 0 || resource.Type == ResourceTopic && m.Topic(resource.Name) == nil {
			return fmt.Errorf("%w: configs %v of %v, which has none or is not there", ErrInvariant, entries, resource)
		}
	}
	for name, level := range m.features.all() {
		if level <= 0 {
			return fmt.Errorf("%w: feature %q at level %d", ErrInvariant, name, level)
		}
	}
	return nil
}

// CheckSuccessor verifies that next can follow m: no epoch, offset or producer id went backwards.
func (m *Image) CheckSuccessor(next *Image) error {
	if next.position.Offset < m.position.Offset || next.position.Epoch < m.position.Epoch ||
		next.nextProducerID < m.nextProducerID {
		return fmt.Errorf("%w: position %v, producer id %d after %v, %d",
			ErrInvariant, next.position, next.nextProducerID, m.position, m.nextProducerID)
	}
	for _, t := range m.topicsByID.all() {
		after := next.TopicByID(t.ID)
		if after == nil {
			continue
		}
		if after.Name != t.Name || len(after.Partitions) < len(t.Partitions) {
			return fmt.Errorf("%w: topic id %v was %q with %d partitions, is %q with %d", ErrInvariant, t.ID,
				t.Name, len(t.Partitions), after.Name, len(after.Partitions))
		}
		for i, p := range t.Partitions {
			if err := p.checkSuccessor(after.Partitions[i]); err != nil {
				return fmt.Errorf("%w: partition %s-%d: %w", ErrInvariant, t.Name, i, err)
			}
		}
	}
	for id, b := range m.brokers.all() {
		if after := next.Broker(id); after != nil && after.Epoch < b.Epoch {
			return fmt.Errorf("%w: broker %d had epoch %d, has %d", ErrInvariant, id, b.Epoch, after.Epoch)
		}
	}
	return nil
}

func (p *Partition) checkSuccessor(next *Partition) error {
	newLeader := next.Leader != p.Leader && next.Leader != base.NoNode
	switch {
	case next.LeaderEpoch < p.LeaderEpoch || next.PartitionEpoch < p.PartitionEpoch:
	case next.PartitionEpoch == p.PartitionEpoch && next != p:
	case newLeader && next.LeaderEpoch == p.LeaderEpoch:
	default:
		return nil
	}
	return fmt.Errorf("leader %d in epoch %d, partition epoch %d after %d, %d, %d",
		next.Leader, next.LeaderEpoch, next.PartitionEpoch, p.Leader, p.LeaderEpoch, p.PartitionEpoch)
}
