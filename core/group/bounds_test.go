package group

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
)

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestCommitIsBounded: a commit whose records no batch can hold is refused before they are made, and one that repeats
// a partition is told as if all its records were written; the last one counts.
func TestCommitIsBounded(t *testing.T) {
	w := newWorld(t)
	w.cfg.MaxBatchBytes = 1 << 20
	r := committing(strings.Repeat("g", mostString), "", -1, 5)
	for i := range 4000 {
		r.Topics[0].Partitions = append(r.Topics[0].Partitions, r.Topics[0].Partitions[0])
		r.Topics[0].Partitions[i+1].Offset = int64(i)
	}
	size := uint64(len(r.AppendTo(nil)))
	var ticket int
	if got := allocated(func() { ticket = w.ask(r) }); got > 50*size {
		t.Errorf("got %d bytes allocated for a request of %d", got, size)
	}
	codes := commitCodes(answer[*kmsg.OffsetCommitResponse](w, ticket))
	if len(codes) != 4001 || slices.Min(codes) != -1 || slices.Max(codes) != -1 {
		t.Errorf("got %d codes from %d to %d, expected 4001 times UNKNOWN_SERVER_ERROR", len(codes), slices.Min(codes),
			slices.Max(codes))
	}
	if len(w.c.groups) != 0 || len(w.log) != 0 {
		t.Errorf("got %d groups and %d records of a commit that was refused", len(w.c.groups), len(w.log))
	}
	r.Topics[0].Partitions = r.Topics[0].Partitions[1:9]
	if codes := w.commit(r); slices.Min(codes) != 0 || slices.Max(codes) != 0 || w.fetch(r.Group) != "t/0=7(m) " {
		t.Errorf("got codes %v, offsets %q", codes, w.fetch(r.Group))
	}
	w.reload()
	if got := w.fetch(r.Group); got != "t/0=7(m) " {
		t.Errorf("got offsets %q after a restart", got)
	}
}

// TestCommitBoundIsExactEnough: nothing is refused that a batch can hold. A batch has 61 bytes before its records, and
// a record at least 7 besides its key and value.
func TestCommitBoundIsExactEnough(t *testing.T) {
	for _, retention := range []int64{-1, 1000} {
		w := newWorld(t)
		r := committing("g", "", -1, 5)
		r.Version, r.RetentionTimeMillis = 4, retention
		for i := range int32(9) {
			p := r.Topics[0].Partitions[0]
			p.Partition = i + 1
			r.Topics[0].Partitions = append(r.Topics[0].Partitions, p)
		}
		w.held = true
		w.ask(r)
		size := int32(61)
		for _, r := range w.waiting[0].Records {
			size += int32(7 + len(r.Key) + len(r.Value))
		}
		w.release()
		w.cfg.MaxBatchBytes = size
		if codes := w.commit(r); slices.Min(codes) != 0 {
			t.Errorf("retention %d: got %v for records of %d bytes", retention, codes, size)
		}
		w.cfg.MaxMetadataBytes = 1000
		long := r.Topics[0].Partitions[0]
		long.Metadata = text(strings.Repeat("m", 1001))
		r.Topics[0].Partitions = append(r.Topics[0].Partitions, long)
		if codes := w.commit(r); slices.Min(codes) != 0 || codes[10] != 12 {
			t.Errorf("retention %d: got %v for one more that is not written", retention, codes)
		}
		w.cfg.MaxBatchBytes = size * 9 / 10
		if codes := w.commit(r); slices.Max(codes) != -1 {
			t.Errorf("retention %d: got %v, expected what is larger than a batch to be refused", retention, codes)
		}
	}
}

