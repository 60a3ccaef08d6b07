package broker

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// sessionTwin is a client's view of its session: the partitions in the broker's order, and what it was told of each.
type sessionTwin struct {
	id, epoch int32
	parts     []twinPartition
}

type twinPartition struct {
	topic        string
	index        int32
	offset       int64
	told, failed bool
	high, start  int64
}

// twinLog is a partition as the test knows it.
type twinLog struct {
	start, end int64
	gone       bool
}

// find returns the place of a partition in the session, or -1.
func (s *sessionTwin) find(topic string, index int32) int {
	return slices.IndexFunc(s.parts, func(p twinPartition) bool { return p.topic == topic && p.index == index })
}

// expect returns what the next incremental response must hold, in order, as text, and remembers it as told. Partitions
// that had records go to the end.
func (s *sessionTwin) expect(logs map[string]*twinLog) []string {
	var told []string
	var front, back []twinPartition
	for _, p := range s.parts {
		log := logs[fmt.Sprint(p.topic, p.index)]
		code, high, start := int16(0), int64(-1), int64(-1)
		switch {
		case log == nil || log.gone:
			code = 3
		case p.offset < log.start || p.offset > log.end:
			code = 1
		default:
			high, start = log.end, log.start
		}
		records := code == 0 && p.offset < log.end
		if !p.told || code != 0 || p.failed || records || high != p.high || start != p.start {
			told = append(told, fmt.Sprint(p.topic, p.index, " error ", code, " high ", high, " start ", start, " ",
				records))
		}
		p.told, p.failed, p.high, p.start = true, code != 0, high, start
		if records {
			back = append(back, p)
		} else {
			front = append(front, p)
		}
	}
	s.parts = append(front, back...)
	return told
}

// heard tells a response in the twin's words.
func heard(res *kmsg.FetchResponse) []string {
	var told []string
	for _, topic := range res.Topics {
		for _, p := range topic.Partitions {
			told = append(told, fmt.Sprint(topic.Topic, p.Partition, " error ", p.ErrorCode, " high ", p.HighWatermark,
				" start ", p.LogStartOffset, " ", len(p.RecordBatches) > 0))
		}
	}
	return told
}

// sessionRun drives a broker and the twins of several sessions.
type sessionRun struct {
	*harness
	r        *rand.Rand
	logs     map[string]*twinLog
	sessions []*sessionTwin
}

var sessionTopics = []string{"a", "b"}

func (run *sessionRun) pick() (string, int32, *twinLog) {
	topic, index := sessionTopics[run.r.IntN(2)], run.r.Int32N(4)
	return topic, index, run.logs[fmt.Sprint(topic, index)] // nil for index 3, which is not there
}

// disturb changes something on the broker.
func (run *sessionRun) disturb() {
	topic, index, log := run.pick()
	switch k := run.r.IntN(12); {
	case log == nil:
	case k == 0 && !log.gone:
		run.drop(topic)
		for i := range int32(3) {
			run.logs[fmt.Sprint(topic, i)].gone = true
		}
	case log.gone:
		run.create(topic, 3)
		for i := range int32(3) {
			run.logs[fmt.Sprint(topic, i)] = &twinLog{}
		}
	case k < 4:
		log.start += run.r.Int64N(log.end - log.start + 1)
		run.deleteRecords(2, topic, index, log.start)
	default:
		run.mustProduce(topic, index, values("x"))
		log.end++
	}
}

// fetchMore changes some partitions of a session, fetches, and compares.
func (run *sessionRun) fetchMore(s *sessionTwin) {
	req := fetchOf(12)
	req.SessionID, req.SessionEpoch = s.id, s.epoch
	named := make(map[string]bool)
	for range run.r.IntN(4) {
		topic, index, log := run.pick()
		if named[fmt.Sprint(topic, index)] {
			continue
		}
		named[fmt.Sprint(topic, index)] = true
		i := s.find(topic, index)
		if run.r.IntN(4) == 0 {
			forgotten := kmsg.NewFetchRequestForgottenTopic()
			forgotten.Topic, forgotten.Partitions = topic, []int32{index}
			req.ForgottenTopics = append(req.ForgottenTopics, forgotten)
			if i >= 0 {
				s.parts = slices.Delete(s.parts, i, i+1)
			}
			continue
		}
		offset := int64(0)
		if log != nil {
			offset = []int64{log.start, log.end, log.end + 1, log.end}[run.r.IntN(4)]
		}
		req.Topics = append(req.Topics, fetchOf(12, want{topic: topic, index: index, offset: offset}).Topics...)
		if i >= 0 {
			s.parts[i].offset = offset
		} else {
			s.parts = append(s.parts, twinPartition{topic: topic, index: index, offset: offset})
		}
	}
	run.compare(s, req)
}

