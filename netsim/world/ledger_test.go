package world

import (
	"math"
	"slices"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/netsim/clock"
)

// bench is a ledger with one topic of two partitions and a node whose broker does not run.
type bench struct {
	t *testing.T
	w *World
	l *Ledger
	n *Node
	p *Partition
}

func newBench(t *testing.T) *bench {
	t.Helper()
	w, err := New(Options{Seed: 1, GoOn: true, Nodes: []NodeOptions{{ID: 1, Clock: clock.New(0, 0, 0)}}})
	if err != nil {
		t.Fatal(err)
	}
	n := w.nodes[0]
	n.cutsAt, n.inspected = []int{0}, 0
	b := &bench{t: t, w: w, l: w.ledger, n: n}
	b.p = b.l.NewTopic("t", 2).Partitions[0]
	b.l.Created(b.p.Topic, base.UUID{1})
	return b
}

// append makes an append of so many records that is sent, and returns its batch at an offset.
func (b *bench) append(at base.Offset, count int32) (AppendID, batch.Batch) {
	b.t.Helper()
	id := b.l.NewAppend(Append{Partition: b.p.Index, Count: count, ValueSize: 5, ProducerID: base.NoProducerID})
	var builder batch.Builder
	builder.Reset(batch.NewOptions())
	for i := range count {
		builder.Append(1000+int64(id), AppendKey(nil, id, i), AppendValue(nil, id, i, 5))
	}
	built, err := builder.Build()
	if err != nil {
		b.t.Fatal(err)
	}
	b.l.Append(id).CRC = built.CRC()
	b.l.Sent(id)
	built = slices.Clone(built)
	built.SetBaseOffset(at)
	return id, built
}

func (b *bench) fence() Fence { return b.l.fence(b.n, b.n.life) }

// fetch hands the ledger an answer.
func (b *bench) fetch(from, high base.Offset, batches ...batch.Batch) (next base.Offset) {
	var all []byte
	for _, one := range batches {
		all = append(all, one...)
	}
	next, _, _ = b.l.Fetched(&Fetched{
		Partition: b.p, From: from, High: high, Records: all, Fence: b.fence(), Floor: b.l.End(b.p),
	}, nil)
	return next
}

