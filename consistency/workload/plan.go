package workload

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/env"
	"github.com/gregor-log/gregor/netsim/clock"
	"github.com/gregor-log/gregor/netsim/world"
)

// Durability classes of a run.
const (
	PageCache = "page-cache"
	Fsync     = "fsync"
)

// doomedTopic is the name of the topic that is deleted in some runs.
const doomedTopic = "doomed"

// Plan is everything that a seed draws for a run.
type Plan struct {
	Seed     uint64
	Scenario string
	For      time.Duration
	// Class is the durability class: fsync sets flush.messages to 1.
	Class string
	// Trims says that DeleteRecords or retention may move a log's start, Resends that plain producers send again.
	Trims, Resends bool
	Topics         []TopicPlan
	Producers      []ProducerPlan
	Readers        []ReaderPlan
	Probers        []ProberPlan
	Groups         []GroupPlan
	Simple         []SimplePlan
	Warden         WardenPlan
	// Rude says that no member says goodbye that goes for good.
	Rude   bool
	Broker []config.KV
	Node   world.NodeOptions
	Net    world.Net
	Faults []world.Fault
}

// TopicPlan is one topic.
type TopicPlan struct {
	Name       string
	Partitions int
	Configs    []config.KV
	// Rewrites and Expires are as in world.Topic.
	Rewrites, Expires bool
	// Doomed says that it is deleted at some time of the run.
	Doomed bool
}

// ProducerPlan is one producer.
type ProducerPlan struct {
	Idempotent bool
	// Acks is 0, 1 or -1; an idempotent producer's is -1.
	Acks     int16
	InFlight int
	// Pause is the mean time between two batches, Open the most batches that wait for their acknowledgement.
	Pause time.Duration
	Open  int
	// Records and ValueSize are the most that a batch has of either.
	Records, ValueSize int
	Codec              batch.Codec
	// Bad is how many batches in a thousand are sent with a wrong CRC.
	Bad int
}

// ReaderPlan is one reader.
type ReaderPlan struct {
	Sessions  bool
	Committed bool // isolation level
	Epochs    bool // says which leader epoch it believes in
	MinBytes  int32
	MaxBytes  int32
	PartBytes int32
	MaxWait   time.Duration
	Pause     time.Duration
	// Jump is how many fetches in a thousand go on at a random offset.
	Jump int
}

// ProberPlan is one client that asks everything else.
type ProberPlan struct {
	Pause time.Duration
	// Trims says that it also deletes records.
	Trims bool
}

// NewPlan draws a run. The scenario is one of Scenarios.
func NewPlan(seed uint64, scenario string, d time.Duration) (*Plan, error) {
	sc, err := findScenario(scenario)
	if err != nil {
		return nil, err
	}
	s := env.NewSeeded(seed, "plan")
	p := &Plan{Seed: seed, Scenario: scenario, For: d, Class: PageCache}
	if clock.Chance(s, 1, 2) {
		p.Class = Fsync
	}
	if sc.class != "" {
		p.Class = sc.class
	}
	p.Trims = clock.Chance(s, 1, 3)
	p.Resends = clock.Chance(s, 1, 3) && !p.loses()
	p.drawTopics(env.NewSeeded(seed, "plan/topics"))
	p.drawClients(env.NewSeeded(seed, "plan/clients"))
	p.drawGroups(env.NewSeeded(seed, "plan/groups"))
	p.drawWorld(env.NewSeeded(seed, "plan/world"))
	p.Faults = world.Draw(world.DrawOptions{
		Seed: seed, From: clock.Time(200 * time.Millisecond), To: clock.Time(d), Nodes: 1,
		Clients: 1 + len(p.Producers) + len(p.Readers) + len(p.Probers) + p.groupClients(), Kinds: sc.kinds,
		Keep: sc.keep,
	})
	return p, nil
}

