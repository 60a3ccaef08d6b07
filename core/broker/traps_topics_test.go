package broker

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/core/config"
)

// Traps of the Kafka protocol, 16 to 25: metadata and topics.

// topicMetadata asks for one topic by name.
func (h *harness) topicMetadata(version int16, name string, create bool) kmsg.MetadataResponseTopic {
	h.Helper()
	req := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = &name
	req.Topics, req.AllowAutoTopicCreation = append(req.Topics, t), create
	return ask[*kmsg.MetadataResponse](h, version, req).Topics[0]
}

// "Connects, then hangs": a client in a container that is told the host's name for itself.
func TestTrap16AddressesAreThoseOfTheListener(t *testing.T) {
	h := newHarness(t)
	h.b.advertised = []config.Endpoint{
		{Name: "INSIDE", Host: "broker", Port: 19092}, {Name: "OUTSIDE", Host: "example.org", Port: 9092},
	}
	for _, l := range h.b.advertised {
		c := h.connect()
		c.conn.listener = h.b.Listener(l.Name)
		for v := range int16(14) {
			req := kmsg.NewPtrMetadataRequest()
			req.Version = v
			got := c.ask(req).(*kmsg.MetadataResponse).Brokers[0]
			if got.Host != l.Host || got.Port != l.Port {
				t.Errorf("Metadata v%d through %s: got %s:%d", v, l.Name, got.Host, got.Port)
			}
		}
		for v := range int16(3) {
			req := kmsg.NewPtrDescribeClusterRequest()
			req.Version, req.EndpointType = v, 1
			got := c.ask(req).(*kmsg.DescribeClusterResponse).Brokers[0]
			if got.Host != l.Host || got.Port != l.Port {
				t.Errorf("DescribeCluster v%d through %s: got %s:%d", v, l.Name, got.Host, got.Port)
			}
		}
	}
}

// Connect refuses a cluster without an id, and takes one whose id changes for another.
func TestTrap17ClusterIDIsStableAndTheControllerIsABroker(t *testing.T) {
	h := newHarness(t)
	look := func() (id string) {
		for v := int16(2); v <= 13; v++ {
			res := ask[*kmsg.MetadataResponse](h, v, kmsg.NewPtrMetadataRequest())
			alive := slices.ContainsFunc(res.Brokers, func(b kmsg.MetadataResponseBroker) bool {
				return b.NodeID == res.ControllerID
			})
			if res.ClusterID == nil || *res.ClusterID == "" || id != "" && *res.ClusterID != id || !alive {
				t.Fatalf("v%d: got cluster %v, controller %d of %+v", v, res.ClusterID, res.ControllerID, res.Brokers)
			}
			id = *res.ClusterID
		}
		req := kmsg.NewPtrDescribeClusterRequest()
		req.EndpointType = 1
		if res := ask[*kmsg.DescribeClusterResponse](h, 2, req); res.ClusterID != id {
			t.Errorf("DescribeCluster: got cluster %s, expected %s", res.ClusterID, id)
		}
		return id
	}
	before := look()
	h.restart()
	if after := look(); after != before {
		t.Errorf("got cluster %s after a restart, expected %s", after, before)
	}
}

// Java drops metadata of an older epoch and goes on with the leader that it knew.
func TestTrap18LeaderEpochsNeverGoBack(t *testing.T) {
	h := newHarness(t)
	h.create("t", 1)
	last := int32(0)
	look := func(what string) {
		p := h.topicMetadata(13, "t", false).Partitions[0]
		fetched := fetchOf(12, want{topic: "t"})
		fetched.Topics[0].Partitions[0].CurrentLeaderEpoch = p.LeaderEpoch
		res := ask[*kmsg.FetchResponse](h, 12, fetched)
		if p.LeaderEpoch < last || res.Topics[0].Partitions[0].ErrorCode != 0 {
			t.Errorf("%s: got epoch %d after %d, fetch with it error %d", what, p.LeaderEpoch, last,
				res.Topics[0].Partitions[0].ErrorCode)
		}
		last = p.LeaderEpoch
	}
	look("at first")
	h.mustProduce("t", 0, values("a"))
	look("after a record")
	req := kmsg.NewPtrCreatePartitionsRequest()
	req.Topics = []kmsg.CreatePartitionsRequestTopic{{Topic: "t", Count: 3}}
	ask[*kmsg.CreatePartitionsResponse](h, 3, req)
	look("after more partitions")
	h.restart()
	look("after a restart")
	h.kill()
	look("after a kill")
	h.mustProduce("t", 0, values("b"))
	look("after another record")
}

