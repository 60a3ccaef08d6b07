package group

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
)

// bench makes a coordinator with groups of one member each, and returns it with the members.
func bench(b *testing.B, groups int) (*Coordinator, []string) {
	seed := uint64(0)
	c := New(Options{
		Config: func() Config { return Config{MaxSessionMs: 60_000, MaxSize: 10, MaxMetadataBytes: 4096} },
		Random: func() uint64 { seed += 0x9e3779b97f4a7c15; return seed },
	})
	var out Effects
	now := base.Instant{Mono: 1, Wall: 1}
	ids := make([]string, groups)
	for i := range ids {
		name := fmt.Sprint("group-", i)
		c.Join(now, Client{ID: "client", Host: "/127.0.0.1"}, joining(3, name, ""), i+1, &out)
		ids[i] = out.Replies[0].Response.(*kmsg.JoinGroupResponse).MemberID
		c.Written(now, 0, &out)
		out.Reset()
		c.Sync(now, Client{}, syncing(name, ids[i], 1, ids[i], "assignment"), -i-1, &out)
		out.Reset()
		c.Written(now, 0, &out)
		if len(out.Replies) != 1 || out.Replies[0].Response.(*kmsg.SyncGroupResponse).ErrorCode != 0 {
			b.Fatalf("got %+v", out)
		}
		out.Reset()
	}
	return c, ids
}

// BenchmarkHeartbeat is one heartbeat of one of many members.
func BenchmarkHeartbeat(b *testing.B) {
	c, ids := bench(b, 1000)
	requests := make([]*kmsg.HeartbeatRequest, len(ids))
	for i := range requests {
		requests[i] = beating(fmt.Sprint("group-", i), ids[i], 1)
	}
	var out Effects
	var ticket Ticket = &out
	now := base.Instant{Mono: 1, Wall: 1}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now.Mono += 1000
		c.Heartbeat(now, requests[i%len(requests)], ticket, &out)
		out.Reset()
	}
}

// BenchmarkCommit is one commit of ten offsets, with its outcome.
func BenchmarkCommit(b *testing.B) {
	c, ids := bench(b, 1000)
	requests := make([]*kmsg.OffsetCommitRequest, len(ids))
	for i := range requests {
		requests[i] = committing(fmt.Sprint("group-", i), ids[i], 1, 1)
		for p := range int32(9) {
			x := requests[i].Topics[0].Partitions[0]
			x.Partition = p + 1
			requests[i].Topics[0].Partitions = append(requests[i].Topics[0].Partitions, x)
		}
	}
	var out Effects
	var ticket Ticket = &out
	now := base.Instant{Mono: 1, Wall: 1}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now.Mono += 1000
		c.Commit(now, requests[i%len(requests)], ticket, &out)
		c.Written(now, 0, &out)
		out.Reset()
	}
}

// BenchmarkExpireOffsets looks through 100,000 groups of which nothing has expired, and tells what each takes.
func BenchmarkExpireOffsets(b *testing.B) {
	c := New(Options{Config: func() Config { return Config{RetentionMs: 1 << 40} }, Random: func() uint64 { return 1 }})
	for i := range 100_000 {
		r, _ := offsetRecord(nil, fmt.Sprint("group-", i), "topic", 1, &offset{offset: 5, expires: noTime})
		if err := c.Load(r.Key, r.Value); err != nil {
			b.Fatal(err)
		}
	}
	var out Effects
	b.ReportAllocs()
	for b.Loop() {
		c.ExpireOffsets(base.Instant{Mono: 1, Wall: 1}, &out)
		if len(out.Writes) != 0 {
			b.Fatalf("got %d writes", len(out.Writes))
		}
	}
}
