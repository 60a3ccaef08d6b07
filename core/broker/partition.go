package broker

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/config"
)

// partition is one partition of which this broker holds a replica.
type partition struct {
	tp    base.TopicPartition
	topic *topic
	// place is the log directory that the partition is in. A move changes it.
	place atomic.Pointer[logDir]

	// log is nil where the partition could not be opened; failure says why.
	log     *commitlog.Log
	failure error

	mu struct {
		sync.Mutex
		cfg         config.Topic
		leader      base.NodeID
		leaderEpoch base.LeaderEpoch
		isr         int // number of in-sync replicas
		replicas    int // number of replicas
		// highWatermark is the offset below which everything is committed. It never goes back while the partition is
		// open.
		highWatermark base.Offset
		// fetches wait for the high watermark to move, acks for an offset to be committed, in order of need.
		fetches []*fetchWait
		acks    []ackWait
		gone    bool // the topic was deleted
		// move is the move to another log directory that is under way, or nil.
		move *replicaMove
		// coordinator is that of the groups that live here, if the topic is __consumer_offsets.
		coordinator *shard
	}
}

// settler is what waits for acks: a produce request, or a group coordinator's write.
type settler interface {
	// settle notes the outcome of one part: 0 once it is committed, or the code to answer. No lock of a partition is
	// held.
	settle(b *Broker, now base.Instant, part int, code int16, out *Effects)
}

// ackWait is a wait for one partition.
type ackWait struct {
	op settler
	// need is the offset up to which, exclusive, the log must be committed.
	need base.Offset
	part int // index into the operation's parts, where it has several
}

// offline returns why the partition cannot serve, or nil.
func (p *partition) offline() error {
	if p.failure != nil {
		return p.failure
	}
	if err := p.place.Load().failed(); err != nil {
		return err
	}
	return p.log.Failure()
}

// config returns the topic's configuration.
func (p *partition) config() config.Topic {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mu.cfg
}

// checkEpoch compares the leader epoch that a client believes in with the partition's (KIP-320). A partition whose
// topic was deleted while the client waited is unknown.
func (p *partition) checkEpoch(claimed base.LeaderEpoch) (leaderEpoch base.LeaderEpoch, code int16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.mu.gone:
		return base.NoEpoch, unknownTopic
	case claimed == base.NoEpoch || claimed == p.mu.leaderEpoch:
		return p.mu.leaderEpoch, 0
	case claimed < p.mu.leaderEpoch:
		return p.mu.leaderEpoch, fencedLeaderEpoch
	}
	return p.mu.leaderEpoch, unknownLeaderEpoch
}

// deleted reports that the partition's topic was deleted.
func (p *partition) deleted() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mu.gone
}

// coordinator returns the coordinator of the groups that live in the partition, or nil.
func (p *partition) coordinator() *shard {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mu.coordinator
}

// highWatermark returns the offset below which everything is committed.
func (p *partition) highWatermark() base.Offset {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mu.highWatermark
}

// append validates nothing: it puts a validated batch into the log as the leader and lets everything that waits for it
// go on.
func (p *partition) append(b *Broker, now base.Instant, v batch.Batch, out *Effects) (commitlog.Appended, error) {
	p.mu.Lock()
	epoch := p.mu.leaderEpoch
	p.mu.Unlock()
	appended, err := p.log.Append(v, epoch, now.Wall)
	if err != nil && p.deleted() {
		return appended, coded(unknownTopic, "the topic of %s was deleted", p.tp)
	}
	if err != nil {
		if errors.Is(err, commitlog.ErrOffline) {
			p.fail(b, now, err, out)
		}
		return appended, err
	}
	if appended.NeedsSync || appended.Rolled {
		p.sync(out)
	}
	p.advance(b, now, out)
	return appended, nil
}

// sync asks for a sync of the log, unless one is under way: what was appended meanwhile shares the next.
func (p *partition) sync(out *Effects) {
	if job, ok := p.log.BeginSync(); ok {
		out.task(&syncTask{partition: p, job: job, from: p.log.Synced()})
	}
}

