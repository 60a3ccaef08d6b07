package workload

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/netsim/clock"
	"github.com/gregor-log/gregor/netsim/world"
)

// producer appends batches. What is not acknowledged it sends again, if it is idempotent or may send things twice: all
// of it, in its order, once it is connected again.
type producer struct {
	session
	plan ProducerPlan

	// open are the batches without an acknowledgement, oldest first; unsent is the first of them that this connection
	// has not sent.
	open   []*sending
	unsent int
	// flights are the requests in flight by Request.Tag, from firstFlight on.
	flights     [][]*sending
	firstFlight int64
	// lines are by partition number: who the producer is there, and how far it has come.
	lines   []line
	asking  bool // an InitProducerId request is pending; nothing is sent until it is answered
	builder batch.Builder
	request kmsg.ProduceRequest
	spare   [][]byte
	key     []byte
	value   []byte

	// last says that only what is open is to be finished, and then one batch more, which extra says was made.
	last, extra bool
}

// line is a producer's identity and place in one partition.
type line struct {
	id    base.ProducerID
	epoch base.ProducerEpoch
	next  int32
}

// sending is one append on its way.
type sending struct {
	id        world.AppendID
	partition *world.Partition
	bytes     []byte
	attempts  int
	start     clock.Time
	bad       bool
}

const (
	// smallestSegment is the smallest segment size that a topic gets, in bytes.
	smallestSegment = 4 << 10

	requestTimeout = 10 * time.Second
	ackTimeout     = 5 * time.Second
	connectTimeout = 3 * time.Second
)

func newProducer(r *run, plan ProducerPlan) *producer {
	p := &producer{plan: plan}
	p.session.init(r, p)
	p.lines = make([]line, len(r.w.Ledger().Topics())*8)
	for i := range p.lines {
		p.lines[i].id = base.NoProducerID
	}
	p.request = kmsg.NewProduceRequest()
	p.request.Acks, p.request.TimeoutMillis = plan.Acks, int32(ackTimeout/time.Millisecond)
	if plan.Codec == batch.Zstd {
		p.versions[kmsg.Produce] = max(p.versions[kmsg.Produce], 7) // KIP-110
	}
	p.versions.set(&p.request)
	return p
}

// Wake makes the next batch.
func (p *producer) Wake() {
	switch {
	case !p.ready():
	case p.last:
		if !p.extra && len(p.open) == 0 {
			p.extra = p.make()
		}
	case len(p.open) < p.plan.Open:
		p.make()
	}
	p.flush()
	p.wakeIn(clock.Exponential(p.rand, p.plan.Pause))
}

// finish has the producer come to an end.
func (p *producer) finish() {
	p.last = true
	p.plan.Pause = 10 * time.Millisecond
	p.wakeIn(0)
}

func (p *producer) finished() bool {
	return p.last && p.extra && len(p.open) == 0
}

// make builds a batch for a random partition. It reports false if there is none, or no producer id yet.
func (p *producer) make() bool {
	target := p.anyPartition()
	if target == nil {
		return false
	}
	l := p.line(target)
	if p.plan.Idempotent && l.id == base.NoProducerID {
		p.wantID()
		return false
	}
	count := int32(clock.Between(p.rand, 1, int64(p.plan.Records)))
	size := int32(clock.Below(p.rand, int64(p.plan.ValueSize)+1))
	if p.plan.Idempotent {
		// A batch larger than a segment is refused, and an idempotent producer could not go on after that.
		count = min(count, smallestSegment/2/(size+32))
	}
	s := &sending{partition: target, bad: p.plan.Bad > 0 && clock.Chance(p.rand, int64(p.plan.Bad), 1000)}
	a := world.Append{
		Partition: target.Index, Count: count, ValueSize: size, ProducerID: base.NoProducerID,
		Epoch: base.NoProducerEpoch, Sequence: base.NoSequence, Resends: p.resends() && !p.plan.Idempotent,
		Timestamp: p.wall() + int64(count) - 1,
	}
	if p.plan.Idempotent {
		a.ProducerID, a.Epoch, a.Sequence = l.id, l.epoch, l.next
		l.next += count
	}
	s.id = p.ledger().NewAppend(a)
	p.build(s)
	p.open = append(p.open, s)
	return true
}

// build makes the bytes of an append, as the ledger has it.
func (p *producer) build(s *sending) {
	a := p.ledger().Append(s.id)
	o := batch.NewOptions()
	o.Codec, o.ProducerID, o.ProducerEpoch, o.BaseSequence = p.plan.Codec, a.ProducerID, a.Epoch, a.Sequence
	p.builder.Reset(o)
	for i := range a.Count {
		p.key = world.AppendKey(p.key[:0], s.id, i)
		p.value = world.AppendValue(p.value[:0], s.id, i, a.ValueSize)
		p.builder.Append(a.Timestamp-int64(a.Count-1-i), p.key, p.value)
	}
	b, err := p.builder.Build()
	base.Assert(err == nil, "append %d cannot be built: %v", s.id, err)
	a.CRC = b.CRC()
	if n := len(p.spare); s.bytes == nil && n > 0 {
		s.bytes, p.spare = p.spare[n-1], p.spare[:n-1]
	}
	s.bytes = append(s.bytes[:0], b...)
	if s.bad {
		s.bytes[len(s.bytes)-1] ^= 1
	}
}

