package group

import (
	"github.com/gregor-log/gregor/core/wire"
)

// readSubscriptions finds out which topics the members of the generation read. They are known of groups that use the
// consumer's protocol, whose subscriptions begin
//
//	version int16, topics [string]
//
// in every version. If one cannot be read, the group is taken to read everything.
func (g *group) readSubscriptions() {
	g.topics, g.topicsKnown = nil, false
	if g.protocolType != consumerType {
		return
	}
	topics := make(map[string]struct{})
	for _, m := range g.members {
		r := wire.NewReader(m.metadata(), false)
		r.Int16()
		for range max(r.Array(2), 0) {
			name := r.Name()
			if r.Err() != nil {
				break
			}
			if _, known := topics[string(name)]; !known {
				topics[string(name)] = struct{}{}
			}
		}
		if r.Err() != nil {
			return
		}
	}
	g.topics, g.topicsKnown = topics, true
}

// reads reports that a member may read the topic.
func (g *group) reads(topic string) bool {
	if !g.topicsKnown {
		return g.protocolType == consumerType
	}
	_, read := g.topics[topic]
	return read
}
