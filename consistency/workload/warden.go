package workload

import (
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/netsim/clock"
	"github.com/gregor-log/gregor/netsim/world"
)

// warden looks after groups: it lists and describes them, reads all their offsets, and deletes some of both. In the end
// it looks whether each has settled.
type warden struct {
	session
	plan WardenPlan
	busy bool
	// small says that the logs of groups have small segments.
	small bool
	// listings are what DescribeGroups said of each group last, by its number.
	listings []world.Listing
	next     int
	// audits says that the warden reads the offsets of each group once; audited counts those that it has.
	audits  bool
	audited int
}

func newWarden(r *run, plan WardenPlan) *warden {
	w := &warden{plan: plan, listings: make([]world.Listing, len(r.plan.Groups))}
	w.session.init(r, w)
	w.wakeIn(clock.Uniform(w.rand, plan.Pause))
	return w
}

// names are the groups that there are, those with members first.
func (r *run) names() []string {
	var names []string
	for i := range r.plan.Groups {
		names = append(names, r.plan.Groups[i].Name)
	}
	for _, s := range r.plan.Simple {
		if !slices.Contains(names, s.Group) {
			names = append(names, s.Group)
		}
	}
	return names
}

// Wake asks the next question.
func (w *warden) Wake() {
	if w.ready() && !w.busy {
		w.busy = true
		w.question()
	}
	w.wakeIn(clock.Exponential(w.rand, w.plan.Pause))
}

func (w *warden) question() {
	names := w.run.names()
	name := names[clock.Below(w.rand, int64(len(names)))]
	switch {
	case !w.small && w.plan.Segment > 0:
		w.shrink()
	case w.audits && w.audited < len(names):
		w.offsets(names[w.audited])
	case w.run.healing:
		w.next = (w.next + 1) % len(w.run.plan.Groups)
		w.describe(w.run.plan.Groups[w.next].Name)
	case clock.Chance(w.rand, int64(w.plan.Deletes), 1000):
		w.delete(name)
	default:
		switch clock.Below(w.rand, 6) {
		case 0:
			w.list()
		case 1, 2:
			w.offsets(name)
		default:
			w.describe(name)
		}
	}
}

// shrink has the logs of groups roll, and so be snapshot and trimmed, much more often than the broker's properties can
// say.
func (w *warden) shrink() {
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	w.versions.set(req)
	res := kmsg.NewIncrementalAlterConfigsRequestResource()
	res.ResourceType, res.ResourceName = kmsg.ConfigResourceTypeTopic, "__consumer_offsets"
	c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	value := strconv.Itoa(w.plan.Segment)
	c.Name, c.Op, c.Value = "internal.segment.bytes", kmsg.IncrementalAlterConfigOpSet, &value
	res.Configs = append(res.Configs, c)
	req.Resources = append(req.Resources, res)
	w.ask(req, 0)
}

func (w *warden) list() {
	req := kmsg.NewPtrListGroupsRequest()
	w.versions.set(req)
	w.askGroup(req, &world.GroupRequest{Kind: world.AskList}, requestTimeout)
}

func (w *warden) describe(name string) {
	req := kmsg.NewPtrDescribeGroupsRequest()
	w.versions.set(req)
	req.Groups = []string{name}
	w.askGroup(req, &world.GroupRequest{Kind: world.AskDescribe, Group: name}, requestTimeout)
}

// offsets asks for all offsets of a group.
func (w *warden) offsets(name string) {
	r := &world.GroupRequest{Kind: world.AskOffsets, Group: name, Generation: -1}
	for _, t := range w.run.topics {
		for _, p := range t.Partitions {
			if t.Name != doomedTopic {
				r.Fetches = append(r.Fetches, world.OffsetAsked{Partition: p.TopicPartition})
			}
		}
	}
	w.askGroup(w.fetchRequest(r, w.all()), r, requestTimeout)
}

// all reports whether the warden asks for all offsets of a group by naming none.
func (w *warden) all() bool { return w.versions[kmsg.OffsetFetch] >= 2 && w.client.Index()%2 == 0 }

// delete deletes a group, or its offsets of a partition.
func (w *warden) delete(name string) {
	if target := w.lastingPartition(); target != nil && clock.Chance(w.rand, 1, 2) {
		req := kmsg.NewPtrOffsetDeleteRequest()
		req.Group = name
		t := kmsg.NewOffsetDeleteRequestTopic()
		t.Topic = target.TopicPartition.Topic
		part := kmsg.NewOffsetDeleteRequestTopicPartition()
		part.Partition = target.Partition
		t.Partitions = append(t.Partitions, part)
		req.Topics = append(req.Topics, t)
		r := &world.GroupRequest{Kind: world.AskDeleteOffsets, Group: name, Generation: -1}
		r.Commits = append(r.Commits, &world.Commit{Group: name, Partition: target.TopicPartition, None: true})
		w.askGroup(req, r, requestTimeout)
		return
	}
	req := kmsg.NewPtrDeleteGroupsRequest()
	w.versions.set(req)
	req.Groups = []string{name}
	r := &world.GroupRequest{Kind: world.AskDelete, Group: name, Generation: -1}
	for _, t := range w.run.topics {
		for _, p := range t.Partitions {
			if t.Name != doomedTopic {
				r.Commits = append(r.Commits, &world.Commit{Group: name, Partition: p.TopicPartition, None: true})
			}
		}
	}
	w.askGroup(req, r, requestTimeout)
}

