package broker

import "sync"

// gathering waits for several answers that one response is made of. They may come in this step or in later ones, in any
// order.
type gathering struct {
	mu struct {
		sync.Mutex
		left int
	}
	// finish is called once, when all answers are there.
	finish func(out *Effects)
}

// gather returns a gathering of n answers, and one more for the caller, who calls done when all are asked for: so it
// does not finish while the last ones are still being asked for.
func gather(n int, finish func(out *Effects)) *gathering {
	g := &gathering{finish: finish}
	g.mu.left = n + 1
	return g
}

// locked runs f while no other answer is being taken.
func (g *gathering) locked(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f()
}

// done counts one answer.
func (g *gathering) done(out *Effects) {
	g.mu.Lock()
	g.mu.left--
	last := g.mu.left == 0
	g.mu.Unlock()
	if last {
		g.finish(out)
	}
}
