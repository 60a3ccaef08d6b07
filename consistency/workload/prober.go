package workload

import (
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/netsim/clock"
	"github.com/gregor-log/gregor/netsim/world"
)

// prober asks everything that producers and readers do not, one question after the other.
type prober struct {
	session
	plan ProberPlan
	busy bool
	// about is what the pending question is about.
	about struct {
		partition *world.Partition
		timestamp int64
		floor     base.Offset
		offset    base.Offset
		epoch     int32
		value     string
	}
	// set is what the prober has set of a topic's configuration, by topic: only this prober sets it.
	set map[*world.Topic]string
}

func newProber(r *run, plan ProberPlan) *prober {
	p := &prober{plan: plan, set: make(map[*world.Topic]string)}
	p.session.init(r, p)
	return p
}

// Wake asks the next question.
func (p *prober) Wake() {
	if p.ready() && !p.busy {
		p.busy = true
		p.question()
	}
	p.wakeIn(clock.Exponential(p.rand, p.plan.Pause))
}

// question draws a question and asks it.
func (p *prober) question() {
	target := p.anyPartition()
	if target == nil {
		p.busy = false
		return
	}
	p.about.partition, p.about.floor = target, p.ledger().End(target)
	switch clock.Below(p.rand, 16) {
	case 0, 1, 2:
		p.about.timestamp = latest
		p.ask(listOffsets(&p.session, target, latest), 0)
	case 3:
		p.about.timestamp = earliest
		p.ask(listOffsets(&p.session, target, earliest), 0)
	case 4, 5:
		p.askTime(target)
	case 6, 7:
		p.askEpoch(target)
	case 8:
		p.trim(target)
	case 9:
		p.alter(target.Topic)
	case 10:
		p.describe(target.Topic)
	case 11:
		req := kmsg.NewPtrMetadataRequest()
		p.versions.set(req)
		req.Topics = nil
		p.ask(req, 0)
	default:
		p.small(target)
	}
}

// askTime asks for the first record at or after a time, or for the one with the largest timestamp.
func (p *prober) askTime(target *world.Partition) {
	at := p.wall() - clock.Below(p.rand, int64(p.run.plan.For)/1e6)
	if p.versions[kmsg.ListOffsets] >= 7 && clock.Chance(p.rand, 1, 4) {
		at = -3
	}
	p.about.timestamp = at
	p.ask(listOffsets(&p.session, target, at), 0)
}

// askEpoch asks where a leader epoch ended.
func (p *prober) askEpoch(target *world.Partition) {
	req := kmsg.NewPtrOffsetForLeaderEpochRequest()
	p.versions.set(req)
	t := kmsg.NewOffsetForLeaderEpochRequestTopic()
	t.Topic = target.TopicPartition.Topic
	part := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
	part.Partition = target.Partition
	part.LeaderEpoch = int32(clock.Below(p.rand, int64(max(p.run.leaderEpoch(target), 0))+2))
	p.about.epoch = part.LeaderEpoch
	t.Partitions = append(t.Partitions, part)
	req.Topics = append(req.Topics, t)
	p.ask(req, 0)
}

// trim deletes some records.
func (p *prober) trim(target *world.Partition) {
	if !p.plan.Trims || p.about.floor == 0 {
		p.busy = false
		return
	}
	req := kmsg.NewPtrDeleteRecordsRequest()
	p.versions.set(req)
	req.TimeoutMillis = 5000
	t := kmsg.NewDeleteRecordsRequestTopic()
	t.Topic = target.TopicPartition.Topic
	part := kmsg.NewDeleteRecordsRequestTopicPartition()
	part.Partition, part.Offset = target.Partition, clock.Below(p.rand, int64(p.about.floor)+1)
	p.ledger().Trimming(target, base.Offset(part.Offset))
	p.about.offset = base.Offset(part.Offset)
	t.Partitions = append(t.Partitions, part)
	req.Topics = append(req.Topics, t)
	p.ask(req, 0)
}

