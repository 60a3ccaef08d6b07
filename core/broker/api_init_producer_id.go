package broker

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/replication/meta"
)

// InitProducerId (API key 22): versions 0-5. A producer without a transactional id gets a fresh id with epoch 0,
// always. Ids come from blocks of 1,000 that the controller hands out (KIP-730), so that no two are alike over
// restarts. Transactional ids are refused with COORDINATOR_NOT_AVAILABLE: there is no transaction coordinator.

// producerIDs hands out the ids of the broker's block.
type producerIDs struct {
	mu struct {
		sync.Mutex
		next, end base.ProducerID
		// waiting are the requests that came when the block was used up, and asking says that another was asked for.
		waiting []pending
		asking  bool
	}
}

func (c *call) initProducerID(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.InitProducerIDRequest)
	if (req.ProducerID == int64(base.NoProducerID)) != (req.ProducerEpoch == int16(base.NoProducerEpoch)) {
		return producerIDResponse(base.NoProducerID, kerr.InvalidRequest.Code) // one without the other
	}
	if req.TransactionalID != nil {
		code := kerr.CoordinatorNotAvailable.Code
		if *req.TransactionalID == "" {
			code = kerr.InvalidRequest.Code
		}
		return producerIDResponse(base.NoProducerID, code)
	}
	ids := &c.b.producers
	ids.mu.Lock()
	if ids.mu.next < ids.mu.end {
		id := ids.mu.next
		ids.mu.next++
		ids.mu.Unlock()
		return producerIDResponse(id, noCode)
	}
	ids.mu.waiting = append(ids.mu.waiting, c.pending())
	ask := !ids.mu.asking
	ids.mu.asking = true
	ids.mu.Unlock()
	if ask {
		c.b.askProducerIDs(c.now, c.out)
	}
	return nil
}

func producerIDResponse(id base.ProducerID, code int16) *kmsg.InitProducerIDResponse {
	res := kmsg.NewPtrInitProducerIDResponse()
	res.ProducerID, res.ProducerEpoch, res.ErrorCode = int64(id), 0, code
	if code != noCode {
		res.ProducerEpoch = int16(base.NoProducerEpoch)
	}
	return res
}

// askProducerIDs asks the controller for the next block and answers those who wait.
func (b *Broker) askProducerIDs(now base.Instant, out *Effects) {
	var block *meta.ProducerIDsRecord
	var refused *meta.Error
	b.change(now, out, func(do decider) {
		var decided meta.Batch
		decided, refused = do.Do(meta.AllocateProducerIDs{BrokerID: b.nodeID, BrokerEpoch: b.epoch})
		if refused == nil {
			block = decided.Records[0].(*meta.ProducerIDsRecord)
		}
	}, func(now base.Instant, err error, out *Effects) {
		if err == nil && refused != nil {
			err = refused
		}
		b.takeProducerIDs(now, block, err, out)
	})
}

func (b *Broker) takeProducerIDs(now base.Instant, block *meta.ProducerIDsRecord, err error, out *Effects) {
	ids := &b.producers
	ids.mu.Lock()
	ids.mu.asking = false
	code := noCode
	if err != nil {
		code, _ = codeAndMessage(err)
	} else {
		ids.mu.next, ids.mu.end = block.Block(), block.NextProducerID
	}
	waiting := ids.mu.waiting
	ids.mu.waiting = nil
	answers := make([]*kmsg.InitProducerIDResponse, 0, len(waiting))
	for range waiting {
		if err != nil {
			answers = append(answers, producerIDResponse(base.NoProducerID, code))
		} else if ids.mu.next < ids.mu.end {
			answers = append(answers, producerIDResponse(ids.mu.next, noCode))
			ids.mu.next++
		}
	}
	ids.mu.waiting = waiting[len(answers):]
	again := len(ids.mu.waiting) > 0
	ids.mu.asking = again
	ids.mu.Unlock()
	for i, answer := range answers {
		waiting[i].reply(answer, out)
	}
	if again {
		b.askProducerIDs(now, out)
	}
}
