// Package ledger judges what consumer groups saw of a log, from what the clients themselves know: which records were
// acknowledged, who was given a partition when, where it was told to begin, what it saw, and which commits were
// answered. It knows nothing of how clients and brokers work inside.
//
// # A holding
//
// The unit is a holding: one partition in the hands of one member, from when it was assigned to when it was taken away
// or the member was gone. Instants are on one clock.
//
//	Assigned   Began(F)    Saw   Saw   Saw     Committing(o)   Committed   Gone
//	   |          |         |     |     |            |             |         |
//	   +- floor: the highest offset committed until here, as far as it was acknowledged or read
//
// # What must hold
//
//	lost-commit        F is not below the floor: a commit that was acknowledged before the partition was assigned is
//	                   there
//	garbage-offset     F is an offset that somebody committed
//	skipped-record     what is seen begins at F and goes on without gaps, but for those below the start of the log
//	record-again       within a holding nothing is seen twice
//	below-the-commit   nothing below the floor is seen: a record that the group sees again is one whose commit had not
//	                   been acknowledged when the member that sees it again was given the partition
//	stale-commit       no commit of a generation is acknowledged once a later one was known before it was sent
//	commit-went-back   nor one of an offset below what was known to be committed before it was sent
//	owned-twice        no two members hold a partition of one generation
//	not-held           nobody sees records of a partition that it does not hold
//	lost-record        at the end every record between the log's start and its end was seen by every group
//	lost-append        at the end the log is not shorter than what was acknowledged
//	phantom-record     nor was anything seen beyond its end
//
// Records that retention deletes are not lost: they lie below the start of the log. A record that is seen again and
// lies at or above the floor is a duplicate that at-least-once allows; it is counted by how the holding ended that saw
// it before.
package ledger

import (
	"fmt"
	"sync"
	"time"

	"github.com/gregor-log/gregor/base"
)

// None stands for no offset: nothing committed.
const None = int64(-1)

// mostFailures bounds the failures that are kept; all are counted.
const mostFailures = 60

// Ledger is what is known of the groups of a run. Its methods may be called from many goroutines.
type Ledger struct {
	mu struct {
		sync.Mutex
		logs     map[base.TopicPartition]*log
		groups   map[string]*group
		failures []Failure
		failed   int
	}
}

// Failure is something that does not hold. Name is one of those of the package comment, Text names group, partition,
// offsets and members, and Story is who did what when with the offset in question, a line each.
type Failure struct {
	Name, Group string
	Partition   base.TopicPartition
	Offset      int64
	Text, Story string
}

// String returns the failure with its story.
func (f Failure) String() string {
	return fmt.Sprintf("%s: group %s, %v, offset %d: %s\n%s", f.Name, f.Group, f.Partition, f.Offset, f.Text, f.Story)
}

// log is what is known of a partition's log.
type log struct {
	acked   spans
	appends []appended
}

// appended are records that were acknowledged one after another.
type appended struct {
	span
	by       string
	from, at time.Duration
}

// group is what is known of a group.
type group struct {
	name  string
	lanes map[base.TopicPartition]*lane
	// newest is the newest generation that somebody was assigned something in, generations how many there were.
	newest      int32
	generations map[int32]bool
	counts      Counts
}

// lane is a partition as a group sees it.
type lane struct {
	of   *group
	tp   base.TopicPartition
	seen spans
	held []*Holding
	// commits are all in the order in which they were sent, best the highest that was acknowledged
	// or read, nil if none was.
	commits []*Commit
	best    *Commit
}

// Holding is a partition in the hands of a member. Its fields belong to the ledger.
type Holding struct {
	lane       *lane
	member     string
	generation int32
	from, to   time.Duration
	floor      int64
	// began is where it was told to begin: None for nowhere, unknown if it was not told yet. next is the offset after
	// the last that was seen, unknown before.
	began, next int64
	runs        []seen
	// how says why it ended, "" while it has not.
	how string
}

// unknown is an offset that nobody told.
const unknown = int64(-2)

// seen are records that a holding saw one after another.
type seen struct {
	span
	from, to time.Duration
}

// Commit is a commit of one partition's offset.
type Commit struct {
	by     *Holding
	offset int64
	// best is the highest offset that was known to be committed when it was sent, newest the newest generation.
	best       int64
	newest     int32
	generation int32
	sent, told time.Duration
	state      commitState
}

type commitState int

const (
	unanswered commitState = iota
	acknowledged
	refused
)

// Counts are what a group did. A sighting is one record seen once; Again counts the sightings of records that the group
// had seen before, Reasons how the holding ended that saw them before. Passed counts the records that retention deleted
// before the group saw them.
type Counts struct {
	Holdings, Generations              int
	Sightings, Distinct, Again, Passed int64
	Commits, Refused, Unanswered       int
	Reasons                            map[string]int64
}

// New returns an empty ledger.
func New() *Ledger {
	l := &Ledger{}
	l.mu.logs, l.mu.groups = make(map[base.TopicPartition]*log), make(map[string]*group)
	return l
}

func (l *Ledger) logLocked(tp base.TopicPartition) *log {
	found := l.mu.logs[tp]
	if found == nil {
		found = &log{}
		l.mu.logs[tp] = found
	}
	return found
}

func (l *Ledger) laneLocked(name string, tp base.TopicPartition) *lane {
	g := l.mu.groups[name]
	if g == nil {
		g = &group{
			name: name, lanes: make(map[base.TopicPartition]*lane), newest: -1, generations: make(map[int32]bool),
		}
		g.counts.Reasons = make(map[string]int64)
		l.mu.groups[name] = g
	}
	found := g.lanes[tp]
	if found == nil {
		found = &lane{of: g, tp: tp}
		g.lanes[tp] = found
	}
	return found
}

// failLocked notes that something does not hold.
func (l *Ledger) failLocked(name string, at *lane, offset int64, format string, args ...any) {
	l.mu.failed++
	if len(l.mu.failures) < mostFailures {
		l.mu.failures = append(l.mu.failures, Failure{
			Name: name, Group: at.of.name, Partition: at.tp, Offset: offset, Text: fmt.Sprintf(format, args...),
			Story: l.storyLocked(at, offset),
		})
	}
}

// Failures returns the first of what does not hold, and the number of all.
func (l *Ledger) Failures() ([]Failure, int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Failure(nil), l.mu.failures...), l.mu.failed
}
