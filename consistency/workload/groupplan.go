package workload

import (
	"fmt"
	"time"

	"github.com/gregor-log/gregor/netsim/clock"
)

// GroupPlan is one group of consumers.
type GroupPlan struct {
	Name string
	// Topics are those that all members subscribe to, by their place in Plan.Topics.
	Topics []int
	// Cooperative says that members keep what they have while a rebalance is under way.
	Cooperative bool
	Members     []MemberPlan
}

// MemberPlan is one member of a group.
type MemberPlan struct {
	// Instance is the instance id of a static member, "" for a dynamic one.
	Instance           string
	Session, Rebalance time.Duration
	// Pause is the mean time between two fetches, Beat that between heartbeats, Commit that between commits, Trouble
	// that between one trouble and the next: a leave, a crash, a freeze, a needless rebalance.
	Pause, Beat, Commit, Trouble time.Duration
	// Stays says that the member is there to the end; otherwise it goes when all faults have ended.
	Stays bool
}

// SimplePlan is one client that commits and fetches offsets without being a member.
type SimplePlan struct {
	Group string
	Pause time.Duration
}

// WardenPlan is one client that lists, describes and deletes groups and offsets.
type WardenPlan struct {
	Pause time.Duration
	// Deletes is how many questions in a thousand are deletions.
	Deletes int
	// Segment is how large the segments of __consumer_offsets are, in bytes; 0 leaves them as they are.
	Segment int
}

// drawGroups draws the groups of a run: one that members share, and some of one member each, which therefore see all
// that is sent.
func (p *Plan) drawGroups(s clock.Source) {
	shared := p.drawGroup(s, "shared", int(clock.Between(s, 1, 5)))
	shared.Members[0].Stays = true
	p.Groups = append(p.Groups, shared)
	for i := range clock.Below(s, 3) {
		p.Groups = append(p.Groups, p.drawGroup(s, fmt.Sprintf("alone%d", i), 1))
	}
	if clock.Chance(s, 1, 3) {
		p.Groups = append(p.Groups, p.drawGroup(s, "other", int(clock.Between(s, 2, 4))))
	}
	for i := range clock.Between(s, 1, 2) {
		pause := time.Duration(clock.LogUniform(s, int64(20*time.Millisecond), int64(time.Second)))
		p.Simple = append(p.Simple, SimplePlan{Group: fmt.Sprintf("simple%d", i), Pause: pause})
	}
	p.Warden = WardenPlan{
		Pause:   time.Duration(clock.LogUniform(s, int64(50*time.Millisecond), int64(time.Second))),
		Deletes: int(clock.Below(s, 2) * clock.LogUniform(s, 10, 100)),
		Segment: int(clock.Below(s, 2) * clock.LogUniform(s, smallestSegment, 32<<10)),
	}
	set := func(name string, value int64) {
		p.Broker = append(p.Broker, kv(name, value))
	}
	set("group.min.session.timeout.ms", 100)
	set("group.initial.rebalance.delay.ms", clock.Below(s, 3)*clock.LogUniform(s, 1, 700))
	set("offsets.topic.num.partitions", clock.LogUniform(s, 1, 8))
	set("offsets.topic.replication.factor", 1)
	set("offsets.topic.segment.bytes", 1<<20)
}

// drawGroup draws one group of so many members.
func (p *Plan) drawGroup(s clock.Source, name string, members int) GroupPlan {
	g := GroupPlan{Name: name, Cooperative: clock.Chance(s, 1, 3)}
	for i := range p.Topics {
		if !p.Topics[i].Doomed && (clock.Chance(s, 2, 3) || len(g.Topics) == 0) {
			g.Topics = append(g.Topics, i)
		}
	}
	static := clock.Chance(s, 1, 3)
	session := time.Duration(clock.LogUniform(s, int64(800*time.Millisecond), int64(6*time.Second)))
	for i := range members {
		m := MemberPlan{
			Session: session, Rebalance: time.Duration(clock.LogUniform(s, int64(time.Second), int64(5*time.Second))),
			Pause:   time.Duration(clock.LogUniform(s, int64(30*time.Millisecond), int64(400*time.Millisecond))),
			Commit:  time.Duration(clock.LogUniform(s, int64(50*time.Millisecond), int64(2*time.Second))),
			Trouble: time.Duration(clock.LogUniform(s, int64(2*time.Second), int64(20*time.Second))),
			Stays:   clock.Chance(s, 2, 3),
		}
		m.Beat = m.Session / time.Duration(clock.Between(s, 3, 8))
		if static && clock.Chance(s, 3, 4) {
			m.Instance = fmt.Sprintf("i%d", i)
		}
		g.Members = append(g.Members, m)
	}
	return g
}

// clients returns how many clients the groups need.
func (p *Plan) groupClients() int {
	n := len(p.Simple) + 1
	for i := range p.Groups {
		n += len(p.Groups[i].Members)
	}
	return n
}
