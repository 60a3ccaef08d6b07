package broker

import (
	"slices"
	"sync"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/wire"
)

// Fetch (API key 1): versions 4-18. Sessions from 7 (KIP-227), leader epoch fencing from 9 (KIP-320), zstd from 10
// (KIP-110), truncation by the epoch of the last fetched record from 12 (KIP-595), topics by id from 13 (KIP-516).
//
// A fetch is read once; if what it found is less than min.bytes, it waits on each of its partitions until their high
// watermarks have moved far enough or max.wait is over, and is then read again. Nothing is polled: an append wakes the
// fetches that wait on its partition, and only looks at that one partition.

// fetchItem is one partition of a fetch.
type fetchItem struct {
	sessionKey
	partition    *partition // nil if there is none
	code         int16      // why not, or what else is wrong with the request
	leaderEpoch  base.LeaderEpoch
	fetchedEpoch base.LeaderEpoch
	offset       base.Offset
	maxBytes     int64
}

// fetchOp is one Fetch request being served.
type fetchOp struct {
	timer  timer
	conn   *Conn
	seq    uint64
	header wire.RequestHeader
	stats  *apiStats

	session   fetchContext
	items     []fetchItem
	results   []wire.FetchResult
	included  []int // the items that the response tells, kept for its room
	minBytes  int64
	maxBytes  int64
	maxWaitMs int32
	committed bool // isolation level read_committed

	waits []fetchWait
	mu    struct {
		sync.Mutex
		over bool
		// available is the sum of what the partitions have, as far as the waits have seen it.
		available int64
	}
}

var (
	_ expirer   = (*fetchOp)(nil)
	_ canceller = (*fetchOp)(nil)
)

// fetchWait is a fetch's wait on one partition.
type fetchWait struct {
	op   *fetchOp
	item int
	// seen is the partition's high watermark when it was read.
	seen base.Offset
	// counted is what the partition adds to the operation's sum.
	counted int64
}

var fetchOps = sync.Pool{New: func() any { return new(fetchOp) }}

var fetchRequests = sync.Pool{New: func() any { return new(wire.FetchRequest) }}

func (c *call) fetch() {
	req := fetchRequests.Get().(*wire.FetchRequest)
	defer fetchRequests.Put(req)
	if err := req.Parse(c.header.Version, c.body); err != nil {
		c.reject(err)
		return
	}
	op := fetchOps.Get().(*fetchOp)
	limit := min(int64(req.MaxBytes), int64(c.b.config().FetchMaxBytes))
	*op = fetchOp{
		conn: c.conn, seq: c.seq, header: c.header, stats: c.stats, items: op.items[:0], results: op.results[:0],
		included: op.included[:0],
		maxBytes: max(limit, 0), minBytes: min(int64(req.MinBytes), limit), maxWaitMs: req.MaxWaitMs,
		committed: req.ReadCommitted,
	}
	op.header.ClientID = nil // it points into the frame, which is only lent
	code := c.b.sessions.begin(c.b, c.now, req, op)
	if code != noCode {
		op.refuse(code, c.out)
		return
	}
	if req.Replica >= 0 {
		op.failAll(notLeader)
	}
	if op.read(c.b) || len(op.items) == 0 || req.MaxWaitMs <= 0 {
		op.reply(c.b, c.now, c.out)
		clear(op.items)
		fetchOps.Put(op)
		return
	}
	op.park(c.b, c.now, c.out)
}

// refuse answers an error of the whole request: of its session.
func (op *fetchOp) refuse(code int16, out *Effects) {
	op.stats.fail(code)
	reply := wire.NewFetchReply(op.header, code, 0, 0)
	reply.End()
	op.conn.complete(op.seq, reply.Reply, out)
}

// failAll makes all partitions that exist answer an error.
func (op *fetchOp) failAll(code int16) {
	for i := range op.items {
		if op.items[i].partition != nil {
			op.items[i].code = code
		}
	}
}

// read reads every partition in order into results, within the request's limits. It reports whether the request need
// not wait: enough was found, or something that the client must know.
func (op *fetchOp) read(b *Broker) bool {
	op.results = op.results[:0]
	left, atLeastOne := op.maxBytes, true
	var found int64
	urgent := false
	for i := range op.items {
		r := op.readOne(&op.items[i], left, atLeastOne)
		if n := r.Records.Length; n > 0 {
			atLeastOne = false
			left = max(left-n, 0)
			found += n
		}
		urgent = urgent || r.ErrorCode != noCode || r.HasDiverging
		op.results = append(op.results, r)
	}
	return urgent || found >= op.minBytes
}

// readOne reads one partition.
func (op *fetchOp) readOne(item *fetchItem, left int64, atLeastOne bool) wire.FetchResult {
	r := wire.FetchResult{
		Index: item.index, ErrorCode: item.code, HighWatermark: base.NoOffset, LastStable: base.NoOffset,
		LogStart: base.NoOffset, ReadCommitted: op.committed || item.partition == nil,
	}
	p := item.partition
	if r.ErrorCode == notLeader {
		leaderEpoch, _ := p.checkEpoch(base.NoEpoch)
		r.HasLeader, r.Leader, r.LeaderEpoch = true, p.leaderID(), leaderEpoch
	}
	if r.ErrorCode != noCode {
		return r
	}
	if p.offline() != nil {
		r.ErrorCode = kafkaStorageError
		return r
	}
	leaderEpoch, code := p.checkEpoch(item.leaderEpoch)
	if code != noCode {
		r.ErrorCode = code
		if code == fencedLeaderEpoch {
			r.HasLeader, r.Leader, r.LeaderEpoch = true, p.leaderID(), leaderEpoch
		}
		return r
	}
	if op.diverges(item, &r) {
		return r
	}
	high := p.highWatermark()
	found, err := p.log.Read(item.offset, min(item.maxBytes, left), high, atLeastOne)
	if err != nil {
		r.ErrorCode = codeOf(err)
		return r
	}
	r.HighWatermark, r.LastStable, r.LogStart = high, high, p.log.Start()
	if found.Span.Length < found.FirstBatch {
		// Not one whole batch fits what is left of the request's limit; an empty set is what clients can go on from.
		found.Span.Release()
		found.Span = wire.Span{}
	}
	r.Records = found.Span
	return r
}

