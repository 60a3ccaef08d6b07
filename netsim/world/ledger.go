package world

import (
	"sort"

	"github.com/gregor-log/gregor/base"
)

// AppendID names one append: one batch of one client for one partition, with all its retries. It is part of the key of
// each of its records.
type AppendID int32

// NoAppend is no append.
const NoAppend AppendID = -1

// Append is what the ledger knows of one append.
type Append struct {
	// Partition is the partition's number in the ledger.
	Partition int32
	// Count is the number of its records.
	Count int32
	// CRC is that of the batch as it is sent; the broker keeps it unless its topic has batches rewritten.
	CRC uint32
	// ValueSize is how long each record's value is: see Value.
	ValueSize int32
	// ProducerID, Epoch and Sequence are those of an idempotent producer's batch, else -1.
	ProducerID base.ProducerID
	Epoch      base.ProducerEpoch
	Sequence   int32
	// Timestamp is the batch's largest one.
	Timestamp int64
	// Resends says that it may be in the log more than once.
	Resends bool

	sent, acked, failed bool
	// base is where it is known to lie, -1 while nobody knows. floor is what of the log was known to be taken when it
	// was sent first.
	base, floor base.Offset
}

// Topic is what the ledger knows of one topic.
type Topic struct {
	Name string
	// ID is the topic's id, once it was told.
	ID base.UUID
	// Partitions are in the order of their numbers.
	Partitions []*Partition
	// Rewrites says that the broker may store other bytes than it was sent: LogAppendTime or another codec.
	Rewrites bool
	// Expires says that retention may remove the beginning of its partitions.
	Expires bool

	// created says that its creation was acknowledged, doomed that its deletion was asked for.
	created, doomed bool
}

// Created reports that the topic must exist.
func (t *Topic) Created() bool { return t.created && !t.doomed }

// Doomed reports that the topic may be gone.
func (t *Topic) Doomed() bool { return t.doomed }

// Partition is what the ledger knows of one partition's log.
type Partition struct {
	base.TopicPartition
	Topic *Topic
	// Index is the partition's number in the ledger.
	Index int32

	// log is what is known to lie where, ascending and without overlaps.
	log []placed
	// end is the offset below which all is known to be taken; recovered is where the log ended when the process
	// started.
	end, recovered base.Offset
	// start is the largest log start that the process has told; trim is how far DeleteRecords may have moved it.
	start, trim base.Offset
	// losing says that a loss has happened that the durability class allows, and the log was not recovered since.
	losing bool
}

// placed says that an append lies at an offset.
type placed struct {
	base base.Offset
	id   AppendID
}

// Fence says which process of a node a request went to, so that what a dead one said is not held against its successor.
type Fence struct {
	node *Node
	life uint32
	cuts int
}

// Ledger knows every record that a client sent and what is known of each log. It is told by the clients what was
// acknowledged and read, and it reads the disks itself. What contradicts anything is a violation, at once.
type Ledger struct {
	w          *World
	topics     []*Topic
	partitions []*Partition
	appends    []Append
	producers  map[base.ProducerID]bool
	counts     LedgerCounts
}

// LedgerCounts are totals of a run.
type LedgerCounts struct {
	// Acked counts acknowledged records, Read records that were read by clients, Lost those acknowledged that a fault
	// took which the durability class does not survive.
	Acked, Read, Lost int64
	// Forgotten counts batches that were in the log and refused as out of order when they were sent again: see
	// Ledger.Forgotten.
	Forgotten int
	// Inspections counts comparisons of the files on a disk with the ledger.
	Inspections int
}

func newLedger(w *World) *Ledger {
	return &Ledger{w: w, producers: make(map[base.ProducerID]bool)}
}

// Counts returns the totals so far.
func (l *Ledger) Counts() LedgerCounts { return l.counts }

// NewTopic adds a topic that a client is about to ask for.
func (l *Ledger) NewTopic(name string, partitions int) *Topic {
	t := &Topic{Name: name}
	for i := range partitions {
		p := &Partition{
			TopicPartition: base.TopicPartition{Topic: name, Partition: int32(i)}, Topic: t,
			Index: int32(len(l.partitions)),
		}
		t.Partitions = append(t.Partitions, p)
		l.partitions = append(l.partitions, p)
	}
	l.topics = append(l.topics, t)
	return t
}

// Topics returns all topics that were ever asked for, oldest first.
func (l *Ledger) Topics() []*Topic { return l.topics }

// Created says that a topic's creation was acknowledged: it must exist from now on, whatever happens.
func (l *Ledger) Created(t *Topic, id base.UUID) {
	t.created = true
	l.HasID(t, id)
}

// HasID says that a topic's id was told.
func (l *Ledger) HasID(t *Topic, id base.UUID) {
	if !t.ID.IsZero() && t.ID != id {
		l.w.violate("topic-id", "topic %s: got id %s, expected %s", t.Name, id, t.ID)
	}
	t.ID = id
}

// Deleting says that a topic's deletion is asked for: nothing in it is promised any more.
func (l *Ledger) Deleting(t *Topic) { t.doomed = true }

// Trimming says that DeleteRecords is asked to move a log's start to an offset.
func (l *Ledger) Trimming(p *Partition, to base.Offset) { p.trim = max(p.trim, to) }

// Producer says that a producer id was handed out. Nobody else may get it.
func (l *Ledger) Producer(id base.ProducerID) {
	if l.producers[id] {
		l.w.violate("producer-id", "producer id %d is handed out twice", id)
	}
	l.producers[id] = true
}

