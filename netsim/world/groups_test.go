package world

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gregor-log/gregor/base"
)

// story tells a ledger what happens, one thing after the other.
type story struct {
	*Groups
	found []string
	cuts  int
	now   int64
	by    Process
}

func tell() *story {
	s := &story{by: Process{Life: 1}}
	s.Groups = NewGroups(GroupsOptions{
		Violate: func(name, format string, args ...any) { s.found = append(s.found, name) },
		Cuts:    func() int { return s.cuts },
	})
	return s
}

// asked sends a request and has it served, half a second later.
func (s *story) asked(r *GroupRequest) *GroupRequest {
	if r.Group == "" && r.Kind != AskList {
		r.Group = "g"
	}
	s.Sent(r, s.now)
	s.now += second / 2
	s.Taken(r, s.now, s.by)
	return r
}

var tp = base.TopicPartition{Topic: "t"}

// join has a member join a generation.
func (s *story) join(id, instance string, generation int32, leader string) {
	r := s.asked(&GroupRequest{Kind: AskJoin, Member: id, Instance: instance, Generation: -1, Session: 10 * time.Second,
		Rebalance: 10 * time.Second})
	s.Joined(r, &Joined{Generation: generation, Member: id, Leader: leader, Protocol: "range"})
}

// sync hands a member its part of a generation.
func (s *story) sync(id, instance string, generation int32, mark string, partitions ...int32) {
	r := s.asked(&GroupRequest{Kind: AskSync, Member: id, Instance: instance, Generation: generation})
	a := &Assignment{Mark: mark, Generation: generation, Member: id}
	for _, p := range partitions {
		a.Partitions = append(a.Partitions, base.TopicPartition{Topic: "t", Partition: p})
	}
	s.Synced(r, a)
}

func (s *story) beat(id string, generation int32) {
	s.Good(s.asked(&GroupRequest{Kind: AskHeartbeat, Member: id, Generation: generation}))
}

func (s *story) refuse(id string, generation int32, code string) {
	s.Refused(s.asked(&GroupRequest{Kind: AskHeartbeat, Member: id, Generation: generation}), code)
}

// commit makes an acknowledged commit, whose text says its offset.
func (s *story) commit(id string, generation int32, offset int64) *GroupRequest {
	r := s.asked(&GroupRequest{Kind: AskCommit, Member: id, Generation: generation, Commits: []*Commit{{
		Group: "g", Partition: tp, Offset: offset, Epoch: -1, Metadata: fmt.Sprint("m", offset)}}})
	s.Acked(r)
	return r
}

// told makes an answer to OffsetFetch.
func (s *story) told(offset int64) {
	r := s.asked(&GroupRequest{Kind: AskOffsets, Generation: -1, Fetches: []OffsetAsked{{Partition: tp}}})
	o := Offset{Offset: offset, Epoch: -1, Metadata: fmt.Sprint("m", offset)}
	if offset == NoOffset {
		o.Metadata = ""
	}
	s.Told(r, &r.Fetches[0], o)
}

func (s *story) describe(ids ...string) {
	s.Described(s.asked(&GroupRequest{Kind: AskDescribe}), &Listing{State: "Stable", Members: ids}, s.by)
}

// restart lets another process begin, after a loss that is allowed or without.
func (s *story) restart(lost bool) {
	s.now += second
	s.by = Process{Life: s.by.Life + 1, Since: s.now}
	if lost {
		s.cuts++
	}
}

// begin is two members in generation 1, of which a leads, and a commit.
func begin(s *story) {
	s.join("a", "", 1, "a")
	s.join("b", "", 1, "a")
	s.sync("a", "", 1, "x", 0)
	s.sync("b", "", 1, "x", 1)
	s.beat("a", 1)
	s.beat("b", 1)
	s.commit("a", 1, 10)
	s.told(10)
	s.describe("a", "b")
	s.Listed(s.asked(&GroupRequest{Kind: AskList}), []string{"g"})
}

// next is a second generation without b.
func next(s *story) {
	s.join("a", "", 2, "a")
	s.sync("a", "", 2, "y", 0, 1)
	s.beat("a", 2)
}

