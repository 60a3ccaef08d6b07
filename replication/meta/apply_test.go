package meta

import (
	"errors"
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"weak"

	"github.com/gregor-log/gregor/base"
)

func text(s string) *string { return &s }

// at is an image's position n records on.
func at(m *Image, n int) Position {
	return Position{m.Position().Offset + base.Offset(n), m.Position().Epoch}
}

// apply applies records that fit.
func apply(t testing.TB, m *Image, records ...Record) (*Image, *Delta) {
	t.Helper()
	next, delta, err := m.Apply(at(m, len(records)), records...)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(next.CheckInvariants(), m.CheckSuccessor(next)); err != nil {
		t.Fatal(err)
	}
	return next, delta
}

// broker is the registration of a plain broker.
func broker(id base.NodeID, epoch BrokerEpoch, rack string, fenced bool) *RegisterBrokerRecord {
	rec := &RegisterBrokerRecord{
		BrokerID: id, BrokerEpoch: epoch, IncarnationID: base.UUID{1, byte(id), byte(epoch)}, Fenced: fenced,
		LogDirs:  []base.UUID{{2, byte(id)}},
		Features: []FeatureRange{{"metadata.version", 7, 30}, {"group.version", 0, 1}},
	}
	if rack != "" {
		rec.Rack = &rack
	}
	return rec
}

// partition is a new partition on brokers 1 to 3, led by 1.
func partition(topic, n int) *PartitionRecord {
	return &PartitionRecord{
		Partition: int32(n), TopicID: id(topic), Replicas: []base.NodeID{1, 2, 3}, ISR: []base.NodeID{1, 2},
		Leader: 1, Directories: []base.UUID{id(1), id(2), id(3)},
	}
}

// small is an image with brokers 1 and 2 and topic "t" of two partitions.
func small(t testing.TB) *Image {
	t.Helper()
	m, _ := apply(t, NewImage(), broker(1, 0, "", false), broker(2, 1, "", true),
		&TopicRecord{"t", id(1)}, partition(1, 0), partition(1, 1),
		&ConfigRecord{ConfigResource{ResourceTopic, "t"}, "retention.ms", text("1")})
	return m
}

// misfit is a record that cannot follow small, and what the error says.
type misfit struct {
	rec  Record
	want string
}

