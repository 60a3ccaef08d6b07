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
		for i := range req.Topics {
			res.Topics = append(res.Topics, deleteTopic(&req.Topics[i], do))
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

// deleteTopic decides the deletion of one topic.
func deleteTopic(asked *kmsg.DeleteTopicsRequestTopic, do decider) kmsg.DeleteTopicsResponseTopic {
	t := kmsg.NewDeleteTopicsResponseTopic()
	t.Topic, t.TopicID = asked.Topic, asked.TopicID
	refuse := func(code int16, message string) kmsg.DeleteTopicsResponseTopic {
		t.ErrorCode, t.ErrorMessage = code, &message
		return t
	}
	byName := asked.Topic != nil
	if byName == (asked.TopicID != base.UUID{}) {
		return refuse(kerr.InvalidRequest.Code, "Either the topic's name or its id must be given, and not both.")
	}
	cmd := meta.DeleteTopic{ID: asked.TopicID}
	found := do.Image().TopicByID(asked.TopicID)
	if byName {
		cmd.Name = *asked.Topic
		found = do.Image().Topic(cmd.Name)
	}
	if found != nil {
		name := found.Name
		t.Topic, t.TopicID = &name, found.ID
	}
	if _, refused := do.Do(cmd); refused != nil {
		return refuse(refused.Code.Code, refused.Message)
	}
	return t
}
