package broker

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gregor-log/gregor/base"
)

// producerTwin is what a partition must remember of one producer, kept as plainly as can be: every batch it ever took.
type producerTwin struct {
	epoch base.ProducerEpoch
	// taken are the batches of this epoch; those from known on are remembered as duplicates.
	taken []takenBatch
	known int
	// seen says that the producer is known at all.
	seen bool
}

type takenBatch struct {
	first, last int32
	offset      base.Offset
}

// forget leaves the last n batches as those that are remembered.
func (p *producerTwin) forget(n int) {
	p.known = max(len(p.taken)-n, 0)
}

// judge says what a batch must be answered with: a code, and the offset of the first time if it is a duplicate.
func (p *producerTwin) judge(epoch base.ProducerEpoch, first, last int32) (code int16, duplicate base.Offset) {
	if !p.seen {
		return 0, -1
	}
	if epoch == p.epoch {
		for _, b := range p.taken[p.known:] {
			if b.first == first && b.last == last {
				return 0, b.offset
			}
		}
	}
	switch {
	case epoch < p.epoch:
		return 47, -1
	case epoch > p.epoch && first != 0:
		return 45, -1
	case epoch == p.epoch && first != next(p.taken[len(p.taken)-1].last, 1):
		return 45, -1
	}
	return 0, -1
}

// next counts n on from a sequence number.
func next(sequence int32, n int) int32 {
	return int32((int64(sequence) + int64(n)) % (1 << 31))
}

func (p *producerTwin) take(epoch base.ProducerEpoch, first, last int32, offset base.Offset) {
	if epoch != p.epoch {
		p.taken, p.known = nil, 0
	}
	p.seen, p.epoch = true, epoch
	p.taken = append(p.taken, takenBatch{first: first, last: last, offset: offset})
	p.known = max(p.known, len(p.taken)-5)
}

// attempt draws a batch: mostly the right next one, often a retry, sometimes nonsense.
func (p *producerTwin) attempt(r *rand.Rand) (epoch base.ProducerEpoch, first int32, count int) {
	count, epoch = 1+r.IntN(3), p.epoch
	if !p.seen {
		return epoch, []int32{0, 17, 1<<31 - 2}[r.IntN(3)], count
	}
	switch r.IntN(10) {
	case 0, 1, 2: // a retry, of a batch that may be long gone
		b := p.taken[max(len(p.taken)-1-r.IntN(7), 0)]
		return epoch, b.first, int((int64(b.last)-int64(b.first)+1<<31)%(1<<31)) + 1
	case 3: // a gap, or half of a retry
		return epoch, next(p.taken[len(p.taken)-1].last, r.IntN(4)), count
	case 4:
		first = []int32{0, next(p.taken[len(p.taken)-1].last, 1)}[r.IntN(2)]
		return epoch + base.ProducerEpoch(r.IntN(3)) - 1, first, count
	}
	return epoch, next(p.taken[len(p.taken)-1].last, 1), count
}

// Random producers against the twin, with restarts and kills between.
func TestIdempotenceAgainstTwin(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1))
		h := newHarness(t)
		h.create("t", 1)
		twins := make([]producerTwin, 3)
		for i := range twins {
			twins[i].epoch = base.ProducerEpoch(r.IntN(3))
		}
		end := base.Offset(0)
		for range 150 {
			switch r.IntN(60) {
			case 0:
				h.restart()
				for i := range twins {
					twins[i].forget(1) // a snapshot tells of the last batch alone
				}
				continue
			case 1:
				h.kill()
				for i := range twins {
					twins[i].forget(5) // the log tells of all
				}
				continue
			}
			i := r.IntN(len(twins))
			epoch, first, count := twins[i].attempt(r)
			if epoch < 0 {
				continue
			}
			last := next(first, count-1)
			code, duplicate := twins[i].judge(epoch, first, last)
			p := h.produce("t", 0, numbered(base.ProducerID(i+1), epoch, first, make([]string, count)...))
			want := duplicate
			if code == 0 && duplicate < 0 {
				want = end
				twins[i].take(epoch, first, last, end)
				end += base.Offset(count)
			}
			if p.ErrorCode != code || base.Offset(p.BaseOffset) != want {
				t.Fatalf("seed %d: producer %d epoch %d sequences %d-%d: got error %d, offset %d, expected %d, %d; %s",
					seed, i+1, epoch, first, last, p.ErrorCode, p.BaseOffset, code, want, fmt.Sprint(twins[i]))
			}
		}
		if got := h.b.topics.partition("t", 0).log.End(); got != end {
			t.Fatalf("seed %d: got %d records, expected %d", seed, got, end)
		}
	}
}
