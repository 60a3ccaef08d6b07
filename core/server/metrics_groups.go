//go:build unix

package server

import (
	"github.com/gregor-log/gregor/core/broker"
	"github.com/gregor-log/gregor/core/group"
)

// groups puts what the group coordinators hold.
func (c *collector) groups(b *broker.Broker) {
	s := b.GroupStats()
	for state, n := range s.Groups {
		c.put(groupsByState, float64(n), group.State(state).String())
	}
	c.put(groupMembers, float64(s.Members))
	c.put(groupOffsets, float64(s.Offsets))
	c.put(groupsLoading, float64(b.GroupsLoading()))
}
