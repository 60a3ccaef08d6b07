package world

import (
	"slices"
	"time"

	"github.com/gregor-log/gregor/base"
)

// member is what is known of one member id.
type member struct {
	id, instance       string
	session, rebalance time.Duration
	// seen is when a request of it was served last, known when one was that was answered as from a member of the
	// generation, which was handed out to it; joining is when it first asked to join again after that, leaving since
	// when it may be gone: it asked to leave, or another may have taken its place. -1 is never.
	seen, known, joining, leaving int64
	generation                    int32
	// joined says that an answer told its client of the id. left and replaced say that it is gone, in the process of a
	// life.
	joined, left, replaced bool
	leftIn, replacedInLife uint32
}

// find returns the member of an id, nil if it is not known.
func (g *group) find(id string) *member {
	for _, m := range g.members {
		if m.id == id && id != "" {
			return m
		}
	}
	return nil
}

func (g *group) member(id string) *member {
	m := g.find(id)
	if m == nil {
		m = &member{id: id, generation: -1, seen: -1, known: -1, joining: -1, leaving: -1}
		g.members = append(g.members, m)
	}
	return m
}

// margin is how much sooner than its timeouts say a member may be gone: clocks drift, and what is served may wait.
const margin = 300 * time.Millisecond

// there reports whether the member is known to be there at an instant.
func (m *member) there(at int64) bool {
	limit := min(m.session, m.rebalance)
	limit -= limit/50 + margin
	return m.leaving < 0 && m.generation >= 0 && m.known >= 0 && at < m.known+int64(limit)
}

// alive returns a member that is known to be there, nil for none.
func (g *group) alive(at int64) *member {
	for _, m := range g.members {
		if m.there(at) {
			return m
		}
	}
	return nil
}

// living returns the members that are known to be there.
func (g *group) living(at int64) []string {
	var ids []string
	for _, m := range g.members {
		if m.there(at) {
			ids = append(ids, m.id)
		}
	}
	return ids
}

// touched notes that a request of a member is served.
func (g *group) touched(r *GroupRequest) {
	if r.Kind == AskJoin && r.Instance != "" && r.Member == "" {
		for _, m := range g.members {
			if m.instance == r.Instance {
				m.leaving = r.at
			}
		}
	}
	m := g.find(r.Member)
	if m == nil {
		return
	}
	m.seen = max(m.seen, r.at)
	r.fenced = m.left && m.leftIn == r.life || m.replaced && m.replacedInLife == r.life
}

// Joined is the answer to a Join without an error.
type Joined struct {
	Generation               int32
	Member, Leader, Protocol string
	// Members are those that the leader is told, nil for all others.
	Members []string
}

// Joined holds the answer to a Join against what is known.
func (l *Groups) Joined(r *GroupRequest, j *Joined) {
	if !l.judged(r) {
		return
	}
	g := l.group(r.Group)
	if j.Generation == 1 && r.afresh && g.synced >= 1 {
		g.reborn++
		r.reborn, r.newest = g.reborn, -1
		g.forget()
	}
	if j.Generation > max(g.synced, 1) {
		g.proven(r)
	}
	if j.Generation < max(r.newest, 1) {
		l.opts.Violate("generation-regression", "group %s: %s joins generation %d, and %d was known before", r.Group,
			j.Member, j.Generation, r.newest)
		return
	}
	if r.life > g.joinedLife || r.life == g.joinedLife && j.Generation > g.joined {
		g.joined, g.joinedLife = j.Generation, r.life
	}
	m := g.member(j.Member)
	m.instance, m.session, m.rebalance = r.Instance, r.Session, r.Rebalance
	m.seen, m.joined = max(m.seen, r.at), true
	if m.leaving < r.sent {
		m.leaving = -1
	}
	if r.Instance != "" {
		for _, other := range g.members {
			if other != m && other.instance == r.Instance && other.seen < r.at && r.Member == "" {
				other.replaced, other.replacedInLife = true, r.life
			}
		}
	}
	l.led(g, r, j)
}

// led makes sure that the members of a generation are told one leader and one protocol.
func (l *Groups) led(g *group, r *GroupRequest, j *Joined) {
	gen := g.generation(j.Generation)
	switch {
	case j.Leader == "":
		return // that of a leader that is gone
	case gen.leader == "" || gen.life != r.life:
		gen.leader, gen.protocol, gen.life = j.Leader, j.Protocol, r.life
	case gen.protocol != j.Protocol || !g.same(gen.leader, j.Leader):
		l.opts.Violate("two-leaders", "group %s, generation %d: %s is told leader %s and protocol %s, others %s and %s",
			r.Group, j.Generation, j.Member, j.Leader, j.Protocol, gen.leader, gen.protocol)
	}
	if n := len(j.Members); n > 0 {
		sorted := slices.Sorted(slices.Values(j.Members))
		if len(slices.Compact(sorted)) != n || !slices.Contains(j.Members, j.Member) {
			l.opts.Violate("two-leaders", "group %s, generation %d: the leader %s is told members %q", r.Group,
				j.Generation, j.Member, j.Members)
		}
	}
}

