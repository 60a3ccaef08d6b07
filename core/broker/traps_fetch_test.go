package broker

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Traps of the Kafka protocol, 39 to 47: fetches and offsets.

// fetchVersion fetches one partition by name or id, as the version wants it.
func (h *harness) fetchVersion(version int16, id [16]byte, w want) kmsg.FetchResponseTopicPartition {
	h.Helper()
	if version >= 13 {
		w.topic, w.id = "", id
	}
	return ask[*kmsg.FetchResponse](h, version, fetchOf(version, w)).Topics[0].Partitions[0]
}

// A client that is not given the batch around its offset asks for it for ever.
func TestTrap39WholeBatchesAroundTheOffset(t *testing.T) {
	h := newHarness(t)
	id := h.create("t", 1)
	h.mustProduce("t", 0, values("a", "b", "c"))
	h.mustProduce("t", 0, recipe{values: []string{"d", "e", "f"}, codec: 4})
	h.mustProduce("t", 0, values("g"))
	all := []string{"0=a", "1=b", "2=c", "3=d", "4=e", "5=f", "6=g"}
	for v := int16(4); v <= 18; v++ {
		for offset := range int64(7) {
			p := h.fetchVersion(v, id, want{topic: "t", offset: offset})
			first := map[bool]int64{true: offset / 3 * 3, false: 6}[offset < 6]
			if got := recordsOf(p.RecordBatches); p.ErrorCode != 0 || !slices.Equal(got, all[first:]) {
				t.Errorf("v%d from %d: got error %d and %v, expected %v", v, offset, p.ErrorCode, got, all[first:])
			}
		}
	}
}

// What is limited to less than a batch must still get the first one, or it never goes on.
func TestTrap40TheFirstBatchComesWhatevertheLimits(t *testing.T) {
	h := newHarness(t)
	h.create("t", 3)
	for i := range int32(3) {
		h.mustProduce("t", i, values(strings.Repeat("x", 1000)))
		h.mustProduce("t", i, values("y"))
	}
	sizes := func(maxBytes, partition int32, order ...int32) []int {
		req := fetchOf(12)
		for _, i := range order {
			req.Topics = append(req.Topics, fetchOf(12, want{topic: "t", index: i, max: partition}).Topics...)
		}
		req.MaxBytes = maxBytes
		var found []int
		for _, topic := range ask[*kmsg.FetchResponse](h, 12, req).Topics {
			for _, p := range topic.Partitions {
				found = append(found, len(recordsOf(p.RecordBatches)))
				if p.ErrorCode != 0 || p.HighWatermark != 2 {
					t.Errorf("got %+v", p)
				}
			}
		}
		return found
	}
	for _, test := range []struct {
		max, partition int32
		order          []int32
		want           []int
	}{
		{1, 1 << 20, []int32{0, 1, 2}, []int{1, 0, 0}},
		{1, 1 << 20, []int32{2, 0}, []int{1, 0}},
		{1 << 20, 1, []int32{1, 0}, []int{1, 0}},
		{1 << 20, 1 << 20, []int32{0, 1, 2}, []int{2, 2, 2}},
		{1200, 1 << 20, []int32{0, 1}, []int{2, 0}},
		{1100, 1 << 20, []int32{0}, []int{2}}, // the second batch is cut short: "..." counts
		{0, 1 << 20, []int32{0}, []int{1}},
	} {
		if got := sizes(test.max, test.partition, test.order...); !slices.Equal(got, test.want) {
			t.Errorf("max %d, partition max %d, order %v: got %v records, expected %v", test.max, test.partition,
				test.order, got, test.want)
		}
	}
}

// Waking too early is a busy loop, too late is max.wait for every record.
func TestTrap41FetchesWaitForBytesOrTime(t *testing.T) {
	for v := int16(4); v <= 18; v++ {
		h := newHarness(t)
		id := h.create("t", 2)
		size := int32(len(values("a").batch()))
		wait := func(minBytes int32) *testClient {
			w := want{topic: "t"}
			other := want{topic: "t", index: 1}
			if v >= 13 {
				w, other = want{id: id}, want{id: id, index: 1}
			}
			req := fetchOf(v, w, other)
			req.MinBytes, req.MaxWaitMillis = minBytes, 100
			c := h.connect()
			c.send(req)
			return c
		}
		one, both, never := wait(1), wait(2*size), wait(3*size)
		h.advance(99 * time.Millisecond)
		h.mustProduce("t", 1, values("a"))
		if len(one.answers) != 1 || len(both.answers)+len(never.answers) != 0 {
			t.Fatalf("v%d: got %d, %d, %d answers after one record", v, len(one.answers), len(both.answers),
				len(never.answers))
		}
		h.mustProduce("t", 0, values("b"))
		if len(both.answers) != 1 || len(never.answers) != 0 {
			t.Fatalf("v%d: got %d, %d answers after two records", v, len(both.answers), len(never.answers))
		}
		h.advance(time.Millisecond)
		if len(never.answers) != 1 {
			t.Fatalf("v%d: got no answer after max.wait", v)
		}
		for _, p := range never.answers[0].(*kmsg.FetchResponse).Topics[0].Partitions {
			if len(recordsOf(p.RecordBatches)) != 1 {
				t.Errorf("v%d: got %v after max.wait, expected what there is", v, recordsOf(p.RecordBatches))
			}
		}
		if got := wait(1); len(got.answers) != 1 {
			t.Errorf("v%d: a fetch of what is there waits", v)
		}
	}
}

