package meta

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gregor-log/gregor/base"
)

// refusal is a command and the error that it meets.
type refusal struct {
	cmd  Command
	code *kerr.Error
	text string
}

// checkRefusals runs commands that are refused: each with Kafka's code and words, and without a change.
func checkRefusals(t *testing.T, c *Controller, tests []refusal) {
	t.Helper()
	before := c.Image()
	for _, test := range tests {
		batch, err := c.Do(test.cmd)
		if err == nil {
			t.Errorf("%+v: got %+v, expected %v", test.cmd, batch.Records, test.code)
			continue
		}
		if err.Code != test.code || err.Message != test.text || !errors.Is(err, test.code) ||
			err.Error() != test.code.Message+": "+test.text {
			t.Errorf("%+v:\ngot      %v\nexpected %s: %s", test.cmd, err, test.code.Message, test.text)
		}
		if c.Image() != before {
			t.Fatalf("%+v: the image has changed", test.cmd)
		}
	}
}

// newTopic is a good CreateTopic with a change.
func newTopic(change func(c *CreateTopic)) CreateTopic {
	c := create("new", 9)
	change(&c)
	return c
}

// named is a good CreateTopic but for its name.
func named(name string) CreateTopic { return newTopic(func(c *CreateTopic) { c.Name = name }) }

// sized is a good CreateTopic but for its numbers.
func sized(partitions int32, factor int16, defaults Defaults) CreateTopic {
	c := newTopic(func(c *CreateTopic) { c.Partitions, c.ReplicationFactor = partitions, factor })
	c.Defaults = defaults
	return c
}

// byHand assigns replicas to partitions 0, 1 and so on.
func byHand(replicas ...[]base.NodeID) CreateTopic {
	return newTopic(func(c *CreateTopic) {
		c.Partitions, c.ReplicationFactor = -1, -1
		for i, r := range replicas {
			c.Assignments = append(c.Assignments, Assignment{int32(i), r})
		}
	})
}

// moved gives one assignment of byHand to another partition.
func moved(c CreateTopic, from, to int32) CreateTopic {
	c.Assignments[from].Partition = to
	return c
}

// TestTopicNameRefusals has Kafka 4.3.1's answers to an AdminClient about names, ids and configs.
func TestTopicNameRefusals(t *testing.T) {
	withID := func(id base.UUID) CreateTopic { return newTopic(func(c *CreateTopic) { c.ID = id }) }
	config := func(name, value string) CreateTopic {
		return newTopic(func(c *CreateTopic) { c.Configs = []ConfigEntry{{name, value}} })
	}
	const chars = "' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
	long := strings.Repeat("a", 250)
	checkRefusals(t, cluster(t, 1), []refusal{
		{named("x"), kerr.TopicAlreadyExists, "Topic 'x' already exists."},
		{named("a.b"), kerr.TopicAlreadyExists, "Topic 'a.b' already exists."},
		{named(""), kerr.InvalidTopicException, "Topic name is invalid: the empty string is not allowed"},
		{named("."), kerr.InvalidTopicException, "Topic name is invalid: '.' is not allowed"},
		{named(".."), kerr.InvalidTopicException, "Topic name is invalid: '..' is not allowed"},
		{named(long), kerr.InvalidTopicException, "Topic name is invalid: the length of '" + long +
			"' is longer than the max allowed length 249"},
		{named("a b"), kerr.InvalidTopicException, "Topic name is invalid: 'a b" + chars},
		{named("ü"), kerr.InvalidTopicException, "Topic name is invalid: 'ü" + chars},
		{named("a_b"), kerr.InvalidTopicException, "Topic 'a_b' collides with existing topic: a.b"},
		{named("__cluster_metadata"), kerr.InvalidRequest,
			"Creation of internal topic __cluster_metadata is prohibited."},
		{withID(base.UUID{}), kerr.UnknownServerError, "Topic id AAAAAAAAAAAAAAAAAAAAAA is reserved or taken."},
		{withID(base.UUID{15: 1}), kerr.UnknownServerError, "Topic id AAAAAAAAAAAAAAAAAAAAAQ is reserved or taken."},
		{withID(id(1)), kerr.UnknownServerError, "Topic id " + id(1).String() + " is reserved or taken."},
		{config("n", strings.Repeat("v", 32768)), kerr.InvalidConfig,
			"The configuration value cannot be added because it exceeds the maximum value size of 32767 bytes."},
		{config("", "1"), kerr.InvalidConfig, "A configuration name of 0 bytes is not allowed."},
	})
}

