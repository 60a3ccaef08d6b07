package world

import (
	"time"

	"github.com/gregor-log/gregor/base"
)

// GroupKind is what a request asks of a coordinator.
type GroupKind uint8

// The kinds of request.
const (
	AskJoin GroupKind = iota + 1
	AskSync
	AskHeartbeat
	AskLeave
	AskCommit
	AskOffsets
	AskDescribe
	AskList
	AskDelete
	AskDeleteOffsets
)

// GroupRequest is one request to a coordinator, as its client fills it in.
type GroupRequest struct {
	Kind GroupKind
	// Group is the group's name; a List has none.
	Group string
	// Member and Generation are what the client says it is, "" and -1 for nobody. Instance is that of a static member.
	Member, Instance string
	Generation       int32
	// Session and Rebalance are the timeouts of a Join.
	Session, Rebalance time.Duration
	// Commits are the offsets of a commit, or the deletions.
	Commits []*Commit
	// Fetches are the partitions that a FetchOffsets names.
	Fetches []OffsetAsked

	sent         int64
	served       bool
	at           int64
	order        uint64
	life         uint32
	cuts, reborn int
	// newest is the newest generation that was known when the request was served, alive a member that was known to be
	// there, fenced that this one was known not to be.
	newest int32
	alive  *member
	fenced bool
	// afresh says that the group may have been without members and offsets, so that a coordinator may have forgotten
	// it.
	afresh bool
	// owed says of a List which groups it must name, and of a Describe which members.
	owed []string
}

// OffsetAsked is one partition of a FetchOffsets.
type OffsetAsked struct {
	Partition base.TopicPartition
	// floor is the newest commit that the answer must show, or a later one; nil for none.
	floor *Commit
}

// Commit is one offset that a client commits for one partition of a group, or that is deleted.
type Commit struct {
	Group     string
	Partition base.TopicPartition
	// Offset, Epoch and Metadata are what is committed. Metadata is unique among the commits of a group.
	Offset   int64
	Epoch    int32
	Metadata string
	// None says that the offset is deleted.
	None bool

	order         uint64
	acked, failed bool
}

// Served reports whether a broker took the request in hand, as far as is known.
func (r *GroupRequest) Served() bool { return r.served }

// register is what is known of one group's offset of one partition.
type register struct {
	commits map[string]*Commit
	// nones are the deletions, floor the newest commit that is known to have been applied.
	nones []*Commit
	floor *Commit
}

// raise notes that a commit is known to have been applied.
func (r *register) raise(c *Commit) {
	if r.floor == nil || r.floor.order < c.order {
		r.floor = c
	}
}

// mayBeNone reports whether there may be no offset, although one was known to be there.
func (r *register) mayBeNone(floor *Commit) bool {
	if floor == nil || floor.None {
		return true
	}
	for _, c := range r.nones {
		if c.order >= floor.order && !c.failed {
			return true
		}
	}
	return false
}
