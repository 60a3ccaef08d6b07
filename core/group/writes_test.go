package group

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestFailedCodes: what clients are told of an append that failed.
func TestFailedCodes(t *testing.T) {
	for code, expected := range map[int16]int16{
		3: 15, 19: 15, 20: 15, 7: 15, 6: 16, 56: 16, 10: -1, 18: -1, 4: -1, 13: 14, -1: -1, 87: 87,
	} {
		w := newWorld(t)
		w.code = code
		if got := w.commit(committing("g", "", -1, 1)); !slices.Equal(got, []int16{expected}) {
			t.Errorf("append failed with %d: got %v, expected %d", code, got, expected)
		}
		if len(w.c.groups) != 0 {
			t.Errorf("append failed with %d: got %d groups, expected none", code, len(w.c.groups))
		}
	}
}

// TestFailedCommit: offsets that were not written are as they were.
func TestFailedCommit(t *testing.T) {
	w := newWorld(t)
	w.commit(committing("g", "", -1, 1))
	w.held = true
	var tickets []int
	for offset := range int64(4) {
		tickets = append(tickets, w.ask(committing("g", "", -1, 10+offset)))
	}
	for i, test := range []struct {
		code     int16
		expected string
	}{{0, "t/0=10(m) "}, {19, "t/0=10(m) "}, {0, "t/0=12(m) "}, {6, "t/0=12(m) "}} {
		w.parked(tickets[i])
		w.settle(test.code)
		if got := w.fetch("g"); got != test.expected {
			t.Errorf("write %d: got %q, expected %q", i, got, test.expected)
		}
	}
	if w.c.Unsettled() != 0 {
		t.Errorf("got %d writes without outcome", w.c.Unsettled())
	}
}

// TestFailedAssignment: if the assignment is not written, nobody gets it, and all must join anew.
func TestFailedAssignment(t *testing.T) {
	w := newWorld(t)
	w.cfg.InitialDelayMs = 10
	a, b := w.ask(joining(3, "g", "")), w.ask(joining(3, "g", ""))
	w.after(time.Second)
	leader, other := answer[*kmsg.JoinGroupResponse](w, a).MemberID, answer[*kmsg.JoinGroupResponse](w, b).MemberID
	w.held = true
	first := w.ask(syncing("g", other, 1))
	second := w.ask(syncing("g", leader, 1, leader, "a", other, "b"))
	w.parked(first)
	w.parked(second)
	if got := w.state("g"); got != "CompletingRebalance" {
		t.Errorf("got state %s before the assignment is written", got)
	}
	w.settle(19)
	for _, ticket := range []int{first, second} {
		if res := answer[*kmsg.SyncGroupResponse](w, ticket); res.ErrorCode != 15 || len(res.MemberAssignment) != 0 {
			t.Errorf("got %+v, expected 15", res)
		}
	}
	if got := w.beat(beating("g", leader, 1)); got != 27 {
		t.Errorf("got %d, expected a rebalance", got)
	}
}

// TestAssignmentOvertaken: an assignment whose generation is over when it is written goes to nobody.
func TestAssignmentOvertaken(t *testing.T) {
	for _, code := range []int16{0, 19} {
		w := newWorld(t)
		id := w.reach("g", "CompletingRebalance")
		w.held = true
		first := w.ask(syncing("g", id, 1, id, "old"))
		again := joining(9, "g", id)
		again.Protocols[0].Metadata = subscription("u")
		if res := w.join(again); res.Generation != 2 || codeOf(w.answers[first]) != 27 {
			t.Fatalf("got %+v, %+v", res, w.answers[first])
		}
		second := w.ask(syncing("g", id, 2, id, "new"))
		w.settle(code)
		w.parked(second)
		w.settle(0)
		if res := answer[*kmsg.SyncGroupResponse](w, second); string(res.MemberAssignment) != "new" {
			t.Errorf("got %+v", res)
		}
	}
}

