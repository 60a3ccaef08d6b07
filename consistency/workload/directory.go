package workload

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/netsim/world"
)

// metadata takes an answer to Metadata: every topic that must be there is, with its id and its partitions, and the
// clients may use it from now on. It is the directory of all clients.
func (r *run) metadata(s *session, req *world.Request, res *kmsg.MetadataResponse) {
	for _, t := range r.w.Ledger().Topics() {
		if !t.Created() || !r.expected(t, req) {
			continue
		}
		found := findTopic(res, t.Name)
		if found == nil || found.ErrorCode != 0 {
			r.w.Violate("lost-topic", "%s: topic %s was created, and Metadata does not know it", s.client.Name(),
				t.Name)
			return
		}
		if len(found.Partitions) != len(t.Partitions) {
			r.w.Violate("lost-topic", "%s: topic %s has %d partitions, expected %d", s.client.Name(), t.Name,
				len(found.Partitions), len(t.Partitions))
			return
		}
		if req.Version >= 10 {
			r.w.Ledger().HasID(t, base.UUID(found.TopicID))
		}
		for i := range found.Partitions {
			r.learnEpoch(t, &found.Partitions[i], req)
		}
		r.add(t)
	}
	r.begin()
}

// expected reports whether a topic must be in the answer to a request: its creation had been acknowledged before.
func (r *run) expected(t *world.Topic, req *world.Request) bool {
	at, ok := r.createdAt[t]
	return ok && req.Sent > at
}

func findTopic(res *kmsg.MetadataResponse, name string) *kmsg.MetadataResponseTopic {
	for i := range res.Topics {
		if t := &res.Topics[i]; t.Topic != nil && *t.Topic == name && t.ErrorCode != kerr.UnknownTopicOrPartition.Code {
			return t
		}
	}
	return nil
}

// add lets the clients use a topic, once its id is known.
func (r *run) add(t *world.Topic) {
	for _, known := range r.topics {
		if known == t {
			return
		}
	}
	if !t.ID.IsZero() {
		r.topics = append(r.topics, t)
	}
}

// begin lets the clients work once all topics are there.
func (r *run) begin() {
	usable := 0
	for _, t := range r.w.Ledger().Topics() {
		if t.Doomed() {
			usable++
		}
	}
	for _, t := range r.topics {
		if !t.Doomed() {
			usable++
		}
	}
	r.ready = r.ready || usable == len(r.plan.Topics)
}

// learnEpoch takes note of a partition's leader epoch, which never goes back.
func (r *run) learnEpoch(t *world.Topic, p *kmsg.MetadataResponseTopicPartition, req *world.Request) {
	if req.Version < 7 || p.ErrorCode != 0 || int(p.Partition) >= len(t.Partitions) {
		return
	}
	index := t.Partitions[p.Partition].Index
	for int(index) >= len(r.epochs) {
		r.epochs = append(r.epochs, told{epoch: -1})
	}
	known := &r.epochs[index]
	if p.LeaderEpoch < known.epoch && req.Sent > known.at {
		r.w.Violate("epoch-regression", "%v: Metadata tells leader epoch %d after %d", t.Partitions[p.Partition],
			p.LeaderEpoch, known.epoch)
	}
	if p.LeaderEpoch > known.epoch {
		*known = told{epoch: p.LeaderEpoch, at: r.w.Now()}
	}
}

// leaderEpoch returns the leader epoch that clients believe in, -1 for none.
func (r *run) leaderEpoch(p *world.Partition) int32 {
	if int(p.Index) >= len(r.epochs) || r.epochs[p.Index].doubted {
		return -1
	}
	return r.epochs[p.Index].epoch
}

// forgetEpoch says that a leader epoch is not believed any more.
func (r *run) forgetEpoch(p *world.Partition) {
	if int(p.Index) < len(r.epochs) {
		r.epochs[p.Index].doubted = true
	}
}
