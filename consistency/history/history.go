// Package history is the one operation log that every run writes and every checker reads: simulated worlds, the
// demonstration on real disks, chaos against a real cluster. It says who asked for what, when it was asked and
// answered, and what the answer was; it never says what the broker did inside.
//
// # The file
//
// A history is JSON, one object a line (JSONL), in UTF-8. The first line is the header, every other line an operation
// or an event. Lines may stand in any order: the times inside them decide, not their place. (Writers usually write an
// operation when it ends.)
//
//	{"v":1,"kind":"header","source":"sim","seed":7,"class":"fsync","nodes":[1],"replication":1}
//	{"kind":"op","process":3,"node":1,"op":"append","topic":"t","partition":0,"start_ns":10,"end_ns":25,
//	 "outcome":"ok","acks":-1,"base":40,"values":["3.17","3.18"]}
//	{"kind":"op","process":4,"node":1,"op":"fetch","topic":"t","partition":0,"start_ns":20,"end_ns":31,
//	 "outcome":"ok","from":40,"high_watermark":42,"log_start":0,"records":[[40,"3.17","3.18"]]}
//	{"kind":"op","process":5,"node":1,"op":"end","topic":"t","partition":0,"start_ns":40,"end_ns":44,
//	 "outcome":"ok","offset":42}
//	{"kind":"op","process":6,"node":1,"op":"commit","group":"g","topic":"t","partition":0,"start_ns":50,"end_ns":52,
//	 "outcome":"ok","offset":42,"values":["6.1"]}
//	{"kind":"op","process":7,"node":1,"op":"committed","group":"g","topic":"t","partition":0,"start_ns":60,
//	 "end_ns":61,"outcome":"ok","offset":42,"values":["6.1"]}
//	{"kind":"event","event":"power_loss","node":1,"time_ns":50}
//
// (Each of these is one line in the file.) Header, all but "v" and "kind" optional:
//
//	v            the version of this format, 1
//	source       "sim" (virtual time) or "real" (one monotonic clock, the same for all processes)
//	seed         the seed of a simulated run
//	class        durability class: memory, page-cache, fsync, quorum, quorum+fsync
//	nodes        the node ids of the brokers
//	replication  replicas of a partition, 1 if absent
//	min_insync   min.insync.replicas, 1 if absent
//	trims        true if retention or DeleteRecords may move a log's start
//	preexisting  true if the partitions may have held records before the run
//	resends      true if producers that are not idempotent may send an append again; otherwise each is one request
//	compacted    topics whose records compaction may remove
//	markers      topics in which control records take offsets that no reader is shown
//	build        what ran, free text
//
// Operation, one request to one partition and its answer, or one *logical* append with all its retries:
//
//	process      who asked; the operations of one process need not be in sequence (a producer pipelines)
//	node         the broker that answered, -1 if unknown
//	op           "append" (Produce), "fetch" (Fetch, read_uncommitted), "end" (ListOffsets latest, read_uncommitted),
//	             "commit" (OffsetCommit, or OffsetDelete and DeleteGroups), "committed" (OffsetFetch)
//	start_ns     when it was asked for, end_ns when the answer, or giving up, was known; both ends count as inside. A
//	             client that fetches ahead writes the earliest instant at which it may have asked
//	outcome      "ok"; "fail": it definitely did not and will not happen; "unknown": all else, above all a timeout
//	             or a lost connection, and NOT_LEADER_OR_FOLLOWER, which may follow success (KAFKA-13574)
//	error        Kafka's name of the error, optional
//	final        true for reads after the run: faults healed, nothing in flight, so what they miss is gone (a read of
//	             the log as of a committed offset)
//
//	values       of an append: the identities of its records in order; one append is one batch
//	base         of an append: the first record's offset, -1 or absent if not told
//	acks         of an append: -1 (all, the default), 0 or 1
//	producer_id  of an idempotent append, with producer_epoch and sequence
//	from         of a fetch: the offset asked for
//	records      of a fetch: runs [offset, value, value...] of consecutive offsets, without what lies below "from"
//	             (a broker answers with whole batches) and without control records
//	high_watermark, log_start  as a fetch's answer says, -1 or absent if not told
//	offset       of an end: the log's end
//
//	group        of a commit and a committed: the group whose offset of the partition it is
//	offset       of them: the offset that is committed, or told; absent for a deletion, and where none is told
//	values       of them: one value, the identity of the commit, absent where no offset is
//
// A value is the identity of one record: 1 to 64 bytes of UTF-8, unique in the run, appended by one operation only. It
// may be the record itself, a counter, or a hash of topic, key and content.
//
// Event, something that happened to the world at time_ns: "kill" (the process is gone, the machine's page cache stays),
// "power_loss" (what was not synced may be gone), "restart" (the node serves again), "fault" and any other name
// (an annotation), with node (-1 for none in particular; a kill or power_loss of -1 strikes all) and detail.
//
// A field that this package does not know is skipped, a field that comes twice or has the wrong type is an error.
//
// # In memory
//
// [Load] reads a file into a [History]: topic partitions and values are interned, each operation is one [Entry] of
// fixed size and its records are [Run] elements over one slice of value ids, so that a million operations take little
// more than a hundred megabytes. [New] and [History.AddOp] build the same without a file.
package history

