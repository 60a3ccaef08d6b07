package broker

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/core/group"
	"github.com/gregor-log/gregor/core/vfs"
)

// groupsHarness is a harness with a topic "t" of four partitions, whose groups do not wait for more members.
func groupsHarness(t *testing.T, more ...config.KV) *harness {
	t.Helper()
	h := newHarness(t, append([]config.KV{
		{Name: "group.initial.rebalance.delay.ms", Value: "0"}, {Name: "offsets.topic.num.partitions", Value: "3"},
	}, more...)...)
	h.create("t", 4)
	h.coordinator("g")
	return h
}

// coordinator asks for a group's coordinator until there is one, as clients do.
func (h *harness) coordinator(name string) {
	h.Helper()
	for range 3 {
		req := kmsg.NewPtrFindCoordinatorRequest()
		req.CoordinatorKeys = []string{name}
		res := ask[*kmsg.FindCoordinatorResponse](h, 6, req)
		if got := res.Coordinators[0]; got.ErrorCode == noCode {
			if got.NodeID != 1 || got.Host != "127.0.0.1" || got.Port != 9092 {
				h.Fatalf("got coordinator %+v, expected this broker", got)
			}
			return
		} else if got.ErrorCode != kerr.CoordinatorNotAvailable.Code {
			h.Fatalf("got error %d, expected COORDINATOR_NOT_AVAILABLE", got.ErrorCode)
		}
	}
	h.Fatal("got no coordinator")
}

// groupMember is a member of a classic group that speaks the newest versions.
type groupMember struct {
	*testClient
	group      string
	id         string
	instance   *string
	generation int32
	leader     bool
}

func (h *harness) member(name string) *groupMember {
	return &groupMember{testClient: h.connect(), group: name, generation: -1}
}

func (m *groupMember) joinRequest() *kmsg.JoinGroupRequest {
	req := kmsg.NewPtrJoinGroupRequest()
	req.SetVersion(9)
	req.Group, req.MemberID, req.InstanceID, req.ProtocolType = m.group, m.id, m.instance, "consumer"
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 10_000, 60_000
	p := kmsg.NewJoinGroupRequestProtocol()
	p.Name = "range"
	p.Metadata = (&kmsg.ConsumerMemberMetadata{Version: 1, Topics: []string{"t"}}).AppendTo(nil)
	req.Protocols = append(req.Protocols, p)
	return req
}

// join joins the group, alone.
func (m *groupMember) join() *kmsg.JoinGroupResponse {
	m.h.Helper()
	res := m.ask(m.joinRequest()).(*kmsg.JoinGroupResponse)
	if res.ErrorCode == kerr.MemberIDRequired.Code {
		m.id = res.MemberID
		res = m.ask(m.joinRequest()).(*kmsg.JoinGroupResponse)
	}
	m.id, m.generation, m.leader = res.MemberID, res.Generation, res.MemberID == res.LeaderID
	return res
}

// sync takes the member's assignment, which as the leader it makes up: all that members say they want.
func (m *groupMember) sync(assignment string) *kmsg.SyncGroupResponse {
	m.h.Helper()
	req := kmsg.NewPtrSyncGroupRequest()
	req.SetVersion(5)
	req.Group, req.MemberID, req.Generation, req.InstanceID = m.group, m.id, m.generation, m.instance
	kind, protocol := "consumer", "range"
	req.ProtocolType, req.Protocol = &kind, &protocol
	if m.leader {
		a := kmsg.NewSyncGroupRequestGroupAssignment()
		a.MemberID, a.MemberAssignment = m.id, []byte(assignment)
		req.GroupAssignment = append(req.GroupAssignment, a)
	}
	return m.ask(req).(*kmsg.SyncGroupResponse)
}

func (m *groupMember) heartbeat() int16 {
	m.h.Helper()
	req := kmsg.NewPtrHeartbeatRequest()
	req.SetVersion(4)
	req.Group, req.MemberID, req.Generation, req.InstanceID = m.group, m.id, m.generation, m.instance
	return m.ask(req).(*kmsg.HeartbeatResponse).ErrorCode
}

