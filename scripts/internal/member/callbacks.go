package member

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/base"
)

// assigned is told of partitions that are added, before the client asks for their offsets.
func (m *Member) assigned(_ context.Context, client *kgo.Client, added map[string][]int32) {
	as, generation := client.GroupMetadata()
	m.mu.Lock()
	defer m.mu.Unlock()
	for topic, partitions := range added {
		for _, p := range partitions {
			tp := base.TopicPartition{Topic: topic, Partition: p}
			if m.mu.dead {
				continue
			}
			m.mu.holds[tp] = &hold{as: as, next: -1, committed: -1}
			m.tell.Assigned(tp, generation)
		}
	}
}

// began is told of the committed offsets, and leaves them as they are.
func (m *Member) began(_ context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset,
	error,
) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for topic, partitions := range offsets {
		for p, offset := range partitions {
			tp := base.TopicPartition{Topic: topic, Partition: p}
			h := m.mu.holds[tp]
			if h == nil {
				continue
			}
			at := max(offset.EpochOffset().Offset, -1)
			h.next, h.committed = at, at
			m.tell.Began(tp, at)
		}
	}
	return offsets, nil
}

// revoked is told of partitions that are taken away in good order: their offsets can still be committed.
func (m *Member) revoked(ctx context.Context, _ *kgo.Client, taken map[string][]int32) {
	how := "without a commit"
	if m.config.CommitRevoked {
		how = "its last commit refused or not answered"
		if m.Commit(ctx) {
			how = "after a commit"
		}
	}
	m.give(taken, how)
}

// lost is told of partitions that others may have by now.
func (m *Member) lost(_ context.Context, _ *kgo.Client, taken map[string][]int32) {
	m.give(taken, "after the group refused the member")
}

func (m *Member) give(taken map[string][]int32, how string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mu.leaving {
		how = "left, " + how
	} else {
		how = "taken away, " + how
	}
	for topic, partitions := range taken {
		for _, p := range partitions {
			tp := base.TopicPartition{Topic: topic, Partition: p}
			if m.mu.holds[tp] != nil {
				delete(m.mu.holds, tp)
				m.tell.Gone(tp, how)
			}
		}
	}
}