// TestTopicSizeRefusals has Kafka 4.3.1's answers to an AdminClient about partitions and replicas, on one broker.
func TestTopicSizeRefusals(t *testing.T) {
	const factor = "Replication factor must be larger than 0, or -1 to use the default value."
	const count = "Number of partitions was set to an invalid non-positive value."
	const many = "Excessively large number of partitions per request."
	const reach = "Unable to replicate the partition 3 time(s): The target replication factor of 3 cannot be reached " +
		"because only 1 broker(s) are registered or some brokers have all their log directories cordoned."
	const zero = "Unable to replicate the partition 0 time(s): Invalid replication factor 0: the replication factor " +
		"must be positive."
	none := Defaults{}
	checkRefusals(t, cluster(t, 1), []refusal{
		{sized(1, 3, none), kerr.InvalidReplicationFactor, reach},
		{sized(1, 0, none), kerr.InvalidReplicationFactor, factor},
		{sized(1, -2, none), kerr.InvalidReplicationFactor, factor},
		{sized(0, 0, none), kerr.InvalidReplicationFactor, factor},
		{sized(1, -1, none), kerr.InvalidReplicationFactor, zero},
		{sized(1, -1, Defaults{1, 3}), kerr.InvalidReplicationFactor, reach},
		{sized(0, 1, none), kerr.InvalidPartitions, count},
		{sized(-2, 1, none), kerr.InvalidPartitions, count},
		{sized(-1, 1, none), kerr.InvalidPartitions, count},
		{sized(10_001, 1, none), kerr.PolicyViolation, many},
		{sized(10_001, 3, none), kerr.PolicyViolation, many},
		{sized(-1, 1, Defaults{math.MaxInt32, 1}), kerr.PolicyViolation, many},
		{newTopic(func(c *CreateTopic) { c.Partitions, c.Name = math.MaxInt32, "b b" }), kerr.PolicyViolation, many},
		{newTopic(func(c *CreateTopic) { c.Assignments = make([]Assignment, 10_001) }), kerr.PolicyViolation, many},
	})
}

// TestAssignmentRefusals has Kafka 4.3.1's answers to an AdminClient about assignments by hand, on one broker.
func TestAssignmentRefusals(t *testing.T) {
	const gap = "partitions should be a consecutive 0-based integer sequence"
	const unknown = "The manual partition assignment includes broker %d, but no such broker is registered."
	only := []base.NodeID{1}
	both := func(partitions int32, factor int16) CreateTopic {
		c := byHand(only)
		c.Partitions, c.ReplicationFactor = partitions, factor
		return c
	}
	checkRefusals(t, cluster(t, 1), []refusal{
		{moved(byHand(only, only), 1, 2), kerr.InvalidReplicaAssignment, gap},
		{moved(byHand(only), 0, -1), kerr.InvalidReplicaAssignment, gap},
		{moved(byHand(only, only), 1, 0), kerr.InvalidReplicaAssignment,
			"Found multiple manual partition assignments for partition 0"},
		{byHand([]base.NodeID{9}), kerr.InvalidReplicaAssignment, fmt.Sprintf(unknown, 9)},
		{byHand(only, []base.NodeID{1, 9}), kerr.InvalidReplicaAssignment, fmt.Sprintf(unknown, 9)},
		{byHand([]base.NodeID{-1}), kerr.InvalidReplicaAssignment, fmt.Sprintf(unknown, -1)},
		{byHand([]base.NodeID{1, 1}), kerr.InvalidReplicaAssignment,
			"The manual partition assignment includes the broker 1 more than once."},
		{byHand([]base.NodeID{}), kerr.InvalidReplicaAssignment,
			"The manual partition assignment includes an empty replica list."},
		{both(-1, 1), kerr.InvalidRequest,
			"A manual partition assignment was specified, but replication factor was not set to -1."},
		{both(1, -1), kerr.InvalidRequest,
			"A manual partition assignment was specified, but numPartitions was not set to -1."},
	})
}

