package workload

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/netsim/clock"
	"github.com/gregor-log/gregor/netsim/world"
)

// reader fetches: all partitions of some topics, again and again, with or without a fetch session.
type reader struct {
	session
	plan ReaderPlan

	positions []*position
	// sessionID and sessionEpoch are those of the next request.
	sessionID, sessionEpoch int32
	// fetching says that a fetch is in flight, asking that a ListOffsets is.
	fetching, asking bool
	request          kmsg.FetchRequest
	seen             []world.Seen

	// final says that the reader reads everything once, up to the ends that it is told first.
	final bool
}

// position is where a reader stands in one partition.
type position struct {
	partition *world.Partition
	offset    base.Offset
	// known says that offset is one; otherwise it is asked for, at reset: earliest or latest.
	known bool
	reset int64
	// floor is what was known to be taken when the fetch was sent.
	floor base.Offset
	// sent says that the session knows the partition at its offset.
	sent bool
	// end is where a final reader stops, base.NoOffset while it is not known. read says that it has fetched, which it
	// does even where nothing is left: the answer tells where the log begins.
	end  base.Offset
	read bool
}

// The timestamps that ListOffsets has a meaning for.
const (
	latest   = -1
	earliest = -2
)

func newReader(r *run, plan ReaderPlan, final bool) *reader {
	rd := &reader{plan: plan, final: final}
	rd.session.init(r, rd)
	rd.request = kmsg.NewFetchRequest()
	if final {
		rd.versions[kmsg.Fetch] = max(rd.versions[kmsg.Fetch], 5) // earlier ones do not tell where the log begins
	}
	rd.versions.set(&rd.request)
	rd.request.MinBytes, rd.request.MaxBytes = plan.MinBytes, plan.MaxBytes
	rd.request.MaxWaitMillis = int32(plan.MaxWait / time.Millisecond)
	if plan.Committed {
		rd.request.IsolationLevel = 1
	}
	return rd
}

// assign adds a partition, to be read from the beginning, the end or a place between.
func (rd *reader) assign(p *world.Partition, reset int64) {
	rd.positions = append(rd.positions, &position{partition: p, reset: reset, end: base.NoOffset})
}

// Wake goes on.
func (rd *reader) Wake() {
	rd.goOn()
	rd.wakeIn(rd.plan.Pause + clock.Exponential(rd.rand, rd.plan.Pause))
}

// goOn asks for what is missing: where to read, then what is there.
func (rd *reader) goOn() {
	if !rd.ready() || rd.fetching || rd.asking {
		return
	}
	if len(rd.positions) == 0 {
		rd.assignAll()
	}
	for _, pos := range rd.positions {
		if !pos.known && !pos.partition.Topic.Doomed() {
			rd.askOffset(pos)
			return
		}
	}
	rd.fetch()
}

// assignAll takes all partitions there are.
func (rd *reader) assignAll() {
	for _, t := range rd.run.topics {
		for _, p := range t.Partitions {
			reset := int64(earliest)
			if clock.Chance(rd.rand, 1, 3) {
				reset = latest
			}
			rd.assign(p, reset)
		}
	}
}

// askOffset asks where to begin in one partition.
func (rd *reader) askOffset(pos *position) {
	req := listOffsets(&rd.session, pos.partition, pos.reset)
	rd.asking = true
	pos.floor = rd.ledger().End(pos.partition)
	rd.ask(req, int64(pos.partition.Index))
}

func listOffsets(s *session, p *world.Partition, at int64) *kmsg.ListOffsetsRequest {
	req := kmsg.NewPtrListOffsetsRequest()
	s.versions.set(req)
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = p.TopicPartition.Topic
	part := kmsg.NewListOffsetsRequestTopicPartition()
	part.Partition, part.Timestamp = p.Partition, at
	t.Partitions = append(t.Partitions, part)
	req.Topics = append(req.Topics, t)
	return req
}

