package group

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
)

// SyncGroup, versions 0-5, and Heartbeat, versions 0-4. From version 5 a SyncGroup names the protocol that its client
// believes in (KIP-559).

// namedProtocolVersion is the version from which a SyncGroup must name the protocol.
const namedProtocolVersion = 5

// Sync serves a SyncGroup: the leader's brings the assignment, and once that is written, all members are answered with
// their parts. While it is being written, another of the leader waits for that and changes nothing: what members are
// given is what the log says. What the request's slices point to belongs to the coordinator from here on.
func (c *Coordinator) Sync(now base.Instant, _ Client, req *kmsg.SyncGroupRequest, t Ticket, out *Effects) {
	c.begin(now, out)
	g := c.groups[req.Group]
	if code := checkSync(g, req); code != noCode {
		c.reply(t, syncError(code))
		return
	}
	m := g.byID[req.MemberID]
	g.setUnsynced(m, false)
	if g.unsynced == 0 {
		c.timers.stop(&g.sync)
	}
	if g.state == Stable {
		c.reply(t, synced(m))
		return
	}
	c.refuseSync(m, kerr.RebalanceInProgress.Code) // its client has asked anew
	m.syncing = t
	if m.leads() && !g.assigning {
		c.assign(g, req)
	}
}

// checkSync says why a SyncGroup is refused.
func checkSync(g *group, req *kmsg.SyncGroupRequest) int16 {
	named := req.Version < namedProtocolVersion || req.ProtocolType != nil && req.Protocol != nil
	switch {
	case req.Group == "":
		return kerr.InvalidGroupID.Code
	case !named:
		return kerr.InconsistentGroupProtocol.Code
	case g == nil || g.state == Empty:
		return kerr.UnknownMemberID.Code
	case g.state == Dead:
		return kerr.CoordinatorNotAvailable.Code
	}
	if code := g.validate(req.MemberID, req.InstanceID); code != noCode {
		return code
	}
	switch {
	case req.Generation != g.generation:
		return kerr.IllegalGeneration.Code
	case req.ProtocolType != nil && *req.ProtocolType != g.protocolType,
		req.Protocol != nil && g.protocol != nil && *req.Protocol != *g.protocol:
		return kerr.InconsistentGroupProtocol.Code
	case g.state == PreparingRebalance:
		return kerr.RebalanceInProgress.Code
	}
	return noCode
}

// assign has the leader's assignment written. Members that it leaves out get nothing.
func (c *Coordinator) assign(g *group, req *kmsg.SyncGroupRequest) {
	g.assigning = true
	given := make(map[string][]byte, len(req.GroupAssignment))
	for i := range req.GroupAssignment {
		a := &req.GroupAssignment[i]
		given[a.MemberID] = a.MemberAssignment
	}
	w := &assignWrite{groupWrite: groupWrite{group: g}, generation: g.generation, given: given}
	w.value = g.value(func(m *member) []byte { return given[m.id] })
	c.writeGroup(&w.groupWrite, w)
}

// assignWrite is the write of a generation's assignment.
type assignWrite struct {
	groupWrite
	generation int32
	given      map[string][]byte
}

// written hands out the assignment, unless a rebalance has begun meanwhile. If it was not written, another begins.
func (w *assignWrite) written(c *Coordinator, code int16) {
	w.settle(code)
	g := w.group
	if g.state != CompletingRebalance || g.generation != w.generation {
		return
	}
	if code != noCode {
		c.resetAssignments(g, code)
		c.prepareRebalance(g, cause{why: "assignment was not written"})
		return
	}
	c.become(g, Stable)
	for _, m := range g.members {
		if m.assignment = w.given[m.id]; m.assignment == nil {
			m.assignment = []byte{}
		}
		if t := m.syncing; t != nil {
			m.syncing = nil
			c.reply(t, synced(m))
			c.renew(m)
		}
	}
	c.event(Assigned, g, cause{}, g.members...)
}

// synced is the answer to a member that is part of an assigned generation.
func synced(m *member) *kmsg.SyncGroupResponse {
	res, protocolType := kmsg.NewPtrSyncGroupResponse(), m.group.protocolType
	res.ProtocolType, res.Protocol, res.MemberAssignment = &protocolType, m.group.protocol, m.assignment
	return res
}

// syncError answers a SyncGroup with an error.
func syncError(code int16) *kmsg.SyncGroupResponse {
	res := kmsg.NewPtrSyncGroupResponse()
	res.ErrorCode, res.MemberAssignment = code, []byte{}
	return res
}

// Heartbeat serves a Heartbeat: the member's session begins anew, and it is told if a rebalance is going on.
func (c *Coordinator) Heartbeat(now base.Instant, req *kmsg.HeartbeatRequest, t Ticket, out *Effects) {
	c.begin(now, out)
	res := kmsg.NewPtrHeartbeatResponse()
	res.ErrorCode = c.beat(req)
	c.reply(t, res)
}

func (c *Coordinator) beat(req *kmsg.HeartbeatRequest) int16 {
	g := c.groups[req.Group]
	switch {
	case req.Group == "":
		return kerr.InvalidGroupID.Code
	case g == nil:
		return kerr.UnknownMemberID.Code
	case g.state == Dead:
		return kerr.CoordinatorNotAvailable.Code
	}
	if code := g.validate(req.MemberID, req.InstanceID); code != noCode {
		return code
	}
	if req.Generation != g.generation {
		return kerr.IllegalGeneration.Code
	}
	c.renew(g.byID[req.MemberID])
	if g.state == PreparingRebalance {
		return kerr.RebalanceInProgress.Code
	}
	return noCode
}