// Ids name a topic for good; a name may stand for another topic tomorrow.
func TestTrap19TopicIDs(t *testing.T) {
	h := newHarness(t)
	id := h.create("t", 1)
	h.mustProduce("t", 0, values("old"))
	other := [16]byte{15: 9}
	for v := int16(10); v <= 13; v++ {
		if got := h.topicMetadata(v, "t", false); got.TopicID != id {
			t.Errorf("Metadata v%d: got id %x, expected %x", v, got.TopicID, id)
		}
	}
	for v := int16(12); v <= 13; v++ {
		req := kmsg.NewPtrMetadataRequest()
		req.Topics = []kmsg.MetadataRequestTopic{{TopicID: id}, {TopicID: other}}
		topics := ask[*kmsg.MetadataResponse](h, v, req).Topics
		if *topics[0].Topic != "t" || topics[1].Topic != nil || topics[1].ErrorCode != 100 ||
			topics[1].TopicID != other {
			t.Errorf("Metadata v%d: got %+v", v, topics)
		}
	}
	for v := int16(13); v <= 18; v++ {
		res := ask[*kmsg.FetchResponse](h, v, fetchOf(v, want{id: id}, want{id: other}, want{id: id, index: 5}, want{}))
		var codes []int16
		for _, topic := range res.Topics {
			codes = append(codes, topic.Partitions[0].ErrorCode)
		}
		if !slices.Equal(codes, []int16{0, 100, 3, 100}) {
			t.Errorf("Fetch v%d: got errors %d, expected 0 100 3 100", v, codes)
		}
	}
	records := values("x").batch()
	produced := ask[*kmsg.ProduceResponse](h, 13, produceOf(13, 1, part{id: id, records: records},
		part{id: other, records: records}, part{records: records}))
	for i, code := range []int16{0, 100, 100} {
		if got := produced.Topics[i]; got.Partitions[0].ErrorCode != code || i == 0 && got.TopicID != id {
			t.Errorf("Produce v13 topic %d: got %+v, expected error %d", i, got, code)
		}
	}
	h.drop("t")
	again := h.create("t", 1)
	if again == id {
		t.Error("a topic that was made again has the id of the old one")
	}
	res := ask[*kmsg.FetchResponse](h, 13, fetchOf(13, want{id: id}, want{id: again}))
	if res.Topics[0].Partitions[0].ErrorCode != 100 || len(res.Topics[1].Partitions[0].RecordBatches) > 0 {
		t.Errorf("after the topic was made again: got %+v", res.Topics)
	}
}

func TestTrap20AutomaticCreation(t *testing.T) {
	h := newHarness(t)
	for v := range int16(14) {
		name := "auto" + string(rune('a'+v))
		forbidden := "not" + name
		if got := h.topicMetadata(max(v, 4), forbidden, false); got.ErrorCode != 3 {
			t.Errorf("v%d: got error %d for a topic that must not be made", v, got.ErrorCode)
		}
		if got := h.topicMetadata(v, name, true); got.ErrorCode != 3 {
			t.Errorf("v%d: got error %d the first time, expected 3", v, got.ErrorCode)
		}
		if got := h.topicMetadata(v, name, true); got.ErrorCode != 0 || len(got.Partitions) != 1 {
			t.Errorf("v%d: got %+v the second time", v, got)
		}
		if h.b.Image().Topic(forbidden) != nil {
			t.Errorf("v%d: a topic was made although the client forbade it", v)
		}
	}
	if got := h.topicMetadata(3, "implied", false); got.ErrorCode != 3 || h.b.Image().Topic("implied") == nil {
		t.Errorf("v3 cannot forbid creation, got error %d", got.ErrorCode)
	}
	for _, name := range []string{"__consumer_offsets", "__cluster_metadata", "a/b", "", ".", "auto_a"} {
		h.topicMetadata(9, name, true)
		if name != "auto_a" && h.b.Image().Topic(name) != nil {
			t.Errorf("%q was made automatically", name)
		}
	}
}

