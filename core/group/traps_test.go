package group

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestTrap48MembersSurviveRestart: a coordinator that is loaded knows the members it had.
func TestTrap48MembersSurviveRestart(t *testing.T) {
	w := newWorld(t)
	ids := w.members("g", 2)
	gen := w.c.groups["g"].generation
	w.commit(committing("g", ids[1], gen, 7))
	w.reload()
	for _, id := range ids {
		if code := w.beat(beating("g", id, gen)); code != 0 {
			t.Errorf("member %s: got %d after the restart, expected 0", id, code)
		}
		if got := string(w.sync(syncing("g", id, gen)).MemberAssignment); got != "for "+id {
			t.Errorf("member %s: got assignment %q", id, got)
		}
	}
	if got := w.fetch("g"); got != "t/0=7(m) " {
		t.Errorf("got offsets %q", got)
	}
	w.after(6001 * time.Millisecond)
	if got := w.state("g"); got != "Empty" {
		t.Errorf("got state %s after the sessions of loaded members, expected Empty", got)
	}
}

// TestTrap49MemberIDRequired: from version 4 a new dynamic member gets its id first; others join directly.
func TestTrap49MemberIDRequired(t *testing.T) {
	for version := int16(0); version <= 9; version++ {
		w := newWorld(t)
		res := w.join(joining(version, "g", ""))
		if expected := map[bool]int16{false: 0, true: 79}[version >= 4]; res.ErrorCode != expected {
			t.Errorf("version %d: got %d, expected %d", version, res.ErrorCode, expected)
		}
		if !strings.HasPrefix(res.MemberID, "client-") || len(res.MemberID) != len("client-")+36 {
			t.Errorf("version %d: got member id %q", version, res.MemberID)
		}
		if version >= 4 {
			again := w.join(joining(version, "g", res.MemberID))
			if again.ErrorCode != 0 || again.MemberID != res.MemberID || again.Generation != 1 {
				t.Errorf("version %d: got %+v", version, again)
			}
		}
		if version >= 5 {
			got := w.join(static(version, "s", "", "i"))
			if got.ErrorCode != 0 || !strings.HasPrefix(got.MemberID, "i-") {
				t.Errorf("version %d: got %+v for a static member", version, got)
			}
		}
	}
}

// TestTrap49PendingMember: an id that nobody joins with is forgotten after its session, and its group with it.
func TestTrap49PendingMember(t *testing.T) {
	w := newWorld(t)
	id := w.join(joining(9, "g", "")).MemberID
	if s := w.c.Stats(); s.Pending != 1 || s.Members != 0 {
		t.Errorf("got %+v", s)
	}
	w.after(6 * time.Second)
	if res := w.join(joining(9, "g", id)); res.ErrorCode != 25 {
		t.Errorf("got %d for an id that has expired, expected 25", res.ErrorCode)
	}
	w.expire()
	if s := w.c.Stats(); s != (Stats{}) || len(w.c.groups) != 0 || w.c.Next() != 0 {
		t.Errorf("got %+v, next %d, expected nothing to be left", s, w.c.Next())
	}
	id = w.join(joining(9, "g", "")).MemberID
	other := static(9, "g", id, "i")
	if res := w.join(other); res.ErrorCode != -1 {
		t.Errorf("got %d for a static member with a dynamic one's id, expected -1", res.ErrorCode)
	}
	if res := w.leave(leaving(3, "g", id)); res.Members[0].ErrorCode != 0 || w.c.Stats().Pending != 0 {
		t.Errorf("got %+v for a pending member that leaves", res)
	}
}

