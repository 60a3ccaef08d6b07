package group

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
)

// world drives one coordinator: it keeps the log, answers writes at once unless told not to, and holds the machine to
// its invariants after every input.
type world struct {
	t      *testing.T
	c      *Coordinator
	cfg    Config
	now    base.Instant
	out    Effects
	rand   func() uint64
	from   Client
	events []Event
	// held says that writes wait for settle; code is what comes of the others.
	held bool
	code int16
	// waiting are the writes without outcome; log holds the records of those that were written.
	waiting []Write
	log     []Record
	asked   int
	answers map[int]kmsg.Response
}

func newWorld(t *testing.T) *world {
	rng := rand.New(rand.NewPCG(1, 2))
	w := &world{t: t, now: base.Instant{Mono: 1, Wall: 1_000_000}, rand: rng.Uint64, answers: map[int]kmsg.Response{}}
	w.from = Client{ID: "client", Host: "/127.0.0.1"}
	w.cfg = Config{
		MinSessionMs: 1000, MaxSessionMs: 60_000, MaxSize: 1 << 30, MaxMetadataBytes: 4096, RetentionMs: 1_000_000,
	}
	w.c = w.fresh()
	return w
}

// fresh makes a coordinator without groups.
func (w *world) fresh() *Coordinator {
	return New(Options{
		Config: func() Config { return w.cfg }, Random: func() uint64 { return w.rand() },
		OnEvent: func(e Event) { w.events = append(w.events, e) },
	})
}

// input runs one input and carries out its effects.
func (w *world) input(f func()) {
	w.t.Helper()
	f()
	w.carryOut()
	check(w.t, w.c)
}

func (w *world) carryOut() {
	w.t.Helper()
	for len(w.out.Replies)+len(w.out.Writes) > 0 {
		out := w.out
		w.out = Effects{}
		for _, r := range out.Replies {
			if w.answers[r.Ticket.(int)] != nil {
				w.t.Fatalf("ticket %v answered twice, with %+v", r.Ticket, r.Response)
			}
			w.answers[r.Ticket.(int)] = r.Response
		}
		for _, x := range out.Writes {
			if len(x.Records) == 0 {
				w.t.Fatal("got a write without records")
			}
			w.waiting = append(w.waiting, x)
		}
		for !w.held && len(w.waiting) > 0 {
			w.settleOne(w.code)
		}
	}
}

func (w *world) settleOne(code int16) {
	if code == 0 {
		w.log = append(w.log, w.waiting[0].Records...)
	}
	w.waiting = w.waiting[1:]
	w.c.Written(w.now, code, &w.out)
}

// settle tells the outcome of the oldest write.
func (w *world) settle(code int16) {
	w.t.Helper()
	w.input(func() { w.settleOne(code) })
}

func (w *world) ticket() int {
	w.asked++
	return w.asked
}

// after lets time go by, doing what is due.
func (w *world) after(d time.Duration) {
	w.t.Helper()
	end := w.now.Mono.Add(d)
	for w.c.Next() != 0 && w.c.Next() <= end {
		w.to(max(w.c.Next(), w.now.Mono))
		w.input(func() { w.c.Expire(w.now, &w.out) })
	}
	w.to(end)
}

func (w *world) to(m base.Mono) {
	wall := int64(m/base.Mono(time.Millisecond)) - int64(w.now.Mono/base.Mono(time.Millisecond))
	w.now = base.Instant{Mono: m, Wall: w.now.Wall + wall}
}

// ask serves a request and returns its ticket.
func (w *world) ask(r kmsg.Request) int {
	w.t.Helper()
	id := w.ticket()
	from := w.from
	w.input(func() {
		switch r := r.(type) {
		case *kmsg.JoinGroupRequest:
			w.c.Join(w.now, from, r, id, &w.out)
		case *kmsg.SyncGroupRequest:
			w.c.Sync(w.now, from, r, id, &w.out)
		case *kmsg.HeartbeatRequest:
			w.c.Heartbeat(w.now, r, id, &w.out)
		case *kmsg.LeaveGroupRequest:
			w.c.Leave(w.now, r, id, &w.out)
		case *kmsg.OffsetCommitRequest:
			w.c.Commit(w.now, r, id, &w.out)
		case *kmsg.OffsetDeleteRequest:
			w.c.DeleteOffsets(w.now, r, id, &w.out)
		case *kmsg.DeleteGroupsRequest:
			w.c.Delete(w.now, r.Groups, id, &w.out)
		default:
			w.t.Fatalf("got %T", r)
		}
	})
	return id
}

// answer returns the answer to a ticket, which must be there.
func answer[R kmsg.Response](w *world, ticket int) R {
	w.t.Helper()
	res, ok := w.answers[ticket].(R)
	if !ok {
		w.t.Fatalf("ticket %d: got answer %T, expected one", ticket, w.answers[ticket])
	}
	return res
}

func (w *world) parked(ticket int) {
	w.t.Helper()
	if w.answers[ticket] != nil {
		w.t.Fatalf("ticket %d: got %+v, expected it to wait", ticket, w.answers[ticket])
	}
}