// TestDeleteOffsetsOnce: however often a request names a partition, one tombstone is written, and the request's are
// written in batches that the topic takes; one that fails is told.
func TestDeleteOffsetsOnce(t *testing.T) {
	w := newWorld(t)
	group := strings.Repeat("g", 10_000)
	r := committing(group, "", -1, 1)
	named := make([]int32, 0, 4000)
	for i := range int32(10) {
		p := r.Topics[0].Partitions[0]
		p.Partition = i
		r.Topics[0].Partitions = append(r.Topics[0].Partitions, p)
	}
	for i := range int32(4000) {
		named = append(named, i%10)
	}
	w.commit(r)
	w.cfg.MaxBatchBytes = 64 << 10
	w.held = true
	ticket := w.ask(deletingOffsets(group, "t", named...))
	count := 0
	for i, x := range w.waiting {
		size := 0
		for _, r := range x.Records {
			size += len(r.Key)
		}
		if size > 32<<10 {
			t.Errorf("write %d: got %d bytes, expected at most half of what a batch may hold", i, size)
		}
		count += len(x.Records)
	}
	if count != 10 || len(w.waiting) != 4 {
		t.Fatalf("got %d tombstones in %d writes, expected 10 in 4", count, len(w.waiting))
	}
	w.settle(0)
	w.settle(6)
	w.release()
	res := answer[*kmsg.OffsetDeleteResponse](w, ticket)
	if res.ErrorCode != 16 || w.c.Stats().Offsets != 3 {
		t.Errorf("got %d with %d offsets left, expected the error of the write that failed", res.ErrorCode,
			w.c.Stats().Offsets)
	}
	res = answer[*kmsg.OffsetDeleteResponse](w, w.ask(deletingOffsets(group, "t", named...)))
	if res.ErrorCode != 0 || len(res.Topics[0].Partitions) != 4000 || w.fetch(group) != "" {
		t.Errorf("got %d for %d partitions, offsets %q", res.ErrorCode, len(res.Topics[0].Partitions), w.fetch(group))
	}
}

// TestTombstonesFitSmallBatches: groups, expired offsets and those of deleted topics go even where batches must be
// small; a tombstone that alone is larger than half a batch goes alone.
func TestTombstonesFitSmallBatches(t *testing.T) {
	for name, remove := range map[string]func(w *world){
		"DeleteGroups": func(w *world) { w.ask(deleting(strings.Repeat("g", 100))) },
		"expiry":       func(w *world) { w.cfg.RetentionMs = 0; w.expire() },
		"deletion": func(w *world) {
			w.input(func() { w.c.TopicsDeleted(w.now, []Topic{{Name: "t"}}, &w.out) })
		},
		"OffsetDelete": func(w *world) { w.ask(deletingOffsets(strings.Repeat("g", 100), "t", 0, 1, 2, 3, 4)) },
	} {
		for _, most := range []int32{400, 150} {
			w := newWorld(t)
			r := committing(strings.Repeat("g", 100), "", -1, 1)
			for i := range int32(4) {
				p := r.Topics[0].Partitions[0]
				p.Partition = i + 1
				r.Topics[0].Partitions = append(r.Topics[0].Partitions, p)
			}
			w.commit(r)
			w.cfg.MaxBatchBytes, w.held = most, true
			remove(w)
			if got := len(w.waiting); got < 5 {
				t.Errorf("%s, batches of %d: got %d writes, expected one for each offset", name, most, got)
			}
			w.release()
			if got := w.c.Stats().Offsets; got != 0 {
				t.Errorf("%s, batches of %d: got %d offsets left", name, most, got)
			}
		}
	}
}

// TestJoinIsBounded: a member whose metadata no record could hold is refused, and leaves nothing.
func TestJoinIsBounded(t *testing.T) {
	for _, version := range []int16{3, 5, 9} {
		w := newWorld(t)
		w.cfg.MaxBatchBytes = 10_000
		r := joining(version, "g", "")
		r.Protocols = nil
		for i := range 10 {
			r.Protocols = append(r.Protocols, kmsg.JoinGroupRequestProtocol{
				Name: fmt.Sprint(i), Metadata: make([]byte, 1000),
			})
		}
		if res := w.join(r); res.ErrorCode != -1 || len(w.c.groups) != 0 {
			t.Errorf("version %d: got %d with %d groups, expected UNKNOWN_SERVER_ERROR", version, res.ErrorCode,
				len(w.c.groups))
		}
		r.Protocols = r.Protocols[:9]
		if res := w.join(r); res.ErrorCode != map[bool]int16{false: 0, true: 79}[version >= 4] {
			t.Errorf("version %d: got %d for metadata that fits", version, res.ErrorCode)
		}
	}
}

