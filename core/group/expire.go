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
	w := &tombstones{coordinator: c}
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

// TopicsDeleted removes the offsets of topics that are deleted, whoever reads them.
func (c *Coordinator) TopicsDeleted(now base.Instant, names []string, out *Effects) {
	c.begin(now, out)
	w := &tombstones{coordinator: c}
	sorted := slices.Compact(slices.Sorted(slices.Values(names)))
	for _, name := range c.names() {
		g := c.groups[name]
		if g.state == Dead {
			continue // all its offsets go
		}
		for _, topic := range sorted {
			if t := g.offsets.topic(topic); t != nil {
				for _, e := range t.entries {
					w.add(g, e)
				}
			}
		}
	}
	w.end()
}