func (m *groupMember) commitRequest(partition int32, offset int64, metadata string) *kmsg.OffsetCommitRequest {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.SetVersion(9)
	req.Group, req.MemberID, req.Generation, req.InstanceID = m.group, m.id, m.generation, m.instance
	t := kmsg.NewOffsetCommitRequestTopic()
	t.Topic = "t"
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Partition, p.Offset, p.Metadata = partition, offset, &metadata
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	return req
}

func (m *groupMember) commit(partition int32, offset int64, metadata string) int16 {
	m.h.Helper()
	res := m.ask(m.commitRequest(partition, offset, metadata)).(*kmsg.OffsetCommitResponse)
	return res.Topics[0].Partitions[0].ErrorCode
}

// fetched returns what a group has committed for a partition of "t", as "offset metadata", or the error.
func (h *harness) fetched(name string, partition int32) string {
	h.Helper()
	req := kmsg.NewPtrOffsetFetchRequest()
	g := kmsg.NewOffsetFetchRequestGroup()
	g.Group = name
	g.Topics = []kmsg.OffsetFetchRequestGroupTopic{{Topic: "t", Partitions: []int32{partition}}}
	req.Groups = append(req.Groups, g)
	res := ask[*kmsg.OffsetFetchResponse](h, 9, req).Groups[0]
	if res.ErrorCode != noCode {
		return kerr.TypedErrorForCode(res.ErrorCode).Message
	}
	p := res.Topics[0].Partitions[0]
	if p.ErrorCode != noCode {
		return kerr.TypedErrorForCode(p.ErrorCode).Message
	}
	return fmt.Sprintf("%d %s", p.Offset, *p.Metadata)
}

// wantFetched fails unless a group has committed that.
func (h *harness) wantFetched(name string, partition int32, want string) {
	h.Helper()
	if got := h.fetched(name, partition); got != want {
		h.Errorf("group %s, partition %d: got %q committed, expected %q", name, partition, got, want)
	}
}

// settled makes one member join and take an assignment.
func (h *harness) settled(name, assignment string) *groupMember {
	h.Helper()
	m := h.member(name)
	if res := m.join(); res.ErrorCode != noCode {
		h.Fatalf("join: got error %d", res.ErrorCode)
	}
	if res := m.sync(assignment); res.ErrorCode != noCode || string(res.MemberAssignment) != assignment {
		h.Fatalf("sync: got error %d and assignment %q, expected %q", res.ErrorCode, res.MemberAssignment, assignment)
	}
	return m
}

// The first client that asks for a coordinator has the topic of offsets made: internal, compacted, with as many
// partitions as the configuration says.
func TestTrap48FindCoordinatorMakesTheTopic(t *testing.T) {
	h := newHarness(t, config.KV{Name: "offsets.topic.num.partitions", Value: "7"})
	h.coordinator("g")
	m := h.b.Image().Topic(offsetsTopic)
	if m == nil || len(m.Partitions) != 7 || len(m.Partitions[0].Replicas) != 1 || !m.Internal() {
		t.Fatalf("got topic %+v, expected an internal one of 7 partitions", m)
	}
	if cfg := h.b.topicConfig(h.b.Image(), offsetsTopic); !cfg.Compact || cfg.Delete || cfg.SegmentBytes != 100<<20 {
		t.Errorf("got %+v, expected a compacted topic with segments of 100 MiB", cfg)
	}
	for v := range int16(4) {
		req := kmsg.NewPtrFindCoordinatorRequest()
		req.CoordinatorKey = "g"
		if res := ask[*kmsg.FindCoordinatorResponse](h, v, req); res.ErrorCode != noCode || res.Port != 9092 {
			t.Errorf("v%d: got %+v, expected this broker", v, res)
		}
	}
}