func misfits() []misfit {
	bad := func(change func(p *PartitionRecord)) Record {
		p := partition(1, 2)
		change(p)
		return p
	}
	changed := func(change func(p *PartitionChangeRecord)) Record {
		p := NewPartitionChange(id(1), 0)
		change(p)
		return p
	}
	return []misfit{
		{&TopicRecord{"", id(2)}, "expected a name"},
		{&TopicRecord{"u", base.UUID{}}, "expected a name and an id"},
		{&TopicRecord{"t", id(2)}, "which exists"},
		{&TopicRecord{"u", id(1)}, `which is that of topic "t"`},
		{partition(9, 0), "unknown topic id"},
		{partition(1, 1), "got partition 1 of topic \"t\", expected 2"},
		{partition(1, 3), "expected 2"},
		{partition(1, -1), "expected 2"},
		{bad(func(p *PartitionRecord) { p.Replicas, p.ISR = nil, nil }), "no replicas"},
		{bad(func(p *PartitionRecord) { p.Replicas = []base.NodeID{1, 2, 1} }), "expected different node ids"},
		{bad(func(p *PartitionRecord) { p.Replicas = []base.NodeID{1, 2, -1} }), "at least 0"},
		{bad(func(p *PartitionRecord) { p.ISR = []base.NodeID{1, 1} }), "expected different node ids"},
		{bad(func(p *PartitionRecord) { p.ISR = []base.NodeID{1, 4} }), "not among replicas"},
		{bad(func(p *PartitionRecord) { p.Leader = 3 }), "got leader 3"},
		{bad(func(p *PartitionRecord) { p.Leader = -2 }), "got leader -2"},
		{bad(func(p *PartitionRecord) { p.Directories = p.Directories[:2] }), "got 2 directories"},
		{bad(func(p *PartitionRecord) { p.LeaderEpoch = -1 }), "leader epoch -1"},
		{bad(func(p *PartitionRecord) { p.PartitionEpoch = -1 }), "partition epoch -1"},
		{bad(func(p *PartitionRecord) { p.LeaderRecoveryState = 2 }), "recovery state 2"},
		{NewPartitionChange(id(9), 0), "unknown topic id"},
		{NewPartitionChange(id(1), 2), "expected less than 2"},
		{NewPartitionChange(id(1), -1), "expected less than 2"},
		{changed(func(p *PartitionChangeRecord) { p.ISR = []base.NodeID{2} }), "got leader 1"},
		{changed(func(p *PartitionChangeRecord) { p.Leader = 3 }), "got leader 3"},
		{changed(func(p *PartitionChangeRecord) { p.Replicas = []base.NodeID{1, 2} }), "got 3 directories"},
		{changed(func(p *PartitionChangeRecord) { p.Replicas = []base.NodeID{} }), "no replicas"},
		{changed(func(p *PartitionChangeRecord) { p.LeaderRecoveryState = 7 }), "recovery state 7"},
		{&RemoveTopicRecord{id(9)}, "unknown topic id"},
		{broker(-1, 9, "", false), "broker id -1"},
		{broker(2, 0, "", false), "expected more than 1"},
		{&RegisterBrokerRecord{BrokerID: 2, BrokerEpoch: 1, IncarnationID: id(5)}, "expected more than 1"},
		{&BrokerRegistrationChangeRecord{BrokerID: 9}, "unknown broker 9"},
		{&BrokerRegistrationChangeRecord{BrokerID: 2, BrokerEpoch: 2}, "got epoch 2 of broker 2, expected 1"},
		{&BrokerRegistrationChangeRecord{BrokerID: 2, BrokerEpoch: 1, Fenced: 2}, "fenced 2"},
		{&BrokerRegistrationChangeRecord{BrokerID: 2, BrokerEpoch: 1, InControlledShutdown: -1}, "shutdown -1"},
		{&UnregisterBrokerRecord{BrokerID: 9}, "unknown broker 9"},
		{&UnregisterBrokerRecord{BrokerID: 2, BrokerEpoch: 0}, "expected 1"},
		{&ConfigRecord{ConfigResource{ResourceTopic, "t"}, "", text("1")}, "without a name"},
		{&ConfigRecord{ConfigResource{ResourceTopic, "u"}, "n", text("1")}, "unknown topic"},
		{&FeatureLevelRecord{"", 1}, "expected a name"},
		{&FeatureLevelRecord{"f", -1}, "at level -1"},
		{&ProducerIDsRecord{NextProducerID: 0}, "expected more than 0"},
	}
}

// TestRecordsThatDoNotFit applies one bad record after a good one: the error says why, and there is no image.
func TestRecordsThatDoNotFit(t *testing.T) {
	m := small(t)
	before := dump(m)
	for _, test := range misfits() {
		good := &ConfigRecord{ConfigResource{ResourceTopic, "t"}, "segment.ms", text("5")}
		next, delta, err := m.Apply(at(m, 2), good, test.rec)
		if !errors.Is(err, ErrRecordDoesNotFit) || next != nil || delta != nil {
			t.Errorf("%+v: got %v, %v", test.rec, next, err)
		} else if !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: got %v, expected %q", test.rec, err, test.want)
		}
	}
	if dump(m) != before {
		t.Errorf("the image has changed to\n%s", dump(m))
	}
}

// TestEpochsThatWrap raises epochs that are as high as they go.
func TestEpochsThatWrap(t *testing.T) {
	p := partition(1, 2)
	p.LeaderEpoch = math.MaxInt32
	m, _ := apply(t, small(t), p)
	change := NewPartitionChange(id(1), 2)
	change.Leader = 2
	if _, _, err := m.Apply(at(m, 1), change); !errors.Is(err, ErrRecordDoesNotFit) {
		t.Errorf("got %v", err)
	}
}

