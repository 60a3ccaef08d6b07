package broker

import (
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/commitlog"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/replication/meta"
)

// MetadataPartition is the partition of the metadata log, a log like any other, in Kafka's records.
var MetadataPartition = base.TopicPartition{Topic: "__cluster_metadata"}

// metadataTopicID is the id that Kafka has reserved for it.
var metadataTopicID = base.UUID{15: 1}

// controller is the one writer of the cluster's metadata. A command is decided at once against what was decided before;
// its records go to the metadata log in one batch; when they are synced, they are committed: applied to the broker's
// image and acted on; then the client is answered.
type controller struct {
	log   *commitlog.Log
	epoch base.LeaderEpoch

	mu struct {
		sync.Mutex
		machine *meta.Controller
		queue   []*proposal // in the order of the log
		builder batch.Builder
		failure error
	}
}

// proposal is one change on its way to being committed.
type proposal struct {
	records []meta.Record
	last    meta.Position
	// end is the log's end behind the records.
	end  base.Offset
	then func(now base.Instant, err error, out *Effects)
	// changed says that the metadata changed when it was committed; deleted are the topics that are gone since.
	changed bool
	deleted []*meta.Topic
}

// decider decides commands against all that was decided before them. *meta.Controller is one that forgets.
type decider interface {
	Do(meta.Command) (meta.Batch, *meta.Error)
	Image() *meta.Image
}

// recorder is a decider that keeps the records.
type recorder struct {
	*meta.Controller
	proposal *proposal
}

// Do decides cmd and notes what it came to.
func (r recorder) Do(cmd meta.Command) (meta.Batch, *meta.Error) {
	decided, refused := r.Controller.Do(cmd)
	if refused == nil && len(decided.Records) > 0 {
		r.proposal.records = append(r.proposal.records, decided.Records...)
		r.proposal.last = decided.Last
	}
	return decided, refused
}

// refuser is a decider after the end of the metadata log: it refuses everything.
type refuser struct {
	image *meta.Image
	cause error
}

// Do refuses any command.
func (r refuser) Do(meta.Command) (meta.Batch, *meta.Error) {
	return meta.Batch{}, &meta.Error{Code: kerr.KafkaStorageError, Message: r.cause.Error()}
}

// Image returns what was committed.
func (r refuser) Image() *meta.Image {
	return r.image
}

// change lets decide put commands to the controller; what they come to is one proposal. Once it is committed, or has
// failed, then is called, in this step or a later one.
func (b *Broker) change(now base.Instant, out *Effects, decide func(decider),
	then func(now base.Instant, err error, out *Effects)) {
	c := &b.controller
	c.mu.Lock()
	if err := c.mu.failure; err != nil {
		c.mu.Unlock()
		decide(refuser{image: b.Image(), cause: err}) // so that each item of the request is answered
		then(now, err, out)
		return
	}
	p := &proposal{then: then}
	decide(recorder{Controller: c.mu.machine, proposal: p})
	idle := len(p.records) == 0 && len(c.mu.queue) == 0
	if !idle {
		if err := c.appendLocked(p, now); err != nil {
			failed := c.failLocked(err, b.Image())
			c.mu.Unlock()
			settle(now, append(failed, p), err, out)
			return
		}
	}
	c.mu.Unlock()
	if idle {
		then(now, nil, out)
		return
	}
	b.syncMetadata(out)
}

// appendLocked writes a proposal's records to the metadata log and queues it.
func (c *controller) appendLocked(p *proposal, now base.Instant) error {
	p.end = c.log.End()
	if len(p.records) > 0 {
		options := batch.NewOptions()
		options.LeaderEpoch = c.epoch
		c.mu.builder.Reset(options)
		for _, record := range p.records {
			value, err := meta.AppendRecord(nil, record)
			if err != nil {
				return err
			}
			c.mu.builder.Append(now.Wall, nil, value)
		}
		built, err := c.mu.builder.Build()
		if err != nil {
			return err
		}
		appended, err := c.log.Append(built, c.epoch, now.Wall)
		if err != nil {
			return err
		}
		if appended.Last != p.last.Offset {
			return fmt.Errorf("metadata log: got offset %d, expected %d", appended.Last, p.last.Offset)
		}
		p.end = appended.End
	}
	c.mu.queue = append(c.mu.queue, p)
	return nil
}

// failLocked ends the controller: without its log, nothing can be changed any more. It returns the proposals that will
// never be committed.
func (c *controller) failLocked(cause error, committed *meta.Image) []*proposal {
	c.mu.failure = coded(kafkaStorageError, "metadata log: %v", cause)
	c.mu.machine.Reset(committed, c.epoch)
	failed := c.mu.queue
	c.mu.queue = nil
	return failed
}

func settle(now base.Instant, proposals []*proposal, err error, out *Effects) {
	for _, p := range proposals {
		p.then(now, err, out)
	}
}

