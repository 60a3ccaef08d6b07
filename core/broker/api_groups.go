package broker

import (
	"cmp"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/group"
)

// What administrators ask about groups. One request may concern several coordinators of this broker:
//
//	DescribeGroups (API key 15): versions 0-6    ListGroups (API key 16): versions 0-5    DeleteGroups (42): 0-2

// groupOperations are the authorized operations on a group, as bits, that a broker without an authorizer grants.
const groupOperations = 1<<3 | 1<<6 | 1<<8 | 1<<10 | 1<<11

// describeGroupsMissing is the version from which a group that there is not is an error (KIP-1043).
const describeGroupsMissing = 6

func (c *call) describeGroups(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.DescribeGroupsRequest)
	reply, b := c.pending(), c.b
	res := kmsg.NewPtrDescribeGroupsResponse()
	names := bounded(req.Groups)
	res.Groups = make([]kmsg.DescribeGroupsResponseGroup, len(names))
	g := gather(len(names), func(out *Effects) { reply.reply(res, out) })
	told := 0
	for i, name := range names {
		take := func(found kmsg.DescribeGroupsResponseGroup, out *Effects) {
			found.AuthorizedOperations = notAsked
			if req.IncludeAuthorizedOperations && found.ErrorCode == noCode {
				found.AuthorizedOperations = groupOperations
			}
			g.locked(func() {
				if told > mostDescribed {
					found = undescribedGroup(name, kerr.InvalidRequest.Code)
				}
				told += sizeOf(&found)
				res.Groups[i] = found
			})
			g.done(out)
		}
		s, code := b.groups.shardOf(name)
		if code != noCode {
			take(undescribedGroup(name, code), c.out)
			continue
		}
		s.work(b, c.now, c.out, func(_ base.Instant, out *Effects) {
			if code := s.unavailable(); code != noCode {
				take(undescribedGroup(name, code), out)
				return
			}
			take(describedGroup(s.machine, name, req.Version), out)
		})
	}
	g.done(c.out)
	return nil
}

// mostRepeated is how many names a request may have for those that are named again to be answered again (as in Kafka).
const mostRepeated = 1000

// bounded returns names, but of many only those that are new: what is asked for in a few bytes each time must not make
// an answer of any size.
func bounded(names []string) []string {
	if len(names) <= mostRepeated {
		return names
	}
	return unique(names)
}

// unique returns names without those that are named again.
func unique(names []string) []string {
	seen := make(map[string]struct{}, min(len(names), 1024))
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		_, again := seen[name]
		seen[name] = struct{}{}
		return again
	})
}

// mostDescribed is how many bytes one answer tells before it tells no more.
const mostDescribed = 64 << 20

// sizeOf returns about how many bytes a description is.
func sizeOf(g *kmsg.DescribeGroupsResponseGroup) int {
	n := len(g.Group)
	for i := range g.Members {
		m := &g.Members[i]
		n += len(m.MemberID) + len(m.ClientID) + len(m.ProtocolMetadata) + len(m.MemberAssignment) + 64
	}
	return n
}

// undescribedGroup tells why a group is not described.
func undescribedGroup(name string, code int16) kmsg.DescribeGroupsResponseGroup {
	g := kmsg.NewDescribeGroupsResponseGroup()
	g.Group, g.ErrorCode = name, code
	g.Members = []kmsg.DescribeGroupsResponseGroupMember{}
	return g
}

// describedGroup describes a group, or tells that there is none: versions before 6 as a dead group.
func describedGroup(m *group.Coordinator, name string, version int16) kmsg.DescribeGroupsResponseGroup {
	found, ok := m.Describe(name)
	if ok {
		return found
	}
	missing := undescribedGroup(name, noCode)
	missing.State = "Dead"
	if version >= describeGroupsMissing {
		message := "Group " + name + " not found."
		missing.ErrorCode, missing.ErrorMessage = kerr.GroupIDNotFound.Code, &message
	}
	return missing
}

func (c *call) listGroups(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.ListGroupsRequest)
	reply, b := c.pending(), c.b
	shards := b.groups.all()
	var found []kmsg.ListGroupsResponseGroup
	var failed int16
	g := gather(len(shards), func(out *Effects) { reply.reply(listedGroups(found, failed), out) })
	for _, s := range shards {
		s.work(b, c.now, c.out, func(_ base.Instant, out *Effects) {
			code := s.unavailable()
			var part []kmsg.ListGroupsResponseGroup
			if code == noCode {
				part = s.machine.List(req.StatesFilter, req.TypesFilter)
			}
			g.locked(func() {
				found = append(found, part...)
				if code == kerr.CoordinatorLoadInProgress.Code {
					failed = code
				}
			})
			g.done(out)
		})
	}
	g.done(c.out)
	return nil
}

// listedGroups makes the response: the groups in the order of their names, or none if not all could be asked for.
func listedGroups(found []kmsg.ListGroupsResponseGroup, failed int16) kmsg.Response {
	res := kmsg.NewPtrListGroupsResponse()
	res.ErrorCode = failed
	res.Groups = []kmsg.ListGroupsResponseGroup{}
	if failed == noCode {
		slices.SortFunc(found, func(a, b kmsg.ListGroupsResponseGroup) int { return cmp.Compare(a.Group, b.Group) })
		res.Groups = append(res.Groups, found...)
	}
	return res
}

func (c *call) deleteGroups(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.DeleteGroupsRequest)
	reply, b := c.pending(), c.b
	names := unique(req.Groups) // as in Kafka
	res := kmsg.NewPtrDeleteGroupsResponse()
	res.Groups = make([]kmsg.DeleteGroupsResponseGroup, len(names))
	g := gather(len(names), func(out *Effects) { reply.reply(res, out) })
	for i, name := range names {
		refuse := func(code int16) kmsg.Response {
			refused := kmsg.NewPtrDeleteGroupsResponse()
			refused.Groups = []kmsg.DeleteGroupsResponseGroup{{Group: name, ErrorCode: code}}
			return refused
		}
		asked := &groupCall{refuse: refuse, answer: func(got kmsg.Response, out *Effects) {
			g.locked(func() { res.Groups[i] = got.(*kmsg.DeleteGroupsResponse).Groups[0] })
			g.done(out)
		}}
		s, code := b.groups.shardOf(name)
		if code != noCode {
			asked.answer(refuse(code), c.out)
			continue
		}
		s.ask(b, c.now, c.out, asked,
			func(m *group.Coordinator, now base.Instant, t group.Ticket, out *group.Effects) {
				m.Delete(now, []string{name}, t, out)
			})
	}
	g.done(c.out)
	return nil
}
