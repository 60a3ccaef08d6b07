package broker

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// crowdMember is a member of a group, used by one goroutine.
type crowdMember struct {
	*crowdClient
	group, id  string
	generation int32
	// acked is the last offset whose commit was acknowledged.
	acked int64
}

// settle joins, and joins again as often as it must, until the member has an assignment.
func (m *crowdMember) settle() {
	for {
		join := kmsg.NewPtrJoinGroupRequest()
		join.Version, join.Group, join.MemberID, join.ProtocolType = 5, m.group, m.id, "consumer"
		join.SessionTimeoutMillis, join.RebalanceTimeoutMillis = 60_000, 60_000
		join.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range"}}
		joined := m.ask(join).(*kmsg.JoinGroupResponse)
		m.id = joined.MemberID
		if joined.ErrorCode != noCode {
			continue
		}
		m.generation = joined.Generation
		sync := kmsg.NewPtrSyncGroupRequest()
		sync.Version, sync.Group, sync.MemberID, sync.Generation = 3, m.group, m.id, m.generation
		for _, x := range joined.Members {
			sync.GroupAssignment = append(sync.GroupAssignment, kmsg.SyncGroupRequestGroupAssignment{
				MemberID: x.MemberID, MemberAssignment: []byte(x.MemberID),
			})
		}
		if got := m.ask(sync).(*kmsg.SyncGroupResponse); got.ErrorCode == noCode {
			if string(got.MemberAssignment) != m.id {
				m.crowd.Errorf("member %s got the assignment of %q", m.id, got.MemberAssignment)
			}
			return
		}
	}
}

// work commits offset after offset for a partition of its own; where the group rebalances, it joins again.
func (m *crowdMember) work(partition int32, rounds int) {
	m.settle()
	for offset := int64(1); offset <= int64(rounds); {
		commit := kmsg.NewPtrOffsetCommitRequest()
		commit.Version, commit.Group, commit.MemberID, commit.Generation = 7, m.group, m.id, m.generation
		commit.Topics = []kmsg.OffsetCommitRequestTopic{{
			Topic: "t", Partitions: []kmsg.OffsetCommitRequestTopicPartition{{Partition: partition, Offset: offset}},
		}}
		res := m.ask(commit).(*kmsg.OffsetCommitResponse)
		if res.Topics[0].Partitions[0].ErrorCode == noCode {
			m.acked = offset
			offset++
		}
		beat := kmsg.NewPtrHeartbeatRequest()
		beat.Version, beat.Group, beat.MemberID, beat.Generation = 3, m.group, m.id, m.generation
		if m.ask(beat).(*kmsg.HeartbeatResponse).ErrorCode != noCode {
			m.settle()
		}
	}
	leave := kmsg.NewPtrLeaveGroupRequest()
	leave.Version, leave.Group, leave.MemberID = 2, m.group, m.id
	if got := m.ask(leave).(*kmsg.LeaveGroupResponse); got.ErrorCode != noCode {
		m.crowd.Errorf("leave: got error %d", got.ErrorCode)
	}
}

// look asks what administrators ask, again and again, and makes and deletes topics.
func (c *crowd) look(over *atomic.Bool) {
	x := c.connect()
	for !over.Load() {
		x.ask(&kmsg.ListGroupsRequest{Version: 5})
		x.ask(&kmsg.DescribeGroupsRequest{Version: 5, Groups: []string{"a", "b", "none"}})
		x.ask(&kmsg.DeleteGroupsRequest{Version: 2, Groups: []string{"none"}})
		fetch := kmsg.NewPtrOffsetFetchRequest()
		fetch.Version, fetch.Groups = 8, []kmsg.OffsetFetchRequestGroup{{Group: "a"}, {Group: "b"}}
		x.ask(fetch)
		c.b.GroupStats()
		c.churn("churned", 1)
	}
	x.close()
}

// Members of two groups that share a coordinator join, commit, heartbeat and leave from many goroutines, on a log that
// is synced for every commit and is written anew all the time. Each acknowledged commit is there in the end.
func TestManyMembersAtOnce(t *testing.T) {
	const members, rounds = 4, 30
	c := newCrowd(t)
	x := c.connect()
	create := kmsg.NewPtrCreateTopicsRequest()
	create.Version = 7
	create.Topics = []kmsg.CreateTopicsRequestTopic{{Topic: "t", NumPartitions: members, ReplicationFactor: 1}}
	x.ask(create)
	find := kmsg.NewPtrFindCoordinatorRequest()
	find.Version, find.CoordinatorKeys = 4, []string{"a"}
	for x.ask(find).(*kmsg.FindCoordinatorResponse).Coordinators[0].ErrorCode != noCode {
	}
	short := "2000"
	alter := kmsg.NewPtrIncrementalAlterConfigsRequest()
	alter.Version = 1
	alter.Resources = []kmsg.IncrementalAlterConfigsRequestResource{{
		ResourceType: kmsg.ConfigResourceTypeTopic, ResourceName: offsetsTopic,
		Configs: []kmsg.IncrementalAlterConfigsRequestResourceConfig{{Name: "internal.segment.bytes", Value: &short}},
	}}
	x.ask(alter)
	var over atomic.Bool
	var others, group sync.WaitGroup
	others.Go(func() {
		var out Effects
		for !over.Load() { // time goes on though nobody asks for anything
			c.b.Step(c.clock.Now(), Input{Kind: Deadline}, &out)
			c.carryOut(&out)
		}
	})
	others.Go(func() { c.look(&over) })
	all := make([]*crowdMember, 2*members)
	for i := range all {
		all[i] = &crowdMember{crowdClient: c.connect(), group: []string{"a", "b"}[i%2]}
		group.Go(func() { all[i].work(int32(i/2), rounds) })
	}
	group.Wait()
	over.Store(true)
	others.Wait()
	for i, m := range all {
		fetch := kmsg.NewPtrOffsetFetchRequest()
		fetch.Version, fetch.Group = 5, m.group
		fetch.Topics = []kmsg.OffsetFetchRequestTopic{{Topic: "t", Partitions: []int32{int32(i / 2)}}}
		got := x.ask(fetch).(*kmsg.OffsetFetchResponse).Topics[0].Partitions[0]
		if fmt.Sprint(got.ErrorCode, got.Offset) != fmt.Sprint(noCode, m.acked) || m.acked != rounds {
			t.Errorf("group %s, partition %d: got %d and error %s, expected %d", m.group, i/2, got.Offset,
				kerr.TypedErrorForCode(got.ErrorCode), m.acked)
		}
		m.close()
	}
	x.close()
	c.end()
}