// loses reports that records may go for good. Nobody can tell in the end which of many had been there that nobody had
// acknowledged, or that may have been there twice: then there must be few of the first sort, and none of the other.
func (p *Plan) loses() bool {
	return p.Trims || p.Class != Fsync
}

func (p *Plan) drawTopics(s clock.Source) {
	count := clock.Between(s, 1, 4)
	doomed := clock.Chance(s, 1, 4)
	for i := range count {
		t := TopicPlan{Name: fmt.Sprintf("t%d", i), Partitions: int(clock.Between(s, 1, 4))}
		set := func(name string, value int64) {
			t.Configs = append(t.Configs, config.KV{Name: name, Value: fmt.Sprint(value)})
		}
		set("internal.segment.bytes", clock.LogUniform(s, smallestSegment, 256<<10))
		set("index.interval.bytes", clock.LogUniform(s, 1, 16<<10))
		set("file.delete.delay.ms", clock.LogUniform(s, 1, 5000))
		if clock.Chance(s, 1, 4) {
			set("segment.index.bytes", clock.Between(s, 64, 512))
		}
		if clock.Chance(s, 1, 4) {
			set("segment.ms", clock.LogUniform(s, 100, 10_000))
		}
		if p.Trims && clock.Chance(s, 1, 3) {
			t.Expires = true
			if clock.Chance(s, 1, 2) {
				set("retention.bytes", clock.LogUniform(s, 8<<10, 512<<10))
			} else {
				set("retention.ms", clock.LogUniform(s, 500, 10_000))
			}
		}
		p.drawRewriting(s, &t)
		if doomed && i == count-1 && i > 0 {
			t.Name, t.Doomed = doomedTopic, true
		}
		p.Topics = append(p.Topics, t)
	}
}

// drawRewriting has the broker store other bytes than it is sent, in a few topics.
func (p *Plan) drawRewriting(s clock.Source, t *TopicPlan) {
	if clock.Chance(s, 1, 6) {
		t.Rewrites = true
		t.Configs = append(t.Configs, config.KV{Name: "message.timestamp.type", Value: "LogAppendTime"})
	}
	if clock.Chance(s, 1, 10) {
		t.Rewrites = true
		codecs := []string{"uncompressed", "lz4", "snappy"}
		t.Configs = append(t.Configs, config.KV{Name: "compression.type", Value: codecs[clock.Below(s, 3)]})
	}
}

func (p *Plan) drawClients(s clock.Source) {
	fastest := time.Duration(clock.LogUniform(s, int64(2*time.Millisecond), int64(50*time.Millisecond)))
	pause := func() time.Duration {
		return time.Duration(clock.LogUniform(s, int64(fastest), int64(20*fastest)))
	}
	for i := range clock.Between(s, 1, 5) {
		w := ProducerPlan{
			Idempotent: clock.Chance(s, 2, 3), Acks: -1, InFlight: int(clock.Between(s, 1, 5)), Pause: pause(),
			Open: int(clock.LogUniform(s, 5, 100)), Records: int(clock.LogUniform(s, 1, 30)),
			ValueSize: int(clock.LogUniform(s, 1, 400)),
		}
		if !w.Idempotent {
			w.Acks = int16(clock.Between(s, -1, 1))
			if w.Acks == 0 && i == 0 {
				w.Acks = 1 // a run in which nothing can be acknowledged proves nothing
			}
			if p.loses() {
				w.Acks, w.Open = cmp.Or(w.Acks, 1), 1
			}
			w.Bad = int(clock.Below(s, 2) * 10)
		}
		if clock.Chance(s, 1, 6) {
			w.Codec = batch.Codec(clock.Between(s, 1, 4))
			w.Pause *= 4
		}
		p.Producers = append(p.Producers, w)
	}
	for range clock.Between(s, 1, 4) {
		r := ReaderPlan{
			Sessions: clock.Chance(s, 1, 2), Committed: clock.Chance(s, 1, 2), Epochs: clock.Chance(s, 1, 3),
			MinBytes: int32(clock.LogUniform(s, 1, 20_000)), MaxBytes: int32(clock.LogUniform(s, 1, 4<<20)),
			PartBytes: int32(clock.LogUniform(s, 1, 1<<20)), MaxWait: clock.Uniform(s, 500*time.Millisecond),
			Pause: pause() / 2, Jump: int(clock.Below(s, 2) * 20),
		}
		p.Readers = append(p.Readers, r)
	}
	for range clock.Between(s, 1, 2) {
		p.Probers = append(p.Probers, ProberPlan{Pause: 4 * pause(), Trims: p.Trims && clock.Chance(s, 1, 2)})
	}
}

