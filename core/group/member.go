package group

import (
	"bytes"
	"container/list"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// newMemberTimeout is how long a member that is new may wait for its first generation: it sends no heartbeats while
// it waits (KAFKA-7610).
const newMemberTimeout = 5 * time.Minute

// member is a member of a group.
type member struct {
	group *group
	id    string
	// instance is the id of a static member (KIP-345), or nil.
	instance               *string
	clientID, clientHost   string
	rebalanceMs, sessionMs int32
	protocols              []protocol
	assignment             []byte
	// fresh says that the member waits for its first generation.
	fresh bool
	// unsynced says that the member has not synced with this generation.
	unsynced bool
	// joining and syncing are the JoinGroup and the SyncGroup that wait, or nil.
	joining, syncing Ticket
	session          timer
}

var _ expirer = (*member)(nil)

// protocol is one way to divide partitions that a member knows, with what it says to that.
type protocol struct {
	name     string
	metadata []byte
}

// pendingMember is a member id that was given to a client that has not joined with it yet.
type pendingMember struct {
	group   *group
	id      string
	session timer
	// place is where the id stands among those of the group.
	place *list.Element
}

var _ expirer = (*pendingMember)(nil)

// protocolsOf returns the protocols of a request. Of those with the same name the first counts.
func protocolsOf(req *kmsg.JoinGroupRequest) []protocol {
	list := make([]protocol, 0, len(req.Protocols))
	seen := make(map[string]bool, len(req.Protocols))
	for i := range req.Protocols {
		if p := &req.Protocols[i]; !seen[p.Name] {
			seen[p.Name] = true
			list = append(list, protocol{name: p.Name, metadata: p.Metadata})
		}
	}
	return list
}

// protocolBytes is about how many bytes the protocols of a request take.
func protocolBytes(req *kmsg.JoinGroupRequest) int {
	const around = 16
	sum := 0
	for i := range req.Protocols {
		sum += around + len(req.Protocols[i].Name) + len(req.Protocols[i].Metadata)
	}
	return sum
}

// matches reports that the member has told just these protocols before.
func (m *member) matches(protocols []protocol) bool {
	return slices.EqualFunc(m.protocols, protocols, func(a, b protocol) bool {
		return a.name == b.name && bytes.Equal(a.metadata, b.metadata)
	})
}

// metadata returns what the member says to the group's protocol; nothing, if it does not know that.
func (m *member) metadata() []byte {
	if m.group.protocol != nil {
		for i := range m.protocols {
			if m.protocols[i].name == *m.group.protocol {
				return m.protocols[i].metadata
			}
		}
	}
	return []byte{}
}

// vote returns the first of the member's protocols that is a candidate.
func (m *member) vote(candidate func(name string) bool) string {
	for i := range m.protocols {
		if candidate(m.protocols[i].name) {
			return m.protocols[i].name
		}
	}
	return ""
}

// leads reports that the member is its group's leader.
func (m *member) leads() bool {
	return m.group.leader == m.id
}

// renew begins the member's session anew.
func (c *Coordinator) renew(m *member) {
	c.timers.set(&m.session, m, c.now.Mono.AddMillis(int64(m.sessionMs)))
}

// park has a JoinGroup of the member wait. One that waits already is sent back: its client has asked anew.
func (c *Coordinator) park(m *member, t Ticket) {
	c.refuseJoin(m, kerr.RebalanceInProgress.Code, m.id)
	m.joining = t
	m.group.awaiting++
}

// refuseJoin answers the JoinGroup that waits, if one does, with an error.
func (c *Coordinator) refuseJoin(m *member, code int16, id string) {
	if t := c.unpark(m); t != nil {
		c.reply(t, joinError(code, id))
	}
}

// unpark takes the JoinGroup that waits, if one does.
func (c *Coordinator) unpark(m *member) Ticket {
	t := m.joining
	if t != nil {
		m.joining = nil
		m.group.awaiting--
	}
	return t
}

// refuseSync answers the SyncGroup that waits, if one does, with an error, and reports that one did.
func (c *Coordinator) refuseSync(m *member, code int16) bool {
	t := m.syncing
	if t == nil {
		return false
	}
	m.syncing = nil
	c.reply(t, syncError(code))
	return true
}

// expire removes a member whose session is over. One that waits for the coordinator is alive.
func (m *member) expire(c *Coordinator) {
	if !m.fresh && (m.joining != nil || m.syncing != nil) {
		return
	}
	c.remove(m)
	c.afterLoss(m.group, cause{why: "session expired", member: m.id})
}

// expire forgets a member id that nobody joined with.
func (p *pendingMember) expire(c *Coordinator) {
	c.removePending(p)
	g := p.group
	if g.state == PreparingRebalance && g.allJoined() {
		c.completeJoin(g)
	}
	c.forgetUnused(g)
}

// afterLoss goes on without a member that was lost.
func (c *Coordinator) afterLoss(g *group, why cause) {
	switch g.state {
	case Stable, CompletingRebalance:
		c.prepareRebalance(g, why)
	case PreparingRebalance:
		if g.allJoined() {
			c.completeJoin(g)
		}
	}
}