// OFFSET_OUT_OF_RANGE sends a consumer back to where its reset policy says: between high watermark and log end it would
// lose its place.
func TestTrap42OutOfRangeIsOutsideTheLog(t *testing.T) {
	h := newHarness(t)
	id := h.create("t", 1, "flush.messages", "1")
	h.mustProduce("t", 0, values("a", "b", "c"))
	h.deleteRecords(2, "t", 0, 1)
	h.quiet = true // what comes now is in the log and not synced: beyond the high watermark
	c := h.connect()
	c.send(produceOf(9, -1, part{topic: "t", records: values("d", "e").batch()}))
	for v := int16(4); v <= 18; v++ {
		for offset, code := range map[int64]int16{-1: 1, 0: 1, 1: 0, 3: 0, 4: 0, 5: 0, 6: 1, 1<<63 - 1: 1} {
			p := h.fetchVersion(v, id, want{topic: "t", offset: offset})
			high := int64(3)
			if code != 0 {
				high = -1
			}
			if p.ErrorCode != code || p.HighWatermark != high || offset >= 3 && len(p.RecordBatches) > 0 {
				t.Errorf("v%d at %d: got error %d, high watermark %d, %v, expected %d, %d", v, offset, p.ErrorCode,
					p.HighWatermark, recordsOf(p.RecordBatches), code, high)
			}
		}
	}
}

func TestTrap43FetchSessions(t *testing.T) {
	h := newHarness(t)
	id := h.create("t", 2)
	h.mustProduce("t", 0, values("a"))
	for v := int16(7); v <= 18; v++ {
		w := want{topic: "t"}
		if v >= 13 {
			w = want{id: id}
		}
		call := func(session, sessionEpoch int32, wants ...want) *kmsg.FetchResponse {
			req := fetchOf(v, wants...)
			req.SessionID, req.SessionEpoch = session, sessionEpoch
			return ask[*kmsg.FetchResponse](h, v, req)
		}
		if res := call(0, -1, w); res.SessionID != 0 || res.ErrorCode != 0 || len(res.Topics) != 1 {
			t.Errorf("v%d none: got session %d, error %d", v, res.SessionID, res.ErrorCode)
		}
		made := call(0, 0, w)
		if made.SessionID == 0 || len(made.Topics) != 1 {
			t.Fatalf("v%d create: got %+v", v, made)
		}
		moved := w
		moved.offset = 1
		if res := call(made.SessionID, 1, moved); res.SessionID != made.SessionID || len(res.Topics) != 0 {
			t.Errorf("v%d nothing new: got session %d and %d topics", v, res.SessionID, len(res.Topics))
		}
		for _, wrong := range []int32{1, 3, 77, -2} {
			if res := call(made.SessionID, wrong); res.ErrorCode != 71 || res.SessionID != 0 {
				t.Errorf("v%d epoch %d: got error %d, session %d, expected 71", v, wrong, res.ErrorCode, res.SessionID)
			}
		}
		if res := call(made.SessionID+1, 2); res.ErrorCode != 70 {
			t.Errorf("v%d unknown session: got error %d, expected 70", v, res.ErrorCode)
		}
		again := call(made.SessionID, 0, w)
		if again.SessionID == 0 || again.SessionID == made.SessionID {
			t.Errorf("v%d close and create: got session %d after %d", v, again.SessionID, made.SessionID)
		}
		if res := call(made.SessionID, 2); res.ErrorCode != 70 {
			t.Errorf("v%d the session that was closed: got error %d, expected 70", v, res.ErrorCode)
		}
		if res := call(again.SessionID, -1, w); res.SessionID != 0 || len(res.Topics) != 1 {
			t.Errorf("v%d end: got session %d", v, res.SessionID)
		}
		if res := call(again.SessionID, 1); res.ErrorCode != 70 {
			t.Errorf("v%d the session that was ended: got error %d, expected 70", v, res.ErrorCode)
		}
	}
}