// TestTrap50Vote: the leader alone is told the members, and the protocol is voted for among those that all know.
func TestTrap50Vote(t *testing.T) {
	w := newWorld(t)
	w.cfg.InitialDelayMs = 100
	join := func(protocols ...string) int {
		r := joining(9, "g", "")
		r.Protocols = nil
		for _, p := range protocols {
			r.Protocols = append(r.Protocols, kmsg.JoinGroupRequestProtocol{Name: p, Metadata: []byte(p)})
		}
		r.MemberID = w.join(r).MemberID
		return w.ask(r)
	}
	tickets := []int{join("a", "b", "c"), join("c", "b", "b"), join("c", "b", "d"), join("c", "b")}
	refused := joining(3, "g", "")
	refused.Protocols[0].Name = "a"
	if res := w.join(refused); res.ErrorCode != 23 {
		t.Errorf("got %d for a protocol that not all know, expected 23", res.ErrorCode)
	}
	refused.ProtocolType, refused.Protocols[0].Name = "other", "b"
	if res := w.join(refused); res.ErrorCode != 23 {
		t.Errorf("got %d for another type, expected 23", res.ErrorCode)
	}
	w.after(time.Second)
	for i, ticket := range tickets {
		res := answer[*kmsg.JoinGroupResponse](w, ticket)
		if *res.Protocol != "c" || *res.ProtocolType != "consumer" || res.Generation != 1 {
			t.Errorf("member %d: got %+v, expected protocol c, which three of four prefer", i, res)
		}
		if leads := res.LeaderID == res.MemberID; leads != (i == 0) || leads != (len(res.Members) == 4) {
			t.Errorf("member %d: got leader %s and %d members", i, res.LeaderID, len(res.Members))
		}
	}
}

// TestTrap51Heartbeats: what members are told while a rebalance goes on, and how long they have.
func TestTrap51Heartbeats(t *testing.T) {
	w := newWorld(t)
	ids := w.members("g", 2)
	gen := w.c.groups["g"].generation
	slow := joining(9, "g", "")
	slow.RebalanceTimeoutMillis, slow.SessionTimeoutMillis = 20_000, 30_000
	slow.MemberID = w.join(slow).MemberID
	ticket := w.ask(slow)
	for _, test := range []struct {
		id   string
		gen  int32
		code int16
	}{{ids[0], gen, 27}, {ids[0], gen - 1, 22}, {"x", gen, 25}, {ids[1], gen, 27}} {
		if got := w.beat(beating("g", test.id, test.gen)); got != test.code {
			t.Errorf("member %s, generation %d: got %d, expected %d", test.id, test.gen, got, test.code)
		}
	}
	for range 4 {
		w.after(4900 * time.Millisecond)
		w.parked(ticket)
		for _, id := range ids {
			w.beat(beating("g", id, gen))
		}
	}
	w.after(time.Second)
	if res := answer[*kmsg.JoinGroupResponse](w, ticket); res.Generation != gen+1 || len(res.Members) != 1 {
		t.Errorf("got %+v once the slowest member's time is up, expected a generation of one", res)
	}
	v0 := joining(0, "v0", "")
	v0.RebalanceTimeoutMillis = 1
	w.join(v0)
	if got := w.c.groups["v0"].rebalanceMs(); got != 6000 {
		t.Errorf("got a rebalance timeout of %d of a version 0 member, expected its session's", got)
	}
}

// TestTrap52Commits: which commits a group takes in which state.
func TestTrap52Commits(t *testing.T) {
	for _, test := range []struct {
		state  string
		id     string
		gen    int32
		expect int16
	}{
		{"none", "", -1, 0}, {"none", "m", -1, 0}, {"none", "m", 1, 22},
		{"Empty", "", -1, 0}, {"Empty", "m", -1, 0}, {"Empty", "m", 1, 25},
		{"PreparingRebalance", "self", 1, 0}, {"PreparingRebalance", "self", 0, 22},
		{"PreparingRebalance", "", -1, 25}, {"PreparingRebalance", "x", 1, 25},
		{"CompletingRebalance", "self", 1, 27}, {"CompletingRebalance", "", -1, 25},
		{"CompletingRebalance", "self", 0, 22},
		{"Stable", "self", 1, 0}, {"Stable", "self", 2, 22}, {"Stable", "self", -1, 22}, {"Stable", "", -1, 25},
		{"Dead", "", -1, 15},
	} {
		w := newWorld(t)
		self := w.reach("g", test.state)
		id := strings.Replace(test.id, "self", self, 1)
		ticket := w.ask(committing("g", id, test.gen, 5))
		w.release()
		got := commitCodes(answer[*kmsg.OffsetCommitResponse](w, ticket))
		if !slices.Equal(got, []int16{test.expect}) {
			t.Errorf("%+v: got %v", test, got)
		}
		if expected := map[bool]string{true: "t/0=5(m) "}[test.expect == 0]; w.fetch("g") != expected {
			t.Errorf("%s, member %q: got offsets %q, expected %q", test.state, test.id, w.fetch("g"), expected)
		}
	}
	w := newWorld(t)
	r := committing("none", "m", 1, 1)
	r.Version = 9
	if got := w.commit(r); !slices.Equal(got, []int16{69}) {
		t.Errorf("got %v for a group that there is not, expected 69 from version 9 on", got)
	}
}