// TestFailedReplacement: a static member whose new id is not written has its old one.
func TestFailedReplacement(t *testing.T) {
	w := newWorld(t)
	old := w.join(static(9, "g", "", "i")).MemberID
	w.sync(syncing("g", old, 1, old, "mine"))
	w.code = 19
	if res := w.join(static(9, "g", "", "i")); res.ErrorCode != 15 || res.MemberID != "" || res.Generation != 1 {
		t.Errorf("got %+v, expected 15", res)
	}
	if got := w.beat(beating("g", old, 1)); got != 0 {
		t.Errorf("got %d for the old id, expected 0", got)
	}
	w.code, w.held = 0, true
	first := w.ask(static(9, "g", "", "i"))
	second := w.ask(static(9, "g", "", "i"))
	if got := answer[*kmsg.JoinGroupResponse](w, first); got.ErrorCode != 82 {
		t.Errorf("got %+v for who was replaced while it waited, expected 82", got)
	}
	w.settle(0)
	w.parked(second)
	third := w.ask(joining(3, "g", "")) // a rebalance begins before the new id is written
	w.settle(0)
	a, b := answer[*kmsg.JoinGroupResponse](w, second), answer[*kmsg.JoinGroupResponse](w, third)
	if a.Generation != 2 || b.Generation != 2 || a.LeaderID != a.MemberID {
		t.Errorf("got %+v and %+v, expected both in generation 2", a, b)
	}
}

// TestFailedCreation: a JoinGroup that waits is refused if it cannot be written that there is a group.
func TestFailedCreation(t *testing.T) {
	w := newWorld(t)
	w.cfg.InitialDelayMs = 100
	w.code = 6
	for _, r := range []*kmsg.JoinGroupRequest{joining(3, "g", ""), static(9, "g", "", "i")} {
		if res := w.join(r); res.ErrorCode != 16 {
			t.Errorf("got %+v, expected 16", res)
		}
		w.leave(leaving(5, "g", "nobody"))
		w.after(newMemberTimeout)
		if _, ok := w.c.Describe("g"); ok || len(w.c.groups) != 1 || w.c.groups["g"].generation != 1 {
			t.Errorf("got %d groups, described %v: expected one that is not written", len(w.c.groups), ok)
		}
		w.code = 0
		w.expire()
		w.code = 6
		if len(w.c.groups) != 0 {
			t.Errorf("got %d groups, expected none once that is written", len(w.c.groups))
		}
	}
	if id := w.join(joining(9, "g", "")).MemberID; len(w.c.groups) != 1 {
		t.Error("got no group for a member id that was given out")
	} else {
		w.leave(leaving(5, "g", id))
	}
	if len(w.c.groups) != 0 {
		t.Error("got a group that is not written and has nobody")
	}
}

// TestLastLeaves: the answer to the last member that leaves waits until it is written that nobody is left.
func TestLastLeaves(t *testing.T) {
	for code, expected := range map[int16]int16{0: 0, 19: 15} {
		w := newWorld(t)
		ids := w.members("g", 1)
		w.held = true
		ticket := w.ask(leaving(5, "g", ids[0]))
		w.parked(ticket)
		w.settle(code)
		if got := codeOf(w.answers[ticket]); got != expected || w.state("g") != "Empty" {
			t.Errorf("written with %d: got %d in state %s, expected %d", code, got, w.state("g"), expected)
		}
	}
}