// A member's life: it joins, takes what the leader assigned, heartbeats and commits; after a clean restart and after a
// kill, all of it is still there.
func TestGroupsSurviveRestarts(t *testing.T) {
	h := groupsHarness(t)
	m := h.settled("g", "all of it")
	if code := m.commit(0, 42, "about it"); code != noCode {
		t.Fatalf("commit: got error %d", code)
	}
	for name, again := range map[string]func(){"restart": h.restart, "kill": h.kill} {
		again()
		h.wantFetched("g", 0, "42 about it")
		h.wantFetched("g", 1, "-1 ")
		m.testClient = h.connect()
		if code := m.heartbeat(); code != noCode {
			t.Errorf("after %s: heartbeat got error %d", name, code)
		}
		if res := m.sync(""); string(res.MemberAssignment) != "all of it" || res.ErrorCode != noCode {
			t.Errorf("after %s: sync got error %d and assignment %q", name, res.ErrorCode, res.MemberAssignment)
		}
	}
	m.commit(0, 43, "")
	h.wantFetched("g", 0, "43 ")
}

// While a coordinator reads its log, clients are told to wait, and nobody is told that a member is unknown.
func TestTrap48LoadingIsSaid(t *testing.T) {
	h := groupsHarness(t)
	m := h.settled("g", "x")
	m.commit(0, 7, "")
	h.quiet = true
	h.restart()
	m.testClient = h.connect()
	const loading = "COORDINATOR_LOAD_IN_PROGRESS"
	h.wantFetched("g", 0, loading)
	if n := h.b.GroupsLoading(); n != 1 {
		t.Errorf("got %d coordinators that load, expected 1", n)
	}
	g := []string{"g"}
	told := map[string]int16{
		"heartbeat": m.heartbeat(), "commit": m.commit(0, 8, ""), "sync": m.sync("").ErrorCode,
		"join":     m.ask(m.joinRequest()).(*kmsg.JoinGroupResponse).ErrorCode,
		"list":     ask[*kmsg.ListGroupsResponse](h, 5, kmsg.NewPtrListGroupsRequest()).ErrorCode,
		"leave":    ask[*kmsg.LeaveGroupResponse](h, 2, &kmsg.LeaveGroupRequest{Group: "g", MemberID: m.id}).ErrorCode,
		"describe": ask[*kmsg.DescribeGroupsResponse](h, 6, &kmsg.DescribeGroupsRequest{Groups: g}).Groups[0].ErrorCode,
		"delete":   ask[*kmsg.DeleteGroupsResponse](h, 2, &kmsg.DeleteGroupsRequest{Groups: g}).Groups[0].ErrorCode,
	}
	for what, code := range told {
		if code != kerr.CoordinatorLoadInProgress.Code {
			t.Errorf("%s: got error %d, expected %s", what, code, loading)
		}
	}
	h.quiet = false
	h.runTasks()
	h.wantFetched("g", 0, "7 ")
	if code := m.heartbeat(); code != noCode {
		t.Errorf("heartbeat after loading: got error %d", code)
	}
}

// With flush.messages=1 on the topic of offsets, a commit is answered, and shown, once it is synced.
func TestCommitsWaitForTheirSync(t *testing.T) {
	h := groupsHarness(t)
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	one := "1"
	req.Resources = []kmsg.IncrementalAlterConfigsRequestResource{{
		ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: offsetsTopic,
		Configs: []kmsg.IncrementalAlterConfigsRequestResourceConfig{{Name: "flush.messages", Value: &one}},
	}}
	if res := ask[*kmsg.IncrementalAlterConfigsResponse](h, 1, req); res.Resources[0].ErrorCode != noCode {
		t.Fatalf("got %+v", res.Resources[0])
	}
	m := h.settled("g", "x")
	h.quiet = true
	m.send(m.commitRequest(0, 9, ""))
	answered := len(m.answers)
	h.wantFetched("g", 0, "-1 ")
	h.quiet = false
	h.runTasks()
	if len(m.answers) != answered+1 {
		t.Fatalf("got %d answers after the sync, expected 1", len(m.answers)-answered)
	}
	h.wantFetched("g", 0, "9 ")
}