// reach brings a group, made by one member, to a state, and returns the member.
func (w *world) reach(group, state string) string {
	w.t.Helper()
	if state == "none" {
		return ""
	}
	id := w.join(joining(9, group, "")).MemberID
	switch state {
	case "Empty":
		w.leave(leaving(5, group, id))
	case "CompletingRebalance":
		w.join(joining(9, group, id))
	case "Stable", "PreparingRebalance":
		w.join(joining(9, group, id))
		w.sync(syncing(group, id, 1, id, "all"))
		if state == "PreparingRebalance" {
			w.ask(joining(3, group, ""))
		}
	case "Dead":
		w.leave(leaving(5, group, id))
		w.held = true
		w.ask(deleting(group))
	}
	if got := w.c.groups[group].state.String(); got != state {
		w.t.Fatalf("got state %s, expected %s", got, state)
	}
	return id
}

// release lets the writes go that were held.
func (w *world) release() {
	w.t.Helper()
	w.held = false
	for len(w.waiting) > 0 {
		w.settle(0)
	}
}

// TestTrap53StaticMembers: a static member takes over from its old self without a rebalance; the old one is fenced.
func TestTrap53StaticMembers(t *testing.T) {
	for _, version := range []int16{5, 8, 9} {
		w := newWorld(t)
		old := w.join(static(version, "g", "", "i")).MemberID
		w.sync(syncing("g", old, 1, old, "mine"))
		w.held = true
		ticket := w.ask(static(version, "g", "", "i"))
		w.parked(ticket) // until it is written
		w.release()
		res := answer[*kmsg.JoinGroupResponse](w, ticket)
		if res.ErrorCode != 0 || res.MemberID == old || res.Generation != 1 || w.state("g") != "Stable" {
			t.Fatalf("version %d: got %+v, state %s", version, res, w.state("g"))
		}
		if skip := version >= 9; res.SkipAssignment != skip || (res.LeaderID == res.MemberID) != skip ||
			(len(res.Members) == 1) != skip {
			t.Errorf("version %d: got %+v", version, res)
		}
		if got := string(w.sync(syncing("g", res.MemberID, 1)).MemberAssignment); got != "mine" {
			t.Errorf("version %d: got assignment %q", version, got)
		}
		fenced := beating("g", old, 1)
		fenced.InstanceID = text("i")
		if got := w.beat(fenced); got != 82 {
			t.Errorf("version %d: got %d for the old member, expected 82", version, got)
		}
		commit := committing("g", old, 1, 9)
		commit.InstanceID = text("i")
		if got := w.commit(commit); !slices.Equal(got, []int16{82}) {
			t.Errorf("version %d: got %v for the old member's commit, expected 82", version, got)
		}
		w.reload()
		if got := w.beat(beating("g", res.MemberID, 1)); got != 0 {
			t.Errorf("version %d: got %d after a restart, expected 0", version, got)
		}
	}
}

