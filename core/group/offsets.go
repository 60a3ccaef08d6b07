package group

import (
	"cmp"
	"math"
	"slices"

	"github.com/gregor-log/gregor/base"
)

// offset is what a group has committed for a partition.
type offset struct {
	offset   int64
	metadata string
	// committed is when, and expires until when it is to be kept, both in wall clock milliseconds; noTime is no expiry
	// of its own.
	committed, expires int64
	topicID            [16]byte
	leaderEpoch        int32
}

// offsets are the committed offsets of a group, in the order of topics and partitions.
type offsets struct {
	topics []*topicOffsets
}

// topicOffsets are the offsets of one topic.
type topicOffsets struct {
	name    string
	entries []*entry
}

// entry is the offset of one partition: what is committed, if something is, and how much is on its way.
type entry struct {
	topic     *topicOffsets
	partition int32
	// writes counts the writes without outcome that concern the entry.
	writes int32
	known  bool
	offset offset
	// newest is the topic id of the newest commit, be it on its way, while there are such writes.
	newest [16]byte
}

// topicID returns the id of the topic that the newest commit was for, zero if it is not known.
func (e *entry) topicID() [16]byte {
	if e.writes > 0 {
		return e.newest
	}
	return e.offset.topicID
}

func (o *offsets) search(topic string) (int, bool) {
	return slices.BinarySearchFunc(o.topics, topic, func(t *topicOffsets, name string) int {
		return cmp.Compare(t.name, name)
	})
}

// topic returns the offsets of a topic, or nil.
func (o *offsets) topic(name string) *topicOffsets {
	if i, found := o.search(name); found {
		return o.topics[i]
	}
	return nil
}

// make returns the offsets of a topic, which it makes if there are none.
func (o *offsets) make(name string) *topicOffsets {
	i, found := o.search(name)
	if !found {
		o.topics = slices.Insert(o.topics, i, &topicOffsets{name: name})
	}
	return o.topics[i]
}

func (t *topicOffsets) search(partition int32) (int, bool) {
	return slices.BinarySearchFunc(t.entries, partition, func(e *entry, p int32) int {
		return cmp.Compare(e.partition, p)
	})
}

// entry returns the entry of a partition, or nil. The topic may be nil.
func (t *topicOffsets) entry(partition int32) *entry {
	if t != nil {
		if i, found := t.search(partition); found {
			return t.entries[i]
		}
	}
	return nil
}

// make returns the entry of a partition, which it makes if there is none.
func (t *topicOffsets) make(partition int32) *entry {
	i, found := t.search(partition)
	if !found {
		t.entries = slices.Insert(t.entries, i, &entry{topic: t, partition: partition})
	}
	return t.entries[i]
}

// drop removes an entry that nothing is known of and nothing is on its way to, and its topic with the last one.
func (o *offsets) drop(e *entry) {
	if e.known || e.writes > 0 {
		return
	}
	t := e.topic
	if i, found := t.search(e.partition); found && t.entries[i] == e {
		t.entries = slices.Delete(t.entries, i, i+1)
	}
	if i, found := o.search(t.name); found && len(t.entries) == 0 && o.topics[i] == t {
		o.topics = slices.Delete(o.topics, i, i+1)
	}
}

// set makes o the entry's offset.
func (c *Coordinator) set(e *entry, o *offset) {
	if !e.known {
		e.known = true
		c.stats.Offsets++
	}
	e.offset = *o
}

// unset makes the entry one without offset.
func (c *Coordinator) unset(e *entry) {
	if e.known {
		e.known = false
		e.offset = offset{}
		c.stats.Offsets--
	}
}

// change is one record of an offset on its way: to a new offset, or to none.
type change struct {
	group *group
	entry *entry
	to    offset
	gone  bool
}

// settle takes up changes that are written, and drops those that are not.
func (c *Coordinator) settle(changes []change, code int16) {
	for i := range changes {
		x := &changes[i]
		x.entry.writes--
		switch {
		case code != noCode:
		case x.gone:
			c.unset(x.entry)
		default:
			c.set(x.entry, &x.to)
			x.group.visible = true
		}
		x.group.offsets.drop(x.entry)
	}
}

// expiry returns when an offset committed now expires, for a client that asked to have it kept for keptMs; -1 is not
// asking.
func expiry(now base.Instant, keptMs int64) int64 {
	if keptMs == noTime {
		return noTime
	}
	if keptMs > math.MaxInt64-now.Wall {
		return math.MaxInt64
	}
	return now.Wall + keptMs
}
