package commitlog

import (
	"fmt"
	"slices"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
)

// dedupWindow is how many of its last batches a producer may send again without a duplicate: the largest
// max.in.flight.requests.per.connection with which clients keep idempotence.
const dedupWindow = 5

// batchEntry is what is remembered of one batch of a producer.
type batchEntry struct {
	lastSequence int32
	lastOffset   base.Offset
	offsetDelta  int32
	timestamp    int64
}

func (e *batchEntry) firstOffset() base.Offset {
	return e.lastOffset - base.Offset(e.offsetDelta)
}

func (e *batchEntry) firstSequence() int32 {
	return batch.AddSequence(e.lastSequence, -e.offsetDelta)
}

// producerEntry is the state of one producer id in one partition.
type producerEntry struct {
	epoch            base.ProducerEpoch
	coordinatorEpoch int32
	txnFirstOffset   base.Offset // base.NoOffset: no open transaction
	lastTimestamp    int64
	batches          [dedupWindow]batchEntry // oldest first
	count            int
}

func (e *producerEntry) last() *batchEntry {
	if e.count == 0 {
		return nil
	}
	return &e.batches[e.count-1]
}

func (e *producerEntry) add(b batchEntry) {
	if e.count == dedupWindow {
		copy(e.batches[:], e.batches[1:])
		e.count--
	}
	e.batches[e.count] = b
	e.count++
}

// duplicate returns the remembered batch that b repeats.
func (e *producerEntry) duplicate(b batch.Batch) *batchEntry {
	if b.ProducerEpoch() != e.epoch {
		return nil
	}
	first, last := b.BaseSequence(), b.LastSequence()
	for i := range e.count {
		if p := &e.batches[i]; p.firstSequence() == first && p.lastSequence == last {
			return p
		}
	}
	return nil
}

// producers is the idempotent producers' state of one log, kept as Kafka's ProducerStateManager keeps it: any first
// sequence of an unknown producer is accepted, since retention or DeleteRecords may have removed what came before.
type producers struct {
	byID map[base.ProducerID]*producerEntry
}

func newProducers() *producers {
	return &producers{byID: make(map[base.ProducerID]*producerEntry)}
}

// check judges b before it is appended. A batch that was appended before comes back as the entry of the first time.
func (p *producers) check(b batch.Batch) (*batchEntry, error) {
	id := b.ProducerID()
	if id <= base.NoProducerID {
		return nil, nil
	}
	epoch, next := base.NoProducerEpoch, int32(0)
	if e, ok := p.byID[id]; ok {
		if prior := e.duplicate(b); prior != nil {
			return prior, nil
		}
		epoch = e.epoch
		if last := e.last(); last != nil {
			next = batch.AddSequence(last.lastSequence, 1)
		}
	}
	if b.ProducerEpoch() < epoch {
		return nil, fmt.Errorf("%w: producer %d: got epoch %d, expected at least %d", ErrStaleProducerEpoch, id,
			b.ProducerEpoch(), epoch)
	}
	if b.Control() || epoch == base.NoProducerEpoch {
		return nil, nil
	}
	if b.ProducerEpoch() != epoch {
		next = 0
	}
	if first := b.BaseSequence(); first != next {
		return nil, fmt.Errorf("%w: producer %d in epoch %d: got sequence %d, expected %d", ErrOutOfOrderSequence, id,
			b.ProducerEpoch(), first, next)
	}
	return nil, nil
}

// update notes a batch that was appended, or that recovery read.
func (p *producers) update(b batch.Batch) {
	id := b.ProducerID()
	if id <= base.NoProducerID {
		return
	}
	e, ok := p.byID[id]
	if !ok {
		e = &producerEntry{epoch: b.ProducerEpoch(), coordinatorEpoch: -1, txnFirstOffset: base.NoOffset}
		p.byID[id] = e
	}
	if e.epoch != b.ProducerEpoch() {
		e.epoch, e.count = b.ProducerEpoch(), 0
	}
	e.lastTimestamp = b.MaxTimestamp()
	if b.Control() {
		return
	}
	e.add(batchEntry{
		lastSequence: b.LastSequence(), lastOffset: b.LastOffset(), offsetDelta: b.LastOffsetDelta(),
		timestamp: b.MaxTimestamp(),
	})
}

// expire forgets the producers whose last batch is at least age old, going by its timestamp as Kafka does. Those with
// an open transaction stay.
func (p *producers) expire(wall, age int64) {
	for id, e := range p.byID {
		if e.txnFirstOffset == base.NoOffset && wall-e.lastTimestamp >= age {
			delete(p.byID, id)
		}
	}
}

func (p *producers) ids() []base.ProducerID {
	ids := make([]base.ProducerID, 0, len(p.byID))
	for id := range p.byID {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// ProducerInfo is what DescribeProducers tells of one producer.
type ProducerInfo struct {
	ID               base.ProducerID
	Epoch            base.ProducerEpoch
	LastSequence     int32
	LastTimestamp    int64
	CoordinatorEpoch int32
	TxnFirstOffset   base.Offset
}

// Producers returns the log's producers in the order of their ids.
func (l *Log) Producers() []ProducerInfo {
	l.write.Lock()
	defer l.write.Unlock()
	ids := l.write.producers.ids()
	infos := make([]ProducerInfo, 0, len(ids))
	for _, id := range ids {
		e := l.write.producers.byID[id]
		info := ProducerInfo{
			ID: id, Epoch: e.epoch, LastSequence: base.NoSequence, LastTimestamp: e.lastTimestamp,
			CoordinatorEpoch: e.coordinatorEpoch, TxnFirstOffset: e.txnFirstOffset,
		}
		if last := e.last(); last != nil {
			info.LastSequence = last.lastSequence
		}
		infos = append(infos, info)
	}
	return infos
}

// ExpireProducers forgets producers that have been idle for producer.id.expiration.ms.
func (l *Log) ExpireProducers(wall int64) {
	age := l.config().ProducerExpirationMs
	if age <= 0 {
		return
	}
	l.write.Lock()
	defer l.write.Unlock()
	l.write.producers.expire(wall, age)
}