func TestTrap43SessionsDoNotGoFromNamesToIDs(t *testing.T) {
	h := newHarness(t)
	id := h.create("t", 1)
	for _, versions := range [][2]int16{{12, 13}, {13, 12}, {7, 18}} {
		w := want{topic: "t"}
		if versions[0] >= 13 {
			w = want{id: id}
		}
		req := fetchOf(versions[0], w)
		req.SessionEpoch = 0
		session := ask[*kmsg.FetchResponse](h, versions[0], req).SessionID
		req = fetchOf(versions[1])
		req.SessionID, req.SessionEpoch = session, 1
		if res := ask[*kmsg.FetchResponse](h, versions[1], req); res.ErrorCode != 106 {
			t.Errorf("from v%d to v%d: got error %d, expected 106", versions[0], versions[1], res.ErrorCode)
		}
	}
	if got := nextSessionEpoch(1<<31 - 1); got != 1 {
		t.Errorf("the last epoch is followed by %d, expected 1", got)
	}
}

// Without transactions the last stable offset is the high watermark, and nothing was aborted.
func TestTrap44ReadCommitted(t *testing.T) {
	h := newHarness(t)
	id := h.create("t", 1)
	h.mustProduce("t", 0, values("a", "b"))
	for v := int16(4); v <= 18; v++ {
		w := want{topic: "t", offset: 1}
		if v >= 13 {
			w = want{id: id, offset: 1}
		}
		req := fetchOf(v, w)
		req.IsolationLevel = 1
		p := ask[*kmsg.FetchResponse](h, v, req).Topics[0].Partitions[0]
		if p.LastStableOffset != 2 || p.AbortedTransactions == nil || len(p.AbortedTransactions) > 0 ||
			len(recordsOf(p.RecordBatches)) != 2 {
			t.Errorf("v%d: got %+v", v, p)
		}
	}
}

// listOffset asks for one partition's offset.
func (h *harness) listOffset(version int16, topic string, timestamp int64,
	leaderEpoch int32) kmsg.ListOffsetsResponseTopicPartition {
	h.Helper()
	req := kmsg.NewPtrListOffsetsRequest()
	p := kmsg.NewListOffsetsRequestTopicPartition()
	p.Timestamp, p.CurrentLeaderEpoch = timestamp, leaderEpoch
	req.ReplicaID = -1
	req.Topics = []kmsg.ListOffsetsRequestTopic{{Topic: topic, Partitions: []kmsg.ListOffsetsRequestTopicPartition{p}}}
	return ask[*kmsg.ListOffsetsResponse](h, version, req).Topics[0].Partitions[0]
}

func TestTrap45ListOffsets(t *testing.T) {
	h := newHarness(t)
	h.create("t", 1)
	h.create("empty", 1)
	h.mustProduce("t", 0, recipe{values: []string{"a", "b", "c"}, timestamps: []int64{1000, 3000, 2000}})
	h.mustProduce("t", 0, recipe{values: []string{"d", "e"}, timestamps: []int64{2500, 3000}, codec: 2})
	for _, test := range []struct {
		topic     string
		timestamp int64
		since     int16
		want      string // timestamp, offset
	}{
		{"t", -1, 1, "-1 5"}, {"t", -2, 1, "-1 0"}, {"t", -3, 7, "3000 1"}, {"t", -4, 8, "-1 0"}, {"t", -5, 9, "-1 -1"},
		{"t", -6, 11, "-1 -1"}, {"t", -7, 99, ""}, {"t", 0, 1, "1000 0"}, {"t", 1000, 1, "1000 0"},
		{"t", 1001, 1, "3000 1"}, {"t", 3000, 1, "3000 1"}, {"t", 3001, 1, "-1 -1"}, {"t", 1<<63 - 1, 1, "-1 -1"},
		{"empty", -1, 1, "-1 0"}, {"empty", -2, 1, "-1 0"}, {"empty", -3, 7, "-1 -1"}, {"empty", 0, 1, "-1 -1"},
	} {
		for v := int16(1); v <= 11; v++ {
			p := h.listOffset(v, test.topic, test.timestamp, -1)
			got, code := fmt.Sprint(p.Timestamp, " ", p.Offset), int16(0)
			if v < test.since {
				code = 35
			}
			if p.ErrorCode != code || code == 0 && got != test.want {
				t.Errorf("v%d %s at %d: got error %d and %s, expected %d and %s", v, test.topic, test.timestamp,
					p.ErrorCode, got, code, test.want)
			}
		}
	}
	for v := int16(1); v <= 11; v++ {
		req := kmsg.NewPtrListOffsetsRequest()
		twice := kmsg.NewListOffsetsRequestTopicPartition()
		twice.Timestamp = -1
		req.Topics = []kmsg.ListOffsetsRequestTopic{{
			Topic: "t", Partitions: []kmsg.ListOffsetsRequestTopicPartition{twice, twice},
		}}
		got := ask[*kmsg.ListOffsetsResponse](h, v, req).Topics[0].Partitions
		if len(got) != 1 || got[0].ErrorCode != 42 {
			t.Errorf("v%d: a partition named twice got %+v, expected error 42 once", v, got)
		}
	}
}

