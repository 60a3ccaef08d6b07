package broker

import (
	"sync"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/wire"
	"github.com/gregor-log/gregor/replication/meta"
)

// Produce (API key 0): versions 3-13, advertised as 0-13 since old librdkafka takes a smaller range for a broker
// without compression (KAFKA-18659); 0-2 are refused when used. Version 7 brings zstd (KIP-110), 8 errors by record
// (KIP-467), 10 the current leader with NOT_LEADER_OR_FOLLOWER (KIP-951), 13 topics by id (KIP-516).
//
// The response is written while the request is walked, each partition's result as the success that it will be; what
// waits for acks remembers where its result lies and turns it into an error if it comes to that.

const (
	leastProduce = 3
	zstdProduce  = 7
)

// produce is one Produce request being served.
type produce struct {
	*call
	req     wire.ProduceRequest
	reply   wire.ProduceReply
	waiting *parkedProduce
	failed  bool
}

func (c *call) produce() {
	req, err := wire.ParseProduce(c.header.Version, c.body)
	if err != nil {
		c.reject(err)
		return
	}
	p := produce{call: c, req: req, reply: wire.NewProduceReply(c.header, req.Topics)}
	for {
		topic, ok := p.req.NextTopic()
		if !ok {
			break
		}
		p.topic(topic)
	}
	p.reply.End()
	p.answer()
}

// topic serves the partitions of one topic.
func (p *produce) topic(t wire.ProduceTopic) {
	p.reply.Topic(t)
	found := p.b.topics.byNameOrID(t.Name, t.ID)
	for {
		part, ok := p.req.NextPartition()
		if !ok {
			break
		}
		at, need, target := p.partition(t, found, part)
		if target != nil {
			p.await(target, at, need)
		}
	}
	p.reply.EndTopic()
}

// partition appends the records of one partition and writes its result. Where the result depends on acks still to come,
// it returns the partition and the offset up to which it must be committed.
func (p *produce) partition(t wire.ProduceTopic, found *topic, part wire.ProducePartition) (wire.ResultPosition,
	base.Offset, *partition) {
	result := wire.ProduceResult{
		Index: part.Index, Base: base.NoOffset, AppendTime: base.NoTimestamp, LogStart: base.NoOffset,
	}
	target, code := partitionFor(t, found, part.Index)
	if code != noCode {
		result.ErrorCode = code
		return p.refuse(result), 0, nil
	}
	need, err := p.append(target, part.Records, &result)
	if err != nil {
		result.ErrorCode = codeOf(err)
		result.Message = err.Error()
		return p.refuse(result), 0, nil
	}
	result.LogStart = target.log.Start()
	at := p.reply.Result(result)
	if p.req.Acks == 0 || target.highWatermark() >= need {
		return at, need, nil
	}
	return at, need, target
}

func (p *produce) refuse(r wire.ProduceResult) wire.ResultPosition {
	p.failed = true
	p.stats.fail(r.ErrorCode)
	return p.reply.Result(r)
}

// partitionFor finds the partition to append to, or the code to answer.
func partitionFor(t wire.ProduceTopic, found *topic, index int32) (*partition, int16) {
	if found == nil {
		if t.Name == nil {
			return nil, unknownTopicID
		}
		return nil, unknownTopic
	}
	target := found.partition(index)
	if target == nil {
		return nil, unknownTopic
	}
	return target, noCode
}

// append validates and appends one record set.
func (p *produce) append(target *partition, records []byte, result *wire.ProduceResult) (base.Offset, error) {
	b, err := batch.Produced(records)
	if err != nil {
		return 0, err
	}
	if err := p.admit(target, b); err != nil {
		return 0, err
	}
	appended, logAppendTime, err := p.write(target, b, result)
	if err != nil {
		result.LogStart = startToldWith(err, target)
		return 0, err
	}
	result.Base, result.AppendTime = appended.Base, logAppendTime
	if appended.Duplicate {
		result.AppendTime = appended.Timestamp
	}
	return appended.Last + 1, nil
}