// groupRules are things that may happen after begin, with the rule that each breaks, if any.
var groupRules = []struct {
	label, want string
	change      func(s *story)
}{
	{"all is well", "", func(s *story) {}},
	{"a second generation", "", next},
	{"one partition for two", "partition-owned-twice", func(s *story) {
		s.join("c", "", 1, "a")
		s.sync("c", "", 1, "x", 1)
	}},
	{"another assignment of one generation", "generation-reused", func(s *story) { s.sync("b", "", 1, "z", 1) }},
	{"the same after a restart", "generation-reused", func(s *story) {
		s.restart(false)
		s.now += 20 * second
		s.join("c", "", 1, "c")
		s.sync("c", "", 1, "z", 1)
	}},
	{"but not after a loss", "", func(s *story) {
		s.restart(true)
		s.join("c", "", 1, "c")
		s.sync("c", "", 1, "z", 1)
	}},
	{"an assignment of another generation", "wrong-assignment", func(s *story) {
		s.Synced(s.asked(&GroupRequest{Kind: AskSync, Member: "a", Generation: 1}),
			&Assignment{Mark: "x", Generation: 2, Member: "a"})
	}},
	{"an assignment of another member", "wrong-assignment", func(s *story) {
		s.Synced(s.asked(&GroupRequest{Kind: AskSync, Member: "a", Generation: 1}),
			&Assignment{Mark: "x", Generation: 1, Member: "b"})
	}},
	{"no assignment", "wrong-assignment", func(s *story) {
		s.Synced(s.asked(&GroupRequest{Kind: AskSync, Member: "a", Generation: 1}), nil)
	}},
	{"a generation goes back", "generation-regression", func(s *story) { next(s); s.join("b", "", 1, "a") }},
	{"and after a restart", "generation-regression", func(s *story) {
		next(s)
		s.restart(false)
		s.join("b", "", 1, "b")
	}},
	{"one that was not handed out may", "", func(s *story) {
		s.join("a", "", 2, "a")
		s.restart(false)
		s.join("a", "", 1, "a")
	}},
	{"two leaders", "two-leaders", func(s *story) { s.join("c", "", 1, "b") }},
	{"a leader that is not among its members", "two-leaders", func(s *story) {
		r := s.asked(&GroupRequest{Kind: AskJoin, Member: "a", Session: time.Second})
		s.Joined(r, &Joined{Generation: 2, Member: "a", Leader: "a", Protocol: "range", Members: []string{"b"}})
	}},
	{"a zombie's heartbeat", "stale-generation", func(s *story) { next(s); s.beat("b", 1) }},
	{"a zombie's sync", "stale-generation", func(s *story) { next(s); s.sync("b", "", 1, "x", 1) }},
	{"a zombie's commit", "stale-commit", func(s *story) { next(s); s.commit("b", 1, 20) }},
	{"one that arrived before", "", func(s *story) {
		r := s.asked(&GroupRequest{Kind: AskCommit, Member: "b", Generation: 1, Commits: []*Commit{{
			Group: "g", Partition: tp, Offset: 20, Metadata: "m20"}}})
		next(s)
		s.Acked(r)
	}},
	{"a commit of one that left", "stale-commit", func(s *story) {
		s.Gone(s.asked(&GroupRequest{Kind: AskLeave, Member: "b", Generation: 1}))
		s.commit("b", 1, 20)
	}},
	{"which a restart may forget", "", func(s *story) {
		s.Gone(s.asked(&GroupRequest{Kind: AskLeave, Member: "b", Generation: 1}))
		s.restart(false)
		s.commit("b", 1, 20)
	}},
	{"a commit of nobody", "stale-commit", func(s *story) { s.commit("", -1, 20) }},
	{"when nobody is there", "", func(s *story) { s.now += 60 * second; s.commit("", -1, 20) }},
	{"an offset is gone", "lost-commit", func(s *story) { s.told(NoOffset) }},
	{"and after a restart", "lost-commit", func(s *story) { s.restart(false); s.told(NoOffset) }},
	{"but not after a loss", "", func(s *story) { s.restart(true); s.told(NoOffset) }},
	{"an earlier offset", "lost-commit", func(s *story) { s.commit("a", 1, 20); s.told(10) }},
	{"a later one, then the earlier", "lost-commit", func(s *story) {
		r := s.asked(&GroupRequest{Kind: AskCommit, Member: "a", Generation: 1, Commits: []*Commit{{
			Group: "g", Partition: tp, Offset: 20, Epoch: -1, Metadata: "m20"}}})
		s.told(20)
		s.told(10)
		s.Acked(r)
	}},
	{"a plausible zero", "garbage-offset", func(s *story) { s.told(0) }},
	{"a commit that never arrived", "garbage-offset", func(s *story) {
		s.Sent(&GroupRequest{Kind: AskCommit, Group: "g", Generation: 1, Commits: []*Commit{{
			Group: "g", Partition: tp, Offset: 20, Metadata: "m20"}}}, s.now)
		s.told(20)
	}},
	{"another offset", "altered-offset", func(s *story) {
		r := s.asked(&GroupRequest{Kind: AskOffsets, Fetches: []OffsetAsked{{Partition: tp}}})
		s.Told(r, &r.Fetches[0], Offset{Offset: 11, Epoch: NotTold, Metadata: "m10"})
	}},
	{"another epoch", "altered-offset", func(s *story) {
		r := s.asked(&GroupRequest{Kind: AskOffsets, Fetches: []OffsetAsked{{Partition: tp}}})
		s.Told(r, &r.Fetches[0], Offset{Offset: 10, Epoch: 3, Metadata: "m10"})
	}},
	{"a refused commit", "aborted-offset", func(s *story) {
		r := s.asked(&GroupRequest{Kind: AskCommit, Member: "a", Generation: 1, Commits: []*Commit{{
			Group: "g", Partition: tp, Offset: 20, Epoch: -1, Metadata: "m20"}}})
		s.FailedOne(r, r.Commits[0])
		s.told(20)
	}},
	{"a refused commit that was read", "aborted-offset", func(s *story) {
		r := s.asked(&GroupRequest{Kind: AskCommit, Member: "a", Generation: 1, Commits: []*Commit{{
			Group: "g", Partition: tp, Offset: 20, Epoch: -1, Metadata: "m20"}}})
		s.told(20)
		s.FailedOne(r, r.Commits[0])
	}},
	{"a member is not known", "lost-member", func(s *story) { s.refuse("b", 1, "UNKNOWN_MEMBER_ID") }},
	{"nor after a restart", "lost-member", func(s *story) {
		s.restart(false)
		s.refuse("b", 1, "UNKNOWN_MEMBER_ID")
	}},
	{"a generation is not known", "lost-member", func(s *story) { s.refuse("b", 1, "ILLEGAL_GENERATION") }},
	{"a member is not listed", "lost-member", func(s *story) { s.describe("a") }},
	{"one whose session is over", "", func(s *story) {
		s.now += 10 * second
		s.refuse("b", 1, "UNKNOWN_MEMBER_ID")
		s.describe("a")
	}},
	{"one that leaves", "", func(s *story) {
		s.asked(&GroupRequest{Kind: AskLeave, Member: "b", Generation: 1})
		s.refuse("b", 1, "UNKNOWN_MEMBER_ID")
		s.describe("a")
	}},
	{"one that joins again", "", func(s *story) {
		s.asked(&GroupRequest{Kind: AskJoin, Member: "b", Generation: 1})
		s.refuse("b", 1, "ILLEGAL_GENERATION")
	}},
	{"a silent member", "member-kept", func(s *story) { s.now += 60 * second; s.beat("a", 1); s.describe("a", "b") }},
	{"a silent member that nobody knows", "member-kept", func(s *story) {
		s.describe("a", "b", "c")
		s.now += 60 * second
		s.describe("c")
	}},
	{"a silent member after a restart", "", func(s *story) {
		s.now += 60 * second
		s.restart(false)
		s.describe("a", "b")
	}},
	{"a group is deleted that has members", "deleted-alive", func(s *story) {
		s.Deleted(s.asked(&GroupRequest{Kind: AskDelete}))
	}},
	{"a group without members is deleted, and begins anew", "", func(s *story) {
		s.now += 60 * second
		s.Deleted(s.asked(&GroupRequest{Kind: AskDelete, Commits: []*Commit{{Group: "g", Partition: tp, None: true}}}))
		s.told(NoOffset)
		s.join("c", "", 1, "c")
		s.sync("c", "", 1, "z", 0)
		s.commit("c", 1, 30)
		s.told(30)
	}},
	{"its offsets come back", "lost-commit", func(s *story) {
		s.now += 60 * second
		s.Deleted(s.asked(&GroupRequest{Kind: AskDelete, Commits: []*Commit{{Group: "g", Partition: tp, None: true}}}))
		s.told(10)
	}},
	{"a group is not listed", "lost-group", func(s *story) { s.Listed(s.asked(&GroupRequest{Kind: AskList}), nil) }},
	{"not for its offsets either", "lost-group", func(s *story) {
		s.now += 60 * second
		s.Listed(s.asked(&GroupRequest{Kind: AskList}), nil)
	}},
}

