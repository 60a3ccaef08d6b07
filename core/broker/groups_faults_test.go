package broker

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/core/group"
	"github.com/gregor-log/gregor/core/vfs"
)

// runUnless runs the tasks that wait, and those that they lead to, but for those that later is true of: they go on
// waiting.
func (h *harness) runUnless(later func(Task) bool) {
	h.quiet = true
	var left []Task
	for len(h.tasks) > 0 {
		if later(h.tasks[0]) {
			left = append(left, h.tasks[0])
			h.tasks = h.tasks[1:]
		} else {
			h.runTask()
		}
	}
	h.tasks = left
}

func isLoad(t Task) bool { _, ok := t.(*loadTask); return ok }
func isSync(t Task) bool { _, ok := t.(*syncTask); return ok }

// dropUnless deletes a topic while some tasks go on waiting.
func (h *harness) dropUnless(name string, later func(Task) bool) {
	h.Helper()
	c := h.connect()
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.Version, req.TopicNames = 5, []string{name}
	c.send(req)
	h.runUnless(later)
	if len(c.answers) != 1 || c.answers[0].(*kmsg.DeleteTopicsResponse).Topics[0].ErrorCode != noCode {
		h.Fatalf("got %+v, expected %s to be deleted", c.answers, name)
	}
	c.close()
}

// alterOffsets alters a config of the topic of offsets.
func (h *harness) alterOffsets(name, value string) {
	h.Helper()
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	req.Resources = []kmsg.IncrementalAlterConfigsRequestResource{{
		ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: offsetsTopic,
		Configs: []kmsg.IncrementalAlterConfigsRequestResourceConfig{{Name: name, Value: &value}},
	}}
	if res := ask[*kmsg.IncrementalAlterConfigsResponse](h, 1, req).Resources[0]; res.ErrorCode != noCode {
		h.Fatalf("%s: got %s", name, *res.ErrorMessage)
	}
}

// A topic that is deleted while a coordinator reads its log takes its offsets with it, also if the next of its name is
// there when the log is read.
func TestTopicDeletedWhileGroupsLoad(t *testing.T) {
	h := groupsHarness(t)
	if code := h.member("g").commit(1, 5, ""); code != noCode {
		t.Fatalf("commit: got error %d", code)
	}
	h.quiet = true
	h.restart()
	h.dropUnless("t", isLoad)
	h.createUnless("t", 4, isLoad)
	h.quiet = false
	h.runTasks()
	h.wantFetched("g", 1, "-1 ")
}

// createUnless makes a topic while some tasks go on waiting.
func (h *harness) createUnless(name string, partitions int32, later func(Task) bool) {
	h.Helper()
	c := h.connect()
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Version = 7
	req.Topics = []kmsg.CreateTopicsRequestTopic{{Topic: name, NumPartitions: partitions, ReplicationFactor: 1}}
	c.send(req)
	h.runUnless(later)
	if len(c.answers) != 1 || c.answers[0].(*kmsg.CreateTopicsResponse).Topics[0].ErrorCode != noCode {
		h.Fatalf("got %+v, expected %s to be made", c.answers, name)
	}
	c.close()
}

// Power may go when a topic's deletion is synced and that of its offsets is not.
func TestOffsetsOfDeletedTopicsStayAwayAfterPowerLoss(t *testing.T) {
	mem := vfs.NewMem(vfs.MemOptions{Capacity: 1 << 40, Crashable: true})
	h := newHarnessOn(t, func(vfs.FS) vfs.FS { return mem }, kv("offsets.topic.num.partitions", "3"),
		kv("log.flush.interval.messages", "1"))
	h.mem = mem
	h.create("t", 4)
	h.coordinator("g")
	if code := h.member("g").commit(1, 5, ""); code != noCode {
		t.Fatalf("commit: got error %d", code)
	}
	h.dropUnless("t", isSync)
	if err := h.b.Abandon(); err != nil {
		t.Fatal(err)
	}
	h.clients, h.tasks = make(map[*Conn]*testClient), nil
	h.mem.PowerLoss(vfs.LoseAll)
	h.mem.Restart()
	h.quiet = false
	h.open()
	h.create("t", 4)
	h.wantFetched("g", 1, "-1 ")
}

