package group

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
)

// JoinGroup, versions 0-9. From version 4 a new member is first given its id (KIP-394), static members come back under
// a new one (KIP-345, from 5), the client's reason is told (KIP-800, from 8), and a static leader that comes back may
// be spared the assignment (KIP-814, from 9).

// knownIDVersion is the version from which new members are given an id to join with.
const knownIDVersion = 4

// joinRequest is a JoinGroup being served.
type joinRequest struct {
	*kmsg.JoinGroupRequest
	from      Client
	ticket    Ticket
	protocols []protocol
}

// Join serves a JoinGroup. The answer comes when the group's next generation is formed, or at once if the client made
// a mistake, must ask again with the id it is given, or is part of the present generation with nothing new to tell.
// What the request's slices point to belongs to the coordinator from here on.
func (c *Coordinator) Join(now base.Instant, from Client, req *kmsg.JoinGroupRequest, t Ticket, out *Effects) {
	c.begin(now, out)
	if most := int(c.options.Config().MaxBatchBytes); most > 0 && protocolBytes(req) > most {
		// No record could hold the member, and the write of its group would fail so.
		c.reply(t, joinError(clientCode(kerr.MessageTooLarge.Code), req.MemberID))
		return
	}
	r := &joinRequest{JoinGroupRequest: req, from: from, ticket: t, protocols: protocolsOf(req)}
	if req.Version == 0 {
		req.RebalanceTimeoutMillis = req.SessionTimeoutMillis
	}
	g := c.groups[req.Group]
	if code := c.checkJoin(g, r); code != noCode {
		c.reply(t, joinError(code, req.MemberID))
		return
	}
	created := g == nil
	if created {
		g = c.create(req.Group)
	}
	if !g.accepts(req.MemberID, c.options.Config().MaxSize) {
		c.turnAway(g, r)
		return
	}
	var wrote *groupWrite
	if req.MemberID == "" {
		wrote = c.joinNew(g, r)
	} else {
		wrote = c.joinKnown(g, r)
	}
	if created && wrote == nil {
		c.writeCreated(g, t)
	}
}

// checkJoin looks for mistakes that make no difference to the group, nil if there is none. A refused request does not
// create a group.
func (c *Coordinator) checkJoin(g *group, r *joinRequest) int16 {
	cfg := c.options.Config()
	switch {
	case r.Group == "" || len(r.Group) > mostString:
		return kerr.InvalidGroupID.Code
	case len(r.ProtocolType) > mostString || len(stringOf(r.InstanceID)) > mostString:
		return kerr.InvalidRequest.Code
	case r.SessionTimeoutMillis < cfg.MinSessionMs || r.SessionTimeoutMillis > cfg.MaxSessionMs:
		return kerr.InvalidSessionTimeout.Code
	case g == nil && r.MemberID != "":
		return kerr.UnknownMemberID.Code
	case g == nil && (r.ProtocolType == "" || len(r.protocols) == 0):
		return kerr.InconsistentGroupProtocol.Code
	}
	for i := range r.protocols {
		if len(r.protocols[i].name) > mostString {
			return kerr.InvalidRequest.Code
		}
	}
	return noCode
}

// accepts reports that the group is not full. Those that are in may stay, as far as there is room for them in the
// generation that is being formed.
func (g *group) accepts(id string, most int32) bool {
	m := g.byID[id]
	switch g.state {
	case PreparingRebalance:
		return m != nil && m.joining != nil || g.awaiting < int(most)
	case CompletingRebalance, Stable:
		return m != nil || len(g.members) < int(most)
	}
	return true
}

// turnAway refuses a member that the group has no room for.
func (c *Coordinator) turnAway(g *group, r *joinRequest) {
	if m := g.byID[r.MemberID]; m != nil {
		c.remove(m)
	}
	if p := g.pending[r.MemberID]; p != nil {
		c.removePending(p)
	}
	c.reply(r.ticket, joinError(kerr.GroupMaxSizeReached.Code, ""))
	c.maybeCompleteJoin(g)
}

// joinNew serves a client without a member id.
func (c *Coordinator) joinNew(g *group, r *joinRequest) *groupWrite {
	switch {
	case g.state == Dead:
		c.reply(r.ticket, joinError(kerr.CoordinatorNotAvailable.Code, ""))
		return nil
	case !g.supports(r.ProtocolType, r.protocols):
		c.reply(r.ticket, joinError(kerr.InconsistentGroupProtocol.Code, ""))
		return nil
	}
	id := c.memberID(r.from, r.InstanceID)
	if r.InstanceID != nil {
		if old := g.static[*r.InstanceID]; old != nil {
			return c.replaceStatic(old, id, r)
		}
		return c.addMember(g, id, r)
	}
	if r.Version < knownIDVersion {
		return c.addMember(g, id, r)
	}
	c.addPending(g, id, int64(r.SessionTimeoutMillis))
	c.reply(r.ticket, joinError(kerr.MemberIDRequired.Code, id))
	return nil
}