// TestTrap53LeaveByInstance: administrators remove static members by their instance id alone, several at once.
func TestTrap53LeaveByInstance(t *testing.T) {
	w := newWorld(t)
	w.cfg.InitialDelayMs = 10
	for i := range 3 {
		w.ask(static(9, "g", "", fmt.Sprint("i", i)))
	}
	w.after(20 * time.Millisecond)
	r := leaving(5, "g", "", "", "x", "")
	r.Members[0].InstanceID, r.Members[1].InstanceID = text("i2"), text("i9")
	r.Members[2].InstanceID, r.Members[0].Reason = text("i0"), text("scaled down")
	res := w.leave(r)
	var codes []int16
	for _, m := range res.Members {
		codes = append(codes, m.ErrorCode)
	}
	if !slices.Equal(codes, []int16{0, 25, 82, 25}) || w.c.Stats().Members != 2 {
		t.Errorf("got codes %v and %d members", codes, w.c.Stats().Members)
	}
	last := w.events[len(w.events)-1]
	if last.Kind != RebalanceStarted || last.Why != "member left" || last.Member != "i2" ||
		last.Reason != "scaled down" {
		t.Errorf("got event %+v", last)
	}
}

// TestTrap54Metadata: what is committed with an offset comes back, and is bounded in UTF-16 units.
func TestTrap54Metadata(t *testing.T) {
	w := newWorld(t)
	w.cfg.MaxMetadataBytes = 4
	r := committing("g", "", -1, 5)
	for i, metadata := range []*string{text("äöüß"), nil, text(""), text("12345"), text("😀😀"), text("😀😀x")} {
		p := kmsg.NewOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset, p.Metadata, p.LeaderEpoch = int32(i+1), int64(i), metadata, 3
		r.Topics[0].Partitions = append(r.Topics[0].Partitions, p)
	}
	if got := w.commit(r); !slices.Equal(got, []int16{0, 0, 0, 0, 12, 0, 12}) {
		t.Errorf("got codes %v", got)
	}
	expected := "t/0=5(m) t/1=0(äöüß) t/2=1() t/3=2() t/5=4(😀😀) "
	if got := w.fetch("g"); got != expected {
		t.Errorf("got %q, expected %q", got, expected)
	}
	w.reload()
	if got := w.fetch("g"); got != expected {
		t.Errorf("got %q after a restart, expected %q", got, expected)
	}
}

// TestTrap55Fetch: what is not there is no error, and what is not written yet is not there.
func TestTrap55Fetch(t *testing.T) {
	w := newWorld(t)
	asked := kmsg.OffsetFetchRequestGroupTopic{Topic: "t", Partitions: []int32{1, 0}}
	if got := w.fetch("none", asked); got != "t/1=-1() t/0=-1() " {
		t.Errorf("got %q of a group that there is not", got)
	}
	if got := w.fetch("none"); got != "" {
		t.Errorf("got %q of all of a group that there is not", got)
	}
	w.held = true
	w.ask(committing("g", "", -1, 5))
	if got := w.fetch("g", asked) + w.fetch("g"); got != "t/1=-1() t/0=-1() " {
		t.Errorf("got %q before it is written", got)
	}
	w.release()
	if got := w.fetch("g", asked); got != "t/1=-1() t/0=5(m) " {
		t.Errorf("got %q", got)
	}
	r := committing("g", "", -1, 6)
	r.Topics[0].TopicID = [16]byte{1}
	w.commit(r)
	for id, expected := range map[byte]string{0: "t/0=6(m) ", 1: "t/0=6(m) ", 2: "t/0=-1() "} {
		asked := kmsg.OffsetFetchRequestGroupTopic{Topic: "t", TopicID: [16]byte{id}, Partitions: []int32{0}}
		if got := w.fetch("g", asked); got != expected {
			t.Errorf("topic id %d: got %q, expected %q", id, got, expected)
		}
	}
}

