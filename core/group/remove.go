package group

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
)

// OffsetDelete, version 0 (KIP-496), and DeleteGroups, versions 0-2 (KIP-229).

// mostTombstones bounds the bytes of one write of tombstones: a write is one batch, and batches are bounded. Where the
// topic allows smaller batches alone, half of such a one is the bound.
const mostTombstones = 256 << 10

// DeleteOffsets serves an OffsetDelete. Offsets of topics that a member reads stay. The answer comes when the
// tombstones are written, one for each partition however often it is named.
func (c *Coordinator) DeleteOffsets(now base.Instant, req *kmsg.OffsetDeleteRequest, t Ticket, out *Effects) {
	c.begin(now, out)
	res := kmsg.NewPtrOffsetDeleteResponse()
	g := c.groups[req.Group]
	if res.ErrorCode = g.undeletable(req.Group); res.ErrorCode != noCode {
		c.reply(t, res)
		return
	}
	w := c.tombstones(func(code int16) {
		if code != noCode {
			res = kmsg.NewPtrOffsetDeleteResponse()
			res.ErrorCode = code
		}
		c.reply(t, res)
	})
	seen := make(map[*entry]struct{})
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
				if _, added := seen[e]; !added {
					seen[e] = struct{}{}
					w.add(g, e)
				}
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
	// places are those of the groups in the response, by name.
	places map[string]int
	// waits counts the groups whose outcome is not known.
	waits int
}

// Delete serves a DeleteGroups: groups without members go, with their offsets. The answer names each group once, in
// the order of names, and comes when all tombstones are written.
func (c *Coordinator) Delete(now base.Instant, names []string, t Ticket, out *Effects) {
	c.begin(now, out)
	d := &deletion{ticket: t, response: kmsg.NewPtrDeleteGroupsResponse(), places: make(map[string]int), waits: 1}
	d.response.Groups = []kmsg.DeleteGroupsResponseGroup{}
	for _, name := range names {
		if _, seen := d.places[name]; seen {
			continue
		}
		d.places[name] = len(d.response.Groups)
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
			w := c.tombstones(nil)
			w.bury(g)
			w.end()
		}
		d.response.Groups = append(d.response.Groups, res)
	}
	c.settleDeletion(d, "", noCode)
}

// settleDeletion notes what came of one group, and answers if it was the last.
func (c *Coordinator) settleDeletion(d *deletion, name string, code int16) {
	if code != noCode {
		d.response.Groups[d.places[name]].ErrorCode = code
	}
	if d.waits--; d.waits == 0 {
		c.reply(d.ticket, d.response)
	}
}

// tombstones gathers removals into writes that are not too large.
type tombstones struct {
	coordinator *Coordinator
	removal     *removal
	// records are those of the next write, of some bytes of at most most.
	records     []Record
	bytes, most int
	current     *buried
}

// removal is what a number of writes of tombstones belong to.
type removal struct {
	// waits counts the writes without outcome, and the gathering. code is the error of the first that failed.
	waits int
	code  int16
	// then is told the outcome of all, if set.
	then func(code int16)
}

// settle notes the outcome of one write.
func (r *removal) settle(code int16) {
	if r.code == noCode {
		r.code = code
	}
	if r.waits--; r.waits == 0 && r.then != nil {
		r.then(r.code)
	}
}

// buried is one write of tombstones.
type buried struct {
	removal *removal
	changes []change
	// groups are Dead, and gone once this is written.
	groups []*group
}

var _ outcome = (*buried)(nil)

// tombstones begins to gather removals. then, which may be nil, is told 0 when all are written, or an error if one is
// not.
func (c *Coordinator) tombstones(then func(code int16)) *tombstones {
	most := mostTombstones
	if bound := int(c.options.Config().MaxBatchBytes); bound > 0 {
		most = min(most, bound/2)
	}
	return &tombstones{coordinator: c, removal: &removal{waits: 1, then: then}, most: most}
}

// add adds the removal of a group's offset.
func (w *tombstones) add(g *group, e *entry) {
	w.put(Record{Key: offsetKey(nil, g.name, e.topic.name, e.partition)})
	e.newest = e.topicID()
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

// put adds a record to the next write, or to the one behind it if that would be too large with it.
func (w *tombstones) put(r Record) {
	const around = 16 // bytes of a record besides its key, at most
	if w.bytes += len(r.Key) + around; w.bytes > w.most && len(w.records) > 0 {
		w.flush()
		w.bytes = len(r.Key) + around
	}
	if w.current == nil {
		w.current = &buried{removal: w.removal}
	}
	w.records = append(w.records, r)
}

// flush has written what was gathered.
func (w *tombstones) flush() {
	w.removal.waits++
	w.coordinator.write(w.current, w.records...)
	w.records, w.current = nil, nil
}

// end writes what is left.
func (w *tombstones) end() {
	if w.current != nil {
		w.flush()
	}
	w.removal.settle(noCode)
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
	w.removal.settle(code)
}

// buried notes that a group's tombstone is written, or not, and tells who waits for it. A group that is not gone, or of
// which an offset is left since its tombstone was not written, is as it was.
func (c *Coordinator) buried(g *group, code int16) {
	since := g.since
	c.become(g, Empty)
	if code == noCode {
		c.removeAllPending(g)
		g.protocolType, g.logged, g.generation = "", nil, 0
		g.topics, g.topicsKnown = topicSet{}, false
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