// wrongs is what may be wrong with a log, step by step, and the rule that it breaks.
var wrongs = []struct {
	name, want string
	do         func(b *bench)
}{
	{"nothing", "", func(b *bench) {
		first, one := b.append(0, 3)
		_, two := b.append(3, 2)
		b.l.Acked(first, 0, b.fence())
		if next := b.fetch(0, 5, one, two); next != 5 {
			b.t.Errorf("got next offset %d, expected 5", next)
		}
		b.fetch(1, 5, one)
	}},
	{"value changes at an offset", "inconsistent-offsets", func(b *bench) {
		_, one := b.append(0, 3)
		_, other := b.append(0, 3)
		b.fetch(0, 3, one)
		b.fetch(0, 3, other)
	}},
	{"two appends overlap", "inconsistent-offsets", func(b *bench) {
		_, one := b.append(0, 3)
		id, _ := b.append(2, 1)
		b.fetch(0, 3, one)
		b.l.appends[id].floor = 0
		b.l.Acked(id, 2, b.fence())
	}},
	{"gap between batches", "offset-gap", func(b *bench) {
		_, one := b.append(0, 3)
		_, two := b.append(4, 2)
		b.fetch(0, 6, one, two)
	}},
	{"gap before the first batch", "offset-gap", func(b *bench) {
		_, one := b.append(2, 3)
		b.fetch(0, 5, one)
	}},
	{"read beyond the high watermark", "read-beyond-committed", func(b *bench) {
		_, one := b.append(0, 3)
		b.fetch(0, 2, one)
	}},
	{"high watermark goes back", "nonmonotonic-read", func(b *bench) {
		_, one := b.append(0, 3)
		b.fetch(0, 3, one)
		b.fetch(3, 2)
	}},
	{"log start beyond the high watermark", "bad-start", func(b *bench) {
		b.l.Trimming(b.p, 9)
		b.l.Fetched(&Fetched{Partition: b.p, From: 0, High: 3, Start: 5, Fence: b.fence()}, nil)
	}},
	{"log start moves for nothing", "lost-ack", func(b *bench) {
		b.l.Fetched(&Fetched{Partition: b.p, From: 0, High: 3, Start: 2, Fence: b.fence()}, nil)
	}},
	{"refused and read", "aborted-read", func(b *bench) {
		id, one := b.append(0, 1)
		b.l.Failed(id)
		b.fetch(0, 1, one)
	}},
	{"read and refused", "aborted-read", func(b *bench) {
		id, one := b.append(0, 1)
		b.fetch(0, 1, one)
		b.l.Failed(id)
	}},
	{"sent elsewhere", "garbage-read", func(b *bench) {
		id, one := b.append(0, 1)
		b.l.appends[id].Partition = 1
		b.fetch(0, 1, one)
	}},
	{"not sent at all", "garbage-read", func(b *bench) {
		id, one := b.append(0, 1)
		b.l.appends[id].sent = false
		b.fetch(0, 1, one)
	}},
	{"other content under its key", "altered-batch", func(b *bench) {
		id, one := b.append(0, 2)
		b.l.appends[id].CRC++
		b.fetch(0, 2, one)
	}},
	{"bit flipped", "corrupt-batch", func(b *bench) {
		_, one := b.append(0, 2)
		one[len(one)-1] ^= 1
		b.fetch(0, 2, one)
	}},
	{"in the log twice", "duplicate", func(b *bench) {
		_, one := b.append(0, 2)
		again := slices.Clone(one)
		again.SetBaseOffset(2)
		b.fetch(0, 4, one, again)
	}},
	{"acknowledged below what was taken before", "reordered-acks", func(b *bench) {
		_, one := b.append(0, 3)
		b.fetch(0, 3, one)
		id, _ := b.append(1, 1)
		b.l.Acked(id, 1, b.fence())
	}},
	{"acknowledged by a process whose log was shorter", "lost-ack", func(b *bench) {
		id, _ := b.append(4, 1)
		f := b.fence()
		b.n.inspected = b.n.life + 1
		b.p.recovered = 4
		b.l.Acked(id, 4, f)
	}},
	{"producer id twice", "producer-id", func(b *bench) { b.l.Producer(5); b.l.Producer(5) }},
	{"topic id changes", "topic-id", func(b *bench) { b.l.HasID(b.p.Topic, base.UUID{2}) }},
}

func TestLedgerFindsWhatIsWrong(t *testing.T) {
	for _, row := range wrongs {
		t.Run(row.name, func(t *testing.T) {
			b := newBench(t)
			b.t = t
			row.do(b)
			got := ""
			if v := b.w.Violation(); v != nil {
				got = v.Name
			}
			if got != row.want {
				t.Errorf("got violation %q, expected %q: %v", got, row.want, b.w.Violation())
			}
		})
	}
}

// image is a log as it might be read from a disk.
func image(start, end base.Offset, batches ...batch.Batch) *logImage {
	m := &logImage{start: start, end: end}
	for _, b := range batches {
		m.batches = append(m.batches, imageBatch{bytes: b})
	}
	return m
}