func (run *sessionRun) compare(s *sessionTwin, req *kmsg.FetchRequest) {
	run.Helper()
	before := len(s.parts)
	want := s.expect(run.logs)
	res := ask[*kmsg.FetchResponse](run.harness, 12, req)
	if before == 0 { // a session of nothing is ended
		if res.SessionID != 0 || len(res.Topics) > 0 {
			run.Fatalf("got session %d with %v, expected its end", res.SessionID, heard(res))
		}
		run.sessions = slices.DeleteFunc(run.sessions, func(x *sessionTwin) bool { return x == s })
		return
	}
	if got := heard(res); res.ErrorCode != 0 || res.SessionID != s.id || !slices.Equal(got, want) {
		run.Fatalf("session %d epoch %d: got error %d, session %d\n%q, expected\n%q", s.id, s.epoch, res.ErrorCode,
			res.SessionID, got, want)
	}
	s.epoch++
}

// openSession begins a session of some partitions.
func (run *sessionRun) openSession() {
	req := fetchOf(12)
	req.SessionEpoch = 0
	s := &sessionTwin{epoch: 1}
	var want []string
	for i := range run.r.Int32N(5) {
		topic := sessionTopics[i%2]
		req.Topics = append(req.Topics, fetchOf(12, want0(topic, i)).Topics...)
		s.parts = append(s.parts, twinPartition{topic: topic, index: i})
	}
	kept := slices.Clone(s.parts)
	want = s.expect(run.logs)
	for i := range kept { // the first response does not change the order
		kept[i] = s.parts[s.find(kept[i].topic, kept[i].index)]
	}
	s.parts = kept
	res := ask[*kmsg.FetchResponse](run.harness, 12, req)
	if got := heard(res); res.SessionID == 0 || !slices.Equal(got, want) {
		run.Fatalf("a new session: got %d\n%q, expected\n%q", res.SessionID, got, want)
	}
	s.id = res.SessionID
	run.sessions = append(run.sessions, s)
}

func want0(topic string, index int32) want {
	return want{topic: topic, index: index}
}

func TestFetchSessionsAgainstTwin(t *testing.T) {
	for seed := range uint64(60) {
		run := &sessionRun{harness: newHarness(t), r: rand.New(rand.NewPCG(seed, 2)), logs: make(map[string]*twinLog)}
		for _, topic := range sessionTopics {
			run.create(topic, 3)
			for i := range int32(3) {
				run.logs[fmt.Sprint(topic, i)] = &twinLog{}
			}
		}
		for range 120 {
			switch k := run.r.IntN(10); {
			case len(run.sessions) == 0 || k == 0 && len(run.sessions) < 5:
				run.openSession()
			case k < 5:
				run.disturb()
			default:
				run.fetchMore(run.sessions[run.r.IntN(len(run.sessions))])
			}
		}
	}
}

// Sessions take each other's place only after they have rested, the one that was used least lately first.
func TestFetchSessionsAreBounded(t *testing.T) {
	h := newHarness(t, kv("max.incremental.fetch.session.cache.slots", "2"))
	h.create("t", 1)
	begin := func() int32 {
		req := fetchOf(12, want{topic: "t"})
		req.SessionEpoch = 0
		return ask[*kmsg.FetchResponse](h, 12, req).SessionID
	}
	use := func(id, epoch int32) int16 {
		req := fetchOf(12)
		req.SessionID, req.SessionEpoch = id, epoch
		return ask[*kmsg.FetchResponse](h, 12, req).ErrorCode
	}
	first, second := begin(), begin()
	if first == 0 || second == 0 || begin() != 0 {
		t.Fatal("two slots do not hold two sessions")
	}
	h.advance(sessionIdle - time.Second)
	if use(first, 1) != 0 || begin() != 0 {
		t.Error("a session was evicted before it had rested")
	}
	h.advance(2 * time.Second)
	third := begin()
	if third == 0 || use(second, 1) != 70 || use(first, 2) != 0 || use(third, 1) != 0 {
		t.Error("a session that had rested was not evicted, or another was")
	}
}

func TestNoFetchSessionsAtAll(t *testing.T) {
	h := newHarness(t, kv("max.incremental.fetch.session.cache.slots", "0"))
	h.create("t", 1)
	h.mustProduce("t", 0, values("a"))
	req := fetchOf(12, want{topic: "t"})
	req.SessionEpoch = 0
	res := ask[*kmsg.FetchResponse](h, 12, req)
	if res.SessionID != 0 || len(recordsOf(res.Topics[0].Partitions[0].RecordBatches)) != 1 {
		t.Errorf("got session %d and %+v", res.SessionID, res.Topics)
	}
}