// diverges tells a client that fetched records of an epoch which ended earlier here (KIP-595).
func (op *fetchOp) diverges(item *fetchItem, r *wire.FetchResult) bool {
	if item.fetchedEpoch == base.NoEpoch {
		return false
	}
	epoch, end := item.partition.log.EndOffsetForEpoch(item.fetchedEpoch)
	if epoch == base.NoEpoch {
		r.ErrorCode = offsetOutOfRange
		return true
	}
	if epoch < item.fetchedEpoch || end < item.offset {
		high := item.partition.highWatermark()
		r.HighWatermark, r.LastStable, r.LogStart = high, high, item.partition.log.Start()
		r.HasDiverging, r.DivergingEpoch, r.DivergingEnd = true, epoch, end
		return true
	}
	return false
}

// reply sends what was read.
func (op *fetchOp) reply(b *Broker, now base.Instant, out *Effects) {
	included := op.session.commit(b, now, op)
	topics := 0
	op.eachTopic(included, func([]int) { topics++ })
	reply := wire.NewFetchReply(op.header, noCode, op.session.id(), topics)
	op.eachTopic(included, func(run []int) {
		first := &op.items[run[0]]
		reply.Topic([]byte(first.name), first.id, len(run))
		for _, i := range run {
			reply.Result(op.results[i])
		}
		reply.EndTopic()
	})
	reply.End()
	for i := range op.results {
		op.stats.fail(op.results[i].ErrorCode)
		op.results[i].Records = wire.Span{} // the reply owns them now
	}
	op.conn.complete(op.seq, reply.Reply, out)
}

// eachTopic visits the runs of included items that belong to one topic.
func (op *fetchOp) eachTopic(included []int, visit func(run []int)) {
	for len(included) > 0 {
		n := 1
		for n < len(included) && op.items[included[n]].sameTopic(op.items[included[0]].sessionKey) {
			n++
		}
		visit(included[:n])
		included = included[n:]
	}
}

// park makes the request wait. What was read so far is given up: it is read anew when there is enough.
func (op *fetchOp) park(b *Broker, now base.Instant, out *Effects) {
	op.waits = make([]fetchWait, len(op.items))
	for i := range op.results {
		n := op.results[i].Records.Length
		op.waits[i] = fetchWait{op: op, item: i, seen: op.results[i].HighWatermark, counted: n}
		op.mu.available += n
		op.results[i].Records.Release()
	}
	// From here on others may end the operation and use its results; the waits stay as they are.
	op.conn.park(op.seq, op)
	b.timers.set(&op.timer, now.Mono.AddMillis(int64(op.maxWaitMs)), op)
	missed := false
	for i := range op.waits {
		if !op.items[i].partition.watch(&op.waits[i]) {
			missed = true
		}
	}
	if missed {
		op.finish(b, now, out)
	}
	op.mu.Lock()
	over := op.mu.over
	op.mu.Unlock()
	if over {
		op.unwatchAll() // whoever ended it may have come before the last watch, or before the timer
		b.timers.stop(&op.timer)
		op.conn.unpark(op.seq)
	}
}

func (op *fetchOp) unwatchAll() {
	for i := range op.waits {
		op.items[i].partition.unwatch(&op.waits[i])
	}
}

// watch makes w wait on the partition, and reports false if its high watermark has moved already.
func (p *partition) watch(w *fetchWait) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.fetches = append(p.mu.fetches, w)
	return p.mu.highWatermark == w.seen && !p.mu.gone
}

func (p *partition) unwatch(w *fetchWait) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.mu.fetches, w); i >= 0 {
		p.mu.fetches = slices.Delete(p.mu.fetches, i, i+1)
	}
}

// wake says that a partition's high watermark has moved. The operation ends once it has enough.
func (w *fetchWait) wake(b *Broker, now base.Instant, high base.Offset, out *Effects) {
	op := w.op
	if op.minBytes > 1 {
		item := &op.items[w.item]
		found, err := item.partition.log.Read(item.offset, item.maxBytes, high, false)
		found.Span.Release()
		if err == nil {
			op.mu.Lock()
			op.mu.available += found.Span.Length - w.counted
			w.counted = found.Span.Length
			enough := op.mu.available >= op.minBytes
			op.mu.Unlock()
			if !enough {
				return
			}
		}
	}
	op.finish(b, now, out)
}

// finish ends the wait, reads again and replies.
func (op *fetchOp) finish(b *Broker, now base.Instant, out *Effects) {
	if !op.claim() {
		return
	}
	b.timers.stop(&op.timer)
	op.conn.unpark(op.seq)
	op.read(b)
	op.reply(b, now, out)
}

// claim makes the caller the one who ends the operation.
func (op *fetchOp) claim() bool {
	op.mu.Lock()
	over := op.mu.over
	op.mu.over = true
	op.mu.Unlock()
	if over {
		return false
	}
	op.unwatchAll()
	return true
}

// expire ends the wait at max.wait.
func (op *fetchOp) expire(b *Broker, now base.Instant, out *Effects) {
	op.finish(b, now, out)
}

// cancel drops the operation of a connection that is gone.
func (op *fetchOp) cancel(b *Broker) {
	if op.claim() {
		b.timers.stop(&op.timer)
	}
}