// TestDelete: groups go when their tombstones are written, and stay if they are not.
func TestDelete(t *testing.T) {
	w := newWorld(t)
	w.commit(committing("a", "", -1, 1))
	w.commit(committing("b", "", -1, 2))
	w.members("c", 1)
	w.held = true
	first := w.ask(deleting("b", "none", "a", "c", "b"))
	second := w.ask(deleting("a"))
	if got := w.fetch("a") + w.state("a"); got != "t/0=1(m) Dead" {
		t.Errorf("got %q before the tombstones are written", got)
	}
	if got := w.commit(committing("a", "", -1, 9)); got[0] != 15 {
		t.Errorf("got %v for a commit to a group that goes, expected 15", got)
	}
	w.input(func() { w.c.TopicsDeleted(w.now, []Topic{{Name: "t"}}, &w.out) })
	w.expire()
	w.parked(first)
	w.settle(0)
	w.parked(first)
	w.settle(19)
	if got := w.deleted(first); !slices.Equal(got, []int16{0, 69, 15, 68}) {
		t.Errorf("got %v", got)
	}
	if got := w.deleted(second); !slices.Equal(got, []int16{15}) {
		t.Errorf("got %v for who asked meanwhile, expected 15", got)
	}
	if got := w.fetch("a") + w.state("a"); got != "t/0=1(m) Empty" {
		t.Errorf("got %q after the tombstones failed", got)
	}
	w.release()
	if got := w.deleted(w.ask(deleting("a", "b"))); !slices.Equal(got, []int16{0, 69}) || w.fetch("a") != "" {
		t.Errorf("got %v", got)
	}
}

// TestDeleteLarge: a group with more offsets than one batch holds goes in several, and what is left after a failure in
// the middle is left as offsets without members.
func TestDeleteLarge(t *testing.T) {
	w := newWorld(t)
	const partitions = 20_000
	commit := func() {
		r := committing("g", "", -1, 1)
		for i := range partitions - 1 {
			p := kmsg.NewOffsetCommitRequestTopicPartition()
			p.Partition = int32(i + 1)
			r.Topics[0].Partitions = append(r.Topics[0].Partitions, p)
		}
		w.commit(r)
	}
	commit()
	w.held = true
	ticket := w.ask(deleting("g"))
	writes := len(w.waiting)
	size := 0
	for _, r := range w.waiting[0].Records {
		size += len(r.Key)
	}
	if writes < 2 || size > mostTombstones {
		t.Fatalf("got %d writes, the first of %d bytes", writes, size)
	}
	kept := len(w.waiting[0].Records)
	w.settle(19)
	w.release()
	if got := w.c.Stats().Offsets; got != kept || w.deleted(ticket)[0] != 0 || w.state("g") != "Empty" {
		t.Errorf("got %d offsets in state %s, expected %d", got, w.state("g"), kept)
	}
	commit()
	w.input(func() { w.c.TopicsDeleted(w.now, []Topic{{Name: "t"}, {Name: "u"}, {Name: "t"}}, &w.out) })
	if got := w.c.Stats().Offsets; got != 0 {
		t.Errorf("got %d offsets of a deleted topic", got)
	}
	w.expire()
	if len(w.c.groups) != 0 || len(snapshot(w.c)) != 0 {
		t.Errorf("got %d groups, expected none", len(w.c.groups))
	}
}

// TestDeleteOffsetsFails: offsets whose tombstones are not written stay.
func TestDeleteOffsetsFails(t *testing.T) {
	w := newWorld(t)
	w.commit(committing("g", "", -1, 1))
	w.code = 6
	if got := codeOf(w.answers[w.ask(deletingOffsets("g", "t", 0))]); got != 16 || w.fetch("g") != "t/0=1(m) " {
		t.Errorf("got %d, offsets %q", got, w.fetch("g"))
	}
	w.code = 0
	if got := codeOf(w.answers[w.ask(deletingOffsets("g", "t", 0))]); got != 0 || w.fetch("g") != "" {
		t.Errorf("got %d, offsets %q", got, w.fetch("g"))
	}
}