func TestTrap20AutomaticCreationCanBeOff(t *testing.T) {
	h := newHarness(t, kv("auto.create.topics.enable", "false"))
	for v := range int16(14) {
		if got := h.topicMetadata(v, "t", true); got.ErrorCode != 3 {
			t.Errorf("v%d: got error %d, expected 3", v, got.ErrorCode)
		}
	}
	if h.b.Image().Topic("t") != nil {
		t.Error("the topic was made")
	}
}

// createOne asks for one topic and returns its result.
func (h *harness) createOne(version int16, asked kmsg.CreateTopicsRequestTopic,
	dry bool) kmsg.CreateTopicsResponseTopic {
	h.Helper()
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Topics, req.ValidateOnly = append(req.Topics, asked), dry
	return ask[*kmsg.CreateTopicsResponse](h, version, req).Topics[0]
}

func TestTrap21TopicNames(t *testing.T) {
	h := newHarness(t)
	h.create("dot.ted", 1)
	h.create("under_score", 1)
	long := strings.Repeat("a", 249)
	for name, code := range map[string]int16{
		"": 17, ".": 17, "..": 17, "a/b": 17, "a b": 17, "ä": 17, "a\x00": 17, long + "a": 17, "dot_ted": 17,
		"under.score": 17, long: 0, "a.b": 0, "-": 0, "dot.ted": 36,
	} {
		for v := int16(2); v <= 7; v++ {
			asked := kmsg.CreateTopicsRequestTopic{Topic: name, NumPartitions: 1, ReplicationFactor: 1}
			if got := h.createOne(v, asked, true); got.ErrorCode != code {
				t.Errorf("CreateTopics v%d %q: got error %d, expected %d", v, name, got.ErrorCode, code)
			}
		}
		if code == 17 && !strings.HasSuffix(name, "ted") && !strings.HasSuffix(name, "score") {
			if got := h.topicMetadata(9, name, true); got.ErrorCode != 17 {
				t.Errorf("Metadata %q: got error %d, expected 17", name, got.ErrorCode)
			}
		}
	}
}

func TestTrap22CreateTopics(t *testing.T) {
	h := newHarness(t, kv("num.partitions", "3"))
	for v := int16(2); v <= 7; v++ {
		name := "t" + string(rune('0'+v))
		value := "1234"
		asked := kmsg.CreateTopicsRequestTopic{
			Topic: name, NumPartitions: -1, ReplicationFactor: -1,
			Configs: []kmsg.CreateTopicsRequestTopicConfig{{Name: "retention.ms", Value: &value}},
		}
		dry := h.createOne(v, asked, true)
		if dry.ErrorCode != 0 || h.b.Image().Topic(name) != nil {
			t.Errorf("v%d, only validated: got error %d, made: %v", v, dry.ErrorCode, h.b.Image().Topic(name) != nil)
		}
		made := h.createOne(v, asked, false)
		if made.ErrorCode != 0 {
			t.Fatalf("v%d: got error %d: %s", v, made.ErrorCode, text(made.ErrorMessage))
		}
		if got := h.topicMetadata(13, name, false); len(got.Partitions) != 3 || v >= 7 && got.TopicID != made.TopicID {
			t.Errorf("v%d: got metadata %+v right after", v, got)
		}
		if v >= 5 {
			told := slices.ContainsFunc(made.Configs, func(c kmsg.CreateTopicsResponseTopicConfig) bool {
				return c.Name == "retention.ms" && text(c.Value) == "1234" && c.Source == 1
			})
			if made.NumPartitions != 3 || made.ReplicationFactor != 1 || !told || len(made.Configs) < 30 {
				t.Errorf("v%d: got %d partitions, %d replicas, %d configs", v, made.NumPartitions,
					made.ReplicationFactor, len(made.Configs))
			}
		}
		again := h.createOne(v, asked, false)
		if again.ErrorCode != 36 || v >= 5 && (again.NumPartitions != -1 || again.Configs == nil) {
			t.Errorf("v%d: the second time got %+v", v, again)
		}
	}
}

