package broker

import (
	"container/heap"
	"sync"

	"github.com/gregor-log/gregor/base"
)

// timer is a deadline of something that waits. It is embedded in the thing, which is told when its time has come.
type timer struct {
	at    base.Mono
	seq   uint64 // orders timers of the same instant
	index int    // in the heap, or -1
	owner expirer
}

// expirer is what a timer belongs to.
type expirer interface {
	// expire says that the deadline has come. No lock of timers is held, and the timer may be set again.
	expire(b *Broker, now base.Instant, out *Effects)
}

// timers are the broker's deadlines.
type timers struct {
	mu struct {
		sync.Mutex
		heap timerHeap
		seq  uint64
	}
}

// set arms a timer, or moves it. An instant before the clock's first stands for the first: 0 is no deadline.
func (t *timers) set(x *timer, at base.Mono, owner expirer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if x.owner != nil && x.index >= 0 {
		heap.Remove(&t.mu.heap, x.index)
	}
	t.mu.seq++
	x.at, x.seq, x.owner = max(at, 1), t.mu.seq, owner
	heap.Push(&t.mu.heap, x)
}

// stop disarms a timer; one that is not armed is left alone.
func (t *timers) stop(x *timer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if x.owner != nil && x.index >= 0 {
		heap.Remove(&t.mu.heap, x.index)
	}
}

// next returns the earliest deadline, or 0.
func (t *timers) next() base.Mono {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.mu.heap) == 0 {
		return 0
	}
	return t.mu.heap[0].at
}

// fire tells the owners of all timers whose time has come, in order.
func (t *timers) fire(b *Broker, now base.Instant, out *Effects) {
	for {
		t.mu.Lock()
		if len(t.mu.heap) == 0 || t.mu.heap[0].at > now.Mono {
			t.mu.Unlock()
			return
		}
		x := heap.Pop(&t.mu.heap).(*timer)
		t.mu.Unlock()
		x.owner.expire(b, now, out)
	}
}

// timerHeap is a heap of timers by instant and age.
type timerHeap []*timer

func (h timerHeap) Len() int { return len(h) }

func (h timerHeap) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].seq < h[j].seq
}

func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push is heap.Interface's; use heap.Push.
func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	t.index = len(*h)
	*h = append(*h, t)
}

// Pop is heap.Interface's; use heap.Pop.
func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.index = -1
	return t
}