// TestOldImagesAreNotKept: an image holds nothing of the one it was made from but what both share. Else a broker's
// memory would grow with every change that was ever made.
func TestOldImagesAreNotKept(t *testing.T) {
	first, _ := apply(t, NewImage(), broker(1, 1, "", false))
	old := weak.Make(first)
	next, delta := apply(t, first, broker(2, 2, "", false))
	runtime.GC()
	if old.Value() != nil {
		t.Error("the image before is still in memory")
	}
	runtime.KeepAlive(next)
	runtime.KeepAlive(delta)
}

// TestPositions applies records at places before and after the image's.
func TestPositions(t *testing.T) {
	m, _, err := NewImage().Apply(Position{10, 3}, &NoOpRecord{})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		last  Position
		count int
		fits  bool
	}{
		{Position{10, 3}, 0, true}, {Position{10, 3}, 1, false}, {Position{11, 3}, 1, true},
		{Position{11, 3}, 2, false}, {Position{20, 4}, 2, true}, {Position{9, 3}, 0, false},
		{Position{12, 2}, 1, false}, {Position{15, 9}, 0, true},
	}
	for _, test := range tests {
		records := make([]Record, test.count)
		for i := range records {
			records[i] = &NoOpRecord{}
		}
		next, delta, err := m.Apply(test.last, records...)
		if test.fits != (err == nil) || err == nil && (next.Position() != test.last || !delta.Empty()) {
			t.Errorf("%+v: got %v, %v", test, next, err)
		}
	}
}

// TestPartitionChange applies each kind of change: lists left alone and emptied, and both epochs.
func TestPartitionChange(t *testing.T) {
	m := small(t)
	change := NewPartitionChange(id(1), 1)
	m, delta := apply(t, m, change)
	want := &Partition{
		ID: 1, Replicas: []base.NodeID{1, 2, 3}, ISR: []base.NodeID{1, 2}, Leader: 1, PartitionEpoch: 1,
		Directories: []base.UUID{id(1), id(2), id(3)},
	}
	check := func() {
		t.Helper()
		if got := m.Partition("t", 1); !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, expected %+v", got, want)
		}
	}
	check()
	if len(delta.Changed) != 1 || !reflect.DeepEqual(delta.Changed[0].Partitions, []int32{1}) {
		t.Errorf("got %+v", delta)
	}
	change = NewPartitionChange(id(1), 1)
	change.Leader, change.ELR, change.LastKnownELR = 1, []base.NodeID{3}, []base.NodeID{2}
	change.Adding, change.Removing = []base.NodeID{2}, []base.NodeID{3}
	change.LeaderRecoveryState = Recovering
	m, _ = apply(t, m, change)
	want.LeaderEpoch, want.PartitionEpoch, want.LeaderRecoveryState = 1, 2, Recovering
	want.ELR, want.LastKnownELR = change.ELR, change.LastKnownELR
	want.Adding, want.Removing = change.Adding, change.Removing
	check()
	change = NewPartitionChange(id(1), 1)
	change.Leader, change.ISR, change.ELR = base.NoNode, []base.NodeID{}, []base.NodeID{}
	change.Replicas, change.Directories = []base.NodeID{2, 3}, []base.UUID{}
	change.LeaderRecoveryState = Recovered
	m, _ = apply(t, m, change)
	want.Leader, want.ISR, want.ELR, want.Replicas, want.Directories = base.NoNode, nil, nil, change.Replicas, nil
	want.LeaderEpoch, want.PartitionEpoch, want.LeaderRecoveryState = 2, 3, Recovered
	check()
}

