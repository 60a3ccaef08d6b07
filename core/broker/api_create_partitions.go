package broker

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/replication/meta"
)

// CreatePartitions (API key 37): versions 0-3. A topic's partitions can only become more.

func (c *call) createPartitions(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.CreatePartitionsRequest)
	b, res := c.b, kmsg.NewPtrCreatePartitionsResponse()
	grow := func(do decider) {
		seen := make(map[string]int)
		added := int64(0)
		for i := range req.Topics {
			seen[req.Topics[i].Topic]++
		}
		for i := range req.Topics {
			if n := seen[req.Topics[i].Topic]; n > 0 {
				res.Topics = append(res.Topics, b.growTopic(&req.Topics[i], n > 1, &added, do))
			}
			seen[req.Topics[i].Topic] = 0 // told once
		}
	}
	if req.ValidateOnly {
		grow(b.dryRun())
		return res
	}
	reply := c.pending()
	b.change(c.now, c.out, grow, func(_ base.Instant, err error, out *Effects) {
		for i := range res.Topics {
			if t := &res.Topics[i]; err != nil && t.ErrorCode == noCode {
				t.ErrorCode, t.ErrorMessage = codeAndMessage(err)
			}
		}
		reply.reply(res, out)
	})
	return nil
}

// growTopic decides the growth of one topic; one that is named twice stays as it is. added counts the request's new
// partitions.
func (b *Broker) growTopic(asked *kmsg.CreatePartitionsRequestTopic, twice bool, added *int64,
	do decider) kmsg.CreatePartitionsResponseTopic {
	t := kmsg.NewCreatePartitionsResponseTopic()
	t.Topic = asked.Topic
	refuse := func(code int16, message string) kmsg.CreatePartitionsResponseTopic {
		t.ErrorCode, t.ErrorMessage = code, &message
		return t
	}
	if twice {
		return refuse(kerr.InvalidRequest.Code, "Duplicate topic name.")
	}
	have := do.Image().Topic(asked.Topic)
	if have == nil {
		t.ErrorCode = unknownTopic
		return t
	}
	more := int(asked.Count) - len(have.Partitions)
	if more > 0 && asked.Assignment != nil && len(asked.Assignment) == 0 {
		return refuse(kerr.InvalidReplicaAssignment.Code, fmt.Sprintf("Attempted to add %d additional partition(s), "+
			"but only 0 assignment(s) were specified.", more))
	}
	if refused := meta.CheckPartitionsPerRequest(*added + int64(max(more, 0))); refused != nil {
		return refuse(refused.Code.Code, refused.Message)
	}
	if _, refused := do.Do(b.createPartitionsOf(asked)); refused != nil {
		return refuse(refused.Code.Code, refused.Message)
	}
	*added += int64(more)
	return t
}

func (b *Broker) createPartitionsOf(asked *kmsg.CreatePartitionsRequestTopic) meta.CreatePartitions {
	cmd := meta.CreatePartitions{Name: asked.Topic, Count: asked.Count, Seed: b.rand.Uint64()}
	for _, a := range asked.Assignment {
		cmd.Assignments = append(cmd.Assignments, nodes(a.Replicas))
	}
	return cmd
}