// TestSubscriptionsTakeLittleMemory: what is known of the topics that members read takes no more than they said.
func TestSubscriptionsTakeLittleMemory(t *testing.T) {
	const n = 200_000
	metadata := binary.BigEndian.AppendUint32([]byte{0, 0}, n)
	for i := range n {
		metadata = append(metadata, 0, 3, byte(i), byte(i>>8), byte(i>>16))
	}
	w := newWorld(t)
	r := joining(3, "g", "")
	r.Protocols[0].Metadata = metadata
	live := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := live()
	w.join(r)
	if got := int64(live()) - int64(before); got > 3*int64(len(metadata)) {
		t.Errorf("got %d bytes held for a subscription of %d", got, len(metadata))
	}
	g := w.c.groups["g"]
	for i := range n + 1 {
		if g.reads(string([]byte{byte(i), byte(i >> 8), byte(i >> 16)})) != (i < n) {
			t.Fatalf("topic %d: got that it is read %v", i, i >= n)
		}
	}
	runtime.KeepAlive(r)
}

// TestPendingMembersAreBounded: of member ids that nobody joins with, the oldest are forgotten.
func TestPendingMembersAreBounded(t *testing.T) {
	w := newWorld(t)
	var ids []string
	for range 1100 {
		ids = append(ids, w.join(joining(9, "g", "")).MemberID)
	}
	if got := w.c.Stats().Pending; got != 1000 {
		t.Errorf("got %d pending ids, expected 1000", got)
	}
	for _, test := range []struct {
		id   int
		code int16
	}{{0, 25}, {99, 25}, {100, 0}} {
		if got := w.join(joining(9, "g", ids[test.id])).ErrorCode; got != test.code {
			t.Errorf("id %d: got %d, expected %d", test.id, got, test.code)
		}
	}
	w.leave(leaving(3, "g", ids[500]))
	if got := w.c.Stats(); got.Pending != 998 || got.Members != 1 {
		t.Errorf("got %+v", got)
	}
}

// TestAssignmentIsGivenOnce: while an assignment is being written, the leader's next SyncGroup changes nothing.
func TestAssignmentIsGivenOnce(t *testing.T) {
	for _, code := range []int16{0, 19} {
		w := newWorld(t)
		w.cfg.InitialDelayMs = 10
		id := w.join(joining(9, "g", "")).MemberID
		join := w.ask(joining(9, "g", id))
		w.after(20 * 1e6)
		gen := answer[*kmsg.JoinGroupResponse](w, join).Generation
		w.held = true
		first := w.ask(syncing("g", id, gen, id, "first"))
		second := w.ask(syncing("g", id, gen, id, "second"))
		if len(w.waiting) != 1 {
			t.Errorf("got %d writes, expected one", len(w.waiting))
		}
		if got := answer[*kmsg.SyncGroupResponse](w, first).ErrorCode; got != 27 {
			t.Errorf("got %d for the request that the client gave up, expected 27", got)
		}
		w.settle(code)
		w.release()
		res := answer[*kmsg.SyncGroupResponse](w, second)
		if code != 0 {
			if res.ErrorCode != 15 {
				t.Errorf("got %d, expected the outcome of the write", res.ErrorCode)
			}
			continue
		}
		if string(res.MemberAssignment) != "first" {
			t.Errorf("got assignment %q", res.MemberAssignment)
		}
		w.reload()
		if got := string(w.sync(syncing("g", id, gen)).MemberAssignment); got != "first" {
			t.Errorf("got assignment %q after a restart, expected what the member was given", got)
		}
	}
}