// kv is a property of a broker.
func kv(name string, value any) config.KV {
	return config.KV{Name: name, Value: fmt.Sprint(value)}
}

func (p *Plan) drawWorld(s clock.Source) {
	set := func(name string, value any) {
		p.Broker = append(p.Broker, kv(name, value))
	}
	set("log.initial.task.delay.ms", clock.LogUniform(s, 1, 2000))
	set("log.retention.check.interval.ms", clock.LogUniform(s, 100, 5000))
	set("log.flush.offset.checkpoint.interval.ms", clock.LogUniform(s, 100, 10_000))
	set("log.flush.start.offset.checkpoint.interval.ms", clock.LogUniform(s, 100, 10_000))
	set("replica.high.watermark.checkpoint.interval.ms", clock.LogUniform(s, 100, 10_000))
	set("log.message.timestamp.after.max.ms", int64(1)<<62)
	set("producer.id.expiration.ms", 1<<31-1)
	set("max.incremental.fetch.session.cache.slots", clock.Between(s, 0, 4))
	set("auto.create.topics.enable", "false")
	if clock.Chance(s, 1, 3) {
		set("log.flush.interval.ms", clock.LogUniform(s, 10, 5000))
		set("log.flush.scheduler.interval.ms", clock.LogUniform(s, 10, 1000))
	}
	syncMin := time.Duration(clock.LogUniform(s, int64(20*time.Microsecond), int64(2*time.Millisecond)))
	p.Node = world.NodeOptions{
		ID: 1, SyncMin: syncMin,
		SyncMean:  syncMin + time.Duration(clock.LogUniform(s, int64(50*time.Microsecond), int64(20*time.Millisecond))),
		OpenFiles: int(clock.LogUniform(s, 1, 64)), MostRequests: int(clock.LogUniform(s, 4, 1000)),
		Clock: clock.New(clock.Between(s, -200, 200), clock.Between(s, -10_000, 10_000),
			time.Duration(clock.Between(s, -int64(time.Minute), int64(time.Minute)))),
	}
	p.setClass(p.Class)
	p.Net = world.Net{
		Min:    time.Duration(clock.LogUniform(s, int64(10*time.Microsecond), int64(5*time.Millisecond))),
		Mean:   time.Duration(clock.LogUniform(s, int64(10*time.Microsecond), int64(20*time.Millisecond))),
		Split:  int(clock.LogUniform(s, 1, 300)),
		Window: int(clock.LogUniform(s, 512, 256<<10)),
	}
	// What a fetch brings must arrive before its client gives up.
	const leastRate = 128 << 10
	p.Net.Window = max(p.Net.Window, int(leastRate*(p.Net.Min+p.Net.Mean)/time.Second))
}

// setClass gives the run a durability class.
func (p *Plan) setClass(class string) {
	p.Class = class
	p.Node.Properties = slices.Clone(p.Broker)
	if class == Fsync {
		p.Node.Properties = append(p.Node.Properties, config.KV{Name: "log.flush.interval.messages", Value: "1"})
	}
}

// unexpire takes retention off a topic.
func (t *TopicPlan) unexpire() {
	t.Expires = false
	t.Configs = slices.DeleteFunc(t.Configs, func(kv config.KV) bool {
		return strings.HasPrefix(kv.Name,
			"retention.")
	})
}
