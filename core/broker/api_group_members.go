package broker

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/group"
)

// What members of a classic group send to its coordinator (KIP-62, KIP-345, KIP-394, KIP-429, KIP-814):
//
//	JoinGroup  (API key 11): versions 0-9    SyncGroup  (API key 14): versions 0-5
//	Heartbeat  (API key 12): versions 0-4    LeaveGroup (API key 13): versions 0-5
//
// The machine of core/group answers them; here they find their coordinator.

// groupCall returns what the response to this request takes: a reply, and how an error is told.
func (c *call) groupCall(refuse func(code int16) kmsg.Response) *groupCall {
	reply := c.pending()
	return &groupCall{
		refuse: refuse,
		answer: func(res kmsg.Response, out *Effects) { reply.reply(res, out) },
	}
}

// askGroup has the coordinator of a group serve a request.
func (c *call) askGroup(name string, asked *groupCall,
	serve func(m *group.Coordinator, now base.Instant, t group.Ticket, out *group.Effects)) kmsg.Response {
	s, code := c.b.groups.shardOf(name)
	if code != noCode {
		asked.answer(asked.refuse(code), c.out)
		return nil
	}
	s.ask(c.b, c.now, c.out, asked, serve)
	return nil
}

// client says who sent the request.
func (c *call) client() group.Client {
	return group.Client{ID: string(c.header.ClientID), Host: "/" + c.conn.peer}
}

func (c *call) joinGroup(r kmsg.Request) kmsg.Response {
	req, from := r.(*kmsg.JoinGroupRequest), c.client()
	for i := range req.Protocols {
		req.Protocols[i].Metadata = slices.Clone(req.Protocols[i].Metadata) // the frame is borrowed
	}
	refuse := func(code int16) kmsg.Response {
		res := kmsg.NewPtrJoinGroupResponse()
		res.ErrorCode, res.Generation, res.MemberID = code, -1, req.MemberID
		res.Members = []kmsg.JoinGroupResponseMember{}
		if req.Version < 7 {
			res.Protocol = new(string) // not nullable before
		}
		return res
	}
	return c.askGroup(req.Group, c.groupCall(refuse),
		func(m *group.Coordinator, now base.Instant, t group.Ticket, out *group.Effects) {
			m.Join(now, from, req, t, out)
		})
}

func (c *call) syncGroup(r kmsg.Request) kmsg.Response {
	req, from := r.(*kmsg.SyncGroupRequest), c.client()
	for i := range req.GroupAssignment {
		req.GroupAssignment[i].MemberAssignment = slices.Clone(req.GroupAssignment[i].MemberAssignment)
	}
	refuse := func(code int16) kmsg.Response {
		res := kmsg.NewPtrSyncGroupResponse()
		res.ErrorCode, res.MemberAssignment = code, []byte{}
		return res
	}
	return c.askGroup(req.Group, c.groupCall(refuse),
		func(m *group.Coordinator, now base.Instant, t group.Ticket, out *group.Effects) {
			m.Sync(now, from, req, t, out)
		})
}

func (c *call) heartbeat(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.HeartbeatRequest)
	refuse := func(code int16) kmsg.Response {
		res := kmsg.NewPtrHeartbeatResponse()
		res.ErrorCode = code
		return res
	}
	s, code := c.b.groups.shardOf(req.Group)
	if code != noCode {
		return refuse(code)
	}
	s.askNow(c.b, c.now, c.out, c.groupCall(refuse),
		func(m *group.Coordinator, now base.Instant, t group.Ticket, out *group.Effects) {
			m.Heartbeat(now, req, t, out)
		})
	return nil
}

func (c *call) leaveGroup(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.LeaveGroupRequest)
	refuse := func(code int16) kmsg.Response {
		res := kmsg.NewPtrLeaveGroupResponse()
		res.ErrorCode = code
		return res
	}
	return c.askGroup(req.Group, c.groupCall(refuse),
		func(m *group.Coordinator, now base.Instant, t group.Ticket, out *group.Effects) {
			m.Leave(now, req, t, out)
		})
}
