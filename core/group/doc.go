// Package group coordinates classic consumer groups: who is a member, which member got which partitions, and how far
// each group has read. A Coordinator is the state of all groups of one partition of __consumer_offsets, as a machine:
// requests, deadlines and the outcomes of writes go in; replies and records to write come out. It has no clock, no
// files and no chance of its own, and one input is served after the other.
//
// # A group's life
//
//	            first member joins             all members joined, or time is up
//	Empty ───────────────────────▶ PreparingRebalance ─────────────────▶ CompletingRebalance
//	  ▲                              ▲        │   ▲                           │      │
//	  └── nobody joined, time is up ─│────────┘   └── a member comes, goes, ──┘      │ the leader's assignment
//	                                 │                or never syncs                 ▼ is written
//	                                 └──────────────────────────────────────────── Stable
//
// Dead is a group whose removal is being written. Each time that the members are settled, the generation goes up by
// one; requests that carry another generation are refused. The leader, one of the members, divides the partitions; the
// coordinator neither knows nor cares how.
//
// # The caller's duties
//
//  1. Load all records of the partition in order, then call Loaded, then serve.
//  2. Hand in requests, one at a time. Each comes with a Ticket, which comes back exactly once, in a Reply.
//  3. After each input, carry out its Effects: send the replies, append each Write as one batch, in order.
//  4. Tell the outcome of each write with Written, oldest first: at once, or whenever it is known.
//  5. Call Expire when Next has come, ExpireOffsets now and then, TopicsDeleted when topics are deleted.
//
// As code:
//
//	c.Commit(now, request, ticket, &effects)
//	for _, r := range effects.Replies {
//		send(r.Ticket, r.Response)
//	}
//	for _, w := range effects.Writes {
//		append(w.Records) // and later, in the same order, c.Written(now, code, &effects)
//	}
//
// # Records
//
// What is written are Kafka's own records, byte for byte those of Apache Kafka 4.3.1. A key begins with its version:
//
//	0 or 1  version int16, group string, topic string, partition int32     the offset of a group in a partition
//	2       version int16, group string                                    the group's members and assignments
//
//	offset  version 4: version int16, offset int64, leader epoch int32, metadata compact string, commit time int64,
//	                   tagged fields (0: the topic's id)
//	        version 1: version int16, offset int64, metadata string, commit time int64, expiry time int64
//	group   version 3: version int16, protocol type string, generation int32, protocol nullable string,
//	                   leader nullable string, time of the state int64, members [id string,
//	                   instance nullable string, client id string, client host string,
//	                   rebalance timeout int32, session timeout int32, subscription bytes, assignment bytes]
//
// A nil value removes what the key names. Offsets and groups are changed when their record is written, not before:
// nothing that a client was told is lost by a crash. Keys of other versions, which later versions of Kafka and other
// kinds of groups use, are kept as bytes.
//
// # Reading order
//
// api.go and coordinator.go; group.go and member.go (the state); join.go, rebalance.go, sync.go, static.go, leave.go
// (members); commit.go, fetch.go, remove.go, expire.go (offsets); records.go and load.go (the log).
package group
