//go:build linux

package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// member is a member of a classic group on a connection of its own.
type member struct {
	*conn
	group, id  string
	generation int32
	leader     bool
	// share is how many partitions the member is assigned, at least one.
	share int
}

// The timeouts of members: so long that those of one broker live on while the other is measured.
const (
	sessionMillis   = 600_000
	rebalanceMillis = 60_000
)

// joinGroup forms a group of members, each on a connection of its own, and gives each an assignment.
func joinGroup(ctx context.Context, address, name string, size int) ([]*member, error) {
	var members []*member
	for range size {
		c, err := dial(ctx, address)
		if err != nil {
			return members, err
		}
		members = append(members, &member{conn: c, group: name})
		err = formed(members)
		for len(members) == 1 && kerr.IsRetriable(err) && ctx.Err() == nil {
			err = formed(members) // the coordinator is loading
		}
		if err != nil {
			return members, fmt.Errorf("form group %s: %w", name, err)
		}
	}
	return members, nil
}

// formed forms the next generation, in which the last member is new.
func formed(members []*member) error {
	last := members[len(members)-1]
	if err := last.send(last.joinRequest()); err != nil {
		return err
	}
	for _, m := range members[:len(members)-1] {
		if err := m.awaitRebalance(); err != nil {
			return err
		}
		if err := m.send(m.joinRequest()); err != nil {
			return err
		}
	}
	return agreed(members)
}

// agreed reads the answers to the JoinGroup of all members, and has them sync.
func agreed(members []*member) error {
	for _, m := range members {
		if err := m.joined(); err != nil {
			return err
		}
	}
	for _, m := range members {
		if err := m.send(m.syncRequest(members)); err != nil {
			return err
		}
	}
	for _, m := range members {
		res, err := m.answer(m.syncRequest(nil))
		if err != nil {
			return err
		}
		if err := codeError("sync", res.(*kmsg.SyncGroupResponse).ErrorCode); err != nil {
			return err
		}
	}
	return nil
}

// joinRequest is of the last version in which a new member needs no id beforehand.
func (m *member) joinRequest() *kmsg.JoinGroupRequest {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Version, req.Group, req.MemberID = 3, m.group, m.id
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis, req.ProtocolType = sessionMillis, rebalanceMillis, "consumer"
	p := kmsg.NewJoinGroupRequestProtocol()
	subscription := kmsg.NewConsumerMemberMetadata()
	subscription.Topics = []string{topicName}
	p.Name, p.Metadata = "range", subscription.AppendTo(nil)
	req.Protocols = append(req.Protocols, p)
	return req
}

func (m *member) joined() error {
	res, err := m.answer(m.joinRequest())
	if err != nil {
		return err
	}
	j := res.(*kmsg.JoinGroupResponse)
	m.id, m.generation, m.leader = j.MemberID, j.Generation, j.MemberID == j.LeaderID
	return codeError("join", j.ErrorCode)
}

// syncRequest tells the assignment of all if the member leads.
func (m *member) syncRequest(all []*member) *kmsg.SyncGroupRequest {
	req := kmsg.NewPtrSyncGroupRequest()
	req.Version, req.Group, req.MemberID, req.Generation = 3, m.group, m.id, m.generation
	if !m.leader {
		return req
	}
	for i, to := range all {
		plan := kmsg.NewConsumerMemberAssignment()
		t := kmsg.NewConsumerMemberAssignmentTopic()
		t.Topic = topicName
		for k := range max(to.share, 1) {
			t.Partitions = append(t.Partitions, int32(k*len(all)+i))
		}
		plan.Topics = append(plan.Topics, t)
		a := kmsg.NewSyncGroupRequestGroupAssignment()
		a.MemberID, a.MemberAssignment = to.id, plan.AppendTo(nil)
		req.GroupAssignment = append(req.GroupAssignment, a)
	}
	return req
}

func (m *member) heartbeatRequest() *kmsg.HeartbeatRequest {
	req := kmsg.NewPtrHeartbeatRequest()
	req.Version, req.Group, req.MemberID, req.Generation = 4, m.group, m.id, m.generation
	return req
}

// awaitRebalance sends heartbeats until one is told that the group gathers its members.
func (m *member) awaitRebalance() error {
	for {
		res, err := m.ask(m.heartbeatRequest())
		if err != nil {
			return err
		}
		code := res.(*kmsg.HeartbeatResponse).ErrorCode
		if code == kerr.RebalanceInProgress.Code {
			return nil
		}
		if err := codeError("heartbeat", code); err != nil {
			return err
		}
	}
}

// joinGroups forms n groups of some members each, several at a time, and returns all members.
func joinGroups(ctx context.Context, address string, n, size int) ([]*member, error) {
	const atOnce = 16
	var (
		workers sync.WaitGroup
		mu      sync.Mutex
		all     []*member
		failed  error
	)
	next := make(chan int, n)
	for i := range n {
		next <- i
	}
	close(next)
	for range atOnce {
		workers.Go(func() {
			for i := range next {
				found, err := joinGroup(ctx, address, fmt.Sprintf("group-%d", i), size)
				mu.Lock()
				all = append(all, found...)
				if failed == nil {
					failed = err
				}
				stop := failed != nil
				mu.Unlock()
				if stop {
					return
				}
			}
		})
	}
	workers.Wait()
	return all, failed
}

func closeAll(members []*member) {
	for _, m := range members {
		m.close()
	}
}