// startToldWith returns the log's start, which a client is told with an error as well, but for those that say nothing
// about what the log holds (as in Kafka).
func startToldWith(err error, target *partition) base.Offset {
	switch codeOf(err) {
	case corruptMessage, messageTooLarge, recordListTooLarge, kafkaStorageError:
		return base.NoOffset
	}
	return target.log.Start()
}

// admit refuses what cannot be appended whatever the records are.
func (p *produce) admit(target *partition, b batch.Batch) error {
	switch {
	case b.Codec() == batch.Zstd && p.header.Version < zstdProduce:
		return coded(unsupportedCodec, "Produce version %d cannot carry zstd, expected at least %d",
			p.header.Version, zstdProduce)
	case b.Transactional() && p.req.TransactionalID == nil:
		return coded(transactionalIDDenied, "a transactional batch came without a transactional id")
	case b.Transactional():
		return coded(invalidProducerIDMapping, "transactional id %q is not known", p.req.TransactionalID)
	case p.req.Acks < -1 || p.req.Acks > 1:
		return coded(invalidRequiredAcks, "got acks %d, expected -1, 0 or 1", p.req.Acks)
	case meta.IsInternal(target.topic.name):
		return coded(invalidTopic, "topic %s is internal", target.topic.name)
	}
	if err := target.offline(); err != nil {
		return coded(kafkaStorageError, "%v", err)
	}
	return nil
}

// write validates a batch and puts it into the log. It returns the timestamp that the broker set as well.
func (p *produce) write(target *partition, b batch.Batch,
	result *wire.ProduceResult) (commitlog.Appended, int64, error) {
	target.mu.Lock()
	cfg, isr, replicas := target.mu.cfg, target.mu.isr, target.mu.replicas
	target.mu.Unlock()
	if least := min(int(cfg.MinInsyncReplicas), replicas); p.req.Acks == -1 && isr < least {
		err := coded(notEnoughReplicas, "got %d in-sync replicas, expected at least %d", isr, least)
		return commitlog.Appended{}, 0, err
	}
	verdict, err := batch.Validate(b, rulesOf(cfg, p.now.Wall))
	defer verdict.Release()
	if err != nil {
		for _, e := range verdict.RecordErrors {
			result.Records = append(result.Records, wire.RecordError{Index: e.Index, Message: e.Message})
		}
		return commitlog.Appended{}, 0, err
	}
	appended, err := target.append(p.b, p.now, verdict.Batch, p.out)
	return appended, verdict.LogAppendTime, err
}

// rulesOf returns what a topic demands of a batch.
func rulesOf(cfg config.Topic, wall int64) batch.Rules {
	r := batch.Rules{
		MaxBytes: int(cfg.MaxMessageBytes), Compacted: cfg.Compact, BeforeMaxMs: cfg.BeforeMaxMs,
		AfterMaxMs: cfg.AfterMaxMs, Now: wall, LogAppendTime: cfg.TimestampType == config.LogAppendTime,
	}
	if cfg.Validation == config.ValidateHeader {
		r.Level = batch.HeaderOnly
	}
	if cfg.Compression != config.Producer {
		r.Compression = batch.Compression{
			Recode: true, Codec: batch.Codec(cfg.Compression), Level: int(cfg.CompressionLevel),
		}
	}
	return r
}

// await makes the request wait for one partition's acks.
func (p *produce) await(target *partition, at wire.ResultPosition, need base.Offset) {
	if p.waiting == nil {
		p.waiting = &parkedProduce{conn: p.conn, seq: p.seq, stats: p.stats, reply: p.reply}
		p.waiting.mu.left = 1 // this request itself, until all of it is walked
	}
	p.waiting.add(p.b, p.now, target, at, need, p.out)
}

// answer ends the request: at once, or once all acks are there.
func (p *produce) answer() {
	switch {
	case p.req.Acks == 0:
		p.reply.Release()
		if p.failed {
			// The client asked for no response, so closing is all that tells it (as in Kafka).
			p.hangUp()
			return
		}
		p.conn.complete(p.seq, nil, p.out)
	case p.waiting == nil:
		p.conn.complete(p.seq, p.reply.Reply, p.out)
	default:
		p.waiting.park(p.b, p.now, p.req.TimeoutMs, p.out)
	}
}

