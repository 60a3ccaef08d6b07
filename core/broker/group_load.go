package broker

import (
	"fmt"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/group"
)

// loadChunk is how many bytes of a log are read at a time.
const loadChunk = 1 << 20

// begin has the coordinator read its log. Until that is done, clients are told COORDINATOR_LOAD_IN_PROGRESS.
func (s *shard) begin(b *Broker, now base.Instant, out *Effects) {
	p := s.partition
	p.mu.Lock()
	p.mu.coordinator = s
	p.mu.Unlock()
	if p.offline() != nil {
		s.end(b, now, out)
		return
	}
	t := &loadTask{shard: s, log: p.log, machine: b.newMachine(p), upTo: p.log.End()}
	if p.log.Start() == t.upTo {
		t.done(b, now, out)
		return
	}
	out.task(t)
}

// loadTask reads the log of a coordinator into a machine.
type loadTask struct {
	shard   *shard
	log     *commitlog.Log
	machine *group.Coordinator
	upTo    base.Offset
	// bytes and records are what was read.
	bytes, records int64
	// transactions holds the records of transactions whose markers were not met yet, and plain, while there are any,
	// where the last other record of each key stands.
	transactions map[base.ProducerID][]pendingRecord
	plain        map[string]base.Offset
	// live is the size of what the machine holds.
	live int64
	err  error
}

// pendingRecord is a record of a transaction.
type pendingRecord struct {
	group.Record
	offset base.Offset
}

var _ Task = (*loadTask)(nil)

// Run reads the log.
func (t *loadTask) Run() {
	t.transactions, t.plain = make(map[base.ProducerID][]pendingRecord), make(map[string]base.Offset)
	buffer := make([]byte, 0, loadChunk)
	for next := t.log.Start(); next < t.upTo && t.err == nil; {
		next, buffer, t.err = t.chunk(next, buffer)
	}
	if t.err == nil {
		t.machine.Snapshot(func(r group.Record) { t.live += int64(len(r.Key) + len(r.Value)) })
	}
}

// Urgent reports that clients wait for their coordinator.
func (t *loadTask) Urgent() bool {
	return true
}

// chunk loads some batches from offset on and returns where to go on, and the buffer to use again.
func (t *loadTask) chunk(offset base.Offset, buffer []byte) (base.Offset, []byte, error) {
	found, err := t.log.Read(offset, loadChunk, t.upTo, true)
	if err != nil {
		return 0, buffer, err
	}
	defer found.Span.Release()
	if int64(cap(buffer)) < found.Span.Length {
		buffer = make([]byte, found.Span.Length)
	}
	rest := buffer[:found.Span.Length]
	if n, err := found.Span.File.ReadAt(rest, found.Span.Offset); n < len(rest) {
		return 0, buffer, fmt.Errorf("offset %d: %w", offset, err)
	}
	next := offset
	for int64(len(rest)) > 0 {
		v, more, err := batch.Parse(rest)
		if err != nil && next > offset {
			break // the last one is cut
		}
		if err == nil {
			err = v.CheckCRC()
		}
		if err == nil {
			err = t.load(v)
		}
		if err != nil {
			return 0, buffer, fmt.Errorf("offset %d: %w", next, err)
		}
		next, rest = v.NextOffset(), more
		t.bytes += int64(len(v))
	}
	if next == offset {
		return 0, buffer, fmt.Errorf("%w: got nothing at offset %d, expected records up to %d",
			commitlog.ErrCorruptLog, offset, t.upTo)
	}
	return next, buffer, nil
}

// load loads one batch. The records of a transaction count once its commit marker is met.
func (t *loadTask) load(v batch.Batch) error {
	if v.Control() {
		return t.endTransaction(v)
	}
	it := v.Records(batch.DefaultMaxInflated)
	defer it.Close()
	start := t.log.Start()
	for it.Next() {
		r := it.Record()
		if r.Offset < start {
			continue // deleted by DeleteRecords in the middle of a batch
		}
		t.records++
		if v.Transactional() {
			copied := pendingRecord{Record: group.Record{Key: append([]byte(nil), r.Key...)}, offset: r.Offset}
			if r.Value != nil {
				copied.Value = append([]byte{}, r.Value...)
			}
			t.transactions[v.ProducerID()] = append(t.transactions[v.ProducerID()], copied)
			continue
		}
		if err := t.machine.Load(r.Key, r.Value); err != nil {
			return err
		}
		if len(t.transactions) > 0 {
			t.plain[string(r.Key)] = r.Offset
		}
	}
	return it.Err()
}

// endTransaction takes up or drops what a producer wrote, as its marker says. A record that another of its key has
// followed meanwhile is dropped too: the one that stands later in the log counts.
func (t *loadTask) endTransaction(v batch.Batch) error {
	records := t.transactions[v.ProducerID()]
	delete(t.transactions, v.ProducerID())
	it := v.Records(batch.DefaultMaxInflated)
	defer it.Close()
	for it.Next() {
		kind, err := it.Record().ControlType()
		if err != nil {
			return err
		}
		if kind != batch.ControlCommit {
			return nil
		}
	}
	for _, r := range records {
		if later, ok := t.plain[string(r.Key)]; ok && later > r.offset {
			continue
		}
		if err := t.machine.Load(r.Key, r.Value); err != nil {
			return err
		}
	}
	return it.Err()
}

func (t *loadTask) done(b *Broker, now base.Instant, out *Effects) {
	t.shard.work(b, now, out, func(now base.Instant, out *Effects) { t.shard.loaded(b, now, t, out) })
}

// loaded takes up the machine that was loaded. Without one, the coordinator ends: what its log says is not known.
func (s *shard) loaded(b *Broker, now base.Instant, t *loadTask, out *Effects) {
	if s.state != shardLoading {
		return // ended meanwhile
	}
	if t.err != nil {
		b.grouping.Error("groups are not loaded", "partition", s.partition.tp.String(), "cause", t.err.Error())
		s.stop(b, out)
		return
	}
	s.machine, s.state = t.machine, shardActive
	s.trim.grown, s.trim.snapshot = t.bytes, t.live
	image := b.Image()
	// Ids do not matter here: partitions may have come from another cluster, with their offsets.
	s.machine.Loaded(now, func(name string, _ base.UUID) bool { return image.Topic(name) != nil }, &s.effects)
	if len(s.missed) > 0 {
		s.machine.TopicsDeleted(now, s.missed, &s.effects)
		s.missed = nil
	}
	s.setLoading(false)
	if t.records > 0 {
		b.grouping.Info("groups loaded", "partition", s.partition.tp.String(), "records", t.records, "bytes", t.bytes)
	}
}
