package workload

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/netsim/clock"
	"github.com/gregor-log/gregor/netsim/world"
)

// simple keeps offsets with a coordinator, and is no member of any group. Now and then it does so in a group that has
// members, where it must be refused while they are there.
type simple struct {
	session
	plan SimplePlan
	busy bool
}

func newSimple(r *run, plan SimplePlan) *simple {
	p := &simple{plan: plan}
	p.session.init(r, p)
	p.wakeIn(clock.Uniform(p.rand, plan.Pause))
	return p
}

// Wake asks the next question.
func (p *simple) Wake() {
	if p.ready() && !p.busy {
		p.question()
	}
	p.wakeIn(clock.Exponential(p.rand, p.plan.Pause))
}

func (p *simple) question() {
	target := p.lastingPartition()
	if target == nil {
		return
	}
	group := p.plan.Group
	if clock.Chance(p.rand, 1, 20) {
		group = p.run.plan.Groups[0].Name
	}
	p.busy = true
	switch clock.Below(p.rand, 5) {
	case 0:
		p.ask(p.findRequest(group), 0)
	case 1, 2:
		r := &world.GroupRequest{Kind: world.AskOffsets, Group: p.plan.Group, Generation: -1}
		r.Fetches = append(r.Fetches, world.OffsetAsked{Partition: target.TopicPartition})
		p.askGroup(p.fetchRequest(r, false), r, requestTimeout)
	default:
		r := &world.GroupRequest{Kind: world.AskCommit, Group: group, Generation: -1}
		at := base.Offset(clock.Below(p.rand, int64(p.ledger().End(target))+1))
		r.Commits = append(r.Commits, p.newCommit(group, target, at))
		if group != p.plan.Group {
			p.run.skipped(&p.run.plan.Groups[0], target) // where it is empty its members will begin there
		}
		p.askGroup(p.commitRequest(r), r, requestTimeout)
	}
}

// Connected goes on.
func (p *simple) Connected(int) {}

// Lost takes note of a request without an answer.
func (p *simple) Lost(r *world.Request) { p.lose(r) }

// Disconnected connects again.
func (p *simple) Disconnected(int) {
	p.busy = false
	p.reconnect()
}

// Answered takes an answer.
func (p *simple) Answered(r *world.Request, res kmsg.Response) {
	p.busy = false
	g := p.ended(r)
	switch res := res.(type) {
	case *kmsg.OffsetCommitResponse:
		p.committed(r, g, res)
	case *kmsg.OffsetFetchResponse:
		p.fetchedOffsets(r, g, res, false, false)
	}
}