// advance moves the high watermark as far as the log allows and wakes what waits for it.
func (p *partition) advance(b *Broker, now base.Instant, out *Effects) {
	p.mu.Lock()
	to := p.log.Committable()
	moved := to > p.mu.highWatermark
	if moved {
		p.mu.highWatermark = to
	}
	acked := p.takeAcksLocked()
	var woken []*fetchWait
	if moved && len(p.mu.fetches) > 0 {
		woken = slices.Clone(p.mu.fetches)
	}
	p.mu.Unlock()
	for _, a := range acked {
		a.op.settle(b, now, a.part, noCode, out)
	}
	for _, w := range woken {
		w.wake(b, now, to, out)
	}
}

// takeAcksLocked removes the waits that are over.
func (p *partition) takeAcksLocked() []ackWait {
	n := 0
	for n < len(p.mu.acks) && p.mu.acks[n].need <= p.mu.highWatermark {
		n++
	}
	if n == 0 {
		return nil
	}
	done := slices.Clone(p.mu.acks[:n])
	p.mu.acks = slices.Delete(p.mu.acks, 0, n)
	return done
}

// awaitAck notes that op waits until the log is committed up to need. It reports false, and the outcome,
// if there is nothing to wait for: it is committed already, or never will be.
func (p *partition) awaitAck(op settler, part int, need base.Offset) (code int16, waits bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case need <= p.mu.highWatermark:
		return noCode, false
	case p.mu.gone:
		return unknownTopic, false // as release told those that came before the deletion
	}
	i := len(p.mu.acks)
	for i > 0 && p.mu.acks[i-1].need > need {
		i--
	}
	p.mu.acks = slices.Insert(p.mu.acks, i, ackWait{op: op, need: need, part: part})
	return noCode, true
}

// dropAcks removes the waits of an operation that is over.
func (p *partition) dropAcks(op settler) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.acks = slices.DeleteFunc(p.mu.acks, func(a ackWait) bool { return a.op == op })
}

// fail answers everything that waits for a partition that went out of service.
func (p *partition) fail(b *Broker, now base.Instant, cause error, out *Effects) {
	b.storage.Error("partition is offline", "partition", p.tp.String(), "cause", cause.Error())
	p.release(b, now, kafkaStorageError, out)
	b.failDir(now, p.place.Load(), cause, out)
}

// release answers everything that waits on the partition with an error.
func (p *partition) release(b *Broker, now base.Instant, code int16, out *Effects) {
	p.mu.Lock()
	acks := p.mu.acks
	fetches := slices.Clone(p.mu.fetches)
	p.mu.acks = nil
	p.mu.Unlock()
	for _, a := range acks {
		a.op.settle(b, now, a.part, code, out)
	}
	for _, w := range fetches {
		w.op.finish(b, now, out)
	}
	if s := p.coordinator(); s != nil {
		s.end(b, now, out)
	}
}

// syncTask makes a partition's log durable.
type syncTask struct {
	partition *partition
	job       *commitlog.SyncJob
	from      base.Offset // below which the log was durable before
}

var _ Task = (*syncTask)(nil)

// Run syncs the files.
func (t *syncTask) Run() {
	// The job keeps its error for EndSync.
	_ = t.job.Run()
}

// Urgent reports that acknowledgements wait for syncs.
func (t *syncTask) Urgent() bool {
	return true
}

func (t *syncTask) done(b *Broker, now base.Instant, out *Effects) {
	p := t.partition
	synced, err := p.log.EndSync(t.job)
	if err != nil {
		if p.deleted() {
			return // its files went away under the sync
		}
		p.fail(b, now, err, out)
		return
	}
	b.stats.synced.Observe(int64(synced - t.from))
	if p.log.SyncWanted() {
		p.sync(out)
	}
	p.advance(b, now, out)
	if s := p.coordinator(); s != nil {
		s.synced(b, now, out)
	}
}
