package broker

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/group"
)

// FindCoordinator (API key 10): versions 0-6, several keys from 4 (KIP-699). The coordinator of a group is the leader
// of the partition of __consumer_offsets that the group's name hashes to. The first client that asks has the topic
// made, and is told COORDINATOR_NOT_AVAILABLE until it is there: clients ask again. There are no coordinators of
// transactions and of share groups.

// The types that a coordinator may have.
const (
	groupCoordinator int8 = iota
	transactionCoordinator
	shareCoordinator
)

func (c *call) findCoordinator(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.FindCoordinatorRequest)
	res := kmsg.NewPtrFindCoordinatorResponse()
	if req.Version < 4 {
		found := c.coordinator(req.CoordinatorType, req.CoordinatorKey)
		res.ErrorCode, res.ErrorMessage = found.ErrorCode, found.ErrorMessage
		res.NodeID, res.Host, res.Port = found.NodeID, found.Host, found.Port
		return res
	}
	empty := new(string)
	for _, key := range bounded(req.CoordinatorKeys) {
		found := c.coordinator(req.CoordinatorType, key)
		if found.ErrorCode == kerr.CoordinatorNotAvailable.Code || req.CoordinatorType == shareCoordinator ||
			found.ErrorCode == noCode {
			found.ErrorMessage = empty // as in Kafka
		}
		res.Coordinators = append(res.Coordinators, found)
	}
	return res
}

// coordinator finds the coordinator of one key.
func (c *call) coordinator(kind int8, key string) kmsg.FindCoordinatorResponseCoordinator {
	found := kmsg.NewFindCoordinatorResponseCoordinator()
	found.Key, found.NodeID, found.Port = key, int32(base.NoNode), -1
	refused := func(e *kerr.Error, message string) kmsg.FindCoordinatorResponseCoordinator {
		found.ErrorCode, found.ErrorMessage = e.Code, &message
		return found
	}
	none := "NONE" // as in Kafka, to the letter
	found.ErrorMessage = &none
	const notAvailable = "The coordinator is not available."
	switch {
	case kind < groupCoordinator || kind > shareCoordinator || kind == shareCoordinator && c.header.Version < 6:
		return refused(kerr.InvalidRequest, kerr.InvalidRequest.Description)
	case kind != groupCoordinator:
		return refused(kerr.CoordinatorNotAvailable, notAvailable)
	}
	image := c.b.Image()
	t := image.Topic(offsetsTopic)
	if t == nil {
		c.b.createOffsetsTopic(c.now, c.out)
		return refused(kerr.CoordinatorNotAvailable, notAvailable)
	}
	index := group.PartitionFor(key, c.b.groups.partitions(t))
	m := t.Partitions[index]
	node := image.Broker(m.Leader)
	if node == nil || !node.Active() || len(c.b.offlineReplicas(t, m)) == len(m.Replicas) {
		return refused(kerr.CoordinatorNotAvailable, notAvailable)
	}
	found.NodeID = int32(node.ID)
	found.Host, found.Port = endpointOf(node, c.conn.listener)
	return found
}
