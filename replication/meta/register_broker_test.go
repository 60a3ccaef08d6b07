package meta

import (
	"reflect"
	"testing"

	"github.com/gregor-log/gregor/base"
)

type nodes = []base.NodeID

// state is what a registration may change of a partition.
type state struct {
	leader base.NodeID
	isr    nodes
	epoch  base.LeaderEpoch
}

// placed is a cluster of brokers 1 to 4, the last of them fenced, and of topic "p" with partitions in these states.
func placed(t *testing.T, states []state) *Image {
	m := cluster(t, 4).Image()
	records := []Record{
		&RemoveTopicRecord{id(1)}, &RemoveTopicRecord{id(2)}, &TopicRecord{"p", id(9)},
		&BrokerRegistrationChangeRecord{BrokerID: 4, BrokerEpoch: m.Broker(4).Epoch, Fenced: Fence},
	}
	for i, s := range states {
		records = append(records, &PartitionRecord{
			Partition: int32(i), TopicID: id(9), Leader: s.leader, ISR: s.isr, Replicas: nodes{1, 2, 3, 4},
		})
	}
	m, _ = apply(t, m, records...)
	return m
}

// TestRestart registers broker 1 again after each kind of stop, and looks at one partition for each place that it may
// have had.
func TestRestart(t *testing.T) {
	// Brokers 2 and 3 are active, 4 is fenced.
	before := []state{
		0: {1, nodes{1}, 0}, 1: {1, nodes{1, 4}, 0}, 2: {1, nodes{3, 1, 2}, 0}, 3: {2, nodes{1, 2}, 0},
		4: {base.NoNode, nodes{4, 1}, 0}, 5: {2, nodes{2, 3}, 0},
	}
	retired := map[int]state{2: {2, nodes{3, 2}, 1}, 3: {2, nodes{2}, 0}}
	unclean := map[int]state{0: {1, nodes{1}, 1}, 1: {1, nodes{1, 4}, 1}, 2: retired[2], 3: retired[3],
		4: {1, nodes{4, 1}, 1}}
	fenced := map[int]state{0: {base.NoNode, nodes{1}, 1}, 1: {base.NoNode, nodes{1, 4}, 1},
		2: retired[2], 3: retired[3]}
	tests := []struct {
		name          string
		clean, fenced bool
		same          bool
		want          map[int]state
	}{
		{"clean", true, false, false, map[int]state{4: {1, nodes{4, 1}, 1}}},
		{"unclean", false, false, false, unclean},
		{"clean, as fenced", true, true, false, fenced},
		{"unclean, as fenced", false, true, false, fenced},
		{"the same process", false, true, true, nil},
	}
	for _, test := range tests {
		m := placed(t, before)
		c := NewController(m, 1)
		cmd := register(1, 2)
		cmd.CleanShutdown, cmd.Fenced, cmd.Rack = test.clean, test.fenced, "r"
		if test.same {
			cmd.IncarnationID = m.Broker(1).IncarnationID
		}
		batch := do(t, c, cmd)
		for i, want := range before {
			p := batch.Image.Partition("p", int32(i))
			if change, ok := test.want[i]; ok {
				want = change
			}
			_, changed := test.want[i]
			if got := (state{p.Leader, p.ISR, p.LeaderEpoch}); !reflect.DeepEqual(got, want) ||
				(p.PartitionEpoch == 1) != changed {
				t.Errorf("%s, partition %d: got %+v, expected %+v", test.name, i, *p, want)
			}
		}
		if len(batch.Records) != len(test.want)+1 {
			t.Errorf("%s: got %d records", test.name, len(batch.Records))
		}
		b := batch.Image.Broker(1)
		epoch := BrokerEpoch(m.Position().Offset + 1)
		if test.same {
			epoch = m.Broker(1).Epoch
		}
		if b.Epoch != epoch || b.Fenced != (test.fenced && !test.same) || b.Rack != "r" ||
			b.IncarnationID != cmd.IncarnationID {
			t.Errorf("%s: got %+v, expected epoch %d", test.name, *b, epoch)
		}
	}
}

// TestFencedBrokerMayComeBack registers over a fenced incarnation whose session is said to live.
func TestFencedBrokerMayComeBack(t *testing.T) {
	c := cluster(t, 2)
	m, _ := apply(t, c.Image(), &BrokerRegistrationChangeRecord{
		BrokerID: 2, BrokerEpoch: c.Image().Broker(2).Epoch, Fenced: Fence, CordonedLogDirs: []base.UUID{id(2)},
	})
	c.Reset(m, 1)
	cmd := register(2, 2)
	cmd.SessionAlive = true
	b := do(t, c, cmd).Image.Broker(2)
	if b.Fenced || !reflect.DeepEqual(b.CordonedLogDirs, []base.UUID{id(2)}) {
		t.Errorf("got %+v", b)
	}
}