// TestLedgerAgainstDisk compares what is known with logs on a disk.
func TestLedgerAgainstDisk(t *testing.T) {
	for _, row := range []struct {
		name, want string
		do         func(b *bench, one, two batch.Batch)
	}{
		{"all there", "", func(b *bench, one, two batch.Batch) { b.l.compare(b.p, image(0, 5, one, two), false) }},
		{"acknowledged one lost", "lost-ack", func(b *bench, one, _ batch.Batch) {
			b.l.compare(b.p, image(0, 0), false)
		}},
		{"shown one lost", "lost-write", func(b *bench, one, _ batch.Batch) {
			b.l.compare(b.p, image(0, 3, one), false)
		}},
		{"lost as the class allows", "", func(b *bench, one, _ batch.Batch) {
			b.l.compare(b.p, image(0, 0), true)
			if got := b.l.Counts().Lost; got != 3 || b.l.End(b.p) != 0 {
				b.t.Errorf("got %d records lost and end %d, expected 3 and 0", got, b.l.End(b.p))
			}
		}},
		{"beginning gone", "lost-ack", func(b *bench, _, two batch.Batch) {
			b.l.compare(b.p, image(3, 5, two),
				false)
		}},
		{"beginning trimmed", "", func(b *bench, _, two batch.Batch) {
			b.l.Trimming(b.p, 3)
			b.l.compare(b.p, image(3, 5, two), false)
		}},
		{"another's batch", "garbage-read", func(b *bench, one, two batch.Batch) {
			id, three := b.append(5, 1)
			b.l.appends[id].sent = false
			b.l.compare(b.p, image(0, 6, one, two, three), false)
		}},
		{"twice", "duplicate", func(b *bench, one, two batch.Batch) {
			again := slices.Clone(two)
			again.SetBaseOffset(5)
			b.l.compare(b.p, image(0, 7, one, two, again), false)
		}},
		{"not recovered, then lost as the class allows", "", func(b *bench, one, _ batch.Batch) {
			b.p.skip(true)
			if b.p.recovered != math.MaxInt64 || !b.p.losing {
				b.t.Errorf("got %+v", b.p)
			}
			b.l.compare(b.p, image(0, 3, one), b.p.losing)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := newBench(t)
			first, one := b.append(0, 3)
			_, two := b.append(3, 2)
			b.l.Acked(first, 0, b.fence())
			b.fetch(0, 5, one, two)
			b.t = t
			row.do(b, one, two)
			got := ""
			if v := b.w.Violation(); v != nil {
				got = v.Name
			}
			if got != row.want {
				t.Errorf("got violation %q, expected %q: %v", got, row.want, b.w.Violation())
			}
		})
	}
}

// TestOutOfRange holds an answer against what was known when the question was sent, not when the answer came: after a
// loss the log may have grown again in between.
func TestOutOfRange(t *testing.T) {
	b := newBench(t)
	_, one := b.append(0, 5)
	b.fetch(0, 5, one)
	f := b.fence()
	for offset, floor := range map[base.Offset]base.Offset{5: 3, 6: 5} {
		if !b.l.OutOfRange(b.p, offset, floor, f) {
			t.Errorf("offset %d with %d known when it was sent: got no, expected that it may be out of range", offset,
				floor)
		}
	}
	if b.l.OutOfRange(b.p, 5, 5, f) || b.l.OutOfRange(b.p, 0, 5, f) {
		t.Error("an offset that is there may be out of range")
	}
	b.l.Trimming(b.p, 2)
	if !b.l.OutOfRange(b.p, 1, 5, f) || b.l.OutOfRange(b.p, 2, 5, f) {
		t.Error("what may be out of range is what may be trimmed")
	}
}

// TestForgotten takes a batch for forgotten only after a restart, and only where it may have lain in the log.
func TestForgotten(t *testing.T) {
	for _, row := range []struct {
		name                             string
		restarts                         int
		read, trims, expires, wantForgot bool
	}{
		{"no restart", 0, true, false, false, false},
		{"never seen", 1, false, false, false, false},
		{"seen", 1, true, false, false, true},
		{"never seen, trimmed", 1, false, true, false, true},
		{"never seen, expired", 1, false, false, true, true},
	} {
		b := newBench(t)
		id, one := b.append(0, 1)
		if row.read {
			b.fetch(0, 1, one)
		}
		if row.trims {
			b.l.Trimming(b.p, 1)
		}
		b.p.Topic.Expires, b.w.stats.Restarts = row.expires, row.restarts
		if got := b.l.Forgotten(id); got != row.wantForgot || (b.l.Counts().Forgotten == 1) != got {
			t.Errorf("%s: got %v, expected %v", row.name, got, row.wantForgot)
		}
	}
}
