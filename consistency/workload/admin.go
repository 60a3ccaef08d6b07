package workload

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/netsim/clock"
	"github.com/gregor-log/gregor/netsim/world"
)

// admin creates the run's topics, then keeps looking whether they are still there, and deletes the one that is doomed.
type admin struct {
	session
	topics []*world.Topic
	plans  []TopicPlan
	asked  bool
	// doom is when the doomed topic is deleted, 0 for never.
	doom clock.Time
}

func newAdmin(r *run) *admin {
	a := &admin{plans: r.plan.Topics}
	a.session.init(r, a)
	a.versions[kmsg.Metadata] = max(a.versions[kmsg.Metadata], 10) // somebody must learn the topics' ids
	for i := range a.plans {
		plan := &a.plans[i]
		t := r.w.Ledger().NewTopic(plan.Name, plan.Partitions)
		t.Rewrites, t.Expires = plan.Rewrites, plan.Expires
		a.topics = append(a.topics, t)
		if plan.Doomed {
			a.doom = clock.Time(r.plan.For/4 + clock.Uniform(a.rand, r.plan.For/2))
		}
	}
	a.wakeIn(time.Millisecond)
	return a
}

// Wake asks for what comes next.
func (a *admin) Wake() {
	a.next()
	a.wakeIn(10*time.Millisecond + clock.Exponential(a.rand, a.pause()))
}

// pause is short until the topics are there.
func (a *admin) pause() time.Duration {
	if a.run.ready {
		return 500 * time.Millisecond
	}
	return 5 * time.Millisecond
}

func (a *admin) next() {
	if a.asked || !a.connected() {
		return
	}
	for i, t := range a.topics {
		if !t.Created() && !t.Doomed() {
			a.create(t, &a.plans[i])
			return
		}
		if a.plans[i].Doomed && !t.Doomed() && a.doom != 0 && a.now() >= a.doom {
			a.delete(t)
			return
		}
	}
	req := kmsg.NewPtrMetadataRequest()
	a.versions.set(req)
	req.Topics = nil
	a.askOne(req)
}

func (a *admin) askOne(req kmsg.Request) {
	a.asked = true
	a.ask(req, 0)
}

// create asks for a topic.
func (a *admin) create(t *world.Topic, plan *TopicPlan) {
	req := kmsg.NewPtrCreateTopicsRequest()
	a.versions.set(req)
	req.TimeoutMillis = 5000
	asked := kmsg.NewCreateTopicsRequestTopic()
	asked.Topic, asked.NumPartitions, asked.ReplicationFactor = t.Name, int32(plan.Partitions), 1
	for _, kv := range plan.Configs {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		value := kv.Value
		c.Name, c.Value = kv.Name, &value
		asked.Configs = append(asked.Configs, c)
	}
	req.Topics = append(req.Topics, asked)
	a.askOne(req)
}

// delete asks for a topic's end.
func (a *admin) delete(t *world.Topic) {
	a.ledger().Deleting(t)
	req := kmsg.NewPtrDeleteTopicsRequest()
	a.versions.set(req)
	req.TimeoutMillis = 5000
	name := t.Name
	req.TopicNames = []string{name}
	asked := kmsg.NewDeleteTopicsRequestTopic()
	asked.Topic = &name
	req.Topics = append(req.Topics, asked)
	a.askOne(req)
}

// Connected goes on.
func (a *admin) Connected(int) { a.next() }

// Lost takes note of a request without an answer.
func (a *admin) Lost(*world.Request) {}

// Disconnected connects again.
func (a *admin) Disconnected(int) {
	a.asked = false
	a.reconnect()
}

// Answered takes an answer.
func (a *admin) Answered(r *world.Request, res kmsg.Response) {
	a.asked = false
	switch res := res.(type) {
	case *kmsg.CreateTopicsResponse:
		for i := range res.Topics {
			a.created(&res.Topics[i], r.Version)
		}
	case *kmsg.MetadataResponse:
		a.run.metadata(&a.session, r, res)
	}
	if !a.run.ready {
		a.next()
	}
}

func (a *admin) created(t *kmsg.CreateTopicsResponseTopic, version int16) {
	i := slices.IndexFunc(a.topics, func(x *world.Topic) bool { return x.Name == t.Topic })
	if i < 0 {
		a.run.w.Violate("wrong-answer", "a topic %q was created that nobody asked for", t.Topic)
		return
	}
	made := a.topics[i]
	switch {
	case t.ErrorCode == 0 && version >= 7:
		a.ledger().Created(made, base.UUID(t.TopicID))
	case t.ErrorCode == 0 || t.ErrorCode == kerr.TopicAlreadyExists.Code:
		a.ledger().Created(made, made.ID)
	default:
		return
	}
	if _, ok := a.run.createdAt[made]; !ok {
		a.run.createdAt[made] = a.now()
	}
}
