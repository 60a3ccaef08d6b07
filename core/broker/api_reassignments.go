package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/replication/meta"
)

// AlterPartitionReassignments (API key 45, kmsg calls it AlterPartitionAssignments): versions 0-1 (KIP-455). There is
// one broker: a partition can be given the replicas that it has, and nothing else.
func (c *call) alterReassignments(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.AlterPartitionAssignmentsRequest)
	res := kmsg.NewPtrAlterPartitionAssignmentsResponse()
	res.AllowReplicationFactorChange = req.AllowReplicationFactorChange
	res.Topics = []kmsg.AlterPartitionAssignmentsResponseTopic{}
	if len(req.Topics) == 0 {
		res.ErrorMessage = textf("") // and not null, as in Kafka
	}
	image := c.b.Image()
	for _, asked := range req.Topics {
		t := kmsg.NewAlterPartitionAssignmentsResponseTopic()
		t.Topic, t.Partitions = asked.Topic, []kmsg.AlterPartitionAssignmentsResponseTopicPartition{}
		for _, wanted := range asked.Partitions {
			p := kmsg.NewAlterPartitionAssignmentsResponseTopicPartition()
			p.Partition = wanted.Partition
			target := nodes(wanted.Replicas)
			if wanted.Replicas == nil {
				target = nil
			}
			if refused := meta.CheckReassignment(image, asked.Topic, wanted.Partition, target); refused != nil {
				p.ErrorCode = refused.Code.Code
				if refused.Message != "" {
					p.ErrorMessage = &refused.Message
				}
			}
			t.Partitions = append(t.Partitions, p)
		}
		res.Topics = append(res.Topics, t)
	}
	return res
}

// ListPartitionReassignments (API key 46): version 0 (KIP-455). Partitions that are not being moved are left out.
func (c *call) listReassignments(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.ListPartitionReassignmentsRequest)
	res := kmsg.NewPtrListPartitionReassignmentsResponse()
	res.Topics = []kmsg.ListPartitionReassignmentsResponseTopic{}
	wanted := make(map[base.TopicPartition]bool)
	for _, t := range req.Topics {
		for _, index := range t.Partitions {
			wanted[base.TopicPartition{Topic: t.Topic, Partition: index}] = true
		}
	}
	for t := range c.b.Image().Topics() {
		found := kmsg.NewListPartitionReassignmentsResponseTopic()
		found.Topic = t.Name
		for _, m := range t.Partitions {
			moving := len(m.Adding)+len(m.Removing) > 0
			if !moving || req.Topics != nil && !wanted[base.TopicPartition{Topic: t.Name, Partition: m.ID}] {
				continue
			}
			p := kmsg.NewListPartitionReassignmentsResponseTopicPartition()
			p.Partition, p.Replicas = m.ID, nodeIDs(m.Replicas)
			p.AddingReplicas, p.RemovingReplicas = nodeIDs(m.Adding), nodeIDs(m.Removing)
			found.Partitions = append(found.Partitions, p)
		}
		if len(found.Partitions) > 0 {
			res.Topics = append(res.Topics, found)
		}
	}
	return res
}