// configured is the property that a prober changes.
const configured = "index.interval.bytes"

// alter changes a topic's configuration. Each topic belongs to one prober.
func (p *prober) alter(t *world.Topic) {
	if p.run.probers[int(t.Partitions[0].Index)%len(p.run.probers)] != p {
		p.busy = false
		return
	}
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	p.versions.set(req)
	res := kmsg.NewIncrementalAlterConfigsRequestResource()
	res.ResourceType, res.ResourceName = kmsg.ConfigResourceTypeTopic, t.Name
	c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	value := strconv.FormatInt(clock.LogUniform(p.rand, 1, 16<<10), 10)
	p.about.value = value
	c.Name, c.Op, c.Value = configured, kmsg.IncrementalAlterConfigOpSet, &value
	res.Configs = append(res.Configs, c)
	req.Resources = append(req.Resources, res)
	p.set[t] = "" // not known until it is answered
	p.ask(req, 0)
}

// describe asks for a topic's configuration.
func (p *prober) describe(t *world.Topic) {
	req := kmsg.NewPtrDescribeConfigsRequest()
	p.versions.set(req)
	res := kmsg.NewDescribeConfigsRequestResource()
	res.ResourceType, res.ResourceName = kmsg.ConfigResourceTypeTopic, t.Name
	req.Resources = append(req.Resources, res)
	p.ask(req, 0)
}

// small asks one of the questions whose answers are only looked at as such.
func (p *prober) small(target *world.Partition) {
	var req kmsg.Request
	switch clock.Below(p.rand, 7) {
	case 0:
		versions := kmsg.NewPtrApiVersionsRequest()
		versions.ClientSoftwareName, versions.ClientSoftwareVersion = "simulated", "1"
		req = versions
	case 1:
		find := kmsg.NewPtrFindCoordinatorRequest()
		find.CoordinatorKey, find.CoordinatorKeys = "group", []string{"group"}
		req = find
	case 2:
		req = kmsg.NewPtrDescribeClusterRequest()
	case 3:
		dirs := kmsg.NewPtrDescribeLogDirsRequest()
		dirs.Topics = nil
		req = dirs
	case 4:
		describe := kmsg.NewPtrDescribeProducersRequest()
		t := kmsg.NewDescribeProducersRequestTopic()
		t.Topic, t.Partitions = target.TopicPartition.Topic, []int32{target.Partition}
		describe.Topics = append(describe.Topics, t)
		req = describe
	case 5:
		req = kmsg.NewPtrListConfigResourcesRequest()
	default:
		describe := kmsg.NewPtrDescribeTopicPartitionsRequest()
		t := kmsg.NewDescribeTopicPartitionsRequestTopic()
		t.Topic = target.TopicPartition.Topic
		describe.Topics = append(describe.Topics, t)
		describe.ResponsePartitionLimit = 100
		req = describe
	}
	p.versions.set(req)
	p.ask(req, 0)
}

// Connected goes on.
func (p *prober) Connected(int) {}

// Lost takes note of a request without an answer.
func (p *prober) Lost(*world.Request) {}

// Disconnected connects again.
func (p *prober) Disconnected(int) {
	p.busy = false
	p.reconnect()
}

// Answered takes an answer.
func (p *prober) Answered(r *world.Request, res kmsg.Response) {
	p.busy = false
	switch res := res.(type) {
	case *kmsg.ListOffsetsResponse:
		p.offsets(r, res)
	case *kmsg.OffsetForLeaderEpochResponse:
		p.epochs(res)
	case *kmsg.DeleteRecordsResponse:
		p.trimmed(r, res)
	case *kmsg.MetadataResponse:
		p.run.metadata(&p.session, r, res)
	case *kmsg.IncrementalAlterConfigsResponse:
		p.altered(res)
	case *kmsg.DescribeConfigsResponse:
		p.described(res)
	}
}

