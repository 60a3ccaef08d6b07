package broker

import (
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
)

// Traps of the Kafka protocol, 26 to 32: produce and idempotence.

// produceVersion appends one record set by name or id, as the version wants it.
func (h *harness) produceVersion(version, acks int16, topic string, id [16]byte,
	records []byte) kmsg.ProduceResponseTopicPartition {
	h.Helper()
	p := part{topic: topic, records: records}
	if version >= 13 {
		p.topic, p.id = "", id
	}
	return ask[*kmsg.ProduceResponse](h, version, produceOf(version, acks, p)).Topics[0].Partitions[0]
}

func patched(patch func(batch.Batch)) []byte {
	r := values("a", "b")
	r.patch = patch
	return r.batch()
}

func TestTrap26ProduceWantsOneWholeBatch(t *testing.T) {
	h := newHarness(t)
	id := h.create("t", 1)
	good := values("a", "b").batch()
	crc := slices.Clone(good)
	crc[17] ^= 1
	for _, test := range []struct {
		name    string
		records []byte
		code    int16
	}{
		{"two batches", append(slices.Clone(good), good...), 87},
		{"nothing", []byte{}, 87},
		{"null", nil, 87},
		{"half a batch", good[:len(good)-1], 87},
		{"half a header", good[:30], 87},
		{"base offset", patched(func(b batch.Batch) { b.SetBaseOffset(5) }), 87},
		{"no records", patched(func(b batch.Batch) { copy(b[57:61], []byte{0, 0, 0, 0}) }), 87},
		{"too many records", patched(func(b batch.Batch) { b[60] = 3 }), 87},
		{"offset delta", patched(func(b batch.Batch) { b[26] = 7 }), 87},
		{"control", patched(func(b batch.Batch) { b.SetAttributes(1 << 5) }), 87},
		{"v1", patched(func(b batch.Batch) { b[16] = 1 }), 87},
		{"v3", patched(func(b batch.Batch) { b[16] = 3 }), 2},
		{"CRC", crc, 2},
	} {
		for v := int16(3); v <= 13; v++ {
			p := h.produceVersion(v, 1, "t", id, test.records)
			if p.ErrorCode != test.code || p.BaseOffset != -1 {
				t.Errorf("%s v%d: got error %d and offset %d, expected %d", test.name, v, p.ErrorCode, p.BaseOffset,
					test.code)
			}
		}
	}
	if got := h.content("t", 0); got != nil {
		t.Errorf("got %v in the log", got)
	}
}

// Clients older than version 7 cannot read zstd, and would never have written it.
func TestTrap26ZstdFromVersion7(t *testing.T) {
	h := newHarness(t)
	id := h.create("t", 1)
	for codec := batch.Gzip; codec <= batch.Zstd; codec++ {
		r := values("a", "b")
		r.codec = codec
		for v := int16(3); v <= 13; v++ {
			code := int16(0)
			if codec == batch.Zstd && v < 7 {
				code = 76
			}
			if p := h.produceVersion(v, 1, "t", id, r.batch()); p.ErrorCode != code {
				t.Errorf("%s v%d: got error %d, expected %d", codec, v, p.ErrorCode, code)
			}
		}
	}
}

// Java splits a batch that is too large and tries again, if it is told so for the partition.
func TestTrap27MessageTooLarge(t *testing.T) {
	h := newHarness(t)
	id := h.create("t", 1, "max.message.bytes", "200")
	h.create("other", 1)
	large := values(strings.Repeat("x", 200)).batch()
	for v := int16(3); v <= 13; v++ {
		if p := h.produceVersion(v, 1, "t", id, large); p.ErrorCode != 10 {
			t.Errorf("v%d: got error %d, expected 10", v, p.ErrorCode)
		}
	}
	exact := values("").batch()
	n := 200 - len(exact) - 2 // two lengths take a byte more
	exact = values(strings.Repeat("x", n)).batch()
	if len(exact) != 200 {
		t.Fatalf("the batch has %d bytes, expected 200", len(exact))
	}
	if p := h.produceVersion(9, 1, "t", id, exact); p.ErrorCode != 0 {
		t.Errorf("got error %d for a batch of just max.message.bytes", p.ErrorCode)
	}
	if p := h.produceVersion(9, 1, "t", id, values(strings.Repeat("x", n+1)).batch()); p.ErrorCode != 10 {
		t.Errorf("got error %d for a byte more, expected 10", p.ErrorCode)
	}
	res := ask[*kmsg.ProduceResponse](h, 9, produceOf(9, 1, part{topic: "t", records: large},
		part{topic: "other", records: large}))
	if a, b := res.Topics[0].Partitions[0], res.Topics[1].Partitions[0]; a.ErrorCode != 10 || b.ErrorCode != 0 {
		t.Errorf("got errors %d and %d, expected 10 and 0: each partition for itself", a.ErrorCode, b.ErrorCode)
	}
}

