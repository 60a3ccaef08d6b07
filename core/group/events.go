package group

// EventKind tells events apart.
type EventKind uint8

// The events.
const (
	// RebalanceStarted says that a group began to gather its members for the next generation.
	RebalanceStarted EventKind = iota
	// GenerationFormed says that the members of a generation are settled.
	GenerationFormed
	// Assigned says that a generation's assignment is written and being handed out.
	Assigned
	// Emptied says that a group has lost its last member.
	Emptied
	// MemberReplaced says that a static member came back under a new member id and took over what it had.
	MemberReplaced
	// Removed says that a group is gone, for good and from the log.
	Removed
)

// Event is something that happened to a group. Its slices are valid during the call alone.
type Event struct {
	Kind  EventKind
	Group string
	// Generation is the group's after the event.
	Generation int32
	// Why says what made it happen, as in "member joined"; Member is whom that concerns, if it is one, and Reason is
	// what the client gave as its reason (JoinGroup from version 8, LeaveGroup from version 5), which may be anything.
	Why, Member, Reason string
	// Leader and Protocol are the generation's, from GenerationFormed on.
	Leader, Protocol string
	// Members are the members with GenerationFormed and Assigned, and the new one with MemberReplaced.
	Members []EventMember
}

// EventMember is a member as an event tells of it.
type EventMember struct {
	ID, Instance string
	// Assignment is what the leader gave it, from Assigned on.
	Assignment []byte
}

// cause is why something happens.
type cause struct {
	why, member, reason string
}

// event tells the observer of an event, if there is one.
func (c *Coordinator) event(kind EventKind, g *group, why cause, members ...*member) {
	if c.options.OnEvent == nil {
		return
	}
	e := Event{
		Kind: kind, Group: g.name, Generation: g.generation, Leader: g.leader,
		Why: why.why, Member: why.member, Reason: why.reason,
	}
	if g.protocol != nil {
		e.Protocol = *g.protocol
	}
	for _, m := range members {
		e.Members = append(e.Members, EventMember{ID: m.id, Instance: stringOf(m.instance), Assignment: m.assignment})
	}
	c.options.OnEvent(e)
}

// reasonOf returns the reason that a client gave.
func reasonOf(given *string) string {
	const most = 255 // clients cut it here (KIP-800)
	return cut(stringOf(given), most)
}
