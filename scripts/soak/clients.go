package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/consistency/history"
)

// Patience of the clients, which lasts longer than a broker is away.
const (
	patience = 2 * time.Minute
	backoff  = 20 * time.Millisecond
)

// patient makes a client outlast a broker that is away.
func patient() []kgo.Opt {
	return []kgo.Opt{
		kgo.RetryBackoffFn(func(int) time.Duration { return backoff }),
		kgo.RequestRetries(1 << 20),
		kgo.RetryTimeout(patience),
		kgo.MetadataMinAge(50 * time.Millisecond),
	}
}

func (s *soak) client(options ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append(append(patient(), kgo.SeedBrokers(s.broker.Address)), options...)...)
}

func (s *soak) createTopics(ctx context.Context) error {
	client, err := s.client()
	if err != nil {
		return err
	}
	defer client.Close()
	for _, t := range s.topics {
		configs := make(map[string]*string)
		for key, value := range t.configs {
			configs[key] = &value
		}
		made, err := kadm.NewClient(client).CreateTopic(ctx, t.partitions, 1, configs, t.name)
		if err := errors.Join(err, made.Err); err != nil {
			return fmt.Errorf("create %s: %w", t.name, err)
		}
	}
	return nil
}

// producer appends records whose values begin with their identity: process, and number within it.
type producer struct {
	s       *soak
	process int32
	rand    *rand.Rand
	client  *kgo.Client
	// topics are those that it appends to, every is the time from one record to the next.
	topics []*topic
	every  time.Duration
	// sent counts records by partition, producer id and epoch, as sequence numbers do. The client tells of records
	// from one goroutine, in order.
	sent  map[sending]int32
	acked atomic.Int64
	lost  atomic.Int64
}

type sending struct {
	topic     string
	partition int32
	id        int64
	epoch     int16
}

// asked is the context of a record: when it was handed to the client, and for which topic.
type asked struct {
	context.Context
	at time.Duration
	t  *topic
}

var codecs = []kgo.CompressionCodec{
	kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(),
}

// newProducer makes a producer for topics, at a rate of records a second; 0 is no limit.
func (s *soak) newProducer(process int, rate float64, topics ...*topic) (*producer, error) {
	p := &producer{
		s: s, process: int32(process), rand: rand.New(rand.NewPCG(uint64(process), 1)), sent: make(map[sending]int32),
		topics: topics,
	}
	if rate > 0 {
		p.every = time.Duration(float64(time.Second) / rate)
	}
	var err error
	p.client, err = s.client(
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(codecs[process%len(codecs)]),
		kgo.RecordDeliveryTimeout(patience),
		kgo.ProducerLinger(0),
	)
	return p, err
}

// run produces in bursts until ctx ends, and then waits for what is under way.
func (p *producer) run(ctx context.Context) error {
	defer p.client.Close()
	const burst = 10
	pace := time.NewTicker(max(p.every*burst, time.Microsecond))
	defer pace.Stop()
	for n := 0; ctx.Err() == nil; {
		for range burst {
			p.one(n)
			n++
		}
		select {
		case <-pace.C:
		case <-ctx.Done():
		}
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	return p.client.Flush(limited)
}

// one hands a record to the client.
func (p *producer) one(n int) {
	t := p.topics[p.rand.IntN(len(p.topics))]
	identity := fmt.Sprintf("%d.%d", p.process, n)
	r := &kgo.Record{
		Topic: t.name, Partition: p.rand.Int32N(t.partitions), Key: []byte(identity),
		Value: []byte(strings.Repeat(identity+" ", 1+p.rand.IntN(60))),
	}
	r.Context = &asked{context.Background(), p.s.clock.Now(), t}
	p.client.Produce(r.Context, r, p.told)
}

// told writes what became of a record.
func (p *producer) told(r *kgo.Record, err error) {
	from := r.Context.(*asked)
	op := history.NewOp(history.Append)
	op.Process, op.Node, op.Topic, op.Partition = p.process, nodeID, r.Topic, r.Partition
	op.Start, op.End = int64(from.at), int64(p.s.clock.Now())
	op.Values.Add(r.Key)
	if err != nil {
		op.Outcome = history.Unknown
		p.lost.Add(1)
	} else {
		by := sending{r.Topic, r.Partition, r.ProducerID, r.ProducerEpoch}
		op.Outcome, op.Offset = history.OK, r.Offset
		op.ProducerID, op.ProducerEpoch = base.ProducerID(r.ProducerID), base.ProducerEpoch(r.ProducerEpoch)
		op.Sequence = p.sent[by]
		p.sent[by]++
		p.acked.Add(1)
		if from.t.groups {
			tp := base.TopicPartition{Topic: r.Topic, Partition: r.Partition}
			p.s.crowd.book.Appended(tp, r.Offset, fmt.Sprintf("producer %d", p.process), p.s.clock.Now())
		}
	}
	from.t.book.Op(op)
}

// reader follows a topic from its start.
type reader struct {
	s       *soak
	t       *topic
	process int32
	client  *kgo.Client
	final   bool
	began   time.Duration
	// next is the next offset of each partition.
	next map[int32]int64
	read atomic.Int64
}

func (s *soak) newReader(t *topic, process int, final bool) (*reader, error) {
	r := &reader{s: s, t: t, process: int32(process), final: final, began: s.clock.Now(), next: make(map[int32]int64)}
	starts := make(map[int32]kgo.Offset)
	for p := range t.partitions {
		starts[p] = kgo.NewOffset().AtStart()
	}
	var err error
	r.client, err = s.client(
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{t.name: starts}),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxWait(100*time.Millisecond),
		kgo.KeepControlRecords(),
	)
	return r, err
}