// A silent member's session ends: its group is empty then, and it is unknown.
func TestSessionsEnd(t *testing.T) {
	h := groupsHarness(t)
	m := h.settled("g", "x")
	h.advance(9 * time.Second)
	if code := m.heartbeat(); code != noCode {
		t.Fatalf("got error %d within the session", code)
	}
	h.advance(11 * time.Second)
	if code := m.heartbeat(); code != kerr.UnknownMemberID.Code {
		t.Errorf("got error %d after the session, expected UNKNOWN_MEMBER_ID", code)
	}
	if got := h.b.GroupStats(); got.Members != 0 || got.Groups[group.Empty] != 1 {
		t.Errorf("got %+v, expected one empty group", got)
	}
}

// The log of offsets does not grow without end: it is written anew and trimmed, and nothing is lost by that.
func TestOffsetsLogIsTrimmed(t *testing.T) {
	const segment = 1 << 20
	h := groupsHarness(t, config.KV{Name: "offsets.topic.segment.bytes", Value: fmt.Sprint(segment)},
		config.KV{Name: "offsets.topic.num.partitions", Value: "1"})
	m := h.settled("g", "x")
	text := make([]byte, 3000)
	for i := range text {
		text[i] = 'x'
	}
	const commits = 3000
	for i := range commits {
		if code := m.commit(int32(i%4), int64(i), string(text)); code != noCode {
			t.Fatalf("commit %d: got error %d", i, code)
		}
	}
	p := h.b.topics.partition(offsetsTopic, 0)
	if size := p.log.Size(); size > 3*segment {
		t.Errorf("got a log of %d bytes, expected at most %d", size, 3*segment)
	}
	for range 2 {
		for i := range 4 {
			h.wantFetched("g", int32(i), fmt.Sprintf("%d %s", commits-4+i, text))
		}
		h.kill()
	}
}

// Deleting a topic deletes the offsets committed for it, and a topic of the same name begins without any.
func TestDeletedTopicsTakeTheirOffsets(t *testing.T) {
	h := groupsHarness(t)
	m := h.member("g")
	if code := m.commit(1, 5, ""); code != noCode {
		t.Fatalf("got error %d", code)
	}
	h.wantFetched("g", 1, "5 ")
	h.drop("t")
	h.create("t", 4)
	h.wantFetched("g", 1, "-1 ")
	h.kill()
	h.wantFetched("g", 1, "-1 ")
}

// A commit for a partition that does not exist is refused by itself.
func TestTrap54CommitOfMissingPartitions(t *testing.T) {
	h := groupsHarness(t)
	m := h.member("g")
	req := m.commitRequest(0, 1, "a")
	more := m.commitRequest(4, 1, "b").Topics[0].Partitions
	req.Topics[0].Partitions = append(req.Topics[0].Partitions, more...)
	other := kmsg.NewOffsetCommitRequestTopic()
	other.Topic, other.Partitions = "none", more
	req.Topics = append(req.Topics, other)
	res := m.ask(req).(*kmsg.OffsetCommitResponse)
	var got []int16
	for _, t := range res.Topics {
		for _, p := range t.Partitions {
			got = append(got, p.ErrorCode)
		}
	}
	if want := []int16{noCode, unknownTopic, unknownTopic}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got errors %v, expected %v", got, want)
	}
	h.wantFetched("g", 0, "1 a")
}

// From version 10, topics are named by their ids in commits and fetches.
func TestOffsetsByTopicID(t *testing.T) {
	h := groupsHarness(t)
	m := h.member("g")
	id := h.b.Image().Topic("t").ID
	req := m.commitRequest(2, 77, "by id")
	req.SetVersion(10)
	req.Topics[0].Topic, req.Topics[0].TopicID = "", id
	unknown := req.Topics[0]
	unknown.TopicID = [16]byte{1}
	req.Topics = append(req.Topics, unknown)
	res := m.ask(req).(*kmsg.OffsetCommitResponse)
	if a, b := res.Topics[0].Partitions[0].ErrorCode, res.Topics[1].Partitions[0].ErrorCode; a != noCode ||
		b != unknownTopicID {
		t.Fatalf("got errors %d and %d, expected 0 and UNKNOWN_TOPIC_ID", a, b)
	}
	for _, topics := range [][]kmsg.OffsetFetchRequestGroupTopic{
		nil, {{TopicID: id, Partitions: []int32{2}}, {TopicID: [16]byte{1}, Partitions: []int32{2}}},
	} {
		fetch := kmsg.NewPtrOffsetFetchRequest()
		fetch.Groups = []kmsg.OffsetFetchRequestGroup{{Group: "g", Topics: topics, MemberEpoch: -1}, {Group: "other"}}
		got := ask[*kmsg.OffsetFetchResponse](h, 10, fetch)
		first := got.Groups[0].Topics[0]
		if first.TopicID != [16]byte(id) || first.Partitions[0].Offset != 77 {
			t.Errorf("got %+v, expected offset 77 of topic %s", first, id)
		}
		if n := len(got.Groups[0].Topics); topics != nil && (n != 2 ||
			got.Groups[0].Topics[1].Partitions[0].ErrorCode != unknownTopicID) {
			t.Errorf("got %+v, expected UNKNOWN_TOPIC_ID for the other", got.Groups[0].Topics)
		}
	}
	h.wantFetched("g", 2, "77 by id")
}

