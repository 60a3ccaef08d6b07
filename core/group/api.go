package group

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
)

// Config is what the coordinator's properties say at an instant. Times are in milliseconds.
type Config struct {
	// MinSessionMs and MaxSessionMs bound the session timeout that a member may ask for
	// (group.min.session.timeout.ms, group.max.session.timeout.ms).
	MinSessionMs, MaxSessionMs int32
	// InitialDelayMs is how long an empty group waits for more members after its first
	// (group.initial.rebalance.delay.ms).
	InitialDelayMs int32
	// GatherMs is how long an empty group waits for more members where InitialDelayMs says less, 0 for not at all.
	// Members that start together and come a moment too late for the first generation learn of the second with their
	// next heartbeat, which may take seconds.
	GatherMs int32
	// MaxSize is the most members of a group (group.max.size).
	MaxSize int32
	// MaxMetadataBytes bounds the text committed with an offset (offset.metadata.max.bytes). As in Kafka it counts
	// UTF-16 units.
	MaxMetadataBytes int32
	// MaxBatchBytes is the largest batch that may be appended to the topic of offsets (its max.message.bytes); 0 is no
	// bound.
	MaxBatchBytes int32
	// RetentionMs is how long offsets are kept that no member of their group needs (offsets.retention.minutes).
	RetentionMs int64
}

// Options says what a coordinator is made of.
type Options struct {
	// Config returns what holds now. It is called by each input that needs it.
	Config func() Config
	// Random draws the ids of members.
	Random func() uint64
	// OnEvent is told what happens to groups, during the input that makes it happen; nil is allowed. It must not call
	// the coordinator.
	OnEvent func(Event)
}

// Client is who sent a request.
type Client struct {
	// ID is the client id of the request's header.
	ID string
	// Host is the client's address as Kafka prints it, as in "/127.0.0.1".
	Host string
}

// Ticket is what the caller answers a request by: something comparable, not nil, and another for each request. The
// coordinator hands it back once, in a Reply.
type Ticket any

// Reply is the answer to one request. It may belong to a request of an earlier input. The version and the throttle
// time of the response are the caller's to set; what a version cannot say is left out when it is encoded.
type Reply struct {
	Ticket   Ticket
	Response kmsg.Response
}

// Record is one record of __consumer_offsets. A nil value is a tombstone. Its bytes are the coordinator's and may be
// kept, but not changed.
type Record struct {
	Key, Value []byte
}

// Write is a set of records that must be appended as one batch, in the order of the writes. What came of it is
// told with Written, write by write in order.
type Write struct {
	Records []Record
}

// Topic is a topic that was deleted. Of one whose ID is zero, only the name is known.
type Topic struct {
	Name string
	ID   base.UUID
}

// Effects is what must happen after an input. Inputs add to it.
type Effects struct {
	Replies []Reply
	Writes  []Write
}

// Reset empties e and keeps its room.
func (e *Effects) Reset() {
	clear(e.Replies)
	clear(e.Writes)
	e.Replies, e.Writes = e.Replies[:0], e.Writes[:0]
}

// State is where a classic group stands.
type State uint8

// The states of a group.
const (
	// Empty is a group without members: at most offsets are left of it.
	Empty State = iota
	// PreparingRebalance is a group that waits for its members to join the next generation.
	PreparingRebalance
	// CompletingRebalance is a group that waits for its leader's assignment.
	CompletingRebalance
	// Stable is a group whose members know what is theirs.
	Stable
	// Dead is a group whose removal is being written.
	Dead

	// States is the number of states.
	States = int(Dead) + 1
)

var stateNames = [States]string{"Empty", "PreparingRebalance", "CompletingRebalance", "Stable", "Dead"}

// String returns Kafka's name of the state.
func (s State) String() string {
	return stateNames[s]
}

// Stats counts what a coordinator holds.
type Stats struct {
	// Groups counts groups by state.
	Groups [States]int
	// Members counts members of groups; Pending counts member ids given to clients that have not joined with them yet.
	Members, Pending int
	// Offsets counts committed offsets.
	Offsets int
}

// Add adds what another coordinator holds.
func (s *Stats) Add(other Stats) {
	for i, n := range other.Groups {
		s.Groups[i] += n
	}
	s.Members += other.Members
	s.Pending += other.Pending
	s.Offsets += other.Offsets
}
