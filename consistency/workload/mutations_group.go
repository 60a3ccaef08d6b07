package workload

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/wire"
	"github.com/gregor-log/gregor/netsim/world"
)

// setStaleCommit has commits of zombies accepted: one of an earlier generation is served as if it came from a member of
// the group as it is.
func setStaleCommit(m *mutant, plan *Plan, o *world.Options) {
	crowd(plan)
	hurry(plan)
	o.Hooks.Rewrite = func(_ *world.Node, frame []byte) []byte {
		var req kmsg.OffsetCommitRequest
		header, ok := readFrame(frame, &req)
		if !ok || req.Generation < 0 {
			return frame
		}
		for _, now := range m.run.members {
			if now.group.Name == req.Group && now.phase == phaseAssigned && now.generation > req.Generation {
				req.Generation, req.MemberID, req.InstanceID = now.generation, now.id, nil
				return req.AppendTo(header)
			}
		}
		return frame
	}
}

// readFrame reads a request of the right kind from a frame, and returns a copy of the frame's header.
func readFrame(frame []byte, req kmsg.Request) ([]byte, bool) {
	key, version := int16(binary.BigEndian.Uint16(frame)), int16(binary.BigEndian.Uint16(frame[2:]))
	if key != req.Key() {
		return nil, false
	}
	const fixed = 10 // key, version, correlation id, length of the client id
	header := fixed + int(binary.BigEndian.Uint16(frame[fixed-2:]))
	if wire.FlexibleHeader(key, version) {
		header++ // no tags
	}
	req.SetVersion(version)
	return append([]byte(nil), frame[:header]...), req.ReadFrom(frame[header:]) == nil
}

// setUnwritten has a disk lose the last record of a log of groups when its process is killed, if it is a commit that
// was acknowledged and that nothing has followed, as if it had been answered before it was written.
func setUnwritten(m *mutant, plan *Plan, o *world.Options) {
	killOften(plan, o)
	o.Hooks.Start = func(n *world.Node) {
		if m.run.w.Now() < half(plan) {
			return
		}
		for _, tp := range n.OffsetsLogs() {
			at, last, text := lastCommit(n, tp)
			if last != nil && text != "" && text == m.run.book.Newest(last.Group, base.TopicPartition{
				Topic: last.Topic, Partition: last.Partition,
			}) {
				n.CutFrom(tp, at)
			}
		}
	}
}

// lastCommit reads the last record of a log, and returns the offset of its batch, what it is about, nil if it is no
// commit, and the commit's text.
func lastCommit(n *world.Node, tp base.TopicPartition) (at base.Offset, about *kmsg.OffsetCommitKey, text string) {
	_ = n.Records(tp, func(b batch.Batch, key, value []byte) {
		at, about, text = b.BaseOffset(), commitKey(key), ""
		v := kmsg.NewOffsetCommitValue()
		if about != nil && value != nil && v.ReadFrom(value) == nil {
			text = v.Metadata
		}
	})
	return at, about, text
}

// commitKey reads the key of a committed offset, nil for anything else.
func commitKey(key []byte) *kmsg.OffsetCommitKey {
	k := kmsg.NewOffsetCommitKey()
	if len(key) < 2 || binary.BigEndian.Uint16(key) > 1 || k.ReadFrom(key) != nil {
		return nil
	}
	return &k
}

// killOften leaves all faults out but those that end processes, and adds more of them in the second half.
func killOften(plan *Plan, o *world.Options) {
	keepOnly(plan, o, world.Kill, world.Stop, world.Pause)
	for i := range 10 {
		at := half(plan).Add(time.Duration(i) * plan.For / 20)
		o.Faults = append(o.Faults, world.Fault{At: at, Kind: world.Kill, For: 50 * time.Millisecond})
	}
}

// setReused has a broker that was killed find an older generation in its logs than it had handed out, once of each
// group that has no members.
func setReused(_ *mutant, plan *Plan, o *world.Options) {
	killOften(plan, o)
	alone := plan.Groups[0]
	alone.Name, alone.Members = "alone", alone.Members[:1:1]
	plan.Groups = append(plan.Groups, alone)
	hurry(plan)
	aged := make(map[string]bool)
	o.Hooks.Start = func(n *world.Node) {
		for _, tp := range n.OffsetsLogs() {
			for _, e := range emptyGroups(n, tp) {
				if e.value.Generation < 2 || aged[e.key] {
					continue
				}
				aged[e.key] = true
				e.value.Generation -= 2 // a group is empty in a generation of its own
				n.AddRecord(tp, []byte(e.key), e.value.AppendTo(nil))
			}
		}
	}
}