// parkedProduce is a produce request that waits for acks.
type parkedProduce struct {
	timer timer
	conn  *Conn
	seq   uint64
	stats *apiStats
	reply wire.ProduceReply

	mu struct {
		sync.Mutex
		parts []ackPart
		left  int // parts without an outcome, and the request itself while it is walked
		over  bool
	}
}

// ackPart is one partition that the request waits for.
type ackPart struct {
	partition *partition
	at        wire.ResultPosition
	settled   bool
	code      int16
}

var (
	_ expirer   = (*parkedProduce)(nil)
	_ canceller = (*parkedProduce)(nil)
)

// add makes the operation wait for a partition.
func (op *parkedProduce) add(b *Broker, now base.Instant, p *partition, at wire.ResultPosition, need base.Offset,
	out *Effects) {
	op.mu.Lock()
	part := len(op.mu.parts)
	op.mu.parts = append(op.mu.parts, ackPart{partition: p, at: at})
	op.mu.left++
	op.mu.Unlock()
	if code, waits := p.awaitAck(op, part, need); !waits {
		op.settle(b, now, part, code, out)
		return
	}
	if p.offline() != nil {
		op.settle(b, now, part, kafkaStorageError, out)
	}
}

// settle notes the outcome of one part. The last one sends the reply.
func (op *parkedProduce) settle(b *Broker, _ base.Instant, part int, code int16, out *Effects) {
	op.mu.Lock()
	x := &op.mu.parts[part]
	if op.mu.over || x.settled {
		op.mu.Unlock()
		return
	}
	x.settled, x.code = true, code
	op.mu.left--
	last := op.mu.left == 0
	op.mu.over = last
	op.mu.Unlock()
	if last {
		op.send(b, out)
	}
}

// park ends the walk of the request: unless all acks are there already, it waits until its timeout.
func (op *parkedProduce) park(b *Broker, now base.Instant, timeoutMs int32, out *Effects) {
	op.conn.park(op.seq, op)
	b.timers.set(&op.timer, now.Mono.AddMillis(int64(timeoutMs)), op)
	op.mu.Lock()
	op.mu.left--
	over := op.mu.over // its time may have come meanwhile, or the end of its connection
	last := op.mu.left == 0 && !over
	op.mu.over = over || last
	op.mu.Unlock()
	switch {
	case last:
		op.send(b, out)
	case over:
		b.timers.stop(&op.timer)
		op.conn.unpark(op.seq)
	}
}

// send writes the errors among the outcomes into the reply and completes the request. Only whoever made the operation
// over calls it.
func (op *parkedProduce) send(b *Broker, out *Effects) {
	b.timers.stop(&op.timer)
	op.conn.unpark(op.seq)
	for _, part := range op.mu.parts {
		if part.code != noCode {
			op.stats.fail(part.code)
			op.reply.Fail(part.at, part.code)
		}
	}
	op.conn.complete(op.seq, op.reply.Reply, out)
}

// expire answers REQUEST_TIMED_OUT for the parts without an outcome; their records stay appended.
func (op *parkedProduce) expire(b *Broker, _ base.Instant, out *Effects) {
	if op.abandon(requestTimedOut) {
		op.send(b, out)
	}
}

// cancel drops the operation of a connection that is gone.
func (op *parkedProduce) cancel(b *Broker) {
	if op.abandon(requestTimedOut) {
		b.timers.stop(&op.timer)
		op.reply.Release()
	}
}

// abandon ends the wait with an error for what is still open. It reports false if the operation was over already.
func (op *parkedProduce) abandon(code int16) bool {
	op.mu.Lock()
	if op.mu.over {
		op.mu.Unlock()
		return false
	}
	op.mu.over = true
	parts := op.mu.parts
	for i := range parts {
		if !parts[i].settled {
			parts[i].settled, parts[i].code = true, code
		}
	}
	op.mu.Unlock()
	for i := range parts {
		parts[i].partition.dropAcks(op)
	}
	return true
}