func TestTrap28CompactedTopicsWantKeys(t *testing.T) {
	h := newHarness(t)
	for _, policy := range []string{"compact", "compact,delete"} {
		id := h.create("t"+policy[len(policy)-1:], 1, "cleanup.policy", policy)
		name := "t" + policy[len(policy)-1:]
		mixed := recipe{values: []string{"a", "b", "c"}, keys: []string{"k"}}
		for v := int16(3); v <= 13; v++ {
			p := h.produceVersion(v, 1, name, id, mixed.batch())
			if p.ErrorCode != 87 {
				t.Fatalf("%s v%d: got error %d, expected 87", policy, v, p.ErrorCode)
			}
			var indexes []int32
			for _, e := range p.ErrorRecords {
				indexes = append(indexes, e.RelativeOffset)
			}
			if v >= 8 && (!slices.Equal(indexes, []int32{1, 2}) || text(p.ErrorRecords[0].ErrorMessage) == "" ||
				text(p.ErrorMessage) == "") {
				t.Errorf("%s v%d: got records %v at fault and message %q", policy, v, indexes, text(p.ErrorMessage))
			}
		}
		good := recipe{values: []string{"a", "b"}, keys: []string{"k", "l"}}
		if p := h.produceVersion(9, 1, name, id, good.batch()); p.ErrorCode != 0 {
			t.Errorf("%s: got error %d with keys", policy, p.ErrorCode)
		}
	}
}

func TestTrap29TheLastFiveBatchesAreKnown(t *testing.T) {
	h := newHarness(t)
	id := h.create("t", 1)
	const pid = 77
	offsets := make(map[int32]base.Offset)
	for i := range int32(7) {
		offsets[i] = h.mustProduce("t", 0, numbered(pid, 0, 2*i, "a", "b"))
	}
	check := func(when string) {
		for i := range int32(7) {
			for v := int16(3); v <= 13; v += 5 {
				p := h.produceVersion(v, 1, "t", id, numbered(pid, 0, 2*i, "a", "b").batch())
				switch {
				case i < 2 && p.ErrorCode != 45:
					t.Errorf("%s, batch %d v%d: got error %d, expected 45: it is too old", when, i, v, p.ErrorCode)
				case i >= 2 && (p.ErrorCode != 0 || base.Offset(p.BaseOffset) != offsets[i] ||
					p.LogAppendTime != epoch):
					t.Errorf("%s, batch %d v%d: got error %d, offset %d, time %d, expected 0, %d and %d", when, i, v,
						p.ErrorCode, p.BaseOffset, p.LogAppendTime, offsets[i], epoch)
				}
			}
		}
		for _, partly := range []recipe{
			numbered(pid, 0, 4, "a"), numbered(pid, 0, 5, "b"), numbered(pid, 0, 4, "a", "b", "c"),
		} {
			if p := h.produce("t", 0, partly); p.ErrorCode != 45 {
				t.Errorf("%s: half a batch got error %d, expected 45", when, p.ErrorCode)
			}
		}
		if got := len(h.content("t", 0)); got != 14 {
			t.Fatalf("%s: got %d records, expected 14", when, got)
		}
	}
	check("at first")
	h.kill()
	check("after a kill")
	h.restart() // of a clean stop, the snapshot remembers the last batch alone
	p := h.produce("t", 0, numbered(pid, 0, 12, "a", "b"))
	if p.ErrorCode != 0 || base.Offset(p.BaseOffset) != offsets[6] {
		t.Errorf("after a restart: got error %d, offset %d, expected 0 and %d", p.ErrorCode, p.BaseOffset, offsets[6])
	}
	h.mustProduce("t", 0, numbered(pid, 0, 14, "c"))
}

func TestTrap30Sequences(t *testing.T) {
	h := newHarness(t)
	h.create("t", 1)
	const last = 1<<31 - 1
	for _, test := range []struct {
		name string
		r    recipe
		code int16
	}{
		{"unknown producer at any sequence", numbered(1, 4, 99, "a"), 0},
		{"goes on", numbered(1, 4, 100, "a", "b"), 0},
		{"gap", numbered(1, 4, 103, "a"), 45},
		{"new epoch not at 0", numbered(1, 5, 102, "a"), 45},
		{"new epoch at 0", numbered(1, 5, 0, "a"), 0},
		{"goes on in it", numbered(1, 5, 1, "a"), 0},
		{"epochs may be skipped", numbered(1, 9, 0, "a"), 0},
		{"up to the last sequence", numbered(2, 0, last-1, "a", "b"), 0},
		{"wraps to 0", numbered(2, 0, 0, "a"), 0},
		{"after the wrap", numbered(2, 0, 1, "a"), 0},
		{"across the wrap", numbered(3, 0, last, "a", "b", "c"), 0},
		{"after that", numbered(3, 0, 2, "a"), 0},
		{"that again", numbered(3, 0, last, "a", "b", "c"), 0},
		{"negative sequence", numbered(4, 0, -1, "a"), 87},
	} {
		if p := h.produce("t", 0, test.r); p.ErrorCode != test.code {
			t.Errorf("%s: got error %d, expected %d", test.name, p.ErrorCode, test.code)
		}
	}
	if got := len(h.content("t", 0)); got != 14 {
		t.Errorf("got %d records, expected 14", got)
	}
}

