package broker

import (
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
		seen := make(map[string]bool)
		for i := range req.Topics {
			asked := &req.Topics[i]
			t := kmsg.NewCreatePartitionsResponseTopic()
			t.Topic = asked.Topic
			if seen[asked.Topic] {
				message := "Duplicate topic name."
				t.ErrorCode, t.ErrorMessage = kerr.InvalidRequest.Code, &message
			} else if _, refused := do.Do(b.createPartitionsOf(asked)); refused != nil {
				t.ErrorCode, t.ErrorMessage = refused.Code.Code, &refused.Message
			}
			seen[asked.Topic] = true
			res.Topics = append(res.Topics, t)
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

func (b *Broker) createPartitionsOf(asked *kmsg.CreatePartitionsRequestTopic) meta.CreatePartitions {
	cmd := meta.CreatePartitions{Name: asked.Topic, Count: asked.Count, Seed: b.rand.Uint64()}
	for _, a := range asked.Assignment {
		cmd.Assignments = append(cmd.Assignments, nodes(a.Replicas))
	}
	return cmd
}
