package group

import (
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestRequestsByState: what each request is answered in each state of its group.
func TestRequestsByState(t *testing.T) {
	const waits = -100
	requests := []struct {
		name string
		ask  func(w *world, self string) int
	}{
		{"join", func(w *world, _ string) int { return w.ask(joining(3, "g", "")) }},
		{"join again", func(w *world, self string) int { return w.ask(joining(9, "g", self)) }},
		{"join as somebody", func(w *world, _ string) int { return w.ask(joining(9, "g", "x")) }},
		{"sync", func(w *world, self string) int { return w.ask(syncing("g", self, 1)) }},
		{"sync of another generation", func(w *world, self string) int { return w.ask(syncing("g", self, 7)) }},
		{"heartbeat", func(w *world, self string) int { return w.ask(beating("g", self, 1)) }},
		{"heartbeat of another generation", func(w *world, self string) int { return w.ask(beating("g", self, 7)) }},
		{"leave", func(w *world, self string) int { return w.ask(leaving(2, "g", self)) }},
		{"leave as somebody", func(w *world, _ string) int { return w.ask(leaving(0, "g", "x")) }},
	}
	for state, expected := range map[string][9]int16{
		"none":                {0, 25, 25, 25, 25, 25, 25, 25, 25},
		"Empty":               {0, 25, 25, 25, 25, 25, 25, 25, 25},
		"PreparingRebalance":  {waits, 0, 25, 27, 22, 27, 22, 0, 25},
		"CompletingRebalance": {waits, 0, 25, 0, 22, 0, 22, 0, 25},
		"Stable":              {waits, 0, 25, 0, 22, 0, 22, 0, 25},
		"Dead":                {15, 15, 15, 15, 15, 15, 15, 15, 15},
	} {
		for i, request := range requests {
			w := newWorld(t)
			self := w.reach("g", state)
			if self == "" || state == "Empty" {
				self = "gone"
			}
			ticket := request.ask(w, self)
			got := int16(waits)
			if res := w.answers[ticket]; res != nil {
				got = codeOf(res)
			}
			if got != expected[i] {
				t.Errorf("%s in %s: got %d, expected %d", request.name, state, got, expected[i])
			}
		}
	}
}

// codeOf returns the error code of a response.
func codeOf(r kmsg.Response) int16 {
	switch r := r.(type) {
	case *kmsg.JoinGroupResponse:
		return r.ErrorCode
	case *kmsg.SyncGroupResponse:
		return r.ErrorCode
	case *kmsg.HeartbeatResponse:
		return r.ErrorCode
	case *kmsg.LeaveGroupResponse:
		return r.ErrorCode
	case *kmsg.OffsetDeleteResponse:
		return r.ErrorCode
	}
	return -99
}

// TestMistakes: requests that are wrong whatever the group is.
func TestMistakes(t *testing.T) {
	long := string(make([]byte, 40_000))
	w := newWorld(t)
	for name, test := range map[string]struct {
		change func(r *kmsg.JoinGroupRequest)
		code   int16
	}{
		"no group":          {func(r *kmsg.JoinGroupRequest) { r.Group = "" }, 24},
		"long group":        {func(r *kmsg.JoinGroupRequest) { r.Group = long }, 24},
		"short session":     {func(r *kmsg.JoinGroupRequest) { r.SessionTimeoutMillis = 999 }, 26},
		"long session":      {func(r *kmsg.JoinGroupRequest) { r.SessionTimeoutMillis = 60_001 }, 26},
		"long type":         {func(r *kmsg.JoinGroupRequest) { r.ProtocolType = long }, 42},
		"long instance":     {func(r *kmsg.JoinGroupRequest) { r.InstanceID = &long }, 42},
		"long protocol":     {func(r *kmsg.JoinGroupRequest) { r.Protocols[0].Name = long }, 42},
		"no type":           {func(r *kmsg.JoinGroupRequest) { r.ProtocolType = "" }, 23},
		"no protocols":      {func(r *kmsg.JoinGroupRequest) { r.Protocols = nil }, 23},
		"unknown member id": {func(r *kmsg.JoinGroupRequest) { r.MemberID = "x" }, 25},
	} {
		r := joining(9, "g", "")
		test.change(r)
		if got := w.join(r).ErrorCode; got != test.code {
			t.Errorf("join, %s: got %d, expected %d", name, got, test.code)
		}
	}
	if len(w.c.groups) != 0 || len(w.log) != 0 {
		t.Errorf("got %d groups and %d records of refused requests", len(w.c.groups), len(w.log))
	}
	for _, r := range []kmsg.Request{
		syncing("", "m", 1), beating("", "m", 1), leaving(5, "", "m"), deletingOffsets("", "t"),
	} {
		if got := codeOf(w.answers[w.ask(r)]); got != 24 {
			t.Errorf("%T without a group: got %d, expected 24", r, got)
		}
	}
	if got := w.commit(committing(long, "", -1, 1)); got[0] != 24 {
		t.Errorf("commit to a group with a long name: got %v, expected 24", got)
	}
	unnamed, other := syncing("g", "m", 1), syncing("g", "m", 1)
	unnamed.Protocol, other.Version, other.Group = nil, 4, "none"
	if got := w.sync(unnamed).ErrorCode; got != 23 {
		t.Errorf("sync without protocol: got %d, expected 23", got)
	}
	w.from.ID = long[:32767]
	if got := len(w.join(joining(9, "g", "")).MemberID); got != 32767 {
		t.Errorf("got a member id of %d bytes, expected the client id to be cut", got)
	}
}

// TestInconsistentSync: a SyncGroup that names another protocol is refused.
func TestInconsistentSync(t *testing.T) {
	w := newWorld(t)
	id := w.reach("g", "CompletingRebalance")
	for i := range 2 {
		r := syncing("g", id, 1)
		*[]**string{&r.ProtocolType, &r.Protocol}[i] = text("other")
		if got := w.sync(r).ErrorCode; got != 23 {
			t.Errorf("got %d, expected 23", got)
		}
	}
	if got := w.sync(syncing("g", id, 1, id, "a")).ErrorCode; got != 0 {
		t.Errorf("got %d, expected 0", got)
	}
}

// TestInitialDelay: the first rebalance waits for more members, as long as they come, but not for ever.
func TestInitialDelay(t *testing.T) {
	w := newWorld(t)
	w.cfg.InitialDelayMs = 3000
	first := w.ask(joining(3, "g", ""))
	w.after(2900 * time.Millisecond)
	second := w.ask(joining(3, "g", ""))
	w.after(3000 * time.Millisecond) // 5.9 s
	w.parked(first)
	third := w.ask(joining(3, "g", "")) // the delay goes on to 9 s, and to the rebalance timeout of 10 s at most
	w.after(3000 * time.Millisecond)
	w.parked(third)
	w.ask(joining(3, "g", ""))
	w.after(1200 * time.Millisecond)
	for _, ticket := range []int{first, second, third} {
		if res := answer[*kmsg.JoinGroupResponse](w, ticket); res.Generation != 1 || res.ErrorCode != 0 {
			t.Errorf("got %+v", res)
		}
	}
	if got := w.c.Stats().Members; got != 4 {
		t.Errorf("got %d members", got)
	}
}

// formed wants a leader to be told of the group's first generation, with so many members.
func (w *world) formed(leader, members int) {
	w.t.Helper()
	res := answer[*kmsg.JoinGroupResponse](w, leader)
	if res.Generation != 1 || len(res.Members) != members {
		w.t.Errorf("got generation %d of %d members, expected 1 of %d", res.Generation, len(res.Members), members)
	}
}

// TestGathers: without an initial delay, members that come at almost the same time form one generation, and those that
// go on coming do not hold it up for long.
func TestGathers(t *testing.T) {
	w := newWorld(t)
	w.cfg.GatherMs = 10
	first := w.ask(joining(3, "g", ""))
	for range 11 {
		w.parked(first)
		w.ask(joining(3, "g", ""))
		w.after(9 * time.Millisecond)
	}
	w.after(time.Millisecond) // 100 ms
	w.formed(first, 12)
	pair := w.ask(joining(3, "pair", ""))
	w.after(2 * time.Millisecond)
	w.ask(joining(3, "pair", ""))
	w.after(9 * time.Millisecond) // another would still be waited for
	w.parked(pair)
	w.after(time.Millisecond)
	w.formed(pair, 2)
	slow := w.ask(joining(3, "slow", ""))
	w.after(6 * time.Millisecond)
	w.ask(joining(3, "slow", ""))
	w.after(17 * time.Millisecond) // three times as long as the second took is waited for a third
	w.parked(slow)
	w.after(time.Millisecond)
	w.formed(slow, 2)
	alone := w.ask(joining(3, "alone", ""))
	w.after(9 * time.Millisecond)
	w.parked(alone)
	w.after(time.Millisecond)
	w.formed(alone, 1)
}

// TestGatheringWaitsForPendingMembers: who was given an id to join with is about to.
func TestGatheringWaitsForPendingMembers(t *testing.T) {
	w := newWorld(t)
	w.cfg.GatherMs = 10
	known := joining(4, "pending", "")
	known.MemberID = answer[*kmsg.JoinGroupResponse](w, w.ask(known)).MemberID
	other := joining(4, "pending", "")
	other.MemberID = answer[*kmsg.JoinGroupResponse](w, w.ask(other)).MemberID
	awaited := w.ask(known)
	w.after(90 * time.Millisecond) // who was given an id is waited for
	w.parked(awaited)
	w.ask(other)
	w.after(10 * time.Millisecond)
	w.formed(awaited, 2)
	gone := joining(4, "gone", "")
	w.ask(gone)
	alone := w.ask(joining(3, "gone", ""))
	w.after(99 * time.Millisecond)
	w.parked(alone)
	w.after(time.Millisecond)
	w.formed(alone, 1)
}

// TestGatheringKeepsALongerDelay: a delay that is longer counts as it is.
func TestGatheringKeepsALongerDelay(t *testing.T) {
	w := newWorld(t)
	w.cfg.InitialDelayMs, w.cfg.GatherMs = 3000, 10
	first := w.ask(joining(3, "g", ""))
	w.after(2999 * time.Millisecond)
	w.parked(first)
	w.after(time.Millisecond)
	if res := answer[*kmsg.JoinGroupResponse](w, first); res.Generation != 1 {
		t.Errorf("got generation %d, expected 1", res.Generation)
	}
}

// TestNeverSyncs: members that join and never sync are removed when the rebalance timeout is over.
func TestNeverSyncs(t *testing.T) {
	w := newWorld(t)
	w.cfg.InitialDelayMs = 10
	a, b := w.ask(joining(3, "g", "")), w.ask(joining(3, "g", ""))
	w.after(30 * time.Millisecond)
	leader := answer[*kmsg.JoinGroupResponse](w, a).MemberID
	silent := answer[*kmsg.JoinGroupResponse](w, b).MemberID
	w.sync(syncing("g", leader, 1, leader, "all"))
	for range 4 {
		w.after(2400 * time.Millisecond)
		w.beat(beating("g", leader, 1))
		if got := w.beat(beating("g", silent, 1)); got != 0 {
			t.Fatalf("got %d, expected the member to be there", got)
		}
	}
	w.after(time.Second)
	if got := w.beat(beating("g", silent, 1)); got != 25 || w.state("g") != "PreparingRebalance" {
		t.Errorf("got %d in state %s, expected the silent member to be gone", got, w.state("g"))
	}
	if last := w.events[len(w.events)-1]; last.Why != "member never synced" || last.Member != silent {
		t.Errorf("got event %+v", last)
	}
}

// TestLeaderDies: a leader that does not come back loses its place, and the others' assignment is asked of the next.
func TestLeaderDies(t *testing.T) {
	w := newWorld(t)
	w.cfg.InitialDelayMs = 10
	var tickets [3]int
	var ids [3]string
	for i := range tickets {
		tickets[i] = w.ask(joining(3, "g", ""))
	}
	w.after(30 * time.Millisecond)
	for i, ticket := range tickets {
		ids[i] = answer[*kmsg.JoinGroupResponse](w, ticket).MemberID
	}
	waiting := w.ask(syncing("g", ids[1], 1))
	w.after(5 * time.Second)
	w.beat(beating("g", ids[2], 1))
	w.after(1100 * time.Millisecond) // the leader's session is over; who waits for an assignment is alive
	if got := answer[*kmsg.SyncGroupResponse](w, waiting).ErrorCode; got != 27 {
		t.Errorf("got %d for the SyncGroup that waited, expected 27", got)
	}
	last := w.ask(joining(3, "g", ids[1]))
	res := w.join(joining(3, "g", ids[2]))
	if first := answer[*kmsg.JoinGroupResponse](w, last); first.LeaderID != ids[1] || len(first.Members) != 2 ||
		res.LeaderID != ids[1] || res.Generation != 2 {
		t.Errorf("got %+v, %+v, expected %s to lead generation 2", first, res, ids[1])
	}
}

// TestGroupMaxSize: a full group refuses new members, keeps those it has, and after a restart with a lower limit lets
// as many stay as it may.
func TestGroupMaxSize(t *testing.T) {
	w := newWorld(t)
	w.cfg.MaxSize = 2
	ids := w.members("g", 2)
	if res := w.join(joining(9, "g", "")); res.ErrorCode != 81 || res.MemberID != "" {
		t.Errorf("got %+v for a member too many, expected 81", res)
	}
	first := w.ask(joining(9, "g", ids[0]))
	second := w.ask(joining(9, "g", ids[1]))
	if a, b := codeOf(w.answers[first]), codeOf(w.answers[second]); a != 0 || b != 0 {
		t.Errorf("got %d and %d for those that are in, expected 0", a, b)
	}
	w.synced("g", ids)
	w.cfg.MaxSize = 1
	w.reload()
	if got := w.state("g"); got != "PreparingRebalance" {
		t.Errorf("got state %s of a group that is too large, expected a rebalance", got)
	}
	first = w.ask(joining(9, "g", ids[0]))
	if res := w.join(joining(9, "g", ids[1])); res.ErrorCode != 81 {
		t.Errorf("got %+v, expected 81", res)
	}
	if res := answer[*kmsg.JoinGroupResponse](w, first); res.ErrorCode != 0 || len(res.Members) != 1 {
		t.Errorf("got %+v, expected a generation of one", res)
	}
	p := w.join(joining(9, "h", "")).MemberID
	w.ask(joining(3, "h", ""))
	if res := w.join(joining(9, "h", p)); res.ErrorCode != 81 || w.c.Stats().Pending != 0 {
		t.Errorf("got %+v for a pending member without room, expected 81", res)
	}
}

// TestRejoin: who joins again with nothing new is answered at once, unless it leads.
func TestRejoin(t *testing.T) {
	w := newWorld(t)
	ids := w.members("g", 2)
	gen := w.c.groups["g"].generation
	leader := w.c.groups["g"].leader
	follower := ids[1-slices.Index(ids, leader)]
	res := w.join(joining(9, "g", follower))
	if res.Generation != gen || len(res.Members) != 0 || w.state("g") != "Stable" {
		t.Errorf("got %+v in state %s for a follower", res, w.state("g"))
	}
	changed := joining(9, "g", follower)
	changed.Protocols[0].Metadata = subscription("u")
	changed.Reason = text("other topics")
	old := w.ask(changed)
	w.parked(old)
	last := w.events[len(w.events)-1]
	if last.Why != "member changed its subscription" || last.Reason != "other topics" {
		t.Errorf("got event %+v", last)
	}
	again := w.ask(changed)
	if got := codeOf(w.answers[old]); got != 27 {
		t.Errorf("got %d for a JoinGroup that was sent anew, expected 27", got)
	}
	if res := w.join(joining(9, "g", leader)); res.Generation != gen+1 || len(res.Members) != 2 {
		t.Errorf("got %+v for the leader", res)
	}
	if res := answer[*kmsg.JoinGroupResponse](w, again); res.Generation != gen+1 {
		t.Errorf("got %+v", res)
	}
	parked := w.ask(syncing("g", follower, gen+1))
	twice := w.ask(syncing("g", follower, gen+1))
	if got := codeOf(w.answers[parked]); got != 27 {
		t.Errorf("got %d for a SyncGroup that was sent anew, expected 27", got)
	}
	if res := w.join(joining(9, "g", leader)); res.Generation != gen+1 || len(res.Members) != 2 {
		t.Errorf("got %+v for the leader that asks again before it has synced", res)
	}
	if res := w.leave(leaving(5, "g", follower)); res.Members[0].ErrorCode != 0 || codeOf(w.answers[twice]) != 25 {
		t.Errorf("got %+v, and %+v for its SyncGroup", res, w.answers[twice])
	}
}

// TestStaticRebalances: static members that stay away, come back with another protocol, or in the middle.
func TestStaticRebalances(t *testing.T) {
	w := newWorld(t)
	w.cfg.InitialDelayMs = 10
	both := func(names ...string) *kmsg.JoinGroupRequest {
		r := static(9, "g", "", "i")
		r.Protocols = nil
		for _, n := range names {
			r.Protocols = append(r.Protocols, kmsg.JoinGroupRequestProtocol{Name: n, Metadata: subscription("t")})
		}
		return r
	}
	first := w.ask(both("range", "other"))
	w.after(10 * time.Millisecond)
	id := answer[*kmsg.JoinGroupResponse](w, first).MemberID
	parked := w.ask(both("range")) // in CompletingRebalance it begins a new one
	res := answer[*kmsg.JoinGroupResponse](w, parked)
	if res.MemberID == id || res.Generation != 2 {
		t.Fatalf("got %+v", res)
	}
	w.sync(syncing("g", res.MemberID, 2, res.MemberID, "a"))
	if res := w.join(both("other")); res.ErrorCode != 23 {
		t.Errorf("got %+v, expected 23", res)
	}
	w.join(both("range", "other"))
	res = w.join(both("other", "range"))
	if res.Generation != 3 || *res.Protocol != "other" {
		t.Errorf("got %+v, expected a generation with the other protocol", res)
	}
	dynamic := joining(3, "g", "")
	dynamic.Protocols[0].Name = "other"
	ticket := w.ask(dynamic)
	w.after(5900 * time.Millisecond)
	w.parked(ticket)
	w.after(200 * time.Millisecond) // the static member's session is over
	if got := answer[*kmsg.JoinGroupResponse](w, ticket); got.Generation != 4 || len(got.Members) != 1 {
		t.Errorf("got %+v, expected the static member to be gone", got)
	}
}

// TestStaticAbsent: a group of which only absent static members are left waits for them, and does not spin.
func TestStaticAbsent(t *testing.T) {
	w := newWorld(t)
	r := static(9, "g", "", "i")
	r.RebalanceTimeoutMillis = 0
	id := w.join(r).MemberID
	w.sync(syncing("g", id, 1, id, "a"))
	dynamic := joining(3, "g", "")
	dynamic.RebalanceTimeoutMillis = 0
	ticket := w.ask(dynamic)
	w.after(time.Millisecond)
	res := answer[*kmsg.JoinGroupResponse](w, ticket)
	if res.LeaderID != res.MemberID || len(res.Members) != 2 || res.Generation != 2 {
		t.Fatalf("got %+v, expected the new member to lead and the static one to stay", res)
	}
	w.leave(leaving(5, "g", res.MemberID))
	before := w.c.timers.seq
	w.after(5 * time.Second)
	if n := w.c.timers.seq - before; n > 60 {
		t.Errorf("got %d timers in 5 s, expected at most one each 100 ms", n)
	}
	w.after(2 * time.Second)
	if got := w.state("g"); got != "Empty" {
		t.Errorf("got state %s, expected Empty", got)
	}
}

// TestNewMemberTimeout: a client that vanished while it waited for its first generation is given up in the end.
func TestNewMemberTimeout(t *testing.T) {
	w := newWorld(t)
	w.cfg.InitialDelayMs, w.cfg.MaxSessionMs = 1<<30, 1<<30
	r := joining(3, "g", "")
	r.RebalanceTimeoutMillis = 1 << 30
	ticket := w.ask(r)
	w.after(newMemberTimeout - time.Second)
	w.parked(ticket)
	w.after(time.Second)
	if got := answer[*kmsg.JoinGroupResponse](w, ticket); got.ErrorCode != 25 || w.state("g") != "Empty" {
		t.Errorf("got %+v in state %s", got, w.state("g"))
	}
}