// run reads until ctx ends.
func (r *reader) run(ctx context.Context) error {
	defer r.client.Close()
	for ctx.Err() == nil {
		if err := r.poll(ctx); err != nil {
			return err
		}
	}
	return nil
}

// poll takes what comes next into the history. Errors that pass by themselves are left to the client, which goes on.
func (r *reader) poll(ctx context.Context) error {
	fetches := r.client.PollFetches(ctx)
	now := r.s.clock.Now()
	fetches.EachPartition(func(p kgo.FetchTopicPartition) { r.fetched(&p, now) }) // some may come in the last moment
	if ctx.Err() != nil {
		return nil
	}
	for _, e := range fetches.Errors() {
		if refused(e.Err) && !errors.Is(e.Err, kerr.OffsetOutOfRange) {
			return fmt.Errorf("reader of %s-%d: %w", e.Topic, e.Partition, e.Err)
		}
	}
	return nil
}

// fetched writes the records of one partition. The client asks ahead: the earliest instant at which it may have asked
// is when it was made.
func (r *reader) fetched(p *kgo.FetchTopicPartition, now time.Duration) {
	if len(p.Records) == 0 {
		return
	}
	op := history.NewOp(history.Fetch)
	op.Process, op.Node, op.Outcome, op.Final = r.process, nodeID, history.OK, r.final
	op.Topic, op.Partition, op.Offset = p.Topic, p.Partition, p.Records[0].Offset
	if next, known := r.next[p.Partition]; known && next >= p.LogStartOffset {
		op.Offset = next
	}
	op.Start, op.End = int64(r.began), int64(now)
	op.HighWatermark, op.LogStart = p.HighWatermark, p.LogStartOffset
	for _, record := range p.Records {
		op.AddRecord(record.Offset, string(record.Key))
		if want := string(record.Key) + " "; !strings.HasPrefix(string(record.Value), want) {
			r.s.fail("%s-%d offset %d: key %q with the value of another record", p.Topic, p.Partition, record.Offset,
				record.Key)
		}
	}
	r.next[p.Partition] = p.Records[len(p.Records)-1].Offset + 1
	r.read.Add(int64(len(p.Records)))
	r.t.book.Op(op)
}

// readAll reads a topic whole with a fresh reader, up to the ends that the broker tells.
func (s *soak) readAll(ctx context.Context, t *topic, process int) error {
	r, err := s.newReader(t, process, true)
	if err != nil {
		return err
	}
	defer r.client.Close()
	admin := kadm.NewClient(r.client)
	asked := s.clock.Now()
	ends, err := admin.ListEndOffsets(ctx, t.name)
	if err := errors.Join(err, ends.Error()); err != nil {
		return fmt.Errorf("ends of %s: %w", t.name, err)
	}
	told := s.clock.Now()
	want := make(map[int32]int64)
	for p := range t.partitions {
		found, _ := ends.Lookup(t.name, p)
		want[p] = found.Offset
		op := history.NewOp(history.End)
		op.Process, op.Node, op.Outcome, op.Final = r.process, nodeID, history.OK, true
		op.Topic, op.Partition, op.Offset = t.name, p, found.Offset
		op.Start, op.End = int64(asked), int64(told)
		t.book.Op(op)
	}
	limited, cancel := context.WithTimeoutCause(ctx, patience, errStuck)
	defer cancel()
	for {
		done, err := r.reached(limited, admin, want)
		if err != nil || done {
			return err
		}
		// Retention may delete what there is to read while nothing comes: look again after a while.
		turn, end := context.WithTimeout(limited, time.Second)
		err = r.poll(turn)
		end()
		if err != nil {
			return err
		}
		if limited.Err() != nil {
			return fmt.Errorf("%s: %w: read %v of %v", t.name, context.Cause(limited), r.next, want)
		}
	}
}

// reached reports that each partition is read up to the offset wanted, or deleted up to there.
func (r *reader) reached(ctx context.Context, admin *kadm.Client, want map[int32]int64) (bool, error) {
	behind := func(from func(int32) int64) bool {
		for p, end := range want {
			if max(from(p), r.next[p]) < end {
				return true
			}
		}
		return false
	}
	if !behind(func(int32) int64 { return 0 }) {
		return true, nil
	}
	asked := r.s.clock.Now()
	starts, err := admin.ListStartOffsets(ctx, r.t.name)
	if err := errors.Join(err, starts.Error()); err != nil {
		return false, fmt.Errorf("starts of %s: %w", r.t.name, err)
	}
	from := func(p int32) int64 {
		found, _ := starts.Lookup(r.t.name, p)
		return found.Offset
	}
	if behind(from) {
		return false, nil
	}
	for p := range r.t.partitions {
		if from(p) > r.next[p] {
			r.nothing(p, from(p), asked, r.s.clock.Now())
		}
	}
	return true, nil
}

// nothing writes that a partition has no records any more: its log starts where it ends.
func (r *reader) nothing(partition int32, start int64, asked, told time.Duration) {
	op := history.NewOp(history.Fetch)
	op.Process, op.Node, op.Outcome, op.Final = r.process, nodeID, history.OK, r.final
	op.Topic, op.Partition, op.Offset = r.t.name, partition, start
	op.Start, op.End = int64(asked), int64(told)
	op.HighWatermark, op.LogStart = start, start
	r.t.book.Op(op)
}

// errStuck reports a reader that gets nothing although there is more.
var errStuck = errors.New("no records come although there are more")