// The partition that holds a group may go out of service: members are told to look for another coordinator, and those
// who look, that there is none.
func TestCoordinatorGoesOffline(t *testing.T) {
	h, faults := faulty(t)
	h.create("t", 4)
	h.coordinator("g")
	m := h.member("g")
	if code := m.commit(0, 1, ""); code != noCode {
		t.Fatalf("commit: got error %d", code)
	}
	faults.SetHook(vfs.FailNth(in(offsetsTopic, vfs.OpWrite), 1, vfs.ErrIO))
	if code := m.commit(0, 1, ""); code != kerr.NotCoordinator.Code {
		t.Errorf("commit: got error %d, expected NOT_COORDINATOR", code)
	}
	if code := m.heartbeat(); code != kerr.NotCoordinator.Code {
		t.Errorf("heartbeat: got error %d, expected NOT_COORDINATOR", code)
	}
	req := kmsg.NewPtrFindCoordinatorRequest()
	req.CoordinatorKeys = []string{"g"}
	res := ask[*kmsg.FindCoordinatorResponse](h, 6, req)
	if got := res.Coordinators[0].ErrorCode; got != kerr.CoordinatorNotAvailable.Code {
		t.Errorf("got error %d, expected COORDINATOR_NOT_AVAILABLE", got)
	}
}

// Kafka's tool lists the configs of all groups, one by one: classic groups have none.
func TestGroupConfigsAreNone(t *testing.T) {
	h := groupsHarness(t)
	for name, want := range map[string]int16{"g": noCode, "": kerr.InvalidRequest.Code} {
		req := kmsg.NewPtrDescribeConfigsRequest()
		req.Resources = []kmsg.DescribeConfigsRequestResource{{
			ResourceType: kmsg.ConfigResourceTypeGroupConfig, ResourceName: name,
		}}
		res := ask[*kmsg.DescribeConfigsResponse](h, 4, req).Resources[0]
		if res.ErrorCode != want || len(res.Configs) != 0 {
			t.Errorf("group %q: got error %d and %d configs, expected error %d and none", name, res.ErrorCode,
				len(res.Configs), want)
		}
	}
}

// Records of groups are compressed as offsets.topic.compression.codec says, and read again.
func TestOffsetsAreCompressed(t *testing.T) {
	h := groupsHarness(t, config.KV{Name: "offsets.topic.compression.codec", Value: "4"})
	m := h.settled("g", "x")
	if code := m.commit(0, 3, strings.Repeat("text ", 100)); code != noCode {
		t.Fatalf("commit: got error %d", code)
	}
	p := h.b.groups.all()[group.PartitionFor("g", 3)].partition
	found, err := p.log.Read(p.log.End()-1, 1<<20, p.log.End(), true)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Span.Release()
	raw := make([]byte, found.Span.Length)
	if _, err := found.Span.File.ReadAt(raw, found.Span.Offset); err != nil {
		t.Fatal(err)
	}
	if v, _, err := batch.Parse(raw); err != nil || v.Codec() != batch.Zstd {
		t.Errorf("got codec %v, expected zstd: %v", v.Codec(), err)
	}
	h.kill()
	h.wantFetched("g", 0, "3 "+strings.Repeat("text ", 100))
}