func (p *producer) resends() bool {
	return p.plan.Idempotent || p.run.plan.Resends && p.plan.Acks != 0
}

// wantID asks for a producer id, unless that is done already.
func (p *producer) wantID() {
	if p.asking || !p.connected() {
		return
	}
	p.asking = true
	req := kmsg.NewInitProducerIDRequest()
	p.versions.set(&req)
	p.ask(&req, -1)
}

// line returns the producer's line in a partition. It is one for all of a topic's partitions until something is lost
// there.
func (p *producer) line(t *world.Partition) *line {
	for int(t.Index) >= len(p.lines) {
		p.lines = append(p.lines, line{id: base.NoProducerID})
	}
	return &p.lines[t.Index]
}

// flush sends what is not sent, as much as may be in flight.
func (p *producer) flush() {
	for p.connected() && !p.asking && p.unsent < len(p.open) && len(p.flights) < p.plan.InFlight {
		p.send()
	}
}

// send sends one request with the next batches, of different partitions.
func (p *producer) send() {
	most := int(clock.Between(p.rand, 1, 4))
	var flight []*sending
	topics := p.request.Topics[:0]
	for p.unsent < len(p.open) && len(flight) < most {
		s := p.open[p.unsent]
		if !addBatch(&topics, s, p.request.Version) {
			break
		}
		flight = append(flight, s)
		p.unsent++
		if s.attempts == 0 {
			s.start = p.now()
		}
		s.attempts++
		p.ledger().Sent(s.id)
	}
	p.request.Topics = topics
	if p.plan.Acks == 0 {
		p.client.Ask(0, &p.request, 0, requestTimeout, false)
		for _, s := range flight {
			p.over(s, unknown, base.NoOffset)
		}
		return
	}
	tag := p.firstFlight + int64(len(p.flights))
	p.flights = append(p.flights, flight)
	p.ask(&p.request, tag)
}

// addBatch adds a batch to the topics of a request. It reports false if its partition is there already.
func addBatch(topics *[]kmsg.ProduceRequestTopic, s *sending, version int16) bool {
	part := kmsg.NewProduceRequestTopicPartition()
	part.Partition, part.Records = s.partition.Partition, s.bytes
	for i := range *topics {
		t := &(*topics)[i]
		if t.Topic != s.partition.TopicPartition.Topic {
			continue
		}
		for j := range t.Partitions {
			if t.Partitions[j].Partition == part.Partition {
				return false
			}
		}
		t.Partitions = append(t.Partitions, part)
		return true
	}
	t := kmsg.NewProduceRequestTopic()
	t.Topic, t.TopicID = s.partition.TopicPartition.Topic, s.partition.Topic.ID
	t.Partitions = append(t.Partitions, part)
	*topics = append(*topics, t)
	return true
}

// Connected begins anew with all that is open.
func (p *producer) Connected(int) {
	p.unsent = 0
	if p.plan.Idempotent && slices.ContainsFunc(p.lines, func(l line) bool { return l.id == base.NoProducerID }) {
		p.wantID()
	}
	p.flush()
}

// Lost takes note of a request without an answer.
func (p *producer) Lost(r *world.Request) {
	if r.Key == int16(kmsg.InitProducerID) {
		p.asking = false
	}
}

// Disconnected gives up what will not be sent again.
func (p *producer) Disconnected(int) {
	flights := p.flights
	p.firstFlight += int64(len(flights))
	p.flights = nil
	p.unsent = 0
	if !p.resends() {
		for _, flight := range flights {
			for _, s := range flight {
				if p.isOpen(s) {
					p.over(s, unknown, base.NoOffset)
				}
			}
		}
	}
	p.session.reconnect()
}

func (p *producer) isOpen(s *sending) bool {
	return slices.Contains(p.open, s)
}

// Answered takes an answer.
func (p *producer) Answered(r *world.Request, res kmsg.Response) {
	switch res := res.(type) {
	case *kmsg.ProduceResponse:
		p.produced(r, res)
	case *kmsg.InitProducerIDResponse:
		p.named(res)
	}
	p.flush()
}

// named takes a producer id: all lines without one share it.
func (p *producer) named(res *kmsg.InitProducerIDResponse) {
	p.asking = false
	if res.ErrorCode != 0 {
		return
	}
	id := base.ProducerID(res.ProducerID)
	p.ledger().Producer(id)
	for i := range p.lines {
		if l := &p.lines[i]; l.id == base.NoProducerID {
			l.id, l.epoch, l.next = id, base.ProducerEpoch(res.ProducerEpoch), 0
			p.rename(l)
		}
	}
}