// TestBrokerRecords follows one broker through its states.
func TestBrokerRecords(t *testing.T) {
	m := small(t)
	step := func(rec Record, want Broker) {
		t.Helper()
		before := m.Broker(2)
		var delta *Delta
		m, delta = apply(t, m, rec)
		if got := m.Broker(2); !reflect.DeepEqual(*got, want) {
			t.Errorf("got %+v, expected %+v", *got, want)
		}
		if len(delta.Brokers) != 1 || delta.Brokers[0] != (BrokerChange{before, m.Broker(2)}) {
			t.Errorf("got %+v", delta.Brokers)
		}
	}
	want := *m.Broker(2)
	want.Fenced = false
	step(&BrokerRegistrationChangeRecord{BrokerID: 2, BrokerEpoch: 1, Fenced: Unfence}, want)
	if !m.Broker(2).Active() {
		t.Error("not active")
	}
	want.InControlledShutdown, want.CordonedLogDirs = true, []base.UUID{}
	step(&BrokerRegistrationChangeRecord{
		BrokerID: 2, BrokerEpoch: 1, InControlledShutdown: 1, CordonedLogDirs: []base.UUID{},
	}, want)
	if m.Broker(2).Active() {
		t.Error("active")
	}
	want.Fenced, want.LogDirs = true, []base.UUID{id(8)}
	step(&BrokerRegistrationChangeRecord{BrokerID: 2, BrokerEpoch: 1, Fenced: Fence, LogDirs: want.LogDirs}, want)
	again := broker(2, 44, "r", false)
	want = Broker{
		ID: 2, Epoch: 44, IncarnationID: again.IncarnationID, LogDirs: again.LogDirs, Rack: "r",
		Features: []FeatureRange{{"group.version", 0, 1}, {"metadata.version", 7, 30}},
	}
	step(again, want)
	m, delta := apply(t, m, &UnregisterBrokerRecord{BrokerID: 2, BrokerEpoch: 44})
	if m.Broker(2) != nil || m.BrokerCount() != 1 || len(delta.Brokers) != 1 || delta.Brokers[0].After != nil {
		t.Errorf("got %+v, %+v", m.Broker(2), delta.Brokers)
	}
}

// TestDelta applies one batch that creates, changes, removes and re-creates topics.
func TestDelta(t *testing.T) {
	m, _ := apply(t, small(t), &TopicRecord{"old", id(2)}, partition(2, 0),
		&ConfigRecord{ConfigResource{ResourceTopic, "old"}, "a", text("1")}, &FeatureLevelRecord{"f", 2})
	old := m.Topic("old")
	next, delta := apply(t, m,
		NewPartitionChange(id(1), 1), partition(1, 2), NewPartitionChange(id(1), 1),
		&RemoveTopicRecord{id(2)}, &TopicRecord{"old", id(3)}, partition(3, 0),
		&TopicRecord{"brief", id(4)}, &RemoveTopicRecord{id(4)},
		&ConfigRecord{ConfigResource{ResourceBroker, ""}, "b", text("1")},
		&ConfigRecord{ConfigResource{ResourceBroker, ""}, "b", nil},
		&FeatureLevelRecord{"f", 0}, &ProducerIDsRecord{NextProducerID: 1000})
	want := &Delta{
		Deleted: []*Topic{old}, Created: []*Topic{next.TopicByID(id(3))},
		Changed:  []TopicChange{{m.Topic("t"), next.Topic("t"), []int32{1, 2}}},
		Configs:  []ConfigResource{{ResourceTopic, "old"}, {ResourceBroker, ""}},
		Features: []string{"f"}, ProducerIDs: true,
	}
	if !reflect.DeepEqual(delta, want) || delta.Empty() {
		t.Errorf("got %+v, expected %+v", delta, want)
	}
	if next.Config(ConfigResource{ResourceTopic, "old"}) != nil || next.Feature("f") != 0 {
		t.Error("the old topic's configs or the feature are still there")
	}
	if m.Topic("old") != old || m.PartitionCount() != 3 || next.PartitionCount() != 4 {
		t.Errorf("got %d partitions before, %d after", m.PartitionCount(), next.PartitionCount())
	}
	// The same id again is another topic all the same.
	again, delta, err := m.Apply(at(m, 3), &RemoveTopicRecord{id(2)}, &TopicRecord{"old", id(2)}, partition(2, 0))
	if err != nil {
		t.Fatal(err)
	}
	if len(delta.Deleted) != 1 || len(delta.Created) != 1 || delta.Created[0] != again.Topic("old") ||
		len(delta.Changed) != 0 {
		t.Errorf("got %+v", delta)
	}
}

