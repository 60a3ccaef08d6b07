package ledger

import (
	"sync"
	"time"

	"github.com/gregor-log/gregor/base"
)

// Account is what one member of a group tells a ledger. It knows which holding and which commit of a partition is
// meant: the last one. Its methods may be called from several goroutines.
type Account struct {
	ledger       *Ledger
	now          func() time.Duration
	group, named string

	mu struct {
		sync.Mutex
		holds   map[base.TopicPartition]*Holding
		commits map[base.TopicPartition]*Commit
	}
}

// Open returns an account for a member of a group, on a clock.
func (l *Ledger) Open(group, member string, now func() time.Duration) *Account {
	a := &Account{ledger: l, now: now, group: group, named: member}
	a.mu.holds = make(map[base.TopicPartition]*Holding)
	a.mu.commits = make(map[base.TopicPartition]*Commit)
	return a
}

// Assigned is [Ledger.Assigned].
func (a *Account) Assigned(tp base.TopicPartition, generation int32) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if old := a.mu.holds[tp]; old != nil {
		a.ledger.Gone(old, "assigned again", a.now())
	}
	a.mu.holds[tp] = a.ledger.Assigned(a.group, a.named, generation, tp, a.now())
}

// Began is [Ledger.Began].
func (a *Account) Began(tp base.TopicPartition, offset int64) {
	if h := a.hold(tp); h != nil {
		a.ledger.Began(h, offset, a.now())
	}
}

// Saw is [Ledger.Saw]. What the member sees without ever having held it is held against an empty holding that has
// ended.
func (a *Account) Saw(tp base.TopicPartition, first, next, logStart int64) {
	h := a.hold(tp)
	if h == nil {
		h = a.ledger.Assigned(a.group, a.named, -1, tp, a.now())
		a.ledger.Gone(h, "never assigned", a.now())
	}
	a.ledger.Saw(h, first, next, logStart, a.now())
}

// Committing is [Ledger.Committing].
func (a *Account) Committing(tp base.TopicPartition, offset int64) {
	h := a.hold(tp)
	if h == nil {
		return
	}
	c := a.ledger.Committing(h, offset, a.now())
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mu.commits[tp] = c
}

// Answered says what became of the last commit: acknowledged in a generation, -1 if that is not known, or refused.
func (a *Account) Answered(tp base.TopicPartition, generation int32, acknowledged bool) {
	a.mu.Lock()
	c := a.mu.commits[tp]
	delete(a.mu.commits, tp)
	a.mu.Unlock()
	switch {
	case c == nil:
	case acknowledged:
		a.ledger.Committed(c, generation, a.now())
	default:
		a.ledger.Refused(c, a.now())
	}
}

// Gone is [Ledger.Gone].
func (a *Account) Gone(tp base.TopicPartition, how string) {
	if h := a.hold(tp); h != nil {
		a.ledger.Gone(h, how, a.now())
	}
}

// hold returns the last holding of a partition, nil if there was none.
func (a *Account) hold(tp base.TopicPartition) *Holding {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.mu.holds[tp]
}