// Connected goes on.
func (w *warden) Connected(int) {}

// Lost takes note of a request without an answer.
func (w *warden) Lost(r *world.Request) { w.lose(r) }

// Disconnected connects again.
func (w *warden) Disconnected(int) {
	w.busy = false
	w.reconnect()
}

// Answered takes an answer.
func (w *warden) Answered(r *world.Request, res kmsg.Response) {
	w.busy = false
	g := w.ended(r)
	switch res := res.(type) {
	case *kmsg.IncrementalAlterConfigsResponse:
		w.small = res.Resources[0].ErrorCode == 0
	case *kmsg.ListGroupsResponse:
		// A coordinator whose log is offline is none, and its groups are not listed.
		if res.ErrorCode == 0 && !r.Fence.Failed() {
			var names []string
			for i := range res.Groups {
				names = append(names, res.Groups[i].Group)
			}
			w.run.book.Listed(g, names)
		}
	case *kmsg.DescribeGroupsResponse:
		w.described(r, g, res)
	case *kmsg.OffsetFetchResponse:
		if _, good := w.fetchedOffsets(r, g, res, w.all(), w.audits); good && w.audits {
			w.audited++
		}
	case *kmsg.DeleteGroupsResponse:
		w.deleted(r, g, res)
	case *kmsg.OffsetDeleteResponse:
		code := res.ErrorCode
		for i := range res.Topics {
			for j := range res.Topics[i].Partitions {
				code = max(code, res.Topics[i].Partitions[j].ErrorCode)
			}
		}
		w.settleCommit(r, g, g.Commits[0], code)
	}
}

// described takes what is told of a group: of one that is not there, that it is dead, or that it cannot be found.
func (w *warden) described(r *world.Request, g *world.GroupRequest, res *kmsg.DescribeGroupsResponse) {
	if len(res.Groups) != 1 || res.Groups[0].Group != g.Group {
		w.run.w.Violate("wrong-answer", "%s: DescribeGroups of %s tells of %d groups", w.client.Name(), g.Group,
			len(res.Groups))
		return
	}
	found := &res.Groups[0]
	if found.ErrorCode != 0 && found.State != "Dead" {
		return
	}
	d := world.Listing{State: found.State}
	for i := range found.Members {
		d.Members = append(d.Members, found.Members[i].MemberID)
	}
	w.run.book.Described(g, &d, w.run.book.process(w.run.w.Nodes()[r.Node]))
	for i := range w.run.plan.Groups {
		if w.run.plan.Groups[i].Name == g.Group {
			slices.Sort(d.Members)
			w.listings[i] = d
		}
	}
}

func (w *warden) deleted(r *world.Request, g *world.GroupRequest, res *kmsg.DeleteGroupsResponse) {
	if len(res.Groups) != 1 {
		w.run.w.Violate("wrong-answer", "%s: DeleteGroups of %s tells of %d groups", w.client.Name(), g.Group,
			len(res.Groups))
		return
	}
	o := verdictOn(res.Groups[0].ErrorCode)
	switch o {
	case acked:
		w.run.book.Deleted(g)
	case failed:
		for _, c := range g.Commits {
			w.run.book.FailedOne(g, c)
		}
	}
	for _, c := range g.Commits {
		w.run.record.commit(&w.session, c, o, r.Sent)
	}
}

// eating is which offsets of one partition the members of one group have read, in order and apart from each other.
type eating struct {
	group     *GroupPlan
	partition *world.Partition
	pieces    []piece
	// gaps says that some could not be read any more.
	gaps bool
}

type piece struct{ from, to base.Offset }

func (r *run) eatingOf(g *GroupPlan, p *world.Partition) *eating {
	for _, e := range r.meals {
		if e.group == g && e.partition == p {
			return e
		}
	}
	e := &eating{group: g, partition: p}
	r.meals = append(r.meals, e)
	return e
}

// skipped notes that a member of a group could not go on where it was, and began with the log.
func (r *run) skipped(g *GroupPlan, p *world.Partition) { r.eatingOf(g, p).gaps = true }

// eaten notes that a member of a group has read a stretch of a partition.
func (r *run) eaten(g *GroupPlan, p *world.Partition, from, to base.Offset) {
	e := r.eatingOf(g, p)
	i := 0
	for i < len(e.pieces) && e.pieces[i].to < from {
		i++
	}
	past := i
	for past < len(e.pieces) && e.pieces[past].from <= to {
		from, to = min(from, e.pieces[past].from), max(to, e.pieces[past].to)
		past++
	}
	e.pieces = slices.Replace(e.pieces, i, past, piece{from, to})
}

// settleTime is how long groups may take until they have settled, in the world's time.
const settleTime = 180 * time.Second
