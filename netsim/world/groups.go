package world

import (
	"slices"
	"time"

	"github.com/gregor-log/gregor/base"
)

// GroupsOptions say what a ledger of groups is told by.
type GroupsOptions struct {
	// Violate is told what must never happen: one of the names of the package comment, and what was got and expected.
	Violate func(name, format string, args ...any)
	// Cuts returns how many losses there were that the durability class allows.
	Cuts func() int
}

// Groups is the ledger of a coordinator of groups: it knows what was asked of a coordinator and what it answered. It is
// used by one goroutine.
type Groups struct {
	opts   GroupsOptions
	groups []*group
	names  map[string]*group
	order  uint64
	cuts   int
	counts GroupsCounts
}

// GroupsCounts are totals of a run.
type GroupsCounts struct {
	// Commits counts commits that were acknowledged, Rebalances generations that were handed out, Fenced requests of
	// members that were refused because they are no longer what they say.
	Commits, Rebalances, Fenced int
	// Lost counts acknowledged commits that a loss took which the durability class allows.
	Lost int
}

// group is what is known of one group.
type group struct {
	name    string
	members []*member
	// synced is the newest generation that was handed out, joined the newest that a JoinGroup was answered with, by the
	// process of that life; -1 for none.
	synced, joined int32
	joinedLife     uint32
	generations    map[int32]*generation
	registers      map[base.TopicPartition]*register
	partitions     []base.TopicPartition
	// reborn counts the deletions after which the group may have begun anew. idle is the request
	// at which it was seen first to have neither members nor offsets, as far as was known, and since when nothing has
	// shown that it is the same; 0 for none.
	reborn int
	idle   uint64
}

// NewGroups returns a ledger that knows nothing.
func NewGroups(o GroupsOptions) *Groups {
	return &Groups{opts: o, names: make(map[string]*group)}
}

// Counts returns the totals so far.
func (l *Groups) Counts() GroupsCounts { return l.counts }

func (l *Groups) group(name string) *group {
	g := l.names[name]
	if g == nil {
		g = &group{name: name, registers: make(map[base.TopicPartition]*register)}
		g.forget()
		l.names[name] = g
		l.groups = append(l.groups, g)
	}
	return g
}

// forget drops what is known of generations and members.
func (g *group) forget() {
	g.synced, g.joined = -1, -1
	g.generations = make(map[int32]*generation)
	for _, m := range g.members {
		m.generation = -1
	}
}

func (g *group) register(tp base.TopicPartition) *register {
	r := g.registers[tp]
	if r == nil {
		r = &register{commits: make(map[string]*Commit)}
		g.registers[tp] = r
		g.partitions = append(g.partitions, tp)
	}
	return r
}

// catchUp takes note of losses that have happened.
func (l *Groups) catchUp() {
	cuts := l.opts.Cuts()
	if cuts == l.cuts {
		return
	}
	l.cuts = cuts
	for _, g := range l.groups {
		g.forget()
		for _, tp := range g.partitions {
			r := g.registers[tp]
			if r.floor != nil && r.floor.acked {
				l.counts.Lost++
			}
			r.floor = nil
		}
	}
}

// Sent says that a request is sent at an instant, in nanoseconds of the world.
func (l *Groups) Sent(r *GroupRequest, at int64) {
	l.catchUp()
	r.sent, r.cuts = at, l.cuts
	if r.Group == "" {
		return
	}
	g := l.group(r.Group)
	for _, c := range r.Commits {
		reg := g.register(c.Partition)
		if c.None {
			reg.nones = append(reg.nones, c)
		} else {
			reg.commits[c.Metadata] = c
		}
	}
	for i := range r.Fetches {
		r.Fetches[i].floor = g.register(r.Fetches[i].Partition).floor
	}
	if m := g.find(r.Member); m != nil {
		switch r.Kind {
		case AskJoin:
			if m.joining <= m.known {
				m.joining = at
			}
		case AskLeave:
			m.leaving = at
		}
	}
}

// Process says which process of a broker does something: its number, and since when it runs without a pause.
type Process struct {
	Life  uint32
	Since int64
}

// Taken says that a process takes a request in hand. It is told in the order in which that happens.
func (l *Groups) Taken(r *GroupRequest, at int64, by Process) {
	l.catchUp()
	l.order++
	if r.cuts != l.cuts {
		for i := range r.Fetches {
			r.Fetches[i].floor = nil
		}
	}
	r.served, r.at, r.order, r.life, r.cuts = true, at, l.order, by.Life, l.cuts
	for _, c := range r.Commits {
		c.order = l.order
	}
	if r.Kind == AskList {
		r.owed = l.owed(at)
		return
	}
	g := l.group(r.Group)
	r.reborn, r.newest, r.alive = g.reborn, g.newest(by.Life), g.alive(at)
	if g.idle == 0 && !l.owes(g, at) {
		g.idle = r.order
	}
	switch r.Kind {
	case AskJoin, AskSync, AskHeartbeat, AskCommit:
		r.afresh = g.idle > 0
		g.touched(r)
	case AskDescribe:
		r.owed = g.living(at)
	case AskDelete:
		if r.alive == nil {
			g.reborn++
			g.forget()
		}
	}
}

