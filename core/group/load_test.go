package group

import (
	"bytes"
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// groupValue is the value of a group with two members, one of them static.
func groupValue(version int16) kmsg.GroupMetadataValue {
	v := kmsg.NewGroupMetadataValue()
	v.Version, v.ProtocolType, v.Generation, v.Protocol, v.Leader = version, "consumer", 4, text("range"), text("b")
	v.CurrentStateTimestamp = 77
	for _, id := range []string{"a", "b"} {
		m := kmsg.NewGroupMetadataValueMember()
		m.MemberID, m.ClientID, m.ClientHost, m.SessionTimeoutMillis = id, "client", "/::1", 6000
		m.RebalanceTimeoutMillis, m.Subscription, m.Assignment = 9000, subscription("t"), []byte(id)
		v.Members = append(v.Members, m)
	}
	v.Members[1].InstanceID = text("i")
	return v
}

// TestLoadVersions: every version of Kafka's values loads.
func TestLoadVersions(t *testing.T) {
	for version := int16(0); version <= 4; version++ {
		w := newWorld(t)
		v := groupValue(version)
		if version == 4 {
			v.UnknownTags.Set(9, []byte("later"))
		}
		o := kmsg.NewOffsetCommitValue()
		o.Version, o.Offset, o.LeaderEpoch, o.Metadata, o.CommitTimestamp = version, 5, 3, "m", 66
		o.ExpireTimestamp, o.TopicID = 99, [16]byte{7}
		w.log = []Record{{groupKey("g"), v.AppendTo(nil)}, {offsetKey(nil, "g", "t", 0), o.AppendTo(nil)}}
		w.reload()
		g := w.c.groups["g"]
		if g.state != Stable || g.generation != 4 || g.leader != "b" || *g.protocol != "range" || len(g.members) != 2 {
			t.Errorf("version %d: got %+v", version, g)
		}
		if version >= 2 != (g.since == 77) || version >= 3 != (g.static["i"] != nil) {
			t.Errorf("version %d: got since %d, static members %v", version, g.since, g.static)
		}
		if expected := map[bool]int32{false: 6000, true: 9000}[version >= 1]; g.members[0].rebalanceMs != expected {
			t.Errorf("version %d: got rebalance timeout %d", version, g.members[0].rebalanceMs)
		}
		got := g.offsets.topic("t").entry(0).offset
		expected := offset{offset: 5, metadata: "m", committed: 66, expires: noTime, leaderEpoch: -1}
		if version >= 3 {
			expected.leaderEpoch = 3
		}
		switch version {
		case 1:
			expected.expires = 99
		case 4:
			expected.topicID = [16]byte{7}
		}
		if got != expected {
			t.Errorf("version %d: got offset %+v, expected %+v", version, got, expected)
		}
		if id := g.members[1].id; string(w.sync(syncing("g", id, 4)).MemberAssignment) != "b" {
			t.Errorf("version %d: the assignment is lost", version)
		}
	}
}

// group3 is a value of a group that a test changes.
type group3 = kmsg.GroupMetadataValue

// TestLoadRefuses: records that cannot be read are errors, and change nothing.
func TestLoadRefuses(t *testing.T) {
	change := func(f func(v *group3)) []byte {
		v := groupValue(3)
		f(&v)
		return v.AppendTo(nil)
	}
	whole := change(func(*group3) {})
	o := kmsg.NewOffsetCommitValue()
	o.Version, o.TopicID = 4, [16]byte{1}
	tagged := o.AppendTo(nil)
	key, offsetKey := groupKey("g"), offsetKey(nil, "g", "t", 0)
	for name, test := range map[string]struct {
		key, value []byte
		err        error
	}{
		"no key":               {nil, whole, ErrMalformed},
		"half a version":       {[]byte{0}, whole, ErrMalformed},
		"torn group key":       {key[:4], whole, ErrMalformed},
		"torn offset key":      {offsetKey[:9], tagged, ErrMalformed},
		"long group key":       {append(key[:len(key):len(key)], 0), whole, ErrMalformed},
		"null group":           {[]byte{0, 2, 0xff, 0xff}, whole, ErrMalformed},
		"no version":           {key, []byte{0}, ErrMalformed},
		"no version of offset": {offsetKey, []byte{}, ErrMalformed},
		"newer group":          {key, append([]byte{0, 5}, whole[2:]...), ErrVersion},
		"newer offset":         {offsetKey, append([]byte{0, 5}, tagged[2:]...), ErrVersion},
		"negative version":     {key, append([]byte{0xff, 0xff}, whole[2:]...), ErrVersion},
		"torn group":           {key, whole[:len(whole)-1], ErrMalformed},
		"long group":           {key, append(whole[:len(whole):len(whole)], 0), ErrMalformed},
		"torn offset":          {offsetKey, tagged[:len(tagged)-1], ErrMalformed},
		"long offset":          {offsetKey, append(tagged[:len(tagged):len(tagged)], 0), ErrMalformed},
		"short topic id":       {offsetKey, append(tagged[:len(tagged)-17:len(tagged)-17], 1, 9), ErrMalformed},
		"members, no protocol": {key, change(func(v *group3) { v.Protocol = nil }), ErrMalformed},
		"members, no type":     {key, change(func(v *group3) { v.ProtocolType = "" }), ErrMalformed},
		"member without id":    {key, change(func(v *group3) { v.Members[1].MemberID = "" }), ErrMalformed},
		"member twice":         {key, change(func(v *group3) { v.Members[1].MemberID = "a" }), ErrMalformed},
		"instance twice":       {key, change(func(v *group3) { v.Members[0].InstanceID = text("i") }), ErrMalformed},
		"a billion tags": {
			offsetKey, append(tagged[:len(tagged)-19:len(tagged)-19], 0xff, 0xff, 0xff, 0xff, 7), ErrMalformed,
		},
		"a billion members": {
			key, []byte{0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0}, ErrMalformed,
		},
	} {
		w := newWorld(t)
		w.members("other", 1)
		before := snapshot(w.c)
		if err := w.c.Load(test.key, test.value); !errors.Is(err, test.err) {
			t.Errorf("%s: got %v, expected %v", name, err, test.err)
		}
		if !bytes.Equal(snapshot(w.c), before) {
			t.Errorf("%s: changed something", name)
		}
		check(t, w.c)
	}
}

// TestLoadOrder: tombstones and newer records in any order.
func TestLoadOrder(t *testing.T) {
	w := newWorld(t)
	v := groupValue(3)
	v.Leader = text("nobody")
	value := v.AppendTo(nil)
	e := kmsg.NewGroupMetadataValue()
	e.Version = 3
	o, _ := offsetRecord(nil, "g", "t", 0, &offset{offset: 5, expires: noTime})
	load := func(key, value []byte) {
		t.Helper()
		if err := w.c.Load(key, value); err != nil {
			t.Fatal(err)
		}
		check(t, w.c)
	}
	load(groupKey("g"), nil)
	load(o.Key, nil)
	load(groupKey("g"), value)
	load(o.Key, o.Value)
	load(groupKey("g"), value)
	if g := w.c.groups["g"]; g.leader != "a" || len(g.members) != 2 || w.fetch("g") != "t/0=5() " {
		t.Errorf("got %+v", g)
	}
	load(groupKey("g"), nil)
	if got := w.state("g") + w.fetch("g"); got != "Emptyt/0=5() " {
		t.Errorf("got %q, expected the offset to stay", got)
	}
	load(o.Key, nil)
	load(groupKey("g"), nil)
	if len(w.c.groups) != 0 {
		t.Errorf("got %d groups, expected none", len(w.c.groups))
	}
	load(groupKey("g"), e.AppendTo(nil))
	if got := w.state("g"); got != "Empty" {
		t.Errorf("got %q", got)
	}
}

// TestForeignKeys: records of kinds not known here are kept as they are, until they are removed.
func TestForeignKeys(t *testing.T) {
	w := newWorld(t)
	w.log = []Record{
		{[]byte{0, 5, 9}, []byte{1}}, {[]byte{0, 3, 7}, []byte{}}, {[]byte{0xff, 0xff}, []byte("x")},
		{[]byte{0, 5, 9}, []byte{2}}, {[]byte{0, 3, 8}, []byte{4}}, {[]byte{0, 3, 8}, nil},
	}
	w.reload()
	var got []Record
	w.c.Snapshot(func(r Record) { got = append(got, r) })
	if len(got) != 3 || got[0].Key[1] != 3 || got[0].Value == nil || got[1].Value[0] != 2 || got[2].Key[0] != 0xff {
		t.Errorf("got %+v", got)
	}
}

// TestPartitionFor: Java's hash, over UTF-16 units.
func TestPartitionFor(t *testing.T) {
	for _, test := range []struct {
		group    string
		hash     int32 // of partitions 1 << 30
		fiftieth int32
	}{
		{"", 0, 0}, {"a", 97, 47}, {"group", 98629247, 47}, {"polygenelubricants", 0, 0},
		{"\U0001F600", 1772899, 49}, {"ä", 228, 28},
	} {
		if got := PartitionFor(test.group, 50); got != test.fiftieth {
			t.Errorf("%q: got partition %d of 50, expected %d", test.group, got, test.fiftieth)
		}
		if got := PartitionFor(test.group, 1<<30); got != test.hash {
			t.Errorf("%q: got hash %d, expected %d", test.group, got, test.hash)
		}
	}
	if got := PartitionFor("group", 0); got != 0 {
		t.Errorf("got partition %d of none", got)
	}
}