// syncMetadata asks for a sync of the metadata log, unless one is under way.
func (b *Broker) syncMetadata(out *Effects) {
	if job, ok := b.controller.log.BeginSync(); ok {
		out.task(&metadataSync{job: job})
	}
}

// metadataSync makes the metadata log durable.
type metadataSync struct {
	job *commitlog.SyncJob
}

var _ Task = (*metadataSync)(nil)

// Run syncs the files.
func (t *metadataSync) Run() {
	_ = t.job.Run() // the job keeps its error for EndSync
}

// Urgent reports that clients wait for changes.
func (t *metadataSync) Urgent() bool {
	return true
}

func (t *metadataSync) done(b *Broker, now base.Instant, out *Effects) {
	c := &b.controller
	synced, err := c.log.EndSync(t.job)
	c.mu.Lock()
	var over []*proposal
	if err == nil {
		over, err = b.commitLocked(now, synced, out)
	}
	if err != nil {
		b.loggers.Logger(config.ControllerLogger).Error("metadata log is offline", "cause", err.Error())
		over = append(over, c.failLocked(err, b.Image())...)
		c.mu.Unlock()
		settle(now, over, err, out)
		return
	}
	more := len(c.mu.queue) > 0
	c.mu.Unlock()
	for _, p := range over {
		if p.changed {
			b.followGroups(now, p.deleted, out)
		}
	}
	settle(now, over, nil, out)
	if more {
		b.syncMetadata(out)
	}
}

// commitLocked applies the proposals that are synced, acts on what they changed and publishes the new image. The
// controller's lock is held, so that changes are acted on in the order of the log.
func (b *Broker) commitLocked(now base.Instant, synced base.Offset, out *Effects) ([]*proposal, error) {
	c := &b.controller
	var over []*proposal
	for len(c.mu.queue) > 0 && c.mu.queue[0].end <= synced {
		p := c.mu.queue[0]
		c.mu.queue = c.mu.queue[1:]
		over = append(over, p)
		if len(p.records) == 0 {
			continue
		}
		image, delta, err := b.Image().Apply(p.last, p.records...)
		if err != nil {
			return over, fmt.Errorf("metadata does not apply: %w", err)
		}
		b.act(now, image, delta, out)
		b.image.Store(image)
		p.changed, p.deleted = true, delta.Deleted
	}
	return over, nil
}

// replay reads the whole metadata log and returns the image that it makes.
func replay(log *commitlog.Log) (*meta.Image, error) {
	image := meta.NewImage()
	for next := log.Start(); next < log.End(); {
		records, last, err := readBatch(log, next)
		if err != nil {
			return nil, err
		}
		if image, _, err = image.Apply(last, records...); err != nil {
			return nil, fmt.Errorf("metadata log at offset %d: %w", next, err)
		}
		next = last.Offset + 1
	}
	return image, nil
}

// readBatch decodes the batch at offset of the metadata log and says where its last record stands.
func readBatch(log *commitlog.Log, offset base.Offset) ([]meta.Record, meta.Position, error) {
	found, err := log.Read(offset, 1, log.End(), true)
	if err != nil {
		return nil, meta.Position{}, fmt.Errorf("metadata log: %w", err)
	}
	defer found.Span.Release()
	raw := make([]byte, found.Span.Length)
	if n, err := found.Span.File.ReadAt(raw, found.Span.Offset); n < len(raw) {
		return nil, meta.Position{}, fmt.Errorf("metadata log at offset %d: %w", offset, err)
	}
	b, _, err := batch.Parse(raw)
	if err == nil {
		err = b.CheckCRC()
	}
	if err != nil {
		return nil, meta.Position{}, fmt.Errorf("metadata log at offset %d: %w", offset, err)
	}
	last := meta.Position{Offset: b.LastOffset(), Epoch: b.LeaderEpoch()}
	if b.Control() {
		return nil, last, nil
	}
	records, err := decodeRecords(b)
	return records, last, err
}

func decodeRecords(b batch.Batch) ([]meta.Record, error) {
	var records []meta.Record
	it := b.Records(batch.DefaultMaxInflated)
	defer it.Close()
	for it.Next() {
		record, err := meta.DecodeRecord(it.Record().Value)
		if err != nil {
			return nil, fmt.Errorf("metadata log at offset %d: %w", it.Record().Offset, err)
		}
		records = append(records, record)
	}
	if err := it.Err(); err != nil {
		return nil, fmt.Errorf("metadata log at offset %d: %w", b.BaseOffset(), err)
	}
	return records, nil
}

// codeAndMessage returns how a failed change is answered.
func codeAndMessage(err error) (int16, *string) {
	var refused *meta.Error
	message := err.Error()
	if errors.As(err, &refused) {
		return refused.Code.Code, &refused.Message
	}
	return codeOf(err), &message
}
