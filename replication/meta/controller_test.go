package meta

import (
	"errors"
	"reflect"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gregor-log/gregor/base"
)

// ranges are what the brokers of the tests support.
var ranges = []FeatureRange{{"metadata.version", 7, 30}, {"group.version", 0, 1}}

// do runs a command that must succeed and checks the image that it leads to.
func do(t testing.TB, c *Controller, cmd Command) Batch {
	t.Helper()
	before := c.Image()
	batch, refused := c.Do(cmd)
	if refused != nil {
		t.Fatalf("%+v: %v", cmd, refused)
	}
	if err := errors.Join(batch.Image.CheckInvariants(), before.CheckSuccessor(batch.Image)); err != nil {
		t.Fatalf("%+v: %v", cmd, err)
	}
	if batch.Image != c.Image() || batch.Last != batch.Image.Position() ||
		batch.Last.Offset != before.Position().Offset+base.Offset(len(batch.Records)) {
		t.Fatalf("%+v: batch up to %v from %v", cmd, batch.Last, before.Position())
	}
	return batch
}

// register is the registration of a broker with an incarnation of its own.
func register(broker base.NodeID, incarnation int) RegisterBroker {
	return RegisterBroker{
		ID: broker, IncarnationID: id(100*incarnation + int(broker)), Features: ranges,
		LogDirs: []base.UUID{id(int(broker))}, Endpoints: []Endpoint{{"PLAINTEXT", "localhost", 9092, 0}},
	}
}

// create is a topic of one partition with one replica.
func create(name string, topic int) CreateTopic {
	return CreateTopic{Name: name, ID: id(topic), Partitions: 1, ReplicationFactor: 1}
}

// cluster is a controller of brokers 1 to n, topic "x" of three partitions and topic "a.b".
func cluster(t testing.TB, n int) *Controller {
	t.Helper()
	c := NewController(NewImage(), 1)
	do(t, c, Bootstrap{[]FeatureLevel{{"group.version", 1}, {"metadata.version", 30}}})
	for i := range n {
		do(t, c, register(base.NodeID(i+1), 1))
	}
	do(t, c, CreateTopic{Name: "x", ID: id(1), Partitions: 3, ReplicationFactor: 1})
	do(t, c, create("a.b", 2))
	return c
}

// TestErrorsInApplyAreAnswers lets a command decide what does not fit: an error to answer with, and no change.
func TestErrorsInApplyAreAnswers(t *testing.T) {
	c := cluster(t, 1)
	before := c.Image()
	if _, err := c.Do(nonsense{}); err == nil || err.Code != kerr.UnknownServerError || c.Image() != before {
		t.Errorf("got %v", err)
	}
}

type nonsense struct{}

func (nonsense) Decide(*Image) ([]Record, *Error) { return []Record{&RemoveTopicRecord{id(99)}}, nil }

// TestSpeculation decides commands ahead of the log, commits some, and loses the rest.
func TestSpeculation(t *testing.T) {
	committed := cluster(t, 1).Image()
	c := NewController(committed, 5)
	first := do(t, c, create("one", 11))
	second := do(t, c, CreatePartitions{Name: "one", Count: 2})
	if nothing := do(t, c, AlterConfigs{Resource: ConfigResource{ResourceTopic, "one"}}); len(nothing.Records) != 0 ||
		nothing.Last != second.Last {
		t.Errorf("got %+v", nothing)
	}
	if second.Last.Epoch != 5 || committed.Topic("one") != nil {
		t.Errorf("got %v", second.Last)
	}
	for _, batch := range []Batch{first, second} {
		next, _, err := committed.Apply(batch.Last, batch.Records...)
		if err != nil {
			t.Fatal(err)
		}
		committed = next
	}
	if got, want := dump(committed), dump(c.Image()); got != want {
		t.Errorf("committed\n%s\nexpected\n%s", got, want)
	}
	do(t, c, DeleteTopic{Name: "one"})
	c.Reset(committed, 6)
	if c.Image() != committed {
		t.Error("the lost command is still there")
	}
	if last := do(t, c, DeleteTopic{Name: "one"}).Last; last.Epoch != 6 {
		t.Errorf("got %v", last)
	}
}

