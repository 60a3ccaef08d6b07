package group

import (
	"slices"

	"github.com/gregor-log/gregor/base"
)

// ExpireOffsets removes the offsets that nobody has needed for the retention time, and the groups that have neither
// members nor offsets. When an offset is needed is told from its group: without members, until the group lost the last
// one; if they read the offset's topic, as long as they do; if they read others, or there never were members, from the
// commit alone (KIP-211). A client may have said itself until when.
func (c *Coordinator) ExpireOffsets(now base.Instant, out *Effects) {
	c.begin(now, out)
	w := c.tombstones(nil)
	retention := c.options.Config().RetentionMs
	for _, name := range c.names() {
		g := c.groups[name]
		if g.state == Dead {
			continue
		}
		expired := c.expired(g, retention)
		left := -len(expired)
		for _, t := range g.offsets.topics {
			left += len(t.entries)
		}
		if left == 0 && g.state == Empty && len(g.pending) == 0 && g.unsettled == 0 {
			w.bury(g)
			continue
		}
		for _, e := range expired {
			w.add(g, e)
		}
	}
	w.end()
}

// expired returns the group's offsets that are not to be kept any longer.
func (c *Coordinator) expired(g *group, retention int64) []*entry {
	members := g.protocolType != ""
	if members && g.state != Empty && (g.state != Stable || !g.topicsKnown) {
		return nil
	}
	var found []*entry
	for _, t := range g.offsets.topics {
		if g.reads(t.name) {
			continue
		}
		for _, e := range t.entries {
			from := e.offset.committed
			if members && g.state == Empty && g.since != noTime {
				from = g.since
			}
			over := c.now.Wall-from >= retention
			if e.offset.expires != noTime {
				over = c.now.Wall >= e.offset.expires
			}
			if over && e.known && e.writes == 0 {
				found = append(found, e)
			}
		}
	}
	return found
}

// TopicsDeleted removes the offsets of topics that are deleted, whoever reads them. As in Kafka, an offset whose topic
// id is known goes with the topic of that id alone; where one id is not known, the name decides. Groups that have no
// offsets of such names are passed over: topics may be deleted one by one beside many groups.
func (c *Coordinator) TopicsDeleted(now base.Instant, topics []Topic, out *Effects) {
	c.begin(now, out)
	ids := make(map[string][]base.UUID, len(topics))
	for _, t := range topics {
		ids[t.Name] = append(ids[t.Name], t.ID)
	}
	var affected []string
	for name, g := range c.groups {
		for _, t := range g.offsets.topics {
			if ids[t.name] != nil {
				affected = append(affected, name)
				break
			}
		}
	}
	slices.Sort(affected)
	w := c.tombstones(nil)
	for _, name := range affected {
		if g := c.groups[name]; g.state != Dead { // all offsets of a dead one go
			w.addDeleted(g, ids)
		}
	}
	w.end()
}

// addDeleted adds the removal of a group's offsets of topics with these names and ids.
func (w *tombstones) addDeleted(g *group, ids map[string][]base.UUID) {
	for _, t := range g.offsets.topics {
		for _, e := range t.entries {
			if slices.ContainsFunc(ids[t.name], func(id base.UUID) bool { return !otherTopic(e.topicID(), id) }) {
				w.add(g, e)
			}
		}
	}
}
