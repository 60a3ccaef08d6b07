package broker

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/vfs"
)

// groupsCrash is a workload about groups for the crash test: a member that joins, syncs and commits, simple consumers
// that commit, offsets that are deleted, a log of offsets so short that it is written anew and trimmed again and again,
// and restarts.
type groupsCrash struct {
	*crashRun
	member     string
	generation int32
	// sent is what was committed for each group, in order, whether it was acknowledged or not; acked is how many of
	// those were acknowledged for certain at this moment.
	sent  map[string][]int64
	acked map[string]int
}

// gone stands for deleted offsets among those sent.
const gone = -1

// Whatever a crash leaves of the log of offsets, the coordinator that reads it knows every commit that was
// acknowledged, and no offset that nobody committed.
func TestCrashEverywhereKeepsOffsets(t *testing.T) {
	for _, class := range []string{"page-cache", "fsync"} {
		t.Run(class, func(t *testing.T) {
			g := newGroupsCrash(t, class, func(fs vfs.FS) vfs.FS { return fs })
			g.workload()
			t.Logf("%d crash points, %v", g.points, g.outcomes)
			if g.failure != nil {
				t.Fatal(g.failure)
			}
			if g.points < 500 {
				t.Errorf("got %d crash points, expected at least 500", g.points)
			}
		})
	}
}

func TestCrashEverywhereFindsLostOffsets(t *testing.T) {
	for name, wrap := range map[string]func(vfs.FS) vfs.FS{
		"fsync":      func(fs vfs.FS) vfs.FS { return lyingFS{FS: fs, files: true, suffix: ".log"} },
		"page-cache": func(fs vfs.FS) vfs.FS { return lyingFS{FS: fs, lose: new(int), losing: offsetsTopic} },
	} {
		g := newGroupsCrash(t, name, wrap)
		g.untilFound(g.workload)
		if g.failure == nil {
			t.Errorf("%s: nothing was found in %d crash points", name, g.points)
		}
	}
}

func newGroupsCrash(t *testing.T, class string, wrap func(vfs.FS) vfs.FS) *groupsCrash {
	g := &groupsCrash{
		crashRun: newCrashRun(t, class, wrap), sent: make(map[string][]int64), acked: make(map[string]int),
	}
	g.groups = g
	return g
}

func (g *groupsCrash) workload() {
	g.now = base.Instant{Mono: 1, Wall: 1_700_000_000_000}
	g.faults.SetHook(g.hook)
	g.open()
	g.create("one", nil)
	for g.find() != noCode {
		g.pass(10)
	}
	g.shorten()
	g.join()
	for i := range int64(3) {
		g.commit("members", i)
		g.commit("simple", 100+i)
	}
	g.remove("simple")
	g.pass(1500)
	g.commit("simple", 500)
	g.drain()
	if err := g.b.Close(); err != nil {
		g.t.Fatal(err)
	}
	g.reopen()
	g.commit("members", 20)
	g.commit("members", 21)
	if err := g.b.Abandon(); err != nil {
		g.t.Fatal(err)
	}
	g.tasks = nil
	g.reopen()
	g.commit("members", 30)
	g.commit("simple", 501)
	g.pass(1500)
	if err := g.b.Close(); err != nil {
		g.t.Fatal(err)
	}
}

// reopen opens the broker and lets it load.
func (g *groupsCrash) reopen() {
	g.open()
	g.drain()
}

// drain runs all tasks.
func (g *groupsCrash) drain() {
	for len(g.tasks) > 0 {
		g.runTask()
	}
}

func (g *groupsCrash) find() int16 {
	req := kmsg.NewPtrFindCoordinatorRequest()
	req.CoordinatorKeys = []string{"members"}
	return g.send(req, 6).(*kmsg.FindCoordinatorResponse).Coordinators[0].ErrorCode
}

// shorten makes the segments of the log of offsets so short that each few commits fill one.
func (g *groupsCrash) shorten() {
	value := "400"
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	req.Resources = []kmsg.IncrementalAlterConfigsRequestResource{{
		ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: offsetsTopic,
		Configs: []kmsg.IncrementalAlterConfigsRequestResourceConfig{{Name: "internal.segment.bytes", Value: &value}},
	}}
	res := g.send(req, 1).(*kmsg.IncrementalAlterConfigsResponse)
	if res.Resources[0].ErrorCode != noCode {
		g.t.Fatalf("got %s", *res.Resources[0].ErrorMessage)
	}
}