// rename gives the open batches of a line new sequence numbers under its new id: the broker has refused the old ones,
// so that none of them is in the log.
func (p *producer) rename(l *line) {
	for _, s := range p.open {
		if p.line(s.partition) != l {
			continue
		}
		a := p.ledger().Append(s.id)
		if a.ProducerID == l.id {
			continue
		}
		a.ProducerID, a.Epoch, a.Sequence = l.id, l.epoch, l.next
		l.next += a.Count
		p.build(s)
	}
}

// produced takes the answer to a produce request.
func (p *producer) produced(r *world.Request, res *kmsg.ProduceResponse) {
	flight := p.flights[0]
	p.flights = p.flights[1:]
	p.firstFlight++
	again := false
	for i := range res.Topics {
		t := &res.Topics[i]
		for j := range t.Partitions {
			part := &t.Partitions[j]
			s := p.answered(flight, t, part.Partition)
			if s == nil {
				p.run.w.Violate("wrong-answer",
					"%s: a produce response names partition %d of %q, which was not asked for",
					p.client.Name(), part.Partition, t.Topic)
				return
			}
			again = p.settle(r, s, part.ErrorCode, base.Offset(part.BaseOffset)) || again
		}
	}
	if again {
		p.client.Disconnect(0) // all that is open is sent again, in its order
	}
}

// answered finds the batch that a part of an answer is about.
func (p *producer) answered(flight []*sending, t *kmsg.ProduceResponseTopic, partition int32) *sending {
	for _, s := range flight {
		named := s.partition.TopicPartition.Topic == t.Topic || t.Topic == "" && s.partition.Topic.ID == t.TopicID
		if named && s.partition.Partition == partition {
			return s
		}
	}
	return nil
}

// settle takes the outcome of one batch. It reports true if it is to be sent again.
func (p *producer) settle(r *world.Request, s *sending, code int16, at base.Offset) bool {
	if !p.isOpen(s) {
		return false
	}
	if code == 0 {
		if s.bad {
			p.run.w.Violate("bad-batch-accepted", "%s: append %d was sent with a wrong CRC and accepted at offset %d",
				p.client.Name(), s.id, at)
		}
		p.ledger().Acked(s.id, at, r.Fence)
		p.over(s, acked, at)
		return false
	}
	switch code {
	case kerr.UnknownTopicOrPartition.Code, kerr.UnknownTopicID.Code:
		if !s.partition.Topic.Doomed() {
			p.run.w.Violate("lost-topic", "%s: %v is there and answers %d", p.client.Name(), s.partition, code)
		}
		p.over(s, unknown, base.NoOffset)
	case kerr.CorruptMessage.Code, kerr.InvalidTimestamp.Code, kerr.RecordListTooLarge.Code:
		if code == kerr.CorruptMessage.Code && !s.bad {
			p.run.w.Violate("refused", "%s: append %d is whole and answered CORRUPT_MESSAGE", p.client.Name(), s.id)
		}
		p.refused(s)
	case kerr.OutOfOrderSequenceNumber.Code:
		return p.outOfOrder(s)
	default: // REQUEST_TIMED_OUT, KAFKA_STORAGE_ERROR: nobody knows
		if p.resends() {
			return true
		}
		p.over(s, unknown, base.NoOffset)
	}
	return false
}

// refused takes note of a batch that the broker will not have. Another try may have got through before.
func (p *producer) refused(s *sending) {
	if s.attempts > 1 {
		p.over(s, unknown, base.NoOffset)
		return
	}
	p.ledger().Failed(s.id)
	p.over(s, failed, base.NoOffset)
}

// outOfOrder answers OUT_OF_ORDER_SEQUENCE_NUMBER. Either something that was acknowledged before is gone, where a fault
// may take it: then the line begins again under another id, and it reports true. Or the batch is in the log, and the
// broker has forgotten it for what it is: then the producer gives it up.
func (p *producer) outOfOrder(s *sending) bool {
	l, a := p.line(s.partition), p.ledger().Append(s.id)
	if p.ledger().Forgotten(s.id) {
		p.over(s, unknown, base.NoOffset)
		return false
	}
	if !p.ledger().Lossy() && !s.partition.Topic.Doomed() {
		p.run.w.Violate("out-of-order",
			"%s: append %d with sequence %d of producer %d for %v is out of order, and nothing "+
				"may be lost", p.client.Name(), s.id, a.Sequence, a.ProducerID, s.partition)
	}
	l.id = base.NoProducerID
	return true
}

// over ends a batch.
func (p *producer) over(s *sending, o outcome, at base.Offset) {
	for i, other := range p.open {
		if other == s {
			p.open = append(p.open[:i], p.open[i+1:]...)
			if i < p.unsent {
				p.unsent--
			}
			break
		}
	}
	p.run.record.append(p, s, o, at)
	p.spare = append(p.spare, s.bytes)
	s.bytes = nil
}