// Of a producer that was fenced, nothing is taken, not even what was taken before.
func TestTrap31StaleEpochsAreFenced(t *testing.T) {
	h := newHarness(t)
	id := h.create("t", 1)
	h.mustProduce("t", 0, numbered(1, 3, 0, "a"))
	h.mustProduce("t", 0, numbered(1, 4, 0, "b"))
	for v := int16(3); v <= 13; v++ {
		for _, r := range []recipe{numbered(1, 3, 1, "c"), numbered(1, 3, 0, "a"), numbered(1, 0, 0, "c")} {
			if p := h.produceVersion(v, -1, "t", id, r.batch()); p.ErrorCode != 47 {
				t.Errorf("v%d epoch %d: got error %d, expected 47", v, r.epoch, p.ErrorCode)
			}
		}
	}
}

// Epochs below -1 are stale for everybody; -1 is an epoch like any other where the id is a real one, and an id below -1
// is none.
func TestTrap31EpochsLessThanNone(t *testing.T) {
	h := newHarness(t)
	h.create("t", 1)
	for i, test := range []struct {
		r    recipe
		code int16
	}{
		{numbered(1, -2, 0, "a"), 47}, {numbered(1, -1<<15, 0, "a"), 47}, {numbered(1, 0, 0, "a"), 0},
		{numbered(1, -1, 1, "b"), 47}, {numbered(1, -2, 1, "b"), 47},
		{numbered(2, -1, 0, "a"), 0}, {numbered(2, -1, 7, "b"), 0}, {numbered(2, 0, 0, "c"), 0},
		{numbered(-2, 0, 0, "a"), 0}, {numbered(-9, -2, -5, "a"), 0},
	} {
		if p := h.produce("t", 0, test.r); p.ErrorCode != test.code {
			t.Errorf("%d: producer %d epoch %d: got error %d, expected %d", i, test.r.producer, test.r.epoch,
				p.ErrorCode, test.code)
		}
	}
}

func TestTrap32ProducerIDsAreFresh(t *testing.T) {
	h := newHarness(t)
	seen := make(map[int64]bool)
	draw := func(n int) {
		for i := range n {
			req := kmsg.NewPtrInitProducerIDRequest()
			req.TransactionTimeoutMillis = 60000
			if v := int16(i % 6); v >= 3 && i%2 == 0 {
				req.ProducerID, req.ProducerEpoch = 5, 3 // without a transactional id, a fresh one all the same
			}
			res := ask[*kmsg.InitProducerIDResponse](h, int16(i%6), req)
			if res.ErrorCode != 0 || res.ProducerEpoch != 0 || res.ProducerID < 0 || seen[res.ProducerID] {
				t.Fatalf("got %+v, given before: %v", res, seen[res.ProducerID])
			}
			seen[res.ProducerID] = true
		}
	}
	draw(1500) // more than a block of 1,000
	h.restart()
	draw(20)
	h.kill()
	draw(20)
	empty, named := "", "x"
	for v := range int16(6) {
		for id, code := range map[*string]int16{&empty: 42, &named: 15} {
			req := kmsg.NewPtrInitProducerIDRequest()
			req.TransactionalID = id
			res := ask[*kmsg.InitProducerIDResponse](h, v, req)
			if res.ErrorCode != code || res.ProducerID != -1 || res.ProducerEpoch != -1 {
				t.Errorf("v%d transactional id %q: got %+v, expected error %d", v, *id, res, code)
			}
		}
	}
	for v := int16(3); v <= 5; v++ {
		for _, test := range []struct {
			transactional *string
			id            int64
			epoch, code   int16
		}{
			{nil, 5, -1, 42}, {nil, -1, 0, 42}, {nil, -1, -2, 42}, {nil, -2, -1, 42}, {&named, 5, -1, 42},
			{&named, -1, 3, 42}, {nil, -2, -2, 0}, {nil, 5, -2, 0},
		} {
			req := kmsg.NewPtrInitProducerIDRequest()
			req.TransactionalID, req.ProducerID, req.ProducerEpoch = test.transactional, test.id, test.epoch
			if res := ask[*kmsg.InitProducerIDResponse](h, v, req); res.ErrorCode != test.code {
				t.Errorf("v%d: %+v: got error %d", v, test, res.ErrorCode)
			}
		}
	}
}
