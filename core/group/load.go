package group

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/wire"
)

// Errors of Load.
var (
	// ErrMalformed reports a record that is not what its version says.
	ErrMalformed = errors.New("malformed record of a group")
	// ErrVersion reports a value of a version that is not known.
	ErrVersion = errors.New("unknown version of a value")
)

// Load takes up one record of the log, in order; a nil value is a tombstone. It copies what it keeps. A record that it
// cannot read changes nothing and is an error, ErrMalformed or ErrVersion, but for keys of unknown versions, which are
// kept as they are.
func (c *Coordinator) Load(key, value []byte) error {
	r := wire.NewReader(key, false)
	version := r.Int16()
	switch {
	case r.Err() != nil:
		return fmt.Errorf("%w: key: %w", ErrMalformed, r.Err())
	case version == oldOffsetKeyVersion || version == offsetKeyVersion:
		group, topic, partition := string(r.Name()), string(r.Name()), r.Int32()
		if err := ended(&r, "key of an offset"); err != nil {
			return err
		}
		return c.loadOffset(group, topic, partition, value)
	case version == groupKeyVersion:
		group := string(r.Name())
		if err := ended(&r, "key of a group"); err != nil {
			return err
		}
		return c.loadGroup(group, value)
	}
	if value == nil {
		delete(c.foreign, string(key))
	} else {
		c.foreign[string(key)] = append([]byte{}, value...)
	}
	return nil
}

// ended reports that a record was read whole, and that nothing follows.
func ended(r *wire.Reader, what string) error {
	if r.Err() != nil {
		return fmt.Errorf("%w: %s: %w", ErrMalformed, what, r.Err())
	}
	if r.Left() > 0 {
		return fmt.Errorf("%w: %s: got %d bytes behind it, expected none", ErrMalformed, what, r.Left())
	}
	return nil
}

// open reads the version of a value, whose strings are compact from version flexible on.
func open(value []byte, what string, most, flexible int16) (wire.Reader, int16, error) {
	r := wire.NewReader(value, false)
	version := r.Int16()
	if r.Err() != nil {
		return r, 0, fmt.Errorf("%w: %s: %w", ErrMalformed, what, r.Err())
	}
	if version < 0 || version > most {
		return r, 0, fmt.Errorf("%w: %s: got version %d, expected 0 to %d", ErrVersion, what, version, most)
	}
	return wire.NewReader(r.Rest(), version >= flexible), version, nil
}

func (c *Coordinator) loadOffset(name, topic string, partition int32, value []byte) error {
	g := c.groups[name]
	if value == nil {
		if g == nil {
			return nil
		}
		if e := g.offsets.topic(topic).entry(partition); e != nil {
			c.unset(e)
			g.offsets.drop(e)
		}
		return nil
	}
	o, err := readOffset(value)
	if err != nil {
		return err
	}
	if g == nil {
		g = c.create(name)
	}
	g.visible = true
	c.set(g.offsets.make(topic).make(partition), &o)
	return nil
}

// readOffset reads the value of an offset's record.
func readOffset(value []byte) (offset, error) {
	const what = "value of an offset"
	r, version, err := open(value, what, mostOffsetValueVersion, 4)
	if err != nil {
		return offset{}, err
	}
	o := offset{offset: r.Int64(), leaderEpoch: int32(base.NoEpoch), expires: noTime}
	if version >= 3 {
		o.leaderEpoch = r.Int32()
	}
	o.metadata, o.committed = string(r.Name()), r.Int64()
	if version == expiringValueVersion {
		o.expires = r.Int64()
	}
	r.Tags(func(tag uint32, content *wire.Reader) {
		if tag == 0 {
			o.topicID = content.UUID()
		}
	})
	return o, ended(&r, what)
}

// loadGroup takes up a group's record. Its offsets have records of their own.
func (c *Coordinator) loadGroup(name string, value []byte) error {
	var read *group
	if value != nil {
		var err error
		if read, err = readGroup(name, value); err != nil {
			return err
		}
	}
	g := c.groups[name]
	switch {
	case g != nil:
		c.stats.Members -= len(g.members)
		c.stats.Groups[g.state]--
		delete(c.groups, name)
	case read == nil:
		return nil
	}
	if read == nil {
		read = &group{name: name, since: noTime}
	}
	if g != nil {
		read.offsets = g.offsets
	}
	if read.visible = value != nil || len(read.offsets.topics) > 0; !read.visible {
		return nil
	}
	c.groups[name] = read
	c.stats.Groups[read.state]++
	c.stats.Members += len(read.members)
	return nil
}

