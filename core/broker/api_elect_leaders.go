package broker

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/replication/meta"
)

// ElectLeaders (API key 43): versions 0-2; version 1 brings unclean elections (KIP-460). A node that is alone leads
// what it holds: no partition needs an election, and of all partitions (null) those that need none are left out.
func (c *call) electLeaders(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.ElectLeadersRequest)
	res := kmsg.NewPtrElectLeadersResponse()
	res.Topics = []kmsg.ElectLeadersResponseTopic{}
	image := c.b.Image()
	if req.Topics == nil {
		for t := range image.Topics() {
			res.Topics = append(res.Topics, electedTopic(t.Name))
		}
		return res
	}
	const unclean = 1
	known := req.ElectionType == 0 || req.ElectionType == unclean
	switch {
	case req.TimeoutMillis <= 0:
		res.ErrorCode = kerr.RequestTimedOut.Code // at once
	case !known:
		res.ErrorCode = kerr.InvalidRequest.Code
	}
	for _, asked := range req.Topics {
		t := electedTopic(asked.Topic)
		for _, index := range asked.Partitions {
			p := kmsg.NewElectLeadersResponseTopicPartition()
			p.Partition, p.ErrorCode = index, res.ErrorCode
			switch {
			case res.ErrorCode == kerr.InvalidRequest.Code:
				p.ErrorMessage = textf("Unknown election type %d", req.ElectionType)
			case res.ErrorCode == noCode:
				p.ErrorCode, p.ErrorMessage = elect(image, asked.Topic, index, req.ElectionType == unclean)
			}
			t.Partitions = append(t.Partitions, p)
		}
		res.Topics = append(res.Topics, t)
	}
	return res
}

func electedTopic(name string) kmsg.ElectLeadersResponseTopic {
	t := kmsg.NewElectLeadersResponseTopic()
	t.Topic, t.Partitions = name, []kmsg.ElectLeadersResponseTopicPartition{}
	return t
}

// elect says why no leader is elected for a partition.
func elect(image *meta.Image, topic string, index int32, unclean bool) (int16, *string) {
	t := image.Topic(topic)
	switch {
	case t == nil:
		return unknownTopic, textf("No such topic as %s", topic)
	case index < 0 || int(index) >= len(t.Partitions):
		return unknownTopic, textf("No such partition as %s-%d", topic, index)
	}
	p := t.Partitions[index]
	switch {
	case p.Leader == p.Replicas[0] || unclean && p.Leader != base.NoNode:
		return kerr.ElectionNotNeeded.Code, textf("Leader election not needed for topic partition.")
	case unclean:
		return kerr.EligibleLeadersNotAvailable.Code, textf("%s", kerr.EligibleLeadersNotAvailable.Description)
	}
	return kerr.PreferredLeaderNotAvailable.Code, textf("%s", kerr.PreferredLeaderNotAvailable.Description)
}

func textf(format string, args ...any) *string {
	s := fmt.Sprintf(format, args...)
	return &s
}