// fetch sends the next fetch.
func (rd *reader) fetch() {
	req := &rd.request
	req.SessionID, req.SessionEpoch = rd.sessionID, rd.sessionEpoch
	if !rd.plan.Sessions || req.Version < 7 {
		req.SessionID, req.SessionEpoch = 0, -1
	}
	req.Topics = req.Topics[:0]
	any := false
	for _, pos := range rd.positions {
		if !pos.known || rd.isOver(pos) {
			continue
		}
		any = true
		pos.floor = rd.ledger().End(pos.partition)
		if req.SessionEpoch <= 0 || !pos.sent {
			rd.add(req, pos)
			pos.sent = true
		}
	}
	if !any && req.SessionEpoch <= 0 {
		return
	}
	rd.fetching = true
	rd.ask(req, 0)
}

// add adds a partition to a fetch.
func (rd *reader) add(req *kmsg.FetchRequest, pos *position) {
	part := kmsg.NewFetchRequestTopicPartition()
	part.Partition, part.FetchOffset = pos.partition.Partition, int64(pos.offset)
	part.PartitionMaxBytes = rd.plan.PartBytes
	if rd.plan.Epochs {
		part.CurrentLeaderEpoch = rd.run.leaderEpoch(pos.partition)
	}
	name := pos.partition.TopicPartition.Topic
	if n := len(req.Topics); n > 0 && req.Topics[n-1].Topic == name {
		req.Topics[n-1].Partitions = append(req.Topics[n-1].Partitions, part)
		return
	}
	t := kmsg.NewFetchRequestTopic()
	t.Topic, t.TopicID = name, pos.partition.Topic.ID
	t.Partitions = append(t.Partitions, part)
	req.Topics = append(req.Topics, t)
}

// isOver reports that a final reader has read all of a partition.
func (rd *reader) isOver(pos *position) bool {
	return rd.final && (pos.known && pos.read && pos.end != base.NoOffset && pos.offset >= pos.end ||
		pos.partition.Topic.Doomed())
}

func (rd *reader) finished() bool {
	for _, pos := range rd.positions {
		if !rd.isOver(pos) {
			return false
		}
	}
	return len(rd.positions) > 0
}

// Connected begins anew.
func (rd *reader) Connected(int) {
	rd.newSession()
	rd.goOn()
}

func (rd *reader) newSession() {
	rd.sessionID, rd.sessionEpoch = 0, 0
	for _, pos := range rd.positions {
		pos.sent = false
	}
}

// Lost takes note of a request without an answer.
func (rd *reader) Lost(*world.Request) {}

// Disconnected connects again.
func (rd *reader) Disconnected(int) {
	rd.fetching, rd.asking = false, false
	rd.reconnect()
}

// Answered takes an answer.
func (rd *reader) Answered(r *world.Request, res kmsg.Response) {
	switch res := res.(type) {
	case *kmsg.ListOffsetsResponse:
		rd.asking = false
		rd.told(r, res)
	case *kmsg.FetchResponse:
		rd.fetching = false
		rd.fetched(r, res)
	}
	if rd.final {
		rd.goOn()
	}
}

// told takes where to begin. A final reader asks for the end as well.
func (rd *reader) told(r *world.Request, res *kmsg.ListOffsetsResponse) {
	for i := range res.Topics {
		for j := range res.Topics[i].Partitions {
			part := &res.Topics[i].Partitions[j]
			pos := rd.at(r.Tag)
			if part.ErrorCode != 0 || pos == nil {
				continue
			}
			at := base.Offset(part.Offset)
			if pos.reset == earliest {
				rd.ledger().StartTold(pos.partition, at, r.Fence)
			} else {
				rd.ledger().EndTold(pos.partition, at, pos.floor, r.Fence)
				rd.run.record.end(&rd.session, r, pos.partition, at, rd.final)
			}
			switch {
			case rd.final && pos.reset == latest:
				pos.end, pos.reset = at, earliest
			default:
				pos.offset, pos.known, pos.sent = at, true, false
			}
		}
	}
}