func (p *prober) offsets(r *world.Request, res *kmsg.ListOffsetsResponse) {
	part := &res.Topics[0].Partitions[0]
	if p.unknown(part.ErrorCode) || part.ErrorCode != 0 {
		return
	}
	target, at := p.about.partition, base.Offset(part.Offset)
	switch p.about.timestamp {
	case latest:
		p.ledger().EndTold(target, at, p.about.floor, r.Fence)
		p.run.record.end(&p.session, r, target, at, false)
	case earliest:
		p.ledger().StartTold(target, at, r.Fence)
	default:
		p.time(r, target, at, part.Timestamp)
	}
}

// time judges the answer to a question about a time: the record is not older than it.
func (p *prober) time(r *world.Request, target *world.Partition, at base.Offset, timestamp int64) {
	if at == base.NoOffset {
		return
	}
	if p.about.timestamp >= 0 && timestamp < p.about.timestamp {
		p.run.w.Violate("wrong-time", "%s: offset %d of %v with timestamp %d is told as the first from %d on",
			p.client.Name(), at, target, timestamp, p.about.timestamp)
	}
	if most, ok := p.ledger().TimestampOf(target, at, r.Fence); ok && timestamp > most {
		p.run.w.Violate("wrong-time", "%s: offset %d of %v is told to have timestamp %d, its batch has none beyond %d",
			p.client.Name(), at, target, timestamp, most)
	}
}

// unknown judges UNKNOWN_TOPIC_OR_PARTITION and reports whether a code is that.
func (p *prober) unknown(code int16) bool {
	if code != kerr.UnknownTopicOrPartition.Code {
		return false
	}
	if t := p.about.partition.Topic; !t.Doomed() {
		p.run.w.Violate("lost-topic", "%s: topic %s is there and not known", p.client.Name(), t.Name)
	}
	return true
}

// epochs judges where an epoch is told to have ended: it is the one asked for or one before it.
func (p *prober) epochs(res *kmsg.OffsetForLeaderEpochResponse) {
	part := &res.Topics[0].Partitions[0]
	if p.unknown(part.ErrorCode) || part.ErrorCode != 0 || part.LeaderEpoch < 0 {
		return
	}
	if part.LeaderEpoch > p.about.epoch || part.EndOffset < 0 {
		p.run.w.Violate("wrong-epoch", "%s: epoch %d of %v was asked for, and the answer is that epoch %d ended at %d",
			p.client.Name(), p.about.epoch, p.about.partition, part.LeaderEpoch, part.EndOffset)
	}
}

func (p *prober) trimmed(r *world.Request, res *kmsg.DeleteRecordsResponse) {
	part := &res.Topics[0].Partitions[0]
	if p.unknown(part.ErrorCode) || part.ErrorCode != 0 {
		return
	}
	if base.Offset(part.LowWatermark) < p.about.offset {
		p.run.w.Violate("bad-start", "%s: records of %v below %d were to be deleted, and the log begins at %d",
			p.client.Name(), p.about.partition, p.about.offset, part.LowWatermark)
	}
	p.ledger().StartTold(p.about.partition, base.Offset(part.LowWatermark), r.Fence)
}

func (p *prober) altered(res *kmsg.IncrementalAlterConfigsResponse) {
	if p.unknown(res.Resources[0].ErrorCode) || res.Resources[0].ErrorCode != 0 {
		return
	}
	p.set[p.about.partition.Topic] = p.about.value
}

// described makes sure that what was set and acknowledged last is what is told.
func (p *prober) described(res *kmsg.DescribeConfigsResponse) {
	found := &res.Resources[0]
	want := p.set[p.about.partition.Topic]
	if p.unknown(found.ErrorCode) || found.ErrorCode != 0 || want == "" {
		return
	}
	i := slices.IndexFunc(found.Configs, func(c kmsg.DescribeConfigsResponseResourceConfig) bool {
		return c.Name == configured
	})
	if i < 0 || found.Configs[i].Value == nil || *found.Configs[i].Value != want {
		p.run.w.Violate("lost-config", "%s: %s of %s was set to %s, and is told otherwise", p.client.Name(), configured,
			found.ResourceName, want)
	}
}
