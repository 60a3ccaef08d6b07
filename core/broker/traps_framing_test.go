package broker

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/core/wire"
	"github.com/gregor-log/gregor/replication/meta"
)

// Traps of the Kafka protocol, 1 to 15: frames and the negotiation of versions. Each test breaks if the broker answers
// in the way that is known to break clients.

// rawFrame makes a request frame without its length.
func rawFrame(key, version int16, correlation int32, rest ...byte) []byte {
	p := binary.BigEndian.AppendUint16(nil, uint16(key))
	p = binary.BigEndian.AppendUint16(p, uint16(version))
	p = binary.BigEndian.AppendUint32(p, uint32(correlation))
	return append(p, rest...)
}

// noClientID is a null client id.
var noClientID = []byte{0xff, 0xff}

// expect notes a request that was sent as a raw frame, so that its answer is taken.
func (c *testClient) expect(req kmsg.Request, version int16, correlation int32) {
	req.SetVersion(version)
	c.asked = append(c.asked, askedRequest{req: req, correlation: correlation})
}

// One byte of tagged fields in the header makes librdkafka read a length of gigabytes.
func TestTrap01ApiVersionsHeaderIsAlwaysV0(t *testing.T) {
	h := newHarness(t)
	for v := range int16(5) {
		c := h.connect()
		req := kmsg.NewPtrApiVersionsRequest()
		req.Version, req.ClientSoftwareName, req.ClientSoftwareVersion = v, "test", "1"
		c.ask(req)
		body := c.raw[0][wire.LengthSize+4:]
		res := kmsg.NewPtrApiVersionsResponse()
		res.Version = v
		if err := res.ReadFrom(body); err != nil || res.ErrorCode != 0 || len(res.ApiKeys) != len(servedAPIs()) {
			t.Errorf("v%d: without a header's tags, got error %d and %d keys: %v", v, res.ErrorCode, len(res.ApiKeys),
				err)
		}
	}
}

// Every new client begins with its newest version and goes on with what this answer tells it.
func TestTrap02UnknownApiVersionsVersionIsAnsweredInV0(t *testing.T) {
	h := newHarness(t)
	for i, version := range []int16{5, 6, 100, 1<<15 - 1, -1, -1 << 15} {
		c := h.connect()
		rest := []byte{0, 1, 'x'}
		if version > 0 {
			rest = append(rest, 0) // the header's tagged fields
		}
		c.expect(kmsg.NewPtrApiVersionsRequest(), 0, int32(i))
		c.sendFrame(rawFrame(18, version, int32(i), append(rest, 0xba, 0xdb, 0x0d)...))
		if len(c.answers) != 1 {
			t.Fatalf("v%d: got no answer", version)
		}
		res := c.answers[0].(*kmsg.ApiVersionsResponse)
		want := kmsg.ApiVersionsResponseApiKey{ApiKey: 18, MinVersion: 0, MaxVersion: 4}
		if res.ErrorCode != 35 || !slices.ContainsFunc(res.ApiKeys, func(k kmsg.ApiVersionsResponseApiKey) bool {
			return reflect.DeepEqual(k, want)
		}) {
			t.Errorf("v%d: got error %d and %+v, expected 35 and %+v", version, res.ErrorCode, res.ApiKeys, want)
		}
		req := kmsg.NewPtrApiVersionsRequest()
		req.Version, req.ClientSoftwareName, req.ClientSoftwareVersion = 4, "test", "1"
		if res := c.ask(req).(*kmsg.ApiVersionsResponse); res.ErrorCode != 0 {
			t.Errorf("v%d: the second try got error %d", version, res.ErrorCode)
		}
	}
}