func (rd *reader) at(index int64) *position {
	for _, pos := range rd.positions {
		if int64(pos.partition.Index) == index {
			return pos
		}
	}
	return nil
}

// fetched takes the answer to a fetch.
func (rd *reader) fetched(r *world.Request, res *kmsg.FetchResponse) {
	if res.ErrorCode != 0 {
		rd.newSession()
		return
	}
	for i := range res.Topics {
		t := &res.Topics[i]
		for j := range t.Partitions {
			rd.part(r, t, &t.Partitions[j])
		}
	}
	if rd.plan.Sessions && res.SessionID != 0 {
		rd.sessionID = res.SessionID
		rd.sessionEpoch++
	} else {
		rd.newSession()
	}
	if rd.plan.Jump > 0 && clock.Chance(rd.rand, int64(rd.plan.Jump), 1000) {
		rd.jump()
	}
}

// part takes one partition's part of an answer.
func (rd *reader) part(r *world.Request, t *kmsg.FetchResponseTopic, part *kmsg.FetchResponseTopicPartition) {
	pos := rd.find(t, part.Partition)
	if pos == nil || !pos.known {
		if pos == nil {
			rd.run.w.Violate("wrong-answer", "%s: a fetch response names partition %d of %q, which was not asked for",
				rd.client.Name(), part.Partition, t.Topic)
		}
		return
	}
	if part.ErrorCode != 0 {
		rd.failed(r, pos, part.ErrorCode)
		return
	}
	f := world.Fetched{
		Partition: pos.partition, From: pos.offset, Floor: pos.floor, High: base.Offset(part.HighWatermark),
		Start: base.Offset(part.LogStartOffset), Records: part.RecordBatches, Fence: r.Fence,
	}
	if r.Version < 5 {
		f.Start = 0
	}
	next, seen, corrupt := rd.ledger().Fetched(&f, rd.seen[:0])
	rd.seen = seen
	rd.run.record.fetch(&rd.session, r, &f, seen, rd.final)
	pos.read = pos.read || !corrupt
	if !corrupt && next > pos.offset {
		pos.offset, pos.sent = next, false
	}
}

func (rd *reader) find(t *kmsg.FetchResponseTopic, partition int32) *position {
	for _, pos := range rd.positions {
		named := pos.partition.TopicPartition.Topic == t.Topic || t.Topic == "" && pos.partition.Topic.ID == t.TopicID
		if named && pos.partition.Partition == partition {
			return pos
		}
	}
	return nil
}

// failed takes an error of one partition.
func (rd *reader) failed(r *world.Request, pos *position, code int16) {
	switch code {
	case kerr.OffsetOutOfRange.Code:
		if !rd.ledger().OutOfRange(pos.partition, pos.offset, pos.floor, r.Fence) {
			rd.run.w.Violate("out-of-range", "%s: offset %d of %v is out of range", rd.client.Name(), pos.offset,
				pos.partition)
		}
		pos.known, pos.reset = false, earliest
		if pos.offset > rd.ledger().End(pos.partition) && clock.Chance(rd.rand, 1, 2) && !rd.final {
			pos.reset = latest
		}
	case kerr.UnknownTopicOrPartition.Code, kerr.UnknownTopicID.Code:
		if !pos.partition.Topic.Doomed() {
			rd.run.w.Violate("lost-topic", "%s: %v is there and answers %d", rd.client.Name(), pos.partition, code)
		}
		pos.known = false
	case kerr.FencedLeaderEpoch.Code, kerr.UnknownLeaderEpoch.Code:
		pos.sent = false // the directory learns of the epoch by and by
		rd.run.forgetEpoch(pos.partition)
	}
}

// jump goes on at a random offset of a random partition.
func (rd *reader) jump() {
	pos := rd.positions[clock.Below(rd.rand, int64(len(rd.positions)))]
	if end := rd.ledger().End(pos.partition); pos.known && end > 0 {
		pos.offset, pos.sent = base.Offset(clock.Below(rd.rand, int64(end)+1)), false
	}
}
