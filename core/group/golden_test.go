package group

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// golden returns the records of testdata/kafka-4.3.1.records: what Apache Kafka 4.3.1 wrote to __consumer_offsets for
// the requests of TestGoldenWrites, a record a line, key and value in hex, "-" for a tombstone.
func golden(t *testing.T) []Record {
	t.Helper()
	content, err := os.ReadFile("testdata/kafka-4.3.1.records")
	if err != nil {
		t.Fatal(err)
	}
	var records []Record
	for line := range strings.Lines(string(content)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		r := Record{}
		if r.Key, err = hex.DecodeString(key); err != nil {
			t.Fatal(err)
		}
		if value != "-" {
			if r.Value, err = hex.DecodeString(value); err != nil {
				t.Fatal(err)
			}
		}
		records = append(records, r)
	}
	return records
}

// TestGoldenRoundTrip: each of Kafka's records loads, and is written again as it was.
func TestGoldenRoundTrip(t *testing.T) {
	for i, r := range golden(t) {
		w := newWorld(t)
		if err := w.c.Load(r.Key, r.Value); err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
		n := 0
		w.c.Snapshot(func(got Record) {
			n++
			if !bytes.Equal(got.Key, r.Key) || !bytes.Equal(got.Value, r.Value) {
				t.Errorf("record %d: got %x %x, expected %x %x", i, got.Key, got.Value, r.Key, r.Value)
			}
		})
		if (n == 1) != (r.Value != nil) {
			t.Errorf("record %d: got %d records in the snapshot", i, n)
		}
		check(t, w.c)
	}
}

// goldenGroup decodes the value of a group with kmsg.
func goldenGroup(t *testing.T, r Record) kmsg.GroupMetadataValue {
	t.Helper()
	var v kmsg.GroupMetadataValue
	if err := v.ReadFrom(r.Value); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(v.Members, func(a, b kmsg.GroupMetadataValueMember) int {
		return cmp.Compare(a.MemberID, b.MemberID)
	})
	return v
}

// TestGoldenWrites: for the same requests at the same times, the records are Kafka's.
func TestGoldenWrites(t *testing.T) {
	g := &goldenRun{world: newWorld(t), records: golden(t)}
	g.simple()
	m1 := g.dynamic()
	g.second(m1)
	g.static()
	g.old()
}

// goldenRun replays requests beside the records that Kafka wrote for them.
type goldenRun struct {
	*world
	records []Record
}

// at sets the clock to the time that record i tells, and the next member id to the one that it names last.
func (g *goldenRun) at(i int) {
	g.t.Helper()
	r := g.records[i]
	if binary.BigEndian.Uint16(r.Key) == offsetKeyVersion {
		o, err := readOffset(r.Value)
		if err != nil {
			g.t.Fatal(err)
		}
		g.now.Wall = o.committed
		return
	}
	g.now.Wall = goldenGroup(g.t, r).CurrentStateTimestamp
}

// draws makes the next member id the one with the UUID that record i tells of and no earlier one.
func (g *goldenRun) draws(i int) {
	g.t.Helper()
	uuid := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)
	for _, id := range uuid.FindAllString(string(g.records[i].Value), -1) {
		before := slices.ContainsFunc(g.records[:i], func(r Record) bool { return bytes.Contains(r.Value, []byte(id)) })
		raw, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
		if before || err != nil {
			continue
		}
		halves := []uint64{binary.BigEndian.Uint64(raw), binary.BigEndian.Uint64(raw[8:])}
		g.rand = func() uint64 {
			halves = append(halves[1:], halves[0])
			return halves[1]
		}
		return
	}
	g.t.Fatalf("record %d names no new member", i)
}

// wrote says that the last of the log are Kafka's records from i to j.
func (g *goldenRun) wrote(i, j int) {
	g.t.Helper()
	got := g.log[max(len(g.log)-(j-i+1), 0):]
	g.log = nil
	for k, r := range g.records[i : j+1] {
		if k >= len(got) || !bytes.Equal(got[k].Key, r.Key) || !bytes.Equal(got[k].Value, r.Value) ||
			(got[k].Value == nil) != (r.Value == nil) {
			g.t.Fatalf("record %d: got\n%x\nexpected %x\n%x", i+k, got, r.Key, r.Value)
		}
	}
}