func (g *groupsCrash) join() {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.ProtocolType = "members", "consumer"
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 1_000_000, 1_000_000
	req.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range", Metadata: []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0}}}
	res := g.send(req, 3).(*kmsg.JoinGroupResponse)
	g.member, g.generation = res.MemberID, res.Generation
	sync := kmsg.NewPtrSyncGroupRequest()
	sync.Group, sync.MemberID, sync.Generation = "members", g.member, g.generation
	sync.GroupAssignment = []kmsg.SyncGroupRequestGroupAssignment{{
		MemberID: g.member, MemberAssignment: []byte("all"),
	}}
	if got := g.send(sync, 2).(*kmsg.SyncGroupResponse); got.ErrorCode != noCode {
		g.t.Fatalf("sync: got error %d", got.ErrorCode)
	}
}

// commit commits an offset; the group "members" has one member, "simple" none.
func (g *groupsCrash) commit(name string, offset int64) {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.Generation = name, -1
	if name == "members" {
		req.MemberID, req.Generation = g.member, g.generation
	}
	text := strings.Repeat("m", 100)
	req.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: "one", Partitions: []kmsg.OffsetCommitRequestTopicPartition{
		{Offset: offset, LeaderEpoch: -1, Metadata: &text},
	}}}
	g.sent[name] = append(g.sent[name], offset)
	res := g.send(req, 9).(*kmsg.OffsetCommitResponse)
	if code := res.Topics[0].Partitions[0].ErrorCode; code != noCode {
		g.fatalf("commit of %s: got error %d", name, code)
	}
	g.acked[name] = len(g.sent[name])
}

// remove deletes the offsets of a group.
func (g *groupsCrash) remove(name string) {
	req := kmsg.NewPtrOffsetDeleteRequest()
	req.Group = name
	req.Topics = []kmsg.OffsetDeleteRequestTopic{{
		Topic: "one", Partitions: []kmsg.OffsetDeleteRequestTopicPartition{{}},
	}}
	g.sent[name] = append(g.sent[name], gone)
	res := g.send(req, 0).(*kmsg.OffsetDeleteResponse)
	if res.ErrorCode != noCode || res.Topics[0].Partitions[0].ErrorCode != noCode {
		g.t.Fatalf("delete offsets: got %+v", res)
	}
	g.acked[name] = len(g.sent[name])
}

// judge compares what a broker that was opened after a crash knows with what was committed.
func (g *groupsCrash) judge(b *Broker, tasks []Task, killed bool) error {
	r := &crashRun{t: g.t, b: b, conn: NewConn(b.Listener("PLAINTEXT"), "client"), now: g.now, tasks: tasks}
	for len(r.tasks) > 0 {
		r.runTask()
	}
	if b.Image().Topic(offsetsTopic) == nil && len(g.sent) == 0 {
		return b.Abandon()
	}
	for _, name := range []string{"members", "simple"} {
		req := kmsg.NewPtrOffsetFetchRequest()
		req.Groups = []kmsg.OffsetFetchRequestGroup{{
			Group: name, Topics: []kmsg.OffsetFetchRequestGroupTopic{{Topic: "one", Partitions: []int32{0}}},
		}}
		got := r.send(req, 9).(*kmsg.OffsetFetchResponse).Groups[0]
		if got.ErrorCode != noCode {
			return fmt.Errorf("group %s: got error %d", name, got.ErrorCode)
		}
		least := g.acked[name]
		if !killed && g.class == "page-cache" {
			least = 0 // this class promises nothing when the power goes
		}
		offset := got.Topics[0].Partitions[0].Offset
		if !slices.Contains(g.sent[name][max(least-1, 0):], offset) && (least > 0 || offset != gone) {
			return fmt.Errorf("group %s: got offset %d, expected one of %v from the %dth on", name, offset,
				g.sent[name], least)
		}
	}
	if killed || g.class == "fsync" {
		if err := g.stillMember(r); err != nil {
			return err
		}
	}
	return errors.Join(b.Close())
}

// stillMember says whether the member is still known, if it had its assignment.
func (g *groupsCrash) stillMember(r *crashRun) error {
	if g.acked["members"] == 0 {
		return nil
	}
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID, req.Generation = "members", g.member, g.generation
	if got := r.send(req, 4).(*kmsg.HeartbeatResponse); got.ErrorCode != noCode {
		return fmt.Errorf("member of generation %d: heartbeat got error %d", g.generation, got.ErrorCode)
	}
	return nil
}