// A wrong code sends clients round in circles between metadata and the leader.
func TestTrap46LeaderEpochsAreFenced(t *testing.T) {
	h := newHarness(t)
	id := h.create("t", 1)
	h.mustProduce("t", 0, values("a"))
	h.kill() // the leader's epoch is 1 now
	for claimed, code := range map[int32]int16{-1: 0, 0: 74, 1: 0, 2: 75, 1<<31 - 1: 75} {
		for v := int16(9); v <= 18; v++ {
			w := want{topic: "t"}
			if v >= 13 {
				w = want{id: id}
			}
			req := fetchOf(v, w)
			req.Topics[0].Partitions[0].CurrentLeaderEpoch = claimed
			if p := ask[*kmsg.FetchResponse](h, v, req).Topics[0].Partitions[0]; p.ErrorCode != code {
				t.Errorf("Fetch v%d epoch %d: got error %d, expected %d", v, claimed, p.ErrorCode, code)
			}
		}
		for v := int16(4); v <= 11; v++ {
			if p := h.listOffset(v, "t", -1, claimed); p.ErrorCode != code || code == 0 && p.LeaderEpoch != 1 {
				t.Errorf("ListOffsets v%d epoch %d: got error %d, epoch %d", v, claimed, p.ErrorCode, p.LeaderEpoch)
			}
		}
		for v := int16(2); v <= 4; v++ {
			if p := h.epochEnd(v, 0, claimed); p.ErrorCode != code {
				t.Errorf("OffsetForLeaderEpoch v%d epoch %d: got error %d, expected %d", v, claimed, p.ErrorCode, code)
			}
		}
	}
}

// epochEnd asks where an epoch of topic t ended.
func (h *harness) epochEnd(version int16, asked, claimed int32) kmsg.OffsetForLeaderEpochResponseTopicPartition {
	h.Helper()
	req := kmsg.NewPtrOffsetForLeaderEpochRequest()
	p := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
	p.LeaderEpoch, p.CurrentLeaderEpoch = asked, claimed
	req.Topics = []kmsg.OffsetForLeaderEpochRequestTopic{{
		Topic: "t", Partitions: []kmsg.OffsetForLeaderEpochRequestTopicPartition{p},
	}}
	return ask[*kmsg.OffsetForLeaderEpochResponse](h, version, req).Topics[0].Partitions[0]
}

// A wrong end is a LogTruncationException, or records skipped without a word.
func TestTrap47OffsetForLeaderEpoch(t *testing.T) {
	h := newHarness(t)
	h.create("t", 1)
	h.mustProduce("t", 0, values("a", "b"))
	h.kill()
	h.mustProduce("t", 0, values("c"))
	h.kill() // nothing is written in epoch 2
	h.kill()
	h.mustProduce("t", 0, values("d", "e"))
	for asked, want := range map[int32]string{
		-1: "-1 -1", 0: "0 2", 1: "1 3", 2: "1 3", 3: "3 5", 4: "-1 -1", 1<<31 - 1: "-1 -1",
	} {
		for v := int16(2); v <= 4; v++ {
			p := h.epochEnd(v, asked, -1)
			if got := fmt.Sprint(p.LeaderEpoch, " ", p.EndOffset); p.ErrorCode != 0 || got != want {
				t.Errorf("v%d epoch %d: got error %d and %s, expected %s", v, asked, p.ErrorCode, got, want)
			}
		}
	}
	diverged := fetchOf(12, want{topic: "t", offset: 3})
	diverged.Topics[0].Partitions[0].LastFetchedEpoch = 0
	p := ask[*kmsg.FetchResponse](h, 12, diverged).Topics[0].Partitions[0]
	if p.DivergingEpoch.Epoch != 0 || p.DivergingEpoch.EndOffset != 2 || len(p.RecordBatches) > 0 {
		t.Errorf("a client whose epoch 0 goes beyond ours: got %+v", p)
	}
}