// commit commits an offset of topic t as the clients of the golden run did.
func (g *goldenRun) commits(i int, group, id string, generation int32, offset int64) {
	g.t.Helper()
	g.at(i)
	o, _ := readOffset(g.records[0].Value)
	r := committing(group, id, generation, offset)
	r.Topics[0].TopicID = o.topicID
	g.commit(r)
	g.wrote(i, i)
}

func (g *goldenRun) simple() {
	g.commits(0, "s", "", -1, 5)
	g.commits(1, "s", "", -1, 6)
	g.at(2)
	r := committing("s", "", -1, 7)
	r.Version, r.RetentionTimeMillis = 4, 100_000
	g.commit(r)
	g.wrote(2, 2)
}

// joins makes a JoinGroup with the timeouts of the golden run.
func (g *goldenRun) joins(version int16, group, id string) *kmsg.JoinGroupResponse {
	g.t.Helper()
	g.from.ID = "probe"
	r := joining(version, group, id)
	r.RebalanceTimeoutMillis = 1000
	return g.join(r)
}

func (g *goldenRun) dynamic() string {
	g.at(4)
	g.draws(5)
	id := g.joins(9, "g", "").MemberID
	g.wrote(4, 4)
	g.at(5)
	g.joins(9, "g", id)
	g.sync(syncing("g", id, 1, id, "A1"))
	g.wrote(5, 5)
	g.commits(6, "g", id, 1, 9)
	g.at(7)
	g.joins(9, "g", id)
	g.sync(syncing("g", id, 2, id, "A2"))
	g.wrote(7, 7)
	return id
}

func (g *goldenRun) second(m1 string) {
	g.draws(9)
	m2 := g.joins(9, "g", "").MemberID
	r := joining(9, "g", m2)
	r.RebalanceTimeoutMillis = 1000
	g.ask(r)
	g.commits(8, "g", m1, 2, 11)
	g.at(9)
	g.joins(9, "g", m1)
	g.ask(syncing("g", m2, 3))
	g.sync(syncing("g", m1, 3, m1, "A", m2, "B"))
	got, expected := goldenGroup(g.t, g.log[len(g.log)-1]), goldenGroup(g.t, g.records[9]) // in another order
	if !bytes.Equal(got.AppendTo(nil), expected.AppendTo(nil)) {
		g.t.Errorf("record 9: got %+v, expected %+v", got, expected)
	}
	g.leave(leaving(5, "g", m2))
	g.at(10)
	g.leave(leaving(5, "g", m1))
	g.wrote(10, 10)
	g.commits(11, "g", "", -1, 12)
	g.commits(12, "g", "zz", -1, 12)
	g.ask(deletingOffsets("g", "t", 0, 1))
	g.wrote(13, 13)
	g.ask(deleting("s", "g"))
	g.wrote(14, 16)
}

func (g *goldenRun) static() {
	join := func(version int16) string {
		r := static(version, "st", "", "i1")
		r.RebalanceTimeoutMillis = 1000
		return g.join(r).MemberID
	}
	g.at(17)
	g.draws(18)
	id := join(9)
	g.wrote(17, 17)
	g.c.groups["st"].since = goldenGroup(g.t, g.records[18]).CurrentStateTimestamp
	g.at(19) // when the group became stable, which the next records tell
	g.sync(syncing("st", id, 1, id, "S1"))
	g.wrote(18, 18)
	g.draws(19)
	join(9)
	g.wrote(19, 19)
	g.draws(20)
	join(8)
	g.wrote(20, 20)
	g.at(21)
	r := leaving(5, "st", "")
	r.Members[0].InstanceID = text("i1")
	g.leave(r)
	g.wrote(21, 21)
}

func (g *goldenRun) old() {
	g.at(22)
	g.draws(23)
	id := g.joins(3, "old", "").MemberID
	g.wrote(22, 22)
	g.c.groups["old"].since = goldenGroup(g.t, g.records[23]).CurrentStateTimestamp
	r := syncing("old", id, 1, id, "V0")
	r.Version, r.ProtocolType, r.Protocol = 0, nil, nil
	g.sync(r)
	g.wrote(23, 23)
	g.at(26)
	g.leave(leaving(1, "old", id))
	g.wrote(26, 26)
}