// TestRefusalsWithoutActiveBrokers fences every broker, and has two brokers for assignments of unequal length.
func TestRefusalsWithoutActiveBrokers(t *testing.T) {
	c := cluster(t, 2)
	two := CreateTopic{Name: "m", ID: id(9), Partitions: -1, ReplicationFactor: -1, Assignments: []Assignment{
		{0, []base.NodeID{1}}, {1, []base.NodeID{2, 1}},
	}}
	const unequal = "The manual partition assignment includes a partition with 2 replica(s), but this is not " +
		"consistent with previous partitions, which have 1 replica(s)."
	checkRefusals(t, c, []refusal{
		{two, kerr.InvalidReplicaAssignment, unequal},
		{CreatePartitions{"x", 4, [][]base.NodeID{{1, 2}}, 0}, kerr.InvalidReplicaAssignment, unequal},
	})
	two.Assignments[1].Replicas = []base.NodeID{2}
	for id := range base.NodeID(2) {
		b := c.Image().Broker(id + 1)
		fence := &BrokerRegistrationChangeRecord{BrokerID: b.ID, BrokerEpoch: b.Epoch, Fenced: Fence}
		m, _ := apply(t, c.Image(), fence)
		c.Reset(m, 2)
	}
	const hand = "All brokers specified in the manual partition assignment for partition "
	const none = "Unable to replicate the partition 1 time(s): All brokers are currently fenced, or have all their " +
		"log directories cordoned."
	checkRefusals(t, c, []refusal{
		{two, kerr.InvalidReplicaAssignment, hand + "0 are fenced or in controlled shutdown."},
		{create("n", 9), kerr.InvalidReplicationFactor, none},
		{CreatePartitions{"x", 4, nil, 0}, kerr.InvalidReplicationFactor, none},
		{CreatePartitions{"x", 4, [][]base.NodeID{{1}}, 0}, kerr.InvalidReplicaAssignment,
			hand + "3 are fenced or in controlled shutdown."},
	})
}

// TestTopicRefusals has Kafka 4.3.1's answers to an AdminClient about topics that are there or not.
func TestTopicRefusals(t *testing.T) {
	parts := func(count int32, replicas ...[]base.NodeID) CreatePartitions {
		return CreatePartitions{"x", count, replicas, 0}
	}
	b1 := []base.NodeID{1}
	checkRefusals(t, cluster(t, 1), []refusal{
		{DeleteTopic{Name: "nope"}, kerr.UnknownTopicOrPartition, "This server does not host this topic-partition."},
		{DeleteTopic{ID: id(9)}, kerr.UnknownTopicID, "This server does not host this topic ID."},
		{DeleteTopic{}, kerr.UnknownTopicID, "This server does not host this topic ID."},
		{CreatePartitions{Name: "nope", Count: 5}, kerr.UnknownTopicOrPartition,
			"This server does not host this topic-partition."},
		{parts(3), kerr.InvalidPartitions, "Topic already has 3 partition(s)."},
		{parts(2), kerr.InvalidPartitions,
			"The topic x currently has 3 partition(s); 2 would not be an increase."},
		{parts(-1), kerr.InvalidPartitions,
			"The topic x currently has 3 partition(s); -1 would not be an increase."},
		{parts(10_004), kerr.PolicyViolation, "Excessively large number of partitions per request."},
		{parts(5, b1), kerr.InvalidReplicaAssignment,
			"Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified."},
		{parts(4, b1, b1), kerr.InvalidReplicaAssignment,
			"Attempted to add 1 additional partition(s), but only 2 assignment(s) were specified."},
		{parts(4, []base.NodeID{}), kerr.InvalidReplicaAssignment,
			"The manual partition assignment includes an empty replica list."},
		{parts(4, []base.NodeID{1, 1}), kerr.InvalidReplicaAssignment,
			"The manual partition assignment includes the broker 1 more than once."},
		{parts(4, []base.NodeID{7}), kerr.InvalidReplicaAssignment,
			"The manual partition assignment includes broker 7, but no such broker is registered."},
	})
	empty, _ := apply(t, cluster(t, 1).Image(), &TopicRecord{"none", id(8)})
	checkRefusals(t, NewController(empty, 1), []refusal{{CreatePartitions{Name: "none", Count: 1},
		kerr.UnknownServerError, "Invalid state: topic none appears to have no partitions."}})
}

