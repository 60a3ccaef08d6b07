package meta

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gregor-log/gregor/base"
)

// touchTopic notes that a record named the topic.
func (b *builder) touchTopic(id base.UUID) {
	if b.firstTouch(id) {
		b.touchedTopics = append(b.touchedTopics, id)
	}
}

// mutable returns the topic of that id for changing in place.
func (b *builder) mutable(id base.UUID) (*Topic, error) {
	if t := b.owned[id]; t != nil {
		return t, nil
	}
	t, ok := b.image.topicsByID.get(id)
	if !ok {
		return nil, fmt.Errorf("got unknown topic id %v", id)
	}
	t = &Topic{Name: t.Name, ID: t.ID, Partitions: slices.Clone(t.Partitions)}
	b.putTopic(t)
	return t, nil
}

func (b *builder) putTopic(t *Topic) {
	b.image.topicsByName = b.image.topicsByName.put(t.Name, t)
	b.image.topicsByID = b.image.topicsByID.put(t.ID, t)
	b.owned[t.ID] = t
	b.touchTopic(t.ID)
}

func (b *builder) topic(rec *TopicRecord) error {
	if rec.Name == "" || rec.ID.IsZero() {
		return fmt.Errorf("got topic %q with id %v, expected a name and an id", rec.Name, rec.ID)
	}
	if old, ok := b.image.topicsByName.get(rec.Name); ok {
		return fmt.Errorf("got topic %q with id %v, which exists with id %v", rec.Name, rec.ID, old.ID)
	}
	if old, ok := b.image.topicsByID.get(rec.ID); ok {
		return fmt.Errorf("got topic %q with id %v, which is that of topic %q", rec.Name, rec.ID, old.Name)
	}
	b.putTopic(&Topic{Name: rec.Name, ID: rec.ID})
	if key := similarName(rec.Name); strings.Contains(key, "_") {
		names, _ := b.image.similar.get(key)
		i, _ := slices.BinarySearch(names, rec.Name)
		b.image.similar = b.image.similar.put(key, slices.Insert(slices.Clip(names), i, rec.Name))
	}
	return nil
}

func (b *builder) removeTopic(rec *RemoveTopicRecord) error {
	t, ok := b.image.topicsByID.get(rec.ID)
	if !ok {
		return fmt.Errorf("got unknown topic id %v", rec.ID)
	}
	b.image.topicsByName = b.image.topicsByName.drop(t.Name)
	b.image.topicsByID = b.image.topicsByID.drop(t.ID)
	b.image.partitions -= len(t.Partitions)
	delete(b.owned, t.ID)
	b.removed[t.ID] = true
	b.touchTopic(t.ID)
	key := similarName(t.Name)
	if names, ok := b.image.similar.get(key); ok {
		names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == t.Name })
		if len(names) == 0 {
			b.image.similar = b.image.similar.drop(key)
		} else {
			b.image.similar = b.image.similar.put(key, names)
		}
	}
	if resource := (ConfigResource{ResourceTopic, t.Name}); len(b.image.Config(resource)) > 0 {
		b.setConfigs(resource, nil)
	}
	return nil
}

func (b *builder) partition(rec *PartitionRecord) error {
	t, err := b.mutable(rec.TopicID)
	if err != nil {
		return err
	}
	if int(rec.Partition) != len(t.Partitions) {
		return fmt.Errorf("got partition %d of topic %q, expected %d", rec.Partition, t.Name, len(t.Partitions))
	}
	p := &Partition{
		ID: rec.Partition, Replicas: orNil(rec.Replicas), ISR: orNil(rec.ISR), Adding: orNil(rec.Adding),
		Removing: orNil(rec.Removing), ELR: orNil(rec.ELR), LastKnownELR: orNil(rec.LastKnownELR),
		Directories: orNil(rec.Directories), Leader: rec.Leader, LeaderEpoch: rec.LeaderEpoch,
		PartitionEpoch: rec.PartitionEpoch, LeaderRecoveryState: rec.LeaderRecoveryState,
	}
	if err := p.check(); err != nil {
		return fmt.Errorf("partition %s-%d: %w", t.Name, rec.Partition, err)
	}
	t.Partitions = append(t.Partitions, p)
	b.image.partitions++
	return nil
}