// trimming makes a harness whose log of offsets waits to be written anew: commits for topic "u" wait for their sync,
// and more is held behind them.
func trimming(t *testing.T) *harness {
	t.Helper()
	h := groupsHarness(t, kv("offsets.topic.segment.bytes", "1048576"), kv("offsets.topic.num.partitions", "1"))
	h.alterOffsets("flush.messages", "1")
	h.create("u", 1)
	return h
}

// fillUp sends commits until the log is due, none of which is synced.
func (h *harness) fillUp() {
	h.Helper()
	h.quiet = true
	m := h.member("filler")
	for i := range int64(400) {
		c := m.commitRequest(0, i, strings.Repeat("x", 3000))
		c.Topics[0].Topic = "u"
		m.send(c)
	}
	if s := h.b.groups.all()[0]; !s.trim.wanted {
		h.Fatal("got a log that is not due")
	}
}

// A commit that is held while the log is written anew is refused if its topic is deleted meanwhile.
func TestHeldCommitOfADeletedTopic(t *testing.T) {
	h := trimming(t)
	h.fillUp()
	m := h.member("g")
	m.send(m.commitRequest(1, 77, "stale"))
	h.dropUnless("t", isSync)
	h.quiet = false
	h.runTasks()
	if len(m.answers) != 1 {
		t.Fatalf("got %d answers, expected 1", len(m.answers))
	}
	if got := m.answers[0].(*kmsg.OffsetCommitResponse).Topics[0].Partitions[0].ErrorCode; got != unknownTopic {
		t.Errorf("got error %d, expected UNKNOWN_TOPIC_OR_PARTITION", got)
	}
	h.create("t", 4)
	h.wantFetched("g", 1, "-1 ")
}

// Heartbeats are not held: a member that beats on time stays a member, however long the sync takes.
func TestHeartbeatsAreNotHeld(t *testing.T) {
	h := trimming(t)
	m := h.settled("g", "x")
	h.fillUp()
	for range 4 {
		h.advance(3 * time.Second)
		if code := m.heartbeat(); code != noCode {
			t.Fatalf("got error %d of a session of 10 s with a heartbeat every 3 s", code)
		}
	}
	h.quiet = false
	h.runTasks()
}

// The log of offsets is trimmed even where what it holds would be refused today.
func TestTrimWithSmallMaxMessageBytes(t *testing.T) {
	h := groupsHarness(t, kv("offsets.topic.segment.bytes", "1048576"), kv("offsets.topic.num.partitions", "1"))
	h.settled("big", strings.Repeat("a", 300_000))
	h.alterOffsets("max.message.bytes", "200000")
	m := h.member("g")
	for i := range int64(2000) {
		if code := m.commit(int32(i%4), i, strings.Repeat("x", 3000)); code != noCode {
			t.Fatalf("commit %d: got error %d", i, code)
		}
	}
	if size := h.b.topics.partition(offsetsTopic, 0).log.Size(); size > 4<<20 {
		t.Errorf("got a log of %d bytes, expected at most %d", size, 4<<20)
	}
	h.kill()
	described := ask[*kmsg.DescribeGroupsResponse](h, 6, &kmsg.DescribeGroupsRequest{Groups: []string{"big"}}).Groups[0]
	if described.State != "Stable" || len(described.Members[0].MemberAssignment) != 300_000 {
		t.Errorf("got %q with %d members, expected the big group as it was", described.State, len(described.Members))
	}
}