// TestLookups reads an image in all ways, with what is not there too.
func TestLookups(t *testing.T) {
	m, _ := apply(t, small(t), &TopicRecord{"__consumer_offsets", id(2)}, &TopicRecord{"a.b", id(3)},
		&FeatureLevelRecord{"f", 1}, &FeatureLevelRecord{"metadata.version", 30}, &ProducerIDsRecord{NextProducerID: 9})
	var names []string
	for topic := range m.TopicsFrom("a") {
		names = append(names, topic.Name)
	}
	if !reflect.DeepEqual(names, []string{"a.b", "t"}) {
		t.Errorf("got %v", names)
	}
	if m.Topic("nope") != nil || m.TopicByID(id(9)) != nil || m.Broker(9) != nil || m.Partition("nope", 0) != nil ||
		m.Partition("t", 2) != nil || m.Partition("t", -1) != nil || m.Partition("t", 1).ID != 1 {
		t.Error("a lookup is wrong")
	}
	if !m.Topic("__consumer_offsets").Internal() || m.Topic("t").Internal() || !IsInternal("__share_group_state") {
		t.Error("internal topics are wrong")
	}
	resource := ConfigResource{ResourceTopic, "t"}
	if v, ok := m.ConfigValue(resource, "retention.ms"); v != "1" || !ok {
		t.Errorf("got %q, %v", v, ok)
	}
	if v, ok := m.ConfigValue(resource, "other"); v != "" || ok {
		t.Errorf("got %q, %v", v, ok)
	}
	for range m.ConfigResources() {
		break
	}
	for range m.Features() {
		break
	}
	for range m.Topics() {
		break
	}
	for stop := range 13 {
		seen := 0
		for range m.Records() {
			if seen++; seen > stop {
				break
			}
		}
		if seen != min(stop+1, 11) {
			t.Errorf("got %d records, expected %d", seen, stop+1)
		}
	}
	if b := (&Broker{}); !b.placeable() || b.defaultDirectory() != DirectoryMigrating {
		t.Error("a broker without directories is wrong")
	}
	if got := RecordType(99).String(); got != "record type 99" {
		t.Errorf("got %q", got)
	}
}

// TestInvariantsAreChecked breaks each promise of an image by hand.
func TestInvariantsAreChecked(t *testing.T) {
	bend := func(change func(m *Image)) error {
		m := *small(t)
		change(&m)
		return m.CheckInvariants()
	}
	topic := small(t).Topic("t")
	other := &Topic{Name: "t", ID: id(1), Partitions: topic.Partitions}
	swapped := &Topic{Name: "t", ID: id(1), Partitions: []*Partition{topic.Partitions[1], topic.Partitions[0]}}
	leader := *topic.Partitions[0]
	leader.Leader = 3
	broken := &Topic{Name: "t", ID: id(1), Partitions: []*Partition{&leader, topic.Partitions[1]}}
	both := func(m *Image, t *Topic) {
		m.topicsByName, m.topicsByID = m.topicsByName.put("t", t), m.topicsByID.put(t.ID, t)
	}
	resource := ConfigResource{ResourceTopic, "t"}
	for i, change := range []func(m *Image){
		func(m *Image) { m.partitions++ },
		func(m *Image) { m.topicsByName = m.topicsByName.put("t", other) },
		func(m *Image) { m.topicsByName = m.topicsByName.put("u", topic) },
		func(m *Image) { m.topicsByID = m.topicsByID.put(id(2), topic) },
		func(m *Image) { both(m, swapped) },
		func(m *Image) { both(m, broken) },
		func(m *Image) { m.similar = m.similar.put("a_b", []string{"a.b"}) },
		func(m *Image) { m.similar = m.similar.put("t", []string{"x"}) },
		func(m *Image) { m.brokers = m.brokers.put(5, m.Broker(1)) },
		func(m *Image) { m.configs = m.configs.put(resource, nil) },
		func(m *Image) { m.configs = m.configs.put(resource, []ConfigEntry{{"b", ""}, {"a", ""}}) },
		func(m *Image) {
			m.configs = m.configs.put(ConfigResource{ResourceTopic, "u"}, []ConfigEntry{{"b", ""}})
		},
		func(m *Image) { m.features = m.features.put("f", 0) },
	} {
		if err := bend(change); !errors.Is(err, ErrInvariant) {
			t.Errorf("case %d: got %v", i, err)
		}
	}
	if err := bend(func(*Image) {}); err != nil {
		t.Error(err)
	}
}

