package commitlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"testing"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/batch"
	"github.com/gregor-log/gregor/core/segment"
)

// sentSet is a batch that the twin of the producer state remembers.
type sentSet struct {
	epoch       base.ProducerEpoch
	first, last int32
	base, end   base.Offset
}

// producerTwin remembers everything that was ever appended and decides by looking at all of it.
type producerTwin map[base.ProducerID][]sentSet

func (w producerTwin) judge(s set) (duplicate *sentSet, want error) {
	sent := w[s.pid]
	if len(sent) == 0 {
		return nil, nil
	}
	newest := sent[len(sent)-1]
	last := int32((int64(s.seq) + int64(len(s.times)) - 1) % (1 << 31))
	for i := range sent {
		again := sent[i]
		if i >= len(sent)-dedupWindow && again.epoch == s.epoch && newest.epoch == s.epoch && again.first == s.seq &&
			again.last == last {
			return &again, nil
		}
	}
	switch {
	case s.epoch < newest.epoch:
		return nil, ErrStaleProducerEpoch
	case s.epoch > newest.epoch && s.seq != 0:
		return nil, ErrOutOfOrderSequence
	case s.epoch == newest.epoch && int64(s.seq) != (int64(newest.last)+1)%(1<<31):
		return nil, ErrOutOfOrderSequence
	}
	return nil, nil
}

// A log takes, refuses and recognises batches as a twin does that remembers everything, also after it was opened again:
// as long as what is sent again is not older than the newest snapshot.
func TestProducersAgainstTwin(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 4))
			fs := newFS(t)
			o := testOptions(fs)
			o.Config.SegmentBytes = int32(600 + r.IntN(4000))
			l := open(t, o)
			w := producerTwin{}
			newest := func(id base.ProducerID) sentSet {
				if sent := w[id]; len(sent) > 0 {
					return sent[len(sent)-1]
				}
				return sentSet{last: int32(1<<31 - 1 - r.IntN(2)*r.IntN(20))}
			}
			for range 200 {
				if r.IntN(30) == 0 {
					l = reopen(t, l, &o, r.IntN(3))
					if !o.Clean && o.RecoveryPoint == 0 {
						continue // everything was read again: all is known
					}
					for id := range w {
						w[id] = w[id][len(w[id])-1:] // a snapshot holds the last batch of each producer
					}
					continue
				}
				s := set{pid: base.ProducerID(1 + r.IntN(4)), times: make([]int64, 1+r.IntN(3))}
				n := newest(s.pid)
				s.epoch, s.seq = n.epoch, batch.AddSequence(n.last, 1)
				switch r.IntN(8) {
				case 0:
					s.epoch += base.ProducerEpoch(r.IntN(3) - 1)
					s.seq *= int32(r.IntN(2))
				case 1:
					s.seq = batch.AddSequence(s.seq, int32(r.IntN(5)-2))
				case 2, 3:
					if sent := w[s.pid]; len(sent) > 0 {
						again := sent[max(len(sent)-1-r.IntN(8), 0)]
						s.seq, s.epoch = again.first, again.epoch
						s.times = make([]int64, again.end-again.base)
					}
				}
				if s.epoch < 0 {
					continue
				}
				w.send(t, l, s)
			}
		})
	}
}

// send appends a batch to a log and to the twin. After a start from a snapshot the log may know more than the twin.
func (w producerTwin) send(t *testing.T, l *Log, s set) {
	t.Helper()
	end := l.End()
	duplicate, want := w.judge(s)
	got, err := l.Append(s.build(t), 0, start)
	if duplicate != nil {
		if err != nil || !got.Duplicate || got.Base != duplicate.base || got.Last != duplicate.end-1 || l.End() != end {
			t.Fatalf("%+v again: got %+v, %v, expected %+v", s, got, err, *duplicate)
		}
		return
	}
	if err == nil && got.Duplicate && want == ErrOutOfOrderSequence {
		return
	}
	if !errors.Is(err, want) || want == nil && err != nil {
		t.Fatalf("%+v: got %+v, %v, expected %v after %+v", s, got, err, want, w[s.pid])
	}
	if err != nil {
		return
	}
	if got.Duplicate || got.Base != end || got.End != end+base.Offset(len(s.times)) {
		t.Fatalf("%+v: got %+v at end %d", s, got, end)
	}
	w[s.pid] = append(w[s.pid], sentSet{
		epoch: s.epoch, first: s.seq, last: batch.AddSequence(s.seq, int32(len(s.times)-1)),
		base: got.Base, end: got.End,
	})
}