// One request may make 10,000 partitions, over all its topics; beyond that nothing of it is made.
func TestPartitionsOfOneRequestAreLimited(t *testing.T) {
	h := newHarness(t)
	h.create("have", 1)
	for _, test := range []struct {
		counts []int32
		code   int16
	}{
		{[]int32{10_001}, 44}, {[]int32{2, 9_999}, 44}, {[]int32{-1, 10_000}, 44}, {[]int32{1<<31 - 1, 1<<31 - 1}, 44},
		{[]int32{10_000}, 0}, {[]int32{1, 9_999}, 0},
	} {
		req := kmsg.NewPtrCreateTopicsRequest()
		req.ValidateOnly = test.code == 0
		for i, n := range test.counts {
			name := string(rune('a' + i))
			req.Topics = append(req.Topics, kmsg.CreateTopicsRequestTopic{
				Topic: name, NumPartitions: n, ReplicationFactor: 1,
			})
		}
		res := ask[*kmsg.CreateTopicsResponse](h, 7, req)
		if len(res.Topics) != len(test.counts) {
			t.Fatalf("%v: got %d answers", test.counts, len(res.Topics))
		}
		for _, topic := range res.Topics {
			if topic.ErrorCode != test.code || h.b.Image().Topic(topic.Topic) != nil {
				t.Errorf("%v: %s got error %d, expected %d", test.counts, topic.Topic, topic.ErrorCode, test.code)
			}
		}
	}
	grow := kmsg.NewPtrCreatePartitionsRequest()
	grow.Topics = []kmsg.CreatePartitionsRequestTopic{{Topic: "have", Count: 10_002}}
	if got := ask[*kmsg.CreatePartitionsResponse](h, 3, grow).Topics[0]; got.ErrorCode != 44 {
		t.Errorf("growth by 10,001 partitions: got error %d, expected 44", got.ErrorCode)
	}
	h.create("more", 1)
	grow.Topics = []kmsg.CreatePartitionsRequestTopic{{Topic: "have", Count: 8}, {Topic: "more", Count: 9_995}}
	res := ask[*kmsg.CreatePartitionsResponse](h, 3, grow)
	if have := len(h.b.Image().Topic("have").Partitions); res.Topics[0].ErrorCode != 0 || have != 8 {
		t.Errorf("got error %d and %d partitions, expected 0 and 8", res.Topics[0].ErrorCode, have)
	}
	if more := len(h.b.Image().Topic("more").Partitions); res.Topics[1].ErrorCode != 44 || more != 1 {
		t.Errorf("got error %d and %d partitions, expected 44 and 1", res.Topics[1].ErrorCode, more)
	}
}

// An empty array where an answer was due ends in a null pointer in librdkafka.
func TestTrap23EveryItemIsAnswered(t *testing.T) {
	h := newHarness(t)
	h.create("t", 1)
	h.coordinator("g")
	for _, a := range servedAPIs() {
		if slices.Contains([]int16{16, 18, 22, 35, 46, 47, 60, 74}, a.key) {
			continue // these have no items, or answer about others or with an error of the whole
		}
		for v := max(a.min, a.least); v <= a.max; v++ {
			for _, topic := range []string{"t", "none"} {
				req := sampleRequest(a.key, v, topic, [16]byte{15: 9})
				res := h.connect().ask(req)
				if v <= 3 && a.key == 10 {
					continue // one coordinator
				}
				asked, told := items(reflect.ValueOf(req).Elem()), items(reflect.ValueOf(res).Elem())
				if asked != told {
					t.Errorf("%s v%d about %s: got %d answers to %d items", kmsg.Key(a.key).Name(), v, topic, told,
						asked)
				}
			}
		}
	}
}

// items counts the innermost things of a message that is about topics, resources or keys.
func items(v reflect.Value) int {
	for _, name := range []string{"Groups", "Topics", "Resources", "CoordinatorKeys", "Coordinators", "Dirs"} {
		list := v.FieldByName(name)
		if !list.IsValid() || list.Len() == 0 {
			continue
		}
		n := 0
		for i := range list.Len() {
			inner := reflect.Value{}
			if list.Index(i).Kind() == reflect.Struct {
				inner = list.Index(i).FieldByName("Partitions")
			}
			if !inner.IsValid() {
				n++
			} else {
				n += max(inner.Len(), 1)
			}
		}
		return n
	}
	return 0
}

// deleteRecords moves a partition's start and returns its result.
func (h *harness) deleteRecords(version int16, topic string, index int32,
	offset int64) kmsg.DeleteRecordsResponseTopicPartition {
	h.Helper()
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.Topics = []kmsg.DeleteRecordsRequestTopic{{
		Topic: topic, Partitions: []kmsg.DeleteRecordsRequestTopicPartition{{Partition: index, Offset: offset}},
	}}
	return ask[*kmsg.DeleteRecordsResponse](h, version, req).Topics[0].Partitions[0]
}