// emptyGroup is what a log says last of a group without members.
type emptyGroup struct {
	key   string
	value kmsg.GroupMetadataValue
}

// emptyGroups reads the groups without members of one log.
func emptyGroups(n *world.Node, tp base.TopicPartition) []emptyGroup {
	var found []emptyGroup
	_ = n.Records(tp, func(_ batch.Batch, key, value []byte) {
		if len(key) < 2 || binary.BigEndian.Uint16(key) != 2 {
			return // an offset
		}
		found = slices.DeleteFunc(found, func(e emptyGroup) bool { return e.key == string(key) })
		v := kmsg.NewGroupMetadataValue()
		if value != nil && v.ReadFrom(value) == nil && len(v.Members) == 0 {
			found = append(found, emptyGroup{string(key), v})
		}
	})
	return found
}

// hurry has members get into trouble often, and short sessions end soon.
func hurry(plan *Plan) {
	for i := range plan.Groups {
		members := slices.Clone(plan.Groups[i].Members)
		for j := range members {
			p := &members[j]
			p.Session, p.Rebalance, p.Beat = 500*time.Millisecond, time.Second, 120*time.Millisecond
			p.Trouble = max(plan.For/20, 300*time.Millisecond)
		}
		plan.Groups[i].Members = members
	}
}

// crowd has the shared group have three members at least.
func crowd(plan *Plan) {
	g := &plan.Groups[0]
	for len(g.Members) < 3 {
		g.Members = append(g.Members, g.Members[0])
		g.Members[len(g.Members)-1].Instance = ""
	}
}

// setAssignedTwice has the second member of a generation get what the first one gets.
func setAssignedTwice(m *mutant, plan *Plan, o *world.Options) {
	crowd(plan)
	o.Hooks.Rewrite = func(_ *world.Node, frame []byte) []byte {
		var req kmsg.SyncGroupRequest
		header, ok := readFrame(frame, &req)
		if !ok || len(req.GroupAssignment) < 2 || m.run.w.Now() < half(plan) {
			return frame
		}
		first, second := kmsg.NewConsumerMemberAssignment(), kmsg.NewConsumerMemberAssignment()
		if first.ReadFrom(req.GroupAssignment[0].MemberAssignment) != nil ||
			second.ReadFrom(req.GroupAssignment[1].MemberAssignment) != nil {
			return frame
		}
		second.Topics = first.Topics
		req.GroupAssignment[1].MemberAssignment = second.AppendTo(nil)
		return req.AppendTo(header)
	}
}

// setKept has a member of a quiet group kept alive that has crashed: somebody goes on beating for it.
func setKept(m *mutant, plan *Plan, o *world.Options) {
	keepOnly(plan, o, world.Kill)
	crowd(plan)
	for i := range plan.Groups[0].Members {
		p := &plan.Groups[0].Members[i]
		p.Stays, p.Trouble = i != 1, 1000*plan.For
	}
	plan.Rude = true
	m.joins = func(r *run) {
		p := &impostor{}
		p.session.init(r, p)
		r.book.outsiders[p.client.Index()] = true
		p.wakeIn(time.Millisecond)
	}
}

// impostor beats for a member that has gone.
type impostor struct{ session }

// Wake beats.
func (p *impostor) Wake() {
	p.wakeIn(20 * time.Millisecond)
	for _, m := range p.run.members {
		if m.was.id == "" || !p.connected() || m.group != &p.run.plan.Groups[0] {
			continue
		}
		req := kmsg.NewPtrHeartbeatRequest()
		req.Version, req.Group, req.MemberID, req.Generation = 3, m.group.Name, m.was.id, m.was.generation
		if m.plan.Instance != "" {
			req.InstanceID = &m.plan.Instance
		}
		p.ask(req, 0)
	}
}

// Connected goes on.
func (p *impostor) Connected(int) {}

// Lost is all the same to it.
func (p *impostor) Lost(*world.Request) {}

// Disconnected connects again.
func (p *impostor) Disconnected(int) { p.reconnect() }

// Answered is all the same to it.
func (p *impostor) Answered(*world.Request, kmsg.Response) {}

var _ world.Actor = (*impostor)(nil)