import (
	"errors"

	"github.com/gregor-log/gregor/base"
)

// Version is the version of the format, the header's "v".
const Version = 1

// Bounds of what a history may hold. They keep sums of offsets and counts far from overflow.
const (
	// MaxValueLen is the greatest length of a value in bytes.
	MaxValueLen = 64
	// MaxTopicLen is Kafka's greatest length of a topic name in bytes.
	MaxTopicLen = 249
	// MaxGroupLen is the greatest length of a group's name in bytes that a history takes.
	MaxGroupLen = 1024
	// MaxOffset bounds every offset in a history.
	MaxOffset = int64(1) << 60
	// DefaultMaxLine bounds one line of a file in bytes: a fetch of some hundred thousand records.
	DefaultMaxLine = 16 << 20
)

// The errors of reading and building a history. Those of reading are wrapped with the number of the line.
var (
	// ErrSyntax reports a line that is not the JSON object that this format asks for.
	ErrSyntax = errors.New("history: bad line")
	// ErrTooLong reports a line longer than the reader's limit.
	ErrTooLong = errors.New("history: line too long")
	// ErrVersion reports a header of another version of the format.
	ErrVersion = errors.New("history: unknown version")
	// ErrNoHeader reports a history without a header in its first line, or with a second one.
	ErrNoHeader = errors.New("history: header expected in the first line, and only there")
	// ErrBadOp reports an operation whose fields contradict each other.
	ErrBadOp = errors.New("history: bad operation")
	// ErrTooLarge reports a history with more operations, runs or values than 32 bits count.
	ErrTooLarge = errors.New("history: too large")
)

// Header is the run's facts that a checker needs. The zero value is a single-node run of unknown class.
type Header struct {
	// Source is "sim" or "real".
	Source string
	// Seed is the seed of a simulated run.
	Seed uint64
	// Class is the durability class of the run.
	Class string
	// Nodes are the ids of the brokers.
	Nodes []base.NodeID
	// Replication is the number of replicas of a partition; 0 counts as 1.
	Replication int
	// MinInsync is min.insync.replicas; 0 counts as 1.
	MinInsync int
	// Trims says that retention or DeleteRecords may move a log's start.
	Trims bool
	// Preexisting says that partitions may have held records before the run, so that a log may begin above 0.
	Preexisting bool
	// Resends says that producers without idempotence may send an append more than once.
	Resends bool
	// Compacted names the topics that compaction may thin out.
	Compacted []string
	// Markers names the topics in which control records take offsets.
	Markers []string
	// Build says what ran, in free text.
	Build string
}

// Kind is what an operation asked for.
type Kind uint8

// The kinds of operation.
const (
	// Append is a Produce of one batch to one partition.
	Append Kind = iota + 1
	// Fetch is a Fetch from one partition.
	Fetch
	// End is a ListOffsets of the latest offset of one partition.
	End
	// Commit is an OffsetCommit of one group and partition, or a deletion of what was committed.
	Commit
	// Committed is an OffsetFetch of one group and partition.
	Committed
)

// String returns the kind's name in the file.
func (k Kind) String() string {
	switch k {
	case Append:
		return "append"
	case Fetch:
		return "fetch"
	case End:
		return "end"
	case Commit:
		return "commit"
	case Committed:
		return "committed"
	}
	return "kind?"
}

// OfGroup reports whether an operation of the kind is about what a group has committed, and not about a log.
func (k Kind) OfGroup() bool { return k == Commit || k == Committed }

// Outcome is what the asking process knows of its operation's fate.
type Outcome uint8

// The outcomes of an operation.
const (
	// OK: the answer came and says success.
	OK Outcome = iota + 1
	// Fail: the operation has definitely not happened and never will.
	Fail
	// Unknown: it may have happened, or may happen still.
	Unknown
)

// String returns the outcome's name in the file.
func (o Outcome) String() string {
	switch o {
	case OK:
		return "ok"
	case Fail:
		return "fail"
	case Unknown:
		return "unknown"
	}
	return "outcome?"
}

// The names of the events that the checkers know. Other names are annotations.
const (
	// EventKill is the end of a broker's process; the operating system keeps what was written.
	EventKill = "kill"
	// EventPowerLoss is the end of a machine; what was not synced may be gone.
	EventPowerLoss = "power_loss"
	// EventRestart is a node that serves again.
	EventRestart = "restart"
	// EventFault is any other fault, described by the event's detail.
	EventFault = "fault"
)

// Event is something that happened to the world, not to a client.
type Event struct {
	// Time is in nanoseconds, on the clock of the operations.
	Time int64
	// Node is where it happened, base.NoNode if nowhere in particular.
	Node base.NodeID
	// Name is one of the Event constants or any other word.
	Name string
	// Detail is free text.
	Detail string
}
