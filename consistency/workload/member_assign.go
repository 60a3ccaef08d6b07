package workload

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
)

// candidate is a member as its leader sees it.
type candidate struct {
	id string
	// owned is what it says it has, given what it gets.
	owned, given []base.TopicPartition
}

// assign makes the leader's assignment for the generation that it was told. Each carries a mark that no other leader's
// has, the generation and the member that it is for.
func (m *member) assign(res *kmsg.JoinGroupResponse) {
	var all []*candidate
	for i := range res.Members {
		c := &candidate{id: res.Members[i].MemberID}
		meta := kmsg.NewConsumerMemberMetadata()
		if err := meta.ReadFrom(res.Members[i].ProtocolMetadata); err != nil || len(meta.Topics) == 0 {
			m.run.w.Violate("wrong-answer", "%s: the metadata of member %s are none: %v", m.client.Name(), c.id, err)
			return
		}
		for _, o := range meta.OwnedPartitions {
			for _, p := range o.Partitions {
				c.owned = append(c.owned, base.TopicPartition{Topic: o.Topic, Partition: p})
			}
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *candidate) int { return strings.Compare(a.id, b.id) })
	share(all, m.partitions(), m.protocol)
	m.marks++
	mark := fmt.Sprintf("%s.%d", m.client.Name(), m.marks)
	for _, c := range all {
		made := kmsg.NewConsumerMemberAssignment()
		made.UserData = fmt.Appendf(nil, "%s %d %s", mark, m.generation, c.id)
		for _, tp := range c.given {
			t := kmsg.NewConsumerMemberAssignmentTopic()
			t.Topic, t.Partitions = tp.Topic, []int32{tp.Partition}
			made.Topics = append(made.Topics, t)
		}
		a := kmsg.NewSyncGroupRequestGroupAssignment()
		a.MemberID, a.MemberAssignment = c.id, made.AppendTo(nil)
		m.assignments = append(m.assignments, a)
	}
}

// partitions are all partitions of the group's topics.
func (m *member) partitions() []base.TopicPartition {
	var list []base.TopicPartition
	for _, t := range m.group.Topics {
		for p := range m.run.plan.Topics[t].Partitions {
			list = append(list, base.TopicPartition{Topic: m.run.plan.Topics[t].Name, Partition: int32(p)})
		}
	}
	return list
}

// share gives each partition to one member. The cooperative protocol leaves a partition with who has it, up to a fair
// number, and gives what somebody must give up first to nobody.
func share(all []*candidate, partitions []base.TopicPartition, protocol string) {
	fair := (len(partitions) + len(all) - 1) / len(all)
	for i, tp := range partitions {
		switch protocol {
		case protocolRange:
			c := all[min(i/fair, len(all)-1)]
			c.given = append(c.given, tp)
		case protocolRoundRobin:
			c := all[i%len(all)]
			c.given = append(c.given, tp)
		default:
			if c := stickTo(all, tp, fair); c != nil {
				c.given = append(c.given, tp)
			}
		}
	}
}

func stickTo(all []*candidate, tp base.TopicPartition, fair int) *candidate {
	var owner, least *candidate
	for _, c := range all {
		if slices.Contains(c.owned, tp) {
			if owner != nil {
				return nil // two say so, of which one is behind; both give it up
			}
			owner = c
		}
		if least == nil || len(c.given) < len(least.given) {
			least = c
		}
	}
	switch {
	case owner == nil:
		return least
	case len(owner.given) < fair:
		return owner
	}
	return nil
}