func (b *builder) partitionChange(rec *PartitionChangeRecord) error {
	t, err := b.mutable(rec.TopicID)
	if err != nil {
		return err
	}
	if rec.Partition < 0 || int(rec.Partition) >= len(t.Partitions) {
		return fmt.Errorf("got partition %d of topic %q, expected less than %d",
			rec.Partition, t.Name, len(t.Partitions))
	}
	p := t.Partitions[rec.Partition].changed(rec)
	if err := p.check(); err != nil {
		return fmt.Errorf("partition %s-%d: %w", t.Name, rec.Partition, err)
	}
	t.Partitions[rec.Partition] = p
	return nil
}

// changed returns a copy of p with rec applied.
func (p *Partition) changed(rec *PartitionChangeRecord) *Partition {
	next := *p
	lists := []struct{ to, from *[]base.NodeID }{
		{&next.ISR, &rec.ISR}, {&next.Replicas, &rec.Replicas}, {&next.Removing, &rec.Removing},
		{&next.Adding, &rec.Adding}, {&next.ELR, &rec.ELR}, {&next.LastKnownELR, &rec.LastKnownELR},
	}
	for _, list := range lists {
		if *list.from != nil {
			*list.to = orNil(*list.from)
		}
	}
	if rec.Directories != nil {
		next.Directories = orNil(rec.Directories)
	}
	if rec.LeaderRecoveryState != noRecoveryChange {
		next.LeaderRecoveryState = rec.LeaderRecoveryState
	}
	if rec.Leader != noLeaderChange {
		next.Leader = rec.Leader
		next.LeaderEpoch = p.LeaderEpoch + 1
	}
	next.PartitionEpoch = p.PartitionEpoch + 1
	return &next
}

// check verifies the invariants of one partition.
func (p *Partition) check() error {
	if len(p.Replicas) == 0 {
		return errors.New("got no replicas")
	}
	var replicaBuf, isrBuf [8]base.NodeID
	replicas, isr := sorted(replicaBuf[:0], p.Replicas), sorted(isrBuf[:0], p.ISR)
	if replicas[0] < 0 || repeats(replicas) {
		return fmt.Errorf("got replicas %v, expected different node ids of at least 0", p.Replicas)
	}
	if repeats(isr) {
		return fmt.Errorf("got ISR %v, expected different node ids", p.ISR)
	}
	for _, id := range isr {
		if _, ok := slices.BinarySearch(replicas, id); !ok {
			return fmt.Errorf("got ISR %v with %d, which is not among replicas %v", p.ISR, id, p.Replicas)
		}
	}
	if p.Leader != base.NoNode && !slices.Contains(p.ISR, p.Leader) {
		return fmt.Errorf("got leader %d, expected none or one of ISR %v", p.Leader, p.ISR)
	}
	if len(p.Directories) != 0 && len(p.Directories) != len(p.Replicas) {
		return fmt.Errorf("got %d directories, expected one for each of %d replicas",
			len(p.Directories), len(p.Replicas))
	}
	// An epoch that wrapped around is negative.
	if p.LeaderEpoch < 0 || p.PartitionEpoch < 0 {
		return fmt.Errorf("got leader epoch %d and partition epoch %d, expected at least 0",
			p.LeaderEpoch, p.PartitionEpoch)
	}
	if p.LeaderRecoveryState != Recovered && p.LeaderRecoveryState != Recovering {
		return fmt.Errorf("got leader recovery state %d, expected 0 or 1", p.LeaderRecoveryState)
	}
	return nil
}

// sorted returns a sorted copy of ids, in buf if it is large enough.
func sorted(buf []base.NodeID, ids []base.NodeID) []base.NodeID {
	buf = append(buf, ids...)
	slices.Sort(buf)
	return buf
}

// repeats reports whether sorted ids hold one twice.
func repeats(ids []base.NodeID) bool {
	for i := 1; i < len(ids); i++ {
		if ids[i] == ids[i-1] {
			return true
		}
	}
	return false
}

// orNil returns nil for an empty list, so that equal images are equal to the last pointer.
func orNil[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}