// readGroup reads the value of a group's record: a stable group if it has members, an empty one if not.
func readGroup(name string, value []byte) (*group, error) {
	const what = "value of a group"
	r, version, err := open(value, what, mostGroupValueVersion, 4)
	if err != nil {
		return nil, err
	}
	g := &group{name: name, since: noTime, logged: append([]byte{}, value...)}
	g.protocolType, g.generation = string(r.Name()), r.Int32()
	g.protocol = optional(r.String())
	leader := stringOf(optional(r.String()))
	if version >= 2 {
		g.since = r.Int64()
	}
	var members []*member
	for range max(r.Array(1), 0) {
		m := readMember(&r, g, version)
		if r.Err() != nil {
			break
		}
		members = append(members, m)
	}
	r.Tags(nil)
	if err := ended(&r, what); err != nil {
		return nil, err
	}
	return g, g.take(members, leader)
}

func readMember(r *wire.Reader, g *group, version int16) *member {
	m := &member{group: g, id: string(r.Name())}
	if version >= 3 {
		m.instance = optional(r.String())
	}
	m.clientID, m.clientHost = string(r.Name()), string(r.Name())
	m.rebalanceMs = -1
	if version >= 1 {
		m.rebalanceMs = r.Int32()
	}
	m.sessionMs = r.Int32()
	if m.rebalanceMs == -1 {
		m.rebalanceMs = m.sessionMs
	}
	m.protocols = []protocol{{name: stringOf(g.protocol), metadata: append([]byte{}, r.Bytes()...)}}
	m.assignment = append([]byte{}, r.Bytes()...)
	r.Tags(nil)
	return m
}

// take makes members those of a group that was read.
func (g *group) take(members []*member, leader string) error {
	if len(members) == 0 {
		g.readSubscriptions()
		return nil
	}
	if g.protocol == nil || g.protocolType == "" {
		return fmt.Errorf("%w: value of a group: got %d members and no protocol, expected one",
			ErrMalformed, len(members))
	}
	g.byID, g.static = make(map[string]*member), make(map[string]*member)
	g.votes = make(map[string]int)
	for _, m := range members {
		if m.id == "" {
			return fmt.Errorf("%w: value of a group: got a member without an id, expected one", ErrMalformed)
		}
		if g.byID[m.id] != nil || m.instance != nil && g.static[*m.instance] != nil {
			return fmt.Errorf("%w: value of a group: got member %q twice, expected members to differ",
				ErrMalformed, m.id)
		}
		g.enter(m)
	}
	g.members, g.state = members, Stable
	if g.leader = leader; g.byID[leader] == nil {
		g.leader = members[0].id
	}
	g.readSubscriptions()
	return nil
}

// optional copies a string that may be null.
func optional(p []byte) *string {
	if p == nil {
		return nil
	}
	s := string(p)
	return &s
}

// Loaded says that all records are loaded: the sessions of members begin. A group with more members than it may have
// now begins a rebalance, which leaves some out. Offsets of topics that exists says are not there are removed; an id is
// zero where the offset's record has none. A nil exists stands for all topics.
func (c *Coordinator) Loaded(now base.Instant, exists func(name string, id base.UUID) bool, out *Effects) {
	c.begin(now, out)
	most := int(c.options.Config().MaxSize)
	w := c.tombstones(nil)
	for _, name := range c.names() {
		g := c.groups[name]
		for _, m := range g.members {
			c.renew(m)
		}
		if len(g.members) > most {
			c.prepareRebalance(g, cause{why: "group is larger than allowed"})
		}
		if exists != nil {
			w.addMissing(g, exists)
		}
	}
	w.end()
}

// addMissing adds the removal of the offsets of topics that are not there.
func (w *tombstones) addMissing(g *group, exists func(name string, id base.UUID) bool) {
	for _, t := range g.offsets.topics {
		for _, e := range t.entries {
			if !exists(t.name, e.offset.topicID) {
				w.add(g, e)
			}
		}
	}
}

// Snapshot visits the newest record of every key that is in the log and not removed, in an order that depends on
// nothing else: groups by name, each with its offsets by topic and partition, then keys of unknown versions. Loading
// them gives what loading the log gives. A snapshot may take the place of the log before it while no write is
// outstanding: it says nothing of those.
func (c *Coordinator) Snapshot(visit func(Record)) {
	for _, name := range c.names() {
		g := c.groups[name]
		if g.logged != nil {
			visit(Record{Key: groupKey(name), Value: g.logged})
		}
		for _, t := range g.offsets.topics {
			for _, e := range t.entries {
				if e.known {
					r, _ := offsetRecord(nil, name, t.name, e.partition, &e.offset)
					visit(r)
				}
			}
		}
	}
	keys := slices.SortedFunc(maps.Keys(c.foreign), func(a, b string) int {
		return bytes.Compare([]byte(a), []byte(b))
	})
	for _, key := range keys {
		visit(Record{Key: []byte(key), Value: c.foreign[key]})
	}
}