// TestCreateTopicRecords looks at the records of a topic with configs and assignments.
func TestCreateTopicRecords(t *testing.T) {
	c := cluster(t, 3)
	b := c.Image().Broker(2)
	m, _ := apply(t, c.Image(), &BrokerRegistrationChangeRecord{BrokerID: 2, BrokerEpoch: b.Epoch, Fenced: Fence,
		LogDirs: []base.UUID{id(2), id(22)}})
	got, refused := CreateTopic{
		Name: "n", ID: id(9), Partitions: -1, ReplicationFactor: -1,
		Configs:     []ConfigEntry{{"z", "1"}, {"a", "\xff2"}},
		Assignments: []Assignment{{1, []base.NodeID{3, 1}}, {0, []base.NodeID{2, 3}}},
	}.Decide(m)
	want := []Record{
		&TopicRecord{"n", id(9)},
		&ConfigRecord{ConfigResource{ResourceTopic, "n"}, "a", text("\ufffd2")},
		&ConfigRecord{ConfigResource{ResourceTopic, "n"}, "z", text("1")},
		&PartitionRecord{TopicID: id(9), Partition: 0, Replicas: []base.NodeID{2, 3}, ISR: []base.NodeID{3},
			Leader: 3, Directories: []base.UUID{DirectoryUnassigned, id(3)}},
		&PartitionRecord{TopicID: id(9), Partition: 1, Replicas: []base.NodeID{3, 1}, ISR: []base.NodeID{3, 1},
			Leader: 3, Directories: []base.UUID{id(3), id(1)}},
	}
	if refused != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v, expected %v", got, refused, want)
	}
	defaults := CreateTopic{Name: "d", ID: id(8), Partitions: -1, ReplicationFactor: -1, Defaults: Defaults{4, 2}}
	batch := do(t, c, defaults)
	if topic := batch.Image.Topic("d"); len(topic.Partitions) != 4 || len(topic.Partitions[3].Replicas) != 2 {
		t.Errorf("got %+v", topic)
	}
	if err := CheckPartitionsPerRequest(MaxPartitionsPerRequest); err != nil {
		t.Error(err)
	}
}

// TestConfigCommands alters the configs of a topic and of a broker.
func TestConfigCommands(t *testing.T) {
	c := cluster(t, 1)
	topic, br := ConfigResource{ResourceTopic, "x"}, ConfigResource{ResourceBroker, "1"}
	steps := []struct {
		cmd     Command
		records int
		topic   []ConfigEntry
	}{
		{AlterConfigs{topic, []ConfigEntry{{"b", "1"}, {"a", "2"}}, nil}, 2, []ConfigEntry{{"a", "2"}, {"b", "1"}}},
		{AlterConfigs{topic, []ConfigEntry{{"b", "1"}, {"a", "2"}}, []string{"c"}}, 0,
			[]ConfigEntry{{"a", "2"}, {"b", "1"}}},
		{AlterConfigs{topic, []ConfigEntry{{"c", ""}}, []string{"a"}}, 2, []ConfigEntry{{"b", "1"}, {"c", ""}}},
		{ReplaceConfigs{topic, []ConfigEntry{{"d", "4"}, {"b", "1"}}}, 2, []ConfigEntry{{"b", "1"}, {"d", "4"}}},
		{AlterConfigs{br, []ConfigEntry{{"k", "1"}}, nil}, 1, []ConfigEntry{{"b", "1"}, {"d", "4"}}},
		{AlterConfigs{br, []ConfigEntry{{"k", "1"}}, nil}, 1, []ConfigEntry{{"b", "1"}, {"d", "4"}}},
		{ReplaceConfigs{topic, nil}, 2, nil},
		{AlterConfigs{ConfigResource{ResourceBroker, ""}, []ConfigEntry{{"k", "2"}}, nil}, 1, nil},
		{AlterConfigs{ConfigResource{ResourceGroup, "g"}, []ConfigEntry{{"k", "2"}}, nil}, 1, nil},
	}
	for i, step := range steps {
		batch := do(t, c, step.cmd)
		if got := c.Image().Config(topic); len(batch.Records) != step.records || !reflect.DeepEqual(got, step.topic) {
			t.Errorf("step %d: got %d records, %v", i, len(batch.Records), got)
		}
	}
}

// TestClusterCommands allocates producer ids, moves features, and bootstraps but once.
func TestClusterCommands(t *testing.T) {
	c := cluster(t, 1)
	for i := range base.ProducerID(3) {
		batch := do(t, c, AllocateProducerIDs{1, c.Image().Broker(1).Epoch})
		if got := batch.Records[0].(*ProducerIDsRecord).Block(); got != i*ProducerIDBlock {
			t.Errorf("got block %d, expected %d", got, i*ProducerIDBlock)
		}
	}
	for _, step := range []struct {
		level   int16
		kind    UpgradeType
		records int
	}{{1, Upgrade, 0}, {0, SafeDowngrade, 1}, {0, UnsafeDowngrade, 0}, {1, Upgrade, 1}} {
		batch := do(t, c, UpdateFeature{"group.version", step.level, step.kind, 1, ranges})
		if len(batch.Records) != step.records || c.Image().Feature("group.version") != step.level {
			t.Errorf("%+v: got %v", step, batch.Records)
		}
	}
	extra := append(ranges[:2:2], FeatureRange{"extra.version", 0, 1})
	if batch := do(t, c, UpdateFeature{"extra.version", 0, SafeDowngrade, 1, extra}); len(batch.Records) != 0 {
		t.Errorf("got %v", batch.Records)
	}
	if batch := do(t, c, Bootstrap{}); len(batch.Records) != 0 {
		t.Errorf("got %v", batch.Records)
	}
	first, _ := Bootstrap{[]FeatureLevel{{"g", 1}, {"none", 0}, {"metadata.version", 30}}}.Decide(NewImage())
	want := []Record{&FeatureLevelRecord{"metadata.version", 30}, &FeatureLevelRecord{"g", 1}}
	if !reflect.DeepEqual(first, want) {
		t.Errorf("got %v", first)
	}
}