func (w *world) join(r *kmsg.JoinGroupRequest) *kmsg.JoinGroupResponse {
	w.t.Helper()
	return answer[*kmsg.JoinGroupResponse](w, w.ask(r))
}

func (w *world) sync(r *kmsg.SyncGroupRequest) *kmsg.SyncGroupResponse {
	w.t.Helper()
	return answer[*kmsg.SyncGroupResponse](w, w.ask(r))
}

func (w *world) beat(r *kmsg.HeartbeatRequest) int16 {
	w.t.Helper()
	return answer[*kmsg.HeartbeatResponse](w, w.ask(r)).ErrorCode
}

func (w *world) leave(r *kmsg.LeaveGroupRequest) *kmsg.LeaveGroupResponse {
	w.t.Helper()
	return answer[*kmsg.LeaveGroupResponse](w, w.ask(r))
}

// commit returns the codes of the partitions.
func (w *world) commit(r *kmsg.OffsetCommitRequest) (codes []int16) {
	w.t.Helper()
	return commitCodes(answer[*kmsg.OffsetCommitResponse](w, w.ask(r)))
}

func commitCodes(r *kmsg.OffsetCommitResponse) (codes []int16) {
	for _, t := range r.Topics {
		for _, p := range t.Partitions {
			codes = append(codes, p.ErrorCode)
		}
	}
	return codes
}

// deleted returns the codes of a DeleteGroups.
func (w *world) deleted(ticket int) (codes []int16) {
	w.t.Helper()
	for _, g := range answer[*kmsg.DeleteGroupsResponse](w, ticket).Groups {
		codes = append(codes, g.ErrorCode)
	}
	return codes
}

// fetch tells what is committed as "topic/partition=offset(metadata)".
func (w *world) fetch(group string, asked ...kmsg.OffsetFetchRequestGroupTopic) string {
	req := kmsg.NewOffsetFetchRequestGroup()
	req.Group, req.Topics = group, asked
	var text string
	for _, t := range w.c.Fetch(w.now, req, true).Topics {
		for _, p := range t.Partitions {
			text += fmt.Sprintf("%s/%d=%d(%s) ", t.Topic, p.Partition, p.Offset, *p.Metadata)
		}
	}
	return text
}

func (w *world) state(group string) string {
	res, _ := w.c.Describe(group)
	return res.State
}

func (w *world) expire() {
	w.t.Helper()
	w.input(func() { w.c.ExpireOffsets(w.now, &w.out) })
}

// reload makes a coordinator of the log, as a restart does.
func (w *world) reload() {
	w.t.Helper()
	w.c, w.waiting = w.fresh(), nil
	for _, r := range w.log {
		if err := w.c.Load(r.Key, r.Value); err != nil {
			w.t.Fatal(err)
		}
	}
	w.input(func() { w.c.Loaded(w.now, nil, &w.out) })
}

// members joins and syncs n dynamic members, and returns their ids, the leader's first.
func (w *world) members(group string, n int) []string {
	w.t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = w.join(joining(9, group, "")).MemberID
		w.ask(joining(9, group, ids[i]))
	}
	return w.synced(group, ids)
}

// synced gathers the members until they share a stable generation.
func (w *world) synced(group string, ids []string) []string {
	w.t.Helper()
	for w.state(group) != "Stable" {
		gen := w.c.groups[group].generation
		for _, id := range ids {
			if w.beat(beating(group, id, gen)) != 0 {
				w.ask(joining(9, group, id))
			}
		}
		gen = w.c.groups[group].generation
		var given []string
		for _, id := range ids {
			given = append(given, id, "for "+id)
		}
		for _, id := range ids {
			w.ask(syncing(group, id, gen, given...))
		}
	}
	return ids
}

func text(s string) *string { return &s }

// subscription is what a consumer says that it reads.
func subscription(topics ...string) []byte {
	b := binary.BigEndian.AppendUint32([]byte{0, 0}, uint32(len(topics)))
	for _, t := range topics {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(t))), t...)
	}
	return binary.BigEndian.AppendUint32(b, 0)
}

func joining(version int16, group, id string) *kmsg.JoinGroupRequest {
	r := kmsg.NewPtrJoinGroupRequest()
	r.Version, r.Group, r.MemberID = version, group, id
	r.SessionTimeoutMillis, r.RebalanceTimeoutMillis, r.ProtocolType = 6000, 10_000, "consumer"
	r.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range", Metadata: subscription("t")}}
	return r
}

func static(version int16, group, id, instance string) *kmsg.JoinGroupRequest {
	r := joining(version, group, id)
	r.InstanceID = &instance
	return r
}

// syncing makes a SyncGroup; given are member ids and their assignments.
func syncing(group, id string, generation int32, given ...string) *kmsg.SyncGroupRequest {
	r := kmsg.NewPtrSyncGroupRequest()
	r.Version, r.Group, r.MemberID, r.Generation = 5, group, id, generation
	r.ProtocolType, r.Protocol = text("consumer"), text("range")
	for i := 0; i < len(given); i += 2 {
		a := kmsg.NewSyncGroupRequestGroupAssignment()
		a.MemberID, a.MemberAssignment = given[i], []byte(given[i+1])
		r.GroupAssignment = append(r.GroupAssignment, a)
	}
	return r
}