// A JoinGroup that waits when its coordinator's partition goes out of service is told to look for another.
func TestParkedJoinOfAnOfflineCoordinator(t *testing.T) {
	h, faults := faulty(t)
	h.create("t", 4)
	h.coordinator("g")
	m := h.member("g")
	m.send(m.joinRequest())
	m.id = m.answers[0].(*kmsg.JoinGroupResponse).MemberID
	m.send(m.joinRequest()) // which waits for others for three seconds
	faults.SetHook(vfs.FailNth(in(offsetsTopic, vfs.OpWrite), 1, vfs.ErrIO))
	neighbour := "a"
	for group.PartitionFor(neighbour, 50) != group.PartitionFor("g", 50) {
		neighbour += "a"
	}
	if code := h.member(neighbour).commit(0, 1, ""); code != kerr.NotCoordinator.Code {
		t.Errorf("commit: got error %d, expected NOT_COORDINATOR", code)
	}
	if len(m.answers) != 2 || m.answers[1].(*kmsg.JoinGroupResponse).ErrorCode != kerr.NotCoordinator.Code {
		t.Errorf("got %+v, expected NOT_COORDINATOR for the member that waits", m.answers[1:])
	}
}

// Partitions added to the topic of offsets do not move the groups that there are.
func TestMorePartitionsOfOffsets(t *testing.T) {
	h := groupsHarness(t)
	groups := []string{"g", "a", "b", "c", "d"}
	for _, name := range groups {
		if code := h.member(name).commit(0, 5, ""); code != noCode {
			t.Fatalf("commit: got error %d", code)
		}
	}
	req := kmsg.NewPtrCreatePartitionsRequest()
	req.Topics = []kmsg.CreatePartitionsRequestTopic{{Topic: offsetsTopic, Count: 7}}
	if res := ask[*kmsg.CreatePartitionsResponse](h, 3, req).Topics[0]; res.ErrorCode != noCode {
		t.Fatalf("got error %d", res.ErrorCode)
	}
	for _, name := range groups {
		h.coordinator(name)
		h.wantFetched(name, 0, "5 ")
	}
}

// A group that is named over a thousand times is answered once; several large ones are told up to a limit.
func TestAnswersAboutGroupsAreBounded(t *testing.T) {
	h := groupsHarness(t)
	h.settled("g", strings.Repeat("a", 500_000))
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Version, req.Groups = 5, slices.Repeat([]string{"g"}, mostRepeated+1)
	conn := NewConn(h.b.Listener("PLAINTEXT"), "127.0.0.1")
	var out Effects
	n := allocated(func() { h.b.Step(h.now, Input{Kind: Frame, Conn: conn, Frame: frameOf(req)}, &out) })
	for _, r := range conn.Take(nil) {
		r.Release()
	}
	h.b.Step(h.now, Input{Kind: Closed, Conn: conn}, &out)
	if n > 4<<20 {
		t.Errorf("got %d bytes allocated for one group of 500 kB, expected at most %d", n, 4<<20)
	}
	var names []string
	for i := range 200 {
		names = append(names, fmt.Sprintf("group-%d", i))
		h.settled(names[i], strings.Repeat("a", 500_000))
	}
	req.Groups = names
	codes := make(map[int16]int)
	for _, g := range h.connect().ask(req).(*kmsg.DescribeGroupsResponse).Groups {
		codes[g.ErrorCode]++
	}
	if told := codes[noCode]; told < 100 || told > 150 || codes[kerr.InvalidRequest.Code] != 200-told {
		t.Errorf("got codes %v, expected some 134 groups of 500 kB and INVALID_REQUEST for the others", codes)
	}
}

// Frames full of the shortest names cost no more than a multiple of their size, whether there are coordinators or not.
func TestFramesOfNames(t *testing.T) {
	const size, factor = 1 << 16, 200
	h := newHarness(t)
	for _, made := range []bool{false, true} {
		if made {
			h.coordinator("g")
		}
		names := make([]string, size)
		groups := make([]kmsg.OffsetFetchRequestGroup, size)
		for _, req := range []kmsg.Request{
			&kmsg.FindCoordinatorRequest{Version: 4, CoordinatorKeys: names},
			&kmsg.DescribeGroupsRequest{Version: 5, Groups: names},
			&kmsg.DeleteGroupsRequest{Version: 2, Groups: names},
			&kmsg.OffsetFetchRequest{Version: 8, Groups: groups},
		} {
			frame := frameOf(req)
			if n := h.throw(frame); n > factor*uint64(len(frame)) {
				t.Errorf("%s: got %d bytes allocated for %d, expected at most %d times as many",
					kmsg.Key(req.Key()).Name(), n, len(frame), factor)
			}
		}
	}
}
