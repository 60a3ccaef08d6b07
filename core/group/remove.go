package group

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
)

// OffsetDelete, version 0 (KIP-496), and DeleteGroups, versions 0-2 (KIP-229).

// mostTombstones bounds the bytes of one write of tombstones: a write is one batch, and batches are bounded.
const mostTombstones = 256 << 10

// DeleteOffsets serves an OffsetDelete. Offsets of topics that a member reads stay. The answer comes when the
// tombstones are written.
func (c *Coordinator) DeleteOffsets(now base.Instant, req *kmsg.OffsetDeleteRequest, t Ticket, out *Effects) {
	c.begin(now, out)
	res := kmsg.NewPtrOffsetDeleteResponse()
	g := c.groups[req.Group]
	if res.ErrorCode = g.undeletable(req.Group); res.ErrorCode != noCode {
		c.reply(t, res)
		return
	}
	w := &tombstones{coordinator: c, then: func(code int16) {
		if code != noCode {
			res = kmsg.NewPtrOffsetDeleteResponse()
			res.ErrorCode = code
		}
		c.reply(t, res)
	}}
	for i := range req.Topics {
		asked := &req.Topics[i]
		topic := kmsg.NewOffsetDeleteResponseTopic()
		topic.Topic = asked.Topic
		read := g.reads(asked.Topic)
		held := g.offsets.topic(asked.Topic)
		for j := range asked.Partitions {
			p := kmsg.NewOffsetDeleteResponseTopicPartition()
			p.Partition = asked.Partitions[j].Partition
			if read {
				p.ErrorCode = kerr.GroupSubscribedToTopic.Code
			} else if e := held.entry(p.Partition); e != nil {
				w.add(g, e)
			}
			topic.Partitions = append(topic.Partitions, p)
		}
		res.Topics = append(res.Topics, topic)
	}
	w.end()
}

// undeletable says why a group's offsets may not be deleted.
func (g *group) undeletable(name string) int16 {
	switch {
	case name == "":
		return kerr.InvalidGroupID.Code
	case g == nil || g.state == Dead:
		return kerr.GroupIDNotFound.Code
	case g.state != Empty && g.protocolType != consumerType:
		return kerr.NonEmptyGroup.Code
	}
	return noCode
}

// deletion is one DeleteGroups.
type deletion struct {
	ticket   Ticket
	response *kmsg.DeleteGroupsResponse
	// waits counts the groups whose outcome is not known.
	waits int
}

// Delete serves a DeleteGroups: groups without members go, with their offsets. The answer names each group once, in
// the order of names, and comes when all tombstones are written.
func (c *Coordinator) Delete(now base.Instant, names []string, t Ticket, out *Effects) {
	c.begin(now, out)
	d := &deletion{ticket: t, response: kmsg.NewPtrDeleteGroupsResponse(), waits: 1}
	d.response.Groups = []kmsg.DeleteGroupsResponseGroup{}
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		if seen[name] {
			continue
		}
		seen[name] = true
		res := kmsg.NewDeleteGroupsResponseGroup()
		res.Group = name
		g := c.groups[name]
		switch {
		case g == nil:
			res.ErrorCode = kerr.GroupIDNotFound.Code
		case g.state == Dead:
			d.waits++
			g.deletions = append(g.deletions, d)
		case g.state != Empty:
			res.ErrorCode = kerr.NonEmptyGroup.Code
		default:
			d.waits++
			g.deletions = append(g.deletions, d)
			w := &tombstones{coordinator: c}
			w.bury(g)
			w.end()
		}
		d.response.Groups = append(d.response.Groups, res)
	}
	c.settleDeletion(d, "", noCode)
}

// settleDeletion notes what came of one group, and answers if it was the last.
func (c *Coordinator) settleDeletion(d *deletion, name string, code int16) {
	for i := range d.response.Groups {
		if r := &d.response.Groups[i]; r.Group == name && code != noCode {
			r.ErrorCode = code
		}
	}
	if d.waits--; d.waits == 0 {
		c.reply(d.ticket, d.response)
	}
}

// tombstones gathers removals into writes that are not too large.
type tombstones struct {
	coordinator *Coordinator
	// then is told the outcome of the last write, or of none, if set.
	then    func(code int16)
	records []Record
	bytes   int
	current *buried
}

// buried is one write of tombstones.
type buried struct {
	changes []change
	// groups are Dead, and gone once this is written.
	groups []*group
	then   func(code int16)
}

var _ outcome = (*buried)(nil)

// add adds the removal of a group's offset.
func (w *tombstones) add(g *group, e *entry) {
	w.put(Record{Key: offsetKey(nil, g.name, e.topic.name, e.partition)})
	e.writes++
	g.unsettled++
	w.current.changes = append(w.current.changes, change{group: g, entry: e, gone: true})
}

// bury adds the removal of a group with all its offsets. Until it is written, the group is Dead.
func (w *tombstones) bury(g *group) {
	for _, t := range g.offsets.topics {
		for _, e := range t.entries {
			w.add(g, e)
		}
	}
	w.put(Record{Key: groupKey(g.name)})
	w.coordinator.become(g, Dead)
	g.unsettled++
	w.current.groups = append(w.current.groups, g)
}

func (w *tombstones) put(r Record) {
	if w.current == nil {
		w.current = &buried{}
	}
	if w.bytes += len(r.Key) + 16; w.bytes > mostTombstones && len(w.records) > 0 {
		w.flush()
		w.bytes = len(r.Key) + 16
		w.current = &buried{}
	}
	w.records = append(w.records, r)
}

func (w *tombstones) flush() {
	w.coordinator.write(w.current, w.records...)
	w.records, w.current = nil, nil
}

// end writes what is left.
func (w *tombstones) end() {
	switch {
	case w.current != nil:
		w.current.then = w.then
		w.flush()
	case w.then != nil:
		w.then(noCode)
	}
}

func (w *buried) written(c *Coordinator, code int16) {
	for i := range w.changes {
		w.changes[i].group.unsettled--
	}
	c.settle(w.changes, code)
	for _, g := range w.groups {
		g.unsettled--
		c.buried(g, code)
	}
	if w.then != nil {
		w.then(code)
	}
}

// buried notes that a group's tombstone is written, or not, and tells who waits for it. A group that is not gone, or of
// which an offset is left since its tombstone was not written, is as it was.
func (c *Coordinator) buried(g *group, code int16) {
	since := g.since
	c.become(g, Empty)
	if code == noCode {
		c.removeAllPending(g)
		g.protocolType, g.logged, g.generation = "", nil, 0
		g.topics, g.topicsKnown = nil, false
		g.visible = len(g.offsets.topics) > 0
		c.event(Removed, g, cause{})
		c.forgetUnused(g)
	} else {
		g.since = since
	}
	waiting := g.deletions
	g.deletions = nil
	for _, d := range waiting {
		c.settleDeletion(d, g.name, code)
	}
}
