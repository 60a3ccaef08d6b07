package group

import "github.com/gregor-log/gregor/base"

// timer is a deadline of a member or a group. Moving it to later costs nothing, since members move theirs with every
// heartbeat: the heap knows the earlier time, and when that comes the timer goes back in with the later one.
type timer struct {
	at    base.Mono // the deadline, or 0
	armed base.Mono // what the heap sorts by. Invariant: armed <= at, while it is in the heap
	seq   uint64    // orders timers of the same instant
	place int       // in the heap, from 1; 0 is nowhere
	owner expirer
}

// expirer is what a timer belongs to.
type expirer interface {
	// expire says that the deadline has come. The timer may be set again.
	expire(c *Coordinator)
}

// timers are the deadlines of a coordinator: a heap.
type timers struct {
	heap []*timer
	seq  uint64
}

// set arms a timer, or moves it.
func (t *timers) set(x *timer, owner expirer, at base.Mono) {
	at = max(at, 1)
	x.at, x.owner = at, owner
	switch {
	case x.place == 0:
		t.push(x)
	case at < x.armed:
		x.armed = at
		t.up(x)
	}
}

func (t *timers) push(x *timer) {
	t.seq++
	x.armed, x.seq = x.at, t.seq
	t.heap = append(t.heap, x)
	x.place = len(t.heap)
	t.up(x)
}

// stop disarms a timer; one that is not armed is left alone.
func (t *timers) stop(x *timer) {
	x.at = 0
	if x.place == 0 {
		return
	}
	last := t.heap[len(t.heap)-1]
	t.heap[len(t.heap)-1] = nil
	t.heap = t.heap[:len(t.heap)-1]
	if last != x {
		t.put(last, x.place)
		t.up(last)
		t.down(last)
	}
	x.place = 0
}

// next returns an instant no later than the earliest deadline, or 0.
func (t *timers) next() base.Mono {
	if len(t.heap) == 0 {
		return 0
	}
	return t.heap[0].armed
}

// fire tells the owners of all timers whose time has come, in order; not those that are set meanwhile.
func (t *timers) fire(c *Coordinator, now base.Mono) {
	for limit := t.seq; len(t.heap) > 0; {
		x := t.heap[0]
		if x.armed > now || x.seq > limit {
			return
		}
		at := x.at
		t.stop(x)
		if at > now {
			x.at = at
			t.push(x)
			continue
		}
		x.owner.expire(c)
	}
}

func (t *timers) put(x *timer, place int) {
	t.heap[place-1] = x
	x.place = place
}

func (x *timer) before(y *timer) bool {
	return x.armed < y.armed || x.armed == y.armed && x.seq < y.seq
}

func (t *timers) up(x *timer) {
	for x.place > 1 {
		parent := t.heap[x.place/2-1]
		if !x.before(parent) {
			return
		}
		place := parent.place
		t.put(parent, x.place)
		t.put(x, place)
	}
}

func (t *timers) down(x *timer) {
	for 2*x.place <= len(t.heap) {
		child := t.heap[2*x.place-1]
		if 2*x.place < len(t.heap) && t.heap[2*x.place].before(child) {
			child = t.heap[2*x.place]
		}
		if !child.before(x) {
			return
		}
		place := child.place
		t.put(child, x.place)
		t.put(x, place)
	}
}