// The window is five batches: the fifth last is recognised, the sixth is out of order.
func TestDedupWindow(t *testing.T) {
	l := open(t, testOptions(newFS(t)))
	for i := range int32(9) {
		_, err := l.Append(set{pid: 7, seq: i}.build(t), 0, start)
		must(t, err)
	}
	for i := range int32(9) {
		got, err := l.Append(set{pid: 7, seq: i}.build(t), 0, start)
		if known := i >= 4; known && (err != nil || !got.Duplicate || got.Base != base.Offset(i)) ||
			!known && !errors.Is(err, ErrOutOfOrderSequence) {
			t.Errorf("batch %d again: got %+v, %v", i, got, err)
		}
	}
	// Another cut of the same sequence numbers is no duplicate.
	if _, err := l.Append(set{pid: 7, seq: 7, times: []int64{1, 2}}.build(t), 0, start); !errors.Is(err,
		ErrOutOfOrderSequence) {
		t.Errorf("got %v, expected %v", err, ErrOutOfOrderSequence)
	}
}

// In-flight batches are recognised after a crash, all five of them, as the log after the snapshot is read again; after
// a clean stop the last one is, as in Kafka.
func TestDedupAfterRestart(t *testing.T) {
	for how, known := range []int32{8, 0, 0} {
		fs := newFS(t)
		o := testOptions(fs)
		o.Config.SegmentBytes = 500
		l := open(t, o)
		for i := range int32(9) {
			_, err := l.Append(set{pid: 7, seq: i}.build(t), 0, start)
			must(t, err)
		}
		if l.SegmentCount() < 2 {
			t.Fatal("the log did not roll")
		}
		last := l.segments()[l.SegmentCount()-1].BaseOffset()
		l = reopen(t, l, &o, how)
		for i := range int32(9) {
			got, err := l.Append(set{pid: 7, seq: i}.build(t), 0, start)
			want := i >= known
			switch how {
			case 1: // read again from the snapshot at the last segment's base on
				want = base.Offset(i) >= last-1
			case 2: // read again whole
				want = i >= 4
			}
			if want && (err != nil || !got.Duplicate || got.Base != base.Offset(i)) || !want && err == nil {
				t.Errorf("restart %d, batch %d again: got %+v, %v", how, i, got, err)
			}
		}
		if _, err := l.Append(set{pid: 7, seq: 9}.build(t), 0, start); err != nil {
			t.Errorf("restart %d, next batch: %v", how, err)
		}
	}
}

// Producers are forgotten when they have been idle for producer.id.expiration.ms, by their records' timestamps.
func TestProducerExpiry(t *testing.T) {
	fs := newFS(t)
	o := testOptions(fs)
	o.Config.ProducerExpirationMs = 1000
	l := open(t, o)
	for id, ts := range map[base.ProducerID]int64{1: start, 2: start + 1, 3: start + 500} {
		_, err := l.Append(set{pid: id, seq: 5, times: []int64{ts}}.build(t), 0, start)
		must(t, err)
	}
	l.ExpireProducers(start + 1000)
	var ids []base.ProducerID
	for _, p := range l.Producers() {
		ids = append(ids, p.ID)
		if p.LastSequence != 5 || p.Epoch != 0 || p.TxnFirstOffset != base.NoOffset || p.CoordinatorEpoch != -1 {
			t.Errorf("got %+v", p)
		}
	}
	if !slices.Equal(ids, []base.ProducerID{2, 3}) {
		t.Errorf("got producers %v, expected 2 and 3", ids)
	}
	if _, err := l.Append(set{pid: 1, seq: 77}.build(t), 0, start); err != nil {
		t.Errorf("a forgotten producer: %v", err)
	}
	if _, err := l.Append(set{pid: 2, seq: 77}.build(t), 0, start); !errors.Is(err, ErrOutOfOrderSequence) {
		t.Errorf("a known producer: got %v", err)
	}
}