// An answer in another version would leave the client out of step with the stream.
func TestTrap03UnsupportedRequestsCloseTheConnection(t *testing.T) {
	h := newHarness(t)
	type request struct{ key, version int16 }
	asked := []request{
		{-1, 0}, {94, 0}, {999, 0}, {1<<15 - 1, 0}, {52, 0}, {62, 0}, {8, 2}, {11, 5}, {71, 0}, {0, 2}, {0, 0},
	}
	for _, a := range servedAPIs() {
		if a.key != 18 {
			below := max(a.least, a.min) - 1
			asked = append(asked, request{a.key, a.max + 1}, request{a.key, below}, request{a.key, -1})
		}
	}
	for _, r := range asked {
		c := h.connect()
		c.sendFrame(rawFrame(r.key, r.version, 7, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
		if !c.hungUp || len(c.raw) > 0 {
			t.Errorf("key %d v%d: got %d answers, closed %v", r.key, r.version, len(c.raw), c.hungUp)
		}
	}
}

// A request behind one that closes the connection is not served: the client never learns of it.
func TestTrap03NothingIsServedBehindABadRequest(t *testing.T) {
	h := newHarness(t)
	h.create("t", 1)
	c := h.connect()
	bad := rawFrame(999, 0, 1, noClientID...)
	f := kmsg.NewRequestFormatter()
	good := f.AppendRequest(nil, produceOf(9, 1, part{topic: "t", records: values("a").batch()}), 2)[wire.LengthSize:]
	for _, frame := range [][]byte{bad, good} {
		h.b.Step(h.now, Input{Kind: Frame, Conn: c.conn, Frame: frame}, &h.effects)
	}
	if n := len(h.effects.Ready); n > 0 || len(h.effects.Close) != 1 {
		t.Errorf("got %d connections with answers and %d to close, expected 0 and 1", n, len(h.effects.Close))
	}
	h.carryOut()
	if got := h.content("t", 0); got != nil {
		t.Errorf("got %v in the log, expected nothing", got)
	}
}

func TestTrap04ClientSoftwareNamesAreChecked(t *testing.T) {
	h := newHarness(t)
	for _, test := range []struct {
		name, version string
		code          int16
	}{
		{"gregor", "1.0", 0}, {"a", "1", 0}, {"a.b-c", "v1.2.3-rc4", 0}, {"", "1", 42}, {"a", "", 42}, {"-a", "1", 42},
		{"a-", "1", 42}, {".", "1", 42}, {"a b", "1", 42}, {"a", "1.", 42}, {"a\n", "1", 42}, {"ä", "1", 42},
	} {
		for v := int16(0); v <= 4; v++ {
			req := kmsg.NewPtrApiVersionsRequest()
			req.ClientSoftwareName, req.ClientSoftwareVersion = test.name, test.version
			want := test.code
			if v < 3 {
				want = 0
			}
			if res := ask[*kmsg.ApiVersionsResponse](h, v, req); res.ErrorCode != want {
				t.Errorf("v%d %q %q: got error %d, expected %d", v, test.name, test.version, res.ErrorCode, want)
			}
		}
	}
}

// advertised returns what the broker advertises for a key.
func advertised(h *harness, key int16) (found kmsg.ApiVersionsResponseApiKey, ok bool) {
	res := ask[*kmsg.ApiVersionsResponse](h, 0, kmsg.NewPtrApiVersionsRequest())
	for _, k := range res.ApiKeys {
		if k.ApiKey == key {
			return k, true
		}
	}
	return found, false
}

// librdkafka before 2.11 takes a broker whose Produce does not begin at 0 for one without compression.
func TestTrap05ProduceIsAdvertisedFrom0AndServedFrom3(t *testing.T) {
	h := newHarness(t)
	h.create("t", 1)
	if k, _ := advertised(h, 0); k.MinVersion != 0 || k.MaxVersion != 13 {
		t.Errorf("got versions %d-%d, expected 0-13", k.MinVersion, k.MaxVersion)
	}
	for v := int16(0); v <= 2; v++ {
		c := h.connect()
		req := produceOf(v, 1, part{topic: "t", records: values("a").batch()})
		f := kmsg.NewRequestFormatter()
		c.sendFrame(f.AppendRequest(nil, req, 1)[wire.LengthSize:])
		if !c.hungUp || len(c.raw) > 0 {
			t.Errorf("v%d: got %d answers, closed %v", v, len(c.raw), c.hungUp)
		}
	}
}

// librdkafka's feature map needs these very ranges.
func TestTrap06OldVersionsStayInRange(t *testing.T) {
	h := newHarness(t)
	for key, lowest := range map[int16]int16{
		1: 4, 2: 1, 3: 0, 8: 2, 9: 1, 10: 0, 11: 0, 12: 0, 13: 0, 14: 0, 18: 0, 22: 0,
	} {
		if k, ok := advertised(h, key); !ok || k.MinVersion != lowest {
			t.Errorf("key %d: got from %d (advertised: %v), expected from %d", key, k.MinVersion, ok, lowest)
		}
	}
	for _, key := range []int16{17, 24, 36, 68, 71, 72} {
		if _, ok := advertised(h, key); ok {
			t.Errorf("key %d is advertised and not served", key)
		}
	}
}

func TestTrap07MetadataSaysTheSameInEveryVersion(t *testing.T) {
	h := newHarness(t)
	id := h.create("t", 3)
	name := "t"
	for v := range int16(14) {
		req := kmsg.NewPtrMetadataRequest()
		asked := kmsg.NewMetadataRequestTopic()
		asked.Topic = &name
		req.Topics = append(req.Topics, asked)
		res := ask[*kmsg.MetadataResponse](h, v, req)
		if len(res.Brokers) != 1 || res.Brokers[0].Host != "127.0.0.1" || res.Brokers[0].Port != 9092 ||
			v >= 1 && res.ControllerID != res.Brokers[0].NodeID || v >= 2 && text(res.ClusterID) != h.b.ClusterID() {
			t.Errorf("v%d: got %+v", v, res)
		}
		if len(res.Topics) != 1 || *res.Topics[0].Topic != "t" || len(res.Topics[0].Partitions) != 3 ||
			v >= 10 && res.Topics[0].TopicID != id {
			t.Fatalf("v%d: got %+v", v, res.Topics)
		}
		for i, p := range res.Topics[0].Partitions {
			if p.Partition != int32(i) || p.Leader != res.Brokers[0].NodeID || len(p.Replicas) != 1 ||
				len(p.ISR) != 1 || p.ErrorCode != 0 || v >= 7 && p.LeaderEpoch < 0 || len(p.OfflineReplicas) > 0 {
				t.Errorf("v%d: got partition %+v", v, p)
			}
		}
	}
}

// Java clients before KAFKA-17011 cannot decode a supported feature whose minimum is 0.
func TestTrap08FeaturesFrom0AreHiddenBeforeV4(t *testing.T) {
	defer func(before []meta.FeatureRange) { supportedFeatures = before }(supportedFeatures)
	h := newHarness(t)
	supportedFeatures = append(slices.Clone(supportedFeatures), meta.FeatureRange{Name: "from.zero", Min: 0, Max: 2})
	for v := int16(3); v <= 4; v++ {
		req := kmsg.NewPtrApiVersionsRequest()
		req.ClientSoftwareName, req.ClientSoftwareVersion = "test", "1"
		var zero, other bool
		for _, f := range ask[*kmsg.ApiVersionsResponse](h, v, req).SupportedFeatures {
			zero = zero || f.MinVersion == 0
			other = other || f.Name == "metadata.version" && f.MinVersion > 0
		}
		if zero != (v == 4) || !other {
			t.Errorf("v%d: a feature from 0: %v, metadata.version: %v", v, zero, other)
		}
	}
}

func TestTrap09FinalizedFeaturesEpochNeverGoesBack(t *testing.T) {
	h := newHarness(t)
	last := int64(-1)
	look := func(when string) {
		req := kmsg.NewPtrApiVersionsRequest()
		req.ClientSoftwareName, req.ClientSoftwareVersion = "test", "1"
		res := ask[*kmsg.ApiVersionsResponse](h, 3, req)
		if res.FinalizedFeaturesEpoch < 0 || res.FinalizedFeaturesEpoch < last {
			t.Errorf("%s: got epoch %d after %d", when, res.FinalizedFeaturesEpoch, last)
		}
		if len(res.FinalizedFeatures) == 0 || res.FinalizedFeatures[0].MaxVersionLevel != metadataVersion {
			t.Errorf("%s: got features %+v", when, res.FinalizedFeatures)
		}
		last = res.FinalizedFeaturesEpoch
	}
	look("at first")
	h.create("t", 1)
	look("after a change")
	h.restart()
	look("after a restart")
	h.kill()
	look("after a kill")
}

// tagAll puts an unknown tagged field into every structure of a message.
func tagAll(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			tagAll(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			tagAll(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if tags, ok := v.Field(i).Addr().Interface().(*kmsg.Tags); ok {
				tags.Set(9999, []byte("unknown"))
			} else if v.Type().Field(i).IsExported() {
				tagAll(v.Field(i))
			}
		}
	}
}

func TestTrap10UnknownTagsAreSkipped(t *testing.T) {
	h := newHarness(t)
	id := h.create("t", 2)
	h.coordinator("g")
	for _, a := range servedAPIs() {
		for v := max(a.min, a.least); v <= a.max; v++ {
			if !wire.Flexible(a.key, v) || slices.Contains([]int16{11, 19, 22, 42}, a.key) {
				continue // those answer with a fresh id each time, or delete what there was
			}
			plain := sampleRequest(a.key, v, "t", id)
			tagged := sampleRequest(a.key, v, "t", id)
			tagAll(reflect.ValueOf(tagged))
			want, got := h.connect().ask(plain), h.connect().ask(tagged)
			clearIDs(want)
			clearIDs(got)
			if !reflect.DeepEqual(want, got) {
				t.Errorf("%s v%d: got %+v with tags, expected %+v", kmsg.Key(a.key).Name(), v, got, want)
			}
		}
	}
}

// clearIDs takes out what two answers to one request may differ in.
func clearIDs(res kmsg.Response) {
	switch res := res.(type) {
	case *kmsg.FetchResponse:
		res.SessionID = 0
	case *kmsg.ProduceResponse:
		for i := range res.Topics {
			for j := range res.Topics[i].Partitions {
				res.Topics[i].Partitions[j].BaseOffset = 0
			}
		}
	case *kmsg.DeleteTopicsResponse:
		*res = kmsg.DeleteTopicsResponse{Version: res.Version}
	}
}

func TestTrap11NullAndEmptyAreTwoThings(t *testing.T) {
	h := newHarness(t)
	h.create("a", 1)
	h.create("b", 1)
	for v := range int16(14) {
		req := kmsg.NewPtrMetadataRequest()
		null := len(ask[*kmsg.MetadataResponse](h, max(v, 1), req).Topics)
		req = kmsg.NewPtrMetadataRequest()
		req.Topics = []kmsg.MetadataRequestTopic{}
		empty := len(ask[*kmsg.MetadataResponse](h, v, req).Topics)
		if null != 2 || v == 0 && empty != 2 || v > 0 && empty != 0 {
			t.Errorf("Metadata v%d: got %d topics for null and %d for an empty list", v, null, empty)
		}
	}
	for v := int16(1); v <= 5; v++ {
		req := kmsg.NewPtrDescribeLogDirsRequest()
		null := len(ask[*kmsg.DescribeLogDirsResponse](h, v, req).Dirs[0].Topics)
		req = kmsg.NewPtrDescribeLogDirsRequest()
		req.Topics = []kmsg.DescribeLogDirsRequestTopic{}
		empty := len(ask[*kmsg.DescribeLogDirsResponse](h, v, req).Dirs[0].Topics)
		if null != 2 || empty != 0 {
			t.Errorf("DescribeLogDirs v%d: got %d topics for null and %d for an empty list", v, null, empty)
		}
	}
	for v := int16(1); v <= 4; v++ {
		for _, names := range [][]string{nil, {}} {
			req := kmsg.NewPtrDescribeConfigsRequest()
			r := kmsg.NewDescribeConfigsRequestResource()
			r.ResourceType, r.ResourceName, r.ConfigNames = kmsg.ConfigResourceTypeTopic, "a", names
			req.Resources = append(req.Resources, r)
			if n := len(ask[*kmsg.DescribeConfigsResponse](h, v, req).Resources[0].Configs); n < 30 {
				t.Errorf("DescribeConfigs v%d: got %d configs for names %v, expected all", v, n, names)
			}
		}
	}
}

// Null stands for a client that reads uncommitted records, an empty list for no aborted transactions; and null record
// sets break some clients.
func TestTrap11FetchesHaveNoNullRecords(t *testing.T) {
	h := newHarness(t)
	id := h.create("a", 1)
	for v := int16(4); v <= 18; v++ {
		for isolation := range int8(2) {
			for _, index := range []int32{0, 7} {
				w := want{topic: "a", index: index}
				if v >= 13 {
					w = want{id: id, index: index}
				}
				req := fetchOf(v, w)
				req.IsolationLevel = isolation
				p := ask[*kmsg.FetchResponse](h, v, req).Topics[0].Partitions[0]
				if p.RecordBatches == nil || len(p.RecordBatches) > 0 {
					t.Errorf("v%d partition %d: got records %v, expected none, and not null", v, index, p.RecordBatches)
				}
				if null := p.AbortedTransactions == nil; null != (isolation == 0 && index == 0) {
					t.Errorf("v%d isolation %d partition %d: aborted transactions null: %v", v, isolation, index, null)
				}
			}
		}
	}
}

// Replies out of order end in "correlation id mismatch" and a new connection, for ever.
func TestTrap12RepliesKeepTheOrderOfRequests(t *testing.T) {
	h := newHarness(t)
	h.create("t", 1)
	c := h.connect()
	first := fetchOf(12, want{topic: "t"})
	first.MaxWaitMillis = 500
	c.send(first)
	c.send(kmsg.NewPtrMetadataRequest())
	second := fetchOf(12, want{topic: "t"})
	second.MaxWaitMillis = 100
	c.send(second)
	c.send(produceOf(9, 0, part{topic: "t", records: values("a").batch()}))
	if len(c.answers) != 3 {
		t.Fatalf("got %d answers once a record came, expected 3", len(c.answers))
	}
	c.send(kmsg.NewPtrMetadataRequest())
	third := fetchOf(12, want{topic: "t", offset: 1})
	third.MaxWaitMillis = 300
	c.send(third)
	c.send(kmsg.NewPtrMetadataRequest())
	h.advance(299 * time.Millisecond)
	if len(c.answers) != 4 {
		t.Errorf("got %d answers before the wait was over, expected 4", len(c.answers))
	}
	h.advance(time.Millisecond)
	if len(c.answers) != 6 {
		t.Errorf("got %d answers after it, expected 6", len(c.answers))
	}
}

// A client that asked for no acks reads no reply: one would be taken for the reply to its next request.
func TestTrap13NoAcksNoReply(t *testing.T) {
	h := newHarness(t)
	id := h.create("t", 1)
	for v := int16(3); v <= 13; v++ {
		p := part{topic: "t", records: values("a").batch()}
		missing := part{topic: "none", records: values("a").batch()}
		if v >= 13 {
			p.topic, p.id = "", id
			missing.topic, missing.id = "", [16]byte{15: 9}
		}
		c := h.connect()
		c.send(produceOf(v, 0, p))
		if len(c.raw) > 0 || c.hungUp {
			t.Errorf("v%d: got %d replies, closed %v", v, len(c.raw), c.hungUp)
		}
		c.ask(kmsg.NewPtrMetadataRequest())
		c.send(produceOf(v, 0, p, missing))
		if len(c.raw) != 1 || !c.hungUp {
			t.Errorf("v%d: an error: got %d replies, closed %v", v, len(c.raw)-1, c.hungUp)
		}
	}
	if got := len(h.content("t", 0)); got != 22 {
		t.Errorf("got %d records, expected 22", got)
	}
}

// sampleRequest makes a request of an API about a topic of at least one partition, with one element in each array.
func sampleRequest(key, version int16, topic string, id [16]byte) kmsg.Request {
	req := kmsg.RequestForKey(key)
	req.SetVersion(version)
	fillSample(reflect.ValueOf(req).Elem(), topic, id, version >= 13)
	switch req := req.(type) {
	case *kmsg.ProduceRequest:
		req.Acks, req.TransactionID = 1, nil
		req.Topics[0].Partitions[0].Records = values("a").batch()
	case *kmsg.FetchRequest:
		req.SessionID, req.SessionEpoch, req.ReplicaID, req.ReplicaState.ID = 0, -1, -1, -1
		req.MaxBytes, req.Topics[0].Partitions[0].PartitionMaxBytes = 1<<20, 1<<20
	case *kmsg.MetadataRequest:
		if version < 12 {
			req.Topics[0].TopicID = [16]byte{}
		}
	case *kmsg.ApiVersionsRequest:
		req.ClientSoftwareName, req.ClientSoftwareVersion = "test", "1"
	case *kmsg.DeleteTopicsRequest:
		req.TopicNames = []string{"none"}
		req.Topics = []kmsg.DeleteTopicsRequestTopic{{TopicID: [16]byte{1}}}
	case *kmsg.DescribeClusterRequest:
		req.EndpointType = 1
	case *kmsg.ListConfigResourcesRequest:
		req.ResourceTypes = []int8{2}
	case *kmsg.InitProducerIDRequest:
		req.TransactionalID = nil
	}
	return req
}

// fillSample puts one element into each array and the topic's name into each string.
func fillSample(v reflect.Value, topic string, id [16]byte, byID bool) {
	switch v.Kind() {
	case reflect.Struct:
		if d, ok := v.Addr().Interface().(interface{ Default() }); ok {
			d.Default()
		}
		for i := range v.NumField() {
			if f := v.Field(i); v.Type().Field(i).IsExported() && v.Type().Field(i).Name != "Version" {
				fillSample(f, topic, id, byID)
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			fillSample(v.Index(0), topic, id, byID)
		}
	case reflect.Pointer:
		if v.Type().Elem().Kind() == reflect.String {
			v.Set(reflect.New(v.Type().Elem()))
			v.Elem().SetString(topic)
		}
	case reflect.String:
		v.SetString(topic)
	case reflect.Array:
		if byID {
			v.Set(reflect.ValueOf(id))
		}
	}
}

// No reply is throttled: a client that is told to wait waits.
func TestTrap14NoReplyIsThrottled(t *testing.T) {
	h := newHarness(t)
	id := h.create("t", 1)
	for _, a := range servedAPIs() {
		for v := max(a.min, a.least); v <= a.max; v++ {
			res := h.connect().ask(sampleRequest(a.key, v, "t", id))
			throttle := reflect.ValueOf(res).Elem().FieldByName("ThrottleMillis")
			if throttle.IsValid() && throttle.Int() != 0 {
				t.Errorf("%s v%d: got a throttle time of %d ms", kmsg.Key(a.key).Name(), v, throttle.Int())
			}
		}
	}
}

// Zero is a value: broker 0, epoch 0, no operation at all, the year 1970.
func TestTrap15NumbersThatSayNothingAreNotZero(t *testing.T) {
	h := newHarness(t)
	id := h.create("t", 1)
	for v := int16(4); v <= 18; v++ {
		w := want{topic: "t"}
		if v >= 13 {
			w = want{id: id}
		}
		p := ask[*kmsg.FetchResponse](h, v, fetchOf(v, w)).Topics[0].Partitions[0]
		if p.PreferredReadReplica != -1 {
			t.Errorf("Fetch v%d: got preferred read replica %d", v, p.PreferredReadReplica)
		}
	}
	name := "t"
	for v := int16(8); v <= 13; v++ {
		req := kmsg.NewPtrMetadataRequest()
		req.Topics = []kmsg.MetadataRequestTopic{{Topic: &name}}
		res := ask[*kmsg.MetadataResponse](h, v, req)
		if res.Topics[0].AuthorizedOperations != -1<<31 || v <= 10 && res.AuthorizedOperations != -1<<31 {
			t.Errorf("Metadata v%d: got operations %d and %d", v, res.AuthorizedOperations,
				res.Topics[0].AuthorizedOperations)
		}
	}
	for v := int16(3); v <= 12; v++ {
		req := produceOf(v, 1, part{topic: "t", records: values("a").batch()})
		if p := ask[*kmsg.ProduceResponse](h, v, req).Topics[0].Partitions[0]; p.LogAppendTime != -1 {
			t.Errorf("Produce v%d: got append time %d for CreateTime", v, p.LogAppendTime)
		}
	}
	for v := int16(1); v < 7; v++ {
		req := kmsg.NewPtrFindCoordinatorRequest()
		req.CoordinatorType = transactionCoordinator // of which there are none
		req.CoordinatorKey, req.CoordinatorKeys = "g", []string{"g"}
		res := ask[*kmsg.FindCoordinatorResponse](h, v, req)
		got := fmt.Sprint(res.NodeID, res.Port)
		if v >= 4 {
			got = fmt.Sprint(res.Coordinators[0].NodeID, res.Coordinators[0].Port)
		}
		if got != "-1 -1" {
			t.Errorf("FindCoordinator v%d: got node and port %s, expected -1 -1", v, got)
		}
	}
}