// TestTrap56Administration: what is described, listed and deleted of groups in each state.
func TestTrap56Administration(t *testing.T) {
	for state, codes := range map[string][2]int16{ // of DeleteGroups, and of OffsetDelete as a whole
		"none": {69, 69}, "Empty": {0, 0},
		"PreparingRebalance": {68, 0}, "CompletingRebalance": {68, 0}, "Stable": {68, 0},
	} {
		w := newWorld(t)
		w.reach("g", state)
		described, ok := w.c.Describe("g")
		listed := w.c.List(nil, nil)
		if ok != (state != "none") || ok != (len(listed) == 1) {
			t.Fatalf("%s: got described %v, listed %v", state, ok, listed)
		}
		if ok && (described.State != state || listed[0].GroupState != state || listed[0].GroupType != "classic") {
			t.Errorf("%s: got %+v, %+v", state, described, listed)
		}
		if !ok && described.State != "Dead" {
			t.Errorf("got state %s of a group that there is not", described.State)
		}
		if stable := state == "Stable"; (described.Protocol != "") != stable {
			t.Errorf("%s: got protocol %q", state, described.Protocol)
		}
		res := answer[*kmsg.OffsetDeleteResponse](w, w.ask(deletingOffsets("g", "t", 0)))
		if res.ErrorCode != codes[1] {
			t.Errorf("%s: got %d for OffsetDelete, expected %d", state, res.ErrorCode, codes[1])
		}
		if got := w.deleted(w.ask(deleting("g", "g"))); !slices.Equal(got, codes[:1]) {
			t.Errorf("%s: got %v for DeleteGroups, expected %d", state, got, codes[0])
		}
		if _, ok := w.c.Describe("g"); ok != (codes[0] == 68) {
			t.Errorf("%s: got %v after DeleteGroups", state, ok)
		}
	}
}

// TestTrap56Filters: groups are listed by state and by type.
func TestTrap56Filters(t *testing.T) {
	w := newWorld(t)
	w.reach("stable", "Stable")
	w.reach("completing", "CompletingRebalance")
	w.reach("empty", "Empty")
	w.commit(committing("simple", "", -1, 1))
	for _, test := range []struct{ states, types, expected string }{
		{"", "", "completing empty simple stable"}, {"stable", "", "stable"},
		{"Empty, STABLE", "", "empty simple stable"},
		{"Nonsense", "", ""}, {"", "Classic", "completing empty simple stable"}, {"", "consumer", ""},
		{"Empty", "share,classic", "empty simple"},
	} {
		split := func(s string) []string { return strings.FieldsFunc(s, func(r rune) bool { return r == ',' }) }
		var names []string
		for _, g := range w.c.List(split(test.states), split(test.types)) {
			names = append(names, g.Group)
		}
		if got := strings.Join(names, " "); got != test.expected {
			t.Errorf("states %q, types %q: got %q, expected %q", test.states, test.types, got, test.expected)
		}
	}
}

// TestTrap56Subscribed: offsets of topics that a member reads are not deleted.
func TestTrap56Subscribed(t *testing.T) {
	w := newWorld(t)
	ids := w.members("g", 1)
	r := committing("g", ids[0], 1, 1)
	r.Topics = append(r.Topics, r.Topics[0])
	r.Topics[1].Topic = "u"
	w.commit(r)
	for topic, code := range map[string]int16{"t": 86, "u": 0} {
		res := answer[*kmsg.OffsetDeleteResponse](w, w.ask(deletingOffsets("g", topic, 0, 1)))
		for _, p := range res.Topics[0].Partitions {
			if p.ErrorCode != code {
				t.Errorf("topic %s: got %+v, expected %d", topic, p, code)
			}
		}
	}
	if got := w.fetch("g"); got != "t/0=1(m) " {
		t.Errorf("got %q", got)
	}
	other := joining(9, "connect", "")
	other.ProtocolType = "connect"
	other.MemberID = w.join(other).MemberID
	w.join(other)
	if res := answer[*kmsg.OffsetDeleteResponse](w, w.ask(deletingOffsets("connect", "t", 0))); res.ErrorCode != 68 {
		t.Errorf("got %d for a group of another type, expected 68", res.ErrorCode)
	}
}
