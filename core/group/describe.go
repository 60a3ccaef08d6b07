package group

import (
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// classicType is the type of all groups here.
const classicType = "classic"

// List lists the groups of which something is written, in the order of their names: those in one of the states, and of
// one of the types (KIP-518, KIP-848). No states or types are all; case makes no difference.
func (c *Coordinator) List(states, types []string) []kmsg.ListGroupsResponseGroup {
	among := func(list []string, name string) bool {
		return len(list) == 0 || slices.ContainsFunc(list, func(s string) bool {
			return strings.EqualFold(strings.TrimSpace(s), name)
		})
	}
	found := []kmsg.ListGroupsResponseGroup{}
	if !among(types, classicType) {
		return found
	}
	for _, name := range c.names() {
		if g := c.groups[name]; g.visible && among(states, g.state.String()) {
			res := kmsg.NewListGroupsResponseGroup()
			res.Group, res.ProtocolType = g.name, g.protocolType
			res.GroupState, res.GroupType = g.state.String(), classicType
			found = append(found, res)
		}
	}
	return found
}

// Describe describes a group and reports whether there is one, which is to say that something of it is written. The
// slices of the answer are the coordinator's and must not be changed. What members subscribe to is told of stable
// groups alone. Of a group that there is not, the state is Dead.
func (c *Coordinator) Describe(name string) (kmsg.DescribeGroupsResponseGroup, bool) {
	res := kmsg.NewDescribeGroupsResponseGroup()
	res.Group, res.State = name, Dead.String()
	res.Members = []kmsg.DescribeGroupsResponseGroupMember{}
	g := c.groups[name]
	if g == nil || !g.visible {
		return res, false
	}
	res.State, res.ProtocolType = g.state.String(), g.protocolType
	if g.state == Stable {
		res.Protocol = stringOf(g.protocol)
	}
	for _, m := range g.members {
		member := kmsg.NewDescribeGroupsResponseGroupMember()
		member.MemberID, member.InstanceID = m.id, m.instance
		member.ClientID, member.ClientHost, member.MemberAssignment = m.clientID, m.clientHost, m.assignment
		member.ProtocolMetadata = []byte{}
		if g.state == Stable {
			member.ProtocolMetadata = m.metadata()
		}
		res.Members = append(res.Members, member)
	}
	return res, true
}