// TestTopicsDeletedByID: offsets go with the topic that they were committed for, as in Kafka, be they written or on
// their way; where one id is not known the name decides.
func TestTopicsDeletedByID(t *testing.T) {
	for _, held := range []bool{false, true} {
		for _, test := range []struct {
			committed, deleted byte
			goes               bool
		}{{1, 1, true}, {1, 2, false}, {0, 2, true}, {1, 0, true}, {0, 0, true}} {
			w := newWorld(t)
			r := committing("g", "", -1, 3)
			r.Topics[0].TopicID = [16]byte{9}
			w.commit(r)
			w.held = held
			r = committing("g", "", -1, 5)
			r.Topics[0].TopicID = [16]byte{test.committed}
			w.ask(r)
			topics := []Topic{{Name: "other", ID: [16]byte{test.committed}}, {Name: "t", ID: [16]byte{test.deleted}}}
			w.input(func() { w.c.TopicsDeleted(w.now, topics, &w.out) })
			w.release()
			if goes := w.fetch("g") == ""; goes != test.goes {
				t.Errorf("%+v, held %v: got offsets %q", test, held, w.fetch("g"))
			}
		}
	}
}

// TestTopicsDeletedLooksAtAffectedGroupsAlone: beside many groups, the deletion of a topic that none of them reads
// takes no memory, and offsets go in the order of groups and topics.
func TestTopicsDeletedLooksAtAffectedGroupsAlone(t *testing.T) {
	w := newWorld(t)
	for i := range 3000 {
		r, _ := offsetRecord(nil, fmt.Sprint("g", i), "t", 0, &offset{offset: 1, expires: noTime})
		w.log = append(w.log, r)
	}
	w.reload()
	none := []Topic{{Name: "none"}}
	if got := allocated(func() { w.c.TopicsDeleted(w.now, none, &w.out) }); got > 8<<10 {
		t.Errorf("got %d bytes allocated for a topic that nobody has committed for", got)
	}
	r := committing("g7", "", -1, 1)
	for i := range 5 {
		r.Topics = append(r.Topics, r.Topics[0])
		r.Topics[i+1].Topic = fmt.Sprint("u", i)
	}
	w.commit(r)
	w.held = true
	w.input(func() { w.c.TopicsDeleted(w.now, []Topic{{Name: "u3"}, {Name: "t"}, {Name: "u1"}}, &w.out) })
	var keys []string
	for _, r := range w.waiting[0].Records {
		keys = append(keys, string(r.Key))
	}
	if len(keys) != 3002 || !slices.IsSortedFunc(keys, func(a, b string) int {
		return strings.Compare(a[4:], b[4:]) // by group, then topic
	}) {
		t.Errorf("got %d tombstones out of order", len(keys))
	}
}

// TestLoadedDropsOffsetsOfMissingTopics: offsets whose topics are gone when a coordinator is loaded are removed for
// good.
func TestLoadedDropsOffsetsOfMissingTopics(t *testing.T) {
	w := newWorld(t)
	for i, topic := range []string{"kept", "gone", "again"} {
		r := committing("g", "", -1, int64(i))
		r.Topics[0].Topic, r.Topics[0].TopicID = topic, [16]byte{byte(i)}
		w.commit(r)
	}
	w.c, w.held = w.fresh(), true
	for _, r := range w.log {
		if err := w.c.Load(r.Key, r.Value); err != nil {
			t.Fatal(err)
		}
	}
	w.input(func() {
		w.c.Loaded(w.now, func(name string, id base.UUID) bool {
			if expected := map[string]byte{"gone": 1, "again": 2}[name]; id[0] != expected {
				t.Errorf("topic %q: got id %v", name, id)
			}
			return name == "kept" || name == "again" && id[0] == 7
		}, &w.out)
	})
	if len(w.waiting) != 1 || len(w.waiting[0].Records) != 2 {
		t.Fatalf("got %d writes, expected one of two tombstones", len(w.waiting))
	}
	w.release()
	w.reload()
	if got := w.fetch("g"); got != "kept/0=0(m) " {
		t.Errorf("got offsets %q", got)
	}
}