// NewAppend adds an append that is about to be built.
func (l *Ledger) NewAppend(a Append) AppendID {
	a.base, a.floor = base.NoOffset, base.NoOffset
	l.appends = append(l.appends, a)
	return AppendID(len(l.appends) - 1)
}

// Append returns what is known of an append. The pointer is valid until the next NewAppend.
func (l *Ledger) Append(id AppendID) *Append { return &l.appends[id] }

// Sent says that an append is sent, for the first time or again.
func (l *Ledger) Sent(id AppendID) {
	a := &l.appends[id]
	if !a.sent {
		a.sent, a.floor = true, l.partitions[a.Partition].end
	}
}

// Failed says that an append has definitely not been made: nobody may ever read it.
func (l *Ledger) Failed(id AppendID) {
	a := &l.appends[id]
	a.failed = true
	if a.base >= 0 {
		l.w.violate("aborted-read", "append %d was refused, and lies at offset %d of %v", id, a.base,
			l.partitions[a.Partition])
	}
}

// Acked says that an append was acknowledged at an offset (base.NoOffset if none was told), by the process of a fence.
func (l *Ledger) Acked(id AppendID, at base.Offset, f Fence) {
	a := &l.appends[id]
	p := l.partitions[a.Partition]
	if !a.acked {
		l.counts.Acked += int64(a.Count)
	}
	a.acked = true
	switch {
	case p.Topic.doomed || at < 0:
	case f.old():
		if a.base < 0 {
			l.counts.Lost += int64(a.Count) // acknowledged before a loss that is allowed, and told only now
		}
	case f.stale() && at+base.Offset(a.Count) > p.recovered:
		l.w.violate("lost-ack",
			"append %d was acknowledged at offset %d of %v, which ended at %d when its broker came back",
			id, at, p, p.recovered)
	case at < a.floor:
		l.w.violate("reordered-acks",
			"append %d was acknowledged at offset %d of %v, although all below %d were taken "+
				"before it was sent", id, at, p, a.floor)
	default:
		l.place(p, at, id)
	}
}

// stale reports that a later process than that of the fence has started: what that one found is all there is.
func (f *Fence) stale() bool { return f.life < f.node.inspected }

// old reports that since the process of the fence a loss has happened that the durability class allows.
func (f *Fence) old() bool { return f.cuts != f.node.cuts }

// Old reports that since the process of the fence a loss has happened that the durability class allows, so that what
// it answered may be gone.
func (f *Fence) Old() bool { return f.old() }

// Failed reports that the disk had failed the process of the fence.
func (f *Fence) Failed() bool { return f.node.trouble(f.life).failed }

// fence returns the fence of a node's process.
func (l *Ledger) fence(n *Node, life uint32) Fence {
	return Fence{node: n, life: life, cuts: n.cutsAt[life]}
}

// End returns the offset below which all of a partition is known to be taken: what is asked from now on may not be
// answered as if there were less.
func (l *Ledger) End(p *Partition) base.Offset { return p.end }

// Lossy reports that something has happened that may take what was acknowledged.
func (l *Ledger) Lossy() bool {
	for _, n := range l.w.nodes {
		if n.cuts > 0 || n.losing {
			return true
		}
	}
	return false
}

// Forgotten reports whether an append lies in the log and a broker that was started since then may not know: as
// Kafka's, a producer snapshot holds the last batch of each producer alone, so that of several batches which were
// appended and not acknowledged the earlier ones are no longer known for what they are when they are sent again. Where
// records are deleted, it may have lain there without anybody's seeing it. It is counted.
func (l *Ledger) Forgotten(id AppendID) bool {
	p := l.partitions[l.appends[id].Partition]
	unseen := l.appends[id].base < 0 && p.trim == 0 && !p.Topic.Expires
	if unseen || l.w.stats.Restarts == 0 {
		return false
	}
	l.counts.Forgotten++
	return true
}

// place notes that an append lies at an offset.
func (l *Ledger) place(p *Partition, at base.Offset, id AppendID) {
	a := &l.appends[id]
	past := at + base.Offset(a.Count)
	i := sort.Search(len(p.log), func(i int) bool { return p.log[i].base > at })
	if i > 0 {
		before := p.log[i-1]
		if before.base == at && before.id == id {
			return
		}
		if l.past(before) > at {
			l.w.violate("inconsistent-offsets", "append %d lies at offset %d of %v, and append %d at %d to %d", id, at,
				p,
				before.id, before.base, l.past(before)-1)
			return
		}
	}
	if i < len(p.log) && p.log[i].base < past {
		l.w.violate("inconsistent-offsets", "append %d lies at offsets %d to %d of %v, and append %d at %d", id, at,
			past-1,
			p, p.log[i].id, p.log[i].base)
		return
	}
	if a.base >= 0 && a.base != at && !a.Resends {
		l.w.violate("duplicate", "append %d lies at offset %d of %v and at %d, and was not sent twice", id, at, p,
			a.base)
		return
	}
	a.base = at
	if i == len(p.log) {
		p.log = append(p.log, placed{at, id})
	} else {
		p.log = append(p.log[:i+1], p.log[i:]...)
		p.log[i] = placed{at, id}
	}
	p.end = max(p.end, past)
}

func (l *Ledger) past(x placed) base.Offset {
	return x.base + base.Offset(l.appends[x.id].Count)
}

// at returns the append that is known to begin at an offset, or NoAppend.
func (l *Ledger) at(p *Partition, offset base.Offset) AppendID {
	n := len(p.log)
	if n > 0 && p.log[n-1].base == offset {
		return p.log[n-1].id
	}
	i := sort.Search(n, func(i int) bool { return p.log[i].base >= offset })
	if i < n && p.log[i].base == offset {
		return p.log[i].id
	}
	return NoAppend
}