// TestClusterRefusals is about configs, producer ids and features.
func TestClusterRefusals(t *testing.T) {
	alter := func(kind ResourceType, name string) AlterConfigs {
		return AlterConfigs{ConfigResource{kind, name}, []ConfigEntry{{"retention.ms", "1"}}, nil}
	}
	feature := func(name string, level int16, kind UpgradeType) UpdateFeature {
		more := append(ranges, FeatureRange{"one.version", 1, 1}, FeatureRange{"all.version", 0, 9})
		return UpdateFeature{name, level, kind, 1, more}
	}
	group := "Invalid update version 2 for feature group.version. Local controller 1 only supports versions 0-1"
	long := strings.Repeat("n", 32768)
	checkRefusals(t, cluster(t, 1), []refusal{
		{alter(ResourceTopic, "nope"), kerr.UnknownTopicOrPartition, "The topic 'nope' does not exist."},
		{alter(ResourceBroker, "abc"), kerr.InvalidRequest, "Invalid broker name abc"},
		{alter(ResourceBroker, "01"), kerr.InvalidRequest, "Invalid broker name 01"},
		{alter(ResourceBroker, "4294967297"), kerr.InvalidRequest, "Invalid broker name 4294967297"},
		{alter(ResourceBroker, "9"), kerr.BrokerIDNotRegistered, "No node with id 9 found."},
		{alter(ResourceGroup, long), kerr.InvalidRequest, "A resource name of 32768 bytes is not allowed."},
		{alter(0, "x"), kerr.InvalidRequest, "Unexpected resource type 0."},
		{AlterConfigs{ConfigResource{ResourceTopic, "x"}, []ConfigEntry{{long, "1"}}, nil}, kerr.InvalidConfig,
			"A configuration name of 32768 bytes is not allowed."},
		{ReplaceConfigs{ConfigResource{ResourceTopic, "nope"}, nil}, kerr.UnknownTopicOrPartition,
			"The topic 'nope' does not exist."},
		{AllocateProducerIDs{9, 0}, kerr.StaleBrokerEpoch, "No broker registration found for broker id 9"},
		{AllocateProducerIDs{1, 7}, kerr.StaleBrokerEpoch, "Expected broker epoch 2, but got broker epoch 7"},
		{feature("group.version", 2, Upgrade), kerr.InvalidUpdateVersion, group},
		{feature("group.version", 2, SafeDowngrade), kerr.InvalidUpdateVersion, group},
		{feature("group.version", 0, Upgrade), kerr.InvalidUpdateVersion, "Invalid update version 0 for feature " +
			"group.version. Can't downgrade the version of this feature without setting the upgrade type to either " +
			"safe or unsafe downgrade."},
		{feature("group.version", 0, 0), kerr.InvalidUpdateVersion, "Invalid update version 0 for feature " +
			"group.version. The controller does not support the given upgrade type."},
		{feature("group.version", -1, Upgrade), kerr.InvalidUpdateVersion, "Invalid update version -1 for feature " +
			"group.version. A feature version cannot be less than 0."},
		{feature("nosuch.version", 0, SafeDowngrade), kerr.InvalidUpdateVersion, "Invalid update version 0 for " +
			"feature nosuch.version. Feature nosuch.version not found."},
		{feature("nosuch.version", 1, Upgrade), kerr.InvalidUpdateVersion, "Invalid update version 1 for feature " +
			"nosuch.version. Local controller 1 does not support this feature."},
		{feature("one.version", 2, Upgrade), kerr.InvalidUpdateVersion, "Invalid update version 2 for feature " +
			"one.version. Local controller 1 only supports versions 1"},
		{feature("all.version", 1, Upgrade), kerr.InvalidUpdateVersion, "Invalid update version 1 for feature " +
			"all.version. Broker 1 does not support this feature."},
		{feature("metadata.version", 29, SafeDowngrade), kerr.InvalidUpdateVersion, "Unsupported metadata.version " +
			"downgrade from 30 to 29. Refusing to perform the requested downgrade because it might delete metadata " +
			"information."},
		{feature("metadata.version", 29, UnsafeDowngrade), kerr.InvalidUpdateVersion, "Unsupported " +
			"metadata.version downgrade from 30 to 29. Unsafe metadata downgrade is not supported in this version."},
	})
	spent, _ := apply(t, cluster(t, 1).Image(), &ProducerIDsRecord{NextProducerID: math.MaxInt64 - 999})
	checkRefusals(t, NewController(spent, 1), []refusal{{AllocateProducerIDs{1, 2}, kerr.UnknownServerError,
		"Exhausted all producerIds as the next block's end producerId has exceeded the int64 type limit"}})
	lower, _ := apply(t, cluster(t, 1).Image(), &FeatureLevelRecord{"group.version", 0})
	checkRefusals(t, NewController(lower, 1), []refusal{{feature("group.version", 1, SafeDowngrade),
		kerr.InvalidUpdateVersion, "Invalid update version 1 for feature group.version. Can't downgrade to a newer " +
			"version."}})
	checkRefusals(t, NewController(NewImage(), 1), []refusal{
		{Bootstrap{}, kerr.InvalidUpdateVersion, "Got 0 levels of metadata.version, expected one."},
		{Bootstrap{[]FeatureLevel{{"f", -1}}}, kerr.InvalidUpdateVersion, `Invalid update version -1 for feature "f".`},
	})
}

