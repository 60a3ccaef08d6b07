package group

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
)

// LeaveGroup, versions 0-5. From version 3 several members may leave at once, static ones by their instance id alone;
// from version 5 each may say why (KIP-800).

// batchLeaveVersion is the version from which members leave in batches.
const batchLeaveVersion = 3

// leaveAnswer makes the answer to a LeaveGroup of a version.
type leaveAnswer struct {
	version int16
	members []kmsg.LeaveGroupResponseMember
}

// Leave serves a LeaveGroup. If nobody is left, the answer waits until that is written.
func (c *Coordinator) Leave(now base.Instant, req *kmsg.LeaveGroupRequest, t Ticket, out *Effects) {
	c.begin(now, out)
	leaving := req.Members
	if req.Version < batchLeaveVersion {
		leaving = []kmsg.LeaveGroupRequestMember{{MemberID: req.MemberID}}
	}
	answer := leaveAnswer{version: req.Version}
	g := c.groups[req.Group]
	switch {
	case req.Group == "":
		c.reply(t, answer.response(kerr.InvalidGroupID.Code))
		return
	case g != nil && g.state == Dead:
		c.reply(t, answer.response(kerr.CoordinatorNotAvailable.Code))
		return
	}
	why := cause{why: "member left"}
	for i := range leaving {
		member := kmsg.NewLeaveGroupResponseMember()
		member.MemberID, member.InstanceID = leaving[i].MemberID, leaving[i].InstanceID
		member.ErrorCode = kerr.UnknownMemberID.Code
		if g != nil {
			member.ErrorCode = c.leave(g, &leaving[i])
		}
		if member.ErrorCode == noCode && why.member == "" {
			why.member, why.reason = member.MemberID, reasonOf(leaving[i].Reason)
			if why.member == "" {
				why.member = stringOf(member.InstanceID)
			}
		}
		answer.members = append(answer.members, member)
	}
	if why.member != "" {
		if w := c.afterLeave(g, why); w != nil {
			w.ticket, w.answer = t, answer
			return
		}
	}
	c.reply(t, answer.response(noCode))
}

// leave removes one member, or a member id that nobody has joined with yet.
func (c *Coordinator) leave(g *group, who *kmsg.LeaveGroupRequestMember) int16 {
	if who.MemberID == "" {
		m := g.static[stringOf(who.InstanceID)]
		if who.InstanceID == nil || m == nil {
			return kerr.UnknownMemberID.Code
		}
		c.remove(m)
		return noCode
	}
	if p := g.pending[who.MemberID]; p != nil {
		c.removePending(p)
		return noCode
	}
	if code := g.validate(who.MemberID, who.InstanceID); code != noCode {
		return code
	}
	c.remove(g.byID[who.MemberID])
	return noCode
}

// afterLeave goes on without those that have left.
func (c *Coordinator) afterLeave(g *group, why cause) *groupWrite {
	switch g.state {
	case CompletingRebalance, Stable:
		return c.prepareRebalance(g, why)
	case PreparingRebalance:
		return c.maybeCompleteJoin(g)
	}
	c.forgetUnused(g)
	return nil
}

// response makes the answer: one error for all where the version, or the error, knows no members.
func (a leaveAnswer) response(code int16) *kmsg.LeaveGroupResponse {
	res := kmsg.NewPtrLeaveGroupResponse()
	res.ErrorCode = code
	if code != noCode {
		return res
	}
	if a.version < batchLeaveVersion {
		res.ErrorCode = a.members[0].ErrorCode
		return res
	}
	res.Members = a.members
	return res
}
