package broker

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
)

// FindCoordinator (API key 10): versions 0-6, several keys from 4 (KIP-699). There are no coordinators yet, which
// clients are told with COORDINATOR_NOT_AVAILABLE: they ask again later.

// coordinatorTypes are the types that a coordinator may have: of groups, transactions and share groups.
const coordinatorTypes = 3

func (c *call) findCoordinator(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.FindCoordinatorRequest)
	res := kmsg.NewPtrFindCoordinatorResponse()
	code, message := kerr.CoordinatorNotAvailable.Code, "The coordinator is not available."
	if req.Version >= 4 {
		message = "" // as in Kafka
	}
	if req.CoordinatorType < 0 || req.CoordinatorType >= coordinatorTypes {
		code, message = kerr.InvalidRequest.Code, kerr.InvalidRequest.Description
	}
	if req.Version < 4 {
		res.ErrorCode, res.ErrorMessage = code, &message
		res.NodeID, res.Port = int32(base.NoNode), -1
		return res
	}
	for _, key := range req.CoordinatorKeys {
		k := kmsg.NewFindCoordinatorResponseCoordinator()
		k.Key, k.ErrorCode, k.ErrorMessage = key, code, &message
		k.NodeID, k.Port = int32(base.NoNode), -1
		res.Coordinators = append(res.Coordinators, k)
	}
	return res
}
