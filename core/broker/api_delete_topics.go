package broker

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/replication/meta"
)

// DeleteTopics (API key 20): versions 1-6, topics by name or by id from 6 (KIP-516). The partitions' directories are
// renamed at once and removed after file.delete.delay.ms.

func (c *call) deleteTopics(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.DeleteTopicsRequest)
	for i := range req.TopicNames {
		t := kmsg.NewDeleteTopicsRequestTopic()
		t.Topic = &req.TopicNames[i]
		req.Topics = append(req.Topics, t)
	}
	b, res := c.b, kmsg.NewPtrDeleteTopicsResponse()
	if !b.config().DeleteTopics {
		return deletionDisabled(req, res)
	}
	reply := c.pending()
	b.change(c.now, c.out, func(do decider) {
		named := countTopics(req.Topics, do.Image())
		for i := range req.Topics {
			if t, ok := named.delete(&req.Topics[i], do); ok {
				res.Topics = append(res.Topics, t)
			}
		}
	}, func(_ base.Instant, err error, out *Effects) {
		for i := range res.Topics {
			if t := &res.Topics[i]; err != nil && t.ErrorCode == noCode {
				t.ErrorCode, t.ErrorMessage = codeAndMessage(err)
			}
		}
		reply.reply(res, out)
	})
	return nil
}

func deletionDisabled(req *kmsg.DeleteTopicsRequest, res *kmsg.DeleteTopicsResponse) kmsg.Response {
	code, message := kerr.TopicDeletionDisabled.Code, "Topic deletion is disabled."
	if req.Version < 3 {
		code = kerr.InvalidRequest.Code
	}
	for _, asked := range req.Topics {
		t := kmsg.NewDeleteTopicsResponseTopic()
		t.Topic, t.TopicID, t.ErrorCode, t.ErrorMessage = asked.Topic, asked.TopicID, code, &message
		res.Topics = append(res.Topics, t)
	}
	return res
}

// namedTopics counts how often a request names each topic: one that is named twice, be it by name and by id, is not
// deleted, and told so once.
type namedTopics struct {
	names map[string]int
	ids   map[base.UUID]int
}

// nameOfID stands for a name whose topic is named by its id as well.
const nameOfID = -1

func countTopics(topics []kmsg.DeleteTopicsRequestTopic, image *meta.Image) namedTopics {
	n := namedTopics{names: make(map[string]int), ids: make(map[base.UUID]int)}
	for i := range topics {
		id := base.UUID(topics[i].TopicID)
		switch {
		case topics[i].Topic == nil && !id.IsZero():
			n.ids[id]++
		case topics[i].Topic != nil && id.IsZero():
			n.names[*topics[i].Topic]++
		}
	}
	for i := range topics {
		if name := topics[i].Topic; name != nil && n.names[*name] == 1 {
			if t := image.Topic(*name); t != nil && n.ids[t.ID] > 0 {
				n.ids[t.ID] = 0 // told with the name
				n.names[*name] = nameOfID
			}
		}
	}
	return n
}

// delete decides the deletion of one topic. It reports false where that was told with an earlier one.
func (n *namedTopics) delete(asked *kmsg.DeleteTopicsRequestTopic,
	do decider) (kmsg.DeleteTopicsResponseTopic, bool) {
	id := base.UUID(asked.TopicID)
	switch {
	case asked.Topic == nil && id.IsZero():
		return undeleted(asked, "Neither topic name nor id were specified."), true
	case asked.Topic != nil && !id.IsZero():
		return undeleted(asked, "You may not specify both topic name and topic id."), true
	case asked.Topic == nil:
		return n.deleteID(id, asked, do)
	}
	return n.deleteName(*asked.Topic, asked, do)
}

func (n *namedTopics) deleteID(id base.UUID, asked *kmsg.DeleteTopicsRequestTopic,
	do decider) (kmsg.DeleteTopicsResponseTopic, bool) {
	times := n.ids[id]
	n.ids[id] = 0
	switch {
	case times == 0:
		return kmsg.DeleteTopicsResponseTopic{}, false
	case times > 1:
		return undeleted(asked, "Duplicate topic id."), true
	}
	return deleteTopic(asked, do.Image().TopicByID(id), meta.DeleteTopic{ID: id}, do), true
}

func (n *namedTopics) deleteName(name string, asked *kmsg.DeleteTopicsRequestTopic,
	do decider) (kmsg.DeleteTopicsResponseTopic, bool) {
	times, found := n.names[name], do.Image().Topic(name)
	n.names[name] = 0
	switch {
	case times == 0:
		return kmsg.DeleteTopicsResponseTopic{}, false
	case times > 1:
		return undeleted(asked, "Duplicate topic name."), true
	case times == nameOfID:
		asked.TopicID = found.ID
		return undeleted(asked, "The provided topic name maps to an ID that was already supplied."), true
	}
	return deleteTopic(asked, found, meta.DeleteTopic{Name: name}, do), true
}

// undeleted answers for a topic that was asked for in the wrong way.
func undeleted(asked *kmsg.DeleteTopicsRequestTopic, message string) kmsg.DeleteTopicsResponseTopic {
	t := kmsg.NewDeleteTopicsResponseTopic()
	t.Topic, t.TopicID = asked.Topic, asked.TopicID
	t.ErrorCode, t.ErrorMessage = kerr.InvalidRequest.Code, &message
	return t
}

// deleteTopic puts the deletion of one topic to the controller; found is nil if there is none.
func deleteTopic(asked *kmsg.DeleteTopicsRequestTopic, found *meta.Topic, cmd meta.DeleteTopic,
	do decider) kmsg.DeleteTopicsResponseTopic {
	t := kmsg.NewDeleteTopicsResponseTopic()
	t.Topic, t.TopicID = asked.Topic, asked.TopicID
	if found != nil {
		name := found.Name
		t.Topic, t.TopicID = &name, found.ID
	}
	if _, refused := do.Do(cmd); refused != nil {
		t.ErrorCode, t.ErrorMessage = refused.Code.Code, &refused.Message
	}
	return t
}