// newest returns the newest generation that is known to a process.
func (g *group) newest(life uint32) int32 {
	if g.joinedLife == life {
		return max(g.synced, g.joined)
	}
	return g.synced
}

// judged reports whether an answer can be held against what is known now: nothing was lost, and the group is the one
// that it was.
func (l *Groups) judged(r *GroupRequest) bool {
	l.catchUp()
	return r.served && r.cuts == l.cuts && (r.Group == "" || r.reborn == l.group(r.Group).reborn)
}

// Refused says that a request was answered with UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, GROUP_ID_NOT_FOUND or
// FENCED_INSTANCE_ID.
func (l *Groups) Refused(r *GroupRequest, code string) {
	l.counts.Fenced++
	if !l.judged(r) || code == "FENCED_INSTANCE_ID" {
		return
	}
	m := l.group(r.Group).find(r.Member)
	if m == nil || !m.there(r.at) || r.Generation != m.generation && code == "ILLEGAL_GENERATION" {
		return
	}
	if first := r.Kind == AskJoin && m.joining == r.sent; m.joining > m.known && !first {
		return // it has asked for another generation since
	}
	l.opts.Violate("lost-member", "group %s: %s of generation %d is told %s, %v after its heartbeat was good", r.Group,
		m.id, r.Generation, code, time.Duration(r.at-m.known))
}

// Good says that a Heartbeat was answered without an error.
func (l *Groups) Good(r *GroupRequest) {
	if !l.judged(r) {
		return
	}
	l.current(r, "stale-generation")
	g := l.group(r.Group)
	if m := g.find(r.Member); m != nil && m.generation == r.Generation {
		m.known = max(m.known, r.at)
		g.proven(r)
	}
}

// proven notes that a request found the group as it was.
func (g *group) proven(r *GroupRequest) {
	if r.order >= g.idle {
		g.idle = 0
	}
}

// current makes sure that what was answered as good does not come from an earlier generation, nor from a member that
// is gone.
func (l *Groups) current(r *GroupRequest, name string) {
	switch {
	case r.Generation < r.newest:
		l.opts.Violate(name, "group %s: %s of generation %d is answered as good, and generation %d was handed out "+
			"before", r.Group, r.Member, r.Generation, r.newest)
	case r.fenced:
		l.opts.Violate(name, "group %s: %s is answered as good in generation %d, and it had left or was replaced",
			r.Group, r.Member, r.Generation)
	}
}

// Gone says that a LeaveGroup was answered: the member is not there any more, as far as that process goes.
func (l *Groups) Gone(r *GroupRequest) {
	if m := l.group(r.Group).find(r.Member); m != nil && l.judged(r) {
		m.left, m.leftIn = true, r.life
	}
}

// Listed holds the answer to a List against what is known.
func (l *Groups) Listed(r *GroupRequest, names []string) {
	if !l.judged(r) {
		return
	}
	for _, name := range r.owed {
		if !slices.Contains(names, name) && l.owes(l.group(name), r.at) {
			l.opts.Violate("lost-group", "group %s has members or offsets, and ListGroups does not list it", name)
		}
	}
}

// owed returns the groups that must be there.
func (l *Groups) owed(at int64) []string {
	var names []string
	for _, g := range l.groups {
		if l.owes(g, at) {
			names = append(names, g.name)
		}
	}
	return names
}

func (l *Groups) owes(g *group, at int64) bool {
	if g.alive(at) != nil {
		return true
	}
	for _, tp := range g.partitions {
		if r := g.registers[tp]; r.floor != nil && !r.mayBeNone(r.floor) {
			return true
		}
	}
	return false
}

// Deleted says that a DeleteGroup was answered without an error.
func (l *Groups) Deleted(r *GroupRequest) {
	if !l.judgedButReborn(r) {
		return
	}
	if r.alive != nil {
		l.opts.Violate("deleted-alive", "group %s was deleted, and %s was a member of it", r.Group, r.alive.id)
	}
	l.Acked(r)
}

func (l *Groups) judgedButReborn(r *GroupRequest) bool {
	l.catchUp()
	return r.served && r.cuts == l.cuts
}
