package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
)

// DescribeQuorum (API key 55): versions 0-2 (KIP-595, KIP-836 brings the times, KIP-853 the nodes and messages). The
// metadata log has one voter, this node, which leads it and has always caught up. Its controller needs no socket, so no
// listeners are told.
func (c *call) describeQuorum(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.DescribeQuorumRequest)
	res := kmsg.NewPtrDescribeQuorumResponse()
	res.ErrorMessage = textf("")
	alone := len(req.Topics) == 1 && req.Topics[0].Topic == MetadataPartition.Topic &&
		len(req.Topics[0].Partitions) == 1 && req.Topics[0].Partitions[0].Partition == MetadataPartition.Partition
	for _, asked := range req.Topics {
		t := kmsg.NewDescribeQuorumResponseTopic()
		t.Topic, t.Partitions = asked.Topic, []kmsg.DescribeQuorumResponseTopicPartition{}
		for _, wanted := range asked.Partitions {
			p := kmsg.NewDescribeQuorumResponseTopicPartition()
			p.Partition, p.ErrorMessage = wanted.Partition, textf("")
			if alone {
				c.describeVoter(&p)
			} else {
				p.ErrorCode = unknownTopic
				p.ErrorMessage = textf("This server does not host this topic-partition.")
			}
			t.Partitions = append(t.Partitions, p)
		}
		res.Topics = append(res.Topics, t)
	}
	if alone {
		node := kmsg.NewDescribeQuorumResponseNode()
		node.NodeID, node.Listeners = int32(c.b.nodeID), []kmsg.DescribeQuorumResponseNodeListener{}
		res.Nodes = append(res.Nodes, node)
	}
	return res
}

// describeVoter tells the state of the metadata log and of its only voter.
func (c *call) describeVoter(p *kmsg.DescribeQuorumResponseTopicPartition) {
	log := c.b.controller.log
	p.LeaderID, p.LeaderEpoch = int32(c.b.nodeID), int32(c.b.controller.epoch)
	p.HighWatermark = int64(log.Synced())
	self := kmsg.NewDescribeQuorumResponseTopicPartitionReplicaState()
	self.ReplicaID, self.LogEndOffset = int32(c.b.nodeID), int64(max(log.End(), base.Offset(p.HighWatermark)))
	self.LastFetchTimestamp, self.LastCaughtUpTimestamp = c.now.Wall, c.now.Wall
	p.CurrentVoters = append(p.CurrentVoters, self)
	p.Observers = []kmsg.DescribeQuorumResponseTopicPartitionReplicaState{}
}