// TestRetention: when offsets expire, and groups with them.
func TestRetention(t *testing.T) {
	const retention = 1_000_000 * time.Millisecond
	w := newWorld(t)
	ids := w.members("members", 1)
	r := committing("members", ids[0], 1, 1)
	r.Topics = append(r.Topics, r.Topics[0])
	r.Topics[1].Topic = "u"
	w.commit(r)
	w.commit(committing("simple", "", -1, 2))
	own := committing("own", "", -1, 3)
	own.Version, own.RetentionTimeMillis = 4, 2_000_000
	w.commit(own)
	alive := func(d time.Duration) {
		for end := w.now.Mono.Add(d); w.now.Mono < end; w.after(min(5*time.Second, end.Sub(w.now.Mono))) {
			w.beat(beating("members", ids[0], 1))
		}
		w.expire()
	}
	all := func() string {
		return fmt.Sprint(w.fetch("members"), "| ", w.fetch("simple"), "| ", w.fetch("own"), len(w.c.groups))
	}
	alive(retention - time.Millisecond)
	if got := all(); got != "t/0=1(m) u/0=1(m) | t/0=2(m) | t/0=3(m) 3" {
		t.Errorf("before the retention time: got %q", got)
	}
	alive(time.Millisecond)
	if got := all(); got != "t/0=1(m) | | t/0=3(m) 2" {
		t.Errorf("after it: got %q, expected what members read, and who asked for longer", got)
	}
	w.leave(leaving(5, "members", ids[0]))
	w.after(retention - time.Millisecond)
	w.expire()
	if got := all(); got != "t/0=1(m) | | t/0=3(m) 2" {
		t.Errorf("before the retention time of the group without members: got %q", got)
	}
	w.after(time.Millisecond)
	w.expire()
	if got := all(); got != "| | 0" {
		t.Errorf("in the end: got %q", got)
	}
	w.reload()
	if got := all(); got != "| | 0" {
		t.Errorf("after a restart: got %q", got)
	}
}

// TestRetentionWaits: offsets are kept while it is not known what the members read, and while commits are on their way.
func TestRetentionWaits(t *testing.T) {
	w := newWorld(t)
	other := joining(9, "other", "")
	other.ProtocolType = "connect"
	other.MemberID = w.join(other).MemberID
	w.join(other)
	w.commit(committing("other", "", -1, 1))
	r := joining(9, "unread", "")
	r.Protocols[0].Metadata = []byte{0, 0, 0, 0, 0, 9, 'x'}
	r.MemberID = w.join(r).MemberID
	w.join(r)
	w.sync(syncing("unread", r.MemberID, 1))
	w.commit(committing("unread", r.MemberID, 1, 1))
	got := answer[*kmsg.OffsetDeleteResponse](w, w.ask(deletingOffsets("unread", "z", 0)))
	if got.Topics[0].Partitions[0].ErrorCode != 86 {
		t.Errorf("got %+v for a group whose subscription cannot be read, expected 86", got)
	}
	w.cfg.RetentionMs = 0
	w.held = true
	w.ask(committing("late", "", -1, 1))
	w.expire()
	w.release()
	if got := w.fetch("unread") + w.fetch("late"); got != "t/0=1(m) t/0=1(m) " {
		t.Errorf("got %q", got)
	}
}

// TestRestart: what a restart loads is what the log says, in every state, and a snapshot says the same.
func TestRestart(t *testing.T) {
	for _, state := range []string{"none", "Empty", "PreparingRebalance", "CompletingRebalance", "Stable", "Dead"} {
		w := newWorld(t)
		w.commit(committing("other", "", -1, 3))
		w.reach("g", state)
		w.release()
		before := snapshot(w.c)
		w.reload()
		if !bytes.Equal(snapshot(w.c), before) {
			t.Errorf("%s: got another snapshot after a restart", state)
		}
		loaded := w.fresh()
		w.c.Snapshot(func(r Record) {
			if err := loaded.Load(r.Key, r.Value); err != nil {
				t.Error(err)
			}
		})
		if !bytes.Equal(snapshot(loaded), before) {
			t.Errorf("%s: got another snapshot from the snapshot", state)
		}
	}
}