func beating(group, id string, generation int32) *kmsg.HeartbeatRequest {
	r := kmsg.NewPtrHeartbeatRequest()
	r.Version, r.Group, r.MemberID, r.Generation = 4, group, id, generation
	return r
}

func leaving(version int16, group string, ids ...string) *kmsg.LeaveGroupRequest {
	r := kmsg.NewPtrLeaveGroupRequest()
	r.Version, r.Group = version, group
	for _, id := range ids {
		r.MemberID = id
		r.Members = append(r.Members, kmsg.LeaveGroupRequestMember{MemberID: id})
	}
	return r
}

// committing makes an OffsetCommit of partition 0 of topic t.
func committing(group, id string, generation int32, offset int64) *kmsg.OffsetCommitRequest {
	r := kmsg.NewPtrOffsetCommitRequest()
	r.Version, r.Group, r.MemberID, r.Generation = 8, group, id, generation
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Offset, p.Metadata = offset, text("m")
	r.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: "t", Partitions: []kmsg.OffsetCommitRequestTopicPartition{p}}}
	return r
}

func deletingOffsets(group, topic string, partitions ...int32) *kmsg.OffsetDeleteRequest {
	r := kmsg.NewPtrOffsetDeleteRequest()
	r.Group = group
	t := kmsg.OffsetDeleteRequestTopic{Topic: topic}
	for _, p := range partitions {
		t.Partitions = append(t.Partitions, kmsg.OffsetDeleteRequestTopicPartition{Partition: p})
	}
	r.Topics = append(r.Topics, t)
	return r
}

func deleting(groups ...string) *kmsg.DeleteGroupsRequest {
	r := kmsg.NewPtrDeleteGroupsRequest()
	r.Groups = groups
	return r
}

// snapshot returns a coordinator's snapshot as bytes.
func snapshot(c *Coordinator) []byte {
	var b []byte
	c.Snapshot(func(r Record) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(r.Key)))
		b = append(b, r.Key...)
		b = binary.BigEndian.AppendUint32(b, uint32(len(r.Value)))
		b = append(b, r.Value...)
	})
	return b
}

// check holds a coordinator to its invariants.
func check(t *testing.T, c *Coordinator) {
	t.Helper()
	var sum Stats
	for name, g := range c.groups {
		sum.Groups[g.state]++
		sum.Members += len(g.members)
		sum.Pending += len(g.pending)
		checkGroup(t, g)
		if g.name != name {
			t.Fatalf("group %q is found as %q", g.name, name)
		}
		for _, topic := range g.offsets.topics {
			if len(topic.entries) == 0 {
				t.Fatalf("group %q: topic %q has no entries", name, topic.name)
			}
			for _, e := range topic.entries {
				if e.known {
					sum.Offsets++
				} else if e.writes == 0 {
					t.Fatalf("group %q: %s-%d is neither known nor on its way", name, topic.name, e.partition)
				}
			}
		}
	}
	if sum != c.Stats() {
		t.Fatalf("got stats %+v, expected %+v", c.Stats(), sum)
	}
	for i, x := range c.timers.heap {
		if x.place != i+1 || x.at < x.armed || i > 0 && x.before(c.timers.heap[(i+1)/2-1]) {
			t.Fatalf("timer %d of %d is out of order: %+v", i, len(c.timers.heap), x)
		}
	}
}

func checkGroup(t *testing.T, g *group) {
	t.Helper()
	joining, unsynced := 0, 0
	for _, m := range g.members {
		if g.byID[m.id] != m || m.group != g || m.instance != nil && g.static[*m.instance] != m {
			t.Fatalf("group %q: member %q is not found", g.name, m.id)
		}
		if m.joining != nil {
			joining++
		}
		if m.unsynced {
			unsynced++
		}
		if m.syncing != nil && g.state != CompletingRebalance {
			t.Fatalf("group %q: member %q waits for an assignment in state %v", g.name, m.id, g.state)
		}
		if g.state == Stable && !bytes.Equal(m.metadata(), m.protocols[0].metadata) && len(m.protocols) == 1 {
			t.Fatalf("group %q: member %q does not know protocol %q", g.name, m.id, *g.protocol)
		}
	}
	if joining != g.awaiting || unsynced != g.unsynced || len(g.byID) != len(g.members) {
		t.Fatalf("group %q: got counts %d, %d, %d, expected %d, %d, %d", g.name, g.awaiting, g.unsynced, len(g.byID),
			joining, unsynced, len(g.members))
	}
	if (g.leader != "") != (len(g.members) > 0) || g.leader != "" && g.byID[g.leader] == nil {
		t.Fatalf("group %q: got leader %q of %d members", g.name, g.leader, len(g.members))
	}
	if (g.state == Empty || g.state == Dead) && len(g.members) > 0 {
		t.Fatalf("group %q: got %d members in state %v", g.name, len(g.members), g.state)
	}
}