// TestGroups tells the ledger each of them.
func TestGroups(t *testing.T) {
	for _, row := range groupRules {
		s := tell()
		begin(s)
		row.change(s)
		if want := slices.DeleteFunc([]string{row.want}, func(w string) bool { return w == "" }); !slices.Equal(
			s.found, want) {
			t.Errorf("%s: got %q, expected %q", row.label, s.found, want)
		}
	}
}

// TestGroupsStatic has a static member come back with another id, in the generation that it had.
func TestGroupsStatic(t *testing.T) {
	s := tell()
	s.join("i-1", "i", 1, "i-1")
	s.sync("i-1", "i", 1, "x", 0)
	s.beat("i-1", 1)
	r := s.asked(&GroupRequest{Kind: AskJoin, Instance: "i", Generation: -1, Session: 10 * time.Second,
		Rebalance: 10 * time.Second})
	s.Joined(r, &Joined{Generation: 1, Member: "i-2", Leader: "i-1", Protocol: "range"})
	r = s.asked(&GroupRequest{Kind: AskSync, Member: "i-2", Instance: "i", Generation: 1})
	s.Synced(r, &Assignment{Mark: "x", Generation: 1, Member: "i-1", Partitions: []base.TopicPartition{tp}})
	s.refuse("i-1", 1, "UNKNOWN_MEMBER_ID")
	if len(s.found) > 0 {
		t.Fatalf("got %q, expected nothing", s.found)
	}
	s.commit("i-1", 1, 10)
	if want := []string{"stale-commit"}; !slices.Equal(s.found, want) {
		t.Errorf("a commit of the member that was replaced: got %q, expected %q", s.found, want)
	}
}

// TestGroupsForgotten has a group without members and offsets begin anew, which one with offsets may not.
func TestGroupsForgotten(t *testing.T) {
	for _, offsets := range []bool{false, true} {
		s := tell()
		s.join("a", "", 1, "a")
		s.sync("a", "", 1, "x", 0)
		if offsets {
			s.commit("a", 1, 10)
		}
		s.now += 60 * second
		s.join("b", "", 1, "b")
		s.sync("b", "", 1, "y", 0)
		if (len(s.found) > 0) != offsets {
			t.Errorf("offsets %v: got %q", offsets, s.found)
		}
	}
}

// TestGroupsCounts counts what was acknowledged, and what a loss took.
func TestGroupsCounts(t *testing.T) {
	s := tell()
	begin(s)
	next(s)
	s.refuse("b", 1, "ILLEGAL_GENERATION")
	s.restart(true)
	s.told(NoOffset)
	if got, want := s.Counts(), (GroupsCounts{Commits: 1, Rebalances: 2, Fenced: 1, Lost: 1}); got != want {
		t.Errorf("got %+v, expected %+v", got, want)
	}
	if got := s.Newest("g", tp); got != "" {
		t.Errorf("got %q as the newest commit after a loss", got)
	}
}