// joinKnown serves a client that has a member id.
func (c *Coordinator) joinKnown(g *group, r *joinRequest) *groupWrite {
	refuse := func(code int16) *groupWrite {
		c.reply(r.ticket, joinError(code, r.MemberID))
		return nil
	}
	if g.state == Dead {
		return refuse(kerr.CoordinatorNotAvailable.Code)
	}
	if !g.supports(r.ProtocolType, r.protocols) {
		return refuse(kerr.InconsistentGroupProtocol.Code)
	}
	if p := g.pending[r.MemberID]; p != nil {
		if r.InstanceID != nil {
			// As in Kafka: the id was given to a dynamic member.
			c.reply(r.ticket, joinError(kerr.UnknownServerError.Code, ""))
			return nil
		}
		c.removePending(p)
		return c.addMember(g, r.MemberID, r)
	}
	if code := g.validate(r.MemberID, r.InstanceID); code != noCode {
		return refuse(code)
	}
	return c.rejoin(g.byID[r.MemberID], r)
}

// rejoin serves a member. It begins a rebalance if the member has something new to tell, or leads.
func (c *Coordinator) rejoin(m *member, r *joinRequest) *groupWrite {
	g := m.group
	why := "member joined again"
	switch {
	case g.state == PreparingRebalance:
	case !m.matches(r.protocols):
		why = "member changed its subscription"
	case g.state == Stable && m.leads():
		why = "leader joined again"
	default:
		c.reply(r.ticket, c.joined(m, false))
		return nil
	}
	c.update(m, r)
	c.park(m, r.ticket)
	return c.rebalanceOrComplete(g, cause{why: why, member: m.id, reason: reasonOf(r.Reason)})
}

// addMember makes the client a member.
func (c *Coordinator) addMember(g *group, id string, r *joinRequest) *groupWrite {
	m := &member{
		group: g, id: id, instance: r.InstanceID, clientID: r.from.ID, clientHost: r.from.Host,
		rebalanceMs: r.RebalanceTimeoutMillis, sessionMs: r.SessionTimeoutMillis,
		protocols: r.protocols, assignment: []byte{}, fresh: true,
	}
	if g.state == PreparingRebalance && g.previous == Empty {
		c.grow(g)
	}
	if len(g.members) == 0 {
		g.protocolType = r.ProtocolType
	}
	c.add(g, m)
	c.park(m, r.ticket)
	c.timers.set(&m.session, m, c.now.Mono.Add(newMemberTimeout))
	return c.rebalanceOrComplete(g, cause{why: "member joined", member: id, reason: reasonOf(r.Reason)})
}

// update takes up what a member tells anew.
func (c *Coordinator) update(m *member, r *joinRequest) {
	m.group.count(m, -1)
	m.protocols = r.protocols
	m.group.count(m, 1)
	m.rebalanceMs, m.sessionMs = r.RebalanceTimeoutMillis, r.SessionTimeoutMillis
}

// joined is the answer to a member of the generation that has been formed. The leader is told of all members, unless
// the last generation's assignment stays.
func (c *Coordinator) joined(m *member, skip bool) *kmsg.JoinGroupResponse {
	g := m.group
	res, protocolType := kmsg.NewPtrJoinGroupResponse(), g.protocolType
	res.MemberID, res.LeaderID, res.Generation = m.id, g.leader, g.generation
	res.ProtocolType, res.Protocol, res.SkipAssignment = &protocolType, g.protocol, skip
	res.Members = []kmsg.JoinGroupResponseMember{}
	if !m.leads() {
		return res
	}
	for _, x := range g.members {
		member := kmsg.NewJoinGroupResponseMember()
		member.MemberID, member.InstanceID, member.ProtocolMetadata = x.id, x.instance, x.metadata()
		res.Members = append(res.Members, member)
	}
	return res
}

// joinError answers a JoinGroup with an error. id is the member id that the answer names.
func joinError(code int16, id string) *kmsg.JoinGroupResponse {
	res := kmsg.NewPtrJoinGroupResponse()
	res.ErrorCode, res.MemberID = code, id
	res.Members = []kmsg.JoinGroupResponseMember{}
	return res
}