// The end of a transaction moves a producer to the marker's epoch, of which the first batch must have sequence 0.
func TestControlBatchesAndProducers(t *testing.T) {
	p := newProducers()
	p.update(set{pid: 4, epoch: 1, seq: 0}.build(t))
	var b batch.Builder
	marker, err := b.EndTxn(4, 2, batch.ControlCommit, 9, start)
	must(t, err)
	p.update(marker)
	for _, row := range []struct {
		s    set
		want error
	}{
		{set{pid: 4, epoch: 1, seq: 1}, ErrStaleProducerEpoch},
		{set{pid: 4, epoch: 2, seq: 1}, ErrOutOfOrderSequence},
		{set{pid: 4, epoch: 2, seq: 0}, nil},
		{set{pid: 4, epoch: 3, seq: 0}, nil},
		{set{pid: 4, epoch: 3, seq: 5}, ErrOutOfOrderSequence},
	} {
		prior, err := p.check(row.s.build(t))
		if prior != nil || !errors.Is(err, row.want) || row.want == nil && err != nil {
			t.Errorf("%+v: got %v, %v, expected %v", row.s, prior, err, row.want)
		}
	}
	if got := len(p.byID[4].batches[:p.byID[4].count]); got != 0 {
		t.Errorf("got %d batches after a new epoch, expected none", got)
	}
}

// A snapshot is read back as it was written, and one that was damaged anywhere is refused.
func TestSnapshotRoundTrip(t *testing.T) {
	p := newProducers()
	for i := range 20 {
		id := base.ProducerID(1 + i%7)
		times := []int64{int64(i), int64(i * 3)}
		p.update(set{pid: id, epoch: base.ProducerEpoch(i % 3), seq: int32(i), times: times}.build(t))
	}
	content := p.encode()
	entries, err := ParseSnapshot(content)
	must(t, err)
	back := newProducers()
	back.load(entries)
	if again := back.encode(); string(again) != string(content) {
		t.Errorf("got %x, expected %x", again, content)
	}
	for id, e := range p.byID {
		got := back.byID[id]
		if got == nil || got.epoch != e.epoch || *got.last() != *e.last() || got.lastTimestamp != e.lastTimestamp {
			t.Errorf("producer %d: got %+v, expected %+v", id, got, e)
		}
	}
	for n := range content {
		if _, err := ParseSnapshot(content[:n]); !errors.Is(err, ErrBadSnapshot) {
			t.Fatalf("cut at %d: got %v", n, err)
		}
		for bit := range 8 {
			bad := slices.Clone(content)
			bad[n] ^= 1 << bit
			if _, err := ParseSnapshot(bad); !errors.Is(err, ErrBadSnapshot) {
				t.Fatalf("bit %d of byte %d: got %v", bit, n, err)
			}
		}
	}
	// A count that was changed together with the CRC is believed no more than the length allows.
	bad := slices.Clone(content)
	binary.BigEndian.PutUint32(bad[6:], 1<<31-1)
	binary.BigEndian.PutUint32(bad[2:], batch.Checksum(bad[6:]))
	if _, err := ParseSnapshot(bad); !errors.Is(err, ErrBadSnapshot) {
		t.Errorf("got %v", err)
	}
}

// Of the snapshots of a directory the newest good one counts, and none of them after the log's end: what it tells of
// never happened.
func TestSnapshotsThatAreOfNoUse(t *testing.T) {
	for _, clean := range []bool{false, true} {
		fs := newFS(t)
		o := testOptions(fs)
		l := open(t, o)
		for i := range int32(4) {
			_, err := l.Append(set{pid: 7, seq: i}.build(t), 0, start)
			must(t, err)
		}
		must(t, l.Close())
		// Snapshots of a log that went on, and of one that was damaged.
		p := newProducers()
		p.update(set{pid: 7, seq: 50}.build(t))
		later := path.Join(logDir, segment.Name(9, segment.SnapshotSuffix))
		write(t, fs, later, p.encode())
		torn := path.Join(logDir, segment.Name(3, segment.SnapshotSuffix))
		write(t, fs, torn, make([]byte, 30))
		o.Clean, o.RecoveryPoint = clean, 4
		l = open(t, o)
		if got, err := l.Append(set{pid: 7, seq: 3}.build(t), 0, start); err != nil || !got.Duplicate || got.Base != 3 {
			t.Errorf("clean %v: the last batch again: got %+v, %v", clean, got, err)
		}
		if _, err := l.Append(set{pid: 7, seq: 4}.build(t), 0, start); err != nil {
			t.Errorf("clean %v: the next batch: %v", clean, err)
		}
		left := tree(t, fs, logDir)
		for _, name := range []string{later, torn} {
			if _, ok := left[name]; ok {
				t.Errorf("clean %v: %s is still there", clean, name)
			}
		}
	}
}