func TestTrap24DeleteRecords(t *testing.T) {
	h := newHarness(t)
	for v := range int16(3) {
		name := "t" + string(rune('0'+v))
		h.create(name, 1)
		h.mustProduce(name, 0, values("a", "b", "c"))
		h.mustProduce(name, 0, values("d"))
		for _, test := range []struct {
			offset, low int64
			code        int16
		}{{5, -1, 1}, {-2, -1, 1}, {1, 1, 0}, {0, 1, 0}, {1, 1, 0}} {
			got := h.deleteRecords(v, name, 0, test.offset)
			if got.LowWatermark != test.low || got.ErrorCode != test.code {
				t.Errorf("v%d to %d: got %+v, expected %+v", v, test.offset, got, test)
			}
		}
		p := h.fetch(name, 0, 1)
		if got := recordsOf(p.RecordBatches); p.LogStartOffset != 1 || !slices.Equal(got, []string{
			"0=a", "1=b", "2=c", "3=d",
		}) {
			t.Errorf("v%d: got %v from offset 1 on, start %d; batches are not split", v, got, p.LogStartOffset)
		}
		if p := h.fetch(name, 0, 0); p.ErrorCode != 1 {
			t.Errorf("v%d: got error %d below the start, expected 1", v, p.ErrorCode)
		}
		if got := h.deleteRecords(v, name, 0, -1); got.LowWatermark != 4 || got.ErrorCode != 0 {
			t.Errorf("v%d to the high watermark: got %+v", v, got)
		}
	}
	h.restart()
	if got := h.fetch("t0", 0, 4); got.ErrorCode != 0 || got.LogStartOffset != 4 {
		t.Errorf("after a restart: got %+v", got)
	}
	h.create("compacted", 1, "cleanup.policy", "compact")
	if got := h.deleteRecords(2, "compacted", 0, 0); got.ErrorCode != 44 {
		t.Errorf("of a compacted topic: got error %d, expected 44", got.ErrorCode)
	}
}

// Clients follow the leader that an error names; with any other error they must not.
func TestTrap25LeadersAreToldWithTwoErrorsAlone(t *testing.T) {
	h := newHarness(t)
	id := h.create("t", 1)
	h.kill() // the leader's epoch is 1 now
	h.mustProduce("t", 0, values("a"))
	for v := int16(12); v <= 18; v++ {
		for _, test := range []struct {
			name    string
			replica int32
			epoch   int32
			offset  int64
			code    int16
			told    bool
		}{
			{"fenced", -1, 0, 0, 74, v >= 16}, {"follower", 7, -1, 0, 6, v >= 16},
			{"unknown epoch", -1, 9, 0, 75, false}, {"out of range", -1, -1, 9, 1, false}, {"good", -1, 1, 0, 0, false},
		} {
			w := want{topic: "t", offset: test.offset}
			if v >= 13 {
				w.topic, w.id = "", id
			}
			req := fetchOf(v, w)
			req.ReplicaID, req.ReplicaState.ID = test.replica, test.replica
			req.Topics[0].Partitions[0].CurrentLeaderEpoch = test.epoch
			p := ask[*kmsg.FetchResponse](h, v, req).Topics[0].Partitions[0]
			leader, epoch := int32(-1), int32(-1)
			if test.told {
				leader, epoch = int32(h.b.NodeID()), 1
			}
			if p.ErrorCode != test.code || p.CurrentLeader.LeaderID != leader || p.CurrentLeader.LeaderEpoch != epoch {
				t.Errorf("v%d %s: got error %d and leader %+v, expected %d, %d, %d", v, test.name, p.ErrorCode,
					p.CurrentLeader, test.code, leader, epoch)
			}
		}
	}
	for v := int16(10); v <= 12; v++ {
		req := produceOf(v, 1, part{topic: "t", index: 9, records: values("a").batch()})
		res := ask[*kmsg.ProduceResponse](h, v, req)
		l := res.Topics[0].Partitions[0].CurrentLeader
		if l.LeaderID != -1 || l.LeaderEpoch != -1 || len(res.Brokers) > 0 {
			t.Errorf("Produce v%d: got leader %+v with UNKNOWN_TOPIC_OR_PARTITION", v, l)
		}
	}
}