// TestRegistrationRefusals is about brokers that must not join.
func TestRegistrationRefusals(t *testing.T) {
	with := func(change func(c *RegisterBroker)) RegisterBroker {
		c := register(2, 2)
		change(&c)
		return c
	}
	long := strings.Repeat("n", 32768)
	checkRefusals(t, cluster(t, 2), []refusal{
		{with(func(c *RegisterBroker) { c.SessionAlive = true }), kerr.DuplicateBrokerRegistration,
			"Another broker is registered with that broker id. If the broker was recently restarted this should " +
				"self-resolve once the heartbeat manager expires the broker's session."},
		{with(func(c *RegisterBroker) { c.ID = -1 }), kerr.InvalidRegistration, "Broker id -1 is negative"},
		{with(func(c *RegisterBroker) { c.IncarnationID = base.UUID{} }), kerr.InvalidRegistration,
			"No incarnation id specified in request"},
		{with(func(c *RegisterBroker) { c.LogDirs = nil }), kerr.InvalidRegistration,
			"No directories specified in request"},
		{with(func(c *RegisterBroker) { c.LogDirs = make([]base.UUID, 1001) }), kerr.InvalidRegistration,
			"Request has more than 1000 listeners, features or directories"},
		{with(func(c *RegisterBroker) { c.LogDirs = []base.UUID{id(7), {15: 99}} }), kerr.InvalidRegistration,
			"Reserved directory ID in request"},
		{with(func(c *RegisterBroker) { c.LogDirs = []base.UUID{id(7), id(8), id(7)} }), kerr.InvalidRegistration,
			"Duplicate directory ID in request"},
		{with(func(c *RegisterBroker) { c.LogDirs = []base.UUID{id(1)} }), kerr.InvalidRegistration,
			"Broker 1 is already registered with directory " + id(1).String()},
		{with(func(c *RegisterBroker) { c.Features = ranges[1:] }), kerr.InvalidRegistration,
			"Request features do not contain 'metadata.version'"},
		{with(func(c *RegisterBroker) { c.Features = ranges[:1] }), kerr.UnsupportedVersion, "Unable to register " +
			"because the broker does not support finalized version 1 of group.version. The broker wants a version " +
			"between 0 and 0, inclusive."},
		{with(func(c *RegisterBroker) { c.Features = []FeatureRange{{"metadata.version", 7, 29}, ranges[1]} }),
			kerr.UnsupportedVersion, "Unable to register because the broker does not support finalized version 30 " +
				"of metadata.version. The broker wants a version between 7 and 29, inclusive."},
		{with(func(c *RegisterBroker) { c.Features = append(ranges, ranges[0]) }), kerr.InvalidRegistration,
			`Invalid or duplicate feature "metadata.version"`},
		{with(func(c *RegisterBroker) { c.Endpoints = append(c.Endpoints, c.Endpoints...) }),
			kerr.InvalidRegistration, `Invalid or duplicate listener "PLAINTEXT"`},
		{with(func(c *RegisterBroker) { c.Rack = long }), kerr.InvalidRegistration,
			"A rack name of 32768 bytes is not allowed"},
	})
}