// same reports whether two member ids may be of one member, which has another id since it came back.
func (g *group) same(a, b string) bool {
	x, y := g.find(a), g.find(b)
	known := x != nil && y != nil && x.joined && y.joined
	return a == b || !known || g.lasting(a) == g.lasting(b)
}

// instancePrefix tells an instance from a member id.
const instancePrefix = "instance "

// lasting returns what stays of a member where its id may change: the instance of a static one.
func (g *group) lasting(id string) string {
	if m := g.find(id); m != nil && m.instance != "" {
		return instancePrefix + m.instance
	}
	return id
}

// generation is what is known of one generation.
type generation struct {
	leader, protocol string
	life             uint32
	// mark tells the assignment from all others; owners are who has which partition.
	mark   string
	owners map[base.TopicPartition]string
}

func (g *group) generation(n int32) *generation {
	gen := g.generations[n]
	if gen == nil {
		gen = &generation{owners: make(map[base.TopicPartition]string)}
		g.generations[n] = gen
	}
	return gen
}

// Assignment is what a SyncGroup was answered with.
type Assignment struct {
	// Mark is unique to the leader's assignment, Generation and Member are for whom it was made.
	Mark       string
	Generation int32
	Member     string
	Partitions []base.TopicPartition
}

// Synced holds the answer to a Sync without an error against what is known. a is nil if it was none that a leader
// made.
func (l *Groups) Synced(r *GroupRequest, a *Assignment) {
	if !l.judged(r) {
		return
	}
	g := l.group(r.Group)
	l.current(r, "stale-generation")
	// A static member has another id since it came back, and the ledger may not have heard of the one before.
	owner := r.Member
	if r.Instance != "" {
		owner = instancePrefix + r.Instance
	}
	other := false
	if a != nil && a.Member != r.Member {
		m := g.find(a.Member)
		other = m != nil && m.joined && g.lasting(a.Member) != owner
	}
	if a == nil || a.Generation != r.Generation || other {
		l.opts.Violate("wrong-assignment", "group %s: %s of generation %d gets %+v", r.Group, r.Member, r.Generation, a)
		return
	}
	gen := g.generation(r.Generation)
	if gen.mark != "" && gen.mark != a.Mark {
		l.opts.Violate("generation-reused", "group %s: %s is handed out generation %d with assignment %s, others "+
			"with %s", r.Group, r.Member, r.Generation, a.Mark, gen.mark)
		return
	}
	if gen.mark == "" {
		l.counts.Rebalances++
	}
	gen.mark, g.synced = a.Mark, max(g.synced, r.Generation)
	for _, tp := range a.Partitions {
		if other := gen.owners[tp]; other != "" && other != owner {
			l.opts.Violate("partition-owned-twice", "group %s, generation %d: %v is given to %s and %s", r.Group,
				r.Generation, tp, other, owner)
			return
		}
		gen.owners[tp] = owner
	}
	g.proven(r)
	if m := g.find(r.Member); m != nil {
		m.generation = r.Generation // a SyncGroup does not prolong a session
	}
}

// Listing is one group in the answer to a Describe.
type Listing struct {
	State   string
	Members []string
}

// Described holds the answer to a Describe against what is known. by is the process that runs now.
func (l *Groups) Described(r *GroupRequest, d *Listing, by Process) {
	if !l.judged(r) || by.Life != r.life || by.Since > r.at {
		return
	}
	g := l.group(r.Group)
	for _, id := range r.owed {
		if m := g.find(id); !slices.Contains(d.Members, id) && m.there(r.at) && m.joining < m.known {
			l.opts.Violate("lost-member", "group %s in state %s: %s was good %v ago, and is not listed", r.Group,
				d.State, id, time.Duration(r.at-m.known))
			return
		}
	}
	longest := 5 * time.Second
	for _, m := range g.members {
		longest = max(longest, m.session, m.rebalance)
	}
	for _, id := range d.Members {
		m := g.find(id)
		if m == nil {
			// Nobody was told of it yet. It will be, or goes as others do.
			m = g.member(id)
			m.seen, m.session = r.at, longest
		}
		silent := time.Duration(r.at - max(m.seen, by.Since))
		if limit := m.session + 2*longest + 3*time.Second; silent > limit {
			l.opts.Violate("member-kept", "group %s in state %s: %s has been silent for %v, and is still listed",
				r.Group, d.State, id, silent)
		}
	}
}
