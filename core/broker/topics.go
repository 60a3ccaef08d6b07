package broker

import (
	"sync"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/replication/meta"
)

// topic is a topic of which this broker holds partitions.
type topic struct {
	name string
	id   base.UUID

	mu struct {
		sync.RWMutex
		partitions []*partition // by index; nil where this broker holds no replica
	}
}

// partition returns one partition, or nil.
func (t *topic) partition(index int32) *partition {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if index < 0 || int(index) >= len(t.mu.partitions) {
		return nil
	}
	return t.mu.partitions[index]
}

// all returns the partitions that this broker holds.
func (t *topic) all() []*partition {
	t.mu.RLock()
	defer t.mu.RUnlock()
	found := make([]*partition, 0, len(t.mu.partitions))
	for _, p := range t.mu.partitions {
		if p != nil {
			found = append(found, p)
		}
	}
	return found
}

func (t *topic) put(p *partition) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for int(p.tp.Partition) >= len(t.mu.partitions) {
		t.mu.partitions = append(t.mu.partitions, nil)
	}
	t.mu.partitions[p.tp.Partition] = p
}

// topics finds what the hot path needs by name or id. The image of the cluster's metadata knows more, but not the logs.
type topics struct {
	mu struct {
		sync.RWMutex
		byName map[string]*topic
		byID   map[base.UUID]*topic
	}
}

func (t *topics) init() {
	t.mu.byName = make(map[string]*topic)
	t.mu.byID = make(map[base.UUID]*topic)
}

// byNameOrID finds a topic by its name, or by its id if name is nil. It returns nil if there is none.
func (t *topics) byNameOrID(name []byte, id base.UUID) *topic {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if name != nil {
		return t.mu.byName[string(name)]
	}
	return t.mu.byID[id]
}

// find is byNameOrID with "" for no name.
func (t *topics) find(name string, id base.UUID) *topic {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if name != "" {
		return t.mu.byName[name]
	}
	return t.mu.byID[id]
}

// partition finds one partition by topic name.
func (t *topics) partition(name string, index int32) *partition {
	if found := t.find(name, base.UUID{}); found != nil && name != "" {
		return found.partition(index)
	}
	return nil
}

// add makes room for a topic, unless it is there.
func (t *topics) add(m *meta.Topic) *topic {
	t.mu.Lock()
	defer t.mu.Unlock()
	if found := t.mu.byID[m.ID]; found != nil {
		return found
	}
	made := &topic{name: m.Name, id: m.ID}
	t.mu.byName[m.Name], t.mu.byID[m.ID] = made, made
	return made
}

// remove takes a topic out.
func (t *topics) remove(id base.UUID) *topic {
	t.mu.Lock()
	defer t.mu.Unlock()
	found := t.mu.byID[id]
	if found == nil {
		return nil
	}
	delete(t.mu.byID, id)
	if t.mu.byName[found.name] == found {
		delete(t.mu.byName, found.name)
	}
	return found
}