// TestSuccessorsAreChecked lets each number go backwards.
func TestSuccessorsAreChecked(t *testing.T) {
	from := small(t)
	change := NewPartitionChange(id(1), 0)
	change.Leader = 2
	later, _ := apply(t, from, change, &ProducerIDsRecord{NextProducerID: 5}, broker(1, 50, "", false))
	renamed, _ := apply(t, later, &RemoveTopicRecord{id(1)})
	renamed, _, err := renamed.Apply(at(renamed, 1), &TopicRecord{"u", id(1)})
	if err != nil {
		t.Fatal(err)
	}
	alter := func(from *Image, change func(m *Image)) *Image {
		m := *from
		m.position, m.nextProducerID = later.position, later.nextProducerID
		change(&m)
		return &m
	}
	withPartition := func(change func(p *Partition)) *Image {
		return alter(later, func(m *Image) {
			topic := *m.Topic("t")
			p := *topic.Partitions[0]
			change(&p)
			topic.Partitions = []*Partition{&p, topic.Partitions[1]}
			m.topicsByID = m.topicsByID.put(topic.ID, &topic)
		})
	}
	for i, next := range []*Image{
		from,
		renamed,
		alter(later, func(m *Image) { m.nextProducerID = 1 }),
		alter(later, func(m *Image) { m.position.Epoch-- }),
		alter(later, func(m *Image) { m.brokers = from.brokers }),
		withPartition(func(p *Partition) { p.LeaderEpoch-- }),
		withPartition(func(p *Partition) { p.PartitionEpoch-- }),
		withPartition(func(p *Partition) { p.ISR = nil }),
		withPartition(func(p *Partition) { p.Leader, p.PartitionEpoch = 1, p.PartitionEpoch+1 }),
	} {
		if err := later.CheckSuccessor(next); !errors.Is(err, ErrInvariant) {
			t.Errorf("case %d: got %v", i, err)
		}
	}
	if err := from.CheckSuccessor(later); err != nil {
		t.Error(err)
	}
}

// TestSimilarNames has a log with names that a controller would not let stand side by side, and removes them again.
func TestSimilarNames(t *testing.T) {
	m, _ := apply(t, NewImage(),
		&TopicRecord{"a.b.c", id(1)}, &TopicRecord{"a_b_c", id(2)}, &TopicRecord{"a_b.c", id(3)})
	similar := func(m *Image) string {
		names, _ := m.similar.get("a_b_c")
		return strings.Join(names, " ")
	}
	more, _ := apply(t, m, &TopicRecord{"a.b_c", id(4)})
	apply(t, m, &TopicRecord{"a-b", id(5)}, &RemoveTopicRecord{id(1)}, &TopicRecord{"a.b.c", id(6)})
	fewer, _ := apply(t, more, &RemoveTopicRecord{id(1)}, &RemoveTopicRecord{id(2)}, &RemoveTopicRecord{id(3)})
	none, _ := apply(t, fewer, &RemoveTopicRecord{id(4)})
	for _, test := range []struct {
		image *Image
		want  string
	}{{m, "a.b.c a_b.c a_b_c"}, {more, "a.b.c a.b_c a_b.c a_b_c"}, {fewer, "a.b_c"}, {none, ""}} {
		if got := similar(test.image); got != test.want {
			t.Errorf("got %q, expected %q", got, test.want)
		}
	}
	if none.similar.len() != 0 {
		t.Error("an empty list of names is left")
	}
}
